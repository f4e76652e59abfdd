"""Humdrum files with **kern spines: counted as text, then read by music21."""

import re
from typing import Final

from core.errors import ReadingError, mark
from core.music.piece import Budget, Printed, clean_title, damaged, too_many
from core.reading.through_music21 import bar_lines, collect_notes, decode, music21_on

_NOTE: Final = re.compile(r"[A-Ga-g]+")
_ENDLESS: Final = re.compile(r"\d{5,}|\.{5,}|0{4,}|%\d{4,}")  # whatever makes a single note last for hours


def read_humdrum(data: bytes, title: str, budget: Budget) -> Printed:
    """Read a Humdrum file. Raises ReadingError."""
    text = decode(data)
    _check(text, budget)
    reference = re.search(r"^!!!OTL[^:\n]*:(.*)$", text, re.MULTILINE)
    with music21_on("Humdrum"):
        from music21.humdrum.spineParser import HumdrumDataCollection
        from music21.stream import Opus

        score = HumdrumDataCollection(text).parse()
        if isinstance(score, Opus):
            raise ReadingError(
                "This Humdrum file holds several pieces. Save each in a file of its own.", mark("several pieces")
            )
        return collect_notes(score, clean_title(reference[1]) if reference else title, bar_lines(score), budget)


def _check(text: str, budget: Budget) -> None:
    """Hold the text to the budget."""
    notes = rests = bar = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.count("\t") >= budget.tracks:
            raise too_many(mark("spines"), line.count("\t") + 1, budget.tracks)
        if line.startswith("="):
            bar += 1
        elif not line.startswith(("!", "*")):
            if _ENDLESS.search(line):
                raise damaged("Humdrum", mark("line {number} has a note of an impossible length", number=number))
            notes += len(_NOTE.findall(line))
            rests += line.count("r")
    for what, count, most in (
        (mark("notes"), notes, budget.notes),
        (mark("rests"), rests, budget.notes),
        (mark("bars"), bar, budget.quarters),
    ):
        if count > most:
            raise too_many(what, count, most)
