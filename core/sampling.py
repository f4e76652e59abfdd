"""Sampling: weights and a primer -> tokens, in numpy alone.

The network's state is carried from token to token, so a token costs one pass over the weights. Several takes go
through it in one batch. A grammar mask leaves only tokens that keep the text a piece of the notation in normal form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core import hearing, notation
from core.bundle import Bundle
from core.errors import RequestError
from core.hearing import BASE, BEFORE, ID, NONE, NOW, PITCH, PLACE, REACH, RINGING, STEP, Ear, Frames
from core.notation import BOUNDARY, INTERVALS, NOTES, RESTS, SIZE

LONGEST_SILENCE: Final = 16  # units; readers shorten longer ones, so no model has met them
LONGEST_PIECE: Final = 64  # bars
ENDINGS: Final = 8  # endings tried for a piece whose length is given
ENDING_BARS: Final = 2  # how long before the end they part
SMOOTHING: Final = 0.3  # added to each pitch class's count in the tonal memory

Floats = NDArray[np.float32]
States = NDArray[np.float32]  # (2 * layers, streams, units): h and c of each layer in turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Say how to sample.

    `temperature` divides the logits, `gravity` weighs the tonal memory, `top_p` keeps the likeliest tokens of that
    much probability together. `units` is the whole length in rest units, primer included; None lets the model end,
    at LONGEST_PIECE at the latest. Raises RequestError for a value out of its range.
    """

    temperature: float = 1.0
    gravity: float = 0.5
    top_p: float = 1.0
    seed: int = 0
    takes: int = 1
    units: int | None = None

    def __post_init__(self) -> None:
        for name, value, lowest, highest in (
            ("temperature", self.temperature, 0.01, 10),
            ("gravity", self.gravity, 0, 5),
            ("top_p", self.top_p, 0.01, 1),
            ("seed", self.seed, 0, 2**63 - 1),
            ("takes", self.takes, 1, 64),
        ):
            if not lowest <= value <= highest:
                raise RequestError(f"The {name.replace('_', '-')} is {value:g}; it must be from {lowest:g} to {highest:g}.")


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one take: its ids from the primer on, without boundaries, and whether the model ended it by itself."""

    ids: tuple[int, ...]
    ended: bool


def sample(model: "Stepper", primer: Sequence[int], options: Options) -> tuple[Sample, ...]:
    """Continue a primer, which is in normal form. The same arguments give the same takes.

    A piece of a given length is sampled to two bars before its end; from there several endings are tried, and the one
    behind which the model would soonest close the piece is kept. Raises RequestError if the primer is too long.
    """
    bar = model.units_per_bar
    limit = options.units if options.units is not None else LONGEST_PIECE * bar
    opening = _Stream(model, options, limit, np.random.default_rng([options.seed]), endless=options.units is not None)
    states = model.silence(1)
    for token in (BOUNDARY, *primer):
        frame = opening.take(token)
        logits = model.step(np.array([frame], np.int16), states)
    if opening.ear.time >= limit:
        bars = -(-opening.ear.time // bar)
        raise RequestError(f"The primer is {bars} bars long already: ask for more than {bars} bars, up to {LONGEST_PIECE}, or shorten it.")
    takes = [opening.copy(np.random.default_rng([options.seed, take])) for take in range(options.takes)]
    logits, states = np.repeat(logits, len(takes), 0), np.repeat(states, len(takes), 1)
    parting = limit - ENDING_BARS * bar if options.units is not None else limit
    if parting > opening.ear.time:
        logits, states = _play(model, takes, logits, states, parting)
    if options.units is None:
        return tuple(Sample(tuple(take.ids), take.ended) for take in takes)
    forks = [take.copy(np.random.default_rng([options.seed, i, fork])) for i, take in enumerate(takes) for fork in range(ENDINGS)]
    logits, states = np.repeat(logits, ENDINGS, 0), np.repeat(states, ENDINGS, 1)
    logits, _ = _play(model, forks, logits, states, limit)
    closing = logits[:, BOUNDARY] - np.logaddexp.reduce(logits, axis=1)
    best = closing.reshape(len(takes), ENDINGS).argmax(1)
    return tuple(Sample(tuple(forks[i * ENDINGS + fork].ids), False) for i, fork in enumerate(best))


class Stepper:
    """Hold a model's weights, arranged for one token at a time."""

    def __init__(self, bundle: Bundle) -> None:
        params, weights = bundle.params, bundle.weights
        self.anchor, self.hears, self.units_per_bar = params.anchor, params.hears, params.units_per_bar
        self.layers, self.units = params.layers, params.units
        # sigmoid(x) = tanh(x / 2) / 2 + 1/2: with the halves in the weights, one tanh serves all four gates.
        halves = np.repeat(np.array([0.5, 0.5, 1, 0.5], np.float32), params.units)
        self.kernels = [weights[f"lstm{i}/kernel"] * halves for i in range(params.layers)]
        self.recurrent = [weights[f"lstm{i}/recurrent_kernel"] * halves for i in range(params.layers)]
        self.biases = [weights[f"lstm{i}/bias"] * halves for i in range(params.layers)]
        self.table, self.starts = _table(self.kernels[0], params.hears)
        self.kernel, self.bias = weights["output/kernel"].copy(), weights["output/bias"]
        ends = np.cumsum(list(hearing.parts(params.hears).values())).tolist()
        self.parts = {part: slice(a, b) for part, a, b in zip(hearing.parts(params.hears), [0, *ends], ends, strict=False)}
        if params.hears:
            for part in ("note", "pitch"):
                self.kernel[:, self.parts[part]] += weights[f"output/{part}_class"] @ hearing.CLASSES
                self.kernel[:, self.parts[part]] += weights[f"output/{part}_octave"] @ hearing.OCTAVES

    def silence(self, streams: int) -> States:
        """Return the state before a piece begins."""
        return np.zeros((2 * self.layers, streams, self.units), np.float32)

    def step(self, frames: Frames, states: States) -> Floats:
        """Take one frame a stream `(streams, COLUMNS)`, move `states` on in place, and return logits `(streams, SIZE)`."""
        z = self.table[self._rows(frames)].sum(1) + self.biases[0]
        for layer in range(self.layers):
            h, c = states[2 * layer], states[2 * layer + 1]
            if layer:
                z = states[2 * layer - 2] @ self.kernels[layer] + self.biases[layer]
            z += h @ self.recurrent[layer]
            np.tanh(z, out=z)
            i, f, g, o = z.reshape(len(z), 4, -1).swapaxes(0, 1)
            c *= f * 0.5 + 0.5
            c += (i * 0.5 + 0.5) * g
            np.multiply(o * 0.5 + 0.5, np.tanh(c), out=h)
        out = states[-2] @ self.kernel + self.bias
        return np.stack([self._head(row, frame) for row, frame in zip(out, frames, strict=True)]) if self.hears else out

    def _rows(self, frames: Frames) -> NDArray[np.intp]:
        """Return which rows of the table each frame adds up, `(streams, ones)`."""
        if not self.hears:
            return frames[:, ID : ID + 1].astype(np.intp)
        columns = frames[:, [ID, PITCH, STEP, PLACE, hearing.BAR, *range(RINGING.start, RINGING.stop)]]
        return columns + self.starts

    def _head(self, out: Floats, frame: NDArray[np.int16]) -> Floats:
        """Add up, for each token, its own logit and those of what it would sound: `(SIZE,)`."""
        base, part = int(frame[BASE]), self.parts
        notes = _near(out[part["note_ringing"]], frame[RINGING])
        notes += out[part["note"]]
        notes += out[part["step"]][127 - base : 255 - base]
        pitches = _near(out[part["interval_before"]], frame[BEFORE])
        pitches += _near(out[part["interval_now"]], frame[NOW])
        pitches += out[part["pitch"]]
        intervals = out[part["interval"]].copy()
        sounded = pitches[base + 1 :] if self.anchor == "lowest" else pitches[:base][::-1]
        intervals[: len(sounded)] += sounded
        return np.concatenate([out[:1], notes, intervals, out[1 : 1 + len(RESTS)]])


