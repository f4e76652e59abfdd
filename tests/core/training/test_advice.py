"""Advice after a training: what a musician should know, in words that hold for the chat and for the command line."""

from fractions import Fraction
from typing import Any

import pytest

from core.training.advice import advise
from core.training.progress import Epoch


def _epoch(number: int, loss: float, val_loss: float) -> Epoch:
    return Epoch(number, loss, val_loss, accuracy=0.5, val_accuracy=0.5, seconds=1.0, tokens_per_second=1.0)


SETTLED = (_epoch(1, 1.505, 1.505), _epoch(2, 1.5, 1.5))
LEARNING = (_epoch(1, 2.0, 2.0), _epoch(2, 1.5, 1.5))
BY_HEART = (_epoch(1, 2.0, 2.0), _epoch(2, 1.0, 2.5))
APART = (_epoch(1, 2.0, 2.0), _epoch(2, 1.0, 1.995))
WELL: dict[str, Any] = {
    "tokens": 100_000,
    "pieces": 90,
    "unit": Fraction(1, 2),
    "on_grid": 1.0,
    "based": False,
}


@pytest.mark.parametrize(
    ("history", "changes", "says"),
    [
        (SETTLED, {"tokens": 900}, "start from a trained model, or add more pieces"),
        (SETTLED, {"on_grid": 0.8}, "a rest unit of 1/4 would suit this music better"),
        (SETTLED, {"on_grid": 0.8, "unit": Fraction(1, 4)}, "quantised files would make a better model"),
        (SETTLED, {"stuck": 0.25}, "25% of the pieces that it composed to try repeat one note over and over"),
        (LEARNING, {}, "train it for longer"),
        (LEARNING[:1], {}, "train it for longer"),
        (BY_HEART, {}, "Since epoch 1"),
        (APART, {}, "more music would help"),
    ],
)
def test_says_what_to_do_and_names_no_option(history: tuple[Epoch, ...], changes: dict[str, Any], says: str) -> None:
    [advice] = map(str, advise(history, **{**WELL, **changes}))
    assert says in advice
    assert advice.endswith(".")
    assert "--" not in advice


def test_is_silent_if_all_is_well() -> None:
    assert advise(SETTLED, **WELL) == ()
