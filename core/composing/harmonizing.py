"""Harmonising: from a melody to four voices, of which it is the soprano, note for note."""

import math
import secrets
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import median
from typing import Final

import numpy as np

from core.composing import critic, form, particles
from core.composing.particles import PARTICLES, Kept, Line
from core.composing.sampling import LARGEST_SEED, LONGEST_PIECE, TEMPERATURES
from core.errors import RequestError, check_range, mark
from core.model.bundle import Params
from core.model.stepping import Stepper
from core.model.told import MODES, Told
from core.music import bars, keys
from core.music.bars import Bars
from core.music.melody import Melody
from core.music.metre import LONGEST_BAR, Metre
from core.music.parts import RANGES, PartScore
from core.reading.melody import STRETCHES

USUAL_TEMPERATURE: Final = 0.7  # Bach's own leaps and dissonances are met at it (docs/harmonizing.md)
MOST_EFFORT: Final = 4 * PARTICLES
MOST_TAKES: Final = 8

_LEAST_VOICES: Final = 2.0  # notes that begin together, in the mean, in music from which four voices can be learned
_MIDDLE: Final = 70  # the pitch that a soprano's notes lie around
_LOWEST, _HIGHEST = 55, 84  # pitches under which three voices still find room, and that a soprano still sings


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmonizeRequest:
    """Ask for voices under a melody.

    `key`, as `G` or `E minor`, is the one to harmonise it in, None is found. `takes` are different ones, of `effort`
    particles each. None for `seed` draws one. Where voices are `kept`, only those of some `bars` are new.
    """

    melody: Melody
    key: str | None = None
    temperature: float = USUAL_TEMPERATURE
    seed: int | None = None
    takes: int = 1
    effort: int = PARTICLES
    kept: PartScore | None = None
    bars: Bars | None = None


@dataclass(frozen=True, slots=True)
class Harmonization:
    """Answer a request: the same with its seed, key and melody as they were used, and a piece in parts for each take.

    `octaves` is by how many the melody was moved, so that it lies where a soprano sings.
    """

    request: HarmonizeRequest
    takes: tuple[PartScore, ...]
    octaves: int


def compose(request: HarmonizeRequest, model: Stepper) -> Harmonization:
    """Harmonise. The same request and model give the same voices. Raises RequestError."""
    params = model.params
    octaves, melody, key, stretch = check(request, params)
    tonic, mode = keys.parse_key(key)
    line, length = _line(melody, params.unit / stretch)
    told = Told(
        params.unit,
        _stretched(melody.metre, stretch),
        length,
        (tonic, MODES.index(mode or MODES[0])),
        phrases=tuple(line.notes[index][2] for index in sorted(line.phrase_ends)),
    )
    seed = secrets.randbelow(2**32) if request.seed is None else request.seed
    takes = tuple(
        replace(
            particles.harmonize(
                model,
                line,
                told,
                seed=seed + (take << 32),
                temperature=request.temperature,
                particles=request.effort,
                kept=_kept(request, params.unit / stretch),
            ),
            unit=params.unit / stretch,
            metre=melody.metre,
            key=key,
        )
        for take in range(request.takes)
    )
    return Harmonization(replace(request, melody=melody, key=key, seed=seed), takes, octaves)


def _kept(request: HarmonizeRequest, unit: Fraction) -> Kept | None:
    """Say which voices stay as they are, in units of so many quarters. Raises RequestError."""
    if request.kept is None or request.bars is None:
        return None
    if request.kept.unit != unit or len(request.kept.parts) != len(RANGES):
        raise RequestError("These voices do not belong to this melody. Harmonise it once more.")
    piece = request.kept.score
    start, end = bars.place(piece, request.bars)
    start, end = (bars.next_onset(piece, at) for at in (start, end))
    if start == end:
        raise RequestError("No voice begins a note in these bars. Choose others.")
    return Kept(request.kept, start, end)


def can_harmonize(params: Params) -> bool:
    """Tell whether a model writes the melody's note first, and is known to have been trained on several voices."""
    return params.anchor == "highest" and _voices(params) >= _LEAST_VOICES


