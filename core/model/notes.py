"""notes.txt: the parsed pieces of a collection, a header and then a line a piece, title and text.

# cadenza notes 1
# anchor: lowest
# rest unit: 1/2
Aus meines Herzens Grunde<TAB>60-4-7r262r164r1
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from core.errors import CorpusError, named
from core.music.notation import Anchor
from core.music.score import UNITS

HEADER: Final = "# cadenza notes 1"
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_PIECE: Final = re.compile(r"[^\t]*\t[0-9rR, -]*\r?")  # what a line that holds one consists of


@dataclass(frozen=True, slots=True)
class Notes:
    """Hold parsed pieces as `(title, text)`, all in one anchor and rest unit."""

    anchor: Anchor
    unit: Fraction
    pieces: tuple[tuple[str, str], ...]


def write_notes(path: Path, notes: Notes) -> None:
    """Write notes.txt whole or not at all, by rename."""
    temporary = path.with_suffix(".part")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines(notes))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def lines(notes: Notes) -> Iterable[str]:
    """Return the lines of notes.txt."""
    yield HEADER
    yield f"# anchor: {notes.anchor}"
    yield f"# rest unit: {notes.unit}"
    for title, text in notes.pieces:
        yield f"{_BLANK.sub(' ', title).strip()}\t{text}"


def read_notes(path: Path) -> Notes:
    """Read notes.txt; the texts are not parsed here. Raises CorpusError."""
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CorpusError(f"{named(path)} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{named(path)} is not a text; parsed notes are written by core.parse_and_train.") from None
    header, _, rest = content.partition("\n")
    if header != HEADER:
        raise CorpusError(
            f"{named(path)} does not begin with {HEADER!r}; parsed notes are written by core.parse_and_train."
        )
    body = rest.split("\n")
    facts = dict(line[2:].split(": ", 1) for line in body[:2] if line.startswith("# ") and ": " in line)
    anchor, unit = facts.get("anchor"), facts.get("rest unit", "")
    if anchor not in ("lowest", "highest") or unit not in map(str, UNITS):
        raise CorpusError(
            f"The header of {named(path)} must name the anchor (lowest or highest) and the rest unit (1, 1/2 or 1/4)."
        )
    for number, line in enumerate(body[2:], 4):
        if line and not _PIECE.fullmatch(line):
            raise CorpusError(
                f"Line {number} of {path} is not a title, a tab and the notation of a piece;"
                " parsed notes are written by core.parse_and_train."
            )
    pieces = tuple((title, text) for title, tab, text in (line.partition("\t") for line in body[2:]) if tab)
    return Notes("lowest" if anchor == "lowest" else "highest", Fraction(unit), pieces)
