"""A hum -> the notes that are meant: their pitches, a tempo and a grid, a key to lean on.

The pitch tracker and its segmentation into notes are SwiftF0's; what a musician does with them is done here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ReadingError, mark
from core.music import keys
from core.music.melody import Melody, Note
from core.music.metre import COMMON, Metre
from core.reading.sounds import RATE, Samples

if TYPE_CHECKING:
    from swift_f0 import PitchResult, SwiftF0

LEAST_NOTES: Final = 3

_HOLD: Final = 100.0  # milliseconds from which another pitch is another note
_SILENCE: Final = 0.003  # a peak below this is no sound
_UNSURE: Final = 0.3  # semitones beside the nearest one, from which on the key decides
# What the least of singing has. Of 54 hums the worst had .76, .93 and .5; drums and noise had a voiced share of .03,
# chorales a purity of .58 at most, and speech a steadiness of .09.
_VOICED: Final = 0.4
_PURE: Final = 0.75
_STEADY: Final = 0.3

_SCALES: Final = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10, 11)}

# Note lengths in quarters, and how far from obvious each is, in nats.
_LENGTHS: Final = {
    Fraction(1, 4): 2.5,
    Fraction(1, 2): 0.6,
    Fraction(3, 4): 2.2,
    Fraction(1): 0.0,
    Fraction(3, 2): 1.0,
    Fraction(2): 0.7,
    Fraction(5, 2): 3.5,
    Fraction(3): 1.3,
    Fraction(4): 1.6,
    Fraction(5): 3.5,
    Fraction(6): 3.0,
    Fraction(8): 3.5,
}
_PERIODS: Final = np.geomspace(0.3, 1.3, 60)  # seconds of a quarter
_USUAL: Final = 0.6  # seconds, and how far tempos stray from it, as a logarithm
_USUAL_SPREAD: Final = 0.4
_UNEVEN: Final = 0.13  # how far a single note strays, as a logarithm of its length
_COMMON, _NO_UPBEAT = 1.15, 1.4  # by what 4/4, and bars from the first note on, are favoured
_WAVER: Final = 0.07  # how far the tempo strays from one note to the next


@dataclass(frozen=True, slots=True)
class Sung:
    """Name a note as it is sung: seconds, and a pitch that may lie between MIDI's."""

    start: float
    end: float
    pitch: float

    @property
    def seconds(self) -> float:
        """Return how long it lasts."""
        return self.end - self.start


def listen(samples: Samples) -> Melody:
    """Hear the melody in a hum. Raises ReadingError for what is no singing."""
    notes = hear(samples)
    return on_grid(notes, semitones(notes))


def hear(samples: Samples) -> tuple[Sung, ...]:
    """Find the notes that are sung, in samples at RATE. Raises ReadingError for what is no singing."""
    if float(np.abs(samples).max(initial=0)) < _SILENCE:
        raise ReadingError("This is silent. Record it again, a little louder.", mark("silent"))
    try:
        from swift_f0 import segment_notes
    except ImportError:
        raise ReadingError(
            "Hums cannot be heard here: the bot's owner has to install the extra hum.", mark("not music")
        ) from None
    samples = samples / np.abs(samples).max()
    track = _tracker().detect(samples, RATE)
    notes = tuple(
        Sung(note.start, note.end, float(_midi(note.pitch_hz))) for note in segment_notes(track, pitch_hold_ms=_HOLD)
    )
    _check(samples, track, notes)
    return notes


def semitones(notes: Sequence[Sung]) -> tuple[int, ...]:
    """Return the MIDI pitches that are meant.

    Whoever sings between the semitones all the time is moved by what is between; a note that is still between two is
    the one of the key.
    """
    pitches = np.array([note.pitch for note in notes])
    weights = np.array([note.seconds for note in notes])
    between = float(np.angle(np.sum(weights * np.exp(2j * np.pi * pitches)))) / (2 * np.pi)
    tuned = pitches - between
    nearest = np.rint(tuned).astype(int)
    sure = np.abs(tuned - nearest) <= _UNSURE
    if sure.all() or not sure.any():
        return tuple(nearest.tolist())
    tonic, mode = keys.parse_key(keys.find_key(np.repeat(nearest, np.maximum(1, weights * 10).astype(int))))
    scale = {(tonic + step) % 12 for step in _SCALES[mode]}
    for index in np.flatnonzero(~sure):
        other = nearest[index] + (1 if tuned[index] > nearest[index] else -1)
        if nearest[index] % 12 not in scale and other % 12 in scale:
            nearest[index] = other
    return tuple(nearest.tolist())


def on_grid(notes: Sequence[Sung], pitches: Sequence[int]) -> Melody:
    """Write what was sung with note values, at a tempo that may waver, and guess its bars."""
    starts = np.array([note.start for note in notes])
    steps, periods = _lengths(np.diff(starts), notes[-1].seconds)
    written, now = list[Note](), Fraction(0)
    for note, step, period, pitch in zip(notes, steps, periods, pitches, strict=True):
        sounds = Fraction(max(1, round(2 * note.seconds / period)), 2)
        length = step if step - sounds < Fraction(1, 2) or note.seconds > 0.55 * float(step) * period else sounds
        written.append(Note(now, min(length, step), pitch))
        now += step
    metre, upbeat = _bars(written, now)
    shift = metre.bar - upbeat if upbeat else Fraction(0)
    moved = tuple(Note(note.onset + shift, note.length, note.pitch) for note in written)
    return Melody(moved, now + shift, metre, float(np.clip(round(60 / float(np.median(periods))), 40, 200)))


