"""How good a model is: how likely real pieces are to it, and how its own pieces compare with them. No TensorFlow."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.composing import form, recipe, sampling
from core.composing.critic import NEAR, critic
from core.composing.novelty import Index
from core.composing.recipe import Composer, ComposeRequest
from core.composing.sampling import LONGEST_PIECE, Options, Sample
from core.corpus.families import find_families
from core.errors import CorpusError, NotationError
from core.evaluation import figures
from core.evaluation.figures import Overlap
from core.evaluation.ngram import NGram, in_twelve_keys
from core.model import frames as columns
from core.model.bundle import Bundle, Params
from core.model.hearing import BASE, ID, NONE, PITCH, Frames
from core.model.notes import Notes
from core.model.stepping import Stepper
from core.model.told import Told
from core.music import notation, score
from core.music.metre import COMMON, Metre
from core.music.notation import BOUNDARY, Anchor
from core.music.score import Score

TEMPERATURES: Final = (0.8, 1.0, 1.2)
TAKES: Final = 50
SEEDS: Final = (1, 2, 3)
COMPOSED_BARS: Final = (16, 32)
GRAVITIES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
GRAVITY_QUARTERS: Final = 64  # of each sample, and of each real piece
GRAVITY_TAKES: Final = 32
NEAR_ENOUGH: Final = 0.02  # of the real pieces' scale consistency
STREAMS: Final = 64  # pieces that go through the network at once
RESAMPLES: Final = 1000  # of the bootstrap over pieces

Ids = Sequence[int]
Histograms = dict[str, dict[int, float]]  # as `figures.summed_histograms` gives them


@dataclass(frozen=True, slots=True)
class Parsed:
    """Hold a parsed piece, and the metre in which its bars are counted."""

    ids: Ids
    metre: Metre = COMMON


@dataclass(frozen=True, slots=True)
class Spread:
    """Hold the mean of a figure and its standard deviation, over seeds or resampled pieces; NaN where there is none."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Tell how well real pieces are predicted, each up to the boundary that closes it.

    `nats` a token and `bits` a sounded note are lower when better; `accuracy` is the share of tokens that came first.
    Each has the standard deviation that resampling the pieces gives it.
    """

    nats: Spread
    bits: Spread
    accuracy: Spread


@dataclass(frozen=True, slots=True)
class Samples:
    """Hold the figures of samples at one temperature, over seeds, and the summed histograms of all of them."""

    temperature: float
    figures: dict[str, Spread]
    histograms: Histograms


@dataclass(frozen=True, slots=True)
class Composed:
    """Hold the figures of pieces of so many bars as they are composed by default, beside those of real ones.

    The `count` real pieces are those in the same metre whose length is within a quarter of it. Both have `quotes`, the
    events of the longest quote from the training pieces, as a mean, and `longest_quote`.
    """

    bars: int
    metre: str
    count: int
    real: dict[str, float]
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Hold all that is measured of a model; `real` and `samples` have the figures of `core.evaluation.figures`.

    An overlap of `real` is the yardstick, that of one half of the pieces with the other. `ended` is the share of pieces
    that end by themselves before LONGEST_PIECE bars. `ngram` is None where there are no training pieces to count.
    """

    model: str
    version: str
    pieces: int
    tokens: int
    gravity: float
    plain: Likelihood
    with_gravity: Likelihood
    ngram: Likelihood | None
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
    report("n-gram")
    counted = (
        ngram_likelihood(in_twelve_keys([piece.ids for piece in trained_on], params.anchor), real)
        if trained_on
        else None
    )
    compared = [_score(piece, params) for piece in _some(real, takes)]
    made = []
    for temperature in TEMPERATURES:
        options = Options(temperature=temperature, gravity=params.gravity)
        drawn: list[list[Sample]] = []
        for seed in seeds:
            report(f"{takes} samples at temperature {temperature:g}, seed {seed}")
            drawn.append(draw(stepper, replace(options, seed=seed), takes))
        made.append(_samples(temperature, drawn, compared, params))
    composed = []
    for bars in COMPOSED_BARS:
        report(f"{takes} compositions of {bars} bars")
        composed.append(_composed(bundle, stepper, real, trained_on, bars, takes))
    return Evaluation(
        model=bundle.name,
        version=bundle.version,
        pieces=len(real),
        tokens=sum(len(piece.ids) + 1 for piece in real),
        gravity=params.gravity,
        plain=plain,
        with_gravity=with_gravity,
        ngram=counted,
        real=_real_figures(compared),
        real_histograms=figures.summed_histograms(compared),
        samples=tuple(made),
        composed=tuple(composed),
        takes=takes,
        seeds=tuple(seeds),
    )


