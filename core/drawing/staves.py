"""Scores as written music: staves, voices, measures with their repeats, note values, ties and spelling.

What is written is what sounds, made readable. A chorale has a staff for soprano and alto and one for tenor and bass,
each voice with its stems. Of other music a staff has at most two voices, of which one has the highest notes and the
other all below them, and the notes of a chord end together.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, pairwise
from operator import attrgetter, itemgetter
from typing import Final, Literal

from core.music import repeats
from core.music.metre import Metre
from core.music.parts import SATB, PartScore, four_parts, is_choral
from core.music.score import Score
from core.music.spelling import Head, Tonality, altered, together
from core.music.voices import Note, is_line, notes

QUARTER: Final = 4  # sixteenths, as all times here

_VALUES: Final = (24, 16, 12, 8, 6, 4, 3, 2, 1)  # note values without and with a dot
_PLAIN_VALUES: Final = (16, 8, 4, 2, 1)
_MIDDLE_C: Final = 60
_STRAY: Final = 4  # semitones that a voice may cross middle C by without changing its staff
_SINGLE_TREBLE: Final = 55  # the violin's lowest note
_SINGLE_BASS: Final = 62

Clef = Literal["treble", "tenor", "bass"]  # the tenor's is a treble clef that sounds an octave lower


@dataclass(frozen=True, slots=True)
class Symbol:
    """Name one written chord, note or rest: what it lasts, what it holds, and whether a tie leads to it or on.

    `heads` are the spellings of `pitches`.
    """

    value: int
    pitches: tuple[int, ...] = ()
    tied_from: bool = False
    tied_on: bool = False
    fermata: bool = False
    heads: tuple[Head, ...] = ()


Voice = tuple[Symbol, ...]
Bar = tuple[Voice, ...]  # no voice: a whole bar's rest; two: the upper one first


@dataclass(frozen=True, slots=True)
class Staff:
    """Hold the bars of one staff, one for each measure; `apart` tells that two voices have a part of their own each."""

    clef: Clef
    bars: tuple[Bar, ...]
    name: str = ""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """Place a printed bar: from `start` until before `end`, counted from a bar line of the piece as it sounds.

    It is shorter than the metre's bar if it is a pickup, or stands before a repeat sign within a bar; `number` is 0 for
    a pickup and that of the bar before for what completes a bar. `opens`, `closes` and `ending` are those of the
    passage whose first or last measure this is; `ends` tells that an ending does.
    """

    start: int
    end: int
    number: int
    opens: bool = False
    closes: bool = False
    ending: int = 0
    ends: bool = False

    @property
    def length(self) -> int:
        """Return how many sixteenths it lasts."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Written:
    """Hold a piece as it is written: its staves, the upper one first, and what their bars have in common."""

    staves: tuple[Staff, ...]
    measures: tuple[Measure, ...]
    tonality: Tonality
    metre: Metre


@dataclass(frozen=True, slots=True)
class _Chord:
    """Name what one voice of a staff sounds from `start` until before `end`."""

    start: int
    end: int
    pitches: tuple[int, ...]
    fermata: bool = False


def write(piece: Score | PartScore, tonality: Tonality, *, open_score: bool = False, folds: bool = True) -> Written:
    """Write a piece in a key; if it `folds`, with what is repeated written once.

    What is in parts has S and A, T and B on two staves, or with `open_score` a staff for each part. A score that is for
    four voices is written as these; another one on one staff or two, as its range asks for.
    """
    score = piece.score if isinstance(piece, PartScore) else piece
    begun = _begun(piece) if isinstance(piece, PartScore) else None
    if isinstance(piece, Score) and is_choral(piece):
        piece = four_parts(piece)
    per_unit, measures = (
        int(score.unit * QUARTER),
        tuple(_measures(score, repeats.passages(score, begun) if folds else (repeats.whole(score),))),
    )
    if isinstance(piece, PartScore):
        held = {place * per_unit for place in piece.fermatas}
        lines = [[_in_sixteenths(note, per_unit) for note in part.notes] for part in piece.parts]
        staves = _open(piece, lines) if open_score or len(lines) != len(SATB) else _condensed(lines)
        written = [
            Staff(clef, tuple(_beside(*(_bars(line, measures, score.metre, held) for line in lines))), name, True)
            for clef, name, lines in staves
        ]
    else:
        sounding = [_in_sixteenths(note, per_unit) for note in notes(score)]
        single = is_line(score)
        written = [_staff(clef, line, measures, score.metre, single) for clef, line in _divide(sounding).items()]
    spelt = tuple(replace(staff, bars=tuple(_spelt(staff.bars, tonality))) for staff in written)
    return Written(spelt, measures, tonality, score.metre)


