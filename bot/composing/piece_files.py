"""The files of a piece: from the cache, or made again from what the store keeps, which gives the same bytes."""

import asyncio
import json
import zlib
from dataclasses import replace
from typing import Final

from bot.database.store import Opus
from bot.work.cache import Cache
from bot.work.workers import Work
from core.composing import filming, recipe, reprise
from core.composing.recipe import ComposeRequest, Take
from core.drawing.sheet import Sheet
from core.processes.kept import Kept

FILES: Final = ("midi", "audio", "picture")
REST: Final = "take.json"
SCORE: Final = "score.musicxml"
PRINT: Final = "score.pdf"
TUNE: Final = "tune.abc"
FILM: Final = "film.mp4"
TAKE: Final = Kept(Take)


class PieceFiles:
    """Hold the files of pieces for as long as there is room, and make them again after that."""

    def __init__(self, cache: Cache, workers: Work) -> None:
        self._cache, self._workers = cache, workers

    async def take(self, opus: Opus, request: ComposeRequest, model: str | None) -> Take:
        """Return a piece with its files, as a request that was its own has them made.

        `model` is the path of its model's folder, which knows what the piece quotes, None if it is gone.
        """
        key = await _key(opus, request)
        files = await self._cache.get(opus.id, key)
        if files is not None:
            return _unpack(files)
        quote = (
            None if model is None else await self._workers.run(reprise.quote, opus.text, opus.given, opus.model, model)
        )
        made = await self._workers.run(
            recipe.render, request, opus.model, opus.text, opus.given, opus.ended, quote, opus.parts
        )
        await self._cache.put(opus.id, key, _pack(made))
        return made

    async def keep(self, opus: Opus, request: ComposeRequest, take: Take) -> None:
        """Keep the files of a piece that has just been made."""
        await self._cache.put(opus.id, await _key(opus, request), _pack(take))

    async def sheet(self, opus: Opus, title: str) -> Sheet:
        """Return a piece as sheet music."""
        key = f"sheet-{zlib.crc32(title.encode()):08x}-" + await _key(opus, opus.request)
        files = await self._cache.get(opus.id, key)
        if files is not None:
            return Sheet(files.pop(SCORE), abc=files.pop(TUNE, None), pdf=files.pop(PRINT), pages=tuple(files.values()))
        tempo = await asyncio.to_thread(reprise.tempo, opus.request, opus.model, opus.text)
        metre = recipe.metre_of(opus.request)
        made = await self._workers.run(
            reprise.engrave,
            opus.text,
            opus.model,
            tempo,
            title,
            metre,
            composer(opus),
            opus.parts,
            numerals=opus.request.numerals,
        )
        pages = {f"{number:03}.png": page for number, page in enumerate(made.pages, 1)}
        tune = {} if made.abc is None else {TUNE: made.abc}
        await self._cache.put(opus.id, key, {SCORE: made.musicxml, PRINT: made.pdf, **tune, **pages})
        return made

    async def film(self, opus: Opus, request: ComposeRequest, title: str) -> bytes:
        """Return a piece's film, made when nothing else is to be done. Raises CadenzaError."""
        key = f"film-{zlib.crc32(title.encode()):08x}-" + await _key(opus, request)
        files = await self._cache.get(opus.id, key)
        if files is not None:
            return files[FILM]
        made = await self._workers.spare(filming.shoot, request, opus.model, opus.text, opus.given, title, opus.parts)
        await self._cache.put(opus.id, key, {FILM: made})
        return made

    async def drop(self, *ids: str) -> None:
        """Delete the files of pieces."""
        await self._cache.drop(*ids)


def composer(opus: Opus) -> str:
    """Say who composed a piece, in the line for that on its sheet."""
    return f"Cadenza, {opus.model.name}, seed {opus.request.seed}"


async def _key(opus: Opus, request: ComposeRequest) -> str:
    return await asyncio.to_thread(reprise.fingerprint, request, opus.model, opus.text, opus.given, opus.parts)


def _pack(take: Take) -> dict[str, bytes]:
    files: dict[str, bytes] = {name: data for name in FILES if (data := getattr(take, name)) is not None}
    return {REST: json.dumps(TAKE.write(replace(take, midi=b"", audio=None, picture=None))).encode(), **files}


def _unpack(files: dict[str, bytes]) -> Take:
    take = TAKE.read({"midi": b"", "audio": None, "picture": None, **json.loads(files[REST])})
    return replace(take, midi=files["midi"], audio=files.get("audio"), picture=files.get("picture"))
