"""A model on disk: params.json, weights.safetensors and notes.txt in a folder that is published whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from core.errors import BundleError, check_range, named, reason
from core.model import frames, told
from core.music.notation import Anchor
from core.music.score import QUARTERS_PER_BAR, UNITS
from core.music.tempo import TEMPOS
from core.processes.files import folder_whole

FORMAT: Final = 3
UNPHRASED: Final = 2  # the format of models that were told no phrases, which are still read
FORGETFUL: Final = 1  # the format of models without a memory, which are still read
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
LARGEST_UNITS, LARGEST_LAYERS, LARGEST_FILE = 2048, 8, 256 << 20  # what a params.json or a file of weights may ask for

_CHECKOUT: Final = Path(__file__).parents[2] / "models"
_INSTALLED: Final = Path(__file__).parents[1] / "models"
SHIPPED: Final = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT  # the folder of the models that come with Cadenza

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Hold all that rebuilds and describes a model.

    `units` is the width of each of `layers` LSTMs, `dropout` the share of their outputs and `weight_drop` the share of
    their recurrent weights that is left out in training, `window` the tokens a training step sees at once. `hears`
    is False for the plainest network, which sees tokens and no pitches; `remembers` for one that has no memory of the
    piece and is told nothing of it, as one that does not hear never is. `gravity` and `tempo` (quarters a minute) are
    the defaults when composing, and only the likeliest tokens that together have the share `top_p` are then drawn;
    `habits` (`core.composing.form`) are the keys and shapes of the pieces that it was trained on. `training` tells how
    the model came to be: data, figures, versions.
    """

    anchor: Anchor = "lowest"
    rest_unit: str = "1"
    units: int = 256
    layers: int = 2
    dropout: float = 0.5
    weight_drop: float = 0.3
    window: int = 128
    hears: bool = True
    remembers: bool = True
    gravity: float = 0.5
    tempo: float = 100.0
    top_p: float = 1.0
    habits: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, lowest, highest in (
            ("number of units", self.units, 1, LARGEST_UNITS),
            ("number of layers", self.layers, 1, LARGEST_LAYERS),
            ("dropout", self.dropout, 0, 0.95),
            ("weight_drop", self.weight_drop, 0, 0.95),
            ("window", self.window, 2, 4096),
            ("gravity", self.gravity, 0, 5),
            ("tempo", self.tempo, *TEMPOS),
            ("top_p", self.top_p, 0.01, 1),
        ):
            check_range(name, value, lowest, highest, BundleError)
        if self.anchor not in ("lowest", "highest"):
            raise BundleError("The anchor is {anchor}; it must be lowest or highest.", anchor=repr(self.anchor))
        if self.rest_unit not in map(str, UNITS):
            raise BundleError(
                "The rest unit is {unit}; it must be 1, 1/2 or 1/4 of a quarter note.", unit=repr(self.rest_unit)
            )
        object.__setattr__(self, "remembers", self.hears and self.remembers)
        for name in ("habits", "training"):
            if not isinstance(value := getattr(self, name), Mapping):
                raise BundleError(
                    "{name} is {value}; it must be an object of names and values.", name=name, value=repr(value)
                )

    @property
    def unit(self) -> Fraction:
        """Return how many quarters one rest unit lasts."""
        return Fraction(self.rest_unit)

    @property
    def units_per_bar(self) -> int:
        """Count the rest units of a bar of four quarters."""
        return int(QUARTERS_PER_BAR / self.unit)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every tensor of the weights."""
        inputs = sum(frames.rows(self.hears, self.remembers).values())
        outputs = sum(frames.parts(self.hears, self.remembers).values())
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(self.layers):
            shapes[f"lstm{layer}/kernel"] = (self.units if layer else inputs, 4 * self.units)
            shapes[f"lstm{layer}/recurrent_kernel"] = (self.units, 4 * self.units)
            shapes[f"lstm{layer}/bias"] = (4 * self.units,)
        shapes |= {"output/kernel": (self.units, outputs), "output/bias": (outputs,)}
        if self.hears:
            shapes |= {f"output/{part}_class": (self.units, 12) for part in ("note", "pitch")}
            shapes |= {f"output/{part}_octave": (self.units, 11) for part in ("note", "pitch")}
        return shapes


@dataclass(frozen=True, slots=True)
class Bundle:
    """Hold a loaded model: its name, parameters, weights as float32 and a version that names its content."""

    name: str
    params: Params
    weights: Weights
    version: str


def load(directory: Path) -> Bundle:
    """Load the model in a folder. Raises BundleError."""
    if not directory.is_dir():
        raise BundleError(
            "There is no model in {name}: a model is a folder with params.json and weights.safetensors.",
            name=directory.name,
        )
    return load_files(directory / "weights.safetensors", directory / "params.json")


def load_files(weights: Path, params: Path) -> Bundle:
    """Load a model from its two files, checked against each other. Raises BundleError."""
    content = _read(weights)
    parsed = parse_params(_read(params), named(params))
    try:
        tensors = load_tensors(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            "{weights} is not a file of weights (safetensors): {error}.", weights=named(weights), error=error
        ) from None
    expected = parsed.shapes
    _add_phrases(tensors, expected)
    if {name: tensor.shape for name, tensor in tensors.items()} != expected:
        wrong = sorted(
            (set(tensors) ^ set(expected))
            | {n for n in set(tensors) & set(expected) if tensors[n].shape != expected[n]}
        )
        raise BundleError(
            "{weights} and {params} do not belong together: they differ in {names}. Take both from the same model.",
            weights=named(weights),
            params=named(params),
            names=", ".join(wrong[:3]),
        )
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise BundleError(
            "{weights} holds weights that are not numbers; the training must have failed. Train it again.",
            weights=named(weights),
        )
    floats = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
    return Bundle(params.parent.name or "model", parsed, floats, sha256(content).hexdigest()[:12])


def _add_phrases(tensors: dict[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Give a model that was told no phrases the rows for them, which are zero: it is the same model."""
    known, inputs = tensors.get("lstm0/kernel"), shapes["lstm0/kernel"]
    if known is not None and known.shape == (inputs[0] - told.PHRASES, *inputs[1:]):
        tensors["lstm0/kernel"] = np.pad(known, [(0, told.PHRASES), (0, 0)])


