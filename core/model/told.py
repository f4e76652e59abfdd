"""What the network is told: what a composer knows before beginning, and where in it a piece has come.

The metre, the home key, how far the end is, the plan (which sections there are, and what each of them repeats), and
how far the end of the phrase is.
All but the metre may be unknown, and what is unknown adds nothing to the input.
"""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from core.music.metre import COMMON, Metre

Home = tuple[int, int]  # the tonic, 0 to 11, and the mode's place in MODES
Kind = Literal["stated", "repeated", "new", "returning"]

KINDS: Final[tuple[Kind, ...]] = ("stated", "repeated", "new", "returning")
MODES: Final = ("major", "minor")
UNKNOWN: Final[Home] = (0, len(MODES))
METRES: Final = ("4/4", "3/4", "6/8", "9/8", "12/8", "3/2", "3/8", "6/4", "other")
PLACES: Final = 24  # sixteenths of the longest bar

FURTHEST: Final = 34  # bars from which on all are as far
FURTHEST_IN_SECTION: Final = 18
LEFTS: Final = PLACES + FURTHEST  # sixteenths left 0 to 24, then bars left 2 to 34 and more
SECTIONS: Final = len(KINDS) * (PLACES + FURTHEST_IN_SECTION)
FURTHEST_IN_PHRASE: Final = 8
PHRASES: Final = PLACES + FURTHEST_IN_PHRASE

LEFT, TONIC, MODE, SECTION, BEAT, PHRASE = range(6)  # the columns of what is told
COLUMNS: Final = 6


@dataclass(frozen=True, slots=True)
class Section:
    """Name a part of a piece, from `start` until before `end`, in units.

    What is stated is repeated at once; what is repeated was stated just before, what returns was heard longer ago, and
    both began at `source`, in units.
    """

    start: int
    end: int
    kind: Kind
    source: int | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """Name a part of a piece that is in another key, from `start` until before `end`, in units."""

    start: int
    end: int
    home: Home


@dataclass(frozen=True, slots=True)
class Told:
    """Hold what is told of one piece.

    `unit` is how many quarters a rest unit lasts, `length` the whole piece in units. No `plan` is an unknown one. The
    `phrases` are the units at which phrases end, ascending; none if that is not known. While the
    piece is `away` another home is told.
    """

    unit: Fraction
    metre: Metre = COMMON
    length: int | None = None
    home: Home | None = None
    plan: tuple[Section, ...] = ()
    phrases: tuple[int, ...] = ()
    away: Away | None = None

    @property
    def bar(self) -> int:
        """Count the units of a bar, as bars are counted in the piece's metre."""
        return self.metre.counted.units(self.unit)


class Guide:
    """Follow what is told through one piece."""

    def __init__(self, told: Told) -> None:
        self.told, self.bar, self.fine = told, told.bar, int(4 * told.unit)  # sixteenths a unit
        self.home = told.home or UNKNOWN
        self._ends = [section.end for section in told.plan[:-1]]
        metre = str(told.metre.counted)
        self.metre = (METRES.index(metre) if metre in METRES else len(METRES) - 1) * PLACES
        self.reach(0)

    def reach(self, time: int) -> None:
        """Come to a unit of the piece: `row` is what is told there, `source` how long ago stood what is repeated."""
        told, left, row, phrase = self.told, LEFTS, SECTIONS, PHRASES
        self.source = 0
        if told.length is not None:
            left = self._left(told.length - time, FURTHEST)
        if told.plan:
            section = told.plan[bisect_right(self._ends, time)]
            kind = KINDS.index(section.kind)
            row = kind * (PLACES + FURTHEST_IN_SECTION)
            row += self._left(section.end - max(time, section.start), FURTHEST_IN_SECTION)
            if section.source is not None:
                self.source = section.start - section.source
        if told.phrases:
            end = told.phrases[min(bisect_right(told.phrases, time), len(told.phrases) - 1)]
            phrase = self._left(end - time, FURTHEST_IN_PHRASE)
        beat = self.metre + time % self.bar * self.fine
        away = told.away
        home = away.home if away and away.start <= time < away.end else self.home
        self.row = [left, *home, row, beat, phrase]

    def _left(self, units: int, furthest: int) -> int:
        """Return the row for so many units left: sixteenths within a bar, bars beyond."""
        if units <= self.bar:
            return max(0, units) * self.fine
        return PLACES - 1 + min(-(-units // self.bar), furthest)
