"""A model's weights, arranged so that a piece is stepped through token by token.

The network's state is carried from token to token, so a token costs one pass over the weights; several pieces go
through it in one batch. A step gives the logits of `core.training.network`, without TensorFlow.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.model import compiled, hearing, told
from core.model import frames as columns
from core.model.bundle import Bundle, Params
from core.model.frames import BEAT, LEFT, MODE, NAMED, PHRASE, RUN, SECTION, TONIC
from core.model.hearing import BASE, ID, NONE, PITCH, REACH, RINGING, VOICES, Frames
from core.model.memory import NOTHING, PREDICTORS, RUNS
from core.model.runtime import Layers, Matrices, Steps
from core.music.notation import INTERVALS, NOTES, RESTS, SIZE

Floats = NDArray[np.float32]
States = NDArray[np.float32]  # (2 * layers, streams, units): h and c of each layer


class Stepper:
    """Hold a model's weights, arranged for one token at a time; `exact` multiplies floats, for likelihoods."""

    def __init__(self, bundle: Bundle, *, exact: bool = False) -> None:
        params, weights = bundle.params, bundle.weights
        self.params = params
        self.layers, self.units = params.layers, params.units
        above = range(1, params.layers)
        stacked = (np.vstack([weights[f"lstm{i}/kernel"], weights[f"lstm{i}/recurrent_kernel"]]) for i in above)
        kernels = [weights["lstm0/recurrent_kernel"], *stacked]
        table = _Table(weights["lstm0/kernel"], weights["lstm0/bias"], params)
        kernel = weights["output/kernel"].copy()
        parts = columns.slices(columns.parts(params.hears, params.remembers))
        if params.hears:
            for part in ("note", "pitch"):
                kernel[:, parts[part]] += weights[f"output/{part}_class"] @ hearing.CLASSES
                kernel[:, parts[part]] += weights[f"output/{part}_octave"] @ hearing.OCTAVES
        biases = [weights[f"lstm{i}/bias"] for i in above]
        self.network = Layers(Matrices(kernels, biases, kernel, weights["output/bias"]), exact=exact)
        self.around: Around | compiled.Around = Around(params, table, parts)
        if params.hears and compiled.library():
            starts = {name: part.start for name, part in parts.items()}
            self.around = compiled.Around(params, table.rows, table.firsts, table.sizes, starts, kernel.shape[1])

    def silence(self, streams: int) -> States:
        """Return the state before a piece begins."""
        return np.zeros((2 * self.layers, streams, self.units), np.float32)

    def step(self, frames: Frames, states: States) -> Floats:
        """Take a frame a stream `(streams, COLUMNS)`, move `states` on in place, return logits `(streams, SIZE)`."""
        moved = np.ascontiguousarray(states)
        logits = Walk(self, moved).step(frames)
        if moved is not states:
            states[:] = moved
        return logits


class Walk:
    """Step through pieces token by token, from `states` on, which move on in place."""

    def __init__(self, stepper: Stepper, states: States) -> None:
        self.around, self.steps = stepper.around, Steps(stepper.network, states)

    def step(self, frames: Frames) -> Floats:
        """Take a frame a stream `(streams, COLUMNS)`, return logits `(streams, SIZE)`."""
        frames = np.ascontiguousarray(frames)
        self.around.inputs(frames, self.steps.x)
        self.steps.step()
        return self.around.head(self.steps.out, frames)


class Around:
    """Do what stands around a step: add up the first layer's inputs, and the last one's outputs."""

    def __init__(self, params: Params, table: "_Table", parts: dict[str, slice]) -> None:
        self.params, self.table, self.parts = params, table, parts

    def inputs(self, frames: Frames, sums: Floats) -> None:
        """Add up the first layer's input: `(streams, 4 * units)`."""
        np.add.reduce(self.table.rows.take(self.table.choose(frames), 0), 1, out=sums)

    def head(self, out: Floats, frames: Frames) -> Floats:
        """Add up, for each token, its own logit and those of what it would sound: `(streams, SIZE)`."""
        if not self.params.hears:
            return out.copy()
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


class _Table:
    """Arrange the first kernel as rows, of which a frame chooses some to add up, in groups; the last row is nothing."""

    def __init__(self, kernel: Floats, bias: Floats, params: Params) -> None:
        rows = columns.slices(columns.rows(params.hears, params.remembers))
        group = {name: kernel[own] for name, own in rows.items()}
        groups, self.columns = [group["id"] + bias], [ID]
        self.hears, self.remembers = params.hears, params.remembers
        if params.hears:
            pitch = group["pitch"] + hearing.CLASSES.T @ group["class"] + hearing.OCTAVES.T @ group["octave"]
            groups += [pitch, group["step"], group["place"], group["bar"]]
            self.columns += range(PITCH, RINGING.start)
        if params.remembers:
            groups += [group[name] for name in ("left", "section", "beat", "phrase", "mode", "degree")]
            self.columns += [LEFT, SECTION, BEAT, PHRASE, MODE]
        if params.hears:
            groups.append(group["ringing"])
        if params.remembers:
            groups += [group["degrees_ringing"], group["run"]]
        self.sizes = np.array([len(rows) for rows in groups])
        self.firsts = np.cumsum([0, *self.sizes])[:-1]
        self.rows = np.vstack([*groups, np.zeros((1, kernel.shape[1]), np.float32)])

    def choose(self, frames: Frames) -> NDArray[np.int64]:
        """Return the rows that frames choose, `(streams, rows)`."""
        chosen = [frames[:, self.columns].astype(np.int64)]
        groups = list(range(len(self.columns)))
        if self.hears:
            voices = frames[:, RINGING].astype(np.int64)
            silent, after = voices == NONE, len(groups)
            if self.remembers:
                chosen.append(_degree(frames, frames[:, [PITCH]]))
                groups.append(after)
                after += 1
            chosen.append(np.where(silent, 12, voices % 12))
            groups += [after] * VOICES
            if self.remembers:
                chosen += [_degree(frames, voices), RUNS * np.arange(PREDICTORS) + frames[:, RUN]]
                groups += [after + 1] * VOICES + [after + 2] * PREDICTORS
        rows = np.hstack(chosen)
        return np.where(rows < self.sizes[groups], rows + self.firsts[groups], len(self.rows) - 1)


def _degree(frames: Frames, pitches: NDArray[Any]) -> NDArray[np.int64]:
    """Return the degrees of pitches `(streams, any)`, DEGREES for none."""
    mode = frames[:, [MODE]].astype(np.int64)
    degree = (pitches - frames[:, [TONIC]]) % 12 + 12 * mode
    return np.where((pitches == NONE) | (mode == len(told.MODES)), columns.DEGREES, degree)


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
