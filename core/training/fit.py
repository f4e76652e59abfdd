"""Learning: pieces as frames -> weights, with a history, early stopping, checkpoints and a way to stop.

The pieces of an epoch, each in some of its twelve keys, stand one behind the other in a stream that is cut into
`batch` rows. A window of each row is one step of the optimiser, and the state goes on from window to window, so that
the network hears each piece from its beginning. Held-out pieces are heard whole.
"""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import Cancelled, TrainingError
from core.model.bundle import Params, Weights
from core.model.hearing import Frames
from core.training.learner import Learner, Settings
from core.training.progress import Epoch, Progress

__all__ = ["Fitted", "Settings", "device", "fit"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Hold the weights of the best epoch, its number, the history, and why the training ended."""

    weights: Weights
    best: int
    history: tuple[Epoch, ...]
    ended: str


def fit(
    params: Params,
    train: Sequence[Frames],
    held_out: Sequence[Frames],
    settings: Settings,
    *,
    start: Weights | None = None,
    checkpoint: Path | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    epoch_done: Callable[[Epoch, Weights], None] = lambda epoch, weights: None,
    stop: Callable[[], bool] = lambda: False,
) -> Fitted:
    """Train a network on `train` and return the weights that predict `held_out` best.

    `start` gives the weights to begin from. With `checkpoint`, every epoch is written to that file, whole or not at
    all, and a training whose file is there goes on from it to the very weights it would have reached undisturbed.
    `epoch_done` gets each epoch's figures and averaged weights; `stop` is asked between steps. Raises TrainingError,
    and Cancelled if it was stopped before one epoch was done.
    """
    if not train or not held_out:
        raise TrainingError("There must be music to learn from and music held out to test with: at least two pieces.")
    tokens = sum(map(len, train)) * settings.keys
    if tokens // settings.batch <= params.window:
        raise TrainingError(
            f"There is too little music for steps of {settings.batch} windows of {params.window} tokens: "
            f"an epoch has {tokens:,}. Choose a smaller --batch or --window, or add pieces."
        )
    learner = Learner(params, settings, tokens, start, _digest(train, held_out, start))
    if checkpoint is not None and checkpoint.exists():
        learner.restore(checkpoint)
    began = time.monotonic() - sum(epoch.seconds for epoch in learner.history)
    while not (ended := _ended(learner, settings, time.monotonic() - began)):
        if not learner.run_epoch(train, held_out, report, stop):
            ended = "stopped"
            break
        if not np.isfinite(learner.history[-1].val_loss + learner.history[-1].loss):
            learner.history.pop()
            ended = "the loss was no longer a number"
            break
        if checkpoint is not None:
            learner.save(checkpoint)
        epoch_done(learner.history[-1], learner.averaged())
    if not learner.history:
        if ended == "stopped":
            raise Cancelled("The training was stopped before its first epoch was done, so there is no model yet.")
        raise TrainingError("The loss is no longer a number: the learning rate is too high. Try half of it.")
    return Fitted(learner.best_weights, learner.best, tuple(learner.history), ended)


def _ended(learner: Learner, settings: Settings, seconds: float) -> str:
    """Say why there is no further epoch; empty if there is one."""
    done, ended = len(learner.history), ""
    if done >= settings.epochs:
        ended = "all epochs done"
    elif done - learner.best >= settings.patience:
        ended = f"no better since epoch {learner.best}"
    elif done and settings.seconds is not None and seconds > settings.seconds:
        ended = "out of time"
    return ended


def _digest(train: Sequence[Frames], held_out: Sequence[Frames], start: Weights | None) -> str:
    """Sum up what a training begins with."""
    sums = [hashlib.sha256(b"".join(piece.tobytes() for piece in pieces)) for pieces in (train, held_out)]
    weights = sorted((start or {}).items())  # read from a file they come in any order
    sums.append(hashlib.sha256(b"".join(tensor.tobytes() for _, tensor in weights)))
    return " ".join(each.hexdigest()[:16] for each in sums)


def device() -> str:
    """Name what trains here: the GPU, if TensorFlow finds one, or else the CPU."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"the CPU ({os.cpu_count()} cores)"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "a GPU"))
