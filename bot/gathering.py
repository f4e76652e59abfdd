"""Attachments on their way to parsed notes: chosen by size, kept for as long as they are read, and then deleted."""

import asyncio
import hashlib
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import Final

import aiofiles
import discord
from discord import Attachment

from bot import child, language
from bot.jobs import JobError
from core.bundle import Params
from core.corpus_apart import REASONS, Gathered, Order
from core.errors import CorpusError
from core.piece import Budget, clean_title
from core.reading import ENDINGS

LEAST_PIECES: Final = 2  # one to learn from and one to test with
READING_SECONDS: Final = 300.0  # for all files together

Reasons = tuple[tuple[str, str], ...]  # files, and why each was left out


@dataclass(frozen=True, slots=True)
class Chosen:
    """Hold the files to download, and why the others are left out."""

    files: tuple[Attachment, ...]
    left_out: Reasons


def choose(files: Sequence[Attachment], most: int) -> Chosen:
    """Choose by name and size; `most` is what all may weigh, in bytes. Raises JobError if nothing is left."""
    taken, left_out = list[Attachment](), list[tuple[str, str]]()
    for file in files:
        ending, budget = PurePath(file.filename).suffix.lower(), Budget().file_bytes
        if ending not in (*ENDINGS, ".zip"):
            left_out.append((file.filename, f"{ending or 'No ending'} is not one of a music file that is read."))
        elif ending != ".zip" and file.size > budget:
            left_out.append((file.filename, f"It has more than {budget >> 20} MiB."))
        else:
            taken.append(file)
    if not taken:
        kinds = f"The kinds are {', '.join(ENDINGS)}, and .zip."
        raise JobError(f"There is nothing to learn from.\n{listed(left_out)}{kinds}")
    if sum(file.size for file in taken) > most:
        raise JobError(f"These files weigh more than {most / (1 << 20):g} MiB together. Give it fewer.")
    return Chosen(tuple(taken), tuple(left_out))


async def gather(chosen: Chosen, uploads: Path, work: Path, base: Params | None) -> tuple[bytes, Gathered]:
    """Write the notes of files into `work`, as `base` writes; return a digest of the files, and what became of them.

    The files are in `uploads` until that is done. Raises CadenzaError, also if there is too little to learn from.
    """
    try:
        await asyncio.to_thread(uploads.mkdir, parents=True)
        await asyncio.to_thread(work.mkdir, parents=True)
        digests = [await _download(file, uploads, number) for number, file in enumerate(chosen.files, 1)]
        gathered = await _read(uploads, work, base)
    except OSError as error:
        reason = error.strerror or "it failed"
        raise JobError(f"The files cannot be kept for reading: {reason}. The bot's owner has to look.") from error
    finally:
        await asyncio.to_thread(shutil.rmtree, uploads, ignore_errors=True)
    skipped = (*chosen.left_out, *gathered.skipped)[:REASONS]
    if gathered.kept < LEAST_PIECES:
        found = "No piece was kept" if not gathered.kept else "Only one piece was kept, and two are the least"
        raise CorpusError(
            f"There is nothing to learn from, so nothing was started. {found}.\n{listed(skipped)}".strip()
        )
    return hashlib.sha256(b"".join(sorted(digests))).digest(), replace(gathered, skipped=skipped)


def listed(reasons: Sequence[tuple[str, str]], most: int = 1000) -> str:
    """List files that were left out, a line each, in so many characters."""
    text = ""
    for file, reason in reasons:
        line = f"- {discord.utils.escape_markdown(clean_title(file, most=80))}: {language.sentence(reason)}\n"
        if len(text) + len(line) > most:
            return text + "…\n"
        text += line
    return text


async def _download(file: Attachment, folder: Path, number: int) -> bytes:
    """Put an attachment into a folder, under its own name as far as that is harmless, and return its digest."""
    try:
        data = await file.read()
    except discord.HTTPException as error:
        raise JobError(f"{file.filename[:80]} cannot be fetched from Discord any more. Upload it again.") from error
    name = PurePath(file.filename.replace("\\", "/"))
    title = clean_title(name.stem, most=60).lstrip(".") or "untitled"
    path = folder / f"{title}{name.suffix.lower()}"
    if await asyncio.to_thread(path.exists):
        path = folder / f"{title} ({number}){name.suffix.lower()}"
    async with aiofiles.open(path, "xb") as kept:
        await kept.write(data)
    return hashlib.sha256(data).digest()


async def _read(uploads: Path, work: Path, base: Params | None) -> Gathered:
    """Have the files read in a process of its own. Raises CadenzaError."""
    order = Order(music=str(uploads), work=str(work))
    if base is not None:
        order = replace(order, anchor=base.anchor, rest_unit=base.rest_unit)
    with suppress(TimeoutError):
        async with asyncio.timeout(READING_SECONDS), child.start("core.corpus_apart", asdict(order)) as process:
            async for message in process.messages(READING_SECONDS):
                if "error" in message:
                    raise CorpusError(message["error"])
                return Gathered.parse(message["done"])
    raise CorpusError("The process that read these files was given up. Give it fewer or simpler ones.")
