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

from bot.chat import language
from bot.chat.language import _, mark
from bot.database.jobs import JobError
from core.corpus import worker
from core.corpus.worker import REASONS, CollectJob, Gathered
from core.errors import CorpusError, Message
from core.model.bundle import Params
from core.music.piece import Budget, clean_title
from core.processes.child import Died, Late, Pool
from core.reading.formats import ENDINGS, not_music, too_large

LEAST_PIECES: Final = 2  # one to learn from and one to test with
READING_SECONDS: Final = 240.0  # for all files together, their download included
LINE: Final = 3  # servers in the queue; the last has its answer while Discord still waits for that
GIVEN_UP: Final = mark("Reading these files was given up. Give it fewer or simpler ones.")

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
            raise JobError("Files of this server are being read already. Wait for that, then try again.")
        if len(self._servers) >= LINE:
            raise JobError("The files of other servers are being read. Try again in a few minutes.")
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
        kinds = _("The kinds are {kinds}, and .zip.").format(kinds=", ".join(ENDINGS))
        nothing = _("There is nothing to learn from.")
        raise JobError(f"{nothing}\n{listed(left_out)}{kinds}")
    if sum(file.size for file in taken) > most:
        raise JobError(f"These files weigh more than {most / (1 << 20):g} MiB together. Give it fewer.")
    return Chosen(tuple(taken), tuple(left_out))


async def gather(chosen: Chosen, uploads: Path, work: Path, base: Params | None) -> tuple[bytes, Gathered]:
    """Write the notes of files into `work`, as `base` writes; return a digest of the files, and what became of them.

    The files are in `uploads` until that is done. Raises CadenzaError, also if there is too little to learn from.
    """
    try:
        async with asyncio.timeout(READING_SECONDS):
            await asyncio.to_thread(uploads.mkdir, parents=True)
            await asyncio.to_thread(work.mkdir, parents=True)
            digests = [await _download(file, uploads) for file in chosen.files]
            gathered = await _read(uploads, work, base)
    except TimeoutError:
        raise CorpusError(_(GIVEN_UP)) from None
    except OSError as error:
        reason = error.strerror or "it failed"
        raise JobError(f"The files cannot be kept for reading: {reason}. The bot's owner has to look.") from error
    finally:
        await asyncio.to_thread(shutil.rmtree, uploads, ignore_errors=True)
    skipped = (*chosen.left_out, *gathered.skipped)[:REASONS]
    if gathered.kept < LEAST_PIECES:
        none = _("There is nothing to learn from, so nothing was started. No piece was kept.")
        one = _(
            "There is nothing to learn from, so nothing was started. Only one piece was kept, and two are the least."
        )
        raise CorpusError(f"{one if gathered.kept else none}\n{listed(skipped)}".strip())
    return hashlib.sha256(b"".join(sorted(digests))).digest(), replace(gathered, skipped=skipped)


def listed(reasons: Sequence[tuple[str, Message]], most: int = 1000) -> str:
    """List files that were left out, a line each, in so many characters."""
    text = ""
    for file, reason in reasons:
        line = f"- {discord.utils.escape_markdown(clean_title(file, most=80))}: {language.sentence(reason)}\n"
        if len(text) + len(line) > most:
            return text + "…\n"
        text += line
    return text


async def _download(file: Attachment, folder: Path) -> bytes:
    """Put an attachment into a folder, under its own name as far as that is harmless, and return its digest."""
    try:
        data = await file.read()
    except discord.HTTPException as error:
        raise JobError(f"{file.filename[:80]} cannot be fetched from Discord any more. Upload it again.") from error
    name = PurePath(file.filename.replace("\\", "/"))
    title = clean_title(name.stem, most=60).lstrip(".") or "untitled"
    path = folder / f"{title}{name.suffix.lower()}"
    copies = count(2)
    while await asyncio.to_thread(path.exists):
        path = folder / f"{title} ({next(copies)}){name.suffix.lower()}"
    async with aiofiles.open(path, "xb") as kept:
        await kept.write(data)
    return hashlib.sha256(data).digest()


async def _read(uploads: Path, work: Path, base: Params | None) -> Gathered:
    """Have the files read in a process of its own. Raises CadenzaError."""
    job = CollectJob(music=str(uploads), work=str(work))
    if base is not None:
        job = replace(job, anchor=base.anchor, rest_unit=base.rest_unit)
    pool = Pool(1, worker.LIMITS, deadline=READING_SECONDS)
    try:
        return await asyncio.wrap_future(pool.submit(worker.gather_once, job))
    except (Died, Late):
        raise CorpusError(_(GIVEN_UP)) from None
    finally:
        await asyncio.to_thread(pool.close)
