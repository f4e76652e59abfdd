"""Where a piece can begin: at the end of a music file, at a passage of it, or with a hum."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from core.errors import ReadingError, counted
from core.music import score
from core.music.melody import Melody
from core.music.notation import Anchor
from core.music.piece import Reading
from core.music.score import Event, Score
from core.reading import formats, melody, sounds
from core.reading.melody import Passage, Primer
from core.reading.playing import ALL, play


def from_music(
    data: bytes,
    name: str,
    *,
    anchor: Anchor,
    unit: Fraction,
    bars: int,
    track: str | None = None,
    first_bar: int | None = None,
    read: Callable[[bytes, str], Reading] = formats.read,
    listen: Callable[[bytes, str], Melody] | None = None,
) -> Primer:
    """Return `bars` bars of a music file's first piece as notation, or a hum. Raises ReadingError.

    Where neither a track is named nor a first bar, they are the last ones, as they are played. A stranger's file is for
    `read=pool.read_safely` and `listen=pool.listen_safely`.
    """
    if track is not None or first_bar is not None or sounds.is_sound(data, name):
        given = melody.from_file(data, name, Passage(track, first_bar, bars), read=read, listen=listen)
        return melody.to_primer(given, anchor, unit)
    printed = read(data, name).pieces[0]
    ending = last_bars(play(printed, ALL).score(unit), bars)
    if not ending.events:
        silent = counted(
            "The last bar of {name} is silent. Ask for more.",
            "The last {count} bars of {name} are silent. Ask for more.",
            bars,
            name=name,
        )
        raise ReadingError(silent)
    words = counted("The last bar of {title}.", "The last {count} bars of {title}.", bars, title=printed.title)
    text = score.to_text(ending, anchor)
    return Primer(text, ending.metre, ending.bars, (words,), begun=text)


def last_bars(piece: Score, bars: int) -> Score:
    """Return the end of a piece from a bar line on, at most `bars` bars."""
    whole = -(-piece.length // piece.units_per_bar)
    start = max(0, whole - bars) * piece.units_per_bar
    events = tuple(Event(event.onset - start, event.pitches) for event in piece.events if event.onset >= start)
    return replace(piece, events=events, length=piece.length - start)
