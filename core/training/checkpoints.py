"""A training on disk, between two epochs."""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from core.errors import TrainingError, named
from core.model.bundle import Weights
from core.processes.files import write_whole


def write(path: Path, tensors: Weights, facts: Mapping[str, str]) -> None:
    """Write a checkpoint, whole or not at all: it is on disk when this returns."""
    write_whole(path, save(dict(tensors), metadata=dict(facts)))


def planned_epochs(path: Path, otherwise: int) -> int:
    """Return for how many epochs a checkpoint's training was planned, if it says so."""
    try:
        with safe_open(path, "numpy") as file:
            return int(json.loads(file.metadata()["settings"])["epochs"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return otherwise


def read(path: Path, identity: Mapping[str, str]) -> tuple[Weights, dict[str, str]]:
    """Return a checkpoint's tensors and facts. Raises TrainingError if it is damaged, or its facts lack `identity`."""
    try:
        tensors = load(path.read_bytes())
        with safe_open(path, "numpy") as file:
            facts: dict[str, str] = file.metadata()
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            "The checkpoint {path} cannot be read: {error}. Delete it to begin anew.", path=named(path), error=error
        ) from None
    if {name: facts.get(name) for name in identity} != identity:
        raise TrainingError(
            "The checkpoint {path} belongs to another training. Use its settings, or delete it to begin anew.",
            path=named(path),
        )
    return tensors, facts
