"""Drafting: of many candidates the best, the same ones every time."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from core.composing import critic, drafting
from core.composing.critic import Critic
from core.composing.sampling import Options, Sample
from core.errors import RequestError
from core.model.bundle import Bundle, Params
from core.model.stepping import Stepper
from core.model.told import Away
from core.music import notation, score
from core.music.score import Event, Score

EIGHTHS = Fraction(1, 2)
PRIMER = notation.primer("60r262r264r265r2")


@pytest.fixture(scope="module")
def stepper() -> Stepper:
    params = Params(rest_unit="1/2", units=8, layers=1)
    chance = np.random.default_rng(1)
    weights = {name: chance.normal(0, 0.3, shape).astype(np.float32) for name, shape in params.shapes.items()}
    return Stepper(Bundle("random", params, weights, "1"))


@pytest.fixture(scope="module")
def judge() -> Critic:
    """Know scales in C, up and down."""
    up = [60, 62, 64, 65, 67, 69, 71, 72]
    pieces = [
        Score(tuple(Event(2 * at, (pitch,)) for at, pitch in enumerate((up + up[::-1]) * bars)), 32 * bars, EIGHTHS)
        for bars in (1, 2, 3)
    ]
    return critic.critic_of(pieces)


def draft(stepper: Stepper, judge: Critic | None, effort: int, **values: object) -> tuple[Sample, ...]:
    options = Options(**{"seed": 3, "bars": 8, **values})  # type: ignore[arg-type]
    return drafting.draft(stepper, PRIMER, options, judge, effort, lambda _: 0.0)


def test_the_same_seed_gives_the_same_takes(stepper: Stepper, judge: Critic) -> None:
    once, again = draft(stepper, judge, 4, takes=2), draft(stepper, judge, 4, takes=2)
    assert once == again
    assert len({sample.ids for sample in once}) == 2


def test_candidates_keep_the_primer_and_the_length(stepper: Stepper, judge: Critic) -> None:
    (sample,) = draft(stepper, judge, 4)
    assert list(sample.ids[: len(PRIMER)]) == PRIMER
    assert score.from_ids(sample.ids, "lowest", EIGHTHS).bars == 8


def test_more_effort_comes_nearer_to_real_pieces(stepper: Stepper, judge: Critic) -> None:
    def cost(effort: int, seed: int) -> float:
        (sample,) = draft(stepper, judge, effort, seed=seed)
        measured = critic.measure(score.from_ids(sample.ids, "lowest", EIGHTHS))
        wish = judge.wish(8, np.random.default_rng([seed, 0, 0]))
        return float(judge.cost(measured[None], wish)[0])

    seeds = range(6)
    assert sum(cost(16, seed) for seed in seeds) < sum(cost(1, seed) for seed in seeds)


def test_sections_that_will_be_heard_last_are_to_close_and_the_first_mostly_too(
    stepper: Stepper, judge: Critic, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[int]] = []
    rank = critic.rank

    def watch(judge: Critic, candidates: list[Score], *rest: Any, **named: Any) -> list[int]:
        if named["closes"]:
            asked[-1].add(int(candidates[0].bars))
        return rank(judge, candidates, *rest, **named)

    monkeypatch.setattr(critic, "rank", watch)
    for seed in range(8):
        asked.append(set())
        draft(stepper, judge, 2, seed=seed, form="AABB")
    assert {tuple(sorted(bars)) for bars in asked} == {(2, 6, 8), (6, 8)}
    asked.append(set())
    draft(stepper, judge, 2, form="through-composed")
    assert asked[-1] == {8}


def test_a_piece_leaves_home_in_its_middle_if_a_real_one_does(stepper: Stepper, judge: Critic) -> None:
    wanders = replace(judge, figures=judge.figures.copy())
    wanders.figures[:, critic.AT_HOME] = 0.5
    neighbours = [(7, 0), (5, 0)]  # of C major
    assert draft(stepper, judge, 2, bars=24)[0].told.away is None
    for seed in range(4):
        (take,) = draft(stepper, wanders, 2, bars=24, seed=seed, home=(0, 0))
        assert take.told.away in [Away(67, 134, home) for home in neighbours]  # of 192 units
        (take,) = draft(stepper, wanders, 2, bars=16, seed=seed, home=(0, 0))
        assert take.told.away in [Away(64, 90, home) for home in neighbours]  # the primer's key holds for eight bars
    (alone,) = drafting.draft(stepper, (), Options(seed=3, bars=16, home=(0, 0)), wanders, 2, lambda _: 0.0)
    assert alone.told.away in [Away(45, 90, home) for home in neighbours]


def test_without_a_critic_there_is_one_candidate(stepper: Stepper) -> None:
    assert draft(stepper, None, 8) == draft(stepper, None, 1)


def test_a_fault_decides_between_whole_candidates(stepper: Stepper, judge: Critic) -> None:
    options = Options(seed=3, bars=8)
    seen: list[tuple[int, ...]] = []

    def fault(ids: object) -> float:
        seen.append(tuple(ids))  # type: ignore[arg-type]
        return 0.0 if len(seen) == 2 else 100.0

    (sample,) = drafting.draft(stepper, PRIMER, options, judge, 4, fault)
    assert sample.ids == seen[1]
    assert len(seen) == 4


def test_a_primer_without_room_is_refused(stepper: Stepper, judge: Critic) -> None:
    with pytest.raises(RequestError, match="ask for"):
        draft(stepper, judge, 4, bars=1)
