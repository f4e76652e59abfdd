"""Models put on a server's shelf, taken off it, and offered to all."""

import asyncio
import json
import secrets
import shutil
from pathlib import Path
from typing import Final

from bot.models.catalogue import Catalogue
from core.errors import BundleError, reason
from core.model import bundle
from core.processes.files import folder_whole

OBJECT: Final = "object.json"  # in the folder of a model whose weights are in the storage: its digest and its bytes


class Shelves:
    """Put models on shelves and take them off, on this machine alone."""

    async def place(self, model: Path, catalogue: Catalogue) -> None:
        """Put a model on a server's shelf, whole, in place of one of that name."""
        assert catalogue.own is not None
        await asyncio.to_thread(place, model, catalogue.own)

    async def remove(self, model: Path) -> None:
        """Take a model off its shelf at once."""
        await asyncio.to_thread(remove, model)

    async def share(self, catalogue: Catalogue, name: str) -> None:
        """Offer a server's model to all servers. Raises BundleError."""
        await asyncio.to_thread(share, catalogue, name)

    async def withdraw(self, catalogue: Catalogue, name: str) -> None:
        """No longer offer a shared model. Raises BundleError."""
        await asyncio.to_thread(withdraw, catalogue, name)


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
    """Return how many bytes the models of a shelf have, here or in the storage."""
    elsewhere: int = sum(json.loads(path.read_text(encoding="utf-8"))["bytes"] for path in models.glob(f"*/{OBJECT}"))
    return elsewhere + sum(path.stat().st_size for path in models.rglob("*") if path.is_file())


def version(model: Path) -> str:
    """Return what changes with a model's weights."""
    if (model / OBJECT).exists():
        return (model / OBJECT).read_text(encoding="utf-8")
    stamp = (model / "weights.safetensors").stat()
    return f"{stamp.st_mtime_ns}-{stamp.st_size}"


def tidy(data: Path) -> None:
    """Delete what a crash left of models that were coming or going."""
    for leftover in (data / "models").glob("*/.*.*"):
        shutil.rmtree(leftover, ignore_errors=True)
