"""Where a piece can begin: at the end of a music file, and in a key of one's choice."""

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Final

import numpy as np

from core import reading, score
from core.errors import ReadingError, RequestError
from core.keys import find_key
from core.notation import Anchor
from core.piece import Reading
from core.score import Event, Score

_TONICS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ALTERATIONS: Final = {"": 0, "b": -1, "♭": -1, "#": 1, "♯": 1}
_KEY: Final = re.compile(r"\s*([A-Ga-g])([b♭#♯]?)\s*(m|min|minor|maj|major)?\s*", re.IGNORECASE)


def from_music(
    data: bytes,
    name: str,
    *,
    anchor: Anchor,
    unit: Fraction,
    bars: int,
    read: Callable[[bytes, str], Reading] = reading.read,
) -> str:
    """Return the last `bars` bars of a music file's first piece as notation. Raises ReadingError.

    A stranger's file is for `read=reading_apart.read_safely`.
    """
    piece = read(data, name).pieces[0].score(unit)
    ending = last_bars(piece, bars)
    if not ending.events:
        raise ReadingError(f"The last {bars} bars of {name} are silent. Ask for more of it.")
    return score.to_text(ending, anchor)


def closed(text: str, anchor: Anchor, unit: Fraction) -> str:
    """Return a primer in normal form, its last event closed by a rest. Raises NotationError."""
    return score.to_text(score.from_text(text, anchor, unit, open_end=True), anchor)


def last_bars(piece: Score, bars: int) -> Score:
    """Return the end of a piece from a bar line on, at most `bars` bars of four quarters."""
    whole = -(-piece.length // piece.units_per_bar)
    start = max(0, whole - bars) * piece.units_per_bar
    events = tuple(Event(event.onset - start, event.pitches) for event in piece.events if event.onset >= start)
    return replace(piece, events=events, length=piece.length - start)


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
