"""Sampling: weights and a primer -> tokens, in numpy alone.

The network's state is carried from token to token, so a token costs one pass over the weights. Several takes go
through it in one batch. A grammar mask leaves only tokens that keep the text a piece of the notation in normal form.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import RequestError, check_range
from core.model.hearing import NONE, PITCH, Ear
from core.model.stepping import Floats, States, Stepper, one_thread
from core.music import notation
from core.music.keys import is_home, key_of
from core.music.notation import BOUNDARY, INTERVALS, NOTES, RESTS, SIZE, Anchor
from core.music.score import QUARTERS_PER_BAR, from_ids

LONGEST_SILENCE: Final = 16  # units; readers shorten longer ones, so no model has met them
LONGEST_PIECE: Final = 64  # bars
MOST_TAKES: Final = 64
ENDINGS: Final = 32  # endings tried for a piece whose length is given
ENDING_BARS: Final = 2  # how long before the end they part
STRONGEST: Final = 5.0  # gravity
HOMEWARD: Final = 0.5  # added to their gravity, so that they find home from wherever the piece has gone
SMOOTHING: Final = 0.3  # added to each pitch class's count in the tonal memory


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
            ("gravity", self.gravity, 0, STRONGEST),
            ("top_p", self.top_p, 0.01, 1),
            ("seed", self.seed, 0, 2**63 - 1),
        ):
            check_range(name.replace("_", "-"), value, lowest, highest)
        if not 1 <= self.takes <= MOST_TAKES:
            raise RequestError(f"There can be 1 to {MOST_TAKES} takes; {self.takes} were asked for.")


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one take: its ids from the primer on, without boundaries, and whether the model ended it by itself."""

    ids: tuple[int, ...]
    ended: bool


