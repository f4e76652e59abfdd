"""Scores: events in rest units, and their way from and to the notation."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from core.music import notation
from core.music.metre import COMMON, Metre
from core.music.notation import Anchor

QUARTERS_PER_BAR: Final = 4  # pieces in two count two of their bars as one
UNITS: Final = (Fraction(1), Fraction(1, 2), Fraction(1, 4))  # quarters that one rest unit can last


@dataclass(frozen=True, slots=True)
class Event:
    """Name the notes that start at one moment.

    `onset` counts units from the start of the piece; `pitches` are MIDI numbers, ascending, at least one.
    """

    onset: int
    pitches: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Hold a piece: events with strictly ascending onsets.

    `length` is where the last event's rests end, in units; `unit` is how many quarters one unit lasts; `metre` is that
    in which its bars are counted. `lengths` say for how many units the notes of each event sound, where that is known;
    the notation does not say it, and there voice leading does.
    """

    events: tuple[Event, ...]
    length: int
    unit: Fraction
    metre: Metre = COMMON
    lengths: tuple[int, ...] | None = None

    @property
    def units_per_bar(self) -> int:
        """Count the units of a bar. Raises RequestError where that is no whole number."""
        return self.metre.units(self.unit)

    @property
    def bars(self) -> Fraction:
        """Measure the piece in bars of its metre."""
        return Fraction(self.length, self.units_per_bar)

    @property
    def range(self) -> tuple[int, int]:
        """Return the lowest and the highest pitch; the score must have an event."""
        return min(event.pitches[0] for event in self.events), max(event.pitches[-1] for event in self.events)

    def transposed(self, semitones: int) -> "Score":
        """Move every pitch, by an octave less or more where it would leave 0 … 127; unmoved if nothing fits."""
        shift = notation.fitting(semitones, *self.range) if self.events else 0
        if not shift:
            return self
        return replace(self, events=tuple(Event(e.onset, tuple(p + shift for p in e.pitches)) for e in self.events))


def whole_bars(bars: float) -> float:
    """Return a length in bars as musicians count it: a pickup, and what its bar lacks at the end, are no bar more.

    What is shorter than four bars keeps its fraction.
    """
    return bars if bars < 4 else math.floor(bars)


def from_ids(ids: Iterable[int], anchor: Anchor, unit: Fraction, metre: Metre = COMMON) -> Score:
    """Read the ids of one piece; boundaries are passed over, and an open last event counts one unit."""
    events: list[Event] = []
    chord: list[int] = []
    now = onset = 0
    for token in ids:
        if token in notation.NOTES:
            chord, onset = [token - notation.NOTES.start], now
        elif token in notation.INTERVALS:
            distance = token - notation.INTERVALS.start + 1
            chord.append(chord[0] + distance if anchor == "lowest" else chord[0] - distance)
        elif token in notation.RESTS:
            if chord:
                events.append(Event(onset, tuple(sorted(chord))))
                chord = []
            now += notation.rest_units(token)
    if chord:
        events.append(Event(onset, tuple(sorted(chord))))
        now += 1
    return Score(tuple(events), now, unit, metre)


def to_ids(score: Score, anchor: Anchor) -> list[int]:
    """Write a score as ids in normal form."""
    if not score.events:
        return notation.rests(score.length)
    ids = notation.rests(score.events[0].onset)
    ends = [event.onset for event in score.events[1:]] + [score.length]
    for event, end in zip(score.events, ends, strict=True):
        base = event.pitches[0] if anchor == "lowest" else event.pitches[-1]
        others = sorted(abs(pitch - base) for pitch in event.pitches if pitch != base)
        ids += [notation.note(base), *map(notation.interval, others), *notation.rests(end - event.onset)]
    return ids


def from_text(text: str, anchor: Anchor, unit: Fraction, metre: Metre = COMMON, *, open_end: bool = False) -> Score:
    """Read one piece of notation. Raises NotationError."""
    return from_ids(notation.parse(text, anchor, open_end=open_end), anchor, unit, metre)


def to_text(score: Score, anchor: Anchor) -> str:
    """Write a score in the notation, in normal form."""
    return notation.text(to_ids(score, anchor))
