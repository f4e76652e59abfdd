"""Form: which sections a piece has and which of them repeat, as found in pieces, drawn from them, or asked for."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import Any, Final

import numpy as np

from core.errors import BundleError, RequestError
from core.model.told import KINDS, MODES, Home, Kind, Section, Told
from core.music import keys
from core.music.metre import COMMON, Metre, parse_metre
from core.music.score import Score

THROUGH: Final = "through-composed"
FORMS: Final = ("AABB", "AABA", "ABAC", THROUGH)

LONGEST: Final = 16  # bars of a section that is repeated, at most, and at least
SHORTEST: Final = 2
LONGEST_PHRASE: Final = 8  # bars; where a longer one would be, an end is missing
ALIKE: Final = 0.75  # of the events of a section come again in its repeat
_LEAST_EVENTS: Final = 5
_STEP: Final = 2  # bars by which what is new goes on until something is repeated
FEW: Final = 8  # pieces of one length, whose forms would stand for all there are
_MOST_SHAPES: Final = 400


def read(piece: Score, phrases: Sequence[int] = ()) -> Told:
    """Return all that can be told of a whole piece, the units at which its phrases end among it, if they are known."""
    return Told(piece.unit, piece.metre, piece.length, home(piece), plan(piece), _whole(piece, phrases))


def _whole(piece: Score, phrases: Sequence[int]) -> tuple[int, ...]:
    """Return where phrases end, the last one with the piece; nothing where some of the ends are missing."""
    shortest, longest = piece.units_per_bar // 2, LONGEST_PHRASE * piece.units_per_bar
    ends = [end for end in phrases if end <= piece.length - shortest]
    if not ends or not piece.events:
        return ()
    ends.append(piece.length)
    lengths = [end - start for start, end in pairwise([piece.events[0].onset, *ends])]
    return tuple(ends) if max(lengths) <= longest else ()


def home(piece: Score, *, open_end: bool = False) -> Home | None:
    """Return the tonic and the mode of a piece, or of the opening of one; None without notes."""
    key = keys.key_of(piece, open_end=open_end)
    return _home(key) if key else None


def named(key: str, among: "Habits") -> Home:
    """Return the home that a key names; without a mode it has that which is more common. Raises RequestError."""
    tonic, mode = keys.parse_key(key)
    if mode:
        return tonic, MODES.index(mode)
    counts = [among.homes.get((tonic, at), 0) for at in range(len(MODES))]
    return tonic, counts.index(max(counts))


def plan(piece: Score) -> tuple[Section, ...]:
    """Find the sections of a piece: what is repeated at once, the longest first, what returns later, and the rest.

    Sections last whole bars, counted from the first note, so that each has its pickup.
    """
    if not piece.events:
        return ()
    bar, begun = piece.units_per_bar, {event.onset: event.pitches for event in piece.events}
    first, end = piece.events[0].onset, piece.length
    found: list[Section] = []
    fresh = at = first  # what is new began at `fresh`

    def close() -> None:
        if fresh < at:
            found.append(Section(fresh, at, "new"))

    while at < end:
        lengths = [bars * bar for bars in range(LONGEST, SHORTEST - 1, -1)]
        twice = (length for length in lengths if at + 2 * length <= end + bar // 2)
        if length := next((length for length in twice if _alike(begun, at, at + length, length)), 0):
            close()
            middle, fresh = at + length, min(at + 2 * length, end)
            found += [Section(at, middle, "stated"), Section(middle, fresh, "repeated", at)]
            at = fresh
        elif again := _return(begun, [*found, Section(fresh, at, "new")], at, end, bar):
            close()
            found.append(again)
            at = fresh = again.end
        else:
            at = min(at + _STEP * bar, end)
    close()
    return tuple(found)


def _alike(begun: Mapping[int, tuple[int, ...]], a: int, b: int, length: int) -> bool:
    """Tell whether what begins at two units is the same music."""
    here = [(place, pitches) for place in range(length) if (pitches := begun.get(a + place))]
    there = sum(b + place in begun for place in range(length))
    if len(here) < _LEAST_EVENTS:
        return False
    same = sum(begun.get(b + place) == pitches for place, pitches in here)
    return 2 * same >= ALIKE * (len(here) + there)


def _return(
    begun: Mapping[int, tuple[int, ...]], sections: Sequence[Section], at: int, end: int, bar: int
) -> Section | None:
    """Find what begins at a unit and was heard before, at the beginning of a section."""
    for length in (bars * bar for bars in (16, 12, 8, 6, 4)):
        for section in sections:
            room = section.start + length <= at and at + length <= end + bar // 2
            if room and _alike(begun, section.start, at, length):
                return Section(at, min(at + length, end), "returning", section.start)
    return None


def planned(form: str, start: int, bars: int, bar: int) -> tuple[Section, ...]:
    """Lay out a form such as AABA over so many bars of `bar` units, from `start` on, in sections of as many whole bars.

    Raises RequestError.
    """
    if form == THROUGH:
        return (Section(start, start + bars * bar, "new"),)
    letters = form.upper()
    if not letters.isalpha() or not letters.isascii() or not 1 <= len(letters) <= 16:
        raise RequestError(
            "{form!r} is not a form. Name its sections as AABB, AABA or ABAC, or {through}.",
            form=form[:20],
            through=THROUGH,
        )
    if bars % len(letters):
        raise RequestError(
            "These bars cannot be divided into {count} sections of equal length: change the bars or the form.",
            count=len(letters),
        )
    length = bars // len(letters) * bar
    sections: list[Section] = []
    for at, letter in enumerate(letters):
        here, there = start + at * length, start + (at + 1) * length
        before = letters.rfind(letter, 0, at)
        if 0 <= before == at - 1:
            sections.append(Section(here, there, "repeated", here - length))
        elif before >= 0:
            sections.append(Section(here, there, "returning", start + before * length))
        elif letters[at + 1 : at + 2] == letter:
            sections.append(Section(here, there, "stated"))
        elif sections and sections[-1].kind == "new":
            sections[-1] = Section(sections[-1].start, there, "new")
        else:
            sections.append(Section(here, there, "new"))
    return tuple(sections)


def usual(among: "Habits", start: int, bars: int, bar: int) -> tuple[Section, ...]:
    """Lay out a length that none of a model's pieces has: AABB if most of them repeat and it can be halved twice."""
    repeating = sum(count for each, count in among.shapes.items() if each.sections[0][1] == "stated")
    if bars % 4 == 0 and 2 * repeating > sum(among.shapes.values()):
        return planned("AABB", start, bars, bar)
    return planned(THROUGH, start, bars, bar)


