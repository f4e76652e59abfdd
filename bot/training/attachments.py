"""Attachments on their way to parsed notes: chosen by size, kept for as long as they are read, and then deleted.

Reading may take as much of the machine as a training does, so only one collection is read at once, whoever asks.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path, PurePath
from typing import Final

import aiofiles
import discord
from discord import Attachment

from bot.chat.language import tell
from bot.database.jobs import JobError
from core.corpus import worker
from core.corpus.worker import REASONS, CollectJob, Gathered
from core.errors import CorpusError, Message, lines, mark, reason
from core.music.piece import Budget, clean_title
from core.processes.child import Died, Late, Pool
from core.reading.formats import ENDINGS, not_music, too_large

LEAST_PIECES: Final = 2  # one to train on and one to test with
READING_SECONDS: Final = 240.0  # for all files together, their download included
LINE: Final = 3  # servers in the queue; the last has its answer while Discord still waits for that
GIVEN_UP: Final = mark("Reading these files took too long and was stopped. Send fewer or simpler ones.")

Reasons = tuple[tuple[str, Message], ...]  # files, and why each was left out


@dataclass(frozen=True, slots=True)
class Chosen:
    """Hold the files to download, and why the others are left out."""

    files: tuple[Attachment, ...]
    left_out: Reasons


class ReadingQueue:
    """Have one collection of files read at a time, whoever asks: one of each server stands here, and few wait."""

    def __init__(self) -> None:
        self._servers = set[int]()
        self._turn = asyncio.Lock()

    @contextmanager
    def place(self, server: int) -> Iterator[asyncio.Lock]:
        """Take a server's place and return the lock that is its turn to read. Raises JobError if there is none."""
        if server in self._servers:
            raise JobError("Files from this server are being read already. Wait until that is done, then try again.")
        if len(self._servers) >= LINE:
            raise JobError("Files from other servers are being read at the moment. Try again in a few minutes.")
        self._servers.add(server)
        try:
            yield self._turn
        finally:
            self._servers.remove(server)


def choose(files: Sequence[Attachment], most: int) -> Chosen:
    """Choose by name and size; `most` is what all may weigh, in bytes. Raises JobError if nothing is left."""
    taken, left_out = list[Attachment](), list[tuple[str, Message]]()
    for file in files:
        ending, budget = PurePath(file.filename).suffix.lower(), Budget()
        if ending not in (*ENDINGS, ".zip"):
            left_out.append((file.filename, not_music(ending).message))
        elif ending != ".zip" and file.size > budget.file_bytes:
            left_out.append((file.filename, too_large(budget).message))
        else:
            taken.append(file)
    if not taken:
        nothing = mark("There is nothing to train on.")
        kinds = mark("I can read {kinds}, and .zip.", kinds=", ".join(ENDINGS))
        raise JobError(lines((nothing, *listed(left_out), kinds)))
    if sum(file.size for file in taken) > most:
        raise JobError("These files are larger than {most:g} MiB together. Send fewer.", most=most / (1 << 20))
    return Chosen(tuple(taken), tuple(left_out))


async def gather(chosen: Chosen, job: CollectJob, nice: int) -> tuple[bytes, Gathered]:
    """Have files read; return a digest of them, and what became of them.

    They are in the job's folder of music until that is done, which is gone then. Raises CadenzaError, also if there is
    too little to train on.
    """
    uploads = Path(job.music)
    try:
        async with asyncio.timeout(READING_SECONDS):
            await asyncio.to_thread(uploads.mkdir, parents=True)
            await asyncio.to_thread(Path(job.work).mkdir, parents=True)
            digests = [await _download(file, uploads) for file in chosen.files]
            gathered = await _read(job, nice)
    except TimeoutError:
        raise CorpusError(GIVEN_UP) from None
    except OSError as error:
        raise JobError(
            "The files cannot be saved for reading: {reason}. The bot's owner needs to look into it.",
            reason=reason(error),
        ) from error
    finally:
        await asyncio.to_thread(shutil.rmtree, uploads, ignore_errors=True)
    skipped = (*chosen.left_out, *gathered.skipped)[:REASONS]
    if gathered.kept < LEAST_PIECES:
        none = mark("There is nothing to train on, so nothing was started: no piece was kept.")
        one = mark(
            "There is too little to train on, so nothing was started: only one piece was kept, and at least two are"
            " needed."
        )
        raise CorpusError(lines((one if gathered.kept else none, *listed(skipped))))
    return hashlib.sha256(b"".join(sorted(digests))).digest(), replace(gathered, skipped=skipped)


def listed(reasons: Sequence[tuple[str, Message]], most: int = 1000) -> list[Message]:
    """List files that were left out, a line each, in about so many characters."""
    found, room = list[Message](), most
    for file, why in reasons:
        line = Message(
            "- {file}: {why}", {"file": discord.utils.escape_markdown(clean_title(file, most=80)), "why": why}
        )
        room -= 1 + len(tell(line))
        if room < 0:
            return [*found, Message("…")]
        found.append(line)
    return found


async def _download(file: Attachment, folder: Path) -> bytes:
    """Put an attachment into a folder, under its own name as far as that is harmless, and return its digest."""
    try:
        data = await file.read()
    except discord.HTTPException as error:
        raise JobError(
            "{file} can no longer be fetched from Discord. Upload it again.", file=file.filename[:80]
        ) from error
    name = PurePath(file.filename.replace("\\", "/"))
    title = clean_title(name.stem, most=60).lstrip(".") or "untitled"
    path = folder / f"{title}{name.suffix.lower()}"
    copies = count(2)
    while await asyncio.to_thread(path.exists):
        path = folder / f"{title} ({next(copies)}){name.suffix.lower()}"
    async with aiofiles.open(path, "xb") as kept:
        await kept.write(data)
    return hashlib.sha256(data).digest()


async def _read(job: CollectJob, nice: int) -> Gathered:
    """Have the files read in a process of its own. Raises CadenzaError."""
    pool = Pool(1, replace(worker.LIMITS, nice=nice), deadline=READING_SECONDS)
    try:
        return await asyncio.wrap_future(pool.submit(worker.gather_once, job))
    except (Died, Late):
        raise CorpusError(GIVEN_UP) from None
    finally:
        await asyncio.to_thread(pool.close)
