"""What the network hears: for each token the pitches and the time that it stands for.

Everything here follows from the tokens so far and nothing else. One row of a `(time, COLUMNS)` int16 matrix describes
one token; a piece begins with the boundary, at which everything is as `Ear` leaves its constructor.
"""

from copy import copy
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.music import notation
from core.music.notation import Anchor
from core.music.voices import Ringing, lead, sounding

NONE: Final = 128  # no pitch
VOICES: Final = 6  # pitches kept of a chord, counted from its own note
START: Final = 60  # the note that the first one is measured from
NO_STEP: Final = 255
PLACES: Final = (
    16  # places in a bar of four quarters, in sixteenths whatever the rest unit, so that all models are alike
)
BARS: Final = 8  # bars are counted up to a period

BASE, ID, PITCH, STEP, PLACE, BAR = range(6)
RINGING: Final = slice(6, 6 + VOICES)  # what rings once the latest event has begun
BEFORE: Final = slice(6 + VOICES, 6 + 2 * VOICES)  # what rang before the latest event
NOW: Final = slice(6 + 2 * VOICES, 6 + 3 * VOICES)  # the latest event's pitches so far
COLUMNS: Final = 6 + 3 * VOICES

Frames = NDArray[np.int16]  # (time, COLUMNS)

REACH: Final = 12  # semitones around a ringing voice within which the output knows a pitch by its distance
_SPREAD: Final = 2 * REACH + 1
_SILENCE: Final = (NONE,) * (3 * VOICES)

# The output layer's columns, in this order; a network that does not hear has one part, "token".
PARTS: Final[dict[str, int]] = {
    "free": 1 + len(notation.RESTS),  # the boundary and the rests
    "note": 128,  # a note by its pitch
    "interval": 127,  # an interval by its size
    "step": 255,  # a note by its distance from the note before
    "pitch": 128,  # an interval by the pitch that it sounds
    "note_ringing": _SPREAD,  # a note by its distance from each voice that rings
    "interval_before": _SPREAD,  # an interval's pitch by its distance from each voice that rang before its event
    "interval_now": _SPREAD,  # an interval's pitch by its distance from each note of its own event
}
CLASSES: Final = np.eye(12, dtype=np.float32)[:, np.arange(128) % 12]  # (12, 128)
OCTAVES: Final = np.eye(11, dtype=np.float32)[:, np.arange(128) // 12]  # (11, 128)


def rows(hears: bool) -> dict[str, int]:
    """Return the groups of ones in an input vector and how many rows each has."""
    if not hears:
        return {"id": notation.SIZE}
    return {
        "id": notation.SIZE,
        "pitch": 128,
        "class": 12,
        "octave": 11,
        "step": 255,
        "place": PLACES,
        "bar": BARS,
        "ringing": 12,  # pitch classes
    }


def parts(hears: bool) -> dict[str, int]:
    """Return the parts of the output layer and how many columns each has."""
    return PARTS if hears else {"token": notation.SIZE}


class Ear:
    """Follow one piece, token by token; a unit is `fine` sixteenths."""

    def __init__(self, anchor: Anchor, units_per_bar: int, fine: int) -> None:
        self.anchor, self.units_per_bar, self.fine = anchor, units_per_bar, fine
        self._begin()

    def _begin(self) -> None:
        self.time = 0  # units
        self.base = START
        self.ringing: tuple[Ringing, ...] = ()
        self.before: tuple[Ringing, ...] = ()
        self.now: tuple[int, ...] = ()
        self._voices = _SILENCE

    @property
    def sounding(self) -> tuple[int, ...]:
        """Return the pitches that ring, ascending."""
        return _pitches(self.ringing)

    def copy(self) -> "Ear":
        """Return another ear that has heard the same."""
        return copy(self)

    def hear(self, token: int) -> list[int]:
        """Take one token and return its frame."""
        pitch, step = NONE, NO_STEP
        if token in notation.NOTES:
            pitch = token - notation.NOTES.start
            step = pitch - self.base + 127
            self.base = pitch
            self._sound(self.ringing, (pitch,))
        elif token in notation.INTERVALS:
            distance = token - notation.INTERVALS.start + 1
            pitch = self.base + distance if self.anchor == "lowest" else self.base - distance
            self._sound(self.before, tuple(sorted((*self.now, pitch))))
        elif token in notation.RESTS:
            self.time += notation.rest_units(token)
        else:
            self._begin()
        bar, place = divmod(self.time, self.units_per_bar)
        return [self.base, token, pitch, step, place * self.fine, bar % BARS, *self._voices]

    def _sound(self, before: tuple[Ringing, ...], now: tuple[int, ...]) -> None:
        """Let an event's pitches so far follow on what rang before it."""
        self.before, self.now = sounding(before, self.time, self.units_per_bar), now
        self.ringing = lead(self.before, now, self.time, self.units_per_bar)
        self._voices = _slots(self.sounding) + _slots(_pitches(self.before)) + _slots(now)


def transpose(frames: Frames, semitones: int) -> None:
    """Move what is heard of a piece to another key, in place."""
    sounding = np.flatnonzero(frames[:, PITCH] != NONE)
    if not len(sounding):
        return
    notes = (frames[:, ID] >= notation.NOTES.start) & (frames[:, ID] < notation.NOTES.stop)
    first = sounding[0]
    voices = frames[first:, RINGING.start :]
    voices[voices != NONE] += semitones
    frames[first:, BASE] += semitones
    frames[first, STEP] += semitones  # measured from START, which stays
    frames[sounding, PITCH] += semitones
    frames[notes, ID] += semitones


def _pitches(ringing: tuple[Ringing, ...]) -> tuple[int, ...]:
    return tuple(note.pitch for note in ringing)


def _slots(pitches: tuple[int, ...]) -> tuple[int, ...]:
    return (pitches + _SILENCE)[:VOICES]


def roll(voices: NDArray[Any]) -> NDArray[np.float32]:
    """Return voices `(..., VOICES)` as a piano roll `(..., 128)` of ones and zeros."""
    sounding = np.zeros((*voices.shape[:-1], NONE + 1), np.float32)
    np.put_along_axis(sounding, voices.astype(np.int64), 1, axis=-1)
    return sounding[..., :NONE]
