"""Phrases: where the upper line of a piece breathes, found as a listener hears it.

D. Temperley's Grouper (The Cognition of Basic Musical Structures, 2001, chapter 3) weighs three preferences against
each other: phrases end with long notes and rests, have some eight notes, and begin at the same place of their bars; a
fourth is added here, for an even number of bars. The best division as a whole is found by dynamic programming.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import Final

_NOTES: Final = 8  # of a phrase as it is expected, where two bars do not have more
_BARS: Final = 2
_LENGTH: Final = 0.9  # what it costs to have half or twice as many notes as are expected
_PLACE: Final = 1.0  # what it costs to begin at another place of the bar than the phrase before
_ODD: Final = 0.3  # what it costs to last an odd number of bars
_FIRST: Final = 1.0  # what a boundary costs at all, in gaps of the mean length
_LONGEST: Final = 64  # notes
_MOST: Final = 6.0  # a gap counts as so many of the mean length at most


@dataclass(frozen=True, slots=True)
class Phrase:
    """Name a phrase: from `start` until before `end`, where the next one begins; `last` is its last onset. In units."""

    start: int
    last: int
    end: int


def phrases(onsets: Sequence[int], length: int, units_per_bar: int) -> tuple[Phrase, ...]:
    """Divide a line into phrases, one behind the other, from the onsets of its notes; `length` is its end, in units."""
    count = len(onsets)
    if not count:
        return ()
    ends = [*onsets[1:], max(length, onsets[-1] + 1)]
    gaps = [end - start for start, end in zip(onsets, ends, strict=True)]
    mean = sum(gaps) / count
    expected = max(_NOTES, _BARS * units_per_bar / mean)
    best, came = [0.0] + [-1e9] * count, [0] * (count + 1)  # of a division that ends before each note
    for end in range(1, count + 1):
        ending = min(gaps[end - 1] / mean, _MOST) - _FIRST if end < count else 0.0
        for start in range(max(0, end - _LONGEST), end):
            worth = best[start] + ending - _LENGTH * abs(log2((end - start) / expected)) * (end - start) ** 0.5 / 2
            if start and (onsets[start] - onsets[came[start]]) % units_per_bar:
                worth -= _PLACE
            if start and end < count:
                worth -= _ODD * (round((onsets[end] - onsets[start]) / units_per_bar) % 2)
            if worth > best[end]:
                best[end], came[end] = worth, start
    found, end = list[Phrase](), count
    while end:
        start = came[end]
        found.append(Phrase(onsets[start], onsets[end - 1], onsets[end] if end < count else ends[-1]))
        end = start
    return tuple(reversed(found))
