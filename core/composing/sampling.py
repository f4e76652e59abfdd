"""Sampling: weights, a primer and what is told -> tokens, in numpy alone.

The network's state is carried from token to token, so a token costs one pass over the weights. Several pieces are
written side by side, in one batch. A grammar mask leaves only tokens that keep the text a piece of the notation in
normal form.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from core.composing import form
from core.errors import RequestError, check_range, mark
from core.model import compiled, frames
from core.model.bundle import Params
from core.model.hearing import BASE, NONE, PITCH, START
from core.model.stepping import Floats, States, Stepper, Walk
from core.model.told import Home, Told
from core.music import notation, score
from core.music.keys import is_home, key_of
from core.music.metre import COMMON, Metre
from core.music.notation import BOUNDARY, INTERVALS, LONGEST_REST, NOTES, RESTS, SIZE, Anchor

LONGEST_SILENCE: Final = 16  # units; readers shorten longer ones, so no model has met them
LONGEST_PIECE: Final = 64  # bars
MOST_TAKES: Final = 64
ENDINGS: Final = 32  # endings tried for a piece whose length is given
ENDING_BARS: Final = 2  # how long before the end they part
TEMPERATURES: Final = (0.01, 10.0)
STRONGEST: Final = 5.0  # gravity
LEAST_TOP_P: Final = 0.01
LARGEST_SEED: Final = 2**53 - 1  # as a chat can send it
HOMEWARD: Final = 0.5  # added to their gravity, so that they find home from wherever the piece has gone
SMOOTHING: Final = 0.3  # added to each pitch class's count in the tonal memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Say how to sample.

    `temperature` divides the logits, `gravity` weighs the tonal memory, `top_p` keeps the likeliest tokens of that
    much probability together. `bars` is the whole length, primer included, not counting the silence before a pickup;
    None lets the model end, at LONGEST_PIECE at the latest. `metre`, `home` and `form` (`core.composing.form`) are told
    to a model that remembers; None is the primer's or drawn as in the pieces that it was trained on. Raises
    RequestError for a value out of its range.
    """

    temperature: float = 1.0
    gravity: float = 0.5
    top_p: float = 1.0
    seed: int = 0
    takes: int = 1
    bars: int | None = None
    metre: Metre | None = None
    home: Home | None = None
    form: str | None = None

    def __post_init__(self) -> None:
        for name, value, lowest, highest in (
            (mark("temperature"), self.temperature, *TEMPERATURES),
            (mark("gravity"), self.gravity, 0, STRONGEST),
            (mark("top-p"), self.top_p, LEAST_TOP_P, 1),
            (mark("seed"), self.seed, 0, LARGEST_SEED),
            (mark("number of takes"), self.takes, 1, MOST_TAKES),
        ):
            check_range(name, value, lowest, highest)


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one take: its ids from the primer on, without boundaries, what was told, and whether the model ended it."""

    ids: tuple[int, ...]
    told: Told
    ended: bool


def sample(model: Stepper, primer: Sequence[int], options: Options) -> tuple[Sample, ...]:
    """Continue a primer, which is in normal form. The same arguments give the same takes.

    A model without a memory is not told how far the end is: two bars before it several endings are tried. Kept is one
    that comes home to the tonic, if there is any, and of several the one behind which the model would soonest close the
    piece. Raises RequestError if the primer is too long, or for what the model cannot be told.
    """
    drafts = begin(model, primer, options)
    if options.bars is None or model.params.remembers:
        drafts.play()
    else:
        drafts = _come_home(drafts)
    return tuple(Sample(tuple(stream.ids), stream.told, stream.ended) for stream in drafts.streams)


def begin(
    model: Stepper,
    primer: Sequence[int],
    options: Options,
    more: Callable[[int, Told], Told] = lambda take, told: told,
) -> "Drafts":
    """Make drafts, as many as there are takes, each with a chance of its own; nothing is written yet.

    `more` adds to what is told of each.
    """
    streams = []
    for take in range(options.takes):
        chance = np.random.default_rng([options.seed, take])
        told, silence = tell(model.params, primer, options, chance)
        given = [BOUNDARY, *(primer or notation.rests(silence))]
        streams.append(Stream(model.params, options, more(take, told), given, chance))
    return Drafts(model, streams)


def tell(params: Params, primer: Sequence[int], options: Options, chance: np.random.Generator) -> tuple[Told, int]:
    """Decide what is told of a piece, and with how many units of silence it begins if it has no primer.

    What is neither asked for nor in the primer is drawn as in the pieces that the model was trained on. Raises
    RequestError.
    """
    habits = form.habits(params.habits)
    metre = options.metre or (COMMON if primer or not params.remembers else None)
    home, shape = form.draw(habits, chance, metre=metre, bars=options.bars)
    metre = metre or (shape.metre if shape else habits.metre)
    told = Told(params.unit, metre)
    opening = score.from_ids(primer, params.anchor, params.unit, metre)
    check_room(opening.length, options.bars, told.bar)
    if not params.remembers:
        if options.metre not in (None, COMMON) or options.form is not None:
            raise RequestError(
                "This model cannot be told a metre or a form: it was trained without a memory. Train it again."
            )
        return replace(told, length=None if options.bars is None else options.bars * told.bar), 0
    home = options.home or form.home(opening, open_end=True) or home
    silence = (opening.events[0].onset if opening.events else opening.length) % told.bar
    if options.bars is None and (shape is None or primer):
        return replace(told, home=home), silence
    if shape is not None and not primer:
        silence = shape.silence
    bars = options.bars or (shape.bars if shape else 0)
    if options.form is not None:
        plan = form.planned(options.form, silence, bars, told.bar)
    elif shape is not None:
        plan = replace(shape, silence=silence).plan(told.bar)
    else:
        plan = form.usual(habits, silence, bars, told.bar)
    own = shape if shape and options.form is None and silence == shape.silence else None
    phrases = form.phrases(habits, chance, metre, plan, own)
    return replace(told, home=home, length=silence + bars * told.bar, plan=plan, phrases=phrases), silence


def check_room(primer: int, bars: int | None, bar: int) -> None:
    """Raise RequestError if a primer of so many units leaves no room in a piece of so many bars of `bar` units."""
    limit = LONGEST_PIECE if bars is None else bars
    if primer >= limit * bar:
        reached, least = -(-primer // bar), primer // bar + 1
        if least > LONGEST_PIECE:
            raise RequestError(
                "The primer ends in bar {reached}, and a piece has {most} at most: shorten it.",
                reached=reached,
                most=LONGEST_PIECE,
            )
        raise RequestError(
            "The primer ends in bar {reached}: ask for {least} to {most} bars, or shorten it.",
            reached=reached,
            least=least,
            most=LONGEST_PIECE,
        )


def longest(told: Told) -> int:
    """Return how many units a piece can have."""
    return LONGEST_PIECE * told.bar if told.length is None else told.length


def pull(counts: Floats, bases: NDArray[np.intp], anchor: Anchor) -> Floats:
    """Return what tonal gravity 1 adds to each token's logit: `(streams, SIZE)`.

    A memory of pitch classes, like the cache of a neural cache language model (Grave, Joulin and Usunier 2017):
    `counts` `(streams, 13)`, which begins as `no_memory`, is how often each has sounded so far, and their mean; a token
    that would sound a pitch of class c gets the logarithm of c's count over that mean. `bases` are the notes that
    intervals are measured from.
    """
    return _by_token(_pulls(counts), bases, anchor)


def _pulls(counts: Floats) -> Floats:
    """Return what gravity 1 adds to each pitch class, and to what has none: `(streams, 13)`."""
    pulls: Floats = np.log(counts / counts[:, 12:])
    return pulls


def _by_token(pulls: Floats, bases: NDArray[np.intp], anchor: Anchor) -> Floats:
    return pulls.take(_SOUNDED[anchor][bases] + np.arange(0, pulls.size, 13)[:, None])


def no_memory(streams: int) -> Floats:
    """Return the counts before a piece begins."""
    return np.full((streams, 13), SMOOTHING, np.float32)


def remember(counts: Floats, pitch: int) -> None:
    """Count a pitch in one stream's memory."""
    counts[pitch % 12] += 1
    counts[12] += 1 / 12


