"""The allowance of each user: cool-downs by cost."""

import pytest

from bot.work.allowance import WINDOW, Allowance, AllowanceError


class Clock:
    """Tell a time of the test's own."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_many_small_requests_or_a_few_large_ones() -> None:
    allowance = Allowance(640, Clock())
    for _ in range(40):
        allowance.check(1, 16)
        allowance.spend(1, 16)
    for _ in range(10):
        allowance.check(2, 64)
        allowance.spend(2, 64)
    for user in (1, 2):
        with pytest.raises(AllowanceError):
            allowance.check(user, 1)
    allowance.check(3, 640)


def test_says_how_long_to_wait_which_is_true() -> None:
    allowance = Allowance(600, clock := Clock())
    allowance.spend(1, 600)
    with pytest.raises(AllowanceError, match=r"Try again in 16 seconds\."):
        allowance.check(1, 16)
    clock.seconds += 15
    with pytest.raises(AllowanceError, match=r"Try again in 1 second\."):
        allowance.check(1, 16)
    clock.seconds += 1
    allowance.check(1, 16)
    with pytest.raises(AllowanceError, match=r"Try again in 9 minutes\."):
        allowance.check(1, 550)


def test_wears_off_evenly() -> None:
    allowance = Allowance(100, clock := Clock())
    allowance.spend(1, 100)
    clock.seconds += WINDOW / 2
    allowance.check(1, 50)
    with pytest.raises(AllowanceError):
        allowance.check(1, 51)


def test_what_costs_more_than_all_is_allowed_to_those_who_have_spent_nothing() -> None:
    allowance = Allowance(100, clock := Clock())
    allowance.check(1, 256)
    allowance.spend(1, 256)
    with pytest.raises(AllowanceError, match=r"Try again in 26 minutes\."):
        allowance.check(1, 256)
    clock.seconds += 2.56 * WINDOW
    allowance.check(1, 256)
