"""notes.txt: the parsed pieces of a collection, a header and then a line a piece.

# cadenza notes 3
# anchor: lowest
# rest unit: 1/2
# tempo: 72
Aus meines Herzens Grunde<TAB>4/4<TAB>60-4-7r262r164r1<TAB>16 32

That is its title, metre and text, and the units at which its phrases end, where they are known. The tempo, in quarters
a minute, is there where the music's marks say one. The formats before had no phrases, and the first of them no metres;
its pieces are in two or four.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from core.errors import CorpusError, RequestError, named, reason
from core.music.metre import COMMON, Metre, parse_metre
from core.music.notation import Anchor
from core.music.score import UNITS
from core.processes.files import write_whole

HEADER: Final = "# cadenza notes 3"
_BEFORE: Final = ("# cadenza notes 1", "# cadenza notes 2")
_TEMPO: Final = re.compile(r"# tempo: \d{2,3}(\.\d{1,2})?\r?")
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_PIECE: Final = re.compile(r"([^\t]*)\t(?:(\d+/\d+)\t)?([0-9rR, -]*)(?:\t([0-9]{1,6}(?: [0-9]{1,6})*))?\r?")


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one parsed piece.

    `metre` is that in which its bars are counted, `phrases` the units at which its phrases end, ascending; none where
    that is not known.
    """

    title: str
    text: str
    metre: Metre = COMMON
    phrases: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Notes:
    """Hold parsed pieces, all in one anchor and rest unit; `tempo` is what their marks say, in quarters a minute."""

    anchor: Anchor
    unit: Fraction
    pieces: tuple[Entry, ...]
    tempo: float | None = None


def write_notes(path: Path, notes: Notes) -> None:
    """Write notes.txt, whole or not at all."""
    write_whole(path, "".join(line + "\n" for line in lines(notes)))


def lines(notes: Notes) -> Iterable[str]:
    """Return the lines of notes.txt."""
    yield HEADER
    yield f"# anchor: {notes.anchor}"
    yield f"# rest unit: {notes.unit}"
    if notes.tempo is not None:
        yield f"# tempo: {notes.tempo:g}"
    for entry in notes.pieces:
        phrases = "\t" + " ".join(map(str, entry.phrases)) if entry.phrases else ""
        yield f"{_BLANK.sub(' ', entry.title).strip()}\t{entry.metre}\t{entry.text}{phrases}"


def read_notes(path: Path) -> Notes:
    """Read notes.txt; the texts are not parsed here. Raises CorpusError."""
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CorpusError("{file} cannot be read: {reason}.", file=named(path), reason=reason(error)) from None
    except UnicodeDecodeError:
        raise CorpusError(
            "{file} is not a text file; parsed notes are written by core.parse_and_train.", file=named(path)
        ) from None
    header, _, rest = content.partition("\n")
    if header not in (HEADER, *_BEFORE):
        raise CorpusError(
            "{file} does not begin with {header!r}; parsed notes are written by core.parse_and_train.",
            file=named(path),
            header=HEADER,
        )
    body = rest.split("\n")
    header_lines = 3 if body[2:] and _TEMPO.fullmatch(body[2]) else 2
    facts = dict(line[2:].split(": ", 1) for line in body[:header_lines] if line.startswith("# ") and ": " in line)
    anchor, unit = facts.get("anchor"), facts.get("rest unit", "")
    if anchor not in ("lowest", "highest") or unit not in map(str, UNITS):
        raise CorpusError(
            "The header of {file} must name the anchor (lowest or highest) and the rest unit (1, 1/2 or 1/4).",
            file=named(path),
        )
    lines_of_pieces = enumerate(body[header_lines:], header_lines + 2)
    pieces = tuple(_entry(line, number, path) for number, line in lines_of_pieces if line)
    tempo = float(facts["tempo"]) if "tempo" in facts else None
    return Notes("lowest" if anchor == "lowest" else "highest", Fraction(unit), pieces, tempo)


def _entry(line: str, number: int, path: Path) -> Entry:
    """Read a line. Raises CorpusError."""
    match = _PIECE.fullmatch(line)
    if match is None:
        raise CorpusError(
            "Line {number} of {path} is not a title, a metre and the notation of a piece, with tabs between;"
            " parsed notes are written by core.parse_and_train.",
            number=number,
            path=named(path),
        )
    title, metre, text, phrases = match.groups()
    ends = tuple(sorted(map(int, phrases.split()))) if phrases else ()
    try:
        return Entry(title, text, parse_metre(metre) if metre else COMMON, ends)
    except RequestError as error:
        raise CorpusError("Line {number} of {path}: {error}", number=number, path=named(path), error=error) from None
