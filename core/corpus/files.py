"""The files of a collection: a folder tree, a file, or zip archives, listed first and then loaded one by one.

Names within archives are shown and never used as paths.
"""

import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Final

from core.errors import CorpusError, ReadingError, mark, reason
from core.music.piece import clean_title
from core.reading.formats import ENDINGS, not_music

_ARCHIVES: Final = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_TOO_LARGE: Final = mark("archive too large")
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    LookupError,
    ArithmeticError,
    MemoryError,
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Say how much of an archive may be read: files in it, and bytes that they unpack to."""

    members: int = 5_000
    unpacked_bytes: int = 512 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """Name a file of the collection, and where it lies: on disk or in an archive; or say why it is left out."""

    name: str  # as shown: relative to the collection, an archive's name before its members'
    path: Path
    member: zipfile.ZipInfo | None = None
    refusal: ReadingError | None = None


def find(root: Path, bounds: Bounds | None = None) -> list[Found]:
    """List the files of a folder, a single file, or an archive, sorted. Raises CorpusError if it is not there."""
    bounds = bounds or Bounds()
    if not root.exists():
        raise CorpusError("{root} does not exist. Name a folder of music files, or a zip archive of them.", root=root)
    if not root.is_dir():
        return list(_listed(root, root.name, bounds))
    unreadable: list[OSError] = []
    found: list[Found] = []
    for folder, folders, files in os.walk(root, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [_linked(path, root) for path in map(Path(folder).joinpath, folders) if path.is_symlink()]
        for name in sorted(files):
            if not name.startswith("."):
                path = Path(folder, name)
                found.extend(_listed(path, _within(path, root), bounds))
    for error in unreadable:
        path = Path(error.filename or root)
        found.append(Found(_within(path, root), path, refusal=_unreadable(error)))
    return found


def load(
    found: Iterable[Found], most_bytes: int, bounds: Bounds | None = None
) -> Iterator[tuple[Found, bytes | ReadingError]]:
    """Read the files, each to one byte over `most_bytes` at most; an archive is opened once for all its members."""
    most_unpacked = (bounds or Bounds()).unpacked_bytes
    for path, group in groupby(found, key=lambda entry: entry.path):
        entries = list(group)
        if entries[0].member is None:
            for entry in entries:
                yield entry, entry.refusal or _load_file(path, most_bytes)
        else:
            yield from _load_members(path, entries, most_bytes, most_unpacked)


def _within(path: Path, root: Path) -> str:
    """Name a file as the collection's report does."""
    return _shown(str(path.relative_to(root) if path != root else path.name))


def _linked(path: Path, root: Path) -> Found:
    refusal = ReadingError(
        "A link to a folder is not followed, since it may lead in circles. Name that folder itself, or copy it.",
        mark("link"),
    )
    return Found(_within(path, root), path, refusal=refusal)


def _listed(path: Path, name: str, bounds: Bounds) -> Iterator[Found]:
    name = _shown(name)
    ending = path.suffix.lower()
    if ending == ".zip":
        yield from _members(path, name, bounds.members)
    else:
        yield Found(name, path, refusal=None if ending in ENDINGS else not_music(ending))


def _members(path: Path, archive_name: str, most: int) -> Iterator[Found]:
    """List what an archive holds, from its directory alone."""
    try:
        with _open_archive(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except _BROKEN as error:
        yield Found(
            archive_name, path, refusal=_unreadable(error) if isinstance(error, PermissionError) else _damaged_archive()
        )
        return
    if len(members) > most:
        too_many = mark(
            "The archive holds {count:,} files; at most {most:,} are read. Split it.", count=len(members), most=most
        )
        yield Found(archive_name, path, refusal=ReadingError(too_many, _TOO_LARGE))
        return
    for member in members:
        name = member.filename.replace("\\", "/")
        if any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in PurePosixPath(name).parts):
            continue
        ending = PurePosixPath(name).suffix.lower()
        refusal: ReadingError | None = None
        if ending in _ARCHIVES:
            refusal = ReadingError(
                "An archive within an archive is not opened. Unpack it first.", mark("nested archive")
            )
        elif ending not in ENDINGS:
            refusal = not_music(ending)
        elif member.flag_bits & 1:
            refusal = ReadingError("It is encrypted in its archive. Pack it without a password.", mark("encrypted"))
        yield Found(f"{archive_name}/{_shown(name)}", path, member, refusal)


def _load_file(path: Path, most_bytes: int) -> bytes | ReadingError:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            return ReadingError("It is not a regular file.", mark("not a file"))
        with path.open("rb") as file:
            return file.read(most_bytes + 1)
    except OSError as error:
        return _unreadable(error)


def _load_members(
    path: Path, entries: list[Found], most_bytes: int, most_unpacked: int
) -> Iterator[tuple[Found, bytes | ReadingError]]:
    """Unpack the members of one archive, counting; what is declared about sizes is not believed."""
    unpacked = 0
    try:
        with _open_archive(path) as archive:
            for entry in entries:
                assert entry.member is not None
                if entry.refusal is not None:
                    yield entry, entry.refusal
                    continue
                if unpacked > most_unpacked:
                    too_large = mark("The archive unpacks to more than {most} MiB. Split it.", most=most_unpacked >> 20)
                    yield entry, ReadingError(too_large, _TOO_LARGE)
                    continue
                try:
                    with archive.open(entry.member) as file:
                        data = file.read(most_bytes + 1)
                except _BROKEN:
                    yield entry, _damaged_archive()
                    continue
                unpacked += len(data)
                yield entry, data
    except _BROKEN:
        yield Found(entries[0].name, path), _damaged_archive()


def _open_archive(path: Path) -> zipfile.ZipFile:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("not a regular file")
    return zipfile.ZipFile(path)


def _shown(name: str) -> str:
    """Make a name printable, whatever bytes a file system or an archive has in it."""
    return clean_title(name.encode(errors="replace").decode(), most=300) or "?"


def _unreadable(error: BaseException) -> ReadingError:
    return ReadingError("It cannot be opened: {reason}.", mark("cannot be opened"), reason=reason(error))


def _damaged_archive() -> ReadingError:
    return ReadingError(
        "The archive is damaged here and cannot be unpacked. Pack or download it again.", mark("damaged archive")
    )
