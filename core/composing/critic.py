"""The critic: from many candidates, the one that a listener would keep.

It takes a real piece for its measure, not an ideal: what it wishes for is drawn, with the seed, from the figures of the
pieces that the model was trained on, and the candidate that comes nearest is kept. So of a thousand compositions as
many close from the dominant, or leap, or return, as real pieces do, and no figure is driven beyond them. What no real
piece has (a silent beginning, a loop, a long quote) costs extra.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import BundleError
from core.music import counterpoint, home, repetition
from core.music.keys import MAJOR, MINOR, key_of, parse_key
from core.music.metre import Metre
from core.music.score import Score

Floats = NDArray[np.float64]
Piece = TypeVar("Piece")

LIKELIHOOD: Final = 0.03  # weight of a candidate's mean log-likelihood, in standard deviations among the candidates
FAULT: Final = 2.0  # what a fault costs, beside the mean distance of all figures
LOOP: Final = 8  # events in a row that sound the same
MOST_PIECES: Final = 1000  # that wishes are drawn from
FEW: Final = 8  # pieces of one length, from which nothing can be drawn
NEAR: Final = 0.25  # share by which the length of a piece may differ from a composition's, to be its measure


@dataclass(frozen=True, slots=True)
class _Piece:
    """Hold what the figures look at: a score, its key, its upper line, and the units from each event to the next."""

    score: Score
    key: str
    line: NDArray[np.int64]
    steps: NDArray[np.int64]
    gaps: NDArray[np.int64]


def _of(score: Score, key: str | None) -> _Piece:
    line = np.array(counterpoint.upper_line(score), np.int64)
    onsets = np.array([*(event.onset for event in score.events), score.length], np.int64)
    return _Piece(score, key_of(score) if key is None else key, line, np.diff(line), np.diff(onsets))


def _share(mask: Any) -> float:
    values = np.asarray(mask)
    return float(values.mean()) if values.size else math.nan


def _in_scale(piece: _Piece) -> float:
    """Return the share of notes that belong to the key, in minor with both sixths and sevenths."""
    tonic, mode = parse_key(piece.key)
    scale = MAJOR if mode == "major" else MINOR
    return _share([(pitch - tonic) % 12 in scale for event in piece.score.events for pitch in event.pitches])


def _on_beats(piece: _Piece) -> float:
    """Return the share of events that begin on a beat."""
    beat, parts = (piece.score.metre.counted.beat / piece.score.unit).as_integer_ratio()
    return _share([event.onset * parts % beat == 0 for event in piece.score.events])


def _groove(piece: _Piece) -> float:
    """Return the share of bars whose rhythm is that of the bar before."""
    rhythms = [tuple(onset for onset, _ in bar) for bar in repetition.bars(piece.score)]
    return _share([before == after for before, after in pairwise(rhythms)])


def _final_length(piece: _Piece) -> float:
    """Return how long the last event is, in bars."""
    return float(piece.gaps[-1]) / piece.score.units_per_bar


FIGURES: Final[Mapping[str, tuple[float, Callable[[_Piece], float]]]] = (
    MappingProxyType(  # weight, and what it measures
        {
            "windows at home": (1.0, lambda p: home.windows_at_home(p.score, p.key)),
            "ends in the signature it began in": (0.5, lambda p: home.returns_home(p.score)),
            "notes of the key": (1.0, _in_scale),
            "closes from the dominant": (2.0, lambda p: counterpoint.closes_on_the_dominant(p.score, p.key)),
            "upper voice ends on the tonic": (3.0, lambda p: counterpoint.ends_on_the_tonic(p.score, p.key)),
            "ends on a strong beat": (2.0, lambda p: counterpoint.ends_on_a_strong_beat(p.score)),
            "length of the last event": (0.5, _final_length),
            "parallel fifths": (2.0, lambda p: counterpoint.parallels(p.score, counterpoint.FIFTH)),
            "parallel octaves": (3.0, lambda p: counterpoint.parallels(p.score, counterpoint.OCTAVE)),
            "dissonance on beats": (0.5, lambda p: counterpoint.dissonance_on_beats(p.score)),
            "bars that return": (1.0, lambda p: repetition.returning_bars(p.score)),
            "bars 1-4 return as 5-8": (0.5, lambda p: repetition.returns(p.score, 4)),
            "rhythm of the bar before": (0.5, _groove),
            "events on beats": (0.5, _on_beats),
            "events a bar": (0.5, lambda p: len(p.score.events) / float(p.score.bars)),
            "notes an event": (0.5, lambda p: float(np.mean([len(event.pitches) for event in p.score.events]))),
            "range": (2.0, lambda p: float(p.line.max() - p.line.min())),
            "highest note": (0.5, lambda p: float(p.line.max())),
            "lowest note": (0.5, lambda p: float(min(event.pitches[0] for event in p.score.events))),
            "steps": (0.5, lambda p: _share(np.abs(p.steps) <= 2)),
            "leaps": (0.5, lambda p: _share(np.abs(p.steps) > 4)),
            "repeated notes": (0.5, lambda p: _share(p.steps == 0)),
            "rising": (0.25, lambda p: _share(p.steps > 0)),
            "kinds of rhythm": (0.25, lambda p: float(len(set(p.gaps.tolist())))),
        }
    )
)

_CLOSES: Final = {
    "closes from the dominant",
    "upper voice ends on the tonic",
    "ends on a strong beat",
    "length of the last event",
}
_FORM: Final = {
    "windows at home",  # of which a beginning has one or two: nearest to any share would be to be at home in all
    "ends in the signature it began in",
    "bars that return",
    "bars 1-4 return as 5-8",
}
_OF_THE_CLOSE: Final = [place for place, name in enumerate(FIGURES) if name in _CLOSES]
_ENDS: Final = [list(FIGURES).index(name) for name in ("closes from the dominant", "upper voice ends on the tonic")]
_RANGE: Final = list(FIGURES).index("range")
_RETURN: Final = list(FIGURES).index("bars 1-4 return as 5-8")
AT_HOME: Final = list(FIGURES).index("windows at home")
_OF_THE_FORM: Final = [place for place, name in enumerate(FIGURES) if name in _FORM]
_WEIGHTS: Final = np.array([weight for weight, _ in FIGURES.values()])


def measure(score: Score, key: str | None = None) -> Floats:
    """Return the figures of a piece, `(len(FIGURES),)`, NaN where it has none; `key` is found if it is None."""
    if not score.events:
        return np.full(len(FIGURES), math.nan)
    piece = _of(score, key)
    return np.array([figure(piece) for _, figure in FIGURES.values()])


@dataclass(frozen=True, slots=True)
class Critic:
    """Know the figures of real pieces: `figures` `(pieces, len(FIGURES))`, their `bars` `(pieces,)` and metres.

    The metres are those in which their bars are counted; there are none where they were not kept.
    """

    figures: Floats
    bars: Floats
    metres: tuple[str, ...] = ()

    def wish(
        self, bars: float, chance: np.random.Generator, *, metre: Metre | None = None, repeated: bool | None = None
    ) -> Floats:
        """Draw what a composition of so many bars should be like: the figures of a real piece.

        That is one of as many bars in that metre, or, where they are fewer than FEW, of about as many, or in any metre;
        whose first four bars come again as the next four or not, as is `repeated`, unless that is None or there is no
        such piece. Pieces that end away from the tonic that was found are left out: most are in another key, or in a
        mode that has none of ours.
        """
        far, away = np.abs(self.bars - bars), np.logical_not(self.figures[:, _ENDS].any(axis=1))
        others = np.array([name != str(metre) for name in self.metres], np.bool_)
        if metre is not None and (~others).sum() >= FEW:
            far[others] = np.inf
        if np.isfinite(far[~away]).any():
            far[away] = np.inf
        among = np.flatnonzero(far < 1)
        if len(among) < FEW:
            among = np.flatnonzero(far <= NEAR * bars)
        if repeated is not None:
            agreeing = among[self.figures[among, _RETURN] == repeated]
            among = agreeing if len(agreeing) else among
        if not len(among):
            among = np.flatnonzero(np.isfinite(far))
        drawn: Floats = self.figures[chance.choice(among)]
        return drawn

    def cost(self, measured: Floats, wish: Floats) -> Floats:
        """Return how far candidates `(candidates, len(FIGURES))` are from a wish: `(candidates,)`, less is better.

        The weighted mean of the distances, each in standard deviations of real pieces and at most 3; a figure that
        either side lacks does not count.
        """
        spread = np.ma.masked_invalid(self.figures).std(axis=0).filled(0)
        distance = np.abs(measured - wish) / np.where(spread > 0, spread, np.inf)
        weights = np.where(np.isfinite(distance), _WEIGHTS, 0)
        total = np.maximum(weights.sum(1), 1e-9)
        costs: Floats = (weights * np.minimum(np.nan_to_num(distance), 3)).sum(1) / total
        return costs

    def standard(self, measured: Floats) -> Floats:
        """Return figures in standard deviations from the mean of real pieces, 3 at most; 0 for what there is not."""
        real = np.ma.masked_invalid(self.figures)
        spread = real.std(axis=0).filled(0)
        away = (measured - real.mean(axis=0).filled(0)) / np.where(spread > 0, spread, np.inf)
        standardised: Floats = np.clip(np.nan_to_num(away, posinf=0, neginf=0), -3, 3)
        return standardised

    def as_json(self) -> dict[str, Any]:
        """Return what `critic` reads."""
        rows = [" ".join(f"{value:.4g}" for value in row) for row in self.figures]  # a line a piece
        bars, metres = self.bars.tolist(), " ".join(self.metres)
        return {"critic": {"names": list(FIGURES), "figures": rows, "bars": bars, "metres": metres}}


def critic_of(pieces: Sequence[Score]) -> Critic:
    """Measure what real pieces are like, from MOST_PIECES of them at most, spread evenly."""
    some = [piece for piece in spread(pieces, MOST_PIECES) if piece.events]
    return Critic(
        np.array([measure(piece) for piece in some]),
        np.array([float(piece.bars) for piece in some]),
        tuple(str(piece.metre.counted) for piece in some),
    )


def spread(pieces: Sequence[Piece], most: int) -> list[Piece]:
    """Return `most` pieces, spread evenly over all, or all if there are no more."""
    if len(pieces) <= most:
        return list(pieces)
    return [pieces[i * len(pieces) // most] for i in range(most)]


def critic(habits: Mapping[str, Any]) -> Critic | None:
    """Read what `Critic.as_json` wrote, by the figures' names; None if there is nothing. Raises BundleError."""
    if not (values := habits.get("critic")):
        return None
    try:
        return _read(values)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise BundleError("The critic's figures in params.json are damaged: {error}.", error=error) from None


