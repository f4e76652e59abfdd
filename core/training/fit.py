"""Training: pieces as frames -> weights, with a history, early stopping, checkpoints and a way to stop.

The pieces of an epoch, each in some of its twelve keys, stand one behind the other in a stream that is cut into
`batch` rows. A window of each row is one step of the optimiser, and the state goes on from window to window, so that
the network hears each piece from its beginning. Held-out pieces are heard whole.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import Cancelled, Message, TrainingError, check_range, mark
from core.model.bundle import Params, Weights
from core.model.hearing import ID, Frames
from core.music.notation import TRANSPOSITIONS
from core.training import checkpoints
from core.training.batches import batches, epoch_stream
from core.training.progress import EPOCHS, Epoch, Progress

OUT_OF_TIME: Final = mark("out of time")
STOPPED: Final = mark("stopped")
WARM_UP: Final = 0.03  # share of all steps in which the learning rate rises
COMPILED_STEPS: Final = 400  # from here on XLA's ten seconds of compiling are less than what it saves
LAST_RATE: Final = 0.02  # share of the peak rate at which the cosine ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """Say how to train.

    An epoch shows each piece in `keys` of its twelve keys, other ones each time. `average` is the momentum of the
    moving average of the weights, which is what is kept. `patience` counts epochs without a better held-out loss;
    `seconds` ends the training after that time, None never.
    """

    batch: int = 16
    epochs: int = 12
    keys: int = 4
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    average: float = 0.998
    patience: int = 3
    seconds: float | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        for name, value, lowest, highest in (
            ("batch", self.batch, 1, 1024),
            ("number of epochs", self.epochs, 1, 10_000),
            ("number of keys", self.keys, 1, len(TRANSPOSITIONS)),
            ("learning rate", self.learning_rate, 1e-9, 1),
            ("weight decay", self.weight_decay, 0, 1),
            ("average", self.average, 0, 0.99999),
            ("patience", self.patience, 1, 10_000),
            ("seed", self.seed, 0, 2**31 - 1),
            ("time", 1 if self.seconds is None else self.seconds / 60, 1e-3, 1e6),  # minutes
        ):
            check_range(name, value, lowest, highest, TrainingError)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Hold the weights of the best epoch, its number, the history, and why the training ended."""

    weights: Weights
    best: int
    history: tuple[Epoch, ...]
    ended: Message


