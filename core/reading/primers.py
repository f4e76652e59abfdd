"""Where a piece can begin: at the end of a music file."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from core.errors import ReadingError, counted
from core.music import score
from core.music.notation import Anchor
from core.music.piece import Reading
from core.music.score import Event, Score
from core.reading import formats
from core.reading.playing import play


def from_music(
    data: bytes,
    name: str,
    *,
    anchor: Anchor,
    unit: Fraction,
    bars: int,
    read: Callable[[bytes, str], Reading] = formats.read,
) -> str:
    """Return the last `bars` bars of a music file's first piece as notation. Raises ReadingError.

    A stranger's file is for `read=reading_apart.read_safely`.
    """
    piece = play(read(data, name).pieces[0]).score(unit)
    ending = last_bars(piece, bars)
    if not ending.events:
        silent = counted(
            "The last bar of {name} is silent. Ask for more.",
            "The last {count} bars of {name} are silent. Ask for more.",
            bars,
            name=name,
        )
        raise ReadingError(silent)
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
