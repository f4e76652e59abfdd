"""What the readers of written music share: bytes as text, and the notes that start something."""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from core.errors import ReadingError, mark
from core.music.piece import TICKS, Bar, Budget, Printed, printed, too_long, too_many


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
        self._notes: list[tuple[int, int]] = []
        self._length = 0
        self._tied: set[tuple[int, int]] = set()  # the pitches of tied notes, and the ticks at which they end

    def new_voice(self) -> None:
        """Forget the ties of the part before; the voices of one come in turns."""
        self._tied = set()

    def add(self, onset: Fraction | float, length: Fraction | float, pitch: int, tie: str | None) -> None:
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
        continues = tie in ("stop", "continue") and (pitch, start) in self._tied
        if tie in ("start", "continue"):
            self._tied.add((pitch, stop))
        self._length = max(self._length, stop)
        if not continues:
            self._notes.append((start, pitch))

    def printed(self, bars: Sequence[Bar]) -> Printed:
        """Return the piece with its bars, of which the last goes on as long as it sounds.

        Raises ReadingError if nothing sounds, or too much.
        """
        if not self._notes:
            raise ReadingError("There are no notes in it. Choose another.", mark("no notes"))
        if len(self._notes) > self._budget.notes:
            raise too_many(mark("notes"), len(self._notes), self._budget.notes)
        *others, last = bars
        last = replace(last, end=max(last.end, self._length))
        return printed(self._title, self._notes, self._length, (*others, last))
