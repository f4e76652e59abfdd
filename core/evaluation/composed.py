"""Pieces as they are composed by default, beside real ones of about their length."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.composing import form, recipe
from core.composing.critic import NEAR
from core.composing.recipe import Composer, ComposeRequest
from core.composing.sampling import Sample
from core.evaluation import figures
from core.evaluation.parsed import Parsed, beginning, score_of
from core.model.bundle import Params
from core.music import counterpoint, home, notation, repetition, score
from core.music.keys import key_of
from core.music.score import Score

FEW: Final = 20  # real pieces, on which a mean says little
HARDLY_ANY: Final = 4  # on which it says nothing
ENOUGH: Final = 200  # of which a share is uncertain by .03
PRIMER: Final = home.WINDOW  # bars of a real piece to go on from


@dataclass(frozen=True, slots=True)
class Composed:
    """Hold the figures of pieces of so many bars as they are composed by default, beside those of real ones.

    The `count` real pieces are those that were held out, in the same metre and of as many bars; where they are
    fewer than ENOUGH, those that were trained on too; where these are fewer than FEW, the held-out ones whose length is
    within a quarter of that; and where there is hardly any, the first bars of all that are longer. Beside the figures
    of `core.evaluation.figures`, both have: `quotes`, the events of the longest quote from the training pieces, as a
    mean, and `longest_quote`; `phrases_held` and `phrases_closed`, how phrases end, where they are known; and, of
    pieces that begin with the first PRIMER bars of the real ones, `keeps_primers_key` and `motif_returns`.
    """

    bars: int
    metre: str
    count: int
    real: dict[str, float]
    figures: dict[str, float]


def compose(
    composer: Composer, real: Sequence[Parsed], trained_on: Sequence[Parsed], bars: int, takes: int
) -> Composed:
    """Compose as the bot does, with the seeds 1, 2, 3 …, and compare with real pieces of the length.

    `real` were held out; what quotes and primers are measured on is always of them.
    """
    params = composer.bundle.params
    metre = form.habits(params.habits).metre

    def of(pieces: Sequence[Parsed], within: float) -> list[Parsed]:
        in_metre = (piece for piece in pieces if piece.metre.counted == metre.counted)
        return [piece for piece in in_metre if abs(_bars(piece, params) - bars) <= within]

    apart = alike = of(real, 0)
    if len(apart) < FEW:
        apart = of(real, bars * NEAR)
    if len(alike) < ENOUGH:
        alike = [*alike, *of(trained_on, 0)]
    if len(alike) < FEW:
        alike = apart
    if len(alike) < HARDLY_ANY:
        long = [[piece for piece in of(group, math.inf) if _bars(piece, params) > bars] for group in (real, trained_on)]
        apart, others = ([_cut(piece, bars, params) for piece in group] for group in long)
        alike = [*apart, *others]
    request = ComposeRequest(model="", bars=bars, seed=1)

    def parsed(sample: Sample) -> Parsed:
        return Parsed(sample.ids, metre, sample.told.phrases)

    def go_on(place: int, piece: Parsed) -> Parsed:
        primer = score.to_text(_opening(score_of(piece, params)), params.anchor)
        [sample] = recipe.write(replace(request, primer=primer, metre=str(metre), seed=place + 1), composer)
        return parsed(sample)

    made = [parsed(recipe.write(replace(request, seed=seed), composer)[0]) for seed in range(1, takes + 1)]
    opened = [piece for piece in apart if _can_open(piece, composer)][:takes]
    gone_on = [go_on(place, piece) for place, piece in enumerate(opened)]
    return Composed(
        bars=bars,
        metre=str(metre),
        count=len(alike),
        real=_measured(alike, opened, apart, composer),
        figures=_measured(made, gone_on, made, composer),
    )


def _bars(piece: Parsed, params: Params) -> int:
    """Count the bars from the first note on."""
    whole = score_of(piece, params)
    return round((whole.length - whole.events[0].onset) / whole.units_per_bar) if whole.events else 0


def _cut(piece: Parsed, bars: int, params: Params) -> Parsed:
    """Return the first bars of a piece, from the one in which it begins."""
    text = score.to_text(beginning(score_of(piece, params), bars), params.anchor)
    return Parsed(notation.parse(text, params.anchor), piece.metre)


def _can_open(piece: Parsed, composer: Composer) -> bool:
    """Tell whether a piece has an opening to go on from, and goes on itself."""
    whole = score_of(piece, composer.bundle.params)
    return whole.bars >= 2 * PRIMER and any(event.onset < PRIMER * whole.units_per_bar for event in whole.events)


def _measured(
    pieces: Sequence[Parsed], opened: Sequence[Parsed], apart: Sequence[Parsed], composer: Composer
) -> dict[str, float]:
    """Measure pieces, those that have an opening to keep to, and what those that were not trained on quote."""
    params = composer.bundle.params
    scores = [score_of(piece, params) for piece in pieces]
    found = [composer.index.longest_quote(notation.text(piece.ids)) for piece in apart]
    quotes = [0.0 if quote is None else float(quote.events) for quote in found] or [math.nan]
    phrased = [(whole, piece.phrases) for whole, piece in zip(scores, pieces, strict=True) if piece.phrases]
    openings = [score_of(piece, params) for piece in opened]
    return {
        **figures.means(scores),
        "phrases_held": _mean(counterpoint.held_ends, phrased),
        "phrases_closed": _mean(counterpoint.phrases_closed, phrased),
        "keeps_primers_key": _mean(_keeps_key, [(whole,) for whole in openings]),
        "motif_returns": _mean(_motif_returns, [(whole,) for whole in openings]),
        "quotes": float(np.mean(quotes)),
        "longest_quote": max(quotes),
    }


def _opening(whole: Score) -> Score:
    end = PRIMER * whole.units_per_bar
    return replace(whole, events=tuple(event for event in whole.events if event.onset < end), length=end)


def _keeps_key(whole: Score) -> float:
    return home.keeps(whole, key_of(_opening(whole), open_end=True), PRIMER)


def _motif_returns(whole: Score) -> float:
    return repetition.motif_returns(whole, len(_opening(whole).events))


def _mean(figure: Callable[..., float], of: Sequence[tuple[object, ...]]) -> float:
    """Return the mean over those that have the figure; NaN if none has."""
    values = [value for each in of if math.isfinite(value := figure(*each))]
    return float(np.mean(values)) if values else math.nan