def _voices(params: Params) -> float:
    """Return how many notes begin together in the music that a model was trained on, NaN if that is not known."""
    judge = critic.critic(params.habits)
    if judge is None:
        return math.nan
    return float(np.nanmean(judge.figures[:, list(critic.FIGURES).index("notes an event")]))


def check(request: HarmonizeRequest, params: Params) -> tuple[int, Melody, str, int]:
    """Return what harmonising begins with, if it is possible: octaves, melody, key and stretch. Raises RequestError."""
    particles.check_model(params)
    if _voices(params) < _LEAST_VOICES:
        raise RequestError("This model was trained on music in one voice, and cannot add others to it. Choose another.")
    _check(request)
    octaves = _octaves(request.melody)
    notes = tuple(replace(note, pitch=note.pitch + 12 * octaves) for note in request.melody.notes)
    melody = replace(request.melody, notes=notes)
    _check_range_of(melody)
    return octaves, melody, _key(request, melody), _stretch(melody, params.unit)


def _check(request: HarmonizeRequest) -> None:
    melody = request.melody
    if len(melody.notes) < 2:
        raise RequestError("A melody needs two notes at least. Type some more.")
    if melody.bars > LONGEST_PIECE:
        raise RequestError(
            "This melody has {bars:.0f} bars; at most {most} can be harmonised. Name the bars that you mean.",
            bars=float(melody.bars),
            most=LONGEST_PIECE,
        )
    check_range(mark("temperature"), request.temperature, *TEMPERATURES)
    check_range(mark("number of takes"), request.takes, 1, MOST_TAKES)
    check_range(mark("effort"), request.effort, 1, MOST_EFFORT)
    if request.seed is not None:
        check_range(mark("seed"), request.seed, 0, LARGEST_SEED)


def _check_range_of(melody: Melody) -> None:
    pitches = [note.pitch for note in melody.notes]
    if min(pitches) < _LOWEST or max(pitches) > _HIGHEST:
        raise RequestError(
            "This melody spans {count} semitones, more than a soprano over three voices can sing ({most}). Choose a"
            " part of it.",
            count=max(pitches) - min(pitches),
            most=_HIGHEST - _LOWEST,
        )


def _octaves(melody: Melody) -> int:
    """Return by how many octaves a melody is to be moved, as few as lead to where a soprano sings."""
    pitches = [note.pitch for note in melody.notes]

    def fits(octaves: int) -> tuple[int, int, float]:
        outside = sum(not RANGES[0][0] <= pitch + 12 * octaves <= RANGES[0][1] for pitch in pitches)
        return outside, abs(octaves), abs(median(pitches) + 12 * octaves - _MIDDLE)

    return min(range(-5, 6), key=fits)


def _key(request: HarmonizeRequest, melody: Melody) -> str:
    """Name the key, with its mode."""
    if request.key is None:
        return melody.key
    tonic, mode = keys.parse_key(request.key)
    if not mode:
        heard = form.home(melody.score(Fraction(1, 4)))
        mode = MODES[heard[1]] if heard else MODES[0]
    return keys.KEYS[tonic + 12 * MODES.index(mode)]


def _stretch(melody: Melody, unit: Fraction) -> int:
    """Return by what lengths are multiplied, so that a model with this unit can write them. Raises RequestError."""
    times = [time for note in melody.notes for time in (note.onset, note.end)]
    for stretch in STRETCHES:
        if all((time * stretch / unit).denominator == 1 for time in times):
            return stretch
    raise RequestError(
        "This melody has notes that are shorter than a thirty-second, or triplets; neither can be harmonised. Write it"
        " in longer notes."
    )


def _line(melody: Melody, unit: Fraction) -> tuple[Line, int]:
    """Write a melody in units; its length is up to the end of its last note."""
    notes = tuple((note.pitch, int(note.onset / unit), int(note.end / unit)) for note in melody.notes)
    return Line(notes, frozenset(melody.phrase_ends)), notes[-1][2]


def _stretched(metre: Metre, stretch: int) -> Metre:
    """Return the metre in which a model counts bars whose lengths are multiplied: longer ones, or else halves."""
    longer = Metre(metre.numerator, metre.denominator // stretch) if metre.denominator % stretch == 0 else metre
    return longer.counted if longer.counted.bar <= LONGEST_BAR else metre.counted
