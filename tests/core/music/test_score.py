"""Scores: events, and how long they are."""

import pytest

from core.music import score


@pytest.mark.parametrize(("bars", "told"), [(16.75, 16), (16.0, 16), (4.25, 4), (3.5, 3.5), (0.375, 0.375)])
def test_bars_are_counted_as_musicians_do(bars: float, told: float) -> None:
    assert score.whole_bars(bars) == told
