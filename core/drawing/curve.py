"""A training as its learning curve: PNG bytes to post."""

import math
from collections.abc import Sequence
from typing import Final, Protocol

from core.drawing.canvas import FAINT, GRID, HEADER, MARGIN, PALETTE, PLOT, TEXT, WIDTH, Canvas, Colour
from core.errors import PictureError

_HEIGHT: Final = 560
_BEST: Final[Colour] = (78, 82, 98)


class Figures(Protocol):
    """Say what an epoch of training measured, losses in nats a token."""

    @property
    def epoch(self) -> int:
        """Count from 1."""

    @property
    def loss(self) -> float:
        """Average over what it was trained on."""

    @property
    def val_loss(self) -> float:
        """Average over what was held out."""


def learning_curve(history: Sequence[Figures]) -> bytes:
    """Draw loss and validation loss by epoch, with the best epoch marked.

    Raises PictureError if no epoch has a finite loss.
    """
    epochs = [figures for figures in history if math.isfinite(figures.loss) and math.isfinite(figures.val_loss)]
    if not epochs:
        raise PictureError("There is no epoch to draw yet.")
    best = min(epochs, key=lambda figures: figures.val_loss)
    values = [value for figures in epochs for value in (figures.loss, figures.val_loss)]
    ticks = _ticks(max(0.0, min(values) - 0.05), max(values) + 0.05, 6)
    left, right, top, bottom = MARGIN + 52, WIDTH - MARGIN, HEADER + 6, _HEIGHT - 56
    first, last = epochs[0].epoch, max(epochs[-1].epoch, epochs[0].epoch + 1)

    def x(epoch: float) -> float:
        return left + 24 + (right - left - 48) * (epoch - first) / (last - first)

    def y(loss: float) -> float:
        return bottom - (bottom - top) * (loss - ticks[0]) / (ticks[-1] - ticks[0])

    canvas = Canvas(_HEIGHT)
    canvas.box(left, top, right, bottom, PLOT, 6)
    for tick in ticks:
        canvas.box(left, y(tick) - 0.5, right, y(tick) + 0.5, GRID)
        canvas.text(left - 10, y(tick), f"{tick:.4g}", 15, FAINT, "rm")
    for epoch in _ticks(first, last, 14):
        if epoch == int(epoch) and first <= epoch <= last:
            canvas.text(x(epoch), bottom + 12, f"{epoch:.0f}", 15, FAINT, "mt")
    canvas.text((left + right) / 2, _HEIGHT - 12, "epoch", 15, FAINT, "ms")
    canvas.box(x(best.epoch) - 0.75, top, x(best.epoch) + 0.75, bottom, _BEST)
    for colour, line in (
        (PALETTE[2], [(x(figures.epoch), y(figures.loss)) for figures in epochs]),
        (PALETTE[0], [(x(figures.epoch), y(figures.val_loss)) for figures in epochs]),
    ):
        canvas.path(line, colour, 3)
        for point in line if len(line) <= 40 else line[-1:]:
            canvas.dot(*point, 4, colour)
    canvas.dot(x(best.epoch), y(best.val_loss), 9, TEXT)
    canvas.dot(x(best.epoch), y(best.val_loss), 6, PALETTE[0])
    canvas.header(
        f"Best after epoch {best.epoch}: {best.val_loss:.3f} nats a token",
        [("loss", [PALETTE[2]]), ("validation loss", [PALETTE[0]])],
    )
    return canvas.png()


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers from at most `low` to at least `high`, their step 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if (high - low) / (power * factor) <= most)
    return [round(step * i, 10) for i in range(math.floor(low / step), math.ceil(high / step) + 1)]