def bar_length(metre: Metre) -> int:
    """Return how many sixteenths a bar has."""
    return int(metre.bar * QUARTER)


def _begun(piece: PartScore) -> dict[int, Hashable]:
    """Return what begins at each unit, with its length, its voice and its fermata."""
    begun: dict[int, set[Hashable]] = {}
    for note in (note for part in piece.parts for note in part.notes):
        held = note.start in piece.fermatas
        begun.setdefault(note.start, set()).add((note.voice, note.pitch, note.end - note.start, held))
    return {start: frozenset(group) for start, group in begun.items()}


def _in_sixteenths(note: Note, per_unit: int) -> Note:
    return Note(note.pitch, note.start * per_unit, note.end * per_unit, note.voice)


def _measures(score: Score, passages: Iterable[repeats.Passage]) -> Iterator[Measure]:
    """Cut passages into measures at the bar lines, and number them."""
    per_unit, bar = int(score.unit * QUARTER), bar_length(score.metre)
    number, reached = 0, 0  # the last number, and how much of its bar is written
    for passage in passages:
        start, end = passage.start * per_unit, passage.end * per_unit
        lines = range(start // bar * bar + bar, end, bar)
        for first, last in pairwise((start, *lines, end)):
            if first % bar == 0 or (number and first % bar != reached):
                number += 1
            reached = last % bar
            yield Measure(
                first,
                last,
                number,
                opens=passage.opens and first == start,
                closes=passage.closes and last == end,
                ending=passage.ending,
                ends=passage.ending > 0 and last == end,
            )


def _condensed(lines: list[list[Note]]) -> list[tuple[Clef, str, list[list[Note]]]]:
    return [("treble", "", lines[:2]), ("bass", "", lines[2:])]


def _open(piece: PartScore, lines: list[list[Note]]) -> list[tuple[Clef, str, list[list[Note]]]]:
    """Give each part a staff, with the clef that its range asks for, or its name."""
    staves: list[tuple[Clef, str, list[list[Note]]]] = []
    for part, line in zip(piece.parts, lines, strict=True):
        middle = sum(note.pitch for note in line) / max(1, len(line))
        clef: Clef = "tenor" if part.name == SATB[2] else "treble" if middle >= _MIDDLE_C else "bass"
        staves.append((clef, part.name, [line]))
    return staves


def _beside(*voices: list[Voice]) -> Iterator[Bar]:
    """Put voices on one staff; where one is silent beside another, it has rests."""
    for bar in zip(*voices, strict=True):
        yield bar if any(symbol.pitches for voice in bar for symbol in voice) else ()


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


def _staff(clef: Clef, line: list[Note], measures: Sequence[Measure], metre: Metre, single: bool) -> Staff:
    """Part a staff's notes into those that are its highest when they begin, and the others, and write both by bars.

    A `single` line is not parted: a double stop hangs on one stem.
    """
    if single:
        return Staff(clef, tuple(_join(voice, ()) for voice in _bars(line, measures, metre)))
    upper: list[Note] = []
    lower: list[Note] = []
    ringing: list[Note] = []
    for start, group in groupby(line, key=attrgetter("start")):
        begun = list(group)
        ringing = [note for note in ringing if note.end > start] + begun
        top = max(note.pitch for note in ringing)
        upper += [note for note in begun if note.pitch == top]
        lower += [note for note in begun if note.pitch != top]
    bars = map(_join, *(_bars(voice, measures, metre) for voice in (upper, lower)))
    return Staff(clef, tuple(bars))


def _join(upper: Voice, lower: Voice) -> Bar:
    """Make one voice of two that move together; one that is silent is left out."""
    sounding = [voice for voice in (upper, lower) if any(symbol.pitches for symbol in voice)]
    if len(sounding) < 2:
        return tuple(sounding)
    if [replace(symbol, pitches=()) for symbol in upper] != [replace(symbol, pitches=()) for symbol in lower]:
        return upper, lower
    return (tuple(replace(a, pitches=b.pitches + a.pitches) for a, b in zip(upper, lower, strict=True)),)


def _bars(line: list[Note], measures: Sequence[Measure], metre: Metre, fermatas: Collection[int] = ()) -> list[Voice]:
    """Write notes as chords, bar by bar; a chord lasts as long as its longest note, but not into the next chord.

    What stands before a repeat sign ends there.
    """
    groups = [list(group) for _, group in groupby(line, key=attrgetter("start"))]
    limits = [group[0].start for group in groups[1:]] + [measures[-1].end]
    chords = [
        _Chord(
            group[0].start,
            min(limit, max(note.end for note in group)),
            tuple(note.pitch for note in group),
            group[0].start in fermatas,
        )
        for group, limit in zip(groups, limits, strict=False)
    ]
    return [tuple(_symbols(chords, *_span(measures, place), measures[place], metre)) for place in range(len(measures))]


def _span(measures: Sequence[Measure], place: int) -> tuple[int, int]:
    """Return from where to where the music of a measure is written without a break."""
    start = end = place
    while start and measures[start - 1].end == measures[start].start and not measures[start].opens:
        start -= 1
    while end + 1 < len(measures) and measures[end].end == measures[end + 1].start and not measures[end].closes:
        end += 1
    return measures[start].start, measures[end].end


def _symbols(chords: Iterable[_Chord], first: int, last: int, measure: Measure, metre: Metre) -> Iterator[Symbol]:
    """Write what sounds in a measure, and the rests between; music goes on from `first` until before `last`."""
    bar = measure.start // bar_length(metre) * bar_length(metre)
    now, stop = measure.start - bar, measure.end - bar
    for chord in chords:
        if chord.start >= measure.end or chord.end <= measure.start or chord.start < first:
            continue
        start, end = max(chord.start - bar, now), min(chord.end - bar, stop)
        yield from map(Symbol, _split(now, start, _rest_is_clear, metre))
        for value in _split(start, end, _note_is_clear, metre):
            on = bar + start
            more = on + value < min(chord.end, last)
            yield Symbol(value, chord.pitches, on > chord.start, more, chord.fermata and not more)
            start += value
        now = end
    yield from map(Symbol, _split(now, stop, _rest_is_clear, metre))


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


def _spelt(bars: Iterable[Bar], key: Tonality) -> Iterator[Bar]:
    """Spell the chords of a staff's bars; what is tied keeps its name."""
    tied: dict[int, Head] = {}
    for bar in bars:
        shown: dict[tuple[str, int], int] = {}  # (step, octave) -> the alteration that holds there until the bar ends
        voices = [list(voice) for voice in bar]
        for _, places in groupby(sorted(_places(bar)), key=itemgetter(0)):
            begun = [(voice, index) for _, voice, index in places]
            symbols = [voices[voice][index] for voice, index in begun]
            going_on = {pitch: tied[pitch] for symbol in symbols if symbol.tied_from for pitch in symbol.pitches}
            names = together([pitch for symbol in symbols for pitch in symbol.pitches], key, going_on)
            for (voice, index), symbol in zip(begun, symbols, strict=True):
                heads = tuple(_headed(names[pitch], symbol, shown, key) for pitch in symbol.pitches)
                voices[voice][index] = replace(symbol, heads=heads)
                tied |= {pitch: names[pitch] for pitch in symbol.pitches}
        yield tuple(map(tuple, voices))


def _headed(head: Head, symbol: Symbol, shown: dict[tuple[str, int], int], key: Tonality) -> Head:
    """Give a head the accidental that it needs; it holds for its line until the bar ends, for both voices."""
    line = (head.step, head.octave)
    needed = not symbol.tied_from and shown.get(line, altered(head.step, key)) != head.alteration
    if needed:
        shown[line] = head.alteration
    return replace(head, accidental=needed)


def _places(bar: Bar) -> Iterator[tuple[int, int, int]]:
    """Say where each symbol of a bar is: its time, its voice, and its index in that."""
    for voice, symbols in enumerate(bar):
        times = accumulate((symbol.value for symbol in symbols), initial=0)
        yield from ((time, voice, index) for index, time in zip(range(len(symbols)), times, strict=False))
