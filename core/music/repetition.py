"""Repetition: what of a piece comes back, bar by bar, section by section, and at which lengths."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.music.score import Score

ALIKE: Final = 0.75  # share of the events of two passages that agree, for one to be a return of the other
SHORT, MIDDLE, LONG = (2, 4), (4, 8), (8, 65)  # half bars, half-open: one to two bars, two to four, more
LIKELIEST: Final = 0.2  # share of the similarities that counts as similar
PENALTY: Final = -2.0  # of what is not similar, along a path
MOST_FRAMES: Final = 64  # half bars of a piece, from its beginning, for its structure

Bar = tuple[tuple[int, tuple[int, ...]], ...]  # (units from the bar line, pitches) of each event
Floats = NDArray[np.float64]


def bars(score: Score) -> tuple[Bar, ...]:
    """Return the events of each bar, the last one perhaps cut short."""
    length = score.units_per_bar
    found: list[list[tuple[int, tuple[int, ...]]]] = [[] for _ in range(-(-score.length // length))]
    for event in score.events:
        found[event.onset // length].append((event.onset % length, event.pitches))
    return tuple(map(tuple, found))


def returning(score: Score) -> list[bool]:
    """Tell of each bar whether it is an earlier bar, note for note; one in which nothing begins is not."""
    seen = set[Bar]()
    found = []
    for bar in bars(score):
        found.append(bar in seen)
        if bar:
            seen.add(bar)
    return found


def returning_bars(score: Score) -> float:
    """Return the share of bars that are an earlier bar, note for note; bars in which nothing begins do not count."""
    sounding = sum(map(bool, bars(score)))
    return sum(returning(score)) / sounding if sounding else math.nan


def returns(score: Score, count: int) -> float:
    """Return 1 if the first `count` bars come again as the next `count`, 0 if not; NaN for a shorter piece.

    They do if three quarters of the events of both agree in place and pitches, which leaves room for other endings.
    """
    piece = bars(score)
    return math.nan if len(piece) < 2 * count else float(alike(piece[:count], piece[count : 2 * count]))


def alike(one: Sequence[Bar], other: Sequence[Bar]) -> bool:
    """Tell whether three quarters of the events of two passages agree."""
    here, there = (
        Counter((number, *event) for number, bar in enumerate(passage) for event in bar) for passage in (one, other)
    )
    return bool(here) and 2 * (here & there).total() >= ALIKE * (here.total() + there.total())


def motif_returns(score: Score, first: int, notes: int = 7) -> float:
    """Return 1 if the steps of the upper line's first `notes` notes come again behind the first `first` events.

    In any key, and with any rhythm; 0 if they do not, NaN where there are too few notes.
    """
    line = np.array([event.pitches[-1] for event in score.events])
    if min(first, len(line) - first) < notes:
        return math.nan
    steps = np.diff(line)
    windows = np.lib.stride_tricks.sliding_window_view(steps[first:], notes - 1)
    return float((windows == steps[: notes - 1]).all(1).any())


@lru_cache(maxsize=256)
def structure(score: Score) -> tuple[float, float, float]:
    """Return how strongly passages of short, middle and great length are repeated, 0 to 1 each.

    The structureness indicators of Wu and Yang 2020, "The Jazz Transformer on the front line": the greatest fitness of
    any passage of such a length (Müller, Jiang and Grosche 2013, "A robust fitness measure for capturing repetitions in
    music recordings"), here of pitch classes by half bars rather than of sound. NaN for a piece that is too short.
    """
    fitness = _fitness(_similarity(_chroma(score)))
    best = [float(row.max()) for row in fitness]  # by length in half bars, from 1
    return tuple(max(best[least - 1 : most - 1], default=math.nan) for least, most in (SHORT, MIDDLE, LONG))  # type: ignore[return-value]


def _chroma(score: Score) -> Floats:
    """Return the pitch classes of each half bar, each for as long as until the next event: `(half bars, 12)`."""
    frame = score.units_per_bar / 2
    chroma = np.zeros((min(MOST_FRAMES, math.ceil(score.length / frame)), 12))
    ends = [*(event.onset for event in score.events[1:]), score.length]
    for event, end in zip(score.events, ends, strict=False):
        classes = [pitch % 12 for pitch in event.pitches]
        for unit in range(event.onset, max(end, event.onset + 1)):
            if (place := int(unit / frame)) < len(chroma):
                np.add.at(chroma[place], classes, 1.0)
    norms = np.linalg.norm(chroma, axis=1, keepdims=True)
    return chroma / np.where(norms, norms, 1)


def _similarity(chroma: Floats) -> Floats:
    """Return how alike half bars are: 0 to 1 for the likeliest pairs, the penalty for all others, 1 on the diagonal."""
    similar: Floats = chroma @ chroma.T
    if not len(similar):
        return similar
    least = np.quantile(similar, 1 - LIKELIEST)
    scaled = (similar - least) / max(1e-9, 1 - least)
    similar = np.where((scaled >= 0) & (similar > 0), scaled, PENALTY)
    np.fill_diagonal(similar, 1)
    return similar


def _fitness(similar: Floats) -> list[Floats]:
    """Return the fitness of every passage of at most half the piece: for each length from 1, by where it begins.

    For all passages of a length at once, the best family of paths is found row by row: a path follows the passage from
    its first to its last half bar by steps (1, 1), (2, 1) and (1, 2), and two paths share no row. Carried along are the
    score, the cells on the paths, the rows covered, and the row in which the latest path began.
    """
    total = len(similar)
    fitness = []
    for length in range(1, total // 2 + 1):  # what is longer cannot come twice
        starts = np.arange(total - length + 1)
        columns = starts[:, None] + np.arange(length)  # (passages, length)
        before = np.zeros((4, *columns.shape))  # of the last row: score, cells, covered, began
        before[0] = -np.inf
        before2 = before
        free = np.zeros((3, len(starts)))  # score, cells and covered between two paths
        for row in range(total):
            free = _between(free, before, row)
            now = np.empty_like(before)
            now[:3, :, 0], now[3, :, 0] = free, row
            now[:, :, 1:] = before[:, :, :-1]
            for other, step in ((before2, 1), (before, 2)):
                np.copyto(now[:, :, step:], other[:, :, :-step], where=other[0, :, :-step] > now[0, :, step:])
            now[0] += similar[row][columns]
            now[1] += 1
            before, before2 = now, before
        score, cells, covered = _between(free, before, total)
        value = np.maximum(0, (score - length) / np.maximum(1, cells))
        coverage = np.maximum(0, (covered - length) / total)
        both = value + coverage
        fitness.append(np.where(both > 0, 2 * value * coverage / np.where(both > 0, both, 1), 0.0))
    return fitness


def _between(free: Floats, before: Floats, row: int) -> Floats:
    """Return the better of two states between paths: as it was, or with the path that has ended before a row."""
    score, cells, covered, began = before[:, :, -1]
    return np.where(score > free[0], np.stack([score, cells, covered + row - began]), free)
