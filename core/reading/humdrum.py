"""Humdrum files with **kern spines: counted as text, then read by music21."""

import re
from fractions import Fraction
from typing import Final

from core.errors import ReadingError
from core.music.piece import Budget, Piece, clean_title, damaged, odd_metre, too_many
from core.reading.through_music21 import collect_notes, decode, lead_in, music21_on

_METRE: Final = re.compile(r"\*M(\d[\d+%]*/\d[\d%]*|\d+)")
_NOTE: Final = re.compile(r"[A-Ga-g]+")
_ENDLESS: Final = re.compile(r"\d{5,}|\.{5,}|0{4,}|%\d{4,}")  # whatever makes a single note last for hours


def read_humdrum(data: bytes, title: str, budget: Budget) -> Piece:
    """Read a Humdrum file. Raises ReadingError."""
    text = decode(data)
    metres = _check(text, budget)
    reference = re.search(r"^!!!OTL[^:\n]*:(.*)$", text, re.MULTILINE)
    with music21_on("Humdrum"):
        from music21.humdrum.spineParser import HumdrumDataCollection
        from music21.stream import Measure, Opus

        score = HumdrumDataCollection(text).parse()
        if isinstance(score, Opus):
            raise ReadingError(
                "This Humdrum file holds several pieces. Save each in a file of its own.", "several pieces"
            )
        measures = list(score.parts[0].getElementsByClass(Measure)) if score.parts else []
        bar_lines = [Fraction(measure.offset) for measure in measures[:2]]
        pickup = next((place for place in bar_lines if place > 0), Fraction(0))
        shift = lead_in(pickup, metres[0]) if metres else Fraction(0)
        return collect_notes(score, clean_title(reference[1]) if reference else title, shift, metres, budget)


def _check(text: str, budget: Budget) -> tuple[str, ...]:
    """Hold the text to the budget and to metres in two or four, and return these."""
    metres = dict[str, None]()
    notes = rests = bar = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.count("\t") >= budget.tracks:
            raise too_many("spines", line.count("\t") + 1, budget.tracks)
        if line.startswith("="):
            bar += 1
        elif line.startswith("*"):
            for cell in line.split("\t"):
                if match := _METRE.fullmatch(cell.strip()):
                    if not re.fullmatch(r"[24]/\d+", match[1]):
                        raise odd_metre(match[1], f"in bar {max(bar, 1)}")
                    metres[match[1]] = None
        elif not line.startswith("!"):
            if _ENDLESS.search(line):
                raise damaged("Humdrum", f"line {number} has a note of an impossible length")
            notes += len(_NOTE.findall(line))
            rests += line.count("r")
    for what, count, most in (
        ("notes", notes, budget.notes),
        ("rests", rests, budget.notes),
        ("bars", bar, budget.quarters),
    ):
        if count > most:
            raise too_many(what, count, most)
    return tuple(metres)
