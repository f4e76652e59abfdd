"""Bars of a piece by their numbers, as a musician names them: 5-8."""

import re
from dataclasses import dataclass

from core.errors import RequestError
from core.music import repeats
from core.music.score import Score


@dataclass(frozen=True, slots=True)
class Bars:
    """Name bars of a piece, from `first` to `last`, as they are played; 0 is a pickup."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.first != self.last else f"{self.first}"


def parse(text: str) -> Bars:
    """Read bars, as 5-8 or 5. Raises RequestError."""
    match = re.fullmatch(r"\s*(\d{1,4})\s*(?:(?:-|–|to|bis)\s*(\d{1,4})\s*)?", text)
    if match is None:
        raise RequestError("{text!r} names no bars. Write 5-8, or 5 for one bar.", text=text[:20])
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        first, last = last, first
    return Bars(first, last)


def count(piece: Score) -> int:
    """Count the bars of a piece, its pickup left out."""
    bar = piece.units_per_bar
    return -(-piece.length // bar) - _pickup(piece)


def _pickup(piece: Score) -> int:
    return 1 if repeats.beginning(piece) % piece.units_per_bar else 0


def place(piece: Score, bars: Bars) -> tuple[int, int]:
    """Return the units from which until before which bars stand. Raises RequestError if the piece lacks them."""
    bar = piece.units_per_bar
    pickup, most = _pickup(piece), count(piece)
    if bars.last > most or bars.first < 1 - pickup:
        raise RequestError(
            "This piece has bars {least} to {most}; bars {bars} are not all among them.",
            least=1 - pickup,
            most=most,
            bars=str(bars),
        )
    start = (bars.first - 1 + pickup) * bar
    return start, min(piece.length, (bars.last + pickup) * bar)


def next_onset(piece: Score, unit: int) -> int:
    """Return the unit at which something begins next, from a unit on; the end of the piece where nothing does."""
    return next((event.onset for event in piece.events if event.onset >= unit), piece.length)
