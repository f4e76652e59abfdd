"""Films of pieces in the chat: made when there is nothing else to do, and put in the place of picture and player.

A message is whole without its film. So what is dropped because there is too much to do, or lost with a restart, leaves
behind a message as it was.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import discord

from bot.chat import titles
from bot.chat.answer import Answer, Enclosure, fit
from bot.chat.language import _
from bot.composing.piece_files import PieceFiles
from bot.database.store import Opus, Server, Store
from core.composing.recipe import ComposeRequest, Take
from core.errors import CadenzaError, mark

ALWAYS, SHARED, NEVER = "always", "when shared", "never"
CHOICES: Final = {ALWAYS: mark("always"), SHARED: mark("when shared"), NEVER: mark("never")}
MOST: Final = 4  # that are made or wait at once; what comes then gets none
PATIENCE: Final = 240.0  # seconds after which a film is given up
SHARING: Final = 30.0  # seconds that a piece waits for its film before it is shared without
LONGEST: Final = 300.0  # seconds of a piece that is filmed, about 8 MB

_log = logging.getLogger(__name__)


class Films:
    """Film pieces; `usual` says when, where a server has not chosen, and that never means never.

    `request` returns what a piece is played by.
    """

    def __init__(
        self,
        store: Store,
        files: PieceFiles,
        request: Callable[[Opus], Awaitable[ComposeRequest]],
        usual: str,
        upload_bytes: int,
    ) -> None:
        self.usual = usual
        self._store, self._files, self._request, self._upload_bytes = store, files, request, upload_bytes
        self._making: dict[str, asyncio.Task[bytes | None]] = {}  # by the pieces' ids
        self._following: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Tell whether any film is being made or shown."""
        return bool(self._making or self._following)

    async def choice(self, server: int | None) -> str:
        """Return when pieces of a server are filmed."""
        return NEVER if self.usual == NEVER else self.chosen(await self._store.server(server))

    def chosen(self, server: Server) -> str:
        """Return when pieces are filmed, as far as a server may choose."""
        return NEVER if self.usual == NEVER else server.film or self.usual

    async def follow(
        self, message: discord.Message | None, answer: Answer, opus: Opus, take: Take, *, shared: bool = False
    ) -> None:
        """Have a film take its place in a message, also of a piece that is `shared`, as soon as it is there."""
        if message is None:
            return
        choice = await self.choice(None if message.guild is None else message.guild.id)
        wanted = choice == ALWAYS or (shared and choice == SHARED)
        if wanted and (making := self._begun(opus, take)) is not None:
            following = asyncio.create_task(self._follow(making, message, answer, opus, take))
            self._following.add(following)
            following.add_done_callback(self._following.discard)

    async def into(self, guild: discord.Guild, answer: Answer, opus: Opus, take: Take) -> Answer:
        """Put its film into the message of a piece that is about to be shared, if it is there before long."""
        if await self.choice(guild.id) == NEVER or (making := self._begun(opus, take)) is None:
            return answer
        await asyncio.wait({making}, timeout=SHARING)
        film = making.result() if making.done() else None
        return self._filmed(answer, opus, take, film, guild) or answer

    async def close(self) -> None:
        """Give up whatever is being filmed."""
        tasks = [*self._making.values(), *self._following]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begun(self, opus: Opus, take: Take) -> asyncio.Task[bytes | None] | None:
        """Return what makes a piece's film, None if there is too much to do, or of the piece."""
        if opus.id in self._making:
            return self._making[opus.id]
        if len(self._making) >= MOST or take.seconds > LONGEST:
            _log.info("Piece %s is not filmed: %d films are being made", opus.id, len(self._making))
            return None
        making = self._making[opus.id] = asyncio.create_task(self._make(opus))
        making.add_done_callback(lambda _: self._making.pop(opus.id, None))
        return making

    async def _make(self, opus: Opus) -> bytes | None:
        try:
            async with asyncio.timeout(PATIENCE):
                film = await self._files.film(opus, await self._request(opus), titles.title(opus))
                if await self._store.find(opus.id):
                    return film
                await self._files.drop(opus.id)
        except (CadenzaError, TimeoutError) as error:
            _log.info("Piece %s could not be filmed: %s", opus.id, error)
        except Exception:
            _log.exception("Piece %s could not be filmed", opus.id)
        return None

    async def _follow(
        self, making: asyncio.Task[bytes | None], message: discord.Message, answer: Answer, opus: Opus, take: Take
    ) -> None:
        filmed = self._filmed(answer, opus, take, await asyncio.shield(making), message.guild)
        if filmed is None:
            return
        there = {attachment.filename: attachment for attachment in message.attachments}
        try:
            await message.edit(
                embed=filmed.embed,
                attachments=[there.get(enclosure.name) or enclosure.file() for enclosure in filmed.enclosures],
            )
        except discord.HTTPException as error:
            _log.info("The film of %s could not be shown: %s", opus.id, error)

    def _filmed(
        self, answer: Answer, opus: Opus, take: Take, film: bytes | None, guild: discord.Guild | None
    ) -> Answer | None:
        """Put a film into a message in the place of the picture and the sound, None if there is no room for it."""
        limit = self._upload_bytes if guild is None else min(self._upload_bytes, guild.filesize_limit)
        kept = [enclosure for enclosure in answer.enclosures if enclosure.data not in (take.audio, take.picture)]
        if film is None or len(film) + sum(len(enclosure.data) for enclosure in kept) > limit:
            return None
        stem = next((Path(each.name).stem for each in answer.enclosures if each.must_arrive), opus.id)
        shown = Enclosure(f"{stem}.mp4", film, _("Film: {title}").format(title=titles.title(opus)))
        return fit(replace(answer, enclosures=(shown, *kept)), limit)