def parse_params(content: bytes, where: str = "params.json") -> Params:
    """Read the content of a params.json. Raises BundleError."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleError("{where} is not JSON: {error}.", where=where, error=error) from None
    made = values.pop("format", None) if isinstance(values, dict) else None
    if made not in (FORGETFUL, UNPHRASED, FORMAT):
        raise BundleError(
            "{where} does not describe a model of this version of Cadenza (format {format}).",
            where=where,
            format=FORMAT,
        )
    if made == FORGETFUL:
        values["remembers"] = False
    known = {f.name for f in fields(Params)}
    if unknown := sorted(set(values) - known):
        raise BundleError("{where} has unknown parameters: {names}.", where=where, names=", ".join(unknown[:5]))
    try:
        return Params(**values)
    except BundleError as error:
        raise BundleError("In {where}: {error}", where=where, error=error) from None


def publish(directory: Path, params: Params, weights: Weights, notes: str, readme: str | None = None) -> None:
    """Write a model whole or not at all, in place of one that may be there. Raises BundleError.

    Weights are stored as float16, which is half the size and loses less than training noise.
    """
    check_name(directory.name)
    values = {"format": FORMAT, **asdict(params)}
    halves = {name: np.ascontiguousarray(tensor, np.float16) for name, tensor in weights.items()}
    try:
        with folder_whole(directory) as coming:
            (coming / "params.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
            (coming / "weights.safetensors").write_bytes(save_tensors(halves))
            (coming / "notes.txt").write_text(notes, encoding="utf-8")
            if readme is not None:
                (coming / "README.md").write_text(readme, encoding="utf-8")
    except OSError as error:
        raise BundleError(
            "The model {name} could not be written: {reason}.", name=directory.name, reason=reason(error)
        ) from error


def check_name(name: str) -> str:
    """Return a model's name, or raise BundleError if it is not one."""
    if not NAME.fullmatch(name):
        raise BundleError(
            "{name!r} cannot be a model's name: use 1 to 32 small letters, digits, - and _, beginning with a letter"
            " or digit.",
            name=name[:40],
        )
    return name


def names(models: Path) -> tuple[str, ...]:
    """Return the names of the models in a folder, sorted."""
    if not models.is_dir():
        return ()
    return tuple(sorted(p.name for p in models.iterdir() if NAME.fullmatch(p.name) and (p / "params.json").is_file()))


def shipped(path: Path) -> Path:
    """Return a path, or where it leads among the models that ship if it leads nowhere from here: models/fiddle."""
    there = SHIPPED.parent / path
    return there if there.exists() and not path.exists() else path


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BundleError(
                "{file} is larger than {most} MiB and is not a model of Cadenza.",
                file=named(path),
                most=LARGEST_FILE >> 20,
            )
        return path.read_bytes()
    except OSError as error:
        raise BundleError("{file} cannot be read: {reason}.", file=named(path), reason=reason(error)) from None
