"""A model's weights, arranged so that numpy steps through a piece token by token.

The network's state is carried from token to token, so a token costs one pass over the weights; several pieces go
through it in one batch. A step gives the logits of `core.training.network`, without TensorFlow.
"""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from core.model import frames as columns
from core.model import hearing, told
from core.model.bundle import Bundle, Params
from core.model.frames import BEAT, LEFT, MODE, NAMED, RUN, SECTION, TONIC
from core.model.hearing import BASE, ID, NONE, PITCH, REACH, RINGING, VOICES, Frames
from core.model.memory import NOTHING, PREDICTORS, RUNS
from core.music.notation import INTERVALS, NOTES, RESTS, SIZE

Floats = NDArray[np.float32]
States = NDArray[np.float32]  # (2, streams, layers * units): h and c of all layers side by side

BLOCK: Final = 32  # columns

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
        self.params = params
        self.layers, self.units = params.layers, params.units
        kernels = [_gates_in_order(weights[f"lstm{i}/kernel"]) for i in range(params.layers)]
        recurrent = [_gates_in_order(weights[f"lstm{i}/recurrent_kernel"]) for i in range(params.layers)]
        stacked = (np.vstack(pair) for pair in zip(kernels[1:], recurrent[1:], strict=True))
        self.products = [_Product(matrix) for matrix in (recurrent[0], *stacked)]
        self.biases = [_gates_in_order(weights[f"lstm{i}/bias"]) for i in range(params.layers)]
        self.inputs = _Inputs(kernels[0], self.biases[0], params)
        kernel, self.bias = weights["output/kernel"].copy(), weights["output/bias"]
        self.parts = _slices(columns.parts(params.hears, params.remembers))
        if params.hears:
            for part in ("note", "pitch"):
                kernel[:, self.parts[part]] += weights[f"output/{part}_class"] @ hearing.CLASSES
                kernel[:, self.parts[part]] += weights[f"output/{part}_octave"] @ hearing.OCTAVES
        self.output = _Product(kernel)

    def silence(self, streams: int) -> States:
        """Return the state before a piece begins."""
        return np.zeros((2, streams, self.layers * self.units), np.float32)

    def step(self, frames: Frames, states: States) -> Floats:
        """Take a frame a stream `(streams, COLUMNS)`, move `states` on in place, return logits `(streams, SIZE)`."""
        units, (hidden, cells) = self.units, states
        for layer, product in enumerate(self.products):
            first, end = layer * units, (layer + 1) * units
            h, c = hidden[:, first:end], cells[:, first:end]
            z = product(hidden[:, max(0, first - units) : end])  # what the layer below has just said, and its own h
            z += self.biases[layer] if layer else self.inputs.rows(frames)
            np.tanh(z, out=z)
            gates = z[:, : 3 * units]
            gates *= 0.5
            gates += 0.5
            i, f, o, g = (z[:, k * units : (k + 1) * units] for k in range(4))
            c *= f
            g *= i
            c += g
            np.tanh(c, out=h)
            h *= o
        out = self.output(hidden[:, -units:])
        out += self.bias
        return self._head(out, frames) if self.params.hears else out

    def _head(self, out: Floats, frames: Frames) -> Floats:
        """Add up, for each token, its own logit and those of what it would sound: `(streams, SIZE)`."""
        part, streams = self.parts, len(frames)
        base = frames[:, BASE].astype(np.intp)
        by_distance = out[:, part["note_ringing"].start : part["interval_now"].stop]
        near = _near(by_distance, frames[:, RINGING.start : hearing.COLUMNS]).reshape(streams, 3, 128)
        pitches = np.zeros((streams, 2 * 128), np.float32)  # silent above 127, where no interval leads
        sounding = pitches[:, :128]
        np.add(near[:, 1], near[:, 2], out=sounding)
        sounding += out[:, part["pitch"]]
        if self.params.remembers:
            homely = _by_degree(out[:, part["note_degree"].start : part["pitch_degree"].stop], frames)
            near[:, 0] += homely[:, 0]
            sounding += homely[:, 1]
        first = base + 1
        if self.params.anchor == "highest":
            sounding[:] = sounding[:, ::-1].copy()
            first = 128 - base
        logits = np.empty((streams, SIZE), np.float32)
        logits[:, 0] = out[:, 0]
        logits[:, RESTS.start :] = out[:, 1 : 1 + len(RESTS)]
        notes, intervals = logits[:, _NOTES], logits[:, _INTERVALS]
        np.add(_windows(out, part["step"].start + 127 - base, 128), near[:, 0], out=notes)
        notes += out[:, part["note"]]
        np.add(_windows(pitches, first, 127), out[:, part["interval"]], out=intervals)
        if self.params.remembers:
            _repeat(logits, out[:, part["repeat"]], frames)
        return logits


class _Product:
    """Multiply few rows by a matrix, in blocks of its columns.

    OpenBLAS multiplies small matrices two to four times as fast as those that it thinks worth packing, and a block is
    small enough; a single row it multiplies best by the whole.
    """

    def __init__(self, matrix: Floats) -> None:
        rows, self.columns = matrix.shape
        self.matrix = matrix
        padded = np.pad(matrix, ((0, 0), (0, -self.columns % BLOCK)))
        self.blocks = np.ascontiguousarray(padded.reshape(rows, -1, BLOCK).swapaxes(0, 1))

    def __call__(self, x: Floats) -> Floats:
        """Return the product with `x` `(streams, rows)`, `(streams, columns)`."""
        if len(x) == 1:
            return x @ self.matrix
        product = np.empty((len(x), len(self.blocks) * BLOCK), np.float32)
        np.matmul(x, self.blocks, out=product.reshape(len(x), -1, BLOCK).swapaxes(0, 1))
        return product[:, : self.columns]


