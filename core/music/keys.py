"""Keys: which one a piece is in, by the profiles of Krumhansl and Kessler, and another one for it."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import RequestError, mark
from core.music.score import Score
from core.music.spelling import NATURALS

MAJOR: Final = frozenset({0, 2, 4, 5, 7, 9, 11})  # the degrees of a scale, in semitones above its tonic
MINOR: Final = frozenset({0, 2, 3, 5, 7, 8, 9, 10, 11})  # with the raised sixth and seventh degrees

# How often each pitch class sounds in a key, the tonic first: J. Albrecht and D. Shanahan, "The use of large corpora to
# train a new type of key-finding algorithm", Music Perception 31 (2013), for major and minor.
_MAJOR: Final = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
_MINOR: Final = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
_LAST_BASS: Final = 0.2  # added to the correlation of the keys of which a whole piece's last bass note is the tonic

_KEYS: Final = (
    *(mark("C major"), mark("D♭ major"), mark("D major"), mark("E♭ major"), mark("E major"), mark("F major")),
    *(mark("F♯ major"), mark("G major"), mark("A♭ major"), mark("A major"), mark("B♭ major"), mark("B major")),
    *(mark("C minor"), mark("C♯ minor"), mark("D minor"), mark("E♭ minor"), mark("E minor"), mark("F minor")),
    *(mark("F♯ minor"), mark("G minor"), mark("G♯ minor"), mark("A minor"), mark("B♭ minor"), mark("B minor")),
)
KEYS: Final = tuple(map(str, _KEYS))

_ALTERATIONS: Final = {"": 0, "b": -1, "♭": -1, "#": 1, "♯": 1}
_KEY: Final = re.compile(r"\s*([A-Ga-g])([b♭#♯]?)\s*(m|min|minor|maj|major)?\s*", re.IGNORECASE)


def find_key(pitches: NDArray[np.integer], last_bass: int | None = None) -> str:
    """Name the key whose profile correlates best with the pitch classes, and with the last bass note as its tonic."""
    fits = _fits(pitches)
    if last_bass is not None:
        fits[[last_bass % 12, last_bass % 12 + 12]] += _LAST_BASS
    return KEYS[int(fits.argmax())]


def clarity(pitches: NDArray[np.integer]) -> float:
    """Return how well the pitch classes fit the key that they fit best: their correlation with its profile."""
    return float(_fits(pitches).max())


def _fits(pitches: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the correlation of pitch classes with the profile of each key, (24,)."""
    counts = np.bincount(pitches % 12, minlength=12).astype(float)
    centred = counts - counts.mean()
    fits: NDArray[np.float64] = _PROFILES @ (centred / max(float(np.linalg.norm(centred)), 1e-9))
    return fits


def key_of(piece: Score, *, open_end: bool = False) -> str:
    """Name the key of a piece, as in "E♭ major"; empty for a piece without events. A long note counts for more.

    With `open_end` the piece goes on, and says nothing by its last note.
    """
    if not piece.events:
        return ""
    ends = [*(event.onset for event in piece.events[1:]), piece.length]
    pitches = [event.pitches * max(1, end - event.onset) for event, end in zip(piece.events, ends, strict=False)]
    return find_key(np.concatenate(pitches), None if open_end else piece.events[-1].pitches[0])


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
        raise RequestError("{key!r} is not a key. Write C, Bb, F# or E minor, for example.", key=key[:20])
    letter, alteration, mode = match.groups()
    tonic = (NATURALS[letter.upper()] + _ALTERATIONS[alteration.lower()]) % 12
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
