"""The front door for a melody: whatever somebody types or hands over -> what they mean, as music and in words.

The notation, note names, a whole ABC tune, a music file, a hum; docs/melodies.md says what each may look like.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

import numpy as np

from core.errors import Message, ReadingError, RequestError, counted, mark
from core.music import melody, score, voices
from core.music.melody import Melody, Note
from core.music.metre import COMMON, Metre, parse_metre
from core.music.notation import Anchor
from core.music.piece import Printed, Reading
from core.reading import formats, humming, sounds
from core.reading.anchors import read_notation
from core.reading.names import are_names, read_names

Source = Literal["notation", "names", "abc", "file", "hum"]

LONGEST: Final = 64  # bars of a file, where nobody says how many
MOST_CHARACTERS: Final = 20_000  # enough for a whole piece to be continued
HIGHEST_LINE: Final = "melody"  # what to say for a track to mean the highest line of all

_GRIDS: Final = (Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 12))  # quarters
_SIXTEENTH: Final = Fraction(1, 4)
_NEAR: Final = Fraction(1, 48)  # of a quarter: how far beside the grid a note of a file is on it
_ON_GRID: Final = 0.95  # share of notes that is on a grid which fits
_TUNE: Final = re.compile(r"(?:^|\s)K:")
_TUNE_FIELD: Final = re.compile(r"(?:^|\s+)(?=[A-Z]:)")
_TUNE_MORE: Final = re.compile(r"\s*([LMQ]:\s*\S+)\s")  # behind the key, where it belongs before it
_TUNE_KEY: Final = re.compile(
    r"(K:\s*(?:[A-G][#b]?\s*(?:m(?![a-z])|(?:maj|min|mix|dor|phr|lyd|loc|aeo|ion)[a-z]*)?|none|H[Pp])?)(?=\s|$)[ \t]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Passage:
    """Say what of a file is meant.

    `track` is the number of a track from 1, or a part of its name, HIGHEST_LINE the highest of all, None all that
    sounds. Bars are counted from 1, an upbeat before them is bar 0; None is from where the music begins, and as far as
    LONGEST bars go.
    """

    track: str | None = None
    first_bar: int | None = None
    bars: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """Hold what somebody has given to begin with.

    `melody` is its highest line, `notes` all that sounds, chords too, by onset and pitch, in the same time; `words` say
    how it was read. `anchor` is the one that a text in the notation was read with, None where it has no chords; such a
    text `is_open` without a rest at its end.
    """

    melody: Melody
    notes: tuple[Note, ...]
    source: Source
    words: tuple[Message, ...]
    anchor: Anchor | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Primer:
    """Hold what was given as a model writes it, in `bars` of a metre, with words on how it was read.

    Its lengths were multiplied by `stretch` to fit the model's grid. It is `as_typed` where it was in the notation, and
    read as the model writes. `begun` is the text with its last event left open where it was typed so, for the model to
    close.
    """

    text: str
    metre: Metre
    bars: Fraction
    words: tuple[Message, ...]
    stretch: int = 1
    as_typed: bool = False
    begun: str = ""


def from_text(
    text: str,
    *,
    anchor: Anchor = "lowest",
    unit: Fraction = Fraction(1, 4),
    german: bool = False,
    read: Callable[[bytes, str], Reading] = formats.read,
) -> Given:
    """Read what somebody typed: the notation, as a model with this anchor and rest unit writes it, names, or ABC.

    Raises NotationError, which points at the place, RequestError, and ReadingError for an ABC tune, of which a
    stranger's is for `read=pool.read_safely`.
    """
    if len(text) > MOST_CHARACTERS:
        raise RequestError(
            "The primer has {count:,} characters; it can have {most:,} at most.",
            count=len(text),
            most=MOST_CHARACTERS,
        )
    if is_tune(text):
        given = from_file(_lined(text).encode(), "tune.abc", read=read)
        return replace(given, source="abc", words=(mark("A tune in ABC."), *given.words[1:]))
    if are_names(text):
        written = read_names(text, german=german)
        line = Melody(melody.line(written.notes), written.length, written.metre, written.tempo)
        return Given(line, written.notes, "names", written.words)
    piece, found = read_notation(text, anchor, unit)
    notes = tuple(Note(note.start * unit, (note.end - note.start) * unit, note.pitch) for note in voices.notes(piece))
    lowest = mark("The notation, chords from their lowest note.")
    highest = mark("The notation, chords from their highest note.")
    line, is_open = Melody(melody.line(notes), piece.length * unit), not re.search(r"r\d[\s,]*$", text, re.IGNORECASE)
    if all(len(event.pitches) == 1 for event in piece.events):
        return Given(line, notes, "notation", (mark("The notation."),), is_open=is_open)
    return Given(line, notes, "notation", (lowest if found == "lowest" else highest,), found, is_open)


def is_tune(text: str) -> bool:
    """Tell whether a text is a whole ABC tune, which takes a reader that is slow to start."""
    return _TUNE.search(text) is not None


def from_file(
    data: bytes,
    name: str,
    passage: Passage | None = None,
    *,
    read: Callable[[bytes, str], Reading] = formats.read,
    listen: Callable[[bytes, str], Melody] | None = None,
) -> Given:
    """Read a passage of a music file, of its first piece, or hear a hum. Raises ReadingError.

    A stranger's file is for `read=pool.read_safely` and `listen=pool.listen_safely`.
    """
    if sounds.is_sound(data, name):
        hum = humming.listen(sounds.decode(data, name)) if listen is None else listen(data, name)
        return Given(hum, hum.notes, "hum", _of_hum(hum))
    printed, passage = read(data, name).pieces[0], passage or Passage()
    bars = _bars(printed)
    chosen = _chosen(bars, passage, printed)
    start, end = chosen[0].start, chosen[-1].end
    parts, track = _track(printed, passage.track)
    heard = (printed.onsets >= start) & (printed.onsets < end) & np.isin(printed.parts, parts)
    if not heard.any():
        raise ReadingError("These bars are silent. Choose others, or another track.", mark("no notes"))
    metre = next((bar.metre for bar in chosen if bar.is_full), chosen[-1].metre)
    silent = int((printed.onsets[heard].min() - start) // (metre.bar * printed.ticks_per_quarter))
    zero = chosen[0].end - round(metre.bar * printed.ticks_per_quarter) if not chosen[0].is_full else start
    zero += round(silent * metre.bar * printed.ticks_per_quarter)
    notes = _notes(printed, np.flatnonzero(heard), zero, end)
    length = max(Fraction(end - zero, printed.ticks_per_quarter), max(note.end for note in notes))
    line = Melody(melody.line(notes), length, metre)
    if passage.track == HIGHEST_LINE:
        notes = line.notes
    inside = [bar.number for bar in chosen if bar.number]
    place = mark("bars {first} to {last}", first=min(inside, default=0), last=max(inside, default=0))
    if not chosen[0].number:
        place = mark("the upbeat and {place}", place=place)
    words = mark("{title}, {track}, {place}.", title=printed.title, track=track, place=place)
    return Given(line, notes, "file", (words, mark("In {metre}.", metre=metre)))


def _of_hum(heard: Melody) -> tuple[Message, ...]:
    upbeat = mark("As far as one can tell in {metre}, with an upbeat.", metre=heard.metre)
    none = mark("As far as one can tell in {metre}.", metre=heard.metre)
    count, tempo = len(heard.notes), heard.tempo or 0
    return (
        mark("A hum of {count} notes, at about {tempo:g} quarters a minute.", count=count, tempo=tempo),
        upbeat if heard.pickup else none,
    )


def to_primer(given: Given, anchor: Anchor, unit: Fraction) -> Primer:
    """Write what was given as a model with this anchor and rest unit does.

    Notes too short for the model's grid make all lengths double, or fourfold. Raises RequestError where there are no
    notes.
    """
    if not given.notes and given.source != "notation":
        raise RequestError("This is silent: it has rests, but no notes.")
    stretch, _ = melody.division((note.onset for note in given.notes), unit, allowed=1 - _ON_GRID)
    notes = [replace(note, onset=note.onset * stretch) for note in given.notes]
    metre = _stretched(given.melody.metre, stretch).counted
    written = melody.rounded(notes, given.melody.length * stretch, unit, metre)
    words: tuple[Message, ...] = ()
    if stretch > 1:
        words = (
            mark(
                "Its notes are too short for this model's grid, so all lengths are {times} times as long.",
                times=stretch,
            ),
        )
    as_typed = given.source == "notation" and given.anchor in (None, anchor) and stretch == 1
    text = score.to_text(written, anchor)
    begun = re.sub(r"(?:r\d)+$", "", text) if given.is_open else text
    return Primer(text, metre, written.bars, (*given.words, *words), stretch, as_typed=as_typed, begun=begun)


def _stretched(metre: Metre, stretch: int) -> Metre:
    """Return a metre whose bars are so many times as long, the same if there is none."""
    if metre.denominator % stretch or stretch == 1:
        return metre
    try:
        return parse_metre(f"{metre.numerator}/{metre.denominator // stretch}")
    except RequestError:
        return metre


def _lined(text: str) -> str:
    """Give each field of a tune a line of its own, as it had before it came through a chat's one-line option."""
    if "\n" in text.strip():
        return text
    header, key, music = _TUNE.split(text, maxsplit=1)[0], "", ""
    rest = text[len(header) :].strip()
    if match := _TUNE_KEY.match(rest):
        key, music = match[1], rest[match.end() :]
    else:
        key, _, music = rest.partition(" ")
    fields = [field.strip() for field in _TUNE_FIELD.split(header) if field.strip()]
    while match := _TUNE_MORE.match(music):
        fields.append(match[1])
        music = music[match.end() :]
    if not any(field.startswith("X:") for field in fields):
        fields.insert(0, "X:1")
    return "\n".join([*fields, key, music])


