"""What the formats read by music21 share: text, bar lengths, and the notes of its scores.

music21 is slow and trusting: what could make it hang or swell is counted before it sees a file. It gets parsed data
and a format, so it guesses nothing, opens nothing, and keeps no pickles.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from fractions import Fraction
from io import StringIO
from typing import Any

from core.errors import ReadingError, mark
from core.music.piece import TICKS, Bar, Budget, Printed, damaged, printed, too_long, too_many


def decode(data: bytes) -> str:
    """Read bytes as text: by their byte order mark, else as UTF-8, else as Latin-1, which takes everything."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


@contextmanager
def music21_on(what: str) -> Iterator[None]:
    """Run music21 quietly, and turn whatever it raises on a damaged file into a ReadingError."""
    with warnings.catch_warnings(), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        except ReadingError:
            raise
        except Exception as error:
            detail = " ".join(str(error).split())[:80].rstrip(".") or type(error).__name__
            raise damaged(what, mark("music21 gives up with “{detail}”", detail=detail)) from error


def bar_lines(score: Any) -> list[Bar]:
    """Return the bars of the first part of a music21 score, with their time signatures, one at least."""
    from music21.stream import Measure

    part = next(iter(score.parts), score)
    bars = list[Bar]()
    signature = "4/4"
    for measure in part.getElementsByClass(Measure):
        signature = signature if measure.timeSignature is None else measure.timeSignature.ratioString
        start = round(part.elementOffset(measure) * TICKS)
        if bars:
            bars[-1] = replace(bars[-1], end=start)
        bars.append(Bar(start, start + round(measure.duration.quarterLength * TICKS), signature))
    return bars or [Bar(0, 0)]


def collect_notes(score: Any, title: str, bars: Sequence[Bar], budget: Budget) -> Printed:
    """Take the notes of all parts of a music21 score. Raises ReadingError."""
    starts = Starts(title, budget)
    for part in score.parts or [score]:
        starts.new_voice()
        for onset, element in _sounding(part, 0):
            length = 0.0 if element.duration.isGrace else element.quarterLength
            for note in getattr(element, "notes", (element,)):
                starts.add(onset, length, round(note.pitch.ps), None if note.tie is None else note.tie.type)
    return starts.printed(bars)


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


def _sounding(stream: Any, start: Fraction | float) -> Iterator[tuple[Fraction | float, Any]]:
    """Walk through the notes and chords of a stream and the streams in it, with their onsets in quarters."""
    from music21.chord import Chord
    from music21.harmony import Harmony
    from music21.note import Note
    from music21.stream import Stream

    for element in stream.elements:
        onset = start + stream.elementOffset(element)
        if isinstance(element, Stream):
            yield from _sounding(element, onset)
        elif isinstance(element, Note | Chord) and not isinstance(element, Harmony):
            yield onset, element
