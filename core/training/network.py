"""The network: a stack of Keras LSTMs that hears pitches.

The tokens, the softmax and the loss are those of any language model; what a row of the input and of the output stands
for is not. An input is a one-hot vector with a few more ones in it: the token, its pitch, pitch class, octave, step,
place in the bar, and the pitch classes that ring. The output adds, to each token's own logit, what that token would
sound: its pitch, pitch class and octave, its distance from the note before and from the voices that ring. So what is
learned in one key, register or chord holds in all others. docs/network.md has the formulas and the measurements.

Time comes first in every tensor: `(time, batch, ...)`. Large products are left to TensorFlow's own kernels; what goes
step by step or element by element can be compiled by XLA, whose loops are faster and whose products are slower.
"""

import keras
import numpy as np
import tensorflow as tf

from core.model import frames as columns
from core.model import hearing, told
from core.model.bundle import Params, Weights
from core.model.frames import BEAT, LEFT, MODE, NAMED, PHRASE, RUN, SECTION, TONIC
from core.model.hearing import BASE, BEFORE, ID, NOW, PITCH, PLACE, REACH, RINGING, STEP, VOICES
from core.model.memory import PREDICTORS, RUNS
from core.music.notation import BOUNDARY, SIZE
from core.training.recurrence import recurrence

States = list[tuple[tf.Tensor, tf.Tensor]]  # h and c of each layer, (batch, units)


class Network(keras.Model):
    """Turn frames `(time, batch, COLUMNS)` and a state into logits `(time, batch, SIZE)` and the state after them.

    With `seed` the initial weights and the dropout are reproducible. `compiled` has XLA compile, which takes some
    seconds.
    """

    def __init__(self, params: Params, seed: int = 0, *, compiled: bool = False) -> None:
        super().__init__()
        self.params = params
        self.lstms = [
            (UnrolledLSTM if i else FirstLSTM)(
                params,
                seed,
                compiled,
                kernel_initializer=_glorot(seed, i),
                recurrent_initializer=_orthogonal(seed, i),
            )
            for i in range(params.layers)
        ]
        self.dropouts = [keras.layers.Dropout(params.dropout, seed=seed + i) for i in range(params.layers)]
        self.head = Head(params, seed, compiled) if params.hears else PlainHead(params, seed)
        inputs = sum(columns.rows(params.hears, params.remembers).values())
        for layer in range(params.layers):
            self.lstms[layer].build((None, None, params.units if layer else inputs))
        self.head.build((None, None, params.units))

    def call(self, frames: tf.Tensor, states: States, training: bool = False) -> tuple[tf.Tensor, States]:
        """Run the stack over a window."""
        x, after = frames, []
        keep = tf.cast(frames[..., ID, None] != BOUNDARY, tf.float32)  # nothing from one piece to the next
        for lstm, dropout, state in zip(self.lstms, self.dropouts, states, strict=True):
            x, state = lstm(x, state, keep, training=training)
            x = dropout(x, training=training)
            after.append(state)
        return self.head(x, frames), after

    def silence(self, batch: int) -> States:
        """Return the state before a piece begins."""
        zeros = tf.zeros((batch, self.params.units))
        return [(zeros, zeros) for _ in self.lstms]

    def named(self) -> dict[str, keras.Variable]:
        """Return the variables under the names that `Params.shapes` gives them."""
        variables: dict[str, keras.Variable] = {}
        for i, lstm in enumerate(self.lstms):
            variables[f"lstm{i}/kernel"] = lstm.cell.kernel
            variables[f"lstm{i}/recurrent_kernel"] = lstm.cell.recurrent_kernel
            variables[f"lstm{i}/bias"] = lstm.cell.bias
        return variables | {f"output/{variable.name}": variable for variable in self.head.weights}

    def take(self) -> Weights:
        """Return the weights as numpy arrays."""
        return {name: variable.numpy() for name, variable in self.named().items()}

    def put(self, weights: Weights) -> None:
        """Set the weights."""
        for name, variable in self.named().items():
            variable.assign(weights[name])


