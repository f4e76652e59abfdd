"""Taste: what is chosen is learned, leans a little on the critic, and is told in words."""

import math

import numpy as np
import pytest

from core.composing import critic, taste
from core.composing.critic import FIGURES
from core.composing.taste import LEAN, Taste, Vote, fit
from core.errors import RequestError
from tests.core.composing.test_critic import tune

NAMES = list(FIGURES)


def figures(**known: float) -> critic.Floats:
    """Return standard figures, those named and 0 for the others."""
    values = np.zeros(len(NAMES))
    for name, value in known.items():
        values[NAMES.index(name)] = value
    return values


def test_what_is_chosen_again_and_again_is_liked() -> None:
    votes = [Vote(figures(leaps=1, range=-1), figures(leaps=-1)) for _ in range(10)]
    learned = fit(votes)
    weights = dict(learned.weights)
    assert weights["leaps"] > weights.get("steps", 0) + 0.5
    assert weights["range"] < 0
    assert [str(word) for word in learned.words()] == ["more leaps", "a narrow range"]


def test_what_is_passed_over_is_liked_less_than_the_average_piece() -> None:
    learned = fit([Vote(None, figures(leaps=2))] * 4)
    assert learned.strength(figures(leaps=1)[None])[0] < 0 < learned.strength(figures(leaps=-1)[None])[0]


def test_no_votes_and_votes_that_disagree_make_no_taste() -> None:
    assert fit([]) == Taste()
    assert fit([Vote(figures(leaps=1), None), Vote(None, figures(leaps=1))]).words() == ()


def test_a_few_votes_move_less_than_many_and_a_heavy_one_counts_as_several() -> None:
    vote = Vote(figures(leaps=1), None)
    few, many, heavy = fit([vote]), fit([vote] * 6), fit([Vote(vote.liked, None, 6)])
    assert 0 < few.weights[0][1] < many.weights[0][1]
    assert heavy == many


def test_however_strong_it_is_it_leans_only_so_far() -> None:
    strong = Taste(tuple((name, 3.0) for name in NAMES))
    assert np.abs(strong.lean(np.array([np.full(len(NAMES), 3.0), np.full(len(NAMES), -3.0)]))) == pytest.approx(LEAN)
    assert strong.lean(np.zeros((1, len(NAMES))))[0] == 0


def test_of_two_pieces_that_are_as_real_the_liked_one_is_kept() -> None:
    judge = critic.critic_of([tune(seed, spread=spread) for seed in range(20) for spread in (1, 5)])
    calm, wild = tune(3, spread=1), tune(4, spread=5)
    wish = np.full(len(NAMES), math.nan)
    for weight, first in ((1.0, 1), (-1.0, 0)):
        liking = Taste((("leaps", weight),))
        assert critic.rank(judge, [calm, wild], [1.0, 1.0], wish, lean=liking.lean)[0] == first


def test_a_figure_that_a_piece_has_not_speaks_neither_for_it_nor_against_it() -> None:
    judge = critic.critic_of([tune(seed) for seed in range(10)])
    assert not judge.standard(np.full((1, len(NAMES)), math.nan)).any()


def test_a_taste_is_read_as_it_is_written_and_forgets_figures_of_another_day() -> None:
    liking = Taste((("leaps", 0.41), ("notes of the key", -1.2)))
    assert str(liking) == "leaps +0.41; notes of the key -1.20"
    assert Taste.parse(str(liking)) == liking
    assert Taste.parse("a figure of another day +1.00; leaps +0.41").weights == (("leaps", 0.41),)
    assert Taste.parse("") == Taste()


@pytest.mark.parametrize("text", ["leaps", "leaps much", "0.4", "leaps +9", "leaps nan", ";"])
def test_what_is_no_taste_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="is no part of a taste"):
        Taste.parse(text)


def test_every_figure_has_its_words() -> None:
    for name in NAMES:
        for weight in (1.0, -1.0):
            assert len(Taste(((name, weight),)).words()) == 1


def test_figures_are_kept_by_their_names() -> None:
    kept = taste.as_json(figures(leaps=0.12345))
    assert kept is not None
    assert kept["leaps"] == 0.123
    again = taste.read({"leaps": 0.123, "a figure of another day": 1.0})
    assert again is not None
    assert np.array_equal(again, figures(leaps=0.123))
    assert taste.read(None) is None
