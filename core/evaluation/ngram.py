"""An n-gram of a model's own training pieces: what counting alone predicts, as a yardstick for the network.

Interpolated Witten-Bell smoothing (Witten and Bell 1991, method C; Chen and Goodman 1999): with c(h, w) how often token
w followed context h, c(h) how often h came and t(h) how many different tokens followed it,

    p(w | h) = (c(h, w) + t(h) p(w | h without its first token)) / (c(h) + t(h))

down to the empty context, below which all tokens are equally likely.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.music import notation
from core.music.notation import BOUNDARY, NOTES, SIZE, TRANSPOSITIONS, Anchor

ORDER: Final = 6  # tokens of a gram, the predicted one included; 260 ** 7 still fits 64 bits

Codes = NDArray[np.int64]  # grams as numbers to base SIZE, the latest token last


@dataclass(frozen=True, slots=True)
class _Counts:
    """Hold the grams of one length, sorted, so that those of one context stand together."""

    grams: Codes
    seen: NDArray[np.int64]  # how often each gram came: c(h, w)
    contexts: Codes
    starts: NDArray[np.int64]  # where each context's grams begin
    types: NDArray[np.int64]  # t(h)
    totals: NDArray[np.int64]  # c(h)


class NGram:
    """Know how often each run of up to `order` tokens came in a collection of pieces."""

    def __init__(self, pieces: Iterable[Sequence[int]], order: int = ORDER) -> None:
        self.order = order
        streams = [_padded(ids, order) for ids in pieces]
        self.counts = [
            _count(np.concatenate([_grams(stream, length, order) for stream in streams]))
            for length in range(1, order + 1)
        ]

    def distribution(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """Return what each token of a piece, and the boundary behind it, was predicted by: `(tokens + 1, SIZE)`."""
        stream = _padded(ids, self.order)
        predicted = np.full((len(ids) + 1, SIZE), 1 / SIZE)
        for length, counts in enumerate(self.counts, 1):
            context = _grams(stream, length, self.order) // SIZE
            at = np.minimum(np.searchsorted(counts.contexts, context), len(counts.contexts) - 1)
            known = np.flatnonzero(counts.contexts[at] == context)
            at = at[known]
            weight = 1 / (counts.totals[at] + counts.types[at])
            predicted[known] *= (counts.types[at] * weight)[:, None]
            rows = np.repeat(np.arange(len(at)), counts.types[at])
            first = np.cumsum(counts.types[at]) - counts.types[at]
            entries = counts.starts[at][rows] + np.arange(len(rows)) - first[rows]
            predicted[known[rows], counts.grams[entries] % SIZE] += counts.seen[entries] * weight[rows]
        return predicted


def in_twelve_keys(pieces: Iterable[Sequence[int]], anchor: Anchor) -> list[list[int]]:
    """Return every piece in each of the keys that the network is trained on it in."""
    keys = []
    for ids in pieces:
        pitches = notation.pitches(ids, anchor)
        shifts = {notation.fitting(key, min(pitches), max(pitches)) or 0 for key in TRANSPOSITIONS} if pitches else {0}
        keys += [_transposed(ids, shift) for shift in sorted(shifts)]
    return keys


def _transposed(ids: Sequence[int], semitones: int) -> list[int]:
    return [token + semitones if NOTES.start <= token < NOTES.stop else token for token in ids]


def _padded(ids: Sequence[int], order: int) -> Codes:
    """Return a piece between boundaries, as many before it as a context has tokens."""
    return np.array([*[BOUNDARY] * (order - 1), *ids, BOUNDARY], np.int64)


def _grams(stream: Codes, length: int, order: int) -> Codes:
    """Return the gram of `length` tokens that ends with each token behind the padding."""
    codes = np.zeros(len(stream) - order + 1, np.int64)
    for k in range(order - length, order):
        codes = codes * SIZE + stream[k : k + len(codes)]
    return codes


def _count(grams: Codes) -> _Counts:
    distinct, seen = np.unique(grams, return_counts=True)
    contexts, starts, types = np.unique(distinct // SIZE, return_index=True, return_counts=True)
    return _Counts(distinct, seen, contexts, starts, types, np.add.reduceat(seen, starts))
