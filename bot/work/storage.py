"""Files that machines share: a folder, or a bucket, by fsspec; and models from it, kept here by their content."""

import asyncio
import hashlib
import io
import logging
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar

import fsspec

from core.errors import CadenzaError, reason
from core.processes.files import folder_whole, write_whole

T = TypeVar("T")

TRIES: Final = (
    0.5,
    1.0,
    2.0,
    4.0,
    8.0,
    10.0,
)  # seconds between the tries to reach it, so that a short cut harms nobody

_log = logging.getLogger(__name__)


class StorageError(CadenzaError):
    """Say that the storage cannot be reached, or has no room."""


class Storage:
    """Keep objects by keys below a URL such as s3://bucket/prefix, or in a folder.

    An object is there whole or not at all. Everything raises StorageError where the storage stays away.
    """

    def __init__(self, url: str) -> None:
        own = {"use_listings_cache": False, "skip_instance_cache": True}  # which go by the URL, not by the endpoint
        self._files, root = fsspec.core.url_to_fs(url, **(own if "://" in url else {}))
        self._root = root.rstrip("/")
        self._local = "file" in self._files.protocol

    async def put(self, key: str, content: bytes) -> None:
        """Keep an object, in place of what was there."""
        await self._tried(self._put, key, content)

    async def get(self, key: str) -> bytes | None:
        """Return an object, None if there is none."""
        return await self._tried(self._get, key)

    async def delete(self, key: str) -> None:
        """Delete an object, or all whose keys begin with it and a slash."""
        await self._tried(self._delete, key)

    async def under(self, key: str) -> dict[str, bytes]:
        """Return all objects whose keys begin with this one and a slash, by what follows."""
        return await self._tried(self._under, key)

    def fetch(self, key: str) -> bytes | None:
        """Do what `get` does, at once or not at all, for a thread. Raises StorageError."""
        try:
            return self._get(key)
        except Exception as error:
            raise _away(error) from error

    async def _tried(self, work: Callable[..., T], *args: Any) -> T:
        for pause in TRIES:
            try:
                return await asyncio.to_thread(work, *args)
            except Exception as error:  # each storage has its own
                _log.warning("The storage does not answer: %s", error)
                last = error
            await asyncio.sleep(pause)
        raise _away(last) from last

    def _put(self, key: str, content: bytes) -> None:
        path = f"{self._root}/{key}"
        if self._local:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_whole(Path(path), content)
        else:
            self._files.pipe_file(path, content)

    def _get(self, key: str) -> bytes | None:
        try:
            content: bytes = self._files.cat_file(f"{self._root}/{key}")
        except FileNotFoundError:
            return None
        return content

    def _delete(self, key: str) -> None:
        try:
            self._files.rm(f"{self._root}/{key}", recursive=True)
        except FileNotFoundError:
            return

    def _under(self, key: str) -> dict[str, bytes]:
        start = f"{self._root}/{key}"
        found = {}
        for path in self._files.find(start):
            name = str(path).partition(f"{start.rpartition('://')[2]}/")[2]
            if name and not Path(name).name.startswith("."):
                found[name] = self._files.cat_file(path)
        return found


def _away(error: Exception) -> StorageError:
    return StorageError("The storage cannot be reached, or has no room left: {reason}.", reason=reason(error))


def pack(folder: Path) -> bytes:
    """Put a model's files into one; the same files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(each for each in folder.iterdir() if each.is_file()):
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes())
    return packed.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write a model's files into a folder."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            (folder / Path(name).name).write_bytes(archive.read(name))


def key(digest: str) -> str:
    """Return the key under which a model is kept, by the SHA-256 of its packed files."""
    return f"models/{digest}.zip"


class Fetched:
    """Keep models that were fetched in a folder of at most so many bytes; what was not asked for longest goes first."""

    def __init__(self, storage: Storage, folder: Path, most: int) -> None:
        self.folder = folder.absolute()
        self._storage, self._most, self._lock = storage, most, Lock()

    def path(self, server: str, name: str, digest: str) -> Path:
        """Return the folder of a model, for a thread. Raises StorageError where it cannot be had."""
        place = self.folder / digest / server / name
        with self._lock:
            if not place.exists():
                content = self._storage.fetch(key(digest))
                if content is None or hashlib.sha256(content).hexdigest() != digest:
                    raise StorageError("The model {name} is not in the storage any more.", name=name)
                with folder_whole(place, replace=False) as coming:
                    unpack(content, coming)
                self._make_room(keep=digest)
            place.parent.parent.touch()
        return place

    def _make_room(self, keep: str) -> None:
        kept = [(path.stat().st_mtime, _weight(path), path) for path in self.folder.iterdir() if path.name != keep]
        room = self._most - _weight(self.folder / keep)
        for _, weight, path in sorted(kept, reverse=True):
            room -= weight
            if room < 0:
                shutil.rmtree(path, ignore_errors=True)


def _weight(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
