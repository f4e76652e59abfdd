"""How good a model is: how likely real pieces are to it, and how its own pieces compare with them. No TensorFlow."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Final

import numpy as np

from core.composing import sampling
from core.composing.critic import critic, spread
from core.composing.novelty import Index
from core.composing.recipe import Composer
from core.composing.sampling import LONGEST_PIECE, Options, Sample
from core.errors import CorpusError
from core.evaluation import figures
from core.evaluation.composed import Composed, compose
from core.evaluation.figures import Overlap
from core.evaluation.likelihood import STREAMS, Likelihood, Spread, likelihood, yardsticks
from core.evaluation.parsed import Parsed, score_of
from core.model.bundle import Bundle, Params
from core.model.stepping import Stepper
from core.music import dances, notation
from core.music.score import Score

TEMPERATURES: Final = (0.8, 1.0, 1.2)
TAKES: Final = 50
SEEDS: Final = (1, 2, 3)
COMPOSED_BARS: Final = (16, 32)

Histograms = dict[str, dict[int, float]]  # as `figures.summed_histograms` gives them


@dataclass(frozen=True, slots=True)
class Samples:
    """Hold the figures of samples at one temperature, over seeds, and the summed histograms of all of them."""

    temperature: float
    figures: dict[str, Spread]
    histograms: Histograms


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Hold all that is measured of a model; `real` and `samples` have the figures of `core.evaluation.figures`.

    An overlap of `real` is the yardstick, that of one half of the pieces with the other. `ended` is the share of pieces
    that end by themselves before LONGEST_PIECE bars. `tempos` are the slowest, the median and the fastest at which real
    pieces are played, in quarters a minute. `ngram` and `copying` are None where there are no training
    pieces to count.
    """

    model: str
    version: str
    pieces: int
    tokens: int
    tempos: tuple[float, float, float]
    gravity: float
    plain: Likelihood
    with_gravity: Likelihood
    ngram: Likelihood | None
    copying: Likelihood | None
    real: dict[str, float]
    real_histograms: Histograms
    samples: tuple[Samples, ...]
    composed: tuple[Composed, ...]
    takes: int
    seeds: tuple[int, ...]


def evaluate(
    bundle: Bundle,
    real: Sequence[Parsed],
    trained_on: Sequence[Parsed],
    *,
    takes: int = TAKES,
    seeds: Sequence[int] = SEEDS,
    report: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Measure a model on pieces that it was not trained on; `trained_on` are those that it has, for the n-gram.

    `takes` samples are drawn for each temperature and seed, and compared with as many of the real pieces. Raises
    CorpusError.
    """
    real = [piece for piece in real if piece.ids]
    if not real:
        raise CorpusError("There is no piece to evaluate the model on.")
    params, exact, stepper = bundle.params, Stepper(bundle, exact=True), Stepper(bundle)
    report(f"likelihood of {len(real)} pieces")
    plain, with_gravity = likelihood(exact, real, (0.0, params.gravity))
    report("n-gram and copying")
    by_ngram, by_copying = yardsticks(trained_on, real, params) if trained_on else (None, None)
    compared = [score_of(piece, params) for piece in spread(real, takes)]
    made = []
    for temperature in TEMPERATURES:
        options = Options(temperature=temperature, gravity=params.gravity, top_p=params.top_p)
        drawn: list[list[Sample]] = []
        for seed in seeds:
            report(f"{takes} samples at temperature {temperature:g}, seed {seed}")
            drawn.append(draw(stepper, replace(options, seed=seed), takes))
        made.append(_samples(temperature, drawn, compared, params))
    index = Index([("", notation.text(piece.ids)) for piece in trained_on])
    composer, composed = Composer(bundle, stepper, index, critic(params.habits)), []
    for bars in COMPOSED_BARS:
        report(f"{takes} compositions of {bars} bars")
        composed.append(compose(composer, real, trained_on, bars, takes))
    return Evaluation(
        model=bundle.name,
        version=bundle.version,
        pieces=len(real),
        tokens=sum(len(piece.ids) + 1 for piece in real),
        tempos=tempos(real, params),
        gravity=params.gravity,
        plain=plain,
        with_gravity=with_gravity,
        ngram=by_ngram,
        copying=by_copying,
        real=_real_figures(compared),
        real_histograms=figures.summed_histograms(compared),
        samples=tuple(made),
        composed=tuple(composed),
        takes=takes,
        seeds=tuple(seeds),
    )


def tempos(pieces: Sequence[Parsed], params: Params) -> tuple[float, float, float]:
    """Return the slowest, the median and the fastest tempo at which pieces are played as a model's, in quarters."""
    played = [dances.paced(score_of(piece, params), params.tempo) for piece in pieces if piece.ids]
    return min(played), float(np.median(played)), max(played)


def draw(stepper: Stepper, options: Options, takes: int) -> list[Sample]:
    """Return samples that the model begins and ends by itself, many at once."""
    samples: list[Sample] = []
    for at in range(0, takes, STREAMS):
        some = replace(options, takes=min(STREAMS, takes - at), seed=options.seed + (at << 32))
        samples += sampling.sample(stepper, (), some)
    return samples


def _samples(temperature: float, drawn: Sequence[Sequence[Sample]], real: Sequence[Score], params: Params) -> Samples:
    """Measure samples at one temperature; `drawn` has those of each seed."""
    made = [[score_of(Parsed(sample.ids, sample.told.metre), params) for sample in samples] for samples in drawn]
    each = [_figures(scores, samples, real) for scores, samples in zip(made, drawn, strict=True)]
    over_seeds = {name: _spread([figure[name] for figure in each]) for name in each[0]}
    return Samples(temperature, over_seeds, figures.summed_histograms(list(chain(*made))))


def _figures(made: Sequence[Score], samples: Sequence[Sample], real: Sequence[Score]) -> dict[str, float]:
    overlaps = {name: ours for name, (ours, _) in figures.overlaps(real, made).items()}
    return {**figures.means(made), **_named(overlaps), "ended": sum(sample.ended for sample in samples) / len(samples)}


def _real_figures(real: Sequence[Score]) -> dict[str, float]:
    yardsticks = {name: yardstick for name, (_, yardstick) in figures.overlaps(real, real).items()}
    return {
        **figures.means(real),
        **_named(yardsticks),
        "ended": sum(piece.bars <= LONGEST_PIECE for piece in real) / len(real),
    }


def _named(overlaps: dict[str, Overlap]) -> dict[str, float]:
    return {f"{name}s_{kind}": value for name, overlap in overlaps.items() for kind, value in asdict(overlap).items()}


def _spread(values: Sequence[float]) -> Spread:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return Spread(math.nan, math.nan)
    return Spread(float(np.mean(known)), float(np.std(known, ddof=1)) if len(known) > 1 else math.nan)
