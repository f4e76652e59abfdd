"""Frames: what the network is given of each token, as one row of a `(time, columns)` int16 matrix.

First what it hears; then, for a network that remembers, what each predictor names, each one's run, and what is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np

from core.model import compiled, hearing, told
from core.model.hearing import Ear, Frames
from core.model.memory import PREDICTORS, RUNS, Memory
from core.model.told import Guide, Told
from core.music import notation
from core.music.notation import BOUNDARY

if TYPE_CHECKING:
    from core.model.bundle import Params

NAMED: Final = slice(hearing.COLUMNS, hearing.COLUMNS + PREDICTORS)
RUN: Final = slice(NAMED.stop, NAMED.stop + PREDICTORS)
LEFT, TONIC, MODE, SECTION, BEAT, PHRASE = (RUN.stop + column for column in range(told.COLUMNS))
COLUMNS: Final = RUN.stop + told.COLUMNS

DEGREES: Final = 12 * len(told.MODES)


def columns(remembers: bool) -> int:
    """Count the columns of a frame."""
    return COLUMNS if remembers else hearing.COLUMNS


def rows(hears: bool, remembers: bool) -> dict[str, int]:
    """Return the groups of ones in an input vector and how many rows each has."""
    groups = hearing.rows(hears)
    if remembers:
        groups |= {
            "run": PREDICTORS * RUNS,
            "left": told.LEFTS,
            "section": told.SECTIONS,
            "beat": len(told.METRES) * told.PLACES,
            "degree": DEGREES,
            "degrees_ringing": DEGREES,
            "mode": len(told.MODES),
            "phrase": told.PHRASES,
        }
    return groups


def parts(hears: bool, remembers: bool) -> dict[str, int]:
    """Return the parts of the output layer and how many columns each has."""
    columns_of = hearing.parts(hears)
    if remembers:
        columns_of = {**columns_of, "repeat": PREDICTORS * RUNS, "note_degree": DEGREES, "pitch_degree": DEGREES}
    return columns_of


def slices(widths: Mapping[str, int]) -> dict[str, slice]:
    """Return where each group of rows, or part of columns, stands among all."""
    ends = accumulate(widths.values())
    return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}


class Listener:
    """Follow one piece, token by token."""

    def __init__(self, params: Params, what: Told) -> None:
        self.ear, self.guide = Ear(params.anchor, what.bar, int(4 * what.unit)), Guide(what)
        self.memory = Memory(self.ear) if params.remembers else None

    @property
    def sounding(self) -> tuple[int, ...]:
        """Return the pitches that ring, ascending."""
        return self.ear.sounding

    def copy(self) -> Listener:
        """Return another listener that has heard the same."""
        other = copy(self)
        other.ear, other.guide = self.ear.copy(), copy(self.guide)
        other.memory = self.memory and self.memory.copy()
        return other

    def tell(self, what: Told) -> None:
        """Tell of the rest of the piece something else; its metre stays."""
        self.guide = Guide(what)
        self.guide.reach(self.ear.time)

    def hear(self, token: int) -> list[int]:
        """Take one token and return its frame."""
        frame = self.ear.hear(token)
        if self.memory is None:
            return frame
        if token == BOUNDARY:
            self.memory = Memory(self.ear)
        if token == BOUNDARY or token in notation.RESTS:
            self.guide.reach(self.ear.time)
        step = frame[hearing.STEP] - 127
        repeated = self.memory.remember(token, self.ear, step, frame[hearing.PITCH], self.guide.source)
        return frame + repeated + self.guide.row


AnyListener = Listener | compiled.Listener


def listener(params: Params, what: Told) -> AnyListener:
    """Return what follows a piece of which `what` is told, the faster one if it is there."""
    return compiled.Listener(params, what) if compiled.library() else Listener(params, what)


def hear(listeners: Sequence[AnyListener], tokens: Sequence[int]) -> Frames:
    """Have listeners, all of one kind, take a token each; return their frames, `(listeners, columns)`."""
    if in_c := [each for each in listeners if isinstance(each, compiled.Listener)]:
        return compiled.hear(in_c, tokens)
    in_python = [each for each in listeners if isinstance(each, Listener)]
    return np.array([each.hear(token) for each, token in zip(in_python, tokens, strict=True)], np.int16)


def listen(ids: Iterable[int], params: Params, what: Told | None = None) -> Frames:
    """Return the frames of a piece of which `what` is told, and of the boundary before it: `(1 + tokens, columns)`."""
    tokens, told_of = [BOUNDARY, *ids], what or Told(params.unit)
    follower = listener(params, told_of)
    return hear([follower] * len(tokens), tokens)


def transpose(frames: Frames, semitones: int) -> Frames:
    """Return a piece's frames in another key; `notation.fitting` says whether it fits."""
    moved = frames.copy()
    hearing.transpose(moved[:, : hearing.COLUMNS], semitones)
    if frames.shape[1] > hearing.COLUMNS:
        named = moved[:, NAMED]
        named[(named >= notation.NOTES.start) & (named < notation.NOTES.stop)] += semitones
        moved[:, TONIC] = (moved[:, TONIC] + semitones) % 12
    return moved


def untold(frames: Frames, *, left: bool, home: bool, section: bool, phrase: bool) -> Frames:
    """Return frames in which some of what is told is unknown."""
    kept = frames.copy()
    if left:
        kept[:, LEFT] = told.LEFTS
    if home:
        kept[:, MODE] = len(told.MODES)
    if section:
        kept[:, SECTION] = told.SECTIONS
    if phrase:
        kept[:, PHRASE] = told.PHRASES
    return kept