def fit(
    params: Params,
    train: Sequence[Frames],
    held_out: Sequence[Frames],
    hyperparameters: Hyperparameters,
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
        raise TrainingError("There must be music to train on and music held out to test with: at least two pieces.")
    tokens = sum(map(len, train)) * hyperparameters.keys
    if tokens // hyperparameters.batch <= params.window:
        raise TrainingError(
            "There is too little music for steps of {batch} windows of {window} tokens: an epoch has {tokens:,}."
            " Choose a smaller --batch or --window, or add pieces.",
            batch=hyperparameters.batch,
            window=params.window,
            tokens=tokens,
        )
    run = Run(params, hyperparameters, tokens, start, _digest(train, held_out, start))
    if checkpoint is not None and checkpoint.exists():
        run.restore(checkpoint)
    began = time.monotonic() - sum(epoch.seconds for epoch in run.history)
    while not (ended := run.ended(time.monotonic() - began)):
        if not run.epoch(train, held_out, report, stop):
            ended = STOPPED
            break
        if not np.isfinite(run.history[-1].val_loss + run.history[-1].loss):
            run.history.pop()
            ended = mark("the loss was no longer a number")
            break
        if checkpoint is not None:
            run.save(checkpoint)
        epoch_done(run.history[-1], run.averaged())
    if not run.history:
        if ended == STOPPED:
            raise Cancelled("The training was stopped before its first epoch was done, so there is no model yet.")
        raise TrainingError("The loss is no longer a number: the learning rate is too high. Try half of it.")
    return Fitted(run.best_weights, run.best, tuple(run.history), ended)


def _digest(train: Sequence[Frames], held_out: Sequence[Frames], start: Weights | None) -> str:
    """Sum up what a training begins with."""
    sums = [hashlib.sha256(b"".join(piece.tobytes() for piece in pieces)) for pieces in (train, held_out)]
    weights = sorted((start or {}).items())  # read from a file they come in any order
    sums.append(hashlib.sha256(b"".join(tensor.tobytes() for _, tensor in weights)))
    return " ".join(each.hexdigest()[:16] for each in sums)


class Run:
    """Hold all that changes from step to step of a training, with its way to disk and back."""

    def __init__(
        self, params: Params, hyperparameters: Hyperparameters, tokens: int, start: Weights | None, digest: str
    ) -> None:
        import keras
        import tensorflow as tf

        from core.training.network import Network

        self.params, self.hyperparameters, self.digest = params, hyperparameters, digest
        self.steps = max(1, tokens // (hyperparameters.batch * params.window))
        compiled = self.steps * hyperparameters.epochs > COMPILED_STEPS
        self.network = Network(params, hyperparameters.seed, compiled=compiled)
        if start is not None:
            self.network.put(start)
        self.history: list[Epoch] = []
        self.best = 0
        self.best_weights: Weights = {}
        self.optimiser = keras.optimizers.AdamW(
            learning_rate=_schedule(hyperparameters, self.steps * hyperparameters.epochs),
            weight_decay=hyperparameters.weight_decay,
            beta_2=0.99,
            global_clipnorm=1.0,
        )
        self.variables = self.network.trainable_variables
        self.optimiser.build(self.variables)
        self.average = [tf.Variable(variable) for variable in self.variables]
        self.step = tf.function(self._step, autograph=False)
        self.judge = tf.function(self._judge, autograph=False)

    def epoch(
        self,
        train: Sequence[Frames],
        held_out: Sequence[Frames],
        report: Callable[[Progress], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Learn from every piece once; return False if it was stopped on the way."""
        began, number = time.monotonic(), len(self.history) + 1
        stream = epoch_stream(train, number, self.hyperparameters.keys, self.hyperparameters.seed)
        batch = self.hyperparameters.batch
        length = len(stream) // batch
        lanes = stream[: length * batch].reshape(batch, length, -1).swapaxes(0, 1)
        states: Any = self.network.silence(batch)
        starts = range(0, length - self.params.window, self.params.window)
        total = np.zeros(3)  # loss, correct, tokens
        for step, at in enumerate(starts, 1):
            if stop():
                return False
            window = lanes[at : at + self.params.window + 1]
            sums, states = self.step(window[:-1], window[1:, :, ID].astype(np.int32), states)
            total += sums.numpy()
            if step % 5 == 0 or step == len(starts):
                spent = time.monotonic() - began
                a_step, of_this = spent / step, len(starts) - step
                left = a_step * (len(starts) * (self.hyperparameters.epochs - number) + of_this)
                if self.hyperparameters.seconds is not None:  # which the epoch that is begun may exceed
                    before = sum(epoch.seconds for epoch in self.history)
                    left = min(left, max(a_step * of_this, self.hyperparameters.seconds - before - spent))
                last = self.history[-1] if self.history else None
                report(
                    Progress(
                        number,
                        self.hyperparameters.epochs,
                        step,
                        len(starts),
                        float(total[0] / total[2]),
                        float(total[1] / total[2]),
                        float(total[2] / spent),
                        float(left),
                        last,
                    )
                )
        val_loss, val_accuracy = self._evaluate(held_out)
        loss, accuracy, tokens = float(total[0] / total[2]), float(total[1] / total[2]), float(total[2])
        seconds = time.monotonic() - began
        self.history.append(Epoch(number, loss, val_loss, accuracy, val_accuracy, seconds, tokens / seconds))
        if val_loss <= min(epoch.val_loss for epoch in self.history):
            self.best, self.best_weights = number, self.averaged()
        return True

    def _step(self, frames: Any, targets: Any, states: Any) -> Any:
        sums, states, gradients = self._gradients(frames, targets, states)
        self.optimiser.apply(gradients, self.variables)
        # While few steps are done, a shorter average: the initial weights are not worth remembering.
        import tensorflow as tf

        done = tf.cast(self.optimiser.iterations, tf.float32)
        momentum = tf.minimum(self.hyperparameters.average, (1 + done) / (10 + done))
        for shadow, variable in zip(self.average, self.variables, strict=True):
            shadow.assign(momentum * shadow + (1 - momentum) * variable.value)
        return sums, states

    def _gradients(self, frames: Any, targets: Any, states: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            logits, states = self.network(frames, states, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits))
        return _sums(logits, targets, tf.ones_like(targets, tf.float32)), states, tape.gradient(loss, self.variables)

    def _judge(self, frames: Any, targets: Any, mask: Any, states: Any) -> Any:
        logits, states = self.network(frames, states)
        return _sums(logits, targets, mask), states

    def _evaluate(self, pieces: Sequence[Frames]) -> tuple[float, float]:
        """Return loss and accuracy of the averaged weights on whole pieces, each up to its boundary."""
        kept = [variable.numpy() for variable in self.variables]
        for variable, shadow in zip(self.variables, self.average, strict=True):
            variable.assign(shadow)
        total = np.zeros(3)
        for frames, targets, mask in batches(pieces, self.hyperparameters.batch, self.params.window):
            states: Any = self.network.silence(self.hyperparameters.batch)
            for at in range(0, len(frames), self.params.window):
                window = slice(at, at + self.params.window)
                sums, states = self.judge(frames[window], targets[window], mask[window], states)
                total += sums.numpy()
        for variable, value in zip(self.variables, kept, strict=True):
            variable.assign(value)
        return float(total[0] / total[2]), float(total[1] / total[2])

    def ended(self, seconds: float) -> Message | None:
        """Say why there is no further epoch, after so many seconds; None if there is one."""
        wanted, done = self.hyperparameters, len(self.history)
        if done >= wanted.epochs:
            return mark("all epochs done")
        if done - self.best >= wanted.patience:
            return mark("no better since epoch {best}", best=self.best)
        return OUT_OF_TIME if done and wanted.seconds is not None and seconds > wanted.seconds else None

    def averaged(self) -> Weights:
        """Return the moving average of the weights."""
        shadows = {id(variable): shadow.numpy() for variable, shadow in zip(self.variables, self.average, strict=True)}
        return {name: shadows[id(variable)] for name, variable in self.network.named().items()}

    def save(self, path: Path) -> None:
        """Write all that changes to one file, by rename."""
        tensors = {f"state/{i}": np.asarray(variable.numpy()) for i, variable in enumerate(self._state())}
        tensors |= {f"best/{name}": tensor for name, tensor in self.best_weights.items()}
        history = json.dumps([EPOCHS.write(epoch) for epoch in self.history])
        checkpoints.write(path, tensors, {"history": history, "best": str(self.best), **self._identity()})

    def restore(self, path: Path) -> None:
        """Go on from what `save` wrote. Raises TrainingError if it belongs to another training."""
        tensors, facts = checkpoints.read(path, self._identity())
        for i, variable in enumerate(self._state()):
            variable.assign(tensors[f"state/{i}"])
        self.best = int(facts["best"])
        self.best_weights = {name.removeprefix("best/"): t for name, t in tensors.items() if name.startswith("best/")}
        self.history = [EPOCHS.read(figures) for figures in json.loads(facts["history"])]

    def _state(self) -> list[Any]:
        return [*self.network.variables, *self.optimiser.variables, *self.average]

    def _identity(self) -> dict[str, str]:
        kept = replace(self.hyperparameters, seconds=None, patience=1)
        return {
            "params": json.dumps(asdict(replace(self.params, training={}))),
            "settings": json.dumps(asdict(kept)),
            "steps": str(self.steps),
            "music": self.digest,
        }


def _schedule(hyperparameters: Hyperparameters, steps: int) -> Any:
    import keras

    warm = max(1, int(steps * WARM_UP))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=hyperparameters.learning_rate / 10,
        decay_steps=max(1, steps - warm),
        alpha=LAST_RATE,
        warmup_target=hyperparameters.learning_rate,
        warmup_steps=warm,
    )


def _sums(logits: Any, targets: Any, mask: Any) -> Any:
    """Return the loss, the correct tokens and all tokens of a window, summed."""
    import tensorflow as tf

    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    correct = tf.cast(tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), targets), tf.float32)
    return tf.stack([tf.reduce_sum(losses * mask), tf.reduce_sum(correct * mask), tf.reduce_sum(mask)])


def device() -> str:
    """Name what trains here: the GPU, if TensorFlow finds one, or else the CPU."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"the CPU ({os.cpu_count()} cores)"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "a GPU"))
