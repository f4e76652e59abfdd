"""Versions of one piece in a collection: the same tune printed twice with other ornaments, rhythm, length or harmony.

A piece is known by its runs of eight events, whatever their key and rhythm: two versions of a tune share many of them,
two different tunes next to none. Two harmonies of one melody are known by the runs of their upper line.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ReadingError, mark
from core.music import notation, score
from core.music.notation import INTERVALS, RESTS, SIZE, Anchor
from core.music.score import UNITS
from core.music.voices import Ringing, lead

RUN: Final = 8  # events
RELATED: Final = 0.2  # share of its runs that a piece has in common with another only if one is a version of the other

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)  # odd, so that products modulo 2**64 lose nothing
_NEWEST: Final = 1 << 14  # runs that are looked up quickly and held loosely

Ids = NDArray[np.int64]  # (tokens,) of one piece in the notation
Runs = NDArray[np.uint64]  # hashes, each once, ascending


class Known:
    """Remember the pieces of a collection, in notation, to keep none of them twice."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._prints: dict[bytes, str] = {}
        self._versions = Versions()

    def look_up(self, ids: Ids, name: str, most_shared: float) -> ReadingError | None:
        """Return why a piece is left out, if it is known; else remember it."""
        fingerprint, runs = _fingerprint(ids), find_runs(ids)
        if fingerprint in self._prints:
            name = self._prints[fingerprint]
            return ReadingError("It is {name} again, perhaps in another key.", mark("duplicate"), name=name)
        for number, share in self._versions.shares(runs)[:1]:
            if share > most_shared:
                return ReadingError(
                    "It is nearly {name}: {share:.0%} of its runs of notes are the same.",
                    mark("version"),
                    name=self._names[number],
                    share=share,
                )
        self._prints[fingerprint] = name
        self._versions.add(runs)
        self._names.append(name)
        return None


class Versions:
    """Know the runs of pieces, each by a number, and tell which of them a new piece is a version of."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}  # of the newest runs: the first piece that has it
        self._runs = np.zeros(0, np.uint64)  # the others, ascending, in 12 bytes each with the next
        self._owners = np.zeros(0, np.int32)
        self._pieces = 0

    def shares(self, runs: Runs) -> list[tuple[int, float]]:
        """Return the pieces that share runs, and the share of all `runs`, the largest first."""
        counts = Counter(self._first[run] for run in runs.tolist() if run in self._first)
        counts.update(self._owners[self._places(runs)[1]].tolist())
        return [(piece, count / len(runs)) for piece, count in counts.most_common()]

    def add(self, runs: Runs) -> int:
        """Remember a piece and return its number; they count from 0."""
        for run in runs[~self._places(runs)[0]].tolist():
            self._first.setdefault(run, self._pieces)
        if len(self._first) > _NEWEST:
            newest = np.fromiter(self._first, np.uint64, len(self._first))
            owners = np.fromiter(self._first.values(), np.int32, len(self._first))
            order = np.argsort(all_runs := np.concatenate([self._runs, newest]))
            self._runs, self._owners = all_runs[order], np.concatenate([self._owners, owners])[order]
            self._first = {}
        self._pieces += 1
        return self._pieces - 1

    def _places(self, runs: Runs) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Tell which runs are among the older ones, and where those stand."""
        at = np.searchsorted(self._runs, runs)
        known = at < len(self._runs)
        known[known] = self._runs[at[known]] == runs[known]
        return known, at[known]


def find_families(texts: Iterable[str], anchor: Anchor) -> list[int]:
    """Give each piece, in notation, the number of its family: the first piece that it is a version of, or itself.

    A piece too short for runs is a version only of what is the same in some key.
    """
    chords, melodies = Versions(), Versions()
    prints: dict[bytes, int] = {}
    families: list[int] = []
    for number, text in enumerate(texts):
        ids = notation.parse(text, anchor)
        array = np.array(ids, np.int64)
        same = prints.setdefault(_fingerprint(array), number)
        related = {families[same]} if same < number else set()
        for versions, runs in ((chords, find_runs(array)), (melodies, find_melody(ids, anchor))):
            related |= {families[piece] for piece, share in versions.shares(runs) if share > RELATED}
            versions.add(runs)
        families.append(min(related, default=number))
        if len(related) > 1:  # a version of two pieces that nothing had joined before
            families = [families[-1] if family in related else family for family in families]
    return families


def find_runs(ids: Ids) -> Runs:
    """Hash the runs of a piece.

    An event is hashed by its chord and its distance from the event before, so that neither key nor anchor matters.
    """
    sounding = ids[ids < RESTS.start]
    is_note = sounding < INTERVALS.start
    notes = sounding[is_note]
    if len(notes) <= RUN:
        return np.zeros(0, np.uint64)
    event = np.cumsum(is_note) - 1  # (tokens that sound,)
    steps = np.diff(notes, prepend=notes[0])  # (events,) semitones, at least -127
    intervals = np.where(is_note, 0, sounding - INTERVALS.start + 1)
    chords = np.add.reduceat(_mixed((intervals * 256 + 128 + steps[event]).astype(np.uint64)), np.flatnonzero(is_note))
    return _hashed(chords[1:])  # the first has no step


def find_melody(ids: Iterable[int], anchor: Anchor) -> Runs:
    """Hash the runs of a piece's upper line: the steps of the highest voice that rings, repeated notes left out."""
    ringing: tuple[Ringing, ...] = ()
    line: list[int] = []
    piece = score.from_ids(ids, anchor, UNITS[0])
    for event in piece.events:
        ringing = lead(ringing, event.pitches, event.onset, piece.length + 1)  # where a bar ends is not known here
        if line[-1:] != [ringing[-1].pitch]:
            line.append(ringing[-1].pitch)
    return _hashed((np.diff(line) + 128).astype(np.uint64)) if len(line) > RUN else np.zeros(0, np.uint64)


def _hashed(events: NDArray[np.uint64]) -> Runs:
    """Hash each run of RUN events."""
    runs = np.zeros(len(events) - RUN + 1, np.uint64)
    for shift in range(RUN):
        runs = runs * _FACTOR + events[shift : shift + len(runs)]
    return np.unique(_mixed(runs))


def _fingerprint(ids: Ids) -> bytes:
    """Digest the events of a piece so that neither its key nor the silence around it matters."""
    sounding = np.flatnonzero(ids < RESTS.start)
    ids = ids[sounding[0] : sounding[-1] + 1] if len(sounding) else ids[:0]
    return hashlib.blake2b(
        np.where(ids < INTERVALS.start, ids - ids[:1] - SIZE, ids).tobytes(), digest_size=16
    ).digest()


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread values over 64 bits (the finaliser of SplitMix64, with its constants)."""
    values = values + _FACTOR
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