@one_thread
def sample(model: Stepper, primer: Sequence[int], options: Options) -> tuple[Sample, ...]:
    """Continue a primer, which is in normal form. The same arguments give the same takes.

    A piece of a given length is sampled to two bars before its end; from there several endings are tried. Kept is one
    that comes home to the tonic, if there is any, and of several the one behind which the model would soonest close the
    piece. Raises RequestError if the primer is too long.
    """
    bar = model.units_per_bar
    limit = check_room(primer, options.units, bar)
    opening = _Stream(model, options, limit, np.random.default_rng([options.seed]), endless=options.units is not None)
    states = model.silence(1)
    for token in (BOUNDARY, *primer):
        frame = opening.take(token)
        logits = model.step(np.array([frame], np.int16), states)
    takes = [opening.copy(np.random.default_rng([options.seed, take])) for take in range(options.takes)]
    logits, states = np.repeat(logits, len(takes), 0), np.repeat(states, len(takes), 1)
    parting = limit - ENDING_BARS * bar if options.units is not None else limit
    if parting > opening.ear.time:
        logits, states = _play(model, takes, logits, states, parting)
    if options.units is None:
        return tuple(Sample(tuple(take.ids), take.ended) for take in takes)
    gravity = min(options.gravity + HOMEWARD, STRONGEST) if options.gravity else 0
    homeward = replace(options, gravity=gravity)
    keys = [key_of(from_ids(take.ids, model.anchor, Fraction(QUARTERS_PER_BAR, bar))) for take in takes]
    forks = [
        take.copy(np.random.default_rng([options.seed, i, fork]), homeward)
        for i, take in enumerate(takes)
        for fork in range(ENDINGS)
    ]
    logits, states = np.repeat(logits, ENDINGS, 0), np.repeat(states, ENDINGS, 1)
    logits, _ = _play(model, forks, logits, states, limit)
    closing = logits[:, BOUNDARY] - np.logaddexp.reduce(logits, axis=1)
    home = np.array([is_home(fork.ear.sounding, keys[i // ENDINGS]) for i, fork in enumerate(forks)])
    best = np.where(home, closing + _FAR, closing).reshape(len(takes), ENDINGS).argmax(1)
    return tuple(Sample(tuple(forks[i * ENDINGS + fork].ids), False) for i, fork in enumerate(best))


def check_room(primer: Sequence[int], units: int | None, bar: int) -> int:
    """Return the units of a whole piece, LONGEST_PIECE if they are None; a bar has `bar` of them.

    Raises RequestError if the primer leaves no room in it.
    """
    limit = LONGEST_PIECE * bar if units is None else units
    time = sum(notation.rest_units(token) for token in primer if token in RESTS)
    if time >= limit:
        bars, least = -(-time // bar), time // bar + 1
        if least > LONGEST_PIECE:
            raise RequestError(f"The primer ends in bar {bars}, and a piece has {LONGEST_PIECE} at most: shorten it.")
        raise RequestError(f"The primer ends in bar {bars}: ask for {least} to {LONGEST_PIECE} bars, or shorten it.")
    return limit


def pull(counts: Floats, bases: NDArray[np.intp], anchor: Anchor) -> Floats:
    """Return what tonal gravity 1 adds to each token's logit: `(streams, SIZE)`.

    A memory of pitch classes, like the cache of a neural cache language model (Grave, Joulin and Usunier 2017):
    `counts` `(streams, 13)`, which begins as `no_memory`, is how often each has sounded so far, and their mean; a token
    that would sound a pitch of class c gets the logarithm of c's count over that mean. `bases` are the notes that
    intervals are measured from.
    """
    pulls: Floats = np.log(counts / counts[:, 12:])
    return pulls.take(_SOUNDED[anchor][bases] + np.arange(0, pulls.size, 13)[:, None])


def no_memory(streams: int) -> Floats:
    """Return the counts before a piece begins."""
    return np.full((streams, 13), SMOOTHING, np.float32)


def remember(counts: Floats, pitch: int) -> None:
    """Count a pitch in one stream's memory."""
    counts[pitch % 12] += 1
    counts[12] += 1 / 12


class _Stream:
    """Follow one take: what it has written, what may come next, and what it remembers of its key."""

    def __init__(
        self, model: Stepper, options: Options, limit: int, chance: np.random.Generator, *, endless: bool
    ) -> None:
        self.options, self.limit, self.chance, self.endless = options, limit, chance, endless
        self.ear = Ear(model.anchor, model.units_per_bar)
        self.ids: list[int] = []
        self.counts = no_memory(1)[0]
        self.silence = 0  # units of rest since the latest event
        self.ended = False

    def copy(self, chance: np.random.Generator, options: Options | None = None) -> "_Stream":
        """Return a stream that goes on from here with a chance, and perhaps options, of its own."""
        other = object.__new__(_Stream)
        other.__dict__ = {
            **self.__dict__,
            "chance": chance,
            "options": options or self.options,
            "ear": self.ear.copy(),
            "ids": self.ids.copy(),
            "counts": self.counts.copy(),
        }
        return other

    def take(self, token: int) -> list[int]:
        """Write one token and return its frame."""
        frame = self.ear.hear(token)
        if token == BOUNDARY:
            self.ended = bool(self.ids)
            return frame
        self.ids.append(token)
        if frame[PITCH] != NONE:
            remember(self.counts, frame[PITCH])
            self.silence = 0
        else:
            self.silence += notation.rest_units(token)
        return frame

    def allowed(self) -> list[slice]:
        """Return the tokens that keep the text a piece in normal form that is not longer than the limit."""
        left = self.limit - self.ear.time
        last = self.ids[-1] if self.ids else BOUNDARY
        if last in NOTES or last in INTERVALS:
            size = last - INTERVALS.start + 1 if last in INTERVALS else 0
            room = 127 - self.ear.base if self.ear.anchor == "lowest" else self.ear.base
            return [slice(INTERVALS.start + size, INTERVALS.start + room), slice(RESTS.start, RESTS.start + left)]
        sounded = bool(self.ear.now)
        allowed = [_NOTES] if left > 0 else []
        if sounded and not self.endless:
            allowed.append(_BOUNDARY)
        if last in (BOUNDARY, RESTS[-1]):
            room = min(LONGEST_SILENCE - self.silence, left if sounded else left - 1)
            allowed.append(slice(RESTS.start, RESTS.start + max(0, room)))
        return allowed

    def done(self, until: int) -> bool:
        """Tell whether the take has ended, or has reached `until` units between two events."""
        return self.ended or (self.ear.time >= until and self.ids[-1] in RESTS)


def _play(
    model: Stepper, streams: Sequence[_Stream], logits: Floats, states: States, until: int
) -> tuple[Floats, States]:
    """Step all streams until each is done; return the logits and states behind each one's last token."""
    logits, states = logits.copy(), states.copy()
    going = [i for i, stream in enumerate(streams) if not stream.done(until)]
    now, moving = logits[going], states[:, going]  # of those that go on
    while going:
        tokens = _choose([streams[i] for i in going], now)
        frames = [streams[i].take(token) for i, token in zip(going, tokens, strict=True)]
        now = model.step(np.array(frames, np.int16), moving)
        staying = [row for row, i in enumerate(going) if not streams[i].done(until)]
        if len(staying) < len(going):
            logits[going], states[:, going] = now, moving
            going, now, moving = [going[row] for row in staying], now[staying], moving[:, staying]
    return logits, states


def _choose(streams: Sequence[_Stream], logits: Floats) -> list[int]:
    """Draw each stream's next token, all with the same options."""
    options = streams[0].options
    scores = np.full(logits.shape, -np.inf, np.float32)
    for stream, row, own in zip(streams, scores, logits, strict=True):
        for part in stream.allowed():
            row[part] = own[part]
    if options.gravity:
        counts = np.array([stream.counts for stream in streams])
        pulls = pull(counts, np.array([stream.ear.base for stream in streams]), streams[0].ear.anchor)
        pulls *= options.gravity
        scores += pulls
    scores -= scores.max(1, keepdims=True)
    scores /= options.temperature
    probabilities = np.exp(scores, out=scores)
    if options.top_p < 1:
        _cut(probabilities, options.top_p)
    reached = probabilities.cumsum(1)
    drawn = reached[:, -1:] * [[stream.chance.random()] for stream in streams]
    return [int(token) for token in (reached > drawn).argmax(1)]


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
_BOUNDARY: Final[Any] = slice(BOUNDARY, BOUNDARY + 1)
_SOUNDED: Final[dict[Anchor, NDArray[np.intp]]] = {"lowest": _sounded("lowest"), "highest": _sounded("highest")}
