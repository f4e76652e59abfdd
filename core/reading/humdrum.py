"""Humdrum files with **kern spines, read line by line.

music21 reads them too, but a file of 80 KB keeps it busy for seconds, and a damaged one of 28 KB for half a minute.
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Final

from core.errors import ReadingError, mark
from core.music.piece import TICKS, Bar, Budget, Printed, Sign, clean_title, damaged, too_long, too_many
from core.reading.starts import Starts, decode

_LENGTH: Final = re.compile(r"(\d+)(?:%(\d+))?(\.*)")
_PITCH: Final = re.compile(r"(?P<name>([A-Ga-g])\2*)(?P<signs>#+|-*)")
_SEMITONES: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_TIES: Final = {"[": "start", "_": "continue", "]": "stop"}
_METRE: Final = re.compile(r"\*M(\d[\d+%]*/\d[\d%]*)")
_LABEL: Final = re.compile(r"\*>([\w ]+)")
_EXPANSION: Final = re.compile(r"\*>\[([\w ,]*)\]")


@dataclass(slots=True)
class _Spine:
    """Follow one column: the part it belongs to, None if it holds no notes, and where it is free, in quarters."""

    part: int | None
    free: Fraction = Fraction(0)


def read_humdrum(data: bytes, title: str, budget: Budget) -> Printed:
    """Read a Humdrum file. Raises ReadingError."""
    text = decode(data)
    reference = re.search(r"^!!!OTL[^:\n]*:(.*)$", text, re.MULTILINE)
    score = _Score(budget)
    for number, line in enumerate(text.splitlines(), 1):
        score.read(line.rstrip(), number)
    starts = Starts(clean_title(reference[1]) if reference else title, budget)
    for part, name in zip(score.parts, score.names, strict=True):
        starts.new_voice(name)
        for note in part:
            starts.add(*note)
    tempo = re.search(r"^(?:.*\t)?\*MM(\d{2,3}(?:\.\d{1,3})?)(?:\t.*)?$", text, re.MULTILINE)
    return starts.printed(score.bars(), float(tempo[1]) if tempo else 0)


class _Score:
    """Follow the spines of a file down its lines, and gather notes, bar lines and labels, all in quarters."""

    def __init__(self, budget: Budget) -> None:
        self.parts: list[list[tuple[Fraction, Fraction, int, str | None, bool]]] = []
        self.names: list[str] = []  # of the parts
        self._budget = budget
        self._spines: list[_Spine] = []
        self._now = Fraction(0)  # where all spines are free
        self._count = 0  # of notes and rests
        self._lines: list[tuple[Fraction, str]] = []  # where a bar line stands, and how it is drawn
        self._metres = [(Fraction(-1), "4/4")]
        self._labels: list[tuple[Fraction, str]] = []
        self._expansion: list[str] = []

    def read(self, line: str, number: int) -> None:
        """Read one line. Raises ReadingError."""
        if not line or line.startswith("!"):
            return
        cells = line.split("\t")
        if len(cells) > self._budget.tracks:
            raise too_many(mark("spines"), len(cells), self._budget.tracks)
        if line.startswith("**") and not self._spines:
            if self.parts:
                raise ReadingError(
                    "This Humdrum file holds several pieces. Save each in a file of its own.", mark("several pieces")
                )
            self._spines = [_Spine(None) for _ in cells]
        if len(cells) != len(self._spines):
            raise damaged(
                "Humdrum", mark("line {number} has another number of spines than the one before", number=number)
            )
        if line.startswith("*"):
            self._interpret(cells)
        elif line.startswith("="):
            self._lines.append((self._now, cells[0]))
            if len(self._lines) > self._budget.quarters:
                raise too_many(mark("bars"), len(self._lines), self._budget.quarters)
        else:
            self._sound(cells, number)

    def _interpret(self, cells: list[str]) -> None:
        """Read a line of interpretations, behind which there may be other spines."""
        if match := next(filter(None, map(_METRE.fullmatch, cells)), None):
            self._metres.append((self._now, match[1]))
        if match := next(filter(None, map(_EXPANSION.fullmatch, cells)), None):
            self._expansion = match[1].split(",")
        elif match := next(filter(None, map(_LABEL.fullmatch, cells)), None):
            self._labels.append((self._now, match[1]))
        spines = list[_Spine]()
        before = ""
        for cell, spine in zip(cells, self._spines, strict=True):
            if cell.startswith("**"):
                spine.part = len(self.parts) if cell == "**kern" else None
                self.parts += [[]] if cell == "**kern" else []
                self.names += [""] if cell == "**kern" else []
            elif cell.startswith('*I"') and spine.part is not None:
                self.names[spine.part] = cell[3:]
            if cell == "*v" == before:
                spines[-1].free = max(spines[-1].free, spine.free)
            elif cell == "*x" == before:
                spines.insert(-1, spine)
                cell = ""
            elif cell != "*-":
                spines += [spine, replace(spine)] if cell == "*^" else [spine]
            before = cell
        self._spines = spines
        if len(spines) > self._budget.tracks:
            raise too_many(mark("spines"), len(spines), self._budget.tracks)

    def _sound(self, cells: list[str], number: int) -> None:
        """Read a line of notes and rests, which begin together."""
        begun = [
            (cell.split(), spine)
            for cell, spine in zip(cells, self._spines, strict=True)
            if spine.part is not None and cell != "." and "q" not in cell.lower()
        ]
        onset = max((spine.free for _, spine in begun), default=self._now)
        for notes, spine in begun:
            assert spine.part is not None
            lengths = [length for note in notes if (length := _length(note, number)) is not None]
            spine.free = onset + (lengths[0] if lengths else 0)
            for note in notes if lengths else ():
                self._count += 1
                if (pitch := _pitch(note)) is not None and "r" not in note:
                    tie = next((_TIES[sign] for sign in note if sign in _TIES), None)
                    length = _length(note, number) or lengths[0]
                    self.parts[spine.part].append((onset, length, pitch, tie, ";" in note))
        self._now = max((spine.free for spine in self._spines), default=self._now)
        if self._now > self._budget.quarters:
            raise too_long(float(self._now), self._budget)
        if self._count > self._budget.notes:
            raise too_many(mark("notes"), self._count, self._budget.notes)

    def bars(self) -> list[Bar]:
        """Return the bars, one at least."""
        bars = list[Bar]()
        edges = [(Fraction(0), ""), *self._lines, (self._now, "")]
        metres = iter([*self._metres, (Fraction(self._budget.quarters + 1), "")])
        ((_, signature), coming) = next(metres), next(metres)
        opens = False
        for (start, line), (end, closing) in pairwise(edges):
            opens |= re.search("[|!]:", line) is not None
            times = 2 if re.search(":[|!]", closing) else 0
            while coming[0] <= start:
                signature, coming = coming[1], next(metres)
            if end > start:
                signs: tuple[Sign, ...] = ("opens",) if opens else ()
                bars.append(Bar(round(start * TICKS), round(end * TICKS), signature, signs, times=times))
                opens = False
        return self._expanded(bars) if self._expansion else bars or [Bar(0, 0)]

    def _expanded(self, bars: list[Bar]) -> list[Bar]:
        """Put repeats where an expansion list has a label several times running, if that is all it does."""
        turns = [(label, len(list(group))) for label, group in groupby(self._expansion)]
        if [label for label, _ in turns] != [label for _, label in self._labels]:
            return bars
        bars = [replace(bar, signs=(), times=0) for bar in bars]
        edges = [round(place * TICKS) for place, _ in self._labels] + [bars[-1].end]
        for (_, times), (start, end) in zip(turns, pairwise(edges), strict=True):
            section = [place for place, bar in enumerate(bars) if start <= bar.start < end]
            if times > 1 and section:
                bars[section[0]] = replace(bars[section[0]], signs=("opens",))
                bars[section[-1]] = replace(bars[section[-1]], times=times)
        return bars


def _length(note: str, number: int) -> Fraction | None:
    """Return how many quarters a note or rest lasts; None if it does not say. Raises ReadingError."""
    match = _LENGTH.search(note)
    if match is None:
        return None
    parts, whole, dots = match[1], match[2] or "1", len(match[3])
    if max(len(parts), len(whole), dots) > 4 or parts == "0000" or not int(whole):
        raise damaged("Humdrum", mark("line {number} has a note of an impossible length", number=number))
    length = 4 * Fraction(int(whole), int(parts)) if int(parts) else Fraction(4 << len(parts))
    return length * (2 - Fraction(1, 1 << dots))


def _pitch(note: str) -> int | None:
    """Return the MIDI number of a note; None for a rest."""
    match = _PITCH.search(note)
    if match is None:
        return None
    name, signs = match["name"], match["signs"]
    octaves = len(name) - 1 if name.islower() else -len(name)
    return 60 + 12 * octaves + _SEMITONES[name[0].upper()] + signs.count("#") - signs.count("-")
