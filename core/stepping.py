"""A model's weights, arranged so that numpy steps through a piece token by token.

The network's state is carried from token to token, so a token costs one pass over the weights; several pieces go
through it in one batch. A step gives the logits of `core.network`, without TensorFlow.
"""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from core import hearing
from core.bundle import Bundle
from core.hearing import BARS, BASE, ID, NO_STEP, NONE, PITCH, PLACE, PLACES, REACH, RINGING, STEP, VOICES, Frames
from core.notation import INTERVALS, NOTES, RESTS, SIZE

Floats = NDArray[np.float32]
States = NDArray[np.float32]  # (2 * layers, streams, units): h and c of each layer in turn

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_BLAS: Final = ThreadpoolController()


def one_thread(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Let a function multiply on one core.

    The products of a step are too small to be shared: on a busy machine threads that wait for each other made it 14
    times slower.
    """
    limited: Callable[_Arguments, _Result] = _BLAS.wrap(limits=1, user_api="blas")(function)
    return limited


class Stepper:
    """Hold a model's weights, arranged for one token at a time."""

    def __init__(self, bundle: Bundle) -> None:
        params, weights = bundle.params, bundle.weights
        self.anchor, self.hears, self.units_per_bar = params.anchor, params.hears, params.units_per_bar
        self.layers, self.units = params.layers, params.units
        kernels = [_gates_in_order(weights[f"lstm{i}/kernel"]) for i in range(params.layers)]
        self.kernels = kernels[1:]
        self.recurrent = [_gates_in_order(weights[f"lstm{i}/recurrent_kernel"]) for i in range(params.layers)]
        self.biases = [_gates_in_order(weights[f"lstm{i}/bias"]) for i in range(params.layers)]
        self.inputs = _Inputs(kernels[0], self.biases[0], params.hears)
        self.kernel, self.bias = weights["output/kernel"].copy(), weights["output/bias"]
        self.parts = _slices(hearing.parts(params.hears))
        if params.hears:
            for part in ("note", "pitch"):
                self.kernel[:, self.parts[part]] += weights[f"output/{part}_class"] @ hearing.CLASSES
                self.kernel[:, self.parts[part]] += weights[f"output/{part}_octave"] @ hearing.OCTAVES

    def silence(self, streams: int) -> States:
        """Return the state before a piece begins."""
        return np.zeros((2 * self.layers, streams, self.units), np.float32)

    def step(self, frames: Frames, states: States) -> Floats:
        """Take a frame a stream `(streams, COLUMNS)`, move `states` on in place, return logits `(streams, SIZE)`."""
        sigmoids = 3 * self.units
        for layer in range(self.layers):
            h, c = states[2 * layer], states[2 * layer + 1]
            z = h @ self.recurrent[layer]
            z += (
                states[2 * layer - 2] @ self.kernels[layer - 1] + self.biases[layer]
                if layer
                else self.inputs.rows(frames)
            )
            np.tanh(z, out=z)
            gates = z[:, :sigmoids]
            gates *= 0.5
            gates += 0.5
            i, f, o, g = (z[:, k * self.units : (k + 1) * self.units] for k in range(4))
            c *= f
            g *= i
            c += g
            np.tanh(c, out=h)
            h *= o
        out = states[-2] @ self.kernel
        out += self.bias
        return self._head(out, frames) if self.hears else out

    def _head(self, out: Floats, frames: Frames) -> Floats:
        """Add up, for each token, its own logit and those of what it would sound: `(streams, SIZE)`."""
        part, streams = self.parts, len(frames)
        base = frames[:, BASE].astype(np.intp)
        voices = frames[:, RINGING.start :].reshape(-1, VOICES)
        near = _near(out[:, part["note_ringing"].start :].reshape(len(voices), -1), voices).reshape(streams, 3, 128)
        pitches = np.zeros((streams, 2 * 128), np.float32)  # silent above 127, where no interval leads
        pitches[:, :128] = near[:, 1] + near[:, 2]
        pitches[:, :128] += out[:, part["pitch"]]
        first = base + 1
        if self.anchor == "highest":
            pitches[:, :128] = pitches[:, 127::-1]
            first = 128 - base
        logits = np.empty((streams, SIZE), np.float32)
        logits[:, 0] = out[:, 0]
        logits[:, _NOTES] = _windows(out, part["step"].start + 127 - base, 128)
        logits[:, _NOTES] += near[:, 0]
        logits[:, _NOTES] += out[:, part["note"]]
        logits[:, _INTERVALS] = _windows(pitches, first, 127)
        logits[:, _INTERVALS] += out[:, part["interval"]]
        logits[:, RESTS.start :] = out[:, 1 : 1 + len(RESTS)]
        return logits


class _Inputs:
    """Hold the first kernel and bias, arranged so that a frame adds up a few rows."""

    def __init__(self, kernel: Floats, bias: Floats, hears: bool) -> None:
        group = {name: kernel[rows] for name, rows in _slices(hearing.rows(hears)).items()}
        self.hears = hears
        self.token = group["id"] + bias
        if not hears:
            return
        pitch = group["pitch"] + hearing.CLASSES.T @ group["class"] + hearing.OCTAVES.T @ group["octave"]
        nothing = np.zeros((1, kernel.shape[1]), np.float32)
        self.token[_NOTES] += pitch
        self.sound = np.concatenate(
            [group["step"], nothing, pitch, nothing]
        )  # of a note its step, of an interval its pitch
        self.place = (group["place"][:, None] + group["bar"]).reshape(PLACES * BARS, -1)
        self.ringing = group["ringing"]

    def rows(self, frames: Frames) -> Floats:
        """Return the first layer's projected input `(streams, 4 * units)`."""
        z = self.token[frames[:, ID]]
        if self.hears:
            step = frames[:, STEP]
            z += self.sound[np.where(step != NO_STEP, step, NO_STEP + 1 + frames[:, PITCH])]
            z += self.place[frames[:, PLACE] * BARS + frames[:, hearing.BAR]]
            z += _CLASS_OF[frames[:, RINGING]].sum(1) @ self.ringing
        return z


def _gates_in_order(weights: Floats) -> Floats:
    """Reorder Keras's gates i, f, g, o to i, f, o, g, and halve the sigmoids'.

    With sigmoid(x) = tanh(x / 2) / 2 + 1/2 one tanh serves all four, and the three sigmoids stand side by side.
    """
    i, f, g, o = np.split(weights, 4, axis=-1)
    return np.concatenate([i * 0.5, f * 0.5, o * 0.5, g], axis=-1)


def _slices(widths: dict[str, int]) -> dict[str, slice]:
    ends = np.cumsum(list(widths.values())).tolist()
    return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}


