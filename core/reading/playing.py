"""A piece as it is printed -> as it is played: in one metre, its repeats written out, its bars on the bar lines."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, takewhile
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import RequestError
from core.music.metre import Metre, parse_metre
from core.music.piece import Bar, Piece, Printed, not_among, too_odd

LONGEST: Final = 64  # bars; a piece that its repeats would make longer is played as it is printed
MOST_ODD: Final = 0.1  # share of a piece's time in other metres than its own that may be left out
IN_TWO_AND_FOUR: Final = "2,4"
ALL: Final = "all"

_MOST_BARS: Final = 4_096
_CHOIR: Final = ("soprano", "alto", "tenor", "bass")


@dataclass(frozen=True, slots=True)
class _Span:
    """Name what is heard at `place`: the printed piece from `start` until before `end`; all in ticks.

    Its bar ends at `bar_line`, before which the next one can begin.
    """

    start: int
    end: int
    place: int
    bar_line: int

    @property
    def length(self) -> int:
        return self.end - self.start


def check_metres(metres: str) -> None:
    """Raise RequestError for what does not name metres: `all`, or numerators and time signatures as 2,4,6/8."""
    for name in () if metres == ALL else metres.split(","):
        if not name.strip().isdigit():
            parse_metre(name)


def play(printed: Printed, metres: str = IN_TWO_AND_FOUR, *, as_printed: bool = False) -> Piece:
    """Play a piece from its bars, repeats written out unless `as_printed`, where it is in one of the `metres`.

    Of a choir with instruments the voices alone are read. Bars of other metres than the piece's own are left out, and
    the count of bars begins again behind them; a first one that is short is an upbeat. Raises ReadingError where they
    are more than a tenth of its time, or the piece is in none of the metres.
    """
    printed = _choir(printed)
    bars, everything = printed.bars, list(range(len(printed.bars)))
    metre, inside, odd = _choose(bars, metres, printed.ticks_per_quarter)
    ticks = metre.bar * printed.ticks_per_quarter
    orders = [] if as_printed else [_order(bars, jumps=True), _order(bars, jumps=False)]
    possible = (each for each in orders if sum(bars[i].length for i in each) <= LONGEST * ticks)
    order = next((each for each in possible if any(inside[i] for i in each)), everything)  # an ending 0 has no turn
    spans = _spans(printed, [number for number in order if inside[number]], metre)
    last = spans[-1]
    onsets, pitches = _heard(printed, spans)
    return Piece(
        title=printed.title,
        onsets=onsets,
        pitches=pitches,
        ticks_per_quarter=printed.ticks_per_quarter,
        length=last.place + min(last.end, printed.length) - last.start,
        metre=metre,
        has_repeats=order != everything,
        odd=odd,
        late=printed.late,
        swing=printed.swing,
        tempo=printed.tempo,
        phrases=_phrases(printed, spans),
    )


def _choir(printed: Printed) -> Printed:
    """Leave out what plays with a choir, where soprano, alto, tenor and bass each have one part."""
    voices = [re.split(r"\W", name.lower())[0] for name in printed.names]
    if len(voices) == len(_CHOIR) or any(voices.count(voice) != 1 for voice in _CHOIR):
        return printed
    sung = np.isin(printed.parts, [place for place, voice in enumerate(voices) if voice in _CHOIR])
    if not sung.any():
        return printed
    columns = ("onsets", "pitches", "lengths", "parts")
    return replace(printed, **{name: getattr(printed, name)[sung] for name in columns})


def _choose(bars: Sequence[Bar], metres: str, quarter: int) -> tuple[Metre, list[bool], float]:
    """Return the metre in which most of a piece's time is counted, which bars are, and the share of the others."""
    counted = [_counted(bar.signature) for bar in bars]
    times, asked = Counter[Metre | str](), Counter[Metre]()
    for bar, metre in zip(bars, counted, strict=True):
        times[metre] += bar.length
        if isinstance(metre, Metre) and _is_among(bar.signature, metres):
            asked[metre] += bar.length
    if not asked:
        raise not_among(bars[0].signature, metres)
    main = max(asked, key=asked.__getitem__)
    inside = [metre == main for metre in counted]
    if len(bars) > 1 and bars[0].length < main.bar * quarter:
        inside[0] = True
    odd = 1 - sum(bar.length for bar, is_in in zip(bars, inside, strict=True) if is_in) / max(times.total(), 1)
    if odd > MOST_ODD:
        raise too_odd(str(max((metre for metre in times if metre != main), key=times.__getitem__)), odd)
    return main, inside, odd


def _counted(signature: str) -> Metre | str:
    """Return the metre in which bars of a time signature are counted, itself where that is not known."""
    metre = _parsed(signature)
    return signature if metre is None else metre.counted


@cache
def _parsed(signature: str) -> Metre | None:
    try:
        return parse_metre(signature)
    except RequestError:
        return None


def _is_among(signature: str, metres: str) -> bool:
    names = [name.strip() for name in metres.split(",")]
    return metres == ALL or signature in names or signature.partition("/")[0] in names


