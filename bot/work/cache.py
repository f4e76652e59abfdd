"""Files that can be made again, kept in a folder of bounded size: what has not been asked for longest goes first.

An entry is an uncompressed zip file behind the SHA-256 of it, which finds whatever a crash or a disk has damaged.
"""

import asyncio
import logging
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Final

from core.processes.files import write_whole

ROOM: Final = 0.1  # of the whole, made at once when it is full, so that not every new entry has to look for room

_log = logging.getLogger(__name__)


class Cache:
    """Keep groups of files by owner and key, `most` bytes in all; none for 0.

    Nothing here raises OSError: what cannot be kept or read is made again.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most
        self._lock = Lock()
        self._bytes: int | None = None  # as far as known

    async def get(self, owner: str, key: str) -> dict[str, bytes] | None:
        """Return the files of an owner under a key, if they are still there."""
        return await asyncio.to_thread(self._get, self._path(owner, key))

    async def put(self, owner: str, key: str, files: Mapping[str, bytes]) -> None:
        """Keep files, and let others go that have not been asked for longest."""
        if sum(map(len, files.values())) < self._most * ROOM:
            await asyncio.to_thread(self._put, self._path(owner, key), files)

    async def drop(self, *owners: str) -> None:
        """Delete what is kept for these owners."""
        await asyncio.to_thread(self._drop, set(owners))

    def _path(self, owner: str, key: str) -> Path:
        return self._folder / f"{owner}.{key}.zip"

    def _get(self, path: Path) -> dict[str, bytes] | None:
        try:
            content = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("%s cannot be read, and its files will be made again: %s", path, error)
            return None
        digest, archive = content[: sha256().digest_size], content[sha256().digest_size :]
        if digest != sha256(archive).digest():
            _log.warning("%s is damaged, and its files will be made again", path)
            with suppress(OSError):
                path.unlink()
            return None
        with zipfile.ZipFile(BytesIO(archive)) as entry:
            return {name: entry.read(name) for name in entry.namelist()}

    def _put(self, path: Path, files: Mapping[str, bytes]) -> None:
        with self._lock:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                if self._bytes is None:
                    self._bytes = sum(size for _, size, _ in self._entries())
                entry = _pack(files)
                write_whole(path, entry)
                self._bytes += len(entry)
                if self._bytes > self._most:
                    self._make_room()
            except OSError as error:
                _log.warning("The cache cannot keep %s: %s", path.name, error)

    def _make_room(self) -> None:
        """Delete the oldest entries; the folder is read again, for another process may share it."""
        entries = sorted(self._entries())
        self._bytes = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if self._bytes <= self._most * (1 - ROOM):
                return
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _drop(self, owners: set[str]) -> None:
        for _, _, path in self._entries():
            if path.name.partition(".")[0] in owners:
                with suppress(OSError):
                    path.unlink()

    def _entries(self) -> list[tuple[float, int, Path]]:
        """List what is there: when it was last asked for, its size in bytes, and where it is."""
        entries = []
        for path in self._folder.glob("*.*"):
            with suppress(OSError):
                status = path.stat()
                entries.append((status.st_mtime, status.st_size, path))
        return entries


def _pack(files: Mapping[str, bytes]) -> bytes:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as entry:
        for name, data in files.items():
            entry.writestr(name, data)
    return sha256(archive.getvalue()).digest() + archive.getvalue()
