"""The network: a stack of Keras LSTMs that hears pitches.

The tokens, the softmax and the loss are those of any language model; what a row of the input and of the output stands
for is not. An input is a one-hot vector with a few more ones in it: the token, its pitch, pitch class, octave, step,
place in the bar, and the pitch classes that ring. The output adds, to each token's own logit, what that token would
sound: its pitch, pitch class and octave, its distance from the note before and from the voices that ring. So what is
learned in one key, register or chord holds in all others. docs/network.md has the formulas and the measurements.

Time comes first in every tensor: `(time, batch, ...)`.
"""

import keras
import numpy as np
import tensorflow as tf

from core import hearing, notation
from core.bundle import Params, Weights
from core.hearing import BASE, BEFORE, ID, NONE, NOW, PITCH, PLACE, REACH, RINGING, STEP, VOICES

States = list[tuple[tf.Tensor, tf.Tensor]]  # h and c of each layer, (batch, units)


class Network(keras.Model):
    """Turn frames `(time, batch, COLUMNS)` and a state into logits `(time, batch, SIZE)` and the state after them.

    With `seed` the initial weights and the dropout are reproducible.
    """

    def __init__(self, params: Params, seed: int = 0) -> None:
        super().__init__()
        self.params = params
        self.lstms = [
            UnrolledLSTM(
                params.units,
                params.weight_drop,
                seed,
                kernel_initializer=_glorot(seed, i),
                recurrent_initializer=_orthogonal(seed, i),
            )
            for i in range(params.layers)
        ]
        self.dropouts = [keras.layers.Dropout(params.dropout, seed=seed + i) for i in range(params.layers)]
        self.head = Head(params, seed) if params.hears else PlainHead(params, seed)
        inputs = sum(hearing.rows(params.hears).values())
        for layer in range(params.layers):
            self.lstms[layer].build((None, None, params.units if layer else inputs))
        self.head.build((None, None, params.units))

    def call(self, frames: tf.Tensor, states: States, training: bool = False) -> tuple[tf.Tensor, States]:
        """Run the stack over a window."""
        x = multi_hot(frames, self.params)
        after = []
        for lstm, dropout, state in zip(self.lstms, self.dropouts, states, strict=True):
            x, state = lstm(x, state, training=training)
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
    step by step does. Gradients stop at the window's edges. While training, `weight_drop` of the recurrent weights are
    left out, the same ones for a whole window (Merity, Keskar and Socher 2018).
    """

    def __init__(self, units: int, weight_drop: float, seed: int, **arguments: object) -> None:
        super().__init__(units, **arguments)
        self.weight_drop, self.chance = weight_drop, keras.random.SeedGenerator(seed)

    def call(
        self, x: tf.Tensor, state: tuple[tf.Tensor, tf.Tensor], training: bool = False
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        """Run over `(time, batch, inputs)` from h and c; return the outputs `(time, batch, units)`, h and c."""
        recurrent = tf.convert_to_tensor(self.cell.recurrent_kernel)
        if training and self.weight_drop:
            recurrent = keras.random.dropout(recurrent, self.weight_drop, seed=self.chance)
        time, batch, inputs = x.shape
        projected = tf.matmul(tf.reshape(x, (-1, inputs)), self.cell.kernel) + self.cell.bias
        outputs, cells = _recur(tf.reshape(projected, (time, batch, -1)), recurrent, *state)
        return outputs, (outputs[-1], tf.stop_gradient(cells[-1]))


class PlainHead(keras.layers.Layer):
    """Give each token one logit of its own, as the textbook does."""

    def __init__(self, params: Params, seed: int) -> None:
        super().__init__()
        self.params, self.seed = params, seed

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the kernel `(units, parts)` and the bias."""
        outputs = sum(hearing.parts(self.params.hears).values())
        self.kernel = self.add_weight(shape=(shape[-1], outputs), initializer=_glorot(self.seed, -1), name="kernel")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
        """Return logits `(time, batch, SIZE)`."""
        return tf.tensordot(x, self.kernel, 1) + self.bias


class Head(PlainHead):
    """Give each token its own logit and those of what it would sound."""

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
        kernels = dict(zip(hearing.PARTS, tf.split(self.kernel, list(hearing.PARTS.values()), axis=1), strict=True))
        for part in ("note", "pitch"):
            kernels[part] += tf.matmul(self.tables[part, "class"], hearing.CLASSES)
            kernels[part] += tf.matmul(self.tables[part, "octave"], hearing.OCTAVES)
        out = tf.tensordot(x, tf.concat(list(kernels.values()), axis=1), 1) + self.bias
        of = dict(zip(hearing.PARTS, tf.split(out, list(hearing.PARTS.values()), axis=-1), strict=True))
        base = tf.cast(frames[..., BASE], tf.int32)
        notes = of["note"] + _shift(of["step"], 127 - base, 128) + _near(of["note_ringing"], frames[..., RINGING])
        pitches = (
            of["pitch"]
            + _near(of["interval_before"], frames[..., BEFORE])
            + _near(of["interval_now"], frames[..., NOW])
        )
        if self.params.anchor == "lowest":
            sounded = _shift(pitches, base + 1, 127)
        else:
            sounded = _shift(tf.reverse(pitches, [-1]), 128 - base, 127)
        return tf.concat([of["free"][..., :1], notes, of["interval"] + sounded, of["free"][..., 1:]], axis=-1)


