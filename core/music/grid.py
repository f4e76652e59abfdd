"""Where in a quarter the notes of a piece begin: how late all of it is, whether it swings, and whether there is a beat.

Onsets are `(notes,)` ticks, `quarter` is how many of them a quarter lasts.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

TOLERANCE: Final = 1 / 8  # of a unit; a note that is less beside the grid is on it

_ENOUGH: Final = 24  # notes from which on something can be said of a piece
_ON: Final = 0.95  # share of the notes on a grid of which it is the piece's own
_STEADY: Final = 0.5  # as `steadiness` has it: played by hand to a beat
_FREE: Final = 0.2  # performances have up to 0.06, what is played loosely to a beat has from 0.5 on
_PARTS: Final = (4, 3, 8, 6)  # of a quarter; sixteenths or thirds alone would not see a run of notes twice as short
_RARELY: Final = 7.0  # minus the logarithm of how often a few notes may seem to keep to a beat by chance
_GAIN: Final = 0.1  # share of the notes that must come to lie on the grid for a piece to be moved
_SWUNG: Final = 0.05  # share of the notes that are late off-beats
_EVEN: Final = 1 / 16  # quarters around the middle of a quarter in which off-beats are even

Onsets = NDArray[np.int64]


def near(onsets: Onsets, period: float, late: float = 0) -> NDArray[np.bool_]:
    """Tell which notes begin within the tolerance of a grid whose lines are `period` ticks apart."""
    beside = (onsets - late + period / 2) % period - period / 2
    return np.asarray(np.abs(beside) < TOLERANCE * period)


def lateness(onsets: Onsets, quarter: int) -> int:
    """Return by how many ticks a whole piece is later than its beats; negative if it is earlier.

    It is 0 where moving it would not bring more notes onto the grid. What is late by sixteenths moves so that most
    notes come to lie on quarters and eighths.
    """
    if len(onsets) < _ENOUGH:
        return 0
    for parts in (1, 2, 4):
        period = quarter / parts
        late = _densest(onsets, period)
        if near(onsets, period, late).mean() >= _ON:
            return _to_the_beat(onsets, quarter, late, parts) if late else 0
    if abs(turn := _turn(onsets, quarter / 4)) < _STEADY:
        return 0
    late = round(float(np.angle(turn)) / (2 * np.pi) * quarter / 4)
    gain = near(onsets, quarter / 4, late).mean() - near(onsets, quarter / 4).mean()
    return _to_the_beat(onsets, quarter, late, 4) if gain >= _GAIN else 0


def swing(onsets: Onsets, quarter: int) -> float:
    """Return where in a quarter the off-beats of a piece that swings stand, as 0.67; 0 for one that does not.

    A piece swings whose off-beats are late, while few stand in the middle and few on the first third.
    """
    if len(onsets) < _ENOUGH:
        return 0
    places = onsets % quarter / quarter
    late = (places > 1 / 2 + _EVEN) & (places < 3 / 4 - TOLERANCE / 3)
    even = np.abs(places - 1 / 2) <= _EVEN
    first = np.abs(places - 1 / 3) < TOLERANCE / 3
    if late.mean() < _SWUNG or late.sum() <= 2 * max(even.sum(), first.sum()):
        return 0
    return float(np.median(places[late]))


def straightened(onsets: Onsets, quarter: int, swing: float) -> Onsets:
    """Move off-beats that stand at `swing` of a quarter to its middle, and what is between in proportion."""
    beats, places = np.divmod(onsets, quarter)
    moved = np.interp(places / quarter, [0, swing, 1], [0, 1 / 2, 1])
    return np.asarray(beats * quarter + np.rint(moved * quarter), np.int64)


def in_thirds(onsets: Onsets, quarter: int) -> float:
    """Return the share of notes that begin on the thirds of a quarter or an eighth, and not on sixteenths."""
    return float((near(onsets, quarter / 6) & ~near(onsets, quarter / 4)).mean())


def steadiness(onsets: Onsets, quarter: int) -> float:
    """Return how much a piece keeps to a part of its quarters, from sixteenths to 32nds and triplets, from 0 to 1.

    It is the length of the mean of the onsets' directions on a circle that is one such part around.
    """
    return max(abs(_turn(onsets, quarter / parts)) for parts in _PARTS)


def is_free(onsets: Onsets, quarter: int) -> bool:
    """Tell whether a piece pays no heed to the beats of its file, as a performance that was recorded without any."""
    by_chance = (_RARELY / max(1, len(onsets))) ** 0.5  # Rayleigh's test
    return len(onsets) >= 2 * _ENOUGH and steadiness(onsets, quarter) < max(_FREE, by_chance)


def _turn(onsets: Onsets, period: float) -> complex:
    return complex(np.exp(2j * np.pi * (onsets % period) / period).mean())


def _densest(onsets: Onsets, period: float) -> int:
    """Return the place within a period around which most notes begin, from -period / 2 to period / 2."""
    places = np.sort(onsets % period)
    around = np.concatenate([places - period, places, places + period])
    reach = TOLERANCE * period
    counts = np.searchsorted(around, places + reach) - np.searchsorted(around, places - reach, "right")
    centred = (places + period / 2) % period - period / 2
    best = centred[counts == counts.max()]
    place = best[np.abs(best).argmin()]
    beside = (onsets - place + period / 2) % period - period / 2
    late = round(float(place + np.median(beside[np.abs(beside) < reach])))
    return -late if -2 * late == round(period) else late


def _to_the_beat(onsets: Onsets, quarter: int, late: int, parts: int) -> int:
    """Add to a lateness, known within a part of a quarter, as many parts as bring most notes onto strong places."""

    def strength(parts_more: int) -> tuple[float, int]:
        moved = late + round(parts_more * quarter / parts)
        return float(near(onsets, quarter, moved).sum() + near(onsets, quarter / 2, moved).sum()), -abs(moved)

    if abs(late) < TOLERANCE * quarter / parts:
        return late
    return late + round(max(range(-parts // 2, parts // 2 + 1), key=strength) * quarter / parts)