def held_out(bundle: Bundle, notes: Notes) -> tuple[list[Parsed], list[Parsed]]:
    """Return a model's held-out pieces and those that it was trained on. Raises CorpusError."""
    places = bundle.params.training.get("held_out")
    total = len(notes.pieces)
    if not isinstance(places, list) or not all(isinstance(place, int) and 0 <= place < total for place in places):
        raise CorpusError(
            "{model} does not say which pieces were held out of its training; name a FOLDER of pieces that it was not"
            " trained on.",
            model=bundle.name,
        )
    pieces, apart = parse(notes), set(places)
    return [pieces[place] for place in sorted(apart)], [each for place, each in enumerate(pieces) if place not in apart]


def told(piece: Parsed, params: Params) -> Told:
    """Return all that can be told of a piece."""
    return form.read(_score(piece, params))


def unseen(pieces: Sequence[Parsed], trained_on: Sequence[Parsed], anchor: Anchor) -> list[Parsed]:
    """Return the pieces of which no version was trained on."""
    families = find_families([notation.text(piece.ids) for piece in (*trained_on, *pieces)], anchor)[len(trained_on) :]
    return [piece for piece, family in zip(pieces, families, strict=True) if family >= len(trained_on)]


def parse(notes: Notes) -> list[Parsed]:
    """Read the notation of parsed pieces. Raises CorpusError."""
    pieces = []
    for entry in notes.pieces:
        try:
            pieces.append(Parsed(notation.parse(entry.text, notes.anchor), entry.metre))
        except NotationError as error:
            raise CorpusError(
                "The parsed notes of {title} are damaged. {error}", title=entry.title, error=error
            ) from None
    return pieces


def choose_gravity(bundle: Bundle, real: Sequence[Parsed], *, takes: int = GRAVITY_TAKES, seed: int = 1) -> float:
    """Return the least gravity with which samples keep to a key as real pieces do, as far as GRAVITY_QUARTERS.

    That is the first of GRAVITIES whose mean scale consistency comes within NEAR_ENOUGH of the real pieces', sought by
    halves, since it grows with gravity; or else the one that comes nearest.
    """
    stepper = Stepper(bundle)
    until = int(GRAVITY_QUARTERS / bundle.params.unit)

    def consistency(pieces: Sequence[Score]) -> float:
        parts = [tuple(event for event in piece.events if event.onset < until) for piece in pieces]
        beginnings = [replace(piece, events=part) for piece, part in zip(pieces, parts, strict=True)]
        return float(np.nanmean([figures.scale_consistency(piece) for piece in beginnings]))

    goal = consistency([_score(piece, bundle.params) for piece in real])
    misses = dict[float, float]()
    low, high = 0, len(GRAVITIES) - 1
    while low <= high:
        middle = (low + high) // 2 if misses else 0  # most models need little
        drafts = sampling.begin(stepper, (), Options(gravity=GRAVITIES[middle], seed=seed, takes=takes))
        drafts.play(until)
        made = [_score(Parsed(stream.ids, stream.told.metre), bundle.params) for stream in drafts.streams]
        miss = consistency(made) - goal
        misses[GRAVITIES[middle]] = abs(miss)
        if miss >= -NEAR_ENOUGH:
            high = middle - 1
        else:
            low = middle + 1
    enough = [gravity for gravity, miss in misses.items() if miss <= NEAR_ENOUGH]
    return min(enough, default=min(misses, key=lambda gravity: misses[gravity]))


def likelihood(
    stepper: Stepper, pieces: Sequence[Parsed], gravities: Sequence[float] = (0.0,)
) -> tuple[Likelihood, ...]:
    """Return how well a model predicts pieces, for each of several strengths of its tonal memory (0: the model alone).

    It is told of each piece what `form.read` finds. The network's softmax is over the whole vocabulary, as in training:
    no grammar rules tokens out.
    """
    nats = np.zeros((len(gravities), len(pieces)))
    correct = np.zeros_like(nats)
    order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i].ids))
    for at in range(0, len(order), STREAMS):
        group = order[at : at + STREAMS]
        nats[:, group], correct[:, group] = _predict(stepper, [pieces[i] for i in group], gravities)
    return tuple(_likelihood(losses, hits, pieces) for losses, hits in zip(nats, correct, strict=True))


def ngram_likelihood(trained_on: Sequence[Ids], pieces: Sequence[Parsed]) -> Likelihood:
    """Return how well an interpolated n-gram of the pieces that were trained on predicts others."""
    ngram = NGram(trained_on)
    nats, correct = np.zeros(len(pieces)), np.zeros(len(pieces))
    for i, piece in enumerate(pieces):
        tokens = np.array([*piece.ids, BOUNDARY])
        predicted = ngram.distribution(piece.ids)
        nats[i] = -np.log(predicted[np.arange(len(tokens)), tokens]).sum()
        correct[i] = np.count_nonzero(predicted.argmax(1) == tokens)
    return _likelihood(nats, correct, pieces)


def draw(stepper: Stepper, options: Options, takes: int) -> list[Sample]:
    """Return samples that the model begins and ends by itself, many at once."""
    samples: list[Sample] = []
    for at in range(0, takes, STREAMS):
        some = replace(options, takes=min(STREAMS, takes - at), seed=options.seed + (at << 32))
        samples += sampling.sample(stepper, (), some)
    return samples


