"""Hyperparameters for a training, from how much music and how much time there is."""

from dataclasses import dataclass
from typing import Final

from core.music.notation import TRANSPOSITIONS
from core.training.fit import Hyperparameters

TOKENS_A_SECOND: Final = 4_000  # that a training of medium size is sure to hear on two cores, beside composing
STEPS_AN_EPOCH: Final = 10  # that an epoch should have, so that the optimiser gets somewhere
LARGEST_BATCH: Final = 16
MUCH_MUSIC: Final = 120_000  # tokens, before transposition, from which on a base is changed as fast as it can learn


@dataclass(frozen=True, slots=True)
class _Manner:
    """Say how to train in one case: from a base or from nothing.

    From a base, little music changes it gently, by `gentlest` of the learning rate at least.
    """

    epochs: int
    learning_rate: float
    average: float
    patience: int
    gentlest: float = 1.0


FROM_BASE: Final = _Manner(epochs=10, learning_rate=3e-3, average=0.99, patience=3, gentlest=1 / 3)
FROM_NOTHING: Final = _Manner(epochs=30, learning_rate=3e-3, average=0.995, patience=6)


def plan(tokens: int, seconds: float, *, based: bool, window: int, speed: float = TOKENS_A_SECOND) -> Hyperparameters:
    """Choose hyperparameters for `tokens` of music, before transposition, that much time, and tokens a second.

    The music is shown in as many of its twelve keys an epoch as the time allows, so that the learning rate has come
    down when the time is over; little music is shown in small batches, so that there are steps enough.
    """
    manner = FROM_BASE if based else FROM_NOTHING
    heard = seconds * speed
    keys = max(1, min(len(TRANSPOSITIONS), int(heard / (tokens * manner.epochs))))
    most = manner.epochs if keys == len(TRANSPOSITIONS) else 2 * manner.epochs  # so that the time is made use of
    epochs = max(2, min(most, int(heard / (tokens * keys))))
    return Hyperparameters(
        batch=max(1, min(LARGEST_BATCH, tokens * keys // (window * STEPS_AN_EPOCH))),
        epochs=epochs,
        keys=keys,
        learning_rate=manner.learning_rate * max(manner.gentlest, min(1.0, tokens / MUCH_MUSIC)),
        average=manner.average,
        patience=manner.patience,
        seconds=seconds,
    )


def left_out(turns: int) -> dict[str, float]:
    """Say how much a network leaves out while it hears its music `turns` times: the less, the more it has to learn.

    The steps are those at which the models that ship were trained: 7 turns, 24, and the textbook's hundred.
    """
    dropout, weight_drop = (0.3, 0.1) if turns < 15 else (0.4, 0.3) if turns < 60 else (0.5, 0.4)
    return {"dropout": dropout, "weight_drop": weight_drop}


def is_ample(tokens: int, seconds: float, *, based: bool) -> bool:
    """Tell whether so much music is heard as often as is good for it in so many seconds, on any machine."""
    manner = FROM_BASE if based else FROM_NOTHING
    return tokens * len(TRANSPOSITIONS) * manner.epochs <= seconds * TOKENS_A_SECOND