class UnrolledLSTM(keras.layers.LSTM):
    """Compute what `keras.layers.LSTM` computes, with its weights, faster.

    The input's projection is one product for all steps, and so is the recurrent kernel's gradient; only what must go
    step by step does. Gradients stop at the window's edges. While training, `params.weight_drop` of the recurrent
    weights are left out, the same ones for a whole window (Merity, Keskar and Socher 2018).
    """

    def __init__(self, params: Params, seed: int, compiled: bool, **arguments: object) -> None:
        super().__init__(params.units, **arguments)
        self.params, self.chance = params, keras.random.SeedGenerator(seed)
        self.recur = recurrence(compiled)

    def call(
        self, x: tf.Tensor, state: tuple[tf.Tensor, tf.Tensor], keep: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        """Run over `(time, batch, inputs)` from h and c, forgotten where `keep` `(time, batch, 1)` is 0.

        Return the outputs `(time, batch, units)`, h and c.
        """
        recurrent = tf.convert_to_tensor(self.cell.recurrent_kernel)
        if training and self.params.weight_drop:
            recurrent = keras.random.dropout(recurrent, self.params.weight_drop, seed=self.chance)
        outputs, cells = self.recur(self.project(x), recurrent, *state, keep)
        return outputs, (outputs[-1], tf.stop_gradient(cells[-1]))

    def project(self, x: tf.Tensor) -> tf.Tensor:
        """Return what the inputs `(time, batch, inputs)` add to the gates: `(time, batch, 4 * units)`."""
        return tf.tensordot(x, self.cell.kernel, 1) + self.cell.bias


class FirstLSTM(UnrolledLSTM):
    """Take frames `(time, batch, COLUMNS)`: each 1 of the input vector that they stand for is a row of the kernel.

    Rows of large groups are looked up, which costs less than a product with so many zeros.
    """

    def project(self, x: tf.Tensor) -> tf.Tensor:
        """Return the sum of the rows for each frame, and of the bias: `(time, batch, 4 * units)`."""
        column, widths = tf.cast(x, tf.int32), columns.rows(self.params.hears, self.params.remembers)
        rows = tf.split(tf.convert_to_tensor(self.cell.kernel), list(widths.values()))
        group = dict(zip(widths, rows, strict=True))
        projected = _look_up(group["id"] + self.cell.bias, column[..., ID])
        if not self.params.hears:
            return projected
        nothing = tf.zeros((1, 4 * self.params.units))  # for what there is none of, or what is not known
        tables = {
            PITCH: group["pitch"]
            + tf.matmul(hearing.CLASSES, group["class"], transpose_a=True)
            + tf.matmul(hearing.OCTAVES, group["octave"], transpose_a=True),
            STEP: group["step"],
        }
        classes = tf.matmul(_roll(column[..., RINGING]), hearing.CLASSES, transpose_b=True)
        few = {
            "place": tf.one_hot(column[..., PLACE], widths["place"]),
            "bar": tf.one_hot(column[..., hearing.BAR], hearing.BARS),
            "ringing": classes,
        }
        if self.params.remembers:
            tables |= {LEFT: group["left"], SECTION: group["section"], BEAT: group["beat"], PHRASE: group["phrase"]}
            runs = tf.one_hot(column[..., RUN], RUNS)
            tonic, mode, pitch = column[..., TONIC], tf.one_hot(column[..., MODE], 2), column[..., PITCH]
            degree = tf.where(pitch == hearing.NONE, -1, (pitch - tonic) % 12)
            few |= {
                "run": tf.reshape(runs, (*runs.shape[:2], PREDICTORS * RUNS)),
                "degree": _in_mode(tf.one_hot(degree, 12), mode),
                "degrees_ringing": _in_mode(_shift(tf.tile(classes, (1, 1, 2)), tonic, 12), mode),
                "mode": mode,
            }
        for place, table in tables.items():
            projected += _look_up(tf.concat([table, nothing], 0), column[..., place])
        kernel = tf.concat([group[name] for name in few], 0)
        return projected + tf.tensordot(tf.concat(list(few.values()), -1), kernel, 1)


class PlainHead(keras.layers.Layer):
    """Give each token one logit of its own, as the textbook does."""

    def __init__(self, params: Params, seed: int) -> None:
        super().__init__()
        self.params, self.seed = params, seed

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the kernel `(units, parts)` and the bias."""
        outputs = sum(columns.parts(self.params.hears, self.params.remembers).values())
        self.kernel = self.add_weight(shape=(shape[-1], outputs), initializer=_glorot(self.seed, -1), name="kernel")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
        """Return logits `(time, batch, SIZE)`."""
        return tf.tensordot(x, self.kernel, 1) + self.bias


class Head(PlainHead):
    """Give each token its own logit and those of what it would sound."""

    def __init__(self, params: Params, seed: int, compiled: bool) -> None:
        super().__init__(params, seed)
        self.spread = tf.function(self._spread, jit_compile=compiled, autograph=False)

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the plain head's weights and the tables of pitch classes and octaves."""
        super().build(shape)
        self.tables = {
            (part, table): self.add_weight(shape=(shape[-1], width), initializer="zeros", name=f"{part}_{table}")
            for part in ("note", "pitch")
            for table, width in (("class", 12), ("octave", 11))
        }

    def call(self, x: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
        """Return logits `(time, batch, SIZE)`."""
        kernels = self._parts(self.kernel)
        for part in ("note", "pitch"):
            kernels[part] += tf.matmul(self.tables[part, "class"], hearing.CLASSES)
            kernels[part] += tf.matmul(self.tables[part, "octave"], hearing.OCTAVES)
        return self.spread(tf.tensordot(x, tf.concat(list(kernels.values()), axis=1), 1) + self.bias, frames)

    def _parts(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        widths = columns.parts(self.params.hears, self.params.remembers)
        return dict(zip(widths, tf.split(x, list(widths.values()), axis=-1), strict=True))

    def _spread(self, out: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
        """Add up, for each token, its own logit and those of what it would sound: `(time, batch, SIZE)`."""
        of, frames = self._parts(out), tf.cast(frames, tf.int32)
        base = frames[..., BASE]
        notes = of["note"] + _shift(of["step"], 127 - base, 128) + _near(of["note_ringing"], frames[..., RINGING])
        pitches = (
            of["pitch"]
            + _near(of["interval_before"], frames[..., BEFORE])
            + _near(of["interval_now"], frames[..., NOW])
        )
        if self.params.remembers:
            tonic, mode = frames[..., TONIC], tf.one_hot(frames[..., MODE], 2)
            notes += _by_degree(of["note_degree"], tonic, mode)
            pitches += _by_degree(of["pitch_degree"], tonic, mode)
        if self.params.anchor == "lowest":
            sounded = _shift(pitches, base + 1, 127)
        else:
            sounded = _shift(tf.reverse(pitches, [-1]), 128 - base, 127)
        logits = tf.concat([of["free"][..., :1], notes, of["interval"] + sounded, of["free"][..., 1:]], axis=-1)
        if self.params.remembers:
            by_run = tf.reshape(of["repeat"], (*out.shape[:2], PREDICTORS, RUNS))
            gates = tf.reduce_sum(by_run * tf.one_hot(frames[..., RUN], RUNS), -1)
            for predictor, named in enumerate(tf.unstack(frames[..., NAMED], axis=-1)):
                logits += gates[..., predictor, None] * tf.one_hot(named, SIZE)
        return logits


@tf.custom_gradient
def _look_up(table: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, object]:
    """Return the rows of a table at `index` `(time, batch)`."""

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, None]:
        flat = tf.reshape(dy, (-1, dy.shape[-1]))
        return tf.math.unsorted_segment_sum(flat, tf.reshape(index, (-1,)), table.shape[0]), None

    return tf.gather(table, index), gradient


def _roll(voices: tf.Tensor) -> tf.Tensor:
    """Return voices `(..., VOICES)` as a piano roll `(..., 128)`."""
    voices = tf.cast(voices, tf.int32)
    return tf.add_n([tf.one_hot(voices[..., voice], 128) for voice in range(VOICES)])


def _in_mode(degrees: tf.Tensor, mode: tf.Tensor) -> tf.Tensor:
    """Return `(..., 12)` in the mode's part of `(..., DEGREES)`; `mode` is one-hot, or zero if it is not known."""
    return tf.concat([degrees * mode[..., at : at + 1] for at in range(len(told.MODES))], -1)


def _by_degree(columns: tf.Tensor, tonic: tf.Tensor, mode: tf.Tensor) -> tf.Tensor:
    """Give each pitch what is said of its degree: `(..., DEGREES)` -> `(..., 128)`."""
    modes = tf.split(columns, len(told.MODES), axis=-1)
    own = tf.add_n([each * mode[..., at : at + 1] for at, each in enumerate(modes)])
    return _shift(tf.tile(own, (1, 1, 12)), 12 - tonic, 128)


def _near(by_distance: tf.Tensor, voices: tf.Tensor) -> tf.Tensor:
    """Sum `by_distance` `(..., 2 * REACH + 1)` over the distances of each pitch from each voice: `(..., 128)`."""
    padded = tf.pad(_roll(voices), [[0, 0], [0, 0], [REACH, REACH]])
    shifted = [
        by_distance[..., d : d + 1] * padded[..., 2 * REACH - d : 2 * REACH - d + 128] for d in range(2 * REACH + 1)
    ]
    return tf.add_n(shifted)


@tf.custom_gradient
def _shift(x: tf.Tensor, offset: tf.Tensor, width: int) -> tuple[tf.Tensor, object]:
    """Return y `(..., width)` with `y[i] = x[i + offset]`, zero outside; the gradient is a shift back, no scatter."""

    def gather(values: tf.Tensor, start: tf.Tensor, size: int) -> tf.Tensor:
        index = start[..., None] + tf.range(size)
        inside = (index >= 0) & (index < values.shape[-1])
        taken = tf.gather(values, tf.where(inside, index, 0), batch_dims=2)
        return tf.where(inside, taken, 0.0)

    return gather(x, offset, width), lambda dy: (gather(dy, -offset, x.shape[-1]), None, None)


def _glorot(seed: int, layer: int) -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform(
        seed=np.random.SeedSequence([seed, layer + 1]).generate_state(1)[0].item() % 2**31
    )


def _orthogonal(seed: int, layer: int) -> keras.initializers.Initializer:
    return keras.initializers.Orthogonal(
        seed=np.random.SeedSequence([seed, layer + 1, 1]).generate_state(1)[0].item() % 2**31
    )
