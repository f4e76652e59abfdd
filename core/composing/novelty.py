"""Novelty: what a new piece quotes from the pieces that its model was trained on, in whatever key."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SHORTEST: Final = 6  # events; what is shorter is common property
LONG: Final = 8  # events; runs that are counted as quoted
NOTABLE: Final = 12  # events; a quote of this length or more is worth telling

_EVENT: Final = re.compile(r"([0-9]+)((?:-[0-9]+)*)((?:r[1-4])+)")
_SEED: Final = 20_011  # of the multipliers that hash a run of events


@dataclass(frozen=True, slots=True)
class Quote:
    """Name a run that stands in a training piece too: the piece, where the run starts in the new one, its events."""

    title: str
    start: int
    events: int


class Index:
    """Know every run of SHORTEST events in a collection of `(title, text)`."""

    def __init__(self, pieces: Sequence[tuple[str, str]]) -> None:
        self._codes: dict[tuple[int | None, str, str], int] = {}
        self.titles = [title for title, _ in pieces]
        encoded = [self._encode(text) for _, text in pieces]
        # Two columns an event, for the inside of a run and its head: with and without the step from the event before.
        self.events = np.concatenate([np.zeros((0, 2), np.int64), *(np.vstack([codes, [-1, -1]]) for codes in encoded)])
        self.owners = np.repeat(np.arange(len(encoded)), [len(codes) + 1 for codes in encoded])
        hashes = _hashes(self.events)
        self.order = np.argsort(hashes, kind="stable")
        self.hashes = hashes[self.order]

    def longest_quote(self, text: str, since: int = 0) -> Quote | None:
        """Return the longest run of a piece, from event `since` on, that a training piece has too, in any key."""
        events = self._encode(text)[since:]
        best: Quote | None = None
        for start, value in enumerate(_hashes(events).tolist()):
            if best is not None and start + best.events - since >= len(events):
                break
            left, right = (
                np.searchsorted(self.hashes, np.uint64(value), "left"),
                np.searchsorted(self.hashes, np.uint64(value), "right"),
            )
            for place in self.order[left:right].tolist():
                length = self._common(events[start:], place)
                if length >= SHORTEST and (best is None or length > best.events):
                    best = Quote(self.titles[self.owners[place]], since + start, length)
        return best

    def quoted(self, text: str) -> float:
        """Return the share of a piece's events that stand in runs of LONG or more that a training piece has too."""
        events = self._encode(text)
        quoted = np.zeros(len(events), np.bool_)
        values = _hashes(events)
        lefts, rights = (np.searchsorted(self.hashes, values, side) for side in ("left", "right"))
        for start, (left, right) in enumerate(zip(lefts.tolist(), rights.tolist(), strict=True)):
            length = max((self._common(events[start:], place) for place in self.order[left:right].tolist()), default=0)
            if length >= LONG:
                quoted[start : start + length] = True
        return float(quoted.mean()) if len(quoted) else 0.0

    def _common(self, events: NDArray[np.int64], place: int) -> int:
        """Count the events that agree from here on."""
        theirs = self.events[place : place + len(events)]
        same = events[: len(theirs), 0] == theirs[:, 0]
        same[0] = events[0, 1] == theirs[0, 1]
        return int(np.argmin(same)) if not same.all() else len(same)

    def _encode(self, text: str) -> NDArray[np.int64]:
        """Number the events of a text, each by step, chord and rests, and by chord and rests alone: `(events, 2)`."""
        codes: list[list[int]] = []
        before: int | None = None
        for note, chord, rests in _EVENT.findall(text):
            step = None if before is None else int(note) - before
            codes.append(
                [self._codes.setdefault(key, len(self._codes)) for key in ((step, chord, rests), (None, chord, rests))]
            )
            before = int(note)
        return np.array(codes, np.int64).reshape(-1, 2)


def _hashes(events: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash each run of SHORTEST events: the first without its step, the others with it."""
    if len(events) < SHORTEST:
        return np.zeros(0, np.uint64)
    multipliers = np.random.default_rng(_SEED).integers(1, 2**63, SHORTEST, dtype=np.uint64)
    runs = len(events) - SHORTEST + 1
    columns = [events[k : k + runs, 0 if k else 1].astype(np.uint64) + np.uint64(2) for k in range(SHORTEST)]
    mixed = sum(
        (column * multiplier for column, multiplier in zip(columns, multipliers, strict=True)),
        np.zeros(runs, np.uint64),
    )
    return np.asarray(mixed ^ (mixed >> np.uint64(29)))
