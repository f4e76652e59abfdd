"""Figures of a piece, and how much two sets of pieces overlap.

What they measure in music (repetition, home, counterpoint) is known in core.music; here it has its name.

Those that muspy has too (Dong, Chen, McAuley and Berg-Kirkpatrick 2020) are defined as there, on the notes of a score
and with its unit as the time step.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.music import counterpoint, home, repetition
from core.music.keys import key_of
from core.music.score import Score

LOOP: Final = 16  # events in a row that sound the same
LARGEST_LEAP: Final = 12  # semitones; the outer intervals of the histogram hold all larger ones
LONGEST_STEP: Final = 16  # units between two events; readers shorten longer ones
HALVINGS: Final = 10  # how often held-out pieces are halved for the yardstick

_GRID: Final = 512  # points on which densities are compared

Histogram = NDArray[np.float64]


def pitch_classes(score: Score) -> float:
    """Count the pitch classes that sound; muspy's n_pitch_classes_used."""
    return float(np.count_nonzero(_class_counts(score)))


def pitch_class_entropy(score: Score) -> float:
    """Return the entropy of the pitch classes of all notes, in bits.

    muspy's pitch_class_entropy, after Wu and Yang 2020, "The Jazz Transformer on the front line".
    """
    counts = _class_counts(score)
    if not counts.any():
        return math.nan
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def scale_consistency(score: Score) -> float:
    """Return the share of notes in the major scale that holds most of them.

    muspy's scale_consistency, after Mogren 2016: its natural minor scales are the same twelve sets of pitch classes.
    """
    counts = _class_counts(score)
    return float((home.SCALES @ counts).max() / counts.sum()) if counts.any() else math.nan


def groove_consistency(score: Score) -> float:
    """Return how alike neighbouring bars are in where events begin: 1 less the mean Hamming distance a place.

    muspy's groove_consistency, after Wu and Yang 2020, its way with the end included: a piece that ends on a bar line
    has one more bar, which is empty. NaN for a piece shorter than a bar.
    """
    bars = score.length // score.units_per_bar + 1
    if bars < 2:
        return math.nan
    starts = np.zeros((bars, score.units_per_bar), np.bool_)
    starts.flat[np.array([event.onset for event in score.events], np.int64)] = True
    return 1 - float(np.count_nonzero(starts[1:] != starts[:-1])) / (score.units_per_bar * (bars - 1))


def notes_an_event(score: Score) -> float:
    """Return how many notes begin together, on average."""
    return sum(len(event.pitches) for event in score.events) / len(score.events) if score.events else math.nan


def events_a_bar(score: Score) -> float:
    """Return how many events there are in four quarters."""
    return len(score.events) / float(score.bars) if score.length else math.nan


def events(score: Score) -> float:
    """Count the events."""
    return float(len(score.events))


def one_note_loop(score: Score) -> float:
    """Return 1 if LOOP events in a row, or all of a shorter piece of two at least, sound the same pitches; else 0."""
    runs = [len(list(run)) for _, run in groupby(event.pitches for event in score.events)]
    return float(max(runs, default=0) >= max(2, min(LOOP, len(score.events))))


def upper_range(score: Score) -> float:
    """Return how far apart the highest and the lowest note of the upper line are, in semitones."""
    line = counterpoint.upper_line(score)
    return float(max(line) - min(line)) if line else math.nan


FIGURES: Final[Mapping[str, Callable[[Score], float]]] = MappingProxyType(
    {
        "pitch_classes": pitch_classes,
        "pitch_class_entropy": pitch_class_entropy,
        "scale_consistency": scale_consistency,
        "groove_consistency": groove_consistency,
        "notes_an_event": notes_an_event,
        "events_a_bar": events_a_bar,
        "events": events,
        "one_note_loops": one_note_loop,
        "returning_bars": repetition.returning_bars,
        "four_return": lambda score: repetition.returns(score, 4),
        "eight_return": lambda score: repetition.returns(score, 8),
        "structure_short": lambda score: repetition.structure(score)[0],
        "structure_middle": lambda score: repetition.structure(score)[1],
        "structure_long": lambda score: repetition.structure(score)[2],
        "windows_at_home": home.windows_at_home,
        "returns_home": home.returns_home,
        "remote_keys": home.remote,
        "ends_on_a_strong_beat": counterpoint.ends_on_a_strong_beat,
        "ends_on_the_tonic": lambda score: counterpoint.ends_on_the_tonic(score, key_of(score)),
        "closes_on_the_dominant": lambda score: counterpoint.closes_on_the_dominant(score, key_of(score)),
        "parallel_fifths": lambda score: counterpoint.parallels(score, counterpoint.FIFTH),
        "parallel_octaves": lambda score: counterpoint.parallels(score, counterpoint.OCTAVE),
        "dissonance_on_beats": counterpoint.dissonance_on_beats,
        "upper_range": upper_range,
    }
)


def means(scores: Sequence[Score]) -> dict[str, float]:
    """Return the mean of each figure over the pieces that have it; NaN if none has."""
    values = {name: np.array([figure(score) for score in scores]) for name, figure in FIGURES.items()}
    return {name: float(np.nanmean(v)) if np.isfinite(v).any() else math.nan for name, v in values.items()}


