"""Files and folders written whole or not at all: beside their place, onto the disk, then there by rename."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def prepare(path: Path) -> None:
    """Make the folder of a file that will be written, and try to write there. Raises OSError as `write_whole` does."""
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=path.parent):
            pass


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file, in UTF-8 if it is a text; it is on the disk when this returns. Raises OSError that names it."""
    coming = path.with_name(f".{secrets.token_hex(8)}.part")
    with _naming(path):
        try:
            with coming.open("xb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            coming.replace(path)
        except BaseException:
            coming.unlink(missing_ok=True)  # a full disk needs the room
            raise
        _sync(path.parent)


@contextmanager
def folder_whole(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Give a folder to be filled, which then takes the place of `path`.

    Raises OSError, also for a folder that is there already and is not to be replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(4)
    coming, going = (path.with_name(f".{path.name}.{token}.{end}") for end in ("new", "old"))
    try:
        coming.mkdir()
        yield coming
        for each in (*coming.rglob("*"), coming):
            _sync(each)
        if replace and path.exists():
            path.rename(going)
        coming.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(coming, ignore_errors=True)
        shutil.rmtree(going, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Have an OSError name the path that is meant, or what stands in its way, and no temporary file."""
    try:
        yield
    except OSError as error:
        obstacle = next((above for above in path.parents if above.exists() and not above.is_dir()), None)
        if obstacle is not None:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(obstacle)) from None
        raise OSError(error.errno, error.strerror, str(path)) from None
