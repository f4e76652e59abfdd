"""The models that are there to choose from."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from core import bundle
from core.bundle import Params
from core.errors import BundleError

FAVOURITE: Final = "chorales"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """List the models in a folder; `preferred` names the one that composes when none is chosen."""

    folder: Path
    preferred: str | None = None

    def names(self) -> tuple[str, ...]:
        """Return the models' names, the default one first."""
        names = bundle.names(self.folder)
        first = self.preferred or FAVOURITE
        return tuple(sorted(names, key=lambda name: (name != first, name)))

    def path(self, name: str | None) -> Path:
        """Return the folder of a model, of the default one for None. Raises BundleError with the names there are."""
        names = self.names()
        if not names:
            raise BundleError(f"There is no model in {self.folder}: train one with python -m core.parse_and_train.")
        chosen = name or self.preferred or names[0]
        if chosen not in names:
            shown = ", ".join(names[:10])
            raise BundleError(f"There is no model called {chosen[:40]!r}. There are: {shown}.")
        return self.folder / chosen

    def params(self, name: str | None) -> Params:
        """Return what describes a model, of the default one for None. Raises BundleError."""
        path = self.path(name) / "params.json"
        try:
            return _params(path, path.stat().st_mtime_ns)
        except OSError as error:
            raise BundleError(f"The model {path.parent.name} cannot be read: {error.strerror}.") from None


@lru_cache(maxsize=64)
def _params(path: Path, _written: int) -> Params:
    return bundle.parse_params(path.read_bytes(), path.parent.name)
