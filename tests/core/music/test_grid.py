"""Grids: what is late as a whole, what swings, what is in thirds, and what was played without a beat."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.music import grid

QUARTER = 1024
STEPS = (0, 2, 4, 6, 8, 10, 12, 14, 16, 20, 22, 23, 24, 28, 30, 31)  # sixteenths: most on quarters and eighths


def rhythm(parts: int = 4, bars: int = 8) -> NDArray[np.int64]:
    """Return a rhythm of two bars again and again; its steps are such parts of a quarter."""
    return np.concatenate([np.array(STEPS) * QUARTER // parts + bar * 8 * QUARTER for bar in range(bars)])


@pytest.mark.parametrize("late", [0, 10, -9, 100, 200, -330])
def test_a_constant_lateness_is_found(late: int) -> None:
    assert grid.lateness(rhythm() + QUARTER + late, QUARTER) == late


def test_eighths_that_are_a_sixteenth_late_are_moved_and_true_sixteenths_stay() -> None:
    eighths = np.arange(64) * QUARTER // 2
    assert abs(grid.lateness(eighths + QUARTER // 4, QUARTER)) == QUARTER // 4
    syncopated = np.array([0, 3, 6, 10, 13]) * QUARTER // 4 + np.arange(12)[:, None] * 4 * QUARTER
    assert grid.lateness(syncopated.ravel(), QUARTER) == 0


def test_what_is_played_to_a_beat_is_moved_onto_it_and_unevenness_stays() -> None:
    chance = np.random.default_rng(5)
    played = rhythm() + QUARTER + np.rint(chance.normal(0, 30, 128)).astype(np.int64)
    assert grid.lateness(played, QUARTER) == 0
    assert grid.lateness(played + 120, QUARTER) == pytest.approx(120, abs=10)
    assert 0.5 < grid.steadiness(played, QUARTER) < 1


def test_tolerance_is_an_eighth_of_a_unit() -> None:
    onsets = np.array([0, 31, 32, 127, 128, 993, 992])
    assert grid.near(onsets, QUARTER / 4).tolist() == [True, True, False, False, False, True, False]
    assert grid.near(onsets, QUARTER).tolist() == [True, True, True, True, False, True, True]


def test_swing_is_told_from_triplets_and_from_even_eighths() -> None:
    beats = np.arange(32) * QUARTER
    swung = np.sort(np.concatenate([beats, beats[::2] + 683]))
    assert grid.swing(swung, QUARTER) == pytest.approx(2 / 3, abs=0.01)
    assert (grid.straightened(swung, QUARTER, 683 / 1024) % 512 == 0).all()
    triplets = np.arange(96) * QUARTER // 3
    assert grid.swing(triplets, QUARTER) == 0
    assert grid.in_thirds(triplets, QUARTER) == pytest.approx(2 / 3)
    assert grid.in_thirds(np.arange(96) * QUARTER // 6, QUARTER) == pytest.approx(2 / 3)
    assert grid.swing(rhythm(), QUARTER) == grid.in_thirds(rhythm(), QUARTER) == 0


def test_a_performance_pays_no_heed_to_the_beats_and_few_notes_say_nothing() -> None:
    chance = np.random.default_rng(6)
    seconds = np.cumsum(0.6 * np.exp(np.cumsum(chance.normal(0, 0.03, 200))))
    free = np.rint(seconds * 2 * QUARTER).astype(np.int64)  # at the 120 of a file without a tempo
    assert grid.is_free(free, QUARTER)
    assert not grid.is_free(free[:20], QUARTER)
    assert not grid.is_free(rhythm(), QUARTER)
    for parts in (3, 6, 8):
        assert not grid.is_free(np.arange(96) * QUARTER // parts, QUARTER)
