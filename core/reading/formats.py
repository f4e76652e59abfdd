"""Bytes of a music file -> its pieces, within a budget.

MIDI is read by symusic, Humdrum here; MusicXML and ABC by music21, which is imported when the first such file comes.
"""

import re
from pathlib import PurePath

from core.errors import ReadingError, mark
from core.music.piece import Budget, Printed, Reading, Refusal, clean_title
from core.reading.midi import read_midi

__all__ = ["ENDINGS", "VERSION", "Budget", "Printed", "Reading", "Refusal", "not_music", "read", "too_large"]

VERSION = 9  # of what the readers make of a file; a cache forgets the versions before
ENDINGS = (".mid", ".midi", ".kar", ".mxl", ".musicxml", ".xml", ".abc", ".krn")


def read(data: bytes, name: str, budget: Budget | None = None) -> Reading:
    """Read the pieces of a file; its content decides on the format, then the ending of its name.

    Raises ReadingError, and nothing else, if no piece of it can be kept. Files of strangers can still take long in
    music21: see `core.reading.pool`.
    """
    budget = budget or Budget()
    if len(data) > budget.file_bytes:
        raise too_large(budget)
    try:
        return _read(data, name, budget)
    except (RecursionError, MemoryError) as error:
        raise ReadingError("The file is nested too deeply, or too large, to be read. Choose another.") from error


def too_large(budget: Budget) -> ReadingError:
    """Make the refusal of a file with more bytes than the budget has."""
    return ReadingError(
        "The file is larger than {most:g} MiB. Choose a smaller one, or cut the piece.",
        mark("file too large"),
        most=budget.file_bytes / (1 << 20),
    )


def not_music(ending: str) -> ReadingError:
    """Make the refusal of a file by the ending of its name."""
    if not ending:
        return ReadingError("Its name has no ending of a music file, such as .mid.", mark("not music"))
    return ReadingError(
        "{ending} is not the ending of a music file that can be read.", mark("not music"), ending=ending
    )


def _read(data: bytes, name: str, budget: Budget) -> Reading:
    title = clean_title(PurePath(name.replace("\\", "/")).stem) or "untitled"
    kind = _format(data, name)
    if kind == "midi":
        return Reading((read_midi(data, title, budget),))
    if kind == "abc":
        from core.reading.abc import read_abc

        return read_abc(data, title, budget)
    if kind == "humdrum":
        from core.reading.humdrum import read_humdrum

        return Reading((read_humdrum(data, title, budget),))
    from core.reading.musicxml import read_musicxml, unpack_mxl

    document = unpack_mxl(data, budget) if kind == "mxl" else data
    return Reading((read_musicxml(document, title, budget),))


def _format(data: bytes, name: str) -> str:
    """Tell the format. Raises ReadingError for a file that is none of them."""
    head = data[: 1 << 16]
    if not head.strip():
        raise ReadingError("The file is empty. Choose another.", mark("empty"))
    if head.startswith(b"MThd"):
        return "midi"
    if head.startswith(b"PK\x03\x04"):
        return "mxl"
    text = (
        head.replace(b"\0", b"")
        .removeprefix(b"\xef\xbb\xbf")
        .removeprefix(b"\xff\xfe")
        .removeprefix(b"\xfe\xff")
        .lstrip()
    )
    if text.startswith(b"<"):
        return "musicxml"
    if re.search(rb"^\*\*kern\b", text, re.MULTILINE):
        return "humdrum"
    if re.search(rb"^X:[ \t]*\d", text, re.MULTILINE) and re.search(rb"^K:", text, re.MULTILINE):
        return "abc"
    ending = PurePath(name).suffix.lower()
    if ending == ".abc" and b"K:" in text:
        return "abc"
    if ending == ".krn" and b"**kern" in text:
        return "humdrum"
    if ending in ENDINGS:
        raise ReadingError(
            "The file ends in {ending} but holds nothing of the kind. Export or download it again.",
            ending=ending,
        )
    raise ReadingError(
        "This is not a music file that can be read. These can be: {kinds}.",
        mark("not music"),
        kinds=", ".join(ENDINGS),
    )
