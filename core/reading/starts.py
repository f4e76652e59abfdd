"""What the readers of written music share: bytes as text, and the notes that start something."""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from core.errors import ReadingError, mark
from core.music.piece import TICKS, Bar, Budget, Printed, clean_title, printed, too_long, too_many
from core.music.tempo import marked


def decode(data: bytes) -> str:
    """Read bytes as text: by their byte order mark, else as UTF-8, else as Latin-1, which takes everything."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


class Starts:
    """Gather the notes of a piece that start something: no grace notes, no continuations of ties."""

    def __init__(self, title: str, budget: Budget) -> None:
        self._title, self._budget = title, budget
        self._notes: list[tuple[int, int, int, int]] = []
        self._names: list[str] = []
        self._fermatas: set[int] = set()
        self._length = 0
        self._tied: dict[tuple[int, int], int] = {}  # the pitches of tied notes, where they end -> which notes they are

    def new_voice(self, name: str = "") -> None:
        """Begin a part, and forget the ties of the one before; the voices of one come in turns."""
        self._names.append(clean_title(name))
        self._tied = {}

    def add(
        self,
        onset: Fraction | float,
        length: Fraction | float,
        pitch: int,
        tie: str | None,
        fermata: bool = False,
    ) -> None:
        """Take one note; `onset` and `length` in quarters. Raises ReadingError for one outside MIDI's pitches."""
        if not length > 0:
            return
        if not 0 <= pitch <= 127:
            raise ReadingError(
                "A note in it is outside MIDI's range (0-127): {pitch}. Transpose the piece.",
                mark("out of range"),
                pitch=pitch,
            )
        if not math.isfinite(end := onset + length) or end > self._budget.quarters:
            raise too_long(float(end), self._budget)
        start, stop = round(onset * TICKS), round(end * TICKS)
        begun = self._tied.get((pitch, start)) if tie in ("stop", "continue") else None
        index = len(self._notes) if begun is None else begun
        if begun is None:
            self._notes.append((start, pitch, stop - start, len(self._names) - 1))
        else:
            first, _, _, part = self._notes[begun]
            self._notes[begun] = (first, pitch, stop - first, part)
        if tie in ("start", "continue"):
            self._tied[pitch, stop] = index
        if fermata:
            self._fermatas.add(self._notes[index][0])
        self._length = max(self._length, stop)

    def printed(self, bars: Sequence[Bar], tempo: float = 0) -> Printed:
        """Return the piece with its bars, of which the last goes on as long as it sounds.

        Raises ReadingError if nothing sounds, or too much.
        """
        if not self._notes:
            raise ReadingError("There are no notes in it. Choose another.", mark("no notes"))
        if len(self._notes) > self._budget.notes:
            raise too_many(mark("notes"), len(self._notes), self._budget.notes)
        *others, last = bars
        last = replace(last, end=max(last.end, self._length))
        names, fermatas = tuple(self._names), tuple(sorted(self._fermatas))
        return printed(
            self._title, self._notes, self._length, (*others, last), names=names, fermatas=fermatas, tempo=marked(tempo)
        )
