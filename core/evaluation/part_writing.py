"""Part-writing: how four voices move and sound together, as a teacher of harmony would mark it."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.music.keys import key_of, parse_key
from core.music.parts import RANGES, PartScore

Grid = NDArray[np.int64]  # (voices, units): what each sings, -1 for nothing

FIGURES: Final = {
    "parallel fifths a bar": "{:.3f}",
    "parallel octaves a bar": "{:.3f}",
    "crossings": "{:.3f}",
    "notes out of range": "{:.3f}",
    "too far apart": "{:.3f}",
    "leading notes resolved": "{:.2f}",
    "dissonance on beats": "{:.2f}",
    "phrases that close on a triad": "{:.2f}",
    "… with its root in the bass": "{:.2f}",
    "… from the dominant": "{:.2f}",
    "bass steps": "{:.2f}",
    "bass leaps": "{:.2f}",
    "inner leaps": "{:.2f}",
    "events a bar": "{:.1f}",
}

_DISSONANT: Final = frozenset({1, 2, 6, 10, 11})  # semitones between two pitch classes, upwards
_WIDEST: Final = 12  # semitones between soprano and alto, and between alto and tenor
_CHORDS: Final = {  # what speaks for each shape above its root
    (0, 4, 7): 1.0,
    (0, 3, 7): 1.0,
    (0, 4, 7, 10): 0.95,
    (0, 3, 7, 10): 0.9,
    (0, 3, 6): 0.9,
    (0, 3, 6, 10): 0.85,
    (0, 4, 7, 11): 0.85,
    (0, 3, 6, 9): 0.8,
}


def measure(piece: PartScore) -> dict[str, float]:
    """Return the figures of a piece in four parts, NaN for what it does not have.

    A fault a bar is counted between any two voices, from one moment at which any voice begins to the next. Voices are
    too far apart where upper neighbours are by more than an octave. A leap is more than a fourth.
    """
    grid, onsets = _grid(piece), _onsets(piece)
    bars = piece.length / piece.score.units_per_bar
    moments = grid[:, onsets]
    full = (moments >= 0).all(0)
    sounding = moments[:, full]
    fifths, octaves = _parallels(moments)
    tonic, _ = parse_key(piece.key or key_of(piece.score))
    closes = [_close(grid, onsets, unit, tonic) for unit in piece.fermatas]
    bass, inner = _moves(piece, 3), np.concatenate([_moves(piece, 1), _moves(piece, 2)])
    notes = [(note.pitch, place) for place, part in enumerate(piece.parts) for note in part.notes]
    beats = [_chord(grid, unit) for unit in _beats(piece)]
    values = (
        fifths / bars,
        octaves / bars,
        _share(np.diff(sounding, axis=0) > 0),
        _share([not RANGES[place][0] <= pitch <= RANGES[place][1] for pitch, place in notes]),
        _share(-np.diff(sounding[:3], axis=0) > _WIDEST),
        _share(_leading(piece, tonic)),
        _share([_is_dissonant(chord) for chord in beats if len(chord) > 1]),
        _share([triad for triad, _, _ in closes]),
        _share([rooted for _, rooted, _ in closes]),
        _share([falls for _, _, falls in closes]),
        _share((np.abs(bass) <= 2) & (bass != 0)),
        _share(np.abs(bass) > 5),
        _share(np.abs(inner) > 5),
        len(onsets) / bars,
    )
    return dict(zip(FIGURES, values, strict=True))


def across(piece: PartScore, unit: int) -> tuple[int, float]:
    """Return how many parallel fifths and octaves lead over a unit, and by how many semitones a voice moves there.

    The step is from what sounds before the unit to what sounds once something has begun at it or after it. NaN for the
    semitones where there is no such step.
    """
    onsets = _onsets(piece)
    place = bisect_left(onsets, unit)
    if not 0 < place < len(onsets):
        return 0, math.nan
    moments = _grid(piece)[:, [onsets[place - 1], onsets[place]]]
    full = moments[:, (moments >= 0).all(0)]
    moved = float(np.abs(np.diff(full)).mean()) if full.shape[1] == 2 else math.nan
    return sum(_parallels(moments)), moved


def roots(piece: PartScore) -> list[int | None]:
    """Return the pitch class of the chord's root on each beat, None where there is no chord."""
    grid = _grid(piece)
    return [root(_chord(grid, unit)) for unit in _beats(piece)]


