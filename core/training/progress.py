"""How a training goes: the figures of its epochs, and where it is."""

from dataclasses import dataclass
from typing import Final

from core.processes.kept import Kept


@dataclass(frozen=True, slots=True)
class Epoch:
    """Hold the figures of one epoch: losses in nats a token, accuracies as shares of tokens."""

    epoch: int
    loss: float
    val_loss: float
    accuracy: float
    val_accuracy: float
    seconds: float
    tokens_per_second: float


EPOCHS: Final = Kept(Epoch)


@dataclass(frozen=True, slots=True)
class Progress:
    """Tell where a training is within an epoch; `last` is the latest finished epoch, `seconds` are those of all epochs.

    `loss` in nats a token and `accuracy` as a share of tokens are means over the epoch so far.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    tokens_per_second: float
    seconds_left: float
    last: Epoch | None
    seconds: float = 0.0
