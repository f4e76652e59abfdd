"""Harmonising: from a melody to four voices, of which it is the soprano, note for note."""

import math
import secrets
from bisect import bisect_right
from collections.abc import Sequence
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
from core.model.told import MODES, Section, Told
from core.music import bars, keys
from core.music.bars import Bars
from core.music.melody import DIVISIONS, Melody, alone, division
from core.music.metre import COMMON, Metre
from core.music.parts import RANGES, PartScore, in_parts

USUAL_TEMPERATURE: Final = 0.6  # Bach's own leaps and dissonances are met at it (docs/harmonizing.md)
MOST_EFFORT: Final = 4 * PARTICLES
MOST_TAKES: Final = 8
TRIES: Final = 4  # for a take that is none of the others
FINEST: Final = Fraction(1, 4)  # of a quarter, as short as sheets have notes

_LILT: Final = {  # by how many units a quarter has, where they are in a beat of three parts
    1: (Fraction(0),),
    2: (Fraction(0), Fraction(2, 3)),
    4: (Fraction(0), Fraction(1, 3), Fraction(2, 3), Fraction(5, 6)),
}
_RETURNING: Final = 5  # notes that are heard again together
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
    octaves, melody, key, finer = check(request, params)
    grid = _Grid(melody.metre, params.unit)
    line = _line(melody, grid)
    told = tell(line, params.unit, grid.metre, key)
    kept = _kept(request, line, grid, finer)
    seed = secrets.randbelow(2**32) if request.seed is None else request.seed
    takes = list[PartScore]()
    for take in range(request.takes):
        for again in range(TRIES):
            voices = particles.harmonize(
                model,
                line,
                told,
                seed=seed + (take << 32) + (again << 48),
                temperature=request.temperature,
                particles=request.effort,
                kept=kept,
            )
            made = _below(melody, voices, grid, finer, key)
            if made not in takes:
                break
        takes.append(made)
    return Harmonization(replace(request, melody=melody, key=key, seed=seed), tuple(takes), octaves)


def tell(line: Line, unit: Fraction, metre: Metre, key: str) -> Told:
    """Say what a model is told of a line: its end, its key, its phrases, and where it returns to what it had."""
    tonic, mode = keys.parse_key(key)
    return Told(
        unit,
        metre.counted,
        line.notes[-1][2],
        (tonic, MODES.index(mode or MODES[0])),
        returns(line, metre.counted.units(unit)),
        tuple(line.notes[index][2] for index in sorted(line.phrase_ends)),
    )


def returns(line: Line, bar: int) -> tuple[Section, ...]:
    """Find where a line has the same notes again, at the same place of a bar of so many units; the rest is new.

    What returns is _RETURNING notes or more, and a bar or more.
    """
    notes, found, fresh = line.notes, list[Section](), line.notes[0][1]
    at = 0
    while at < len(notes):
        length, before = max((_agreeing(notes, before, at, bar), -before) for before in range(at + 1))
        source, start, end = -before, notes[at][1], notes[at + max(length, 1) - 1][2]
        if not {at + length - 1, source + length - 1} <= line.phrase_ends:
            end = max(start, end - bar)  # the last chords lead to what comes, which is something else
        if length < _RETURNING or end - start < bar:
            at += 1
            continue
        if fresh < start:
            found.append(Section(fresh, start, "new"))
        found.append(Section(start, end, "returning", notes[source][1]))
        at, fresh = at + length, end
    if fresh < notes[-1][2]:
        found.append(Section(fresh, notes[-1][2], "new"))
    return tuple(found) if len(found) > 1 else ()


def _agreeing(notes: Sequence[tuple[int, int, int]], before: int, at: int, bar: int) -> int:
    """Count the notes from one place on that are those from an earlier one, which end before they begin."""
    lag, count = notes[at][1] - notes[before][1], 0
    if lag % bar:
        return 0
    for one, other in zip(notes[before:at], notes[at:], strict=False):
        if other != (one[0], one[1] + lag, one[2] + lag):
            break
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class _Grid:
    """Place a model's units in a melody's time.

    Where a beat has three parts, a model's quarter lasts as long as the beat does, and its eighths are long and short
    by turns: few chorales are in such metres, and what they say of harmony holds in these too.
    """

    of: Metre
    unit: Fraction

    @property
    def is_lilting(self) -> bool:
        return self.of.beat == Fraction(3, 2) and 1 / self.unit in _LILT

    @property
    def metre(self) -> Metre:
        """Return the metre in which the model counts."""
        if not self.is_lilting:
            return self.of
        return Metre(3, 4) if self.of.beats % 3 == 0 else COMMON

    def time(self, unit: int) -> Fraction:
        """Return when a unit begins, in quarters of the melody."""
        if not self.is_lilting:
            return unit * self.unit
        lilt = _LILT[int(1 / self.unit)]
        beat, part = divmod(unit, len(lilt))
        return (beat + lilt[part]) * self.of.beat

    def units(self, until: Fraction) -> int:
        """Count the units that begin before a time."""
        parts = len(_LILT[int(1 / self.unit)]) if self.is_lilting else 1
        whole = until / (self.of.beat if self.is_lilting else self.unit)
        count = int(whole) * parts
        return next(unit for unit in range(count, count + parts + 1) if self.time(unit) >= until)


