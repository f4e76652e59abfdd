"""What goes from one machine to another: calls of known functions of core, and what becomes of them.

Nothing but data is read, as from a child. Files are named by what every machine has: a model by its place on the
shelves, a soundfont by its name.
"""

import hashlib
import io
import json
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from bot.work.storage import Fetched
from core.composing import filming, jamming, recipe, reprise, tune
from core.composing.novelty import Quote
from core.composing.recipe import ComposeRequest, Composition, ModelInfo, Take
from core.composing.tune import Shown
from core.drawing import family
from core.drawing.family import Member
from core.drawing.sheet import Sheet
from core.model import description
from core.music.melody import Melody
from core.music.parts import Part, PartScore
from core.performing import audio
from core.processes.messages import Data
from core.reading import melody, pool, primers
from core.reading.melody import Given, Passage, Primer

FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    f"{function.__module__}.{function.__qualname__}": function
    for function in (
        recipe.compose,
        recipe.render,
        filming.shoot,
        reprise.quote,
        reprise.engrave,
        reprise.side_by_side,
        family.tree,
        jamming.player,
        primers.from_music,
        melody.from_text,
        melody.from_file,
        tune.show,
        pool.read_safely,
        pool.listen_safely,
        description.brief,
    )
}
OBJECT: Final = "object.json"  # in the folder of a model whose weights are in the storage, which has its digest
PART: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
SENT: Final = (
    ComposeRequest,
    Composition,
    ModelInfo,
    Take,
    Quote,
    Sheet,
    Shown,
    Member,
    Melody,
    PartScore,
    Part,
    Given,
    Passage,
    Primer,
)


def form() -> str:
    """Name the form of parcels; it changes with what is sent, so that versions that differ keep to themselves."""
    shape = [(kind.__name__, [(field.name, str(field.type)) for field in fields(kind)]) for kind in SENT]
    return hashlib.sha256(repr((sorted(FUNCTIONS), shape)).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Parcels:
    """Write and read parcels on a machine whose models stand in `shelves`, folders by the names that all use."""

    shelves: Mapping[str, Path]
    fetched: Fetched | None = None

    def pack(self, thing: Any) -> bytes:
        """Write plain values, our dataclasses and errors, or known functions."""
        packed = io.BytesIO()
        _Packer(packed, self).dump(thing)
        return packed.getvalue()

    def unpack(self, content: bytes) -> Any:
        """Read what another machine has packed. Raises UnpicklingError for anything that is no data."""
        return _Unpacker(io.BytesIO(content), self).load()

    def named(self, text: str) -> tuple[str, ...] | None:
        """Name a file so that other machines know it too; None for what is none of ours."""
        if not text.startswith("/"):
            return None
        path = Path(text)
        if self.fetched is not None and path.is_relative_to(self.fetched.folder):
            digest, server, model = path.relative_to(self.fetched.folder).parts
            return "model", server, model, digest
        if (path / OBJECT).is_file():
            digest = json.loads((path / OBJECT).read_text(encoding="utf-8"))["digest"]
            return "model", path.parent.name, path.name, digest
        for name, shelf in self.shelves.items():
            if path.is_relative_to(shelf.absolute()):
                return "shelf", name, str(path.relative_to(shelf.absolute()))
        if path.suffix.lower() in (".sf2", ".sf3") and path.is_file():
            return "soundfont", path.name
        return None

    def found(self, kind: str, *names: str) -> Any:
        """Return what another machine has named. Raises UnpicklingError."""
        match kind, names:
            case "function", (name,) if name in FUNCTIONS:
                return FUNCTIONS[name]
            case "shelf", (name, place) if name in self.shelves and ".." not in Path(place).parts:
                return str(self.shelves[name].absolute() / place)
            case "model", (server, model, digest):
                if not all(PART.fullmatch(part) for part in names):
                    raise pickle.UnpicklingError(f"{names} is no model")
                if self.fetched is None:
                    return str(self.shelves["data"].absolute() / "models" / server / model)
                return str(self.fetched.path(server, model, digest))
            case "soundfont", (name,):
                return next((str(path) for path in audio.soundfonts() if path.name == name), None)
        raise pickle.UnpicklingError(f"{kind} {names} is nothing that a machine has")


class _Packer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, parcels: Parcels) -> None:
        super().__init__(file, protocol=5)
        self._parcels = parcels

    def persistent_id(self, thing: Any) -> tuple[str, ...] | None:
        if isinstance(thing, str):
            return self._parcels.named(thing)
        name = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
        return ("function", name) if name in FUNCTIONS and FUNCTIONS[name] is thing else None


class _Unpacker(Data):
    def __init__(self, file: io.BytesIO, parcels: Parcels) -> None:
        super().__init__(file)
        self._parcels = parcels

    def persistent_load(self, named: Any) -> Any:
        return self._parcels.found(*named)