Allowed = tuple[int, int, int, int, int, int]  # three ranges of tokens, start and stop


class Stream:
    """Follow one piece that is being written: what it has, what may come next, and what it remembers of its key.

    `nats` is the sum of -ln p, by the model alone, of what it wrote behind the tokens that were given.
    """

    def __init__(
        self, params: Params, options: Options, told: Told, given: Sequence[int], chance: np.random.Generator
    ) -> None:
        self.params, self.options, self.told, self.chance = params, options, told, chance
        self.given = list(reversed(given))
        self.limit = longest(told)
        self.listener = frames.listener(params, told)
        self.ids: list[int] = []
        self.counts = no_memory(1)[0]
        self.time = 0  # units that are written
        self.silence = 0  # of them rests since the latest event
        self.base = START
        self.sounded = False  # whether anything has
        self.nats = 0.0
        self.ended = False

    def copy(self, chance: np.random.Generator, options: Options | None = None) -> "Stream":
        """Return a stream that goes on from here with a chance, and perhaps options, of its own."""
        other = object.__new__(Stream)
        other.__dict__ = {
            **self.__dict__,
            "chance": chance,
            "options": options or self.options,
            "given": self.given.copy(),
            "listener": self.listener.copy(),
            "ids": self.ids.copy(),
            "counts": self.counts.copy(),
        }
        return other

    def take(self, token: int, pitch: int, base: int) -> None:
        """Write one token, of which the listener has heard its pitch, or NONE, and the note of the latest event."""
        if token == BOUNDARY:
            self.ended = bool(self.ids)
            return
        self.ids.append(token)
        if pitch != NONE:
            remember(self.counts, pitch)
            self.silence, self.base, self.sounded = 0, base, True
        else:
            units = token - RESTS.start + 1
            self.silence += units
            self.time += units

    def allowed(self) -> Allowed:
        """Return the tokens that keep the text a piece in normal form that is not longer than the limit."""
        if self.given:
            return self.given[-1], self.given[-1] + 1, 0, 0, 0, 0
        left = self.limit - self.time
        last = self.ids[-1] if self.ids else BOUNDARY
        if last in NOTES or last in INTERVALS:
            size = last - INTERVALS.start + 1 if last in INTERVALS else 0
            room = 127 - self.base if self.params.anchor == "lowest" else self.base
            rests = RESTS.start + min(left, LONGEST_REST)
            return INTERVALS.start + size, INTERVALS.start + room, RESTS.start, rests, 0, 0
        rests = RESTS.start
        if last in (BOUNDARY, RESTS[-1]):
            rests += max(0, min(LONGEST_REST, LONGEST_SILENCE - self.silence, left if self.sounded else left - 1))
        notes = NOTES.stop if left > 0 else NOTES.start
        ending = self.sounded and self.options.bars is None
        return NOTES.start, notes, RESTS.start, rests, BOUNDARY, BOUNDARY + ending

    def done(self, until: int) -> bool:
        """Tell whether the piece has ended, or has reached `until` units between two events."""
        return self.ended or (not self.given and self.time >= until and self.ids[-1:] != [] and self.ids[-1] in RESTS)


