"""Repeats: how a piece is written with repeat signs and endings where its music comes again to the note."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from core.music.score import Score

_SHORTEST: Final = 4  # bars of a section that is worth a repeat sign
_LONGEST: Final = 16
_SIGN: Final = 0.5  # bars of music that are as much to read as a pair of repeat signs
_ENDINGS: Final = 1.5  # and as endings
_PICKUP_ALONE: Final = 0.5  # and as a pickup that is not repeated with its section
_LONGEST_PICKUP: Final = 2 / 3  # of a bar; what is missing of a longer one is a rest


@dataclass(frozen=True, slots=True)
class Passage:
    """Name what is written from `start` until before `end`, in units of the piece as it sounds.

    What `opens` has a repeat sign before it, what `closes` one behind it; an `ending` has its number, 0 is none. Played
    in order, with their repeats, the passages are the piece.
    """

    start: int
    end: int
    opens: bool = False
    closes: bool = False
    ending: int = 0


def beginning(score: Score) -> int:
    """Return the unit at which a piece begins to be written: with its pickup, or at the bar line before its notes."""
    if not score.events:
        return 0
    first, bar = score.events[0].onset, score.units_per_bar
    return first if first % bar and bar - first % bar <= _LONGEST_PICKUP * bar else first // bar * bar


def ending(score: Score) -> int:
    """Return the unit at which the last bar ends: with a pickup it lacks what that has."""
    bar, start = score.units_per_bar, beginning(score)
    full = max(1, -(-score.length // bar)) * bar
    return min(full, start + max(1, -(-(score.length - start) // bar)) * bar) if start % bar else full


def whole(score: Score) -> Passage:
    """Write a piece as it is played."""
    return Passage(beginning(score), ending(score))


def passages(score: Score, begun: Mapping[int, Hashable] | None = None) -> tuple[Passage, ...]:
    """Find the way to write a piece that leaves least to read.

    Sections of four to sixteen bars are repeated, with their pickups or from bar line to bar line, and none from the
    middle of a phrase: what stands before one has four bars, or as many times that as may be, or is as long. Endings
    begin at bar lines, and are a quarter of their section at most, or one bar. Music is the same if the same has
    `begun` at each unit from its start: the pitches of the score, if nothing else is given.
    """
    begun = {event.onset: event.pitches for event in score.events} if begun is None else begun
    start, end, bar = beginning(score), ending(score), score.units_per_bar
    if end - start < 2 * _SHORTEST * bar:
        return (Passage(start, end),)
    cost, best = _fold(begun, start, end, bar)
    if start % bar:
        line = -(-start // bar) * bar
        other, found = _fold(begun, line, end, bar)
        if other + _PICKUP_ALONE < cost:
            best = (Passage(start, line), *found)
    return tuple(_joined(best))


_Section = tuple[int, float, tuple[Passage, ...]]  # its bars, played once; what they cost; and how it is written


def _fold(begun: Mapping[int, Hashable], start: int, end: int, bar: int) -> tuple[float, tuple[Passage, ...]]:
    """Return the cheapest passages of what stands from `start` on, all of whole bars, and their cost in bars."""
    counts = -(-(end - start) // bar)
    repeated = _repeated(begun, start, end, bar)
    best: list[tuple[float, tuple[Passage, ...]]] = [(0.0, ())] * (counts + 1)
    for at in reversed(range(counts)):
        here = start + at * bar
        options: list[tuple[float, tuple[Passage, ...]]] = [(counts - at, (Passage(here, end),))]
        for first in range(at, counts):
            between = first - at
            before = (Passage(here, start + first * bar),) if between else ()
            for length, cost, section in repeated[first]:
                if between % _SHORTEST == 0 or between == length:
                    after, rest = best[first + 2 * length]
                    options.append((between + cost + after, (*before, *section, *rest)))
        best[at] = min(options, key=lambda option: option[0])
    return best[0]


def _repeated(begun: Mapping[int, Hashable], start: int, end: int, bar: int) -> list[list[_Section]]:
    """Return the sections that are played twice, by the bar at which they begin."""
    counts = -(-(end - start) // bar)
    same: dict[tuple[int, int], bool] = {}

    def alike(here: int, there: int, length: int) -> bool:
        return all(begun.get(here + unit) == begun.get(there + unit) for unit in range(length))

    def bars_alike(here: int, there: int) -> bool:
        if (here, there) not in same:
            same[here, there] = alike(start + here * bar, start + there * bar, bar)
        return same[here, there]

    found: list[list[_Section]] = [[] for _ in range(counts)]
    for at in range(counts):
        here = start + at * bar
        for length in range(_SHORTEST, min(_LONGEST, (counts - at) // 2) + 1):
            middle, last = here + length * bar, min(here + 2 * length * bar, end)
            if middle not in begun or (last - middle < length * bar and here % bar == 0):
                continue
            agreeing = next((n for n in range(length) if not bars_alike(at + n, at + length + n)), length)
            if agreeing == length:
                found[at].append((length, length + _SIGN, (Passage(here, middle, opens=True, closes=True),)))
                continue
            first = (here + agreeing * bar) // bar * bar  # the bar line before what differs, where notes begin
            while first > here and not (first in begun and first + length * bar in begun):
                first -= bar
            tail = -(-(middle - first) // bar)
            if tail > max(1, length // 4) + bool(here % bar) or first <= here or not alike(here, middle, first - here):
                continue
            endings = (
                Passage(here, first, opens=True),
                Passage(first, middle, closes=True, ending=1),
                Passage(first + length * bar, last, ending=2),
            )
            found[at].append((length, length + tail + _ENDINGS, endings))
    return found


def _joined(passages: tuple[Passage, ...]) -> Iterator[Passage]:
    """Join passages that follow one another without a sign."""
    before: Passage | None = None
    for passage in passages:
        plain = passage == Passage(passage.start, passage.end)
        if before is not None and plain and before == Passage(before.start, passage.start):
            before = replace(before, end=passage.end)
            continue
        if before is not None:
            yield before
        before = passage
    if before is not None:
        yield before


def played(passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
    """Return passages in the order in which they sound, each as often as it does, without signs."""
    order: list[Passage] = []
    opened = 0
    for place, passage in enumerate(passages):
        if passage.opens:
            opened = place
        order.append(passage)
        if passage.closes:
            order += [again for again in passages[opened : place + 1] if not again.ending]
    return tuple(Passage(passage.start, passage.end) for passage in order)