def _read(values: Mapping[str, Any]) -> Critic:
    places = {name: place for place, name in enumerate(values["names"])}
    rows = np.array([row.split() for row in values["figures"]], float)
    columns = [rows[:, places[name]] if name in places else np.full(len(rows), math.nan) for name in FIGURES]
    bars, metres = np.array(values["bars"], float), tuple(values.get("metres", "").split())
    if metres and len(metres) != len(bars):
        raise ValueError("not as many metres as pieces")
    return Critic(np.stack(columns, axis=1), bars, metres)


def rank(
    judge: Critic,
    candidates: Sequence[Score],
    nats: Sequence[float],
    wish: Floats,
    key: str | None = None,
    faults: Sequence[float] = (),
    *,
    written: float = 1.0,
    closes: bool = True,
    lean: Callable[[Floats], Floats] | None = None,
) -> list[int]:
    """Return the places of the candidates, the best first.

    `nats` is each one's mean negative log-likelihood a token, `key` the one that they were composed in, if it is known,
    `faults` what else speaks against each. Of beginnings, of which only a share is `written`, nothing is asked of their
    form, and what they lack in range counts by that share; where the piece does not close as they do now, nothing is
    asked of their ends. `lean` says what speaks for each by its `standard` figures.
    """
    measured = np.array([measure(score, key) for score in candidates])
    if written < 1:
        measured[:, _OF_THE_FORM] = math.nan
        measured[:, _RANGE] += (1 - written) * np.maximum(wish[_RANGE] - measured[:, _RANGE], 0)
    if not closes:
        measured[:, _OF_THE_CLOSE] = math.nan
    costs = judge.cost(measured, wish) + FAULT * np.array([_faults(score) for score in candidates])
    if faults:
        costs += np.array(faults)
    if lean is not None:
        costs -= lean(judge.standard(measured))
    unlikely = np.array(nats)
    if unlikely.std() > 0:
        costs += LIKELIHOOD * (unlikely - unlikely.mean()) / unlikely.std()
    return [int(place) for place in np.argsort(costs, kind="stable")]


def _faults(score: Score) -> int:
    """Count what no real piece has: a bar of silence at the start, and loops of one note."""
    if not score.events:
        return 2
    runs = max(len(list(run)) for _, run in groupby(event.pitches for event in score.events))
    return int(score.events[0].onset >= score.units_per_bar) + int(runs >= LOOP)
