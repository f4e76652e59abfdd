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

RUN: Final = 8  # events
RELATED: Final = 0.2  # share of its runs that a piece has in common with another only if one is a version of the other

_SAMPLE: Final = 4  # of the runs, by their hash: a quarter is enough to tell, and keeps memory small
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)  # odd, so that products modulo 2**64 lose nothing
_TOKEN: Final = re.compile(r"r\d|-?\d+")


class Known:
    """Remember the pieces of a collection, in notation, to keep none of them twice."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._prints: dict[bytes, str] = {}
        self._versions = Versions()

    def look_up(self, text: str, name: str, most_shared: float) -> tuple[str, str] | None:
        """Return why a piece is left out, as a kind and a sentence, if it is known; else remember it."""
        fingerprint, runs = _fingerprint(text), find_runs(text)
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
        runs = find_runs(text)
        related = {families[piece] for piece, share in versions.shares(runs) if share > RELATED}
        families.append(min(related, default=versions.add(runs)))
        if len(related) > 1:  # a version of two pieces that nothing had joined before
            families = [families[-1] if family in related else family for family in families]
    return families


def find_runs(text: str) -> list[int]:
    """Hash the runs of a piece in notation; a hash is in the sample or not by its value.

    An event is hashed by its chord and its distance from the event before, so that neither key nor anchor matters.
    """
    notes, intervals, event = list[int](), list[int](), list[int]()  # of each token that sounds
    for token in _TOKEN.findall(text):
        if token[0] == "r":
            continue
        if token[0] != "-":
            notes.append(int(token))
        event.append(len(notes) - 1)
        intervals.append(-int(token) if token[0] == "-" else 0)
    if len(notes) <= RUN:
        return []
    steps = np.diff(np.array(notes), prepend=notes[0])  # (events,)
    tokens = _mixed((np.array(intervals) * 512 + steps[event] + 256).astype(np.uint64))
    events = np.zeros(len(notes), np.uint64)
    np.add.at(events, event, tokens)
    events = events[1:]
    runs = np.zeros(len(events) - RUN + 1, np.uint64)
    for shift in range(RUN):
        runs = runs * _FACTOR + events[shift : shift + len(runs)]
    runs = np.unique(_mixed(runs))
    sample: list[int] = runs[runs % np.uint64(_SAMPLE) == 0].tolist()
    return sample


def _fingerprint(text: str) -> bytes:
    """Digest the events of a piece so that neither its key nor the silence around it matters."""
    tokens = _TOKEN.findall(text)
    first = next((int(token) for token in tokens if token[0] not in "r-"), 0)
    moved = "".join(token if token[0] in "r-" else f" {int(token) - first}" for token in tokens)
    return hashlib.blake2b(re.sub(r"^(r\d)+|(r\d)+$", "", moved).encode(), digest_size=16).digest()


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread values over 64 bits (the finaliser of SplitMix64, with its constants)."""
    values = values + _FACTOR
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
