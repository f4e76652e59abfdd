"""How much each user may ask for: what they have spent wears off evenly."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from core.errors import CadenzaError, counted

WINDOW: Final = 600.0  # seconds in which a whole allowance wears off
MINUTES_FROM: Final = 90  # seconds from which on one speaks of minutes


class AllowanceError(CadenzaError):
    """Say that a user has asked for much, and how long to wait."""


class Allowance:
    """Let each user spend `most` at once, and as much again in the course of WINDOW seconds.

    What costs more than `most` is allowed to those who have nothing spent. `clock` counts seconds.
    """

    def __init__(self, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._spent: OrderedDict[int, tuple[float, float]] = OrderedDict()  # user -> how much, and when that was

    def check(self, user: int, cost: float) -> None:
        """Raise AllowanceError if a user cannot spend this now."""
        check(self._now_spent(user), cost, self._most)

    def spend(self, user: int, cost: float) -> None:
        """Note what a user spends."""
        now = self._clock()
        self._spent[user] = self._now_spent(user) + cost, now
        self._spent.move_to_end(user)
        while self._now_spent(oldest := next(iter(self._spent))) <= 0:
            del self._spent[oldest]
            if not self._spent:
                break

    def _now_spent(self, user: int) -> float:
        spent, when = self._spent.get(user, (0.0, 0.0))
        return left(spent, self._clock() - when, self._most)


def left(spent: float, seconds: float, most: float) -> float:
    """Return how much of what was spent some seconds ago has not worn off."""
    return max(0.0, spent - seconds / WINDOW * most)


def check(spent: float, cost: float, most: float) -> None:
    """Raise AllowanceError if somebody who has spent so much cannot spend this too."""
    excess = min(spent, spent + cost - most)
    if excess > 0:
        raise _too_much(math.ceil(excess / most * WINDOW))


def _too_much(seconds: int) -> AllowanceError:
    if seconds < MINUTES_FROM:
        in_seconds = counted(
            "You have asked for a lot in the last few minutes. Try again in {count} second.",
            "You have asked for a lot in the last few minutes. Try again in {count} seconds.",
            seconds,
        )
        return AllowanceError(in_seconds)
    in_minutes = counted(
        "You have asked for a lot in the last few minutes. Try again in {count} minute.",
        "You have asked for a lot in the last few minutes. Try again in {count} minutes.",
        math.ceil(seconds / 60),
    )
    return AllowanceError(in_minutes)
