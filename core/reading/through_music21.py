"""What the formats read by music21 share: its errors, and the bars and notes of its scores.

music21 is slow and trusting: what could make it hang or swell is counted before it sees a file. It gets parsed data
and a format, so it guesses nothing, opens nothing, and keeps no pickles.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from fractions import Fraction
from io import StringIO
from typing import Any

from core.errors import ReadingError, mark
from core.music.piece import TICKS, Bar, Budget, Printed, damaged
from core.reading.starts import Starts


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


def collect_notes(score: Any, title: str, bars: Sequence[Bar], budget: Budget, tempo: float = 0) -> Printed:
    """Take the notes of all parts of a music21 score. Raises ReadingError."""
    from music21.expressions import Fermata

    starts = Starts(title, budget)
    for part in score.parts or [score]:
        starts.new_voice(getattr(part, "partName", None) or "")
        for onset, element in _sounding(part, 0):
            length = 0.0 if element.duration.isGrace else element.quarterLength
            held = any(isinstance(expression, Fermata) for expression in element.expressions)
            for note in getattr(element, "notes", (element,)):
                starts.add(onset, length, round(note.pitch.ps), None if note.tie is None else note.tie.type, held)
    return starts.printed(bars, tempo)


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
