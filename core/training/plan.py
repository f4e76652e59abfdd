"""Hyperparameters for a training, from how much music and how much time there is."""

from dataclasses import dataclass
from typing import Final

from core.music.notation import TRANSPOSITIONS
from core.training.fit import Hyperparameters

TOKENS_A_SECOND: Final = 4_000  # that a training of medium size is sure to hear on two cores, beside composing
STEPS_AN_EPOCH: Final = 10  # that an epoch should have, so that the optimiser gets somewhere
LARGEST_BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class _Manner:
    """Say how to train in one case: from a base or from nothing."""

    epochs: int
    learning_rate: float
    average: float
    patience: int


FROM_BASE: Final = _Manner(epochs=10, learning_rate=1e-3, average=0.99, patience=3)
FROM_NOTHING: Final = _Manner(epochs=30, learning_rate=3e-3, average=0.995, patience=6)


def plan(tokens: int, seconds: float, *, based: bool, window: int, speed: float = TOKENS_A_SECOND) -> Hyperparameters:
    """Choose hyperparameters for `tokens` of music, before transposition, that much time, and tokens a second.

    The music is shown in as many of its twelve keys an epoch as the time allows, so that the learning rate has come
    down when the time is over; little music is shown in small batches, so that there are steps enough.
    """
    manner = FROM_BASE if based else FROM_NOTHING
    heard = seconds * speed
    keys = max(1, min(len(TRANSPOSITIONS), int(heard / (tokens * manner.epochs))))
    epochs = max(2, min(manner.epochs, int(heard / (tokens * keys))))
    return Hyperparameters(
        batch=max(1, min(LARGEST_BATCH, tokens * keys // (window * STEPS_AN_EPOCH))),
        epochs=epochs,
        keys=keys,
        learning_rate=manner.learning_rate,
        average=manner.average,
        patience=manner.patience,
        seconds=seconds,
    )
