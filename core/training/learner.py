"""A network while it learns: all that changes from step to step, and its way to disk and back."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import TrainingError
from core.model.bundle import Params, Weights
from core.model.hearing import ID, Frames
from core.music.notation import TRANSPOSITIONS
from core.training import checkpoints
from core.training.batches import batches, epoch_stream
from core.training.progress import Epoch, Progress

WARM_UP: Final = 0.03  # share of all steps in which the learning rate rises
COMPILED_STEPS: Final = 400  # from here on XLA's ten seconds of compiling are less than what it saves
LAST_RATE: Final = 0.02  # share of the peak rate at which the cosine ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Say how to learn.

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
            ("epochs", self.epochs, 1, 10_000),
            ("keys", self.keys, 1, len(TRANSPOSITIONS)),
            ("learning rate", self.learning_rate, 1e-9, 1),
            ("weight decay", self.weight_decay, 0, 1),
            ("average", self.average, 0, 0.99999),
            ("patience", self.patience, 1, 10_000),
            ("seed", self.seed, 0, 2**31 - 1),
            ("time", 1 if self.seconds is None else self.seconds / 60, 1e-3, 1e6),  # minutes
        ):
            if not lowest <= value <= highest:
                raise TrainingError(f"The {name} is {value:g}; it must be from {lowest:g} to {highest:g}.")


class Learner:
    """Hold what changes while a network learns."""

    def __init__(self, params: Params, settings: Settings, tokens: int, start: Weights | None, digest: str) -> None:
        import keras
        import tensorflow as tf

        from core.training.network import Network

        self.params, self.settings, self.digest = params, settings, digest
        self.steps = max(1, tokens // (settings.batch * params.window))
        compiled = self.steps * settings.epochs > COMPILED_STEPS
        self.network = Network(params, settings.seed, compiled=compiled)
        if start is not None:
            self.network.put(start)
        self.history: list[Epoch] = []
        self.best = 0
        self.best_weights: Weights = {}
        self.optimiser = keras.optimizers.AdamW(
            learning_rate=_schedule(settings, self.steps * settings.epochs),
            weight_decay=settings.weight_decay,
            beta_2=0.99,
            global_clipnorm=1.0,
        )
        self.variables = self.network.trainable_variables
        self.optimiser.build(self.variables)
        self.average = [tf.Variable(variable) for variable in self.variables]
        self.learn = tf.function(self._learn, autograph=False)
        self.judge = tf.function(self._judge, autograph=False)

    def run_epoch(
        self,
        train: Sequence[Frames],
        held_out: Sequence[Frames],
        report: Callable[[Progress], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Learn from every piece once; return False if it was stopped on the way."""
        began, number = time.monotonic(), len(self.history) + 1
        stream = epoch_stream(train, number, self.settings.keys, self.settings.seed)
        length = len(stream) // self.settings.batch
        lanes = stream[: length * self.settings.batch].reshape(self.settings.batch, length, -1).swapaxes(0, 1)
        states: Any = self.network.silence(self.settings.batch)
        starts = range(0, length - self.params.window, self.params.window)
        total = np.zeros(3)  # loss, correct, tokens
        for step, at in enumerate(starts, 1):
            if stop():
                return False
            window = lanes[at : at + self.params.window + 1]
            sums, states = self.learn(window[:-1], window[1:, :, ID].astype(np.int32), states)
            total += sums.numpy()
            if step % 5 == 0 or step == len(starts):
                spent = time.monotonic() - began
                a_step, of_this = spent / step, len(starts) - step
                left = a_step * (len(starts) * (self.settings.epochs - number) + of_this)
                if self.settings.seconds is not None:  # which the epoch that is begun may exceed
                    before = sum(epoch.seconds for epoch in self.history)
                    left = min(left, max(a_step * of_this, self.settings.seconds - before - spent))
                last = self.history[-1] if self.history else None
                report(
                    Progress(
                        number,
                        self.settings.epochs,
                        step,
                        len(starts),
                        total[0] / total[2],
                        total[1] / total[2],
                        total[2] / spent,
                        left,
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

    def _learn(self, frames: Any, targets: Any, states: Any) -> Any:
        sums, states, gradients = self._gradients(frames, targets, states)
        self.optimiser.apply(gradients, self.variables)
        # While few steps are done, a shorter average: the initial weights are not worth remembering.
        import tensorflow as tf

        done = tf.cast(self.optimiser.iterations, tf.float32)
        momentum = tf.minimum(self.settings.average, (1 + done) / (10 + done))
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
        for frames, targets, mask in batches(pieces, self.settings.batch, self.params.window):
            states: Any = self.network.silence(self.settings.batch)
            for at in range(0, len(frames), self.params.window):
                window = slice(at, at + self.params.window)
                sums, states = self.judge(frames[window], targets[window], mask[window], states)
                total += sums.numpy()
        for variable, value in zip(self.variables, kept, strict=True):
            variable.assign(value)
        return float(total[0] / total[2]), float(total[1] / total[2])

    def averaged(self) -> Weights:
        """Return the moving average of the weights."""
        shadows = {id(variable): shadow.numpy() for variable, shadow in zip(self.variables, self.average, strict=True)}
        return {name: shadows[id(variable)] for name, variable in self.network.named().items()}

    def save(self, path: Path) -> None:
        """Write all that changes to one file, by rename."""
        tensors = {f"state/{i}": np.asarray(variable.numpy()) for i, variable in enumerate(self._state())}
        tensors |= {f"best/{name}": tensor for name, tensor in self.best_weights.items()}
        history = json.dumps([asdict(epoch) for epoch in self.history])
        checkpoints.write(path, tensors, {"history": history, "best": str(self.best), **self._identity()})

    def restore(self, path: Path) -> None:
        """Go on from what `save` wrote. Raises TrainingError if it belongs to another training."""
        tensors, facts = checkpoints.read(path, self._identity())
        for i, variable in enumerate(self._state()):
            variable.assign(tensors[f"state/{i}"])
        self.best = int(facts["best"])
        self.best_weights = {name.removeprefix("best/"): t for name, t in tensors.items() if name.startswith("best/")}
        self.history = [Epoch(**figures) for figures in json.loads(facts["history"])]

    def _state(self) -> list[Any]:
        return [*self.network.variables, *self.optimiser.variables, *self.average]

    def _identity(self) -> dict[str, str]:
        learning = replace(self.settings, seconds=None, patience=1)
        return {
            "params": json.dumps(asdict(replace(self.params, training={}))),
            "settings": json.dumps(asdict(learning)),
            "steps": str(self.steps),
            "music": self.digest,
        }


def _schedule(settings: Settings, steps: int) -> Any:
    import keras

    warm = max(1, int(steps * WARM_UP))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=settings.learning_rate / 10,
        decay_steps=max(1, steps - warm),
        alpha=LAST_RATE,
        warmup_target=settings.learning_rate,
        warmup_steps=warm,
    )


def _sums(logits: Any, targets: Any, mask: Any) -> Any:
    """Return the loss, the correct tokens and all tokens of a window, summed."""
    import tensorflow as tf

    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    correct = tf.cast(tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), targets), tf.float32)
    return tf.stack([tf.reduce_sum(losses * mask), tf.reduce_sum(correct * mask), tf.reduce_sum(mask)])
