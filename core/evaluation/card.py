"""An evaluation as text: the tables that a terminal shows and the model card that holds them."""

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from core.composing.sampling import LONGEST_PIECE
from core.evaluation.composed import PRIMER
from core.evaluation.evaluation import SEEDS, TAKES, Evaluation, Samples
from core.evaluation.figures import LOOP
from core.evaluation.likelihood import Comparison, Likelihood, Spread
from core.model import description
from core.model.bundle import Bundle

_LABELS: Final = {
    "pitch_classes": ("pitch classes a piece", ".1f"),
    "pitch_class_entropy": ("pitch-class entropy, bits", ".2f"),
    "scale_consistency": ("scale consistency", ".3f"),
    "groove_consistency": ("groove consistency", ".3f"),
    "notes_an_event": ("notes an event", ".2f"),
    "events_a_bar": ("events a bar", ".2f"),
    "events": ("events a piece", ".0f"),
    "intervals_area": ("overlap of intervals", ".3f"),
    "intervals_common": ("intervals in common", ".3f"),
    "durations_area": ("overlap of durations", ".3f"),
    "durations_common": ("durations in common", ".3f"),
    "one_note_loops": ("one-note loops", ".1%"),
    "returning_bars": ("bars that return", ".2f"),
    "four_return": ("bars 1-4 return as 5-8", ".2f"),
    "eight_return": ("bars 1-8 return as 9-16", ".2f"),
    "structure_short": ("structure, short", ".2f"),
    "structure_middle": ("structure, middle", ".2f"),
    "structure_long": ("structure, long", ".2f"),
    "windows_at_home": ("windows at home", ".2f"),
    "returns_home": ("ends in the signature it began in", ".2f"),
    "remote_keys": ("four accidentals or more", ".2f"),
    "ends_on_a_strong_beat": ("ends on a strong beat", ".2f"),
    "ends_on_the_tonic": ("upper voice ends on the tonic", ".2f"),
    "closes_on_the_dominant": ("closes from the dominant", ".2f"),
    "parallel_fifths": ("parallel fifths a bar", ".3f"),
    "parallel_octaves": ("parallel octaves a bar", ".3f"),
    "dissonance_on_beats": ("dissonance on beats", ".2f"),
    "upper_range": ("range of the upper line", ".1f"),
    "ended": ("ended by itself", ".0%"),
}

_OF_COMPOSED: Final = {
    "phrases_held": ("phrases that end on a held chord", ".2f"),
    "phrases_closed": ("phrases that the bass closes", ".2f"),
    "keeps_primers_key": (f"bars {PRIMER + 1}-{2 * PRIMER} in the key of bars 1-{PRIMER}, given", ".2f"),
    "motif_returns": (f"the motif of bars 1-{PRIMER}, given, returns", ".2f"),
    "quotes": ("longest quote, events", ".1f"),
    "longest_quote": ("longest quote of all", ".0f"),
}

_DEFINITIONS: Final = f"""\
An overlap is Yang and Lerch's overlapping area of the distances between pieces; what is in common is the intersection
of the summed histograms; both stand beside those of one half of the real pieces with the other. A one-note loop is a
piece with {LOOP} events in a row that sound the same. docs/evaluation.md defines all figures."""

_NEAR: Final = 0.03  # that a share may be beside the real pieces' without being worth a word
_QUOTED: Final = 8.0  # events

_LIMITS: Final = f"""\
- It knows onsets and pitches and nothing else: loudness, tempo and when a note stops come from the performance.
- A piece ends after {LONGEST_PIECE} bars at the latest.
- It can quote what it was trained on. A composition comes with its longest quote from the training pieces, if that is
  notable."""


def tables(evaluation: Evaluation) -> str:
    """Return how real pieces are predicted, and samples and compositions beside real pieces, as Markdown tables."""
    return f"{_likelihoods(evaluation)}\n\n{_figures(evaluation)}\n\n{_composed(evaluation)}\n"


def verdict(evaluation: Evaluation) -> str:
    """Say in words whether a model's pieces keep to a key, loop or quote, its best temperature, and what would help."""
    real, best = evaluation.real, min(evaluation.samples, key=lambda samples: _distance(samples, evaluation.real))
    off_key = real["scale_consistency"] - best.figures["scale_consistency"].mean
    loops = best.figures["one_note_loops"].mean - real["one_note_loops"]
    quotes = [each.figures.get("quotes", math.nan) - each.real.get("quotes", math.nan) for each in evaluation.composed]
    longer = max((quote for quote in quotes if not math.isnan(quote)), default=math.nan)
    is_beaten = evaluation.ngram is not None and evaluation.ngram.nats.mean <= evaluation.plain.nats.mean
    said = [
        f"Its pieces are most like the real ones at temperature {best.temperature:g}.",
        "They keep to their keys." if off_key <= _NEAR else "They stray from their keys more than real pieces do.",
        "They do not loop." if loops <= _NEAR else f"{loops:.0%} more of them than of the real ones loop on one note.",
    ]
    if not math.isnan(longer):
        quoting = "Their longest quotes are {:.0f} events longer than those of other real pieces."
        said.append(quoting.format(longer) if longer > _QUOTED else "They quote no more than other real pieces do.")
    if is_beaten:
        said.append(
            "A 6-gram predicts real pieces as well: more music, a model to begin from, or more time would help."
        )
    elif loops > _NEAR:
        said.append("Training it for longer would help most; until then a higher temperature.")
    elif off_key > _NEAR:
        said.append("More gravity would help most.")
    elif longer > _QUOTED:
        said.append("More pieces would help most, or a smaller network.")
    return " ".join(said)