@dataclass(frozen=True, slots=True)
class _Bar:
    """Place a bar, in ticks, by its number; the last of a passage, and an upbeat, may be shorter than its metre."""

    number: int
    start: int
    end: int
    metre: Metre
    is_full: bool


def _bars(printed: Printed) -> list[_Bar]:
    """Return the bars of a piece, by whose passages of one time signature they may have to be counted."""
    bars = list[_Bar]()
    for place, bar in enumerate(printed.bars):
        metre = _metre(bar.signature)
        full = round(metre.bar * printed.ticks_per_quarter)
        whole = max(bar.end, printed.length) if place == len(printed.bars) - 1 else bar.end
        starts = list(range(bar.start, max(whole, bar.start + 1), full)) if bar.length > full else [bar.start]
        for start in starts:
            end = min(start + full, whole) if len(starts) > 1 else whole
            is_upbeat = not bars and end - start < full and len(printed.bars) > 1
            number = bars[-1].number + 1 if bars else 0 if is_upbeat else 1
            bars.append(_Bar(number, start, end, metre, is_full=not is_upbeat))
    return bars


def _metre(signature: str) -> Metre:
    try:
        return parse_metre(signature)
    except RequestError:
        return COMMON


def _chosen(bars: list[_Bar], passage: Passage, printed: Printed) -> list[_Bar]:
    """Return the bars of a passage, one at least. Raises ReadingError."""
    first_heard = int(printed.onsets[0])
    begins = next((bar.number for bar in bars if bar.end > first_heard), bars[0].number)
    first = begins if passage.first_bar is None else passage.first_bar
    last = first + (passage.bars or LONGEST) - (0 if first == 0 else 1)  # the upbeat is none of them
    chosen = [bar for bar in bars if first <= bar.number <= last]
    if not chosen:
        raise ReadingError(
            "Bar {first} is not in this piece, which goes from {least} to {most}.",
            mark("no notes"),
            first=first,
            least=bars[0].number,
            most=bars[-1].number,
        )
    return chosen