def _lengths(gaps: NDArray[np.float64], last: float) -> tuple[list[Fraction], NDArray[np.float64]]:
    """Return note values from one onset to the next, and seconds of a quarter at each, by Viterbi's algorithm.

    States are tempos. What a note costs is how far it strays from a length at that tempo, and how rare the length is.
    """
    values = list(_LENGTHS)
    quarters, rare = np.array([float(value) for value in values]), np.array(list(_LENGTHS.values()))
    expected = np.log(quarters[:, None] * _PERIODS[None, :])  # (lengths, tempos)
    seconds = np.concatenate([gaps, [max(last, 0.1)]])
    change = (np.log(_PERIODS)[:, None] - np.log(_PERIODS)[None, :]) ** 2 / (2 * _WAVER**2)
    costs = np.log(_PERIODS / _USUAL) ** 2 / (2 * _USUAL_SPREAD**2)
    chosen, back = list[NDArray[np.intp]](), list[NDArray[np.intp]]()
    for index, gap in enumerate(seconds):
        stray = (np.log(gap) - expected) ** 2 / (2 * _UNEVEN**2)
        if index == len(seconds) - 1:
            stray = stray / 9  # nobody holds the last note to its end
        each = stray + rare[:, None]
        chosen.append(each.argmin(axis=0))
        arriving = costs[None, :] + change if index else np.where(np.eye(len(_PERIODS)) > 0, costs, np.inf)
        back.append(arriving.argmin(axis=1))
        costs = arriving.min(axis=1) + each.min(axis=0)
    state = int(costs.argmin())
    steps, periods = list[Fraction](), list[float]()
    for lengths, before in zip(reversed(chosen), reversed(back), strict=True):
        steps.append(values[int(lengths[state])])
        periods.append(float(_PERIODS[state]))
        state = int(before[state])
    return steps[::-1], np.array(periods[::-1])


def _bars(notes: Sequence[Note], length: Fraction) -> tuple[Metre, Fraction]:
    """Guess the metre, and how many quarters stand before its first bar: long notes begin bars."""
    best, choice = 0.0, (COMMON, Fraction(0))
    for metre, favour in ((COMMON, _COMMON), (Metre(3, 4), 1.0)):
        for upbeat in range(int(metre.bar)):
            lines = max(1.0, float((length - upbeat) / metre.bar))
            weight = sum(float(note.length) for note in notes if (note.onset - upbeat) % metre.bar == 0)
            score = weight / lines * favour * (_NO_UPBEAT if upbeat == 0 else 1.0)
            if score > best:
                best, choice = score, (metre, Fraction(upbeat))
    return choice


def _check(samples: Samples, track: "PitchResult", notes: Sequence[Sung]) -> None:
    """Refuse what is no singing."""
    loud = track.loudness_db > track.loudness_db.max() - 30
    voiced = (track.confidence >= 0.5) & loud
    if voiced.sum() < _VOICED * loud.sum() or not notes:
        raise ReadingError(
            "I hear no single voice in this, but noises, drums or a band. Sing, hum or whistle one line.",
            mark("no notes"),
        )
    if purity(samples, track) < _PURE:
        raise ReadingError(
            "I hear several voices or instruments at once. Sing or hum the melody alone.", mark("no notes")
        )
    if steadiness(track, notes) < _STEADY:
        raise ReadingError(
            "This sounds like speech: its pitch does not rest on notes. Sing or hum the melody.", mark("no notes")
        )
    if len(notes) < LEAST_NOTES:
        raise ReadingError("I hear too little of a melody in this. Sing three notes at least.", mark("no notes"))


def steadiness(track: "PitchResult", notes: Sequence[Sung]) -> float:
    """Return the share of voiced time that is spent on steady notes: near their pitch, and for a fifth of a second."""
    pitches = _midi(track.pitch_hz)
    voiced = track.confidence >= 0.5
    steady = np.zeros(len(pitches), bool)
    for note in notes:
        inside = (track.timestamps >= note.start) & (track.timestamps < note.end) & voiced
        smooth = np.convolve(pitches[inside], np.ones(11) / 11, "same") if inside.sum() > 22 else pitches[inside]
        if note.seconds >= 0.2 and inside.any() and np.median(np.abs(smooth - note.pitch)) < 0.35:
            steady |= inside
    return float(steady.sum() / max(1, voiced.sum()))


def purity(samples: Samples, track: "PitchResult") -> float:
    """Return the share of the energy below 4 kHz that lies on multiples of the pitch, where there is one."""
    size, hop = 2048, 256
    window = np.hanning(size)
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    below = frequencies < 4_000
    padded = np.pad(samples, size // 2)
    explained = total = 0.0
    for frame in np.flatnonzero(track.confidence >= 0.5)[::2]:
        spectrum = (
            np.abs(np.fft.rfft(padded[frame * hop : frame * hop + size] * window)) ** 2
            if (frame * hop + size <= len(padded))
            else np.zeros(len(frequencies))
        )
        pitch = track.pitch_hz[frame]
        harmonic = np.maximum(1, np.rint(frequencies / pitch))
        near = np.abs(frequencies - harmonic * pitch) < np.maximum(24.0, 0.03 * frequencies)
        explained += float(spectrum[below & near].sum())
        total += float(spectrum[below].sum())
    return explained / max(total, 1e-12)


def _midi(frequency: "NDArray[np.float64] | float") -> "NDArray[np.float64]":
    return 69 + 12 * np.log2(np.maximum(np.asarray(frequency, np.float64), 1.0) / 440)


@cache
def _tracker() -> "SwiftF0":
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)