def _predict(
    stepper: Stepper, pieces: Sequence[Parsed], gravities: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the summed losses and the correct tokens of pieces, which come longest first: `(gravities, pieces)`."""
    params = stepper.params
    heard = [columns.listen(piece.ids, params, told(piece, params)) for piece in pieces]
    nats, correct = np.zeros((len(gravities), len(pieces))), np.zeros((len(gravities), len(pieces)))
    states, counts = stepper.silence(len(pieces)), sampling.no_memory(len(pieces))
    going = len(pieces)
    for time in range(len(heard[0])):
        while len(heard[going - 1]) <= time:
            going -= 1
        now: Frames = np.array([frames[time] for frames in heard[:going]]).reshape(going, -1)
        tokens = np.array([frames[time + 1, ID] if time + 1 < len(frames) else BOUNDARY for frames in heard[:going]])
        for row in np.flatnonzero(now[:, PITCH] != NONE):
            sampling.remember(counts[row], now[row, PITCH])
        logits = stepper.step(now, states[:, :going]).astype(np.float64)
        memory = sampling.pull(counts[:going], now[:, BASE].astype(np.intp), params.anchor)
        for k, gravity in enumerate(gravities):
            scores = logits + gravity * memory
            nats[k, :going] += np.logaddexp.reduce(scores, axis=1) - scores[np.arange(going), tokens]
            correct[k, :going] += scores.argmax(1) == tokens
    return nats, correct


def _likelihood(nats: NDArray[np.float64], correct: NDArray[np.float64], pieces: Sequence[Parsed]) -> Likelihood:
    """Sum up pieces, and resample them for the spread (the bootstrap of Efron 1979)."""
    tokens = np.array([len(piece.ids) + 1 for piece in pieces])
    notes = np.array([sum(token not in notation.RESTS for token in piece.ids) for piece in pieces])
    chosen = np.random.default_rng(0).integers(len(pieces), size=(RESAMPLES, len(pieces)))

    def ratio(above: NDArray[np.float64], below: NDArray[np.int64]) -> Spread:
        resampled = above[chosen].sum(1) / np.maximum(1, below[chosen].sum(1))
        return Spread(float(above.sum() / max(1, below.sum())), float(resampled.std()))

    return Likelihood(ratio(nats, tokens), ratio(nats / math.log(2), notes), ratio(correct, tokens))


def _samples(temperature: float, drawn: Sequence[Sequence[Sample]], real: Sequence[Score], params: Params) -> Samples:
    """Measure samples at one temperature; `drawn` has those of each seed."""
    made = [[_score(Parsed(sample.ids, sample.told.metre), params) for sample in samples] for samples in drawn]
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


def _composed(
    bundle: Bundle, stepper: Stepper, real: Sequence[Parsed], trained_on: Sequence[Parsed], bars: int, takes: int
) -> Composed:
    """Compose as the bot does, and compare with real pieces of about the length."""
    params, metre = bundle.params, form.habits(bundle.params.habits).metre
    index = Index([("", notation.text(piece.ids)) for piece in trained_on])
    composer = Composer(bundle, stepper, index, critic(params.habits))
    made = []
    for seed in range(1, takes + 1):
        [sample] = recipe.write(ComposeRequest(model="", bars=bars, seed=seed), composer)
        made.append(_score(Parsed(sample.ids, metre), params))
    pieces = [_score(piece, params) for piece in real if piece.metre.counted == metre.counted]
    alike = [piece for piece in pieces if abs(piece.bars - bars) <= bars * NEAR]

    def measured(scores: Sequence[Score]) -> dict[str, float]:
        found = [index.longest_quote(score.to_text(piece, params.anchor)) for piece in scores]
        quotes = [0.0 if quote is None else float(quote.events) for quote in found] or [math.nan]
        return {**figures.means(scores), "quotes": float(np.mean(quotes)), "longest_quote": max(quotes)}

    return Composed(bars, str(metre), len(alike), measured(alike), measured(made))


def _named(overlaps: dict[str, Overlap]) -> dict[str, float]:
    return {f"{name}s_{kind}": value for name, overlap in overlaps.items() for kind, value in asdict(overlap).items()}


def _score(piece: Parsed, params: Params) -> Score:
    return score.from_ids(piece.ids, params.anchor, params.unit, piece.metre)


def _some(pieces: Sequence[Parsed], count: int) -> list[Parsed]:
    """Return `count` pieces, spread evenly over all, or all if there are no more."""
    if len(pieces) <= count:
        return list(pieces)
    return [pieces[i * len(pieces) // count] for i in range(count)]


def _spread(values: Sequence[float]) -> Spread:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return Spread(math.nan, math.nan)
    return Spread(float(np.mean(known)), float(np.std(known, ddof=1)) if len(known) > 1 else math.nan)