def _track(printed: Printed, track: str | None) -> tuple[list[int], Message]:
    """Return the parts that a track names, and how to call them. Raises ReadingError."""
    parts = sorted(set(printed.parts.tolist()))
    if track is None and len(parts) > 1:
        return parts, mark("its {count} parts", count=len(parts))
    if track in (None, HIGHEST_LINE):
        return parts, counted("its only part", "the highest line of its {count} parts", len(parts))
    names = {part: printed.names[part] if part < len(printed.names) else "" for part in parts}
    wanted = track.strip().lower()
    found = [parts[int(wanted) - 1]] if wanted.isdecimal() and 1 <= int(wanted[:4]) <= len(parts) else []
    found = found or [part for part, name in names.items() if wanted and wanted in name.lower()][:1]
    if not found:
        known = ", ".join(f"{number} {name}".strip() for number, name in enumerate(names.values(), 1))
        raise ReadingError(
            "There is no track {track!r} in this file. There are: {known}.",
            mark("no notes"),
            track=track[:40],
            known=known[:400],
        )
    return found, mark("track {number} {name}", number=parts.index(found[0]) + 1, name=names[found[0]])


def _notes(
    printed: Printed, chosen: "np.ndarray[tuple[int], np.dtype[np.intp]]", zero: int, end: int
) -> tuple[Note, ...]:
    """Return notes of a piece in quarters from a tick, on the coarsest grid that they keep to."""
    quarter, held = printed.ticks_per_quarter, set(printed.fermatas)
    places = [Fraction(int(tick) - zero, quarter) for tick in printed.onsets[chosen]]
    grid = next((grid for grid in _GRIDS if _share(places, grid) >= _ON_GRID), Fraction(1, 4))
    finest = grid / 2 if grid > _SIXTEENTH else grid  # breath before a phrase is no rest of its own
    notes = dict[tuple[Fraction, int], Note]()
    for place, index in zip(places, chosen, strict=True):
        tick, pitch = int(printed.onsets[index]), int(printed.pitches[index])
        sounds = Fraction(min(int(printed.lengths[index]), end - tick), quarter)
        onset = _nearest(place, grid)
        length = max(_nearest(sounds, finest), finest)
        if (onset, pitch) not in notes or length > notes[onset, pitch].length:  # several parts may meet in it
            notes[onset, pitch] = Note(onset, length, pitch, fermata=tick in held)
    return tuple(notes[key] for key in sorted(notes))


def _share(places: list[Fraction], grid: Fraction) -> float:
    return sum(abs(place - _nearest(place, grid)) <= _NEAR for place in places) / len(places)


def _nearest(place: Fraction, grid: Fraction) -> Fraction:
    return int(place / grid + Fraction(1, 2)) * grid