class _Stream:
    """Follow one take: what it has written, what may come next, and what it remembers of its key."""

    def __init__(self, model: Stepper, options: Options, limit: int, chance: np.random.Generator, *, endless: bool) -> None:
        self.options, self.limit, self.chance, self.endless = options, limit, chance, endless
        self.ear = Ear(model.anchor, model.units_per_bar)
        self.ids: list[int] = []
        self.counts = np.full(12, SMOOTHING)
        self.silence = 0  # units of rest since the latest event
        self.ended = False

    def copy(self, chance: np.random.Generator) -> "_Stream":
        """Return a stream that goes on from here with a chance of its own."""
        other = object.__new__(_Stream)
        other.__dict__ = {**self.__dict__, "chance": chance, "ear": self.ear.copy(), "ids": self.ids.copy(), "counts": self.counts.copy()}
        return other

    def take(self, token: int) -> list[int]:
        """Write one token and return its frame."""
        frame = self.ear.hear(token)
        if token == BOUNDARY:
            self.ended = bool(self.ids)
            return frame
        self.ids.append(token)
        if frame[PITCH] != NONE:
            self.counts[frame[PITCH] % 12] += 1
            self.silence = 0
        else:
            self.silence += notation.rest_units(token)
        return frame

    def choose(self, logits: Floats) -> int:
        """Draw the next token."""
        scores = logits.astype(np.float64)
        if self.options.gravity:
            pull = self.options.gravity * np.log(12 * self.counts / self.counts.sum())
            scores[_NOTE_IDS] += pull[_NOTE_CLASSES]
            steps = _INTERVAL_SIZES if self.ear.anchor == "lowest" else -_INTERVAL_SIZES
            scores[_INTERVAL_IDS] += pull[(self.ear.base + steps) % 12]
        scores[~self.allowed()] = -np.inf
        scores /= self.options.temperature
        probabilities = np.exp(scores - scores.max())
        probabilities /= probabilities.sum()
        if self.options.top_p < 1:
            order = np.argsort(-probabilities, kind="stable")
            before = np.cumsum(probabilities[order]) - probabilities[order]
            probabilities[order[before >= self.options.top_p]] = 0
        reached = np.cumsum(probabilities)
        return int(np.searchsorted(reached, self.chance.random() * reached[-1], side="right"))

    def allowed(self) -> NDArray[np.bool_]:
        """Return which tokens keep the text a piece in normal form that is not longer than the limit: `(SIZE,)`."""
        mask = np.zeros(SIZE, np.bool_)
        left = self.limit - self.ear.time
        last = self.ids[-1] if self.ids else BOUNDARY
        if last in NOTES or last in INTERVALS:
            size = last - INTERVALS.start + 1 if last in INTERVALS else 0
            room = 127 - self.ear.base if self.ear.anchor == "lowest" else self.ear.base
            mask[INTERVALS.start + size : INTERVALS.start + room] = True
            mask[RESTS.start : RESTS.start + left] = True
            return mask
        sounded = bool(self.ear.now)
        mask[NOTES.start : NOTES.stop] = left > 0
        mask[BOUNDARY] = sounded and not self.endless
        if last in (BOUNDARY, RESTS[-1]):
            room = min(LONGEST_SILENCE - self.silence, left if sounded else left - 1)
            mask[RESTS.start : RESTS.start + max(0, room)] = True
        return mask

    def done(self, until: int) -> bool:
        """Tell whether the take has ended, or has reached `until` units between two events."""
        return self.ended or (self.ear.time >= until and self.ids[-1] in RESTS)


