"""A model's weights, arranged so that a piece is stepped through token by token.

The network's state is carried from token to token, so a token costs one pass over the weights; several pieces go
through it in one batch. A step gives the logits of `core.training.network`, without TensorFlow.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.model import frames as columns
from core.model import hearing, told
from core.model.bundle import Bundle, Params
from core.model.frames import BEAT, LEFT, MODE, NAMED, PHRASE, RUN, SECTION, TONIC
from core.model.hearing import BASE, ID, NONE, PITCH, REACH, RINGING, VOICES, Frames
from core.model.memory import NOTHING, PREDICTORS, RUNS
from core.model.runtime import Layers, Matrices
from core.music.notation import INTERVALS, NOTES, RESTS, SIZE

Floats = NDArray[np.float32]
States = NDArray[np.float32]  # (2, streams, layers * units): h and c of all layers side by side


class Stepper:
    """Hold a model's weights, arranged for one token at a time; `exact` multiplies floats, for likelihoods."""

    def __init__(self, bundle: Bundle, *, exact: bool = False) -> None:
        params, weights = bundle.params, bundle.weights
        self.params = params
        self.layers, self.units = params.layers, params.units
        above = range(1, params.layers)
        stacked = (np.vstack([weights[f"lstm{i}/kernel"], weights[f"lstm{i}/recurrent_kernel"]]) for i in above)
        kernels = [weights["lstm0/recurrent_kernel"], *stacked]
        self.inputs = _Inputs(weights["lstm0/kernel"], weights["lstm0/bias"], params)
        kernel = weights["output/kernel"].copy()
        self.parts = _slices(columns.parts(params.hears, params.remembers))
        if params.hears:
            for part in ("note", "pitch"):
                kernel[:, self.parts[part]] += weights[f"output/{part}_class"] @ hearing.CLASSES
                kernel[:, self.parts[part]] += weights[f"output/{part}_octave"] @ hearing.OCTAVES
        biases = [weights[f"lstm{i}/bias"] for i in above]
        self.network = Layers(
            Matrices(self.inputs.table, self.inputs.dense, kernels, biases, kernel, weights["output/bias"]), exact=exact
        )

    def silence(self, streams: int) -> States:
        """Return the state before a piece begins."""
        return np.zeros((2, streams, self.layers * self.units), np.float32)

    def step(self, frames: Frames, states: States) -> Floats:
        """Take a frame a stream `(streams, COLUMNS)`, move `states` on in place, return logits `(streams, SIZE)`."""
        out, states[0], states[1] = self.network.step(*self.inputs.choose(frames), *states)
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


class _Inputs:
    """Arrange the first kernel: `table`, of which a frame chooses rows to add up, and `dense`, to multiply by.

    Dense is what would choose many rows: the pitch classes and degrees that ring, and the predictors' runs.
    """

    def __init__(self, kernel: Floats, bias: Floats, params: Params) -> None:
        group = {name: kernel[rows] for name, rows in _slices(columns.rows(params.hears, params.remembers)).items()}
        nothing = np.zeros((1, kernel.shape[1]), np.float32)  # for what there is none of, or what is not known
        tables, dense = [group["id"] + bias], [np.zeros((0, kernel.shape[1]), np.float32)]
        self.columns = [ID]
        if params.hears:
            pitch = group["pitch"] + hearing.CLASSES.T @ group["class"] + hearing.OCTAVES.T @ group["octave"]
            tables += [np.vstack([table, nothing]) for table in (pitch, group["step"], group["place"], group["bar"])]
            dense.append(group["ringing"])
            self.columns += range(PITCH, RINGING.start)
        if params.remembers:
            names = ("left", "section", "beat", "phrase", "mode", "degree")
            tables += [np.vstack([group[name], nothing]) for name in names]
            dense += [group["degrees_ringing"], group["run"]]
            self.columns += [LEFT, SECTION, BEAT, PHRASE, MODE]
        self.hears, self.remembers = params.hears, params.remembers
        self.firsts = np.cumsum([0, *map(len, tables)])[:-1]
        self.last = np.array([len(table) - 1 for table in tables])
        self.table, self.dense = np.vstack(tables), np.vstack(dense)

    def choose(self, frames: Frames) -> tuple[NDArray[np.int64], Floats]:
        """Return the rows of the table that frames choose `(streams, rows)`, and what multiplies the dense kernel."""
        chosen, streams = frames[:, self.columns].astype(np.int64), len(frames)
        dense = np.zeros((streams, len(self.dense)), np.float32)
        if self.hears:
            classes = _EACH_CLASS[frames[:, RINGING]].sum(1)  # (streams, 12)
            dense[:, :12] = classes
        if self.remembers:
            mode, turned = frames[:, MODE], (_CLASSES + frames[:, TONIC, None]) % 12
            known = np.flatnonzero(mode < len(told.MODES))
            degrees = dense[:, 12 : 12 + columns.DEGREES].reshape(streams, len(told.MODES), 12)
            degrees[known, mode[known]] = np.take_along_axis(classes, turned, 1)[known]
            runs = dense[:, 12 + columns.DEGREES :].reshape(streams, PREDICTORS, RUNS)
            np.put_along_axis(runs, frames[:, RUN, None].astype(np.int64), 1, 2)
            chosen = np.hstack([chosen, _degree(frames)])
        np.minimum(chosen, self.last, out=chosen)  # a place beyond the common bar's is none
        return chosen + self.firsts, dense


def _slices(widths: dict[str, int]) -> dict[str, slice]:
    ends = np.cumsum(list(widths.values())).tolist()
    return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}


def _degree(frames: Frames) -> NDArray[np.int64]:
    """Return the degree of each frame's pitch, DEGREES for none: `(streams, 1)`."""
    pitch, mode = frames[:, [PITCH]].astype(np.int64), frames[:, [MODE]]
    degree = (pitch - frames[:, [TONIC]]) % 12 + 12 * mode
    return np.where((pitch == NONE) | (mode == len(told.MODES)), columns.DEGREES, degree)


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
_CLASSES: Final = np.arange(12)
_EACH_CLASS: Final = np.vstack([hearing.CLASSES.T, np.zeros((NONE + 1 - 128, 12), np.float32)])  # by pitch
_NOTES: Final[Any] = slice(NOTES.start, NOTES.stop)
_INTERVALS: Final[Any] = slice(INTERVALS.start, INTERVALS.stop)