def _below(melody: Melody, voices: PartScore, grid: _Grid, finer: int, key: str) -> PartScore:
    """Put voices below a melody whose notes are on a finer grid."""
    unit = grid.unit / finer

    def place(time: int) -> int:
        return int(grid.time(time) / unit)

    soprano = [(note.pitch, int(note.onset / unit), int(note.end / unit)) for note in melody.notes]
    lower = [[(note.pitch, place(note.start), place(note.end)) for note in part.notes] for part in voices.parts[1:]]
    return PartScore(
        in_parts([soprano, *lower]),
        max(place(voices.length), soprano[-1][2]),
        unit,
        melody.metre,
        tuple(int(note.onset / unit) for note in melody.notes if note.fermata),
        key,
    )


def _kept(request: HarmonizeRequest, line: Line, grid: _Grid, finer: int) -> Kept | None:
    """Say which voices stay as they are, in a model's units. Raises RequestError."""
    voices, what = request.kept, request.bars
    if voices is None or what is None:
        return None
    if voices.unit != grid.unit / finer or len(voices.parts) != len(RANGES):
        raise RequestError("These voices do not belong to this melody. Harmonise it once more.")

    def place(time: int) -> int:
        return grid.units(time * voices.unit)

    start, end = map(place, bars.place(voices.score, what))
    lower = [[(note.pitch, place(note.start), place(note.end)) for note in part.notes] for part in voices.parts[1:]]
    parts = PartScore(in_parts([list(line.notes), *lower]), line.notes[-1][2], grid.unit, grid.metre)
    start, end = (bars.next_onset(parts.score, at) for at in (start, end))
    if start == end:
        raise RequestError("No voice begins a note in these bars. Choose others.")
    return Kept(parts, start, end)


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
    """Return octaves, melody, key, and into what the model's units are divided, if it is possible.

    Raises RequestError.
    """
    particles.check_model(params)
    if _voices(params) < _LEAST_VOICES:
        raise RequestError("This model was trained on music in one voice, and cannot add others to it. Choose another.")
    _check(request)
    octaves = _octaves(request.melody)
    notes = tuple(replace(note, pitch=note.pitch + 12 * octaves) for note in request.melody.notes)
    melody = replace(request.melody, notes=notes)
    _check_range_of(melody)
    finer, melody = _on_grid(melody, params.unit)
    return octaves, melody, _key(request, melody), finer


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


def _on_grid(melody: Melody, unit: Fraction) -> tuple[int, Melody]:
    """Return into how many parts a model's unit is divided to hold a melody, and the melody on that grid.

    What was played and not written ends its notes anywhere; those ends are rounded. Raises RequestError.
    """
    grid = _Grid(melody.metre, unit)
    onsets = [note.onset for note in melody.notes]
    onsets += [grid.time(place) for place in range(int(1 / unit) if grid.is_lilting else 0)]
    divisions = [parts for parts in DIVISIONS if unit / parts >= FINEST]
    finer, lost = division([*onsets, *(note.end for note in melody.notes)], unit, divisions)
    if not lost:
        return finer, melody
    if any((onset / unit * divisions[-1]).denominator > 1 for onset in onsets):
        raise RequestError(
            "This melody has notes that are shorter than a sixteenth, or triplets; neither can be harmonised. Write it"
            " in longer notes."
        )
    least = unit / divisions[-1]
    notes = [
        replace(note, length=max(least, int((note.end - note.onset) / least + Fraction(1, 2)) * least))
        for note in melody.notes
    ]
    return divisions[-1], replace(melody, notes=tuple(alone(notes)))


def _line(melody: Melody, grid: _Grid) -> Line:
    """Write a melody in units, as it is heard on the grid: what is shorter stands between the notes of the others."""
    end = grid.units(melody.notes[-1].end)
    heard: list[tuple[int, int, int]] = []  # of each note that is: its place, its start, its end
    place = 0
    for unit in range(end):
        time = grid.time(unit)
        while place + 1 < len(melody.notes) and melody.notes[place + 1].onset <= time:
            place += 1
        if not melody.notes[place].onset <= time < melody.notes[place].end:
            continue
        if heard and heard[-1][0] == place:
            heard[-1] = (place, heard[-1][1], unit + 1)
        else:
            heard.append((place, unit, unit + 1))
    if not heard:
        raise RequestError("This melody has no note on a beat or between two. Write it in longer notes.")
    places = [place for place, _, _ in heard]
    ends = {max(0, bisect_right(places, index) - 1) for index in melody.phrase_ends}
    return Line(tuple((melody.notes[place].pitch, start, stop) for place, start, stop in heard), frozenset(ends))
