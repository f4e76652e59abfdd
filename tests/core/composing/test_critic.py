"""The critic: it keeps what is most like a real piece, and drives nothing beyond real pieces."""

import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from core.composing import critic
from core.composing.critic import FIGURES, Critic
from core.errors import BundleError
from core.music.metre import parse_metre
from core.music.score import Event, Score

EIGHTHS = Fraction(1, 2)
NAMES = list(FIGURES)


def tune(seed: int, bars: int = 8, spread: int = 2) -> Score:
    """Walk through C major by chance, in steps of at most `spread` degrees, and end on C."""
    chance = np.random.default_rng(seed)
    steps = chance.integers(1, spread + 1, 8 * bars) * chance.choice([-1, 1], 8 * bars)
    degrees = 8 - np.abs((np.cumsum(steps) + 8) % 32 - 16)  # turns at either end
    degrees[-1] = 0
    scale = [0, 2, 4, 5, 7, 9, 11]
    pitches = [60 + 12 * (degree // 7) + scale[degree % 7] for degree in degrees.tolist()]
    return Score(tuple(Event(place, (pitch,)) for place, pitch in enumerate(pitches)), 8 * bars, EIGHTHS)


@pytest.fixture(scope="module")
def judge() -> Critic:
    return critic.critic_of([tune(seed) for seed in range(40)])


def test_of_a_real_piece_and_noise_the_real_one_is_kept(judge: Critic) -> None:
    chance = np.random.default_rng(1)
    noise = Score(tuple(Event(place, (int(p),)) for place, p in enumerate(chance.integers(30, 100, 64))), 64, EIGHTHS)
    wish = judge.wish(8, np.random.default_rng(5))
    assert critic.rank(judge, [noise, tune(99)], [1.0, 1.0], wish) == [1, 0]


def test_a_loop_and_a_silent_beginning_come_last(judge: Critic) -> None:
    loop = Score(tuple(Event(place, (60,)) for place in range(64)), 64, EIGHTHS)
    late = Score(tuple(Event(e.onset + 16, e.pitches) for e in tune(7).events), 80, EIGHTHS)
    wish = judge.wish(8, np.random.default_rng(5))
    assert critic.rank(judge, [loop, late, tune(7)], [1.0, 1.0, 1.0], wish)[0] == 2


def test_a_fault_that_the_composer_knows_counts(judge: Critic) -> None:
    wish = judge.wish(8, np.random.default_rng(5))
    assert critic.rank(judge, [tune(3), tune(3)], [1.0, 1.0], wish, faults=[0.5, 0.0]) == [1, 0]


def test_of_equals_the_likelier_is_kept(judge: Critic) -> None:
    wish = judge.wish(8, np.random.default_rng(5))
    assert critic.rank(judge, [tune(3), tune(3)], [2.0, 1.0], wish) == [1, 0]


def test_what_is_kept_ends_and_leaps_as_often_as_real_pieces_do() -> None:
    """Among candidates of both kinds the kept ones follow the wishes, instead of all being of the commoner kind."""
    calm, wild = [tune(seed, spread=1) for seed in range(30)], [tune(seed, spread=5) for seed in range(30)]
    judge = critic.critic_of(calm[:20] + wild[:10])
    kept = []
    for seed in range(60):
        candidates = [calm[20 + seed % 10], wild[20 + seed % 10]]
        wish = judge.wish(8, np.random.default_rng(seed))
        kept.append(critic.rank(judge, candidates, [1.0, 1.0], wish)[0])
    assert 0.15 < np.mean(kept) < 0.55


def test_wishes_come_from_pieces_of_about_the_length() -> None:
    short, long = tune(1, bars=4), tune(2, bars=32)
    judge = critic.critic_of([short, long])
    for seed in range(10):
        assert np.array_equal(judge.wish(5, np.random.default_rng(seed)), critic.measure(short), equal_nan=True)


def test_what_a_side_lacks_does_not_count(judge: Critic) -> None:
    wish = judge.wish(8, np.random.default_rng(5))
    bare = np.full((1, len(NAMES)), math.nan)
    assert judge.cost(bare, wish) == 0
    assert np.isnan(critic.measure(Score((), 8, EIGHTHS))).all()


def test_a_critic_is_kept_as_json_by_the_names_of_its_figures(judge: Critic) -> None:
    kept = json.loads(json.dumps(judge.as_json()))
    again = critic.critic(kept)
    assert again is not None
    assert np.allclose(again.figures, judge.figures, atol=1e-4, equal_nan=True)
    assert again.metres == ("4/4",) * 40
    with pytest.raises(BundleError, match="not as many metres as pieces"):
        critic.critic({"critic": {**kept["critic"], "metres": "4/4"}})
    del kept["critic"]["metres"]  # as in models from before
    kept["critic"]["names"][0] = "a figure of another day"
    other = critic.critic(kept)
    assert other is not None
    assert np.isnan(other.figures[:, 0]).all()
    assert critic.critic({}) is None


def test_a_close_counts_where_the_piece_closes_and_the_form_where_it_is_whole(judge: Critic) -> None:
    ends = replace(tune(3), events=(*tune(3).events[:-1], Event(63, (62,))))  # the same but for its last note
    mixed = critic.critic_of([tune(seed) for seed in range(20)] + [ends])
    wish = critic.measure(tune(3), "C major")
    both = [ends, tune(3)]
    assert critic.rank(mixed, both, [1.0, 1.0], wish, "C major", written=0.5, closes=True) == [1, 0]
    wish[:] = math.nan
    wish[NAMES.index("upper voice ends on the tonic")] = 1
    assert critic.rank(mixed, both, [1.0, 1.0], wish, "C major", written=0.5, closes=False) == [0, 1]
    wish[:] = math.nan
    wish[NAMES.index("windows at home")] = 0
    assert critic.rank(mixed, both, [1.0, 0.9], wish, "C major", written=0.5) == [1, 0]  # only the likelier counts


def test_a_wish_is_of_the_length_and_of_what_the_plan_repeats() -> None:
    """There are sixteen pieces of 4 and of 8 bars each, half of which begin again, and one of 6 bars."""
    returning = NAMES.index("bars 1-4 return as 5-8")
    figures = np.zeros((33, len(FIGURES)))
    figures[:, 0] = bars = np.array([4.0] * 16 + [8.0] * 16 + [6.0])
    figures[:, NAMES.index("upper voice ends on the tonic")] = 1
    figures[:, returning] = np.arange(33) % 2
    judge = Critic(figures, bars)
    drawn = [judge.wish(8.75, np.random.default_rng(seed), repeated=True) for seed in range(40)]
    assert {float(wish[0]) for wish in drawn} == {8.0}
    assert {float(wish[returning]) for wish in drawn} == {1.0}
    open_plan = [judge.wish(4, np.random.default_rng(seed)) for seed in range(40)]
    assert {float(wish[returning]) for wish in open_plan} == {0.0, 1.0}
    few = [judge.wish(6.5, np.random.default_rng(seed)) for seed in range(60)]
    assert {float(wish[0]) for wish in few} == {6.0, 8.0}


def test_a_wish_is_for_a_piece_that_ends_at_home() -> None:
    """Of eight pieces of a length one ends on the tonic, and one from the dominant."""
    tonic, dominant = NAMES.index("upper voice ends on the tonic"), NAMES.index("closes from the dominant")
    figures = np.zeros((8, len(FIGURES)))
    figures[2, tonic] = figures[5, dominant] = 1
    wishes = [Critic(figures, np.full(8, 16.0)).wish(16, np.random.default_rng(seed)) for seed in range(40)]
    assert {(float(wish[tonic]), float(wish[dominant])) for wish in wishes} == {(1.0, 0.0), (0.0, 1.0)}


def test_a_wish_is_in_the_metre_where_there_are_enough_pieces_in_it() -> None:
    figures = np.zeros((20, len(FIGURES)))
    figures[:, 0] = np.arange(20) < 12
    judge = Critic(figures, np.full(20, 16.0), ("6/8",) * 12 + ("3/4",) * 7 + ("9/8",))
    for name, drawn in (("6/8", {1.0}), ("3/4", {0.0, 1.0}), ("3/2", {0.0, 1.0})):
        wishes = [judge.wish(16, np.random.default_rng(seed), metre=parse_metre(name)) for seed in range(40)]
        assert {float(wish[0]) for wish in wishes} == drawn


def test_a_beginning_may_be_narrower_than_the_piece_is_to_be_but_not_wider(judge: Critic) -> None:
    narrow, wide = tune(1, spread=1), tune(1, spread=5)
    range_ = NAMES.index("range")
    wish = np.full(len(NAMES), math.nan)
    wish[range_] = (critic.measure(narrow)[range_] + critic.measure(wide)[range_]) / 2 + 0.5
    nats = [1.1, 1.0]  # of the narrow one, which lacks more than the wide one has too much
    assert critic.rank(judge, [narrow, wide], nats, wish) == [1, 0]
    assert critic.rank(judge, [narrow, wide], nats, wish, written=0.2) == [0, 1]
