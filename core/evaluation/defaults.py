"""How a new model composes by default: how strongly it keeps to its key, and how many unlikely tokens it leaves out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.composing import sampling
from core.composing.critic import critic
from core.composing.novelty import Index
from core.composing.recipe import Composer, ComposeRequest, write
from core.composing.sampling import Options
from core.evaluation import figures
from core.evaluation.parsed import Parsed, score_of
from core.model.bundle import Bundle
from core.model.stepping import Stepper
from core.music.score import Event, Score

GRAVITIES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
QUARTERS: Final = 64  # of each sample, and of each real piece, that tell of gravity
AT_ONCE: Final = 16  # quarters that are written between two looks at the clock
SAMPLES: Final = 32
NEAR_ENOUGH: Final = 0.02  # of the real pieces' scale consistency
TOP_PS: Final = (1.0, 0.97, 0.95, 0.9)
BARS: Final = 16  # of each piece that tells of top-p, or as many as the median real one has, if those are fewer
ROUNDS: Final = 4  # in each of which TAKES pieces are written with every top-p, as many as fit side by side
LEAST_ROUNDS: Final = 2  # after which they tell something, if there is no time for all
TAKES: Final = 8
COMPARED: Final = (
    *("structure_short", "structure_middle", "structure_long", "returning_bars", "windows_at_home"),
    *("scale_consistency", "groove_consistency", "one_note_loops"),
)
CLEARLY: Final = 0.15  # standard deviations by which the mean miss must be less; chance alone makes up to 0.1


@dataclass(frozen=True, slots=True)
class Defaults:
    """Say how a model composes by default, and whether there was time to `finish` measuring it."""

    gravity: float
    top_p: float
    finished: bool


def choose(bundle: Bundle, real: Sequence[Parsed], *, over: Callable[[], bool] = lambda: False) -> Defaults:
    """Measure gravity and top-p until it is `over`; what was measured until then decides."""
    gravity, all_gravities = choose_gravity(bundle, real, over=over)
    bundle = replace(bundle, params=replace(bundle.params, gravity=gravity))
    top_p, all_rounds = choose_top_p(bundle, real, over=over)
    return Defaults(gravity, top_p, all_gravities and all_rounds)


def choose_gravity(
    bundle: Bundle,
    real: Sequence[Parsed],
    *,
    over: Callable[[], bool] = lambda: False,
    samples: int = SAMPLES,
    seed: int = 1,
) -> tuple[float, bool]:
    """Return the least gravity with which samples keep to a key as real pieces do, and whether all was measured.

    That is the first of GRAVITIES whose mean scale consistency comes within NEAR_ENOUGH of the real pieces', as far as
    QUARTERS, sought by halves, since it grows with gravity; or else the one that comes nearest.
    """
    stepper = Stepper(bundle)
    beginnings = [score_of(piece, bundle.params) for piece in real]
    misses = dict[float, float]()
    low, high = 0, len(GRAVITIES) - 1
    while low <= high:
        middle = (low + high) // 2 if misses else 0  # most models need little
        made, until, finished = _written(stepper, Options(gravity=GRAVITIES[middle], seed=seed, takes=samples), over)
        if not finished and misses:
            break
        miss = _consistency(made, until) - _consistency(beginnings, until)
        misses[GRAVITIES[middle]] = abs(miss)
        if not finished:
            break
        if miss >= -NEAR_ENOUGH:
            high = middle - 1
        else:
            low = middle + 1
    enough = [gravity for gravity, miss in misses.items() if miss <= NEAR_ENOUGH]
    return min(enough, default=min(misses, key=lambda gravity: misses[gravity])), finished


def _written(stepper: Stepper, options: Options, over: Callable[[], bool]) -> tuple[list[Score], int, bool]:
    """Write samples as far as QUARTERS, or until it is over; return them, how many units long, and whether they are."""
    params = stepper.params
    drafts = sampling.begin(stepper, (), options)
    for quarters in range(AT_ONCE, QUARTERS + 1, AT_ONCE):
        until = int(quarters / params.unit)
        drafts.play(until)
        finished = not over()
        if not finished:
            break
    return [score_of(Parsed(each.ids, each.told.metre), params) for each in drafts.streams], until, finished


def _consistency(pieces: Sequence[Score], until: int) -> float:
    parts = [tuple(event for event in piece.events if event.onset < until) for piece in pieces]
    beginnings = [replace(piece, events=part) for piece, part in zip(pieces, parts, strict=True)]
    return float(np.nanmean([figures.scale_consistency(piece) for piece in beginnings]))


def choose_top_p(
    bundle: Bundle,
    real: Sequence[Parsed],
    *,
    over: Callable[[], bool] = lambda: False,
    rounds: int = ROUNDS,
) -> tuple[float, bool]:
    """Return how much of the likeliest tokens to draw from, so that pieces are as real ones begin; and as above.

    What a network that has heard its music a few times gives to the many tokens that it thinks unlikely adds up: each
    of them is an accident, which it then takes for what was meant. All are kept unless fewer come clearly nearer to the
    real pieces in the figures COMPARED, as the critic chooses them, after each of the rounds.
    """
    whole = [score_of(piece, bundle.params) for piece in real]
    bars = max(1, min(BARS, round(float(np.median([float(piece.bars) for piece in whole])))))
    beginnings, best = [_beginning(piece, bars) for piece in whole], 0
    groups = [list[Score]() for _ in TOP_PS]
    stepper, judge = Stepper(bundle), critic(bundle.params.habits)
    for done in range(1, rounds + 1):
        request = ComposeRequest(model=bundle.name, seed=done, bars=bars, takes=TAKES)
        for group, top_p in zip(groups, TOP_PS, strict=True):
            if over():
                return TOP_PS[best if done > LEAST_ROUNDS else 0], False
            params = replace(bundle.params, top_p=top_p)
            composer = Composer(replace(bundle, params=params), stepper, Index(()), judge)
            group += [score_of(Parsed(each.ids, each.told.metre), params) for each in write(request, composer)]
        misses = _misses(beginnings, groups)
        best = int(np.argmin(misses))
        if misses[best] >= misses[0] - CLEARLY:
            return TOP_PS[0], True
    return TOP_PS[best], True


def _misses(real: Sequence[Score], groups: Sequence[Sequence[Score]]) -> list[float]:
    """Return how far each group of pieces is from real ones: the mean over COMPARED, in standard deviations, 3 at most.

    They are those of all pieces together.
    """
    goal, *made = (
        np.array([[figures.FIGURES[name](piece) for name in COMPARED] for piece in pieces])
        for pieces in (real, *groups)
    )
    known = np.ma.masked_invalid(np.concatenate([goal, *made]))
    spread = np.maximum(known.std(axis=0).filled(0), 1e-9)
    means = [np.ma.masked_invalid(values).mean(axis=0) for values in (goal, *made)]
    return [float(np.minimum(np.abs(mean - means[0]) / spread, 3).mean()) for mean in means[1:]]


def _beginning(piece: Score, bars: int) -> Score:
    """Return so many bars of a piece, from the one in which it begins."""
    bar = piece.units_per_bar
    start = piece.events[0].onset // bar * bar
    end = min(start + bars * bar, piece.length)
    events = tuple(Event(event.onset - start, event.pitches) for event in piece.events if event.onset < end)
    return replace(piece, events=events, length=end - start)
