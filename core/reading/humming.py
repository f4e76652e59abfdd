"""A hum -> the notes that are meant: their pitches, a tempo and a grid, a key to lean on.

The pitch tracker and its segmentation into notes are SwiftF0's; what a musician does with them is done here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

_WHISTLED: Final = 450.0  # Hz from which on somebody may whistle
_SHRILL: Final = 3_500.0  # Hz above which nobody does
_WHISTLE: Final = 0.9  # the least share of a whistle's energy that lies on its pitch
_ASSURED: Final = 0.8
_PERIOD: Final = 11  # frames of a vibrato's period, about
_NARROWEST, _WIDEST = 0.7, 3.0  # semitones from the one turn of a vibrato to the other
_TO_AND_FRO: Final = 1.6  # by how much a pitch moves in a period, in its width: a vibrato's by twice, a step's by once
_LOWER: Final = 3  # by what factor a whistle may fall below its middle
_FLUTTER, _FLUTTER_DB = 4, 12.0  # frames and decibels within which a whistle's loudness may fall without a new note

_SCALES: Final = {"major": keys.MAJOR, "minor": keys.MINOR - {9}}

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
    if (whistled := float(np.median(track.pitch_hz[_loud(track)]))) >= _WHISTLED:
        track = _assured(samples, _tracker().detect(samples, RATE, fmin=whistled / _LOWER))
    calmed = _calmed(track)
    notes = tuple(
        Sung(note.start, note.end, float(_midi(note.pitch_hz))) for note in segment_notes(calmed, pitch_hold_ms=_HOLD)
    )
    _check(samples, track, calmed, notes)
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


def _check(samples: Samples, track: "PitchResult", calmed: "PitchResult", notes: Sequence[Sung]) -> None:
    """Refuse what is no singing; `calmed` is without vibrato."""
    loud = _loud(track)
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
    if steadiness(calmed, notes) < _STEADY:
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
    explained, total = _explained(samples, track, np.flatnonzero(track.confidence >= 0.5)[::2])
    return float(explained.sum() / max(total.sum(), 1e-12))


def _assured(samples: Samples, track: "PitchResult") -> "PitchResult":
    """Trust the pitch of a whistle, and that its loudness may flutter, where nearly all that sounds lies on its pitch.

    The tracker is unsure of one with vibrato, and takes it for the overtone of a note an octave or a twelfth below.
    """
    for overtone in (3, 2):
        higher = replace(track, pitch_hz=track.pitch_hz * overtone)
        found = _whistled(samples, higher)
        pitches = track.pitch_hz.copy()
        pitches[found] = higher.pitch_hz[found]
        track = replace(track, pitch_hz=pitches)
    whistled = _whistled(samples, track)
    confidence, loudness = track.confidence.copy(), track.loudness_db.copy()
    confidence[whistled] = np.maximum(confidence[whistled], _ASSURED)
    padded = np.pad(loudness, _FLUTTER, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, _FLUTTER + 1).max(1)
    closed = np.minimum(around[: len(loudness)], around[_FLUTTER:])  # the least of what is on both sides
    loudness[whistled] = np.minimum(closed, loudness + _FLUTTER_DB)[whistled]
    return replace(track, confidence=confidence, loudness_db=loudness)


def _whistled(samples: Samples, track: "PitchResult") -> NDArray[np.intp]:
    """Return the frames in which nearly all that sounds lies on the pitch of a whistle."""
    frames = np.flatnonzero(_loud(track) & (track.pitch_hz >= _WHISTLED) & (track.pitch_hz < _SHRILL))
    explained, total = _explained(samples, track, frames, size=1024, width=0.06)
    return frames[explained > _WHISTLE * total]


def _calmed(track: "PitchResult") -> "PitchResult":
    """Level out a vibrato that is wide enough to be taken for notes: its pitch is the middle between its turns."""
    pitches, sure = _midi(track.pitch_hz), track.confidence >= 0.5
    gone = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(pitches)))])  # semitones up and down, up to each frame
    calmed, near, half = pitches.copy(), np.full(len(pitches), -1), _PERIOD // 2
    width = np.zeros(len(pitches))
    for frame in range(_PERIOD, len(pitches) - _PERIOD):
        period = slice(frame - half, frame + half + 1)
        width[frame] = np.ptp(pitches[period])
        to_and_fro = gone[frame + half] - gone[frame - half] >= _TO_AND_FRO * width[frame]
        if sure[period].all() and _NARROWEST <= width[frame] < _WIDEST and to_and_fro:
            calmed[frame], near[frame] = pitches[period].mean(), frame
    for frames in (range(1, len(near)), range(len(near) - 2, -1, -1)):  # to both ends of the note
        step = frames.step
        for frame in frames:
            known = near[frame - step]
            follows = near[frame] < 0 <= known and sure[frame] and abs(frame - known) <= _PERIOD
            if follows and abs(pitches[frame] - calmed[known]) <= 0.7 * width[known]:
                calmed[frame], near[frame] = calmed[known], known
    frequency: NDArray[np.float64] = 440 * 2 ** ((calmed - 69) / 12)
    return replace(track, pitch_hz=frequency)


def _loud(track: "PitchResult") -> NDArray[np.bool_]:
    loud: NDArray[np.bool_] = track.loudness_db > track.loudness_db.max() - 30
    return loud


def _explained(
    samples: Samples, track: "PitchResult", frames: NDArray[np.intp], *, size: int = 2048, width: float = 0.03
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the energy below 4 kHz that lies on multiples of the pitch, and all that does, in each of some frames."""
    hop, window = 256, np.hanning(size)
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    below = frequencies < 4_000
    padded = np.pad(samples, (size // 2, size))
    explained, total = np.zeros(len(frames)), np.zeros(len(frames))
    for place, frame in enumerate(frames):
        spectrum = np.abs(np.fft.rfft(padded[frame * hop : frame * hop + size] * window)) ** 2
        pitch = track.pitch_hz[frame]
        harmonic = np.maximum(1, np.rint(frequencies / pitch))
        near = np.abs(frequencies - harmonic * pitch) < np.maximum(24.0, width * frequencies)
        explained[place], total[place] = spectrum[below & near].sum(), spectrum[below].sum()
    return explained, total


def _midi(frequency: "NDArray[np.float64] | float") -> "NDArray[np.float64]":
    return 69 + 12 * np.log2(np.maximum(np.asarray(frequency, np.float64), 1.0) / 440)


@cache
def _tracker() -> "SwiftF0":
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)
