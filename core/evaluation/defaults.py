"""How a new model composes by default: how strongly it keeps to its key, and how many unlikely tokens it leaves out.

Both are measured on pieces as they are composed, the critic's choice among candidates included, beside real ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.composing.critic import critic, spread
from core.composing.novelty import Index
from core.composing.recipe import Composer, ComposeRequest, write
from core.evaluation import figures
from core.evaluation.parsed import Parsed, beginning, score_of
from core.model.bundle import Bundle
from core.model.stepping import Stepper
from core.music.score import Score

BARS: Final = 16  # of each piece, or as many as the median real one has, if those are fewer
MOST_REAL: Final = 100  # pieces that they are set beside, spread evenly
TAKES: Final = 8  # pieces of a round, as many as fit side by side with their candidates
GRAVITIES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
GRAVITY_ROUNDS: Final = 2
NEAR_ENOUGH: Final = 0.02  # of the real pieces' scale consistency
TOP_PS: Final = (1.0, 0.97, 0.95, 0.9)
ROUNDS: Final = 4  # with every top-p
LEAST_ROUNDS: Final = 2  # before which they tell nothing
COMPARED: Final = (
    *("structure_short", "structure_middle", "structure_long", "returning_bars", "windows_at_home"),
    *("scale_consistency", "groove_consistency", "one_note_loops"),
)
CLEARLY: Final = 0.1  # standard deviations by which the mean miss of one round must be less


@dataclass(frozen=True, slots=True)
class Defaults:
    """Say how a model composes by default, and whether there was time to measure all of it."""

    gravity: float = GRAVITIES[0]
    top_p: float = TOP_PS[0]
    finished: bool = True


def choose(bundle: Bundle, real: Sequence[Parsed], *, over: Callable[[], bool] = lambda: False) -> Defaults:
    """Measure gravity and then top-p until it is `over`; what was measured until then decides."""
    audition = Audition(bundle, real, over)
    gravity, all_gravities = choose_gravity(audition)
    top_p, all_rounds = choose_top_p(audition, gravity)
    return Defaults(gravity, top_p, all_gravities and all_rounds)


class Over(Exception):
    """Tell that there is no more time."""


class Audition:
    """Compose with a model, again and again, beside the beginnings of real pieces."""

    def __init__(self, bundle: Bundle, real: Sequence[Parsed], over: Callable[[], bool]) -> None:
        whole = [score_of(piece, bundle.params) for piece in spread(real, MOST_REAL)]
        self._bundle, self._over = bundle, over
        self._bars = max(1, min(BARS, round(float(np.median([float(piece.bars) for piece in whole])))))
        self._stepper, self._judge = Stepper(bundle), critic(bundle.params.habits)
        self._made = dict[tuple[float, float, int], list[Score]]()
        self.real = [beginning(piece, self._bars) for piece in whole]

    def round(self, gravity: float, top_p: float, number: int) -> list[Score]:
        """Return TAKES pieces; every round has others. Raises Over where it is, before they are composed."""
        if (gravity, top_p, number) not in self._made:
            if self._over():
                raise Over
            params = replace(self._bundle.params, gravity=gravity, top_p=top_p)
            composer = Composer(replace(self._bundle, params=params), self._stepper, Index(()), self._judge)
            request = ComposeRequest(model=self._bundle.name, seed=number, bars=self._bars, takes=TAKES)
            made = [score_of(Parsed(each.ids, each.told.metre), params) for each in write(request, composer)]
            self._made[gravity, top_p, number] = made
        return self._made[gravity, top_p, number]


def choose_gravity(audition: Audition, rounds: int = GRAVITY_ROUNDS) -> tuple[float, bool]:
    """Return the least gravity with which pieces keep to a key as real ones do, and whether all was measured.

    That is the first of GRAVITIES whose mean scale consistency comes within NEAR_ENOUGH of the real pieces', sought by
    halves, since it grows with gravity; or else the one that comes nearest.
    """
    goal, misses = _consistency(audition.real), dict[float, float]()
    low, high, finished = 0, len(GRAVITIES) - 1, True
    while low <= high and finished:
        middle = (low + high) // 2 if misses else 0  # most models need none
        try:
            made = [piece for i in range(rounds) for piece in audition.round(GRAVITIES[middle], TOP_PS[0], i + 1)]
        except Over:
            finished = False
            break
        miss = _consistency(made) - goal
        misses[GRAVITIES[middle]] = abs(miss)
        if miss >= -NEAR_ENOUGH:
            high = middle - 1
        else:
            low = middle + 1
    enough = [gravity for gravity, miss in misses.items() if miss <= NEAR_ENOUGH]
    nearest = min(misses, key=misses.__getitem__, default=GRAVITIES[0])
    return min(enough, default=nearest), finished


def choose_top_p(audition: Audition, gravity: float, rounds: int = ROUNDS) -> tuple[float, bool]:
    """Return how much of the likeliest tokens to draw from, so that pieces are as real ones begin; and as above.

    What a network that has heard its music a few times gives to the many tokens that it thinks unlikely adds up: each
    of them is an accident, which it then takes for what was meant. All are kept unless fewer come clearly nearer to the
    real pieces in the figures COMPARED after each of the rounds but the first.
    """
    groups, best = [list[Score]() for _ in TOP_PS], 0
    for done in range(rounds):
        try:
            for group, top_p in zip(groups, TOP_PS, strict=True):
                group += audition.round(gravity, top_p, done + 1)
        except Over:
            return TOP_PS[best if done >= LEAST_ROUNDS else 0], False
        if done + 1 >= min(LEAST_ROUNDS, rounds):
            misses = _misses(audition.real, groups)
            best = int(np.argmin(misses))
            if misses[best] >= misses[0] - CLEARLY / (done + 1) ** 0.5:  # as far as chance goes in so many rounds
                return TOP_PS[0], True
    return TOP_PS[best], True


def _consistency(pieces: Sequence[Score]) -> float:
    return float(np.nanmean([figures.scale_consistency(piece) for piece in pieces]))


def _misses(real: Sequence[Score], groups: Sequence[Sequence[Score]]) -> list[float]:
    """Return how far each group of pieces is from real ones: the mean over COMPARED, in standard deviations, 3 at most.

    They are those of all pieces together.
    """
    goal, *made = (
        np.array([[figures.FIGURES[name](piece) for name in COMPARED] for piece in pieces])
        for pieces in (real, *groups)
    )
    known = np.ma.masked_invalid(np.concatenate([goal, *made]))
    deviations = np.maximum(known.std(axis=0).filled(0), 1e-9)
    means = [np.ma.masked_invalid(values).mean(axis=0) for values in (goal, *made)]
    return [float(np.minimum(np.abs(mean - means[0]) / deviations, 3).mean()) for mean in means[1:]]