def interval_histogram(score: Score) -> Histogram:
    """Return the shares of the intervals from each event's highest note to the next: `(2 * LARGEST_LEAP + 1,)`."""
    leaps = np.array([after.pitches[-1] - before.pitches[-1] for before, after in pairwise(score.events)], np.int64)
    return _shares(np.clip(leaps, -LARGEST_LEAP, LARGEST_LEAP) + LARGEST_LEAP, 2 * LARGEST_LEAP + 1)


def duration_histogram(score: Score) -> Histogram:
    """Return the shares of the units from each event to the next one, or to the end: `(LONGEST_STEP,)`."""
    moments = [*(event.onset for event in score.events), score.length]
    steps = np.array([after - before for before, after in pairwise(moments)], np.int64)
    return _shares(np.clip(steps, 1, LONGEST_STEP) - 1, LONGEST_STEP)


HISTOGRAMS: Final[Mapping[str, Callable[[Score], Histogram]]] = MappingProxyType(
    {"interval": interval_histogram, "duration": duration_histogram}
)


def summed_histograms(scores: Sequence[Score]) -> dict[str, dict[int, float]]:
    """Return the share of each interval in semitones and of each duration in units: means over some pieces."""
    bins = {"interval": range(-LARGEST_LEAP, LARGEST_LEAP + 1), "duration": range(1, LONGEST_STEP + 1)}
    summed = {name: np.mean([count(score) for score in scores], axis=0) for name, count in HISTOGRAMS.items()}
    return {f"{name}s": dict(zip(bins[name], shares.tolist(), strict=True)) for name, shares in summed.items()}


@dataclass(frozen=True, slots=True)
class Overlap:
    """Tell how much other pieces are like real ones in one histogram, from 0 to 1.

    `area` is the overlapping area of Yang and Lerch 2020, "On the evaluation of generative models in music": under the
    density of the distances among real pieces and that of the distances from real pieces to others. It tells whether
    the others vary as real ones do. `common` is the intersection of the summed histograms (Swain and Ballard 1991),
    which tells whether they are alike as a whole.
    """

    area: float
    common: float


def overlaps(real: Sequence[Score], made: Sequence[Score], seed: int = 0) -> dict[str, tuple[Overlap, Overlap]]:
    """Return for each histogram how `made` overlaps with `real`, and for a yardstick how half of `real` does.

    Both are means over HALVINGS halvings: one half of the real pieces against as many made ones, and against the other
    half. NaN for fewer than six real pieces or three made ones.
    """
    overlaps = {}
    for name, histogram in HISTOGRAMS.items():
        theirs, ours = (np.array([histogram(score) for score in scores]) for scores in (real, made))
        overlaps[name] = _overlap(theirs, ours, seed)
    return overlaps


def overlapping_area(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the area under both of two Gaussian kernel densities; NaN for values without spread."""
    if min(len(one), len(other)) < 2 or not one.std() or not other.std():
        return math.nan
    margin = 4 * max(_bandwidth(one), _bandwidth(other))
    both = np.concatenate([one, other])
    grid = np.linspace(both.min() - margin, both.max() + margin, _GRID)
    return float(np.trapezoid(np.minimum(_density(one, grid), _density(other, grid)), grid))


def _density(values: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gaussian kernel density of some values on a grid."""
    width = _bandwidth(values)
    kernels = np.exp(-(((grid[:, None] - values) / width) ** 2) / 2)
    return np.asarray(kernels.mean(1) / (width * math.sqrt(2 * math.pi)))


def _bandwidth(values: NDArray[np.float64]) -> float:
    """Return the width of a kernel by Scott's rule (1992)."""
    return float(values.std(ddof=1) * len(values) ** -0.2)


def _distances(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Euclidean distances of each of `here` `(pieces, bins)` from each of `there`."""
    return np.asarray(np.linalg.norm(here[:, None] - there, axis=2))


def _overlap(real: Histogram, made: Histogram, seed: int) -> tuple[Overlap, Overlap]:
    half = len(real) // 2
    if half < 3 or len(made) < 3:
        return Overlap(math.nan, math.nan), Overlap(math.nan, math.nan)
    chance = np.random.default_rng(seed)
    measured = []
    for _ in range(HALVINGS):
        order = chance.permutation(len(real))
        here, there = real[order[:half]], real[order[half:]]
        drawn = made[chance.choice(len(made), min(len(there), len(made)), replace=False)]
        among = _distances(here, here)[np.triu_indices(half, 1)]
        for others in (drawn, there):
            area = overlapping_area(among, _distances(here, others).ravel())
            measured.append((area, np.minimum(here.mean(0), others.mean(0)).sum()))
    ours, yardstick = np.reshape(measured, (HALVINGS, 2, 2)).mean(0).tolist()
    return Overlap(*ours), Overlap(*yardstick)


def _class_counts(score: Score) -> NDArray[np.int64]:
    return np.bincount(
        np.array([pitch % 12 for event in score.events for pitch in event.pitches], np.int64), minlength=12
    )


def _shares(places: NDArray[np.int64], bins: int) -> Histogram:
    counts = np.bincount(places, minlength=bins)
    return np.asarray(counts / max(1, counts.sum()))
