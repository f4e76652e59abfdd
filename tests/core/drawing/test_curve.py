"""Learning curves that show how a training went."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from core.drawing import canvas
from core.drawing.curve import learning_curve
from core.errors import PictureError
from tests.core.drawing.test_roll import coloured, opened


@dataclass(frozen=True)
class Epoch:
    epoch: int
    loss: float
    val_loss: float


def test_the_best_epoch_is_marked_where_it_is() -> None:
    def marked(best: int) -> int:
        history = [Epoch(epoch, 2.0 - epoch / 20, 1.5 if epoch == best else 1.9) for epoch in range(1, 11)]
        white = opened(learning_curve(history))[canvas.HEADER :].min(axis=2) > 225
        return int(np.median(np.argwhere(white)[:, 1]))

    columns = [marked(best) for best in (1, 4, 10)]
    assert columns == sorted(columns)
    assert columns[0] < canvas.WIDTH * 0.1
    assert columns[2] > canvas.WIDTH * 0.9


@pytest.mark.parametrize("losses", [[1.5], [1.5, 1.5, 1.5], [9e9, 1.0], [2.0, math.nan, 1.0, math.inf]])
def test_any_history_can_be_drawn(losses: list[float]) -> None:
    history = [Epoch(epoch, loss, loss) for epoch, loss in enumerate(losses, 1)]
    assert len(coloured(opened(learning_curve(history))))


@pytest.mark.parametrize("history", [[], [Epoch(1, math.nan, math.nan)]])
def test_a_history_without_figures_is_refused(history: list[Epoch]) -> None:
    with pytest.raises(PictureError, match="no epoch"):
        learning_curve(history)
