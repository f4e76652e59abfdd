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
from numpy.typing import NDArray

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
SAVED_EVERY: Final = 60  # seconds of an epoch after which its place is kept
GRACE: Final = 1.1  # times the agreed time after which an epoch is left unfinished


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
            ("time", 1 if self.seconds is None else self.seconds / 60, 1e-6, 1e6),  # minutes
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
    all, and so is the place in an epoch every minute and when it is stopped: a training whose file is there goes on
    from it to the very weights it would have reached undisturbed. `epoch_done` gets each epoch's figures and averaged
    weights; `stop` is asked between steps. An epoch that is stopped on its way counts if it is the best so far. Raises
    TrainingError, and Cancelled if it was stopped before there was anything to keep.
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
    began = time.monotonic() - sum(epoch.seconds for epoch in run.history) - run.place.seconds
    most = None if hyperparameters.seconds is None else GRACE * hyperparameters.seconds

    def keep() -> None:
        if checkpoint is not None:
            run.save(checkpoint)

    def over(steps: int) -> bool:
        compiled = steps > 0 or bool(run.history)  # which takes as long as it takes, and leaves nothing to keep
        return compiled and most is not None and time.monotonic() - began > most

    while not (ended := run.ended(time.monotonic() - began)):
        if not run.epoch(train, held_out, report, lambda steps: stop() or over(steps), keep):
            ended = STOPPED if stop() else OUT_OF_TIME
            keep()
            if run.take_unfinished(held_out):
                epoch_done(run.history[-1], run.averaged())
            break
        if not np.isfinite(run.history[-1].val_loss + run.history[-1].loss):
            run.history.pop()
            ended = mark("the loss was no longer a number")
            break
        keep()
        epoch_done(run.history[-1], run.averaged())
    if not run.history:
        if ended in (STOPPED, OUT_OF_TIME):
            raise Cancelled("The training was stopped before there was anything to keep, so there is no model yet.")
        raise TrainingError("The loss is no longer a number: the learning rate is too high. Try half of it.")
    return Fitted(run.best_weights, run.best, tuple(run.history), ended)


def _digest(train: Sequence[Frames], held_out: Sequence[Frames], start: Weights | None) -> str:
    """Sum up what a training begins with."""
    sums = [hashlib.sha256(b"".join(piece.tobytes() for piece in pieces)) for pieces in (train, held_out)]
    weights = sorted((start or {}).items())  # read from a file they come in any order
    sums.append(hashlib.sha256(b"".join(tensor.tobytes() for _, tensor in weights)))
    return " ".join(each.hexdigest()[:16] for each in sums)


