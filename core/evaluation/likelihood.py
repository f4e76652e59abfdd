"""How likely real pieces are: to a model, and to the yardsticks that have learned nothing but to count and to copy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.composing import sampling
from core.evaluation.copying import Copying
from core.evaluation.ngram import NGram, in_twelve_keys
from core.evaluation.parsed import Parsed, in_returning_bars, told
from core.model import frames as columns
from core.model.bundle import Params
from core.model.hearing import BASE, ID, NONE, PITCH, Frames
from core.model.stepping import Stepper
from core.music import notation
from core.music.notation import BOUNDARY

STREAMS: Final = 64  # pieces that go through the network at once
RESAMPLES: Final = 1000  # of the bootstrap over pieces

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """Hold the mean of a figure and its standard deviation, over seeds or resampled pieces; NaN where there is none."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Tell how well real pieces are predicted, each up to the boundary that closes it.

    `nats` a token and `bits` a sounded note are lower when better; `accuracy` is the share of tokens that came first.
    `new` and `returning` are the nats of a token in bars that are new, and in those that are an earlier bar note for
    note. Each has the standard deviation that resampling the pieces gives it.
    """

    nats: Spread
    bits: Spread
    accuracy: Spread
    new: Spread
    returning: Spread


def likelihood(
    stepper: Stepper, pieces: Sequence[Parsed], gravities: Sequence[float] = (0.0,)
) -> tuple[Likelihood, ...]:
    """Return how well a model predicts pieces, for each of several strengths of its tonal memory (0: the model alone).

    It is told of each piece what `form.read` finds. The network's softmax is over the whole vocabulary, as in training:
    no grammar rules tokens out.
    """
    nats, correct = _losses(stepper, pieces, gravities)
    return tuple(
        _summed_up([each[k] for each in nats], [each[k] for each in correct], pieces, stepper.params)
        for k in range(len(gravities))
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold how well two models predict the same pieces, and by how much the first one's nats are lower."""

    one: Likelihood
    other: Likelihood
    nats: Spread
    new: Spread
    returning: Spread


def compare(one: Stepper, other: Stepper, pieces: Sequence[Parsed]) -> Comparison:
    """Compare two models of one notation; the spread of a difference is over resamplings of the pieces, too."""
    (ours, hits), (theirs, others) = (_losses(stepper, pieces, (0.0,)) for stepper in (one, other))
    first, second, lower = (
        _summed_up([each[0] for each in nats], [each[0] for each in correct], pieces, one.params)
        for nats, correct in (
            (ours, hits),
            (theirs, others),
            ([b - a for a, b in zip(ours, theirs, strict=True)], hits),
        )
    )
    return Comparison(first, second, lower.nats, lower.new, lower.returning)


def yardsticks(learned: Sequence[Parsed], pieces: Sequence[Parsed], params: Params) -> tuple[Likelihood, Likelihood]:
    """Return how well an n-gram of the learned pieces, in all keys, predicts others, and how well copying does."""
    ngram = NGram(in_twelve_keys([piece.ids for piece in learned], params.anchor))
    copying = Copying(learned, params)
    nats: tuple[list[Floats], list[Floats]] = ([], [])
    correct: tuple[list[Floats], list[Floats]] = ([], [])
    for piece in pieces:
        tokens = np.array([*piece.ids, BOUNDARY])
        counted = ngram.distribution(piece.ids)
        for k, predicted in enumerate((counted, copying.distribution(piece, counted))):
            nats[k].append(-np.log(predicted[np.arange(len(tokens)), tokens]))
            correct[k].append((predicted.argmax(1) == tokens).astype(float))
    by_ngram, by_copying = (_summed_up(nats[k], correct[k], pieces, params) for k in range(2))
    return by_ngram, by_copying


def _losses(
    stepper: Stepper, pieces: Sequence[Parsed], gravities: Sequence[float]
) -> tuple[list[Floats], list[Floats]]:
    """Return the losses of each piece's tokens, and which were the likeliest: `(gravities, tokens + 1)` each."""
    nats = [np.zeros((len(gravities), len(piece.ids) + 1)) for piece in pieces]
    correct = [np.zeros_like(each) for each in nats]
    order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i].ids))
    for at in range(0, len(order), STREAMS):
        group = order[at : at + STREAMS]
        _predict(stepper, [pieces[i] for i in group], gravities, [nats[i] for i in group], [correct[i] for i in group])
    return nats, correct


def _predict(
    stepper: Stepper,
    pieces: Sequence[Parsed],
    gravities: Sequence[float],
    nats: Sequence[Floats],
    correct: Sequence[Floats],
) -> None:
    """Fill in each piece's losses and correct tokens, `(gravities, tokens + 1)`; the longest piece comes first."""
    params = stepper.params
    heard = [columns.listen(piece.ids, params, told(piece, params)) for piece in pieces]
    states, counts = stepper.silence(len(pieces)), sampling.no_memory(len(pieces))
    going = len(pieces)
    for time in range(len(heard[0])):
        while len(heard[going - 1]) <= time:
            going -= 1
        now: Frames = np.array([frames[time] for frames in heard[:going]]).reshape(going, -1)
        tokens = np.array([frames[time + 1, ID] if time + 1 < len(frames) else BOUNDARY for frames in heard[:going]])
        for row in np.flatnonzero(now[:, PITCH] != NONE).tolist():
            sampling.remember(counts[row], now[row, PITCH])
        logits = stepper.step(now, states[:, :going]).astype(np.float64)
        memory = sampling.pull(counts[:going], now[:, BASE].astype(np.intp), params.anchor)
        for k, gravity in enumerate(gravities):
            scores = logits + gravity * memory
            losses = np.logaddexp.reduce(scores, axis=1) - scores[np.arange(going), tokens]
            hits = scores.argmax(1) == tokens
            for stream in range(going):
                nats[stream][k, time], correct[stream][k, time] = losses[stream], hits[stream]


def _summed_up(
    nats: Sequence[Floats], correct: Sequence[Floats], pieces: Sequence[Parsed], params: Params
) -> Likelihood:
    """Sum up pieces, and resample them for the spread (the bootstrap of Efron 1979)."""
    chosen = np.random.default_rng(0).integers(len(pieces), size=(RESAMPLES, len(pieces)))
    losses = np.array([each.sum() for each in nats])
    tokens = np.array([len(each) for each in nats])
    notes = np.array([sum(token not in notation.RESTS for token in piece.ids) for piece in pieces])
    returning = [in_returning_bars(piece, params) for piece in pieces]

    def ratio(above: Floats, below: NDArray[np.int64]) -> Spread:
        if not below.sum():
            return Spread(math.nan, math.nan)
        resampled = above[chosen].sum(1) / np.maximum(1, below[chosen].sum(1))
        return Spread(float(above.sum() / below.sum()), float(resampled.std()))

    def within(masks: Sequence[NDArray[np.bool_]]) -> Spread:
        inside = np.array([each[:-1][mask].sum() for each, mask in zip(nats, masks, strict=True)])
        return ratio(inside, np.array([mask.sum() for mask in masks]))

    return Likelihood(
        nats=ratio(losses, tokens),
        bits=ratio(losses / math.log(2), notes),
        accuracy=ratio(np.array([each.sum() for each in correct]), tokens),
        new=within([~mask for mask in returning]),
        returning=within(returning),
    )