@dataclass(frozen=True, slots=True)
class Shape:
    """Name the outline of a piece: its metre, the units of silence before its first note, its sections, its phrases.

    A section is so many bars, a kind, and the bar from which it repeats; a phrase so many units, and there are none if
    they are not known. As a text it is `4/4 6: 4 stated, 4 repeated 0, 8 new; 16 16 16 16 32 32`.
    """

    metre: Metre
    silence: int
    sections: tuple[tuple[int, Kind, int | None], ...]
    phrases: tuple[int, ...] = ()

    def __str__(self) -> str:
        sections = (f"{bars} {kind}" + ("" if source is None else f" {source}") for bars, kind, source in self.sections)
        phrases = f"; {' '.join(map(str, self.phrases))}" if self.phrases else ""
        return f"{self.metre} {self.silence}: {', '.join(sections)}{phrases}"

    @property
    def bars(self) -> int:
        """Count the bars."""
        return sum(bars for bars, _, _ in self.sections)

    def opening(self, bars: int) -> "Shape":
        """Return the outline of the first bars; what is stated and no longer repeated there is new."""
        sections = list[tuple[int, Kind, int | None]]()
        left = bars
        for length, kind, source in self.sections:
            if not left:
                break
            sections.append((min(length, left), kind, source))
            left -= min(length, left)
        if sections[-1][1] == "stated":
            sections[-1] = (sections[-1][0], "new", None)
        return Shape(self.metre, self.silence, tuple(sections))

    def plan(self, bar: int) -> tuple[Section, ...]:
        """Return the sections in units, of which a bar has so many."""
        sections, at = [], self.silence
        for bars, kind, source in self.sections:
            begun = None if source is None else self.silence + source * bar
            sections.append(Section(at, at + bars * bar, kind, begun))
            at += bars * bar
        return tuple(sections)


def shape(text: str) -> Shape:
    """Read the text of a shape. Raises ValueError and RequestError."""
    head, _, rest = text.partition(": ")
    metre, _, silence = head.partition(" ")
    outline, _, phrases = rest.partition("; ")
    sections = []
    for section in outline.split(", "):
        bars, kind, *source = section.split()
        sections.append((int(bars), KINDS[KINDS.index(kind)], int(source[0]) if source else None))
    return Shape(parse_metre(metre), int(silence), tuple(sections), tuple(map(int, phrases.split())))