class Drafts:
    """Hold pieces that are written side by side, in one batch; `logits` and `states` stand behind their last tokens."""

    def __init__(
        self, model: Stepper, streams: Sequence[Stream], logits: Floats | None = None, states: States | None = None
    ) -> None:
        self.model, self.streams = model, list(streams)
        self.logits = np.zeros((len(self.streams), SIZE), np.float32) if logits is None else logits
        self.states = model.silence(len(self.streams)) if states is None else states

    def pick(self, rows: Sequence[int], chances: Sequence[np.random.Generator], options: Options | None = None) -> Self:
        """Return some of the drafts, as often as they are named, to go on each with a chance of its own."""
        streams = [self.streams[row].copy(chance, options) for row, chance in zip(rows, chances, strict=True)]
        return type(self)(self.model, streams, self.logits[list(rows)], self.states.take(rows, 1))

    def play(self, until: int | None = None) -> None:
        """Write all on until each has ended, or has come to `until` units, between two events; to its end if None."""
        goals = [stream.limit if until is None else min(until, stream.limit) for stream in self.streams]
        going = [i for i, stream in enumerate(self.streams) if not stream.done(goals[i])]
        while going:
            now, moving = self.logits[going], self.states.take(going, 1)  # of those that go on
            streams = [(self.streams[i], goals[i]) for i in going]
            now = self._play_together(streams, now, moving)
            self.logits[going], self.states[:, going] = now, moving
            going = [i for i, (stream, goal) in zip(going, streams, strict=True) if not stream.done(goal)]

    def _play_together(self, going: Sequence[tuple[Stream, int]], logits: Floats, states: States) -> Floats:
        """Write streams on until one of them has come to its goal; return the logits behind their last tokens."""
        streams = [stream for stream, _ in going]
        listeners, walk = [stream.listener for stream in streams], Walk(self.model, states)
        while True:
            tokens = _choose(streams, logits)
            heard = frames.hear(listeners, tokens)
            pitches, bases = heard[:, PITCH].tolist(), heard[:, BASE].tolist()
            for stream, token, pitch, base in zip(streams, tokens, pitches, bases, strict=True):
                stream.take(token, pitch, base)
            logits = walk.step(heard)
            if any(stream.done(goal) for stream, goal in going):
                return logits