def _play(model: Stepper, streams: Sequence[_Stream], logits: Floats, states: States, until: int) -> tuple[Floats, States]:
    """Step all streams until each is done; return the logits and states behind each one's last token."""
    logits, states = logits.copy(), states.copy()
    going = [i for i, stream in enumerate(streams) if not stream.done(until)]
    while going:
        tokens = [streams[i].choose(logits[i]) for i in going]
        frames = np.array([streams[i].take(token) for i, token in zip(going, tokens, strict=True)], np.int16)
        some = states[:, going]
        logits[going] = model.step(frames, some)
        states[:, going] = some
        going = [i for i in going if not streams[i].done(until)]
    return logits, states


def _near(by_distance: Floats, voices: NDArray[np.int16]) -> Floats:
    """Sum `by_distance` `(2 * REACH + 1,)` over the distances of each pitch from each voice: `(128,)`."""
    padded = np.zeros(128 + 2 * REACH, np.float32)
    for voice in voices.tolist():
        if voice != NONE:
            padded[voice : voice + len(by_distance)] += by_distance
    return padded[REACH:-REACH]


def _table(kernel: Floats, hears: bool) -> tuple[Floats, NDArray[np.intp]]:
    """Arrange the first kernel's rows so that a frame adds up one row of each kind; return it and where each kind starts."""
    rows = hearing.rows(hears)
    ends = np.cumsum(list(rows.values())).tolist()
    group = {name: kernel[a:b] for name, a, b in zip(rows, [0, *ends], ends, strict=False)}
    if not hears:
        return kernel, np.zeros(1, np.intp)
    nothing = np.zeros((1, kernel.shape[1]), np.float32)
    pitch = group["pitch"] + hearing.CLASSES.T @ group["class"] + hearing.OCTAVES.T @ group["octave"]
    kinds = [
        group["id"],
        np.concatenate([pitch, nothing]),
        np.concatenate([group["step"], nothing]),
        group["place"],
        group["bar"],
        np.concatenate([hearing.CLASSES.T @ group["ringing"], nothing]),
    ]
    starts = np.cumsum([0, *map(len, kinds[:-1])])
    return np.concatenate(kinds), np.concatenate([starts[:-1], np.repeat(starts[-1:], hearing.VOICES)])


_NOTE_IDS: Final[Any] = slice(NOTES.start, NOTES.stop)
_INTERVAL_IDS: Final[Any] = slice(INTERVALS.start, INTERVALS.stop)
_NOTE_CLASSES: Final = np.arange(128) % 12
_INTERVAL_SIZES: Final = np.arange(1, 128)
