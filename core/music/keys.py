"""Keys: which one a piece is in, by the profiles of Krumhansl and Kessler, and another one for it."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import RequestError
from core.music.score import Score

# How well each pitch class fits a key, the tonic first: the probe-tone ratings of C. L. Krumhansl and E. J. Kessler,
# "Tracing the dynamic changes in perceived tonal organization", Psychological Review 89 (1982), for major and minor.
_MAJOR: Final = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR: Final = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_NAMES: Final = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
_MINOR_NAMES: Final = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B")

KEYS: Final = (*(f"{name} major" for name in _NAMES), *(f"{name} minor" for name in _MINOR_NAMES))

_TONICS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ALTERATIONS: Final = {"": 0, "b": -1, "♭": -1, "#": 1, "♯": 1}
_KEY: Final = re.compile(r"\s*([A-Ga-g])([b♭#♯]?)\s*(m|min|minor|maj|major)?\s*", re.IGNORECASE)


def find_key(pitches: NDArray[np.integer]) -> str:
    """Name the key whose profile correlates best with the pitch classes (Krumhansl and Schmuckler's algorithm)."""
    counts = np.bincount(pitches % 12, minlength=12).astype(float)
    centred = counts - counts.mean()
    return KEYS[int((_PROFILES @ centred).argmax())]


def key_of(piece: Score) -> str:
    """Name the key of a piece, as in "E♭ major"; empty for a piece without events. A long note counts for more."""
    ends = [*(event.onset for event in piece.events[1:]), piece.length]
    pitches = [event.pitches * max(1, end - event.onset) for event, end in zip(piece.events, ends, strict=False)]
    return find_key(np.concatenate(pitches)) if pitches else ""


def in_key(piece: Score, key: str) -> Score:
    """Transpose a piece to a key such as `G`, `Bb`, `F# minor`, the shorter way.

    A key without a mode moves the tonic and keeps the mode. One of the other mode moves to its relative key: E minor
    asks of a major piece G major. Raises RequestError.
    """
    tonic, mode = parse_key(key)
    found = key_of(piece)
    if not found:
        return piece
    there, its_mode = parse_key(found)
    if mode and mode != its_mode:
        tonic += 3 if mode == "minor" else -3
    return piece.transposed((tonic - there + 6) % 12 - 6)


def parse_key(key: str) -> tuple[int, str]:
    """Return a key's tonic, 0 to 11, and its mode: major, minor or empty. Raises RequestError."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise RequestError(f"{key[:20]!r} is not a key. Write C, Bb, F# or E minor, for example.")
    letter, alteration, mode = match.groups()
    tonic = (_TONICS[letter.upper()] + _ALTERATIONS[alteration.lower()]) % 12
    if mode is None:
        return tonic, ""
    return tonic, "minor" if mode == "m" or mode.lower().startswith("min") else "major"


def is_home(chord: Sequence[int], key: str) -> bool:
    """Tell whether a chord, ascending, is a key's tonic triad or a part of it, on its root.

    A minor key may come home in major (the Picardy third). Without a key there is no home.
    """
    if not chord or not key:
        return False
    tonic, mode = parse_key(key)
    triad = {0, 7, 4} if mode == "major" else {0, 7, 3, 4}
    above = {(pitch - tonic) % 12 for pitch in chord}
    return (chord[0] - tonic) % 12 == 0 and above <= triad and not {3, 4} <= above


def _standardised(profile: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the profile for all twelve tonics, (12, 12), each of mean 0 and length 1."""
    centred = np.array(profile) - np.mean(profile)
    return np.array([np.roll(centred / np.linalg.norm(centred), tonic) for tonic in range(12)])


_PROFILES: Final = np.concatenate([_standardised(_MAJOR), _standardised(_MINOR)])  # (24, 12)
