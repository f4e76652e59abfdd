"""Versions of one piece in a collection: the same tune printed twice with other ornaments, rhythm or length.

A piece is known by its runs of eight events, whatever their key and rhythm: two versions of a tune share many of them,
two different tunes next to none.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core import notation
from core.notation import INTERVALS, RESTS, SIZE

RUN: Final = 8  # events
RELATED: Final = 0.2  # share of its runs that a piece has in common with another only if one is a version of the other

_SAMPLE: Final = 4  # of the runs, by their hash: a quarter is enough to tell, and keeps memory small
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)  # odd, so that products modulo 2**64 lose nothing
_TOKEN: Final = re.compile(r"r\d|-?\d+")
_IDS: Final = {notation.text([token]): token for token in range(1, SIZE)}

Ids = NDArray[np.int64]  # (tokens,) of one piece in the notation


class Known:
    """Remember the pieces of a collection, in notation, to keep none of them twice."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._prints: dict[bytes, str] = {}
        self._versions = Versions()

    def look_up(self, ids: Ids, name: str, most_shared: float) -> tuple[str, str] | None:
        """Return why a piece is left out, as a kind and a sentence, if it is known; else remember it."""
        fingerprint, runs = _fingerprint(ids), find_runs(ids)
        if fingerprint in self._prints:
            return "duplicate", f"It is {self._prints[fingerprint]} again, perhaps in another key."
        for number, share in self._versions.shares(runs)[:1]:
            if share > most_shared:
                return "version", f"It is nearly {self._names[number]}: {share:.0%} of its runs of notes are the same."
        self._prints[fingerprint] = name
        self._versions.add(runs)
        self._names.append(name)
        return None


class Versions:
    """Know the runs of pieces, each by a number, and tell which of them a new piece is a version of."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}  # run -> the first piece that has it
        self._pieces = 0

    def shares(self, runs: list[int]) -> list[tuple[int, float]]:
        """Return the pieces that share runs, and the share of all `runs`, the largest first."""
        counts = Counter(self._first[run] for run in runs if run in self._first)
        return [(piece, count / len(runs)) for piece, count in counts.most_common()]

    def add(self, runs: list[int]) -> int:
        """Remember a piece and return its number; they count from 0."""
        for run in runs:
            self._first.setdefault(run, self._pieces)
        self._pieces += 1
        return self._pieces - 1


def find_families(texts: Iterable[str]) -> list[int]:
    """Give each piece, in notation, the number of its family: the first piece that it is a version of, or itself."""
    versions = Versions()
    families: list[int] = []
    for text in texts:
        runs = find_runs(np.array([_IDS[token] for token in _TOKEN.findall(text)]))
        related = {families[piece] for piece, share in versions.shares(runs) if share > RELATED}
        families.append(min(related, default=versions.add(runs)))
        if len(related) > 1:  # a version of two pieces that nothing had joined before
            families = [families[-1] if family in related else family for family in families]
    return families


def find_runs(ids: Ids) -> list[int]:
    """Hash the runs of a piece; whether a hash is in the sample depends on it alone.

    An event is hashed by its chord and its distance from the event before, so that neither key nor anchor matters.
    """
    sounding = ids[ids < RESTS.start]
    is_note = sounding < INTERVALS.start
    notes = sounding[is_note]
    if len(notes) <= RUN:
        return []
    event = np.cumsum(is_note) - 1  # (tokens that sound,)
    steps = np.diff(notes, prepend=notes[0])  # (events,) semitones, at least -127
    intervals = np.where(is_note, 0, sounding - INTERVALS.start + 1)
    chords = np.add.reduceat(_mixed((intervals * 256 + 128 + steps[event]).astype(np.uint64)), np.flatnonzero(is_note))
    chords = chords[1:]  # the first has no step
    runs = np.zeros(len(chords) - RUN + 1, np.uint64)
    for shift in range(RUN):
        runs = runs * _FACTOR + chords[shift : shift + len(runs)]
    runs = _mixed(runs)
    sample: list[int] = np.unique(runs[runs % np.uint64(_SAMPLE) == 0]).tolist()
    return sample


def _fingerprint(ids: Ids) -> bytes:
    """Digest the events of a piece so that neither its key nor the silence around it matters."""
    sounding = np.flatnonzero(ids < RESTS.start)
    ids = ids[sounding[0] : sounding[-1] + 1]
    return hashlib.blake2b(np.where(ids < INTERVALS.start, ids - ids[0] - SIZE, ids).tobytes(), digest_size=16).digest()


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread values over 64 bits (the finaliser of SplitMix64, with its constants)."""
    values = values + _FACTOR
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