def _distance(samples: Samples, real: Mapping[str, float]) -> float:
    """Sum up how far samples are from real pieces in key, loops, intervals and durations."""
    names = ("scale_consistency", "one_note_loops", "intervals_common", "durations_common")
    misses = [abs(samples.figures[name].mean - real[name]) for name in names]
    return sum(miss for miss in misses if not math.isnan(miss))


def played_at(tempos: tuple[float, float, float]) -> str:
    """Say at which tempos pieces are played: as each is danced, and as many notes as it has."""
    slowest, median, fastest = tempos
    if slowest == fastest:
        return f"{fastest:g} quarters a minute"
    return f"{slowest:g} to {fastest:g} quarters a minute, {median:g} in the middle, by the dance and its notes"


def model_card(bundle: Bundle, evaluation: Evaluation) -> str:
    """Return the README.md of a model's folder; what its training does not tell is left out."""
    facts = bundle.params.training
    command = f"    {description.command(facts)}" if description.command(facts) else ""
    trained = "\n\n".join(filter(None, (command, " ".join(map(str, description.history(facts))))))
    files = " ".join(f"models/{bundle.name}/{name}" for name in ("weights.safetensors", "params.json", "notes.txt"))
    counts = " and ".join(str(each.count) for each in evaluation.composed)
    described = ((name, str(value)) for name, value in description.rows(bundle))
    parts = [
        f"# {bundle.name}",
        " ".join(map(str, description.introduction(bundle))),
        _table([("", ""), *described, ("played at", played_at(evaluation.tempos))]),
        *(["## How it was trained", trained] if trained else []),
        "## How good it is",
        f"On {evaluation.pieces} pieces that it was not trained on, {evaluation.tokens:,} tokens; ± over resamplings:",
        _likelihoods(evaluation),
        f"{evaluation.takes} samples with gravity {evaluation.gravity:g}; ± over {len(evaluation.seeds)} seeds:",
        _figures(evaluation),
        _DEFINITIONS,
        f"{evaluation.takes} pieces as `/compose` makes them, beside {counts} real ones of about that length:",
        _composed(evaluation),
        f"`{_command(bundle, evaluation)}` gives these figures again.",
        "## How to use it",
        f"In the chat: `/compose model:{bundle.name}`. On the command line:",
        f'    python -m core.generate_music {files} piece.mid "72r1"',
        "## Limits",
        _LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


def comparison(names: tuple[str, str], compared: Comparison) -> str:
    """Return how two models predict the same pieces, as a Markdown table."""
    one, other = names
    rows: list[tuple[str, ...]] = [("", "nats a token", "in new bars", "in returning bars")]
    for name, of in ((one, compared.one), (other, compared.other), (f"{one} is lower by", compared)):
        rows.append((name, *(_spread(each, ".3f") for each in (of.nats, of.new, of.returning))))
    return _table(rows)


def _command(bundle: Bundle, evaluation: Evaluation) -> str:
    """Return the command that gives an evaluation again."""
    words = ["python", "-m", "core.evaluate", bundle.name]
    if evaluation.takes != TAKES:
        words += ["--samples", str(evaluation.takes)]
    if len(evaluation.seeds) != len(SEEDS):
        words += ["--seeds", str(len(evaluation.seeds))]
    return shlex.join(words)


def _likelihoods(evaluation: Evaluation) -> str:
    rows: list[tuple[str, ...]] = [("", "nats a token", "in new bars", "in returning bars", "bits a note", "accuracy")]
    predictors: list[tuple[str, Likelihood | None]] = [
        ("the model", evaluation.plain),
        (f"with gravity {evaluation.gravity:g}", evaluation.with_gravity),
        ("6-gram of its training pieces", evaluation.ngram),
        ("copying, and the 6-gram", evaluation.copying),
    ]
    for name, likelihood in predictors:
        if likelihood is not None:
            spreads = (
                *((each, ".3f") for each in (likelihood.nats, likelihood.new, likelihood.returning)),
                (likelihood.bits, ".2f"),
                (likelihood.accuracy, ".1%"),
            )
            rows.append((name, *(_spread(spread, form) for spread, form in spreads)))
    return _table(rows)


def _figures(evaluation: Evaluation) -> str:
    rows: list[tuple[str, ...]] = [
        ("", "real pieces", *(f"temperature {samples.temperature:g}" for samples in evaluation.samples))
    ]
    for name, (label, form) in _LABELS.items():
        real = evaluation.real[name]
        spreads = [samples.figures[name] for samples in evaluation.samples]
        rows.append((label, _number(real, form), *(_spread(spread, form) for spread in spreads)))
        if name.endswith("_area"):
            rows.append(
                ("… as a share of the real pieces'", "", *(_spread(_share(spread, real), ".2f") for spread in spreads))
            )
    return _table(rows)


def _composed(evaluation: Evaluation) -> str:
    """Return compositions of some lengths beside real pieces."""
    head = [("", *(f"{who}, {each.bars} bars" for each in evaluation.composed for who in ("real", "composed")))]
    rows = [
        (label, *(_number(of[name], form) for each in evaluation.composed for of in (each.real, each.figures)))
        for name, (label, form) in (_LABELS | _OF_COMPOSED).items()
        if all(name in each.figures for each in evaluation.composed)
    ]
    return _table([*head, *rows])


def _share(spread: Spread, real: float) -> Spread:
    """Divide a figure by the real pieces', which is the same for every seed."""
    return Spread(spread.mean / real, spread.sd / real) if real else Spread(math.nan, math.nan)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([head, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *body])


def _spread(spread: Spread, form: str) -> str:
    mean = _number(spread.mean, form)
    return mean if math.isnan(spread.sd) else f"{mean} ± {_number(spread.sd, form)}"


def _number(value: float | None, form: str = ",d") -> str:
    if value is None:
        return ""
    return "–" if math.isnan(value) else format(value, form)
