"""Taste: what the members of a server like, learned from what they choose, and how gently it leans on the critic.

A vote says that one piece was liked better than another, or than the average one of its model. Bradley and Terry (Rank
analysis of incomplete block designs, Biometrika 39, 1952) have the odds of that grow with the difference of two
strengths; here a piece's strength is a weighted sum of the critic's figures, each in standard deviations of the pieces
that its model was trained on, so that what was learned of one model's music holds for another's. The weights are the
likeliest under a normal prior, which a few votes cannot move far. They are kept as text, since they belong to a recipe.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np

from core.composing.critic import FIGURES, Floats
from core.errors import Message, RequestError, mark

STRONGEST: Final = 3.0  # that a weight can be
LEAST: Final = 0.05  # a weight that counts
LEAN: Final = 0.2  # of the critic's measure at most, for what is liked as much as can be, or as little

_PRIOR: Final = 4.0  # precision of the weights, before any vote
_STEPS: Final = 25  # of Newton's method, of which it takes fewer than ten
_TOLD: Final = 0.1  # a weight that is put into words
_MOST_TOLD: Final = 5
_LONGEST: Final = 2000  # characters


@dataclass(frozen=True, slots=True)
class Vote:
    """Say that one piece was liked better than another, by their figures `(len(FIGURES),)`.

    They are as `Critic.standard` has them; None is the average piece. A vote of `weight` 2 counts as two.
    """

    liked: Floats | None
    other: Floats | None
    weight: float = 1.0


@dataclass(frozen=True)
class Taste:
    """Hold how much of each figure is liked, by its name: above 0 more of it, below 0 less."""

    weights: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        return "; ".join(f"{name} {weight:+.2f}" for name, weight in self.weights)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` has written; figures of another day count no more. Raises RequestError."""
        weights = list[tuple[str, float]]()
        for part in text[:_LONGEST].split(";") if text.strip() else ():
            name, _, number = part.strip().rpartition(" ")
            try:
                weight = float(number)
            except ValueError:
                weight = math.nan
            if not name or not abs(weight) <= STRONGEST:
                raise RequestError(
                    '{part!r} is no part of a taste. Write "leaps +0.4; range -0.2", for example.', part=part[:40]
                )
            if name in FIGURES:
                weights.append((name, weight))
        return cls(tuple(weights))

    def strength(self, figures: Floats) -> Floats:
        """Return how well pieces `(pieces, len(FIGURES))` are liked: `(pieces,)`, 0 for the average one."""
        strengths: Floats = figures @ self._vector
        return strengths

    def lean(self, figures: Floats) -> Floats:
        """Return what speaks for pieces, by the critic's measure: from -LEAN to LEAN, as surely as they are liked."""
        leaning: Floats = LEAN * np.tanh(self.strength(figures) / 2)
        return leaning

    def words(self) -> tuple[Message, ...]:
        """Say what is liked, the surest first."""
        surest = sorted(self.weights, key=lambda each: -abs(each[1]))
        return tuple(_WORDS[name][weight < 0] for name, weight in surest[:_MOST_TOLD] if abs(weight) >= _TOLD)

    @cached_property
    def _vector(self) -> Floats:
        known = dict(self.weights)
        return np.array([known.get(name, 0.0) for name in FIGURES])


def fit(votes: Sequence[Vote]) -> Taste:
    """Find the taste that votes are likeliest under. The same votes give the same taste."""
    if not votes:
        return Taste()
    nothing = np.zeros(len(FIGURES))
    differences = np.array([_or(vote.liked, nothing) - _or(vote.other, nothing) for vote in votes])
    counts = np.array([vote.weight for vote in votes])
    weights = np.zeros(len(FIGURES))
    for _ in range(_STEPS):
        doubt = 1 / (1 + np.exp(np.clip(differences @ weights, -50, 50)))  # that a vote would have been the other way
        slope = differences.T @ (counts * doubt) - _PRIOR * weights
        bend = (differences.T * (counts * doubt * (1 - doubt))) @ differences + _PRIOR * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    rounded = np.clip(weights, -STRONGEST, STRONGEST).round(2)
    return Taste(
        tuple((name, float(weight)) for name, weight in zip(FIGURES, rounded, strict=True) if abs(weight) >= LEAST)
    )


def centred(votes: Sequence[Vote]) -> list[Vote]:
    """Let the average piece be that of all the pieces that were voted on, which differ from those of the training."""
    met = [figures for vote in votes for figures in (vote.liked, vote.other) if figures is not None]
    if not met:
        return list(votes)
    middle: Floats = np.mean(met, axis=0)
    return [replace(vote, liked=_or(vote.liked, middle), other=_or(vote.other, middle)) for vote in votes]


def _or(figures: Floats | None, otherwise: Floats) -> Floats:
    return otherwise if figures is None else figures


_WORDS: Final[dict[str, tuple[Message, Message]]] = {  # for more of a figure, and for less
    "windows at home": (mark("keeping to the key"), mark("excursions to other keys")),
    "ends in the signature it began in": (mark("ending in the key of the beginning"), mark("ending in another key")),
    "notes of the key": (mark("plain notes of the key"), mark("chromatic notes")),
    "closes from the dominant": (mark("closes from the dominant"), mark("closes without the dominant")),
    "upper voice ends on the tonic": (mark("endings on the tonic"), mark("open endings")),
    "ends on a strong beat": (mark("endings on a strong beat"), mark("endings off the beat")),
    "length of the last event": (mark("long last notes"), mark("short last notes")),
    "parallel fifths": (mark("parallel fifths"), mark("no parallel fifths")),
    "parallel octaves": (mark("parallel octaves"), mark("no parallel octaves")),
    "dissonance on beats": (mark("more dissonance"), mark("less dissonance")),
    "bars that return": (mark("bars that return"), mark("always something new")),
    "bars 1-4 return as 5-8": (mark("openings that are repeated"), mark("openings that go on")),
    "rhythm of the bar before": (mark("a steady rhythm"), mark("a changing rhythm")),
    "events on beats": (mark("notes on the beat"), mark("notes between the beats")),
    "events a bar": (mark("many notes"), mark("few notes")),
    "notes an event": (mark("full chords"), mark("thin chords")),
    "range": (mark("a wide range"), mark("a narrow range")),
    "highest note": (mark("high melodies"), mark("low melodies")),
    "lowest note": (mark("a bass that is not deep"), mark("a deep bass")),
    "steps": (mark("more steps"), mark("fewer steps")),
    "leaps": (mark("more leaps"), mark("fewer leaps")),
    "repeated notes": (mark("repeated notes"), mark("no repeated notes")),
    "rising": (mark("rising lines"), mark("falling lines")),
    "kinds of rhythm": (mark("many kinds of rhythm"), mark("one kind of rhythm")),
}


def as_json(figures: Floats | None) -> dict[str, float] | None:
    """Return what `read` reads: figures by their names, so that they outlive the list."""
    return None if figures is None else dict(zip(FIGURES, (figures.round(3) + 0.0).tolist(), strict=True))


def read(kept: Any) -> Floats | None:
    """Read figures that were kept; one that is new since then is as in the average piece."""
    return None if kept is None else np.array([float(kept.get(name, 0.0)) for name in FIGURES])