def _near(by_distance: Floats, voices: NDArray[np.int16]) -> NDArray[np.float64]:
    """Sum `by_distance` over the distances of each pitch from each voice: `(rows, 128)`.

    `by_distance` is `(rows, 2 * REACH + 1)`, `voices` `(rows, VOICES)`.
    """
    width = 128 + 2 * REACH
    row, slot = np.nonzero(voices != NONE)
    places = (row * width + voices[row, slot])[:, None] + np.arange(2 * REACH + 1)
    summed = np.bincount(places.ravel(), by_distance[row].ravel(), minlength=len(voices) * width)
    return np.asarray(summed, np.float64).reshape(-1, width)[:, REACH:-REACH]


def _windows(x: Floats, starts: NDArray[np.intp], width: int) -> Floats:
    """Return `x[i, starts[i] : starts[i] + width]` for each row i."""
    places = (np.arange(len(x)) * x.shape[1] + starts)[:, None] + np.arange(width)
    return np.asarray(np.take(x, places))


_NOTES: Final[Any] = slice(NOTES.start, NOTES.stop)
_INTERVALS: Final[Any] = slice(INTERVALS.start, INTERVALS.stop)
_CLASS_OF: Final = np.eye(NONE + 1, 12, dtype=np.float32)[np.append(np.arange(128) % 12, NONE)]  # NONE has no class
