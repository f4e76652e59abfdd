"""Moods: the words for how adventurous a piece is."""

import pytest

from core.composing import moods
from core.composing.recipe import ComposeRequest
from core.composing.sampling import LEAST_TOP_P, TEMPERATURES
from core.errors import RequestError


def test_the_usual_mood_is_what_a_request_takes_by_itself() -> None:
    usual = ComposeRequest(model="tiny")
    assert moods.named(usual.temperature, usual.top_p) == moods.USUAL


def test_each_is_more_adventurous_than_the_one_before_and_can_be_asked_for() -> None:
    temperatures = [moods.mood(name.upper()).temperature for name in moods.MOODS]
    assert temperatures == sorted(set(temperatures))
    for mood in moods.MOODS.values():
        assert TEMPERATURES[0] <= mood.temperature <= TEMPERATURES[1]
        assert LEAST_TOP_P <= mood.top_p <= 1
    assert moods.named(1.1, 1.0) is None


def test_a_mood_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(RequestError, match=r"There is no mood called 'wild'\. There are: careful, natural, bold\."):
        moods.mood("wild")
