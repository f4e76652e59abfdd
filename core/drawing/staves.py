"""Scores as written music: staves, voices, note values, ties and spelling.

What is written is what sounds, made readable: a staff has at most two voices, of which one has the highest notes and
the other all below them, and the notes of a chord end together.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Final, Literal

from core.music.metre import Metre
from core.music.score import Score
from core.music.spelling import STEPS, Head, Tonality, spell
from core.music.voices import Note, notes

QUARTER: Final = 4  # sixteenths, as all times here

_VALUES: Final = (24, 16, 12, 8, 6, 4, 3, 2, 1)  # note values without and with a dot
_PLAIN_VALUES: Final = (16, 8, 4, 2, 1)
_MIDDLE_C: Final = 60
_STRAY: Final = 4  # semitones that a voice may cross middle C by without changing its staff
_SINGLE_TREBLE: Final = 55  # the violin's lowest note
_SINGLE_BASS: Final = 62

Clef = Literal["treble", "bass"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """Name one written chord, note or rest: what it lasts, what it holds, and whether a tie leads to it or on.

    `heads` are the spellings of `pitches`.
    """

    value: int
    pitches: tuple[int, ...] = ()
    tied_from: bool = False
    tied_on: bool = False
    heads: tuple[Head, ...] = ()


Voice = tuple[Symbol, ...]
Bar = tuple[Voice, ...]  # no voice: a whole bar's rest; two: the upper one first


@dataclass(frozen=True, slots=True)
class Staff:
    """Hold the bars of one staff."""

    clef: Clef
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class _Chord:
    """Name what one voice of a staff sounds from `start` until before `end`."""

    start: int
    end: int
    pitches: tuple[int, ...]


def write(score: Score, tonality: Tonality) -> tuple[Staff, ...]:
    """Write a score in a key, on one staff or on two, as its range asks for; the first is the upper one."""
    per_unit, bar = int(score.unit * QUARTER), bar_length(score.metre)
    bars = max(1, -(-score.length * per_unit // bar))
    sounding = [Note(n.pitch, n.start * per_unit, min(n.end * per_unit, bars * bar), n.voice) for n in notes(score)]
    staves = [_staff(clef, line, bars, score.metre) for clef, line in _divide(sounding).items()]
    return tuple(Staff(staff.clef, tuple(_spelt(bar, tonality) for bar in staff.bars)) for staff in staves)


def bar_length(metre: Metre) -> int:
    """Return how many sixteenths a bar has."""
    return int(metre.bar * QUARTER)


def _divide(sounding: list[Note]) -> dict[Clef, list[Note]]:
    """Give every note to a staff; a voice that strays over middle C a little stays in its own."""
    if all(note.pitch >= _SINGLE_TREBLE for note in sounding):
        return {"treble": sounding}
    if all(note.pitch <= _SINGLE_BASS for note in sounding):
        return {"bass": sounding}
    staves: dict[Clef, list[Note]] = {"treble": [], "bass": []}
    latest: dict[int, Clef] = {}  # voice -> staff
    for note in sounding:
        stray = {"treble": -_STRAY, "bass": _STRAY}[latest[note.voice]] if note.voice in latest else 0
        latest[note.voice] = "treble" if note.pitch >= _MIDDLE_C + stray else "bass"
        staves[latest[note.voice]].append(note)
    return staves


def _staff(clef: Clef, line: list[Note], bars: int, metre: Metre) -> Staff:
    """Part a staff's notes into those that are its highest when they begin, and the others, and write both by bars."""
    upper: list[Note] = []
    lower: list[Note] = []
    ringing: list[Note] = []
    for start, group in groupby(line, key=attrgetter("start")):
        begun = list(group)
        ringing = [note for note in ringing if note.end > start] + begun
        top = max(note.pitch for note in ringing)
        upper += [note for note in begun if note.pitch == top]
        lower += [note for note in begun if note.pitch != top]
    return Staff(clef, tuple(map(_join, _bars(upper, bars, metre), _bars(lower, bars, metre))))


def _join(upper: Voice, lower: Voice) -> Bar:
    """Make one voice of two that move together."""
    if not upper or not lower:
        return tuple(voice for voice in (upper, lower) if voice)
    if [replace(symbol, pitches=()) for symbol in upper] != [replace(symbol, pitches=()) for symbol in lower]:
        return upper, lower
    return (tuple(replace(a, pitches=b.pitches + a.pitches) for a, b in zip(upper, lower, strict=True)),)


