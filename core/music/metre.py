"""Metres: how long a bar is, where its beats are, and which of them are strong."""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final

from core.errors import RequestError

LONGEST_BAR: Final = 6  # quarters, as 3/2 and 12/8 have them: 24 sixteenths

_SIGNATURE: Final = re.compile(r"([1-9]\d?)/(1|2|4|8|16|32|64)")
_MOST_BEATS: Final = 12


@dataclass(frozen=True, slots=True)
class Metre:
    """Name a metre by its time signature."""

    numerator: int = 4
    denominator: int = 4

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def bar(self) -> Fraction:
        """Return how many quarters a bar lasts."""
        return Fraction(4 * self.numerator, self.denominator)

    @property
    def is_compound(self) -> bool:
        """Tell whether a beat has three parts: 6/8, 9/8 and 12/8, and 3/8, which is one in a bar."""
        return self.numerator % 3 == 0 and (self.numerator > 3 or self.denominator > 4)

    @property
    def beats(self) -> int:
        """Count the beats of a bar: four in 4/4 and 12/8, two in 6/8, one in 3/8."""
        return self.numerator // 3 if self.is_compound else self.numerator

    @property
    def beat(self) -> Fraction:
        """Return how many quarters a beat lasts."""
        return self.bar / self.beats

    @property
    def pulses(self) -> tuple[Fraction, Fraction, Fraction, Fraction]:
        """Return what stands every so many quarters, the strongest first.

        Bars; halves of bars, where their beats can be halved; beats; and the parts of beats.
        """
        return _pulses(self)

    @property
    def strong(self) -> tuple[Fraction, ...]:
        """Return the places of a bar's strong beats, in quarters: 0 and 2 in 4/4, 0 and 3/2 in 6/8, 0 in 3/4."""
        _, half, _, _ = self.pulses
        return tuple(half * number for number in range(int(self.bar / half)))

    @property
    def counted(self) -> "Metre":
        """Return the metre in which bars are counted: bars of four quarters for all that is simply in two or four."""
        return COMMON if self.numerator in (2, 4) else self

    def fits(self, unit: Fraction) -> bool:
        """Tell whether a bar is a whole number of units of so many quarters."""
        return (self.bar / unit).denominator == 1

    def units(self, unit: Fraction) -> int:
        """Count the units of a bar. Raises RequestError where that is no whole number."""
        if not self.fits(unit):
            raise RequestError(
                "A bar of {metre} is not a whole number of rest units of {unit}. Choose a finer rest unit.",
                metre=self,
                unit=unit,
            )
        return int(self.bar / unit)


@cache
def _pulses(metre: Metre) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    half = metre.bar if metre.beats % 2 else metre.bar / 2
    return metre.bar, half, metre.beat, metre.beat / (3 if metre.is_compound else 2)


COMMON: Final = Metre()


def is_metre(signature: str) -> bool:
    """Tell whether a time signature is one whose bars can be counted."""
    try:
        parse_metre(signature)
    except RequestError:
        return False
    return True


def parse_metre(signature: str) -> Metre:
    """Read a time signature as 6/8. Raises RequestError for one whose bars cannot be counted."""
    if match := _SIGNATURE.fullmatch(signature.strip()):
        metre = Metre(int(match[1]), int(match[2]))
        if metre.counted.bar <= LONGEST_BAR and metre.fits(Fraction(1, 4)) and 1 < metre.numerator <= _MOST_BEATS:
            return metre
    raise RequestError(
        "{signature!r} is not a metre that can be counted. Name one such as 4/4, 3/4, 6/8, 9/8, 12/8 or 3/2.",
        signature=signature[:20],
    )
