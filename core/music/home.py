"""Home: how well a piece keeps to the signature of its key, window by window."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.music.keys import MAJOR, key_of, parse_key
from core.music.score import Score

WINDOW: Final = 4  # bars

_FIFTHS: Final = (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5)  # sharps (flats below 0) of each tonic's major key
SCALES: Final = np.array([[(c - tonic) % 12 in MAJOR for c in range(12)] for tonic in range(12)])  # (12, 12)


def scale(key: str) -> int:
    """Return the tonic of the major scale that a key's signature stands for: a minor key has its relative major's."""
    tonic, mode = parse_key(key)
    return (tonic + 3) % 12 if mode == "minor" else tonic


def signature(key: str) -> int:
    """Return how many sharps a key's signature has, flats as a number below 0; F sharp major has 6."""
    return _FIFTHS[scale(key)]


def windows_at_home(score: Score, key: str | None = None) -> float:
    """Return the share of windows of four bars, from each bar line on, that are in the piece's signature.

    A window is if no other signature holds more of its notes. `key` is found if it is None. NaN for an empty piece.
    """
    held, home = _held(score), key_of(score) if key is None else key
    return float(_best(held)[:, scale(home)].mean()) if len(held) and home else math.nan


def keeps(score: Score, key: str, first: int = WINDOW) -> float:
    """Return 1 if the window behind the first bars is in a key's signature, 0 if not; NaN where nothing sounds."""
    bar = score.units_per_bar
    pitches = [
        pitch % 12
        for event in score.events
        if first * bar <= event.onset < (first + WINDOW) * bar
        for pitch in event.pitches
    ]
    held = SCALES[:, pitches].sum(1)
    return float(held[scale(key)] == held.max()) if pitches and key else math.nan


def returns_home(score: Score) -> float:
    """Return 1 if the last window is in a signature of the first, 0 if not; NaN for an empty piece."""
    best = _best(_held(score))
    return float((best[0] & best[-1]).any()) if len(best) else math.nan


def remote(score: Score) -> float:
    """Return 1 if the piece's signature has four accidentals or more, 0 if not; NaN for an empty piece."""
    key = key_of(score)
    return float(abs(signature(key)) >= 4) if key else math.nan


def _held(score: Score) -> NDArray[np.int64]:
    """Count the notes of each window that each scale holds: `(windows that sound, 12)`."""
    bar = score.units_per_bar
    bars = max(1, score.length // bar)
    places = [12 * min(event.onset // bar, bars - 1) + pitch % 12 for event in score.events for pitch in event.pitches]
    counts = np.bincount(np.array(places, np.int64), minlength=12 * bars).reshape(bars, 12)
    width = min(WINDOW, len(counts))
    summed = np.lib.stride_tricks.sliding_window_view(counts, width, axis=0).sum(-1)
    return np.asarray(summed[summed.any(1)] @ SCALES.T)


def _best(held: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for each window which scales hold most of its notes."""
    return np.asarray(held == held.max(1, keepdims=True, initial=0))
