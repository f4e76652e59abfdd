"""Pieces in parts: each voice with its own rhythm, as singers have them; and the four voices of a flattened chorale.

The notation says which notes begin together and not who sings them. A chorale's voices are found by a search from
event to event: each note goes to the voice that comes to it by the smallest step, in its range and its place among the
others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from itertools import combinations, pairwise
from typing import Final

from core.music.metre import COMMON, Metre
from core.music.score import Event, Score
from core.music.voices import Note

SATB: Final = ("Soprano", "Alto", "Tenor", "Bass")
RANGES: Final = ((60, 81), (53, 74), (47, 69), (38, 64))  # MIDI pitches that each of the four sings with ease

_LEAST_SPAN: Final = 14  # semitones of the chords of a piece for four voices, in the mean
_STRAY: Final = 7  # semitones by which a piece for four voices may leave their ranges
_LARGEST: Final = 8  # notes of an event that four voices can share
_LEAST_FULL: Final = 0.5  # share of the notes of a piece for four voices that begin together with two others or more
_BEAM: Final = 6  # ways to go on that are kept
_STEP: Final = 0.4  # what a semitone costs, an octave at most
_RANGE: Final = 1.5  # what a semitone outside a range costs
_SPACING: Final = 0.6  # what a semitone costs by which upper neighbours are further apart than an octave
_CROSSING: Final = 6.0
_UNISON: Final = 1.0  # what it costs that two voices take one note
_DIVIDED: Final = 4.0  # what it costs that a voice takes two
_SPREAD: Final = 0.4  # and what a semitone between them costs
_CLASH: Final = 2.4  # what a held note costs that is a second from a new one
_LEFT_OUT: Final = 1.9  # what it costs a voice to hold while two others or more move
_SILENT: Final = 8.0  # what it costs a voice to be silent
_NOT_YET: Final = 3.0  # and one that has not begun to sing


@dataclass(frozen=True, slots=True)
class Part:
    """Hold what one voice sings: notes by start, of which none overlaps another unless they begin together."""

    name: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class PartScore:
    """Hold a piece in parts, the highest first; a note's `voice` is the place of its part.

    `length` and all times are in units of so many quarters, counted from a bar line: silence before the first note of a
    bar is a pickup's. `fermatas` are the units at which notes begin that are held. `key`, as `key_of` names it, is
    found where it is empty.
    """

    parts: tuple[Part, ...]
    length: int
    unit: Fraction
    metre: Metre = COMMON
    fermatas: tuple[int, ...] = ()
    key: str = ""

    @property
    def score(self) -> Score:
        """Return the piece flattened: what begins at one moment is one event."""
        begun: dict[int, set[int]] = {}
        for part in self.parts:
            for note in part.notes:
                begun.setdefault(note.start, set()).add(note.pitch)
        events = tuple(Event(onset, tuple(sorted(pitches))) for onset, pitches in sorted(begun.items()))
        return Score(events, self.length, self.unit, self.metre)


def in_parts(pitches: Sequence[Sequence[tuple[int, int, int]]], names: Sequence[str] = SATB) -> tuple[Part, ...]:
    """Make parts of (pitch, start, end) in units, the highest part first."""
    return tuple(
        Part(name, tuple(Note(pitch, start, end, place) for pitch, start, end in sorted(line, key=lambda n: n[1])))
        for place, (name, line) in enumerate(zip(names, pitches, strict=True))
    )


def is_choral(score: Score) -> bool:
    """Tell whether a piece can be for four voices: in their range, half its notes in chords or more, none too large."""
    counts = [len(event.pitches) for event in score.events]
    if not counts or max(counts) > _LARGEST:
        return False
    lowest, highest = score.range
    in_range = lowest >= RANGES[-1][0] - _STRAY and highest <= RANGES[0][1] + _STRAY
    spans = [event.pitches[-1] - event.pitches[0] for event in score.events if len(event.pitches) >= 3]
    if not spans or sum(spans) < _LEAST_SPAN * len(spans):
        return False
    return in_range and sum(count for count in counts if count >= 3) >= _LEAST_FULL * sum(counts)


@lru_cache(maxsize=4)  # played, drawn and engraved, a piece is asked for three times
def four_parts(score: Score) -> PartScore:
    """Part a chorale's events between four voices; every note begins where it did, and in one voice at least.

    A voice holds its note until its next one, a bar at most, or two where it would be silent for less than a bar then.
    An event has eight notes at most. In 29 of
    Bach's chorales that had lost their voices, 96% of the notes came back to theirs, 89% with their lengths, where
    `notes` of core.music.voices has 92% and 84%; the weights were found on others.
    """
    ways: dict[_Voices, tuple[float, tuple[_Choice, ...]]] = {_START: (0.0, ())}
    for event in score.events:
        bar = score.units_per_bar
        going: dict[_Voices, tuple[float, tuple[_Choice, ...]]] = {}
        for voices, (spent, choices) in ways.items():
            for choice in _choices(len(event.pitches)):
                after, cost = _sing(voices, choice, event, bar)
                if after not in going or spent + cost < going[after][0]:
                    going[after] = (spent + cost, (*choices, choice))
        ways = dict(sorted(going.items(), key=lambda way: way[1][0])[:_BEAM])
    _, choices = min(ways.values(), key=lambda way: way[0])
    return PartScore(_written(score, choices), score.length, score.unit, score.metre)


_Voices = tuple[tuple[int, int], ...]  # of each voice its pitch and the unit at which it began, -1 for none yet
_Choice = tuple[tuple[int, ...], ...]  # of each voice the places of its new pitches in an event, the highest first
_START: Final[_Voices] = tuple((sum(limits) // 2, -1) for limits in RANGES)


@cache
def _choices(count: int) -> tuple[_Choice, ...]:
    """List the ways in which so many notes, from the highest, go to four voices that do not cross; others hold."""
    return tuple(dict.fromkeys(_shares(count)))


def _shares(count: int) -> Iterator[_Choice]:
    for moving in range(1, 5):
        for movers in combinations(range(4), moving):
            fewer, more = sorted((moving, count))
            for cuts in combinations(range(1, more), fewer - 1):
                runs = [range(a, b) for a, b in zip((0, *cuts), (*cuts, more), strict=True)]
                given: list[tuple[int, ...]] = [()] * 4
                for place, run in enumerate(runs):
                    if count >= moving:  # each mover takes a run of notes
                        given[movers[place]] = tuple(run)
                    else:  # each note goes to a run of movers
                        for mover in run:
                            given[movers[mover]] = (place,)
                yield tuple(given)


def _sing(voices: _Voices, choice: _Choice, event: Event, bar: int) -> tuple[_Voices, float]:
    """Return what the voices sing after an event, and what speaks against that."""
    now, pitches = event.onset, event.pitches[::-1]
    cost, after, sounding = 0.0, [], []
    movers = sum(map(bool, choice))
    for place, ((pitch, start), taken) in enumerate(zip(voices, choice, strict=True)):
        if not taken:
            silent = start < 0 or now >= start + bar
            cost += (_SILENT if start >= 0 else _NOT_YET) if silent else 0.0
            if not silent:
                cost += _CLASH * any(abs(pitch - other) in (1, 2) for other in pitches)
                cost += _LEFT_OUT * (movers >= 2)
            after.append((pitch, start))
            sounding.append(None if silent else pitch)
            continue
        new = pitches[taken[0] if place < 3 else taken[-1]]
        step = min(abs(new - pitch), 12) * _STEP
        lowest, highest = RANGES[place]
        cost += step if start >= 0 else step / 4
        cost += _RANGE * (max(0, lowest - pitches[taken[-1]]) + max(0, pitches[taken[0]] - highest))
        cost += _DIVIDED * (len(taken) - 1) + _SPREAD * (pitches[taken[0]] - pitches[taken[-1]])
        after.append((new, now))
        sounding.append(new)
    cost += _UNISON * (sum(map(len, choice)) - len(pitches))
    for place, (upper, lower) in enumerate(pairwise(sounding)):
        if upper is not None and lower is not None:
            cost += _CROSSING * (upper < lower)
            cost += _SPACING * max(0, upper - lower - 12) * (place < 2)
    return tuple(after), cost


def _written(score: Score, choices: Sequence[_Choice]) -> tuple[Part, ...]:
    """Write the voices: a note lasts until the next one of its voice, or a bar if two would not do."""
    bar = score.units_per_bar
    parts = []
    for place, name in enumerate(SATB):
        begun = [
            (event.onset, [event.pitches[::-1][at] for at in choice[place]])
            for event, choice in zip(score.events, choices, strict=True)
            if choice[place]
        ]
        ends = [*(onset for onset, _ in begun[1:]), score.events[-1].onset + bar]
        notes = [
            Note(pitch, onset, end if end < onset + 2 * bar else onset + bar, place)
            for (onset, pitches), end in zip(begun, ends, strict=False)
            for pitch in sorted(pitches)
        ]
        parts.append(Part(name, tuple(notes)))
    return tuple(parts)
