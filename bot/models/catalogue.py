"""The models that are there to choose from, and whose they are."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from core.errors import BundleError, reason
from core.model import bundle
from core.model.bundle import Params

FAVOURITE: Final = "chorales"
SHARED: Final = "shared"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """List the models that ship, in `folder`, those that `data` holds for all, and those of one server.

    `preferred` names the one that composes when none is chosen. Without a server, as in direct messages, there are
    those for all alone: nothing here ever looks into another server's folder.
    """

    folder: Path
    preferred: str | None = None
    data: Path | None = None
    server: int | None = None

    def at(self, server: int | None) -> Self:
        """Return the catalogue as a server sees it."""
        return replace(self, server=server)

    @property
    def own(self) -> Path | None:
        """Return the folder of the server's own models."""
        return None if self.data is None or self.server is None else self.data / "models" / str(self.server)

    @property
    def shared(self) -> Path | None:
        """Return the folder of the models that servers have trained and that are offered to all."""
        return None if self.data is None else self.data / "models" / SHARED

    def names(self) -> tuple[str, ...]:
        """Return the models' names, the default one first."""
        names = {name for shelf in self._shelves() for name in bundle.names(shelf)}
        first = self.preferred or FAVOURITE
        return tuple(sorted(names, key=lambda name: (name != first, name)))

    def own_names(self) -> tuple[str, ...]:
        """Return the names of the server's own models."""
        return () if self.own is None else bundle.names(self.own)

    def usual(self, chosen: str | None) -> str:
        """Return the name of the model that composes where none is asked for: the chosen one while it is there.

        Raises BundleError if there is none at all.
        """
        return self.path(chosen if chosen in self.names() else None).name

    def path(self, name: str | None) -> Path:
        """Return the folder of a model, of the default one for None. Raises BundleError with the names there are."""
        names = self.names()
        if not names:
            raise BundleError(
                "There is no model in {folder}: train one with python -m core.parse_and_train.",
                folder=self.folder.name,
            )
        chosen = name or self.preferred or names[0]
        if chosen not in names:
            raise BundleError(
                "There is no model called {name!r}. There are: {names}.",
                name=chosen[:40],
                names=", ".join(names[:10]),
            )
        return next(shelf / chosen for shelf in self._shelves() if chosen in bundle.names(shelf))

    def params(self, name: str | None) -> Params:
        """Return what describes a model, of the default one for None. Raises BundleError."""
        path = self.path(name) / "params.json"
        try:
            return _params(path, path.stat().st_mtime_ns)
        except OSError as error:
            raise BundleError(
                "The model {model} cannot be read: {reason}.", model=path.parent.name, reason=reason(error)
            ) from None

    def _shelves(self) -> tuple[Path, ...]:
        """Return the folders of models, in the order in which a name is looked up."""
        return tuple(shelf for shelf in (self.own, self.folder, self.shared) if shelf is not None)


@lru_cache(maxsize=64)
def _params(path: Path, _written: int) -> Params:
    return bundle.parse_params(path.read_bytes(), path.parent.name)