def _bars(line: list[Note], bars: int, metre: Metre) -> list[Voice]:
    """Write notes as chords, bar by bar; a chord lasts as long as its longest note, but not into the next chord."""
    length = bar_length(metre)
    groups = [list(group) for _, group in groupby(line, key=attrgetter("start"))]
    limits = [group[0].start for group in groups[1:]] + [bars * length]
    chords = [
        _Chord(group[0].start, min(limit, max(note.end for note in group)), tuple(note.pitch for note in group))
        for group, limit in zip(groups, limits, strict=False)
    ]
    voices = []
    for start in range(0, bars * length, length):
        inside = [chord for chord in chords if chord.start < start + length and chord.end > start]
        voices.append(tuple(_symbols(inside, start, metre)) if inside else ())
    return voices


def _symbols(chords: Iterable[_Chord], bar: int, metre: Metre) -> Iterator[Symbol]:
    """Write what sounds in the bar that begins at `bar`, and the rests between."""
    now = 0
    for chord in chords:
        start, end = max(chord.start - bar, 0), min(chord.end - bar, bar_length(metre))
        yield from map(Symbol, _split(now, start, _rest_is_clear, metre))
        for value in _split(start, end, _note_is_clear, metre):
            on = bar + start
            yield Symbol(value, chord.pitches, tied_from=on > chord.start, tied_on=on + value < chord.end)
            start += value
        now = end
    yield from map(Symbol, _split(now, bar_length(metre), _rest_is_clear, metre))


def _split(start: int, end: int, is_clear: Callable[[int, int, int, Metre], bool], metre: Metre) -> Iterator[int]:
    """Split what lasts from `start` until before `end` of a bar into values, the longest first that is clear."""
    while start < end:
        value = next(value for value in _VALUES if start + value <= end and is_clear(start, value, end, metre))
        yield value
        start += value


def _note_is_clear(start: int, value: int, end: int, metre: Metre) -> bool:
    """Tell whether a note leaves the beats visible, and the thirds of a compound one."""
    beat = int(metre.beat * QUARTER)
    if metre.is_compound:
        third, into = beat // 3, start % beat
        if into % third:
            return value < third or (value == third and start + value == end)
        return into + value <= beat or (not into and value % beat == 0)
    beat = min(beat, QUARTER)
    into = start % beat
    if into == 0:
        return start + value == end or value % beat == 0
    syncope = start % (2 * beat) == beat // 2 and value == beat and start + value == end
    return into + value <= beat or syncope


def _rest_is_clear(start: int, value: int, _end: int, metre: Metre) -> bool:
    """Tell whether a rest stands at a multiple of its own value, and leaves the middle of the bar visible.

    It has no dot but where it is a compound beat, or two of them.
    """
    beat, half = int(metre.beat * QUARTER), int(metre.pulses[1] * QUARTER)
    if metre.is_compound and value > beat // 3:
        if 3 * value == 2 * beat:
            return start % beat == 0
        return value % beat == 0 and start % value == 0 and (value == beat or half % value == 0)
    return value in _PLAIN_VALUES and start % value == 0 and (value <= min(beat, QUARTER) or half % value == 0)


def _spelt(bar: Bar, tonality: Tonality) -> Bar:
    """Spell a bar's chords; an accidental holds for its line until the bar ends, for both voices."""
    altered: dict[tuple[str, int], int] = {}  # (step, octave) -> alteration, where it is not the signature's
    voices = [list(voice) for voice in bar]
    for _, voice, index in sorted(_places(bar)):
        symbol = voices[voice][index]
        heads = []
        for head in (spell(pitch, tonality) for pitch in symbol.pitches):
            line = (head.step, head.octave)
            signature = (tonality.sharps - STEPS.index(head.step) + 6) // 7
            needed = not symbol.tied_from and altered.get(line, signature) != head.alteration
            if needed:
                altered[line] = head.alteration
            heads.append(replace(head, accidental=needed))
        voices[voice][index] = replace(symbol, heads=tuple(heads))
    return tuple(map(tuple, voices))


def _places(bar: Bar) -> Iterator[tuple[int, int, int]]:
    """Say where each symbol of a bar is: its time, its voice, and its index in that."""
    for voice, symbols in enumerate(bar):
        times = accumulate((symbol.value for symbol in symbols), initial=0)
        yield from ((time, voice, index) for index, time in zip(range(len(symbols)), times, strict=False))
