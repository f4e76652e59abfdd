"""The text notation: vocabulary, text <-> ids, grammar, normal form and transposition.

`60-4-7r262r164r1` is a C major chord for two rest units, then D for one, then E for one. docs/notation.md is the
specification. One vocabulary serves every model:

    id 0            the boundary between two pieces, a new line in a file
    ids 1 … 128     the notes 0 … 127, MIDI pitches; a note starts an event
    ids 129 … 255   the intervals 1 … 127 in semitones from the event's note
    ids 256 … 259   the rests r1 … r4, the only tokens that move time
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from core.errors import Message, NotationError, mark

Anchor = Literal["lowest", "highest"]  # which note of a chord is written first
C_MAJOR: Final[dict[Anchor, str]] = {"lowest": "60-4-7", "highest": "67-3-7"}  # C4, E4, G4, to show how chords look

BOUNDARY: Final = 0
NOTES: Final = range(1, 129)
INTERVALS: Final = range(129, 256)
RESTS: Final = range(256, 260)
SIZE: Final = 260
LONGEST_REST: Final = len(RESTS)  # units of r4
TRANSPOSITIONS: Final = range(-6, 6)  # semitones of the twelve keys that a piece is trained in

_TOKEN = re.compile(
    r"(?P<blank>[\s,]+)|(?P<note>[0-9]+)|(?P<interval>-[0-9]*)|(?P<rest>[rR][0-9]?)|(?P<other>.)", re.DOTALL
)
_DASHES: Final = "‐‑‒–—―−﹣－"  # what phones and word processors make of a hyphen


def note(pitch: int) -> int:
    """Return the id of a MIDI pitch, 0 to 127."""
    return NOTES[pitch]


def interval(semitones: int) -> int:
    """Return the id of an interval, 1 to 127 semitones."""
    return INTERVALS[semitones - 1]


def rests(units: int) -> list[int]:
    """Write a silence in normal form: as many r4 as fit, then the remainder."""
    fours, remainder = divmod(units, LONGEST_REST)
    return [RESTS[-1]] * fours + ([RESTS[remainder - 1]] if remainder else [])


def rest_units(token: int) -> int:
    """Return how many units a token moves time by: 1 to 4 for a rest, 0 for any other."""
    return token - RESTS.start + 1 if token >= RESTS.start else 0


def text(ids: Iterable[int]) -> str:
    """Write ids as text; a boundary becomes a new line."""
    return "".join(map(_TEXT.__getitem__, ids))


def parse(text: str, anchor: Anchor = "lowest", *, open_end: bool = False) -> list[int]:
    """Read one piece into ids in normal form.

    Blanks and commas may stand between tokens, and rests may be written `R`. With `open_end` the last event may lack
    its rest. Raises NotationError for anything that is not a piece of the notation with this anchor.
    """
    ids: list[int] = []
    waiting = 0  # units of rest since the last note, merged for the normal form
    base: int | None = None  # the sounding event's note, None after a rest
    last = 0  # the event's latest interval
    where = (0, 0)
    for match in _TOKEN.finditer(text):
        kind, word, span = match.lastgroup, match.group(), match.span()
        if kind == "blank":
            continue
        if kind == "note":
            base, last = _read_note(text, word, span, base), 0
            ids += [*rests(waiting), note(base)]
            waiting = 0
        elif kind == "interval":
            last = _read_interval(text, word, span, base, last, anchor)
            ids.append(interval(last))
        elif kind == "rest":
            waiting += _read_rest(text, word, span)
            base = None
        elif word in _DASHES:
            raise NotationError(
                "{word} is not the hyphen that intervals are written with: type - instead, as in {chord}.",
                text,
                *span,
                word=word,
                chord=C_MAJOR[anchor],
            )
        else:
            raise NotationError(
                "{word!r} is not part of the notation: write notes as 72, rests as r1, chords as {chord}.",
                text,
                *span,
                word=word,
                chord=C_MAJOR[anchor],
            )
        where = span
    if base is not None and not open_end:
        raise NotationError(
            "The last note needs a rest that says how long it lasts: {note}r1.", text, *where, note=text[slice(*where)]
        )
    return ids + rests(waiting)


def primer(text: str, anchor: Anchor = "lowest") -> list[int]:
    """Read what a user typed as the beginning of a piece; the last event may lack its rest."""
    return parse(text, anchor, open_end=True)


def pitches(ids: Iterable[int], anchor: Anchor) -> list[int]:
    """Return every pitch that sounds, in the order of the tokens."""
    sounding, base = [], 0
    for token in ids:
        if token in NOTES:
            base = token - NOTES.start
            sounding.append(base)
        elif token in INTERVALS:
            distance = token - INTERVALS.start + 1
            sounding.append(base + distance if anchor == "lowest" else base - distance)
    return sounding


def fitting(semitones: int, lowest: int, highest: int) -> int | None:
    """Return `semitones`, moved by an octave if a piece from `lowest` to `highest` would leave 0 … 127.

    None if neither fits, which takes a piece of nearly the whole range.
    """
    for shift in (semitones, semitones - 12, semitones + 12):
        if lowest + shift >= 0 and highest + shift <= 127:
            return shift
    return None


def transpose(ids: Sequence[int], semitones: int) -> list[int]:
    """Add a number of semitones to the note tokens and leave every other token alone.

    The caller asks `fitting` first; a note that leaves 0 … 127 raises IndexError.
    """
    return [NOTES[_natural(token - NOTES.start + semitones)] if token in NOTES else token for token in ids]


def _natural(index: int) -> int:
    if index < 0:
        raise IndexError("pitch below 0")
    return index


def _read_note(text: str, word: str, span: tuple[int, int], base: int | None) -> int:
    if len(word) > 3 or int(word) > 127:
        raise NotationError(
            "{word} is not a MIDI note (0-127). {advice}",
            text,
            *span,
            word=_short(word),
            advice=_separate(72, 76),
        )
    if base is not None:
        raise NotationError(
            "{word} follows a note without a rest. {advice}",
            text,
            *span,
            word=word,
            advice=_separate(base, word),
        )
    return int(word)


def _read_interval(text: str, word: str, span: tuple[int, int], base: int | None, last: int, anchor: Anchor) -> int:
    if len(word) == 1:
        raise NotationError(
            "An interval needs its semitones behind the minus: {chord}.", text, *span, chord=C_MAJOR[anchor]
        )
    if base is None:
        raise NotationError(
            "The interval {word} needs a note before it, as in 60{interval}r1.",
            text,
            *span,
            word=_short(word),
            interval=word if len(word) < 5 else "-4",
        )
    if len(word) > 4 or not 1 <= (semitones := int(word[1:])) <= 127:
        raise NotationError(
            "{word} is not an interval (-1 to -127 semitones from the chord's own note).",
            text,
            *span,
            word=_short(word),
        )
    if semitones <= last:
        raise NotationError(
            "Intervals count from the chord's own note and grow: {word} cannot follow -{last}."
            " Write {chord} for C-E-G.",
            text,
            *span,
            word=word,
            last=last,
            chord=C_MAJOR[anchor],
        )
    pitch = base + semitones if anchor == "lowest" else base - semitones
    if not 0 <= pitch <= 127:
        raise NotationError(
            "{word} leads from {base} to {pitch}, outside the MIDI notes (0-127).",
            text,
            *span,
            word=word,
            base=base,
            pitch=pitch,
        )
    return semitones


def _read_rest(text: str, word: str, span: tuple[int, int]) -> int:
    if len(word) == 1 or not 1 <= (units := int(word[1:])) <= LONGEST_REST:
        raise NotationError(
            "{word} is not a rest: there are r1, r2, r3 and r4, and more of them for longer (r4r2).",
            text,
            *span,
            word=word,
        )
    return units


def _separate(first: int, second: int | str) -> Message:
    return mark(
        "Put a rest between two notes ({first}r1 {second}r1), or write a chord as 72-4r1.", first=first, second=second
    )


def _short(word: str) -> str:
    return word if len(word) <= 12 else word[:11] + "…"


_TEXT: Final = ("\n", *map(str, range(128)), *(f"-{semitones}" for semitones in range(1, 128)), "r1", "r2", "r3", "r4")