def _come_home(drafts: Drafts) -> Drafts:
    """Write drafts to their ends, each with the best of several endings."""
    bar, unit, anchor = drafts.streams[0].told.bar, drafts.model.params.unit, drafts.model.params.anchor
    options = drafts.streams[0].options
    drafts.play(drafts.streams[0].limit - ENDING_BARS * bar)
    gravity = min(options.gravity + HOMEWARD, STRONGEST) if options.gravity else 0
    keys = [key_of(score.from_ids(stream.ids, anchor, unit)) for stream in drafts.streams]
    rows = [row for row in range(len(drafts.streams)) for _ in range(ENDINGS)]
    chances = [np.random.default_rng([options.seed, row, i % ENDINGS]) for i, row in enumerate(rows)]
    forks = drafts.pick(rows, chances, replace(options, gravity=gravity))
    forks.play()
    closing = forks.logits[:, BOUNDARY] - np.logaddexp.reduce(forks.logits, axis=1)
    home = np.array([is_home(fork.listener.sounding, keys[row]) for fork, row in zip(forks.streams, rows, strict=True)])
    best = np.where(home, closing + _FAR, closing).reshape(-1, ENDINGS).argmax(1)
    kept = [row * ENDINGS + int(fork) for row, fork in enumerate(best)]
    return forks.pick(kept, [forks.streams[i].chance for i in kept])


def _choose(streams: Sequence[Stream], logits: Floats) -> list[int]:
    """Draw each stream's next token, all with the same options."""
    options, upwards = streams[0].options, streams[0].params.anchor == "lowest"
    allowed, bases, pulls = [stream.allowed() for stream in streams], [stream.base for stream in streams], None
    if options.gravity:
        pulls = _pulls(np.array([stream.counts for stream in streams]))
    weigh, draw = (compiled.weigh, compiled.draw) if compiled.library() else (_weighed, _drawn)
    weighed = weigh(logits, allowed, pulls, bases, upwards, options.gravity, options.temperature)
    probabilities, _ = np.exp(weighed, out=weighed)
    if options.top_p < 1:
        _cut(probabilities, options.top_p)
    shares = [0.5 if stream.given else stream.chance.random() for stream in streams]
    tokens, nats = draw(weighed, shares, logits)
    for stream, spent in zip(streams, nats, strict=True):
        if stream.given:
            stream.given.pop()
        else:
            stream.nats += spent
    return tokens


def _weighed(
    logits: Floats,
    allowed: Sequence[Allowed],
    pulls: Floats | None,
    bases: Sequence[int],
    upwards: bool,
    gravity: float,
    temperature: float,
) -> Floats:
    """Return scores and all logits, each below the highest, as logarithms of what tokens are drawn by: `(2, …, SIZE)`.

    `pulls` `(streams, 13)` is what tonal gravity 1 adds, by pitch class.
    """
    scores = np.full(logits.shape, -np.inf, np.float32)
    for row, own, ranges in zip(scores, logits, allowed, strict=True):
        for at in (0, 2, 4):
            row[ranges[at] : ranges[at + 1]] = own[ranges[at] : ranges[at + 1]]
    if pulls is not None:
        scores += _by_token(pulls, np.array(bases), "lowest" if upwards else "highest") * np.float32(gravity)
    scores -= scores.max(1, keepdims=True)
    scores /= temperature
    return np.stack([scores, logits - logits.max(1, keepdims=True)])


def _drawn(weighed: Floats, shares: Sequence[float], logits: Floats) -> tuple[list[int], list[float]]:
    """Draw the tokens at some shares of their probabilities; return them, and the nats of each."""
    probabilities, whole = weighed
    reached = probabilities.cumsum(1)
    tokens = (reached > reached[:, -1:] * np.array(shares)[:, None]).argmax(1)
    sums = whole.cumsum(1, np.float64)[:, -1].tolist()
    far = (logits.max(1) - np.take_along_axis(logits, tokens[:, None], 1)[:, 0]).tolist()
    return tokens.tolist(), [math.log(total) + each for total, each in zip(sums, far, strict=True)]


def _cut(probabilities: Floats, top_p: float) -> None:
    """Set all but the likeliest of each row that make up `top_p` to zero."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, 1)
    before = np.cumsum(ordered, axis=1) - ordered
    ordered[before >= top_p * ordered.sum(1, keepdims=True)] = 0
    np.put_along_axis(probabilities, order, ordered, 1)


def _sounded(anchor: Anchor) -> NDArray[np.intp]:
    """Return which pitch class each token would sound behind an event's note, 12 for none: `(128, SIZE)`."""
    classes = np.full((128, SIZE), 12)
    classes[:, _NOTES] = np.arange(128) % 12
    sign = 1 if anchor == "lowest" else -1
    classes[:, INTERVALS.start : INTERVALS.stop] = (np.arange(128)[:, None] + sign * np.arange(1, 128)) % 12
    return classes


_FAR: Final = 1e6  # nats; no ending away from home comes before one at home
_NOTES: Final[Any] = slice(NOTES.start, NOTES.stop)
_SOUNDED: Final[dict[Anchor, NDArray[np.intp]]] = {"lowest": _sounded("lowest"), "highest": _sounded("highest")}
