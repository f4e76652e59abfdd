"""From many, the best: candidates are written side by side, a phrase at a time, and the critic says which go on."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from core.composing import critic, sampling
from core.composing.critic import Critic, Floats
from core.composing.sampling import Drafts, Options, Sample, Stream
from core.model.stepping import Stepper
from core.model.told import Away, Told
from core.music import score
from core.music.keys import KEYS

USUAL_EFFORT: Final = 8  # candidates for a piece
MOST_EFFORT: Final = 32
MOST_STREAMS: Final = 64  # written side by side
PHRASE: Final = 2  # bars behind which candidates are compared
CLOSE: Final = 2  # bars before the end from which the endings part
LEAVES: Final = 0.75  # share of a real piece's windows at home below which a composition leaves home, too
MIDDLE: Final = (0.35, 0.7)  # of a piece, in which it may
UPWARDS: Final = 0.6  # of what is not at home in chorales and tunes 98% have a sharp more or less, 60% more
PRIMED: Final = 8  # bars in which what begins with a primer keeps its key
ALIKE: Final = 0.82  # of the fiddle tunes whose sections are all repeated, those whose first ends on the last's note

Lean = Callable[[Floats], Floats]  # what speaks for candidates, by their standard figures
Fault = Callable[[Sequence[int]], float]  # what else speaks against a whole piece, by the critic's measure


def draft(
    model: Stepper,
    primer: Sequence[int],
    options: Options,
    judge: Critic | None,
    effort: int,
    fault: Fault,
    lean: Lean | None = None,
) -> tuple[Sample, ...]:
    """Continue a primer as `sampling.sample` does, and keep of each take the best of `effort` candidates.

    All candidates of a take are told the same and measured by one wish. Behind every phrase the worse half gives way to
    copies of the better half, which go on each in its own way. The same arguments give the same takes. Raises
    RequestError as `sampling.sample` does.
    """
    effort = min(effort, MOST_STREAMS // options.takes)
    if judge is None or effort < 2:
        return sampling.sample(model, primer, options)
    wishes, alike = list[Floats](), list[bool]()

    def wished(take: int, told: Told) -> Told:
        chance, bars = np.random.default_rng([options.seed, take, 0]), sampling.longest(told) / told.bar
        wishes.append(judge.wish(bars, chance, metre=told.metre.counted, repeated=_repeats_four(told)))
        alike.append(chance.random() < ALIKE)
        return replace(told, away=_away(told, wishes[take], chance, primed=bool(primer)))

    drafts = sampling.begin(model, primer, options, wished)
    drafts = _pick(drafts, [take for take in range(options.takes) for _ in range(effort)], options.seed, 0)
    for phrase, until in enumerate(_phrases(drafts.streams), 1):
        drafts.play(until)
        kept = []
        for take, wish in enumerate(wishes):
            rows = range(take * effort, (take + 1) * effort)
            closes = _closes(drafts.streams[rows[0]], until, alike[take])
            order = _rank(judge, [drafts.streams[row] for row in rows], wish, closes=closes, lean=lean)
            kept += [rows[order[place // 2]] for place in range(effort)]
        drafts = _pick(drafts, kept, options.seed, phrase)
    drafts.play()
    best = []
    for take, wish in enumerate(wishes):
        candidates = drafts.streams[take * effort : (take + 1) * effort]
        best.append(candidates[_rank(judge, candidates, wish, fault, lean=lean)[0]])
    return tuple(Sample(tuple(stream.ids), stream.told, stream.ended) for stream in best)


def _away(told: Told, wish: Floats, chance: np.random.Generator, *, primed: bool) -> Away | None:
    """Decide whether a piece leaves home: in its middle, and a fifth away, if the real one that is wished for does.

    Behind a primer that is not before bar 9.
    """
    if told.length is None or told.home is None or not wish[critic.AT_HOME] < LEAVES:
        return None
    start, end = (round(share * told.length) for share in MIDDLE)
    tonic, mode = told.home
    tonic = (tonic + (7 if chance.random() < UPWARDS else 5)) % 12
    return Away(max(start, PRIMED * told.bar) if primed else start, end, (tonic, mode))


def _repeats_four(told: Told) -> bool | None:
    """Tell whether bars 1 to 4 come again as 5 to 8, by the plan; None where it leaves that open."""
    if not told.plan:
        return None
    first, length = told.plan[0], told.plan[0].end - told.plan[0].start
    if first.kind == "stated" and length > 4 * told.bar:  # a longer strain may have two halves that are alike
        return None
    return first.kind == "stated" and length == 4 * told.bar


def _phrases(streams: Sequence[Stream]) -> list[int]:
    """Return the units behind which candidates are compared: those of phrases, and where the close begins."""
    told, limit = streams[0].told, min(stream.limit for stream in streams)
    first = told.plan[0].start if told.plan else 0
    phrases = set(range(first + PHRASE * told.bar, limit - CLOSE * told.bar, PHRASE * told.bar))
    return sorted(phrases | {max(1, limit - CLOSE * told.bar)})


def _closes(stream: Stream, until: int, alike: bool) -> bool:
    """Tell whether the piece will close as it does at `until` units: where the last section repeats what ends there.

    If its sections end `alike`, the first one does too.
    """
    plan = stream.told.plan
    if not plan or plan[-1].source is None:
        return False
    if alike and plan[0].kind == "stated" and until == plan[0].end:
        return True
    return until == plan[-1].source + plan[-1].end - plan[-1].start


def _pick(drafts: Drafts, rows: Sequence[int], seed: int, phrase: int) -> Drafts:
    return drafts.pick(rows, [np.random.default_rng([seed, phrase, place, 1]) for place in range(len(rows))])


def _rank(
    judge: Critic,
    streams: Sequence[Stream],
    wish: Floats,
    fault: Fault | None = None,
    *,
    closes: bool = True,
    lean: Lean | None = None,
) -> list[int]:
    """Return the places of candidates, the best first; without `fault` they are not yet whole."""
    params, told = streams[0].params, streams[0].told
    written = 1.0 if fault is not None else min(stream.time / stream.limit for stream in streams)
    key = None if told.home is None else KEYS[told.home[0] + 12 * told.home[1]]
    scores = [score.from_ids(stream.ids, params.anchor, params.unit, told.metre) for stream in streams]
    nats = [stream.nats / max(1, len(stream.ids)) for stream in streams]
    faults = [0.0 if fault is None else fault(stream.ids) for stream in streams]
    return critic.rank(judge, scores, nats, wish, key, faults, written=written, closes=closes, lean=lean)
