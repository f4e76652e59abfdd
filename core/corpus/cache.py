"""A cache of readings: one SQLite file, keyed by content, name, budget and reader version.

It may be deleted at any time, and what is damaged in it is read again.
"""

import hashlib
import json
import sqlite3
from dataclasses import astuple
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Final

from core.errors import CorpusError, ReadingError, mark
from core.music.piece import Budget, Reading, unpack
from core.reading.formats import VERSION

_PUT: Final = "INSERT OR REPLACE INTO readings VALUES (?, ?, ?)"
_TABLE: Final = "CREATE TABLE IF NOT EXISTS readings (key BLOB PRIMARY KEY, kind TEXT, content BLOB) WITHOUT ROWID"


class Readings:
    """Remember what files gave; without a folder, only until it is closed, in a temporary file.

    Raises CorpusError where even that cannot be written.
    """

    def __init__(self, folder: Path | None, budget: Budget) -> None:
        readers = (VERSION, version("symusic"), version("music21"), astuple(budget))
        self._settings = repr(readers).encode()
        self._path = ""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._path = str(folder / "readings.sqlite")
        self._database = self._open()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def key(self, data: bytes, name: str) -> bytes:
        """Return the key of a file; its name counts, since titles come from it."""
        digest = hashlib.sha256(self._settings)
        digest.update(PurePath(name).name.encode(errors="replace") + b"\0")
        digest.update(data)
        return digest.digest()

    def get(self, key: bytes) -> Reading | ReadingError | None:
        """Return what a file gave, or why it was refused; None if that is not known, or damaged."""
        try:
            row = self._database.execute("SELECT kind, content FROM readings WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            kind, content = row
            return ReadingError.parse(json.loads(content)) if kind else unpack(content)
        except (sqlite3.DatabaseError, ValueError, AttributeError, TypeError):
            return None

    def put(self, key: bytes, answer: bytes | ReadingError) -> None:
        """Remember what a file gave: a packed reading, or why there is none."""
        kind, content = "", answer
        if isinstance(answer, ReadingError):
            kind, content = str(answer.kind), json.dumps(answer.as_json()).encode()
        try:
            self._database.execute(_PUT, (key, kind, content))
        except sqlite3.DatabaseError as error:
            raise CorpusError(
                "What was read cannot be kept in {path}: {error}. Free some disk space.",
                path=self._path or mark("a temporary file"),
                error=error,
            ) from error

    def _open(self) -> sqlite3.Connection:
        """Open the file, anew if it is damaged, and a temporary one if it cannot be used at all."""
        for path in (self._path, self._path, ""):
            database = sqlite3.connect(path, timeout=10, isolation_level=None)
            try:
                database.execute("PRAGMA synchronous = OFF")
                database.execute("PRAGMA journal_mode = MEMORY")  # a file for each answer is half of what it costs
                database.execute(_TABLE)
                if database.execute("PRAGMA quick_check").fetchone() != ("ok",):
                    raise sqlite3.DatabaseError("damaged")
                return database
            except sqlite3.OperationalError:  # locked, or not to be written
                database.close()
            except sqlite3.DatabaseError:
                database.close()
                Path(path).unlink(missing_ok=True)
        raise CorpusError("There is no room for temporary files. Free some disk space.")
