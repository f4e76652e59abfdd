"""Harmony: the chords that go with a piece, beat group by beat group, as an accompanist would play them.

A path through the chords of the key is found that holds as much of what sounds as it can, changes with the bars, and
moves as chords do (Viterbi). The chords are for the melody's own key: what only passes does not make a chord.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.music.keys import key_of, parse_key
from core.music.score import Score
from core.music.spelling import spell, tonality
from core.music.voices import notes

Kind = Literal["major", "minor", "seventh"]

INTERVALS: Final[dict[Kind, tuple[int, ...]]] = {"major": (0, 4, 7), "minor": (0, 3, 7), "seventh": (0, 4, 7, 10)}

_SUFFIXES: Final[dict[Kind, str]] = {"major": "", "minor": "m", "seventh": "7"}
_DEGREES: Final[dict[str, dict[tuple[int, Kind], float]]] = {  # what speaks against a chord, by its root in the key
    "major": {
        (0, "major"): 0.0,
        (7, "major"): 0.25,
        (5, "major"): 0.3,
        (7, "seventh"): 0.35,
        (2, "minor"): 0.8,
        (9, "minor"): 0.8,
        (10, "major"): 1.2,
        (2, "seventh"): 1.2,
        (4, "minor"): 1.4,
        (2, "major"): 1.5,
        (7, "minor"): 1.6,
    },
    "minor": {
        (0, "minor"): 0.0,
        (7, "seventh"): 0.4,
        (10, "major"): 0.4,
        (5, "minor"): 0.4,
        (7, "major"): 0.5,
        (3, "major"): 0.6,
        (8, "major"): 0.9,
        (7, "minor"): 1.0,
        (5, "major"): 1.1,
        (2, "minor"): 1.6,
    },
}
_WITHIN_A_BAR: Final = 0.6  # what speaks against a change there
_AT_A_BAR: Final = 0.1  # and at a bar line
_FALLING_FIFTH: Final = 0.25  # what speaks for one
_BACKWARDS: Final = 0.5  # what speaks against the subdominant behind the dominant
_OUTSIDE: Final = 1.3  # what speaks against a chord that lacks a note, for each quarter of it
_ROOT: Final = 0.15  # what speaks for a chord whose root sounds
_DISSONANT: Final = 0.3  # and further against one that the note rubs against from a semitone above
_AWAY: Final = 2.0  # what speaks against an end on another chord than the tonic's
_ACCENTS: Final = (1.5, 1.2, 1.0, 0.5)  # weights of what begins with bars, their halves, beats and their parts


@dataclass(frozen=True, slots=True)
class Chord:
    """Name a chord that lasts from `start` until before `end`, in units; `root` is its pitch class, C is 0."""

    start: int
    end: int
    root: int
    kind: Kind

    @property
    def classes(self) -> tuple[int, ...]:
        """Return its pitch classes, the root first."""
        return tuple((self.root + interval) % 12 for interval in INTERVALS[self.kind])

    def symbol(self, key: str) -> str:
        """Return how a lead sheet in a key writes it, as B♭, F♯m or D7."""
        return spell(self.root, tonality(key)).name + _SUFFIXES[self.kind]


def chords(score: Score, key: str | None = None) -> tuple[Chord, ...]:
    """Find the chords for a piece, one behind the other from its first full bar on; `key` is found if it is None.

    They change with a bar, its half, or its beat where three beats make a bar of nine: as an accompanist of tunes does.
    A pickup has none.
    """
    if not score.events:
        return ()
    key = key_of(score) if key is None else key
    tonic, mode = parse_key(key)
    degrees = _DEGREES[mode or "major"]
    names = [((tonic + degree) % 12, kind) for degree, kind in degrees]
    slots = _slots(score)
    if not slots:
        return ()
    costs = _missing(score, slots, names) + np.array(list(degrees.values())) * _length(score, slots)[:, None] / 2
    costs[-1] += [0 if (root - tonic) % 12 == 0 else _AWAY for root, _ in names]
    found: list[Chord] = []
    for (start, end), place in zip(slots, _path(costs, slots, score, list(degrees)), strict=True):
        root, kind = names[place]
        if found and (found[-1].root, found[-1].kind) == (root, kind):
            start = found.pop().start
        found.append(Chord(start, end, root, kind))
    return tuple(found)


def _slots(score: Score) -> list[tuple[int, int]]:
    """Return what each chord may cover, in units: the bar or its parts, from the first full bar on."""
    bar = score.units_per_bar
    first = bar if score.events[0].onset % bar and score.length > bar else 0
    first += score.events[0].onset // bar * bar
    halves = Fraction(score.metre.pulses[1]) / score.unit
    parts = score.metre.beats if score.metre.is_compound else bar / halves
    step = bar / Fraction(parts)
    length = int(step) if step.denominator == 1 else bar
    return [(start, min(start + length, score.length)) for start in range(first, score.length, length)]


def _length(score: Score, slots: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Return the quarters of each slot."""
    return np.array([float((end - start) * score.unit) for start, end in slots])


def _missing(score: Score, slots: Sequence[tuple[int, int]], names: Sequence[tuple[int, Kind]]) -> NDArray[np.float64]:
    """Return what of each slot's music each chord lacks, in quarters: `(slots, chords)`."""
    costs = np.zeros((12, len(names)))
    for place, (root, kind) in enumerate(names):
        holds = {(root + interval) % 12 for interval in INTERVALS[kind]}
        for pitch in range(12):
            rubs = _DISSONANT if (pitch - 1) % 12 in holds else 0.0
            costs[pitch, place] = -_ROOT * (pitch == root) if pitch in holds else _OUTSIDE + rubs
    weights = np.zeros((len(slots), 12))
    length, first = slots[0][1] - slots[0][0], slots[0][0]
    for note in notes(score):
        quarter = note.start * score.unit
        pulses = zip(score.metre.pulses, _ACCENTS, strict=True)
        accent = next((weight for pulse, weight in pulses if quarter % pulse == 0), _ACCENTS[-1])
        for unit in range(note.start, note.end):
            if unit >= first and (slot := (unit - first) // length) < len(slots):
                weights[slot, note.pitch % 12] += accent * float(score.unit)
    sounding = np.maximum(weights.sum(1, keepdims=True), 1e-9)
    quarters = np.minimum(sounding, _length(score, slots)[:, None])
    return np.asarray((weights / sounding * quarters) @ costs)


def _path(
    costs: NDArray[np.float64], slots: Sequence[tuple[int, int]], score: Score, degrees: Sequence[tuple[int, Kind]]
) -> list[int]:
    """Return the chord of each slot on the cheapest path."""
    moves = np.zeros((len(degrees), len(degrees)))
    for here, (before, _) in enumerate(degrees):
        for there, (after, _) in enumerate(degrees):
            moves[here, there] -= _FALLING_FIFTH * ((before - after) % 12 == 7)
            moves[here, there] += _BACKWARDS * (before == 7 and after in (2, 5))
    change = 1 - np.eye(len(degrees))
    best, came = costs[0], []
    for (start, _), cost in zip(slots[1:], costs[1:], strict=True):
        inside = start % score.units_per_bar != 0
        steps = best[:, None] + (moves + (_WITHIN_A_BAR if inside else _AT_A_BAR)) * change
        came.append(steps.argmin(0))
        best = steps.min(0) + cost
    path = [int(best.argmin())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return path[::-1]
