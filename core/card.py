"""An evaluation as text: the tables that a terminal shows and the model card that holds them."""

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from core.bundle import Bundle, load
from core.evaluation import SEEDS, TAKES, Evaluation, Likelihood, Spread
from core.figures import LOOP
from core.sampling import LONGEST_PIECE

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
    "ended": ("ended by itself", ".0%"),
}

_DEFINITIONS: Final = f"""\
An overlap is Yang and Lerch's overlapping area of the distances between pieces; what is in common is the intersection
of the summed histograms; both stand beside those of one half of the real pieces with the other. A one-note loop is a
piece with {LOOP} events in a row that sound the same. docs/evaluation.md defines all figures."""

_LIMITS: Final = f"""\
- It knows onsets and pitches and nothing else: loudness, tempo and when a note stops come from the performance.
- It has learned pieces in two or four only, and counts every bar as four quarters.
- Left alone it may wander: it remembers the key by its tonal memory, themes hardly at all. A piece ends after
  {LONGEST_PIECE} bars at the latest.
- It can quote what it has learned. A composition comes with its longest quote from the training pieces, if that is
  notable."""


def tables(evaluation: Evaluation) -> str:
    """Return how real pieces are predicted, and samples beside real pieces, as two Markdown tables."""
    return f"{_likelihoods(evaluation)}\n\n{_figures(evaluation)}\n"


def model_card(bundle: Bundle, evaluation: Evaluation) -> str:
    """Return the README.md of a model's folder; what its training does not tell is left out."""
    trained = _trained(bundle.params.training)
    files = " ".join(f"models/{bundle.name}/{name}" for name in ("weights.safetensors", "params.json", "notes.txt"))
    parts = [
        f"# {bundle.name}",
        _introduction(bundle),
        _table([("", ""), *_description(bundle)]),
        *(["## How it was trained", trained] if trained else []),
        "## How good it is",
        f"On {evaluation.pieces} pieces that it has not learned, {evaluation.tokens:,} tokens; ± over resamplings:",
        _likelihoods(evaluation),
        f"{evaluation.takes} samples with gravity {evaluation.gravity:g}; ± over {len(evaluation.seeds)} seeds:",
        _figures(evaluation),
        _DEFINITIONS,
        f"`{_command(bundle, evaluation)}` gives these figures again.",
        "## How to use it",
        f"In the chat: `/compose model:{bundle.name}`. On the command line:",
        f'    python -m core.generate_music {files} piece.mid "72r1"',
        "## Limits",
        _LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


def brief(folder: str) -> tuple[list[tuple[str, str]], str]:
    """Return what describes a model, as rows, and how it was trained, as a text. Raises BundleError."""
    loaded = load(Path(folder))
    trained = {name: value for name, value in loaded.params.training.items() if name != "command"}
    return _description(loaded), "\n\n".join(filter(None, (_introduction(loaded), _trained(trained))))


def _command(bundle: Bundle, evaluation: Evaluation) -> str:
    """Return the command that gives an evaluation again."""
    words = ["python", "-m", "core.evaluate", bundle.name]
    if evaluation.takes != TAKES:
        words += ["--samples", str(evaluation.takes)]
    if len(evaluation.seeds) != len(SEEDS):
        words += ["--seeds", str(len(evaluation.seeds))]
    return shlex.join(words)


def _introduction(bundle: Bundle) -> str:
    params, facts = bundle.params, bundle.params.training
    music = f"learned from {facts['title']}" if facts.get("title") else "of Cadenza"
    kind = "hears pitches" if params.hears else "sees tokens only, as in the textbooks"
    width = f"{params.layers} LSTM layer{'s' if params.layers > 1 else ''} of {params.units} units"
    return f"A model {music}: {width}, which {kind}. It writes music on a grid of {_unit(params.rest_unit)}."


def _description(bundle: Bundle) -> list[tuple[str, str]]:
    params, facts = bundle.params, bundle.params.training
    rows = [("source", facts.get("source")), ("terms", facts.get("terms"))]
    if pieces := facts.get("pieces"):
        rows.append(("pieces", f"{pieces:,}, of which {len(facts.get('held_out', ())):,} were held out"))
    rows += [
        ("tokens", _number(facts.get("tokens"))),
        ("parameters", _number(facts.get("parameters"))),
        ("notation", f"rest unit {params.rest_unit}, anchor {params.anchor}"),
        ("defaults", f"gravity {params.gravity:g}, tempo {params.tempo:g}"),
        ("version", bundle.version),
    ]
    return [(name, str(value)) for name, value in rows if value]


def _trained(facts: Any) -> str:
    """Tell the command, the epochs and the losses, as far as they are known."""
    parts = []
    if command := facts.get("command"):
        parts.append("    " + (command if isinstance(command, str) else shlex.join(command)))
    clauses = []
    if facts.get("base"):
        clauses.append(f"It began from the weights of `{facts['base']}`.")
    if facts.get("epochs"):
        best = f"; those of epoch {facts['best_epoch']} are kept" if facts.get("best_epoch") else ""
        clauses.append(f"It learned for {facts['epochs']} epochs{best}.")
    if facts.get("val_loss") is not None:
        learned = f", {facts['loss']:.3f} on its own with dropout" if facts.get("loss") is not None else ""
        clauses.append(f"Loss on held-out pieces: {facts['val_loss']:.3f} nats a token{learned}.")
    if facts.get("seconds"):
        where = f" on {facts['device']}" if facts.get("device") else ""
        clauses.append(f"That took {facts['seconds'] / 60:.0f} minutes{where}.")
    if (seed := facts.get("settings", {}).get("seed")) is not None:
        clauses.append(f"Seed {seed}.")
    if versions := facts.get("versions"):
        clauses.append(f"Made with {', '.join(f'{name} {version}' for name, version in versions.items())}.")
    return "\n\n".join([*parts, *([" ".join(clauses)] if clauses else [])])


def _likelihoods(evaluation: Evaluation) -> str:
    rows: list[tuple[str, ...]] = [("", "nats a token", "bits a note", "accuracy")]
    predictors: list[tuple[str, Likelihood | None]] = [
        ("the model", evaluation.plain),
        (f"with gravity {evaluation.gravity:g}", evaluation.with_gravity),
        ("6-gram of its training pieces", evaluation.ngram),
    ]
    for name, likelihood in predictors:
        if likelihood is not None:
            figures = zip((likelihood.nats, likelihood.bits, likelihood.accuracy), (".3f", ".2f", ".1%"), strict=True)
            rows.append((name, *(_spread(spread, form) for spread, form in figures)))
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


def _unit(rest_unit: str) -> str:
    return {"1": "quarters", "1/2": "eighths", "1/4": "sixteenths"}[rest_unit]