class _Inputs:
    """Hold the first kernel and bias as rows, so that a frame's columns from the token's on choose what to add up."""

    def __init__(self, kernel: Floats, bias: Floats, params: Params) -> None:
        group = {name: kernel[rows] for name, rows in _slices(columns.rows(params.hears, params.remembers)).items()}
        nothing = np.zeros((1, kernel.shape[1]), np.float32)  # for what there is none of, or what is not known
        tables = [group["id"] + bias]
        self.columns = [ID]
        if params.hears:
            pitch = group["pitch"] + hearing.CLASSES.T @ group["class"] + hearing.OCTAVES.T @ group["octave"]
            voice = np.vstack([hearing.CLASSES.T @ group["ringing"], nothing])
            tables += [np.vstack([table, nothing]) for table in (pitch, group["step"], group["place"], group["bar"])]
            tables += [voice] * VOICES
            self.columns += range(PITCH, RINGING.stop)
        if params.remembers:
            tables += np.split(group["run"], PREDICTORS)
            tables += [np.vstack([group[name], nothing]) for name in ("left", "section", "beat", "mode")]
            self.columns += [*range(RUN.start, RUN.stop), LEFT, SECTION, BEAT, MODE]
            tables += [
                np.vstack([group["degree"], nothing]),
                *[np.vstack([group["degrees_ringing"], nothing])] * VOICES,
            ]
        self.remembers = params.remembers
        self.firsts = np.cumsum([0, *map(len, tables)])[:-1]
        self.last = np.array([len(table) - 1 for table in tables])
        self.rows_of = np.vstack(tables)

    def rows(self, frames: Frames) -> Floats:
        """Return the first layer's projected input `(streams, 4 * units)`."""
        chosen = frames[:, self.columns].astype(np.intp)
        if self.remembers:
            chosen = np.hstack([chosen, _degrees(frames)])
        np.minimum(chosen, self.last, out=chosen)  # a place beyond the common bar's is none
        projected: Floats = self.rows_of[chosen + self.firsts].sum(1)
        return projected


def _gates_in_order(weights: Floats) -> Floats:
    """Reorder Keras's gates i, f, g, o to i, f, o, g, and halve the sigmoids'.

    With sigmoid(x) = tanh(x / 2) / 2 + 1/2 one tanh serves all four, and the three sigmoids stand side by side.
    """
    i, f, g, o = np.split(weights, 4, axis=-1)
    return np.concatenate([i * 0.5, f * 0.5, o * 0.5, g], axis=-1)


def _slices(widths: dict[str, int]) -> dict[str, slice]:
    ends = np.cumsum(list(widths.values())).tolist()
    return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}


def _degrees(frames: Frames) -> NDArray[np.intp]:
    """Return the degrees of each frame's pitch and ringing voices, DEGREES for none: `(streams, 1 + VOICES)`."""
    pitches = frames[:, [PITCH, *range(RINGING.start, RINGING.stop)]].astype(np.intp)
    mode = frames[:, MODE, None]
    degrees = (pitches - frames[:, TONIC, None]) % 12 + 12 * mode
    unknown = (pitches == NONE) | (mode == len(told.MODES))
    return np.where(unknown, columns.DEGREES, degrees)


def _by_degree(out: Floats, frames: Frames) -> Floats:
    """Give each pitch what is said of its degree, as a note and as an interval: `(streams, 2, 128)`."""
    mode = frames[:, MODE].astype(np.intp)
    degrees = (np.arange(128) - frames[:, TONIC, None]) % 12 + 12 * np.minimum(mode, len(told.MODES) - 1)[:, None]
    given: Floats = np.take_along_axis(out.reshape(len(out), 2, -1), degrees[:, None].repeat(2, 1), 2)
    given[mode == len(told.MODES)] = 0
    return given


def _repeat(logits: Floats, gates: Floats, frames: Frames) -> None:
    """Add to each token that a predictor names what the gate of that predictor's run lets through."""
    named = frames[:, NAMED]
    rows, predictors = np.nonzero(named != NOTHING)
    through = gates[rows, predictors * RUNS + frames[:, RUN][rows, predictors]]
    np.add.at(logits, (rows, named[rows, predictors]), through)


def _near(by_distance: Floats, voices: NDArray[np.int16]) -> Floats:
    """Sum what is said by distance over the distances of each pitch from each voice, in groups of VOICES: `(-1, 128)`.

    `by_distance` is `(streams, groups * (2 * REACH + 1))`, `voices` `(streams, groups * VOICES)`.
    """
    width = 128 + 2 * REACH
    voices = voices.ravel()
    slots = np.flatnonzero(voices != NONE)
    rows = slots // VOICES
    places = (rows * width + voices.take(slots))[:, None] + _UP[: 2 * REACH + 1]
    weights = by_distance.reshape(-1, 2 * REACH + 1).take(rows, 0)
    summed = np.bincount(places.ravel(), weights.ravel(), minlength=len(voices) // VOICES * width)
    return summed.astype(np.float32).reshape(-1, width)[:, REACH:-REACH]


def _windows(x: Floats, starts: NDArray[np.intp], width: int) -> Floats:
    """Return `x[i, starts[i] : starts[i] + width]` for each row i."""
    firsts = starts + np.arange(0, x.size, x.shape[1])
    return x.take(firsts[:, None] + _UP[:width])


_UP: Final = np.arange(128)
_NOTES: Final[Any] = slice(NOTES.start, NOTES.stop)
_INTERVALS: Final[Any] = slice(INTERVALS.start, INTERVALS.stop)