def multi_hot(frames: tf.Tensor, params: Params) -> tf.Tensor:
    """Return the input vectors `(time, batch, rows)`, in the order of `hearing.rows`."""
    column = tf.cast(frames, tf.int32)
    token = tf.one_hot(column[..., ID], notation.SIZE)
    if not params.hears:
        return token
    pitch = column[..., PITCH]  # NONE and NO_STEP lie outside their rows and give zeros
    sounds = pitch != NONE
    groups = [
        token,
        tf.one_hot(pitch, 128),
        tf.one_hot(tf.where(sounds, pitch % 12, -1), 12),
        tf.one_hot(tf.where(sounds, pitch // 12, -1), 11),
        tf.one_hot(column[..., STEP], 255),
        tf.one_hot(column[..., PLACE], hearing.PLACES),
        tf.one_hot(column[..., hearing.BAR], hearing.BARS),
        tf.matmul(_roll(column[..., RINGING]), hearing.CLASSES, transpose_b=True),
    ]
    return tf.concat(groups, axis=-1)


def _roll(voices: tf.Tensor) -> tf.Tensor:
    """Return voices `(..., VOICES)` as a piano roll `(..., 128)`."""
    voices = tf.cast(voices, tf.int32)
    return tf.add_n([tf.one_hot(voices[..., voice], 128) for voice in range(VOICES)])


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


def _recur(z: tf.Tensor, kernel: tf.Tensor, h0: tf.Tensor, c0: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Run the LSTM's recurrence over projected inputs `(time, batch, 4 * units)`.

    Return all h and c, `(time, batch, units)`.

    Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; gates in Keras's order i, f, g, o.
    """
    steps = z.shape[0]

    def array() -> tf.TensorArray:
        return tf.TensorArray(tf.float32, size=steps)

    @tf.custom_gradient
    def run(z: tf.Tensor, kernel: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], object]:
        def step(t: tf.Tensor, h: tf.Tensor, c: tf.Tensor, *arrays: tf.TensorArray) -> tuple[object, ...]:
            i, f, g, o = tf.split(z[t] + tf.matmul(h, kernel), 4, axis=1)
            i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
            c = f * c + i * g
            h = o * tf.tanh(c)
            made = (h, c, tf.concat([i, f, g, o], axis=1))
            return t + 1, h, c, *(array.write(t, value) for array, value in zip(arrays, made, strict=True))

        *_, hs, cs, gates = tf.while_loop(
            lambda t, *_: t < steps, step, (0, h0, c0, array(), array(), array()), maximum_iterations=steps
        )
        hs, cs, gates = hs.stack(), cs.stack(), gates.stack()

        def gradient(dhs: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            transposed = tf.transpose(kernel)
            c_before = tf.concat([c0[None], cs[:-1]], axis=0)
            h_before = tf.concat([h0[None], hs[:-1]], axis=0)

            def back(t: tf.Tensor, dh: tf.Tensor, dc: tf.Tensor, dzs: tf.TensorArray) -> tuple[object, ...]:
                i, f, g, o = tf.split(gates[t], 4, axis=1)
                squashed = tf.tanh(cs[t])
                dh += dhs[t]
                dc += dh * o * (1 - squashed * squashed)
                gates_gradient = (
                    dc * g * i * (1 - i),
                    dc * c_before[t] * f * (1 - f),
                    dc * i * (1 - g * g),
                    dh * squashed * o * (1 - o),
                )
                dz = tf.concat(gates_gradient, axis=1)
                return t - 1, tf.matmul(dz, transposed), dc * f, dzs.write(t, dz)

            zeros = tf.zeros_like(h0)
            *_, dzs = tf.while_loop(
                lambda t, *_: t >= 0, back, (steps - 1, zeros, zeros, array()), maximum_iterations=steps
            )
            dzs = dzs.stack()
            flat = [tf.reshape(x, (-1, x.shape[-1])) for x in (h_before, dzs)]
            return dzs, tf.matmul(*flat, transpose_a=True)

        return (hs, cs), gradient

    outputs, cells = run(z, kernel)
    return outputs, cells


def _glorot(seed: int, layer: int) -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform(
        seed=np.random.SeedSequence([seed, layer + 1]).generate_state(1)[0].item() % 2**31
    )


def _orthogonal(seed: int, layer: int) -> keras.initializers.Initializer:
    return keras.initializers.Orthogonal(
        seed=np.random.SeedSequence([seed, layer + 1, 1]).generate_state(1)[0].item() % 2**31
    )
