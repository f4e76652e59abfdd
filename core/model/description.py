"""What a model is, in rows and in sentences, each of which stands for itself."""

import shlex
from pathlib import Path
from typing import Any, Final

from core.errors import Message, counted, mark
from core.model.bundle import Bundle, load

Rows = list[tuple[str, Message]]

_GRIDS: Final = {
    "1": mark("It writes music on a grid of quarters."),
    "1/2": mark("It writes music on a grid of eighths."),
    "1/4": mark("It writes music on a grid of sixteenths."),
}


def brief(folder: str) -> tuple[Rows, list[list[Message]]]:
    """Return what describes a model, as rows, and how it was trained, as paragraphs. Raises BundleError."""
    loaded = load(Path(folder))
    return rows(loaded), [
        sentences for sentences in (introduction(loaded), history(loaded.params.training)) if sentences
    ]


def introduction(bundle: Bundle) -> list[Message]:
    """Say what a model is."""
    params, facts = bundle.params, bundle.params.training
    hearing = counted(
        "It has {count} LSTM layer of {units} units and hears pitches.",
        "It has {count} LSTM layers of {units} units and hears pitches.",
        params.layers,
        units=params.units,
    )
    plain = counted(
        "It has {count} LSTM layer of {units} units and sees tokens only, as in the textbooks.",
        "It has {count} LSTM layers of {units} units and sees tokens only, as in the textbooks.",
        params.layers,
        units=params.units,
    )
    sentences = [hearing if params.hears else plain, _GRIDS[params.rest_unit]]
    if params.hears and not params.remembers:
        sentences.append(mark("It has no memory of what a piece has said: training it again brings one."))
    if facts.get("title"):
        sentences.insert(0, mark("A model trained on {title}.", title=Message.parse(facts["title"])))
    return sentences


def rows(bundle: Bundle) -> Rows:
    """Describe a model in names and values, as far as they are known."""
    params, facts = bundle.params, bundle.params.training
    held_out = len(facts.get("held_out", ()))
    pieces = mark("{pieces:,}, {held_out:,} of them held out", pieces=facts.get("pieces", 0), held_out=held_out)
    lowest = mark("rest unit {unit}, lowest note first", unit=params.rest_unit)
    highest = mark("rest unit {unit}, highest note first", unit=params.rest_unit)
    described = [
        ("source", facts.get("source")),
        ("terms", facts.get("terms")),
        ("pieces", pieces if facts.get("pieces") else None),
        ("tokens", _number(facts.get("tokens"))),
        ("parameters", _number(facts.get("parameters"))),
        ("notation", lowest if params.anchor == "lowest" else highest),
        ("defaults", mark("gravity {gravity:g}, tempo {tempo:g}", gravity=params.gravity, tempo=params.tempo)),
        ("version", bundle.version),
    ]
    return [(name, value if isinstance(value, Message) else Message(str(value))) for name, value in described if value]


def command(facts: Any) -> str:
    """Write the command that trained a model, if it is known."""
    known = facts.get("command") or ""
    return known if isinstance(known, str) else shlex.join(known)


def history(facts: Any) -> list[Message]:
    """Tell the epochs and the losses of a training, as far as they are known."""
    told = []
    if facts.get("base"):
        told.append(mark("It started from the weights of `{base}`.", base=facts["base"]))
    if facts.get("epochs"):
        told.append(counted("It was trained for {count} epoch.", "It was trained for {count} epochs.", facts["epochs"]))
    if facts.get("best_epoch"):
        told.append(mark("The weights of epoch {epoch} were kept.", epoch=facts["best_epoch"]))
    if facts.get("val_loss") is not None:
        told.append(mark("Loss on held-out pieces: {loss:.3f} nats a token.", loss=facts["val_loss"]))
    if facts.get("loss") is not None:
        told.append(mark("On its own pieces, with dropout: {loss:.3f}.", loss=facts["loss"]))
    if facts.get("seconds"):
        minutes = round(facts["seconds"] / 60)
        told.append(counted("That took {count} minute.", "That took {count} minutes.", minutes))
    if facts.get("device"):
        told.append(mark("It ran on {device}.", device=facts["device"]))
    if (seed := facts.get("settings", {}).get("seed")) is not None:
        told.append(mark("Seed {seed}.", seed=seed))
    if versions := facts.get("versions"):
        names = ", ".join(f"{name} {version}" for name, version in versions.items())
        told.append(mark("Made with {names}.", names=names))
    return told


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,d}"
