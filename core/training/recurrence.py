"""The recurrence of an LSTM over a whole window, with a gradient of its own.

Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; gates in Keras's order i, f, g, o. The loops
can be compiled by XLA. They multiply on one core each, so that the streams of a batch are parted among the cores.
"""

import os
from collections.abc import Callable
from typing import Final

import tensorflow as tf

LEAST_STREAMS: Final = 8  # of a batch, for a core to be worth its while


Recurrence = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def recurrence(compiled: bool) -> Recurrence:
    """Return the recurrence: projected inputs `(time, batch, 4 * units)`, recurrent kernel, h, c, keep -> all h and c.

    `keep` `(time, batch, 1)` is 0 where a piece begins, before which h and c are forgotten, and 1 elsewhere.
    """
    forward = tf.function(_forward, jit_compile=compiled, autograph=False)
    backward = tf.function(_backward, jit_compile=compiled, autograph=False)

    @tf.custom_gradient
    def recur(
        z: tf.Tensor, kernel: tf.Tensor, h0: tf.Tensor, c0: tf.Tensor, keep: tf.Tensor
    ) -> tuple[tuple[tf.Tensor, ...], object]:
        among = parts(z.shape[1])

        def each(function: Callable[..., object], *tensors: tf.Tensor) -> list[object]:
            split = [tf.split(tensor, among, axis=-2) for tensor in tensors]
            return [function(kernel, *part) for part in zip(*split, strict=True)]

        hs, cs, gates = (tf.concat(part, axis=1) for part in zip(*each(forward, z, h0, c0, keep), strict=True))

        def gradient(dhs: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            dzs = tf.concat(each(backward, dhs, cs, gates, c0, keep), axis=1)
            h_before = tf.concat([h0[None], hs[:-1]], axis=0) * keep
            flat = [tf.reshape(x, (-1, x.shape[-1])) for x in (h_before, dzs)]
            return dzs, tf.matmul(*flat, transpose_a=True), None, None, None

        return (hs, cs), gradient

    made: Recurrence = recur
    return made


def parts(batch: int) -> int:
    """Return among how many cores the streams of a batch are parted evenly, LEAST_STREAMS or more to each."""
    cores = 1 if tf.config.list_physical_devices("GPU") else len(os.sched_getaffinity(0))
    return max(n for n in range(1, cores + 1) if n == 1 or (batch % n == 0 and batch // n >= LEAST_STREAMS))


def _array(steps: int) -> tf.TensorArray:
    return tf.TensorArray(tf.float32, size=steps)


def _forward(kernel: tf.Tensor, z: tf.Tensor, h0: tf.Tensor, c0: tf.Tensor, keep: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return all h, all c and the gates."""
    steps = z.shape[0]

    def step(t: tf.Tensor, h: tf.Tensor, c: tf.Tensor, *arrays: tf.TensorArray) -> tuple[object, ...]:
        h, c = h * keep[t], c * keep[t]
        i, f, g, o = tf.split(z[t] + tf.matmul(h, kernel), 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * c + i * g
        h = o * tf.tanh(c)
        made = (h, c, tf.concat([i, f, g, o], axis=1))
        return t + 1, h, c, *(array.write(t, value) for array, value in zip(arrays, made, strict=True))

    arrays = [_array(steps) for _ in range(3)]
    *_, hs, cs, gates = tf.while_loop(lambda t, *_: t < steps, step, (0, h0, c0, *arrays), maximum_iterations=steps)
    return hs.stack(), cs.stack(), gates.stack()


def _backward(
    kernel: tf.Tensor, dhs: tf.Tensor, cs: tf.Tensor, gates: tf.Tensor, c0: tf.Tensor, keep: tf.Tensor
) -> tf.Tensor:
    """Return the gradient of the projected inputs, given that of all h."""
    steps, transposed = dhs.shape[0], tf.transpose(kernel)
    c_before = tf.concat([c0[None], cs[:-1]], axis=0) * keep

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
        return t - 1, tf.matmul(dz, transposed) * keep[t], dc * f * keep[t], dzs.write(t, dz)

    zeros = tf.zeros_like(c0)
    first = (steps - 1, zeros, zeros, _array(steps))
    return tf.while_loop(lambda t, *_: t >= 0, back, first, maximum_iterations=steps)[-1].stack()
