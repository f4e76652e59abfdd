"""Copying alone: what the predictors of the memory give without a network, as a yardstick beside the n-gram.

Each predictor of `core.model.memory`, but for the one that the plan helps, is an expert. On the token that it names it
puts the share in which it was right in the learned pieces, after as many tokens running; the rest, and all where it
names nothing, it leaves to the n-gram. The experts are mixed by weights that follow the piece: each in proportion to
the probability that it gave the tokens so far, of which a share is dealt out evenly after every token (the fixed share
of Herbster and Warmuth 1998, "Tracking the best expert").
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.parsed import Parsed
from core.model import frames as columns
from core.model.bundle import Params
from core.model.frames import NAMED, RUN
from core.model.hearing import ID, Frames
from core.model.memory import NOTHING, PLANNED, PREDICTORS, RUNS
from core.model.told import Told
from core.music.notation import BOUNDARY

SHARE: Final = 0.02  # of the weights, dealt out evenly after each token
MOST_PIECES: Final = 300  # in which it is counted how often predictors are right

_EXPERTS: Final = [expert for expert in range(PREDICTORS) if expert != PLANNED]

Floats = NDArray[np.float64]


class Copying:
    """Know how often each predictor was right in learned pieces, by its run."""

    def __init__(self, learned: Sequence[Parsed], params: Params) -> None:
        self.params = replace(params, hears=True, remembers=True)
        right, asked = np.ones((PREDICTORS, RUNS)), np.full((PREDICTORS, RUNS), 2.0)
        for i in range(0, len(learned), -(-len(learned) // MOST_PIECES)):
            named, runs, tokens = self._predicted(learned[i])
            for expert in _EXPERTS:
                speaks = named[:, expert] != NOTHING
                np.add.at(asked[expert], runs[speaks, expert], 1)
                np.add.at(right[expert], runs[speaks, expert], (named[:, expert] == tokens)[speaks])
        self.trust = right / asked

    def distribution(self, piece: Parsed, ngram: Floats) -> Floats:
        """Return what each token of a piece, and the boundary behind it, was predicted by: `(tokens + 1, SIZE)`.

        `ngram` is what an n-gram predicts them by.
        """
        named, runs, tokens = self._predicted(piece)
        named, runs = named[:, _EXPERTS], runs[:, _EXPERTS]
        trust = np.where(named != NOTHING, self.trust[_EXPERTS, runs], 0)
        times = np.arange(len(tokens))
        given = trust * (named == tokens[:, None]) + (1 - trust) * ngram[times, tokens][:, None]
        weights = np.full((len(tokens), len(_EXPERTS)), 1 / len(_EXPERTS))
        for time in range(1, len(tokens)):
            weighed = weights[time - 1] * given[time - 1]
            weights[time] = (1 - SHARE) * weighed / weighed.sum() + SHARE / len(_EXPERTS)
        predicted: Floats = ngram * (weights * (1 - trust)).sum(1)[:, None]
        speaks, experts = np.nonzero(named != NOTHING)
        np.add.at(predicted, (speaks, named[speaks, experts]), (weights * trust)[speaks, experts])
        return predicted

    def _predicted(self, piece: Parsed) -> tuple[Frames, Frames, NDArray[np.int64]]:
        """Return what each predictor names before each token, the run of each, and the tokens."""
        frames = columns.listen(piece.ids, self.params, Told(self.params.unit, piece.metre))
        return frames[:, NAMED], frames[:, RUN], np.array([*frames[1:, ID], BOUNDARY], np.int64)