def _order(bars: Sequence[Bar], *, jumps: bool) -> list[int]:
    """Return which bars are played one after the other; `jumps` tells whether those back to the start or sign are."""
    order = list[int]()
    now = start = 0  # of the section that is being played
    turn = 1
    end = len(bars)
    again = False  # behind a jump back, where repeats are not taken
    while now < end and len(order) < _MOST_BARS:
        bar = bars[now]
        if now != start and ("opens" in bar.signs or (bars[now - 1].endings and not bar.endings)):
            start, turn = now, 1
        last = max((bar.times, *_endings(bars, now)))
        if bar.endings and (last if again else turn) not in bar.endings:
            now += 1
            continue
        order.append(now)
        if again and "fine" in bar.signs:
            break
        if again and "to coda" in bar.signs:
            now = next((place for place in range(now + 1, end) if "coda" in bars[place].signs), end)
        elif bar.times and turn < last and not again:
            now, turn = start, turn + 1
        elif jumps and not again and (back := _back(bars, now)) is not None:
            now, end, again = back, _end(bars, back, now), True
        else:
            now += 1
            if bar.times:
                start, turn = now, 1
    return order


def _endings(bars: Sequence[Bar], now: int) -> set[int]:
    """Return the numbers of all endings among which a bar is."""
    if not bars[now].endings:
        return set()
    before, behind = (takewhile(attrgetter("endings"), run) for run in (reversed(bars[:now]), bars[now:]))
    return {turn for bar in chain(before, behind) for turn in bar.endings}


def _back(bars: Sequence[Bar], now: int) -> int | None:
    """Return where one goes on behind a bar that says da capo or dal segno; None if it says neither."""
    if "dal segno" in bars[now].signs:
        return next((place for place in range(now, -1, -1) if "segno" in bars[place].signs), 0)
    return 0 if "da capo" in bars[now].signs else None


def _end(bars: Sequence[Bar], back: int, now: int) -> int:
    """Return before which bar a piece ends that goes back at `now`: where nothing says, when a section is complete."""
    if any(sign in bar.signs for bar in bars[back:] for sign in ("fine", "to coda")):
        return len(bars)
    return next((place for place in range(back + 1, now + 1) if "section" in bars[place].signs), now + 1)


def _spans(printed: Printed, order: Sequence[int], metre: Metre) -> list[_Span]:
    """Set bars one behind the other.

    A section begins on a bar line, or as long before one as its first bar is short: by way of what is nearer, the note
    before sounds longer, or the upbeat takes the place of what sounds before. So does what is behind a bar left out.
    """
    quarter = printed.ticks_per_quarter
    spans = list[_Span]()
    place, before = 0, -1
    for number in order:
        bar = printed.bars[number]
        full = int(_metre_of(bar, metre).bar * quarter)
        wanted = -bar.length if bar.length < full else 0
        late = (wanted - place) % full
        if not spans:
            place = wanted % int(metre.bar * quarter)
        elif number <= before or not {"opens", "section"}.isdisjoint(bar.signs):
            if 2 * late <= full or full - late > spans[-1].length:
                place += late
            else:
                place -= full - late
                spans[-1] = replace(spans[-1], end=spans[-1].end - (full - late))
        elif number > before + 1 and not bar.endings:
            place += late
        spans.append(_Span(bar.start, bar.end, place, bar.end))
        place += bar.length
        before = number
    return spans


def _metre_of(bar: Bar, metre: Metre) -> Metre:
    """Return the metre of a bar as it is printed, or that of its piece for an upbeat in another."""
    own = _parsed(bar.signature)
    return metre if own is None or own.counted != metre else own


def _heard(printed: Printed, spans: Sequence[_Span]) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Return the onsets and pitches that are heard."""
    edges = [(*np.searchsorted(printed.onsets, [span.start, span.end]), span) for span in spans]
    onsets = np.concatenate([printed.onsets[low:high] + span.place - span.start for low, high, span in edges])
    return onsets, np.concatenate([printed.pitches[low:high] for low, high, _ in edges])


def _phrases(printed: Printed, spans: Sequence[_Span]) -> tuple[int, ...]:
    """Return where phrases end that are heard: with the fermatas of the highest part that has any."""
    held = np.isin(printed.onsets, printed.fermatas)
    if not held.any():
        return ()
    parts = np.unique(printed.parts[held])
    highest = max(parts, key=lambda part: printed.pitches[held & (printed.parts == part)].mean())
    own = held & (printed.parts == highest)
    stops = sorted(set((printed.onsets[own] + printed.lengths[own]).tolist()))
    ends = {
        span.place + min(stop, span.end) - span.start
        for span in spans
        for stop in stops
        if span.start < stop <= span.bar_line
    }
    least = 2 * printed.ticks_per_quarter  # what another part holds is not always the end of this one's phrase
    kept = list[int]()
    for end in sorted(ends, reverse=True):
        if not kept or end < kept[-1] - least:
            kept.append(end)
    return tuple(reversed(kept))