def root(chord: Sequence[int]) -> int | None:
    """Return the root of the chord that pitches make together, or as many of them as make one; None for nothing."""
    if not chord:
        return None
    classes, bass = [pitch % 12 for pitch in chord], min(chord) % 12
    best, found = -math.inf, None
    for candidate in range(12):
        above = [(each - candidate) % 12 for each in classes]
        for shape, likely in _CHORDS.items():
            held = sum(each in shape for each in above) / len(above)
            missing = sum(part not in above for part in shape[:2])
            score = held * likely - 0.15 * missing + 0.05 * (candidate == bass) - 0.2 * (candidate not in classes)
            if score > best:
                best, found = score, candidate
    return found


def agreement(ours: PartScore, theirs: PartScore) -> float:
    """Return the share of beats on which two settings of one melody have chords of the same root."""
    pairs = zip(roots(ours), roots(theirs), strict=False)
    return _share([one == other for one, other in pairs if one is not None and other is not None])


def _grid(piece: PartScore) -> Grid:
    grid = np.full((len(piece.parts), max(piece.length, 1)), -1)
    for place, part in enumerate(piece.parts):
        for note in part.notes:
            grid[place, note.start : note.end] = note.pitch
    return grid


def _onsets(piece: PartScore) -> list[int]:
    return sorted({note.start for part in piece.parts for note in part.notes})


def _beats(piece: PartScore) -> list[int]:
    beat = int(piece.metre.counted.beat / piece.unit)
    return list(range(0, piece.length, beat))


def _chord(grid: Grid, unit: int) -> tuple[int, ...]:
    return tuple(int(pitch) for pitch in grid[:, unit] if pitch >= 0)


def _parallels(moments: Grid) -> tuple[int, int]:
    fifths = octaves = 0
    for before, after in pairwise(moments.T.tolist()):
        for upper, lower in combinations(range(len(before)), 2):
            if min(before[upper], before[lower], after[upper], after[lower]) < 0:
                continue
            rise, fall = after[upper] - before[upper], after[lower] - before[lower]
            was, became = (before[upper] - before[lower]) % 12, (after[upper] - after[lower]) % 12
            if rise * fall > 0 and was == became:
                fifths += was == 7
                octaves += was == 0
    return fifths, octaves


def _leading(piece: PartScore, tonic: int) -> list[bool]:
    """Tell of each leading note that its voice leaves whether it rises to the tonic."""
    found = []
    for part in piece.parts:
        for one, other in pairwise(part.notes):
            if (one.pitch - tonic) % 12 == 11 and other.pitch != one.pitch:
                found.append(other.pitch == one.pitch + 1)
    return found


def _moves(piece: PartScore, place: int) -> Grid:
    return np.diff([note.pitch for note in piece.parts[place].notes])


def _close(grid: Grid, onsets: Sequence[int], unit: int, tonic: int) -> tuple[bool, bool, bool]:
    """Tell of the chord at a unit whether it is a triad, has its root in the bass, and comes from its dominant."""
    chord = _chord(grid, unit)
    found = root(chord)
    triad = found is not None and any(
        {(pitch - found) % 12 for pitch in chord} <= set(shape) for shape in ((0, 4, 7), (0, 3, 7))
    )
    rooted = triad and min(chord) % 12 == found
    earlier = [_chord(grid, onset) for onset in onsets if onset < unit]
    basses = [min(each) for each in earlier if each and min(each) != min(chord, default=-1)]
    falls = rooted and bool(basses) and (basses[-1] - min(chord)) % 12 == 7
    return triad, rooted, falls


def _is_dissonant(chord: Sequence[int]) -> bool:
    return any((upper - lower) % 12 in _DISSONANT for upper, lower in combinations(sorted(chord, reverse=True), 2))


def _share(mask: object) -> float:
    values = np.asarray(mask, float)
    return float(values.mean()) if values.size else math.nan
