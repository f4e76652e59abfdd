"""Models put on a server's shelf, taken off it, and offered to all."""

import secrets
import shutil
from pathlib import Path

from bot.models.catalogue import Catalogue
from core.errors import BundleError, reason
from core.model import bundle
from core.processes.files import folder_whole


def place(model: Path, shelf: Path) -> None:
    """Move a model, whole, to a shelf, in place of one of that name."""
    shelf.mkdir(parents=True, exist_ok=True)
    remove(shelf / model.name)
    model.rename(shelf / model.name)


def remove(model: Path) -> None:
    """Take a model off its shelf at once, and delete its files then."""
    if model.exists():
        going = model.with_name(f".{model.name}.{secrets.token_hex(4)}.old")
        model.rename(going)
        shutil.rmtree(going, ignore_errors=True)


def own(catalogue: Catalogue, name: str) -> Path:
    """Return the folder of a server's own model. Raises BundleError for any other name."""
    names = catalogue.own_names()
    if catalogue.own is None or name not in names:
        if names:
            raise BundleError(
                "This server has no model of its own called {name!r}. It has: {names}.",
                name=name[:40],
                names=", ".join(names),
            )
        raise BundleError(
            "This server has no model of its own called {name!r}. It has none yet; /train start makes one.",
            name=name[:40],
        )
    return catalogue.own / name


def share(catalogue: Catalogue, name: str) -> None:
    """Offer a copy of a server's model to all servers. Raises BundleError."""
    model, shelf = own(catalogue, name), catalogue.shared
    assert shelf is not None
    if name in catalogue.at(None).names():
        raise BundleError("There is a model called {name} for all servers already.", name=name)
    try:
        with folder_whole(shelf / name, replace=False) as coming:
            shutil.copytree(model, coming, dirs_exist_ok=True)
    except OSError as error:
        raise BundleError("The model cannot be copied: {reason}.", reason=reason(error)) from error


def withdraw(catalogue: Catalogue, name: str) -> None:
    """No longer offer a shared model. Raises BundleError."""
    shelf = catalogue.shared
    names = () if shelf is None else bundle.names(shelf)
    if shelf is None or name not in names:
        raise BundleError("No model called {name!r} is shared.", name=name[:40])
    remove(shelf / name)


def weight(models: Path) -> int:
    """Return how many bytes the models of a shelf have on the disk."""
    return sum(path.stat().st_size for path in models.rglob("*") if path.is_file())


def tidy(data: Path) -> None:
    """Delete what a crash left of models that were coming or going."""
    for leftover in (data / "models").glob("*/.*.*"):
        shutil.rmtree(leftover, ignore_errors=True)