@dataclass(frozen=True, slots=True)
class Position:
    """Say where in an epoch a training is: behind so many steps, after so many seconds of it.

    `total` sums the loss, the correct tokens and all tokens of these steps, `states` are the network's behind them.
    """

    steps: int = 0
    seconds: float = 0
    total: tuple[float, ...] = (0, 0, 0)
    states: tuple[NDArray[np.float32], ...] = ()


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
        self.place = Position()
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
        stop: Callable[[int], bool],
        keep: Callable[[], None] = lambda: None,
    ) -> bool:
        """Train on every piece once, from the place where the training is; return False if it was stopped on the way.

        `stop` is given the steps of the epoch that are done, and `keep` is called now and then.
        """
        import tensorflow as tf

        number, place = len(self.history) + 1, self.place
        began = time.monotonic() - place.seconds
        saved = time.monotonic()
        stream = epoch_stream(train, number, self.hyperparameters.keys, self.hyperparameters.seed)
        batch = self.hyperparameters.batch
        length = len(stream) // batch
        lanes = stream[: length * batch].reshape(batch, length, -1).swapaxes(0, 1)
        states: Any = self.network.silence(batch)
        if place.states:
            states = tf.nest.pack_sequence_as(states, [tf.constant(state) for state in place.states])
        starts = range(0, length - self.params.window, self.params.window)
        total = np.array(place.total, float)  # loss, correct, tokens

        def here(steps: int) -> Position:
            arrays = tuple(state.numpy() for state in tf.nest.flatten(states)) if steps else ()
            return Position(steps, time.monotonic() - began, tuple(total.tolist()), arrays)

        for step, at in enumerate(starts[place.steps :], place.steps + 1):
            if stop(step - 1):
                self.place = here(step - 1)
                return False
            if time.monotonic() - saved > SAVED_EVERY:
                self.place, saved = here(step - 1), time.monotonic()
                keep()
            window = lanes[at : at + self.params.window + 1]
            sums, states = self.step(window[:-1], window[1:, :, ID].astype(np.int32), states)
            total += sums.numpy()
            if step % 5 == 0 or step == len(starts):
                spent = time.monotonic() - began
                a_step, of_this = spent / step, len(starts) - step
                left = a_step * (len(starts) * (self.hyperparameters.epochs - number) + of_this)
                before = sum(epoch.seconds for epoch in self.history)
                if self.hyperparameters.seconds is not None:  # which the epoch that is begun may exceed
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
                        before + spent,
                    )
                )
        self.place = Position()
        self._judge_epoch(held_out, total, began)
        return True

    def take_unfinished(self, held_out: Sequence[Frames]) -> bool:
        """Count the epoch that was stopped on its way, if its averaged weights are the best so far; tell whether."""
        if not self.place.steps:
            return False
        self._judge_epoch(held_out, np.array(self.place.total, float), time.monotonic() - self.place.seconds)
        last = self.history[-1]
        if self.best != last.epoch or not np.isfinite(last.val_loss + last.loss):
            self.history.pop()
            self.best = min(self.best, len(self.history))
            return False
        return True

    def _judge_epoch(self, held_out: Sequence[Frames], total: NDArray[np.float64], began: float) -> None:
        """Add an epoch, whose steps have summed up to `total`, to the history."""
        number = len(self.history) + 1
        val_loss, val_accuracy = self._evaluate(held_out)
        loss, accuracy, tokens = float(total[0] / total[2]), float(total[1] / total[2]), float(total[2])
        seconds = time.monotonic() - began
        self.history.append(Epoch(number, loss, val_loss, accuracy, val_accuracy, seconds, tokens / seconds))
        if val_loss <= min(epoch.val_loss for epoch in self.history):
            self.best, self.best_weights = number, self.averaged()

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
        tensors |= {f"heard/{i}": tensor for i, tensor in enumerate(self.place.states)}
        history = json.dumps([EPOCHS.write(epoch) for epoch in self.history])
        place = json.dumps([self.place.steps, self.place.seconds, self.place.total])
        facts = {"history": history, "best": str(self.best), "place": place, **self._identity()}
        checkpoints.write(path, tensors, facts)

    def restore(self, path: Path) -> None:
        """Go on from what `save` wrote, maybe for more epochs. Raises TrainingError if it is of another training."""
        planned = checkpoints.planned_epochs(path, self.hyperparameters.epochs)
        tensors, facts = checkpoints.read(path, self._identity(min(planned, self.hyperparameters.epochs)))
        for i, variable in enumerate(self._state()):
            variable.assign(tensors[f"state/{i}"])
        self.best = int(facts["best"])
        self.best_weights = {name.removeprefix("best/"): t for name, t in tensors.items() if name.startswith("best/")}
        self.history = [EPOCHS.read(figures) for figures in json.loads(facts["history"])]
        if "place" in facts:  # which earlier versions did not keep
            steps, seconds, total = json.loads(facts["place"])
            heard = tuple(tensors[f"heard/{i}"] for i in range(sum(name.startswith("heard/") for name in tensors)))
            self.place = Position(steps, seconds, tuple(total), heard)

    def _state(self) -> list[Any]:
        return [*self.network.variables, *self.optimiser.variables, *self.average]

    def _identity(self, epochs: int | None = None) -> dict[str, str]:
        kept = replace(self.hyperparameters, seconds=None, patience=1, epochs=epochs or self.hyperparameters.epochs)
        params = asdict(replace(self.params, training={}))
        del params["top_p"]  # of composing alone, and unknown to earlier versions
        return {
            "params": json.dumps(params),
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
