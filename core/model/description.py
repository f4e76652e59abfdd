"""What a model is, in rows and in sentences, each of which stands for itself."""

import shlex
from pathlib import Path
from typing import Any, Final

from core.model.bundle import Bundle, load

Rows = list[tuple[str, str]]

_GRIDS: Final = {
    "1": "It writes music on a grid of quarters.",
    "1/2": "It writes music on a grid of eighths.",
    "1/4": "It writes music on a grid of sixteenths.",
}


def brief(folder: str) -> tuple[Rows, list[list[str]]]:
    """Return what describes a model, as rows, and how it was trained, as paragraphs. Raises BundleError."""
    loaded = load(Path(folder))
    return rows(loaded), [
        sentences for sentences in (introduction(loaded), history(loaded.params.training)) if sentences
    ]


def introduction(bundle: Bundle) -> list[str]:
    """Say what a model is."""
    params, facts = bundle.params, bundle.params.training
    music = f"learned from {facts['title']}" if facts.get("title") else "of Cadenza"
    kind = "hears pitches" if params.hears else "sees tokens only, as in the textbooks"
    width = f"{params.layers} LSTM layers of {params.units} units"
    if params.layers == 1:
        width = f"1 LSTM layer of {params.units} units"
    return [f"A model {music}: {width}, which {kind}.", _GRIDS[params.rest_unit]]


def rows(bundle: Bundle) -> Rows:
    """Describe a model in names and values, as far as they are known."""
    params, facts = bundle.params, bundle.params.training
    pieces = f"{facts.get('pieces', 0):,}, of which {len(facts.get('held_out', ())):,} were held out"
    written = f"rest unit {params.rest_unit}, anchor {params.anchor}"
    usual = f"gravity {params.gravity:g}, tempo {params.tempo:g}"
    described = [
        ("source", facts.get("source")),
        ("terms", facts.get("terms")),
        ("pieces", pieces if facts.get("pieces") else None),
        ("tokens", _number(facts.get("tokens"))),
        ("parameters", _number(facts.get("parameters"))),
        ("notation", written),
        ("defaults", usual),
        ("version", bundle.version),
    ]
    return [(name, str(value)) for name, value in described if value]


def command(facts: Any) -> str:
    """Write the command that trained a model, if it is known."""
    known = facts.get("command") or ""
    return known if isinstance(known, str) else shlex.join(known)


def history(facts: Any) -> list[str]:
    """Tell the epochs and the losses of a training, as far as they are known."""
    told = []
    if facts.get("base"):
        told.append(f"It began from the weights of `{facts['base']}`.")
    if facts.get("epochs") and facts.get("best_epoch"):
        told.append(f"It learned for {facts['epochs']} epochs; those of epoch {facts['best_epoch']} are kept.")
    elif facts.get("epochs"):
        told.append(f"It learned for {facts['epochs']} epochs.")
    if facts.get("val_loss") is not None and facts.get("loss") is not None:
        told.append(
            f"Loss on held-out pieces: {facts['val_loss']:.3f} nats a token,"
            f" {facts['loss']:.3f} on its own with dropout."
        )
    elif facts.get("val_loss") is not None:
        told.append(f"Loss on held-out pieces: {facts['val_loss']:.3f} nats a token.")
    if facts.get("seconds") and facts.get("device"):
        told.append(f"That took {facts['seconds'] / 60:.0f} minutes on {facts['device']}.")
    elif facts.get("seconds"):
        told.append(f"That took {facts['seconds'] / 60:.0f} minutes.")
    if (seed := facts.get("settings", {}).get("seed")) is not None:
        told.append(f"Seed {seed}.")
    if versions := facts.get("versions"):
        told.append(f"Made with {', '.join(f'{name} {version}' for name, version in versions.items())}.")
    return told


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,d}"