@dataclass(frozen=True, slots=True)
class Habits:
    """Hold how many of the pieces that a model was trained on are in each key, and of each shape; most common first."""

    homes: Mapping[Home, int]
    shapes: Mapping[Shape, int]

    @property
    def metre(self) -> Metre:
        """Return the most common metre."""
        counts = Counter[Metre]()
        for each, count in self.shapes.items():
            counts[each.metre] += count
        return max(counts, key=lambda metre: counts[metre], default=COMMON)

    def as_json(self) -> dict[str, dict[str, int]]:
        """Return what `habits` reads."""
        return {
            "keys": {keys.KEYS[tonic + 12 * mode]: count for (tonic, mode), count in self.homes.items()},
            "shapes": {str(each): count for each, count in self.shapes.items()},
        }


def habits_of(pieces: Iterable[Told]) -> Habits:
    """Sum up pieces; shapes that are too rare to matter are left out."""
    pieces = list(pieces)
    homes = Counter(piece.home for piece in pieces if piece.home is not None)
    shapes = Counter(_shape_of(piece) for piece in pieces if piece.plan)
    return Habits(dict(homes.most_common()), dict(shapes.most_common(_MOST_SHAPES)))


def habits(values: Mapping[str, Any]) -> Habits:
    """Read what `Habits.as_json` wrote. Raises BundleError."""
    try:
        homes = {_home(key): int(count) for key, count in values.get("keys", {}).items()}
        return Habits(homes, {shape(text): int(count) for text, count in values.get("shapes", {}).items()})
    except (ValueError, TypeError, AttributeError, RequestError) as error:
        raise BundleError("The habits in params.json are damaged: {error}.", error=error) from None


def draw(
    among: Habits, chance: np.random.Generator, *, metre: Metre | None = None, bars: int | None = None
) -> tuple[Home | None, Shape | None]:
    """Draw a home, and a shape, of a metre and a number of bars if they are given; None for what was never met.

    Where fewer than FEW pieces have so many bars, it may be the opening of a longer one.
    """
    fitting = {shape: count for shape, count in among.shapes.items() if metre in (None, shape.metre)}
    if bars is not None:
        exact = {shape: count for shape, count in fitting.items() if shape.bars == bars}
        longer = ((shape.opening(bars), count) for shape, count in fitting.items() if shape.bars > bars)
        fitting = exact if sum(exact.values()) >= FEW else _summed([*exact.items(), *longer])
    return _draw(among.homes, chance), _draw(fitting, chance)


def _summed(pairs: Iterable[tuple[Shape, int]]) -> dict[Shape, int]:
    counts = Counter[Shape]()
    for shape, count in pairs:
        counts[shape] += count
    return dict(counts)


def phrases(
    among: Habits, chance: np.random.Generator, metre: Metre, plan: Sequence[Section], shape: Shape | None = None
) -> tuple[int, ...]:
    """Lay out phrases over a plan, those of a shape or of one drawn; what is repeated has the phrases of its source.

    Drawn is a shape that begins at the same place in the bar. Returned are the units at which phrases end, none where
    no piece of this kind has known ones.
    """
    start, end = plan[0].start, plan[-1].end
    if shape is None or not shape.phrases:
        fitting = {
            each: count
            for each, count in among.shapes.items()
            if each.phrases and each.metre == metre and each.silence == start
        }
        shape = _draw(fitting, chance)
    if shape is None:
        return ()
    lengths, ends, at = cycle(shape.phrases), list[int](), start
    while at < end:
        at += next(lengths)
        ends.append(at)
    least = min(shape.phrases)
    ends = [at for at in ends if at <= end - least]
    for section in plan:
        if section.source is not None:
            back = section.start - section.source
            own = [at + back for at in ends if section.source < at <= section.source + section.end - section.start]
            ends = sorted({at for at in ends if not section.start < at <= section.end} | set(own))
    return (*(at for at in ends if at <= end - least), end)


def _draw(counts: Mapping[Any, int], chance: np.random.Generator) -> Any:
    if not counts:
        return None
    reached = np.cumsum(list(counts.values()))
    return list(counts)[int(np.searchsorted(reached, chance.random() * reached[-1], side="right"))]


def _shape_of(piece: Told) -> Shape:
    bar, first = piece.bar, piece.plan[0].start
    sections = tuple(
        (
            max(1, round((section.end - section.start) / bar)),
            section.kind,
            None if section.source is None else round((section.source - first) / bar),
        )
        for section in piece.plan
    )
    lengths = tuple(end - start for start, end in pairwise([first, *piece.phrases])) if piece.phrases else ()
    return Shape(piece.metre, first, sections, lengths)


def _home(key: str) -> Home:
    tonic, mode = keys.parse_key(key)
    return tonic, MODES.index(mode)
