"""Films of pieces in the chat: made when there is nothing else to do, and put in the place of picture and player.

A message is whole without its film, so what is dropped because there is too much to do leaves behind a message as it
was. What is owed when the process ends is taken up by the next one, or by another that runs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import discord
from discord.ext import tasks

from bot.chat import language, titles
from bot.chat.answer import Answer, Enclosure, fit
from bot.chat.language import _
from bot.composing.piece_files import PieceFiles
from bot.database.films import OwedFilm
from bot.database.store import Opus, Server, Store
from core.composing.recipe import ComposeRequest, Take
from core.errors import CadenzaError, mark

ALWAYS, SHARED, NEVER = "always", "when shared", "never"
CHOICES: Final = {ALWAYS: mark("always"), SHARED: mark("when shared"), NEVER: mark("never")}
MOST: Final = 4  # that are made or wait at once; what comes then gets none
PATIENCE: Final = 240.0  # seconds after which a film is given up
SHARING: Final = 30.0  # seconds that a piece waits for its film before it is shared without
LEASE: Final = timedelta(seconds=PATIENCE + 60)  # after which a film that is still owed is another process's to make
EVERY: Final = 60.0  # seconds between two looks for such films
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
        self._looking: tasks.Loop[Any] | None = None

    def open(self, client: discord.Client, *, alone: bool) -> None:
        """Take up the films that processes owed which are no more: if this one is `alone`, all that are owed now."""
        self._looking = tasks.loop(seconds=EVERY, count=1 if alone else None)(self._look)  # others may end at any time
        self._looking.start(client, timedelta(0) if alone else LEASE)

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
        if wanted and (making := self._begun(opus)) is not None:
            server = None if message.guild is None else message.guild.id
            await self._owe(OwedFilm(message=message.id, channel=message.channel.id, server=server, opus=opus.id))
            self._keep(self._follow(making, message, answer, opus, take))

    async def into(self, guild: discord.Guild, answer: Answer, opus: Opus, take: Take) -> Answer:
        """Put its film into the message of a piece that is about to be shared, if it is there before long."""
        if await self.choice(guild.id) == NEVER or (making := self._begun(opus)) is None:
            return answer
        await asyncio.wait({making}, timeout=SHARING)
        film = making.result() if making.done() else None
        return self._filmed(answer, opus, take, film, guild) or answer

    async def close(self) -> None:
        """Leave whatever is being filmed to the process that comes next."""
        looking = None if self._looking is None else self._looking.get_task()
        ending = [*self._making.values(), *self._following, *([] if looking is None else [looking])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _look(self, client: discord.Client, patience: timedelta) -> None:
        await client.wait_until_ready()
        await self._take_up(client, patience)

    async def _take_up(self, client: discord.Client, patience: timedelta) -> None:
        """Make the films whose process has not shown them for so long."""
        try:
            claimed = await self._store.films.claim(datetime.now(UTC), patience)
            found = {opus.id: opus for opus in await self._store.find(*(owed.opus for owed in claimed))}
        except CadenzaError as error:
            _log.warning("The films that are owed have to wait: %s", error)
            return
        for owed in claimed:
            guild = client.get_guild(owed.server or 0)
            if guild is not None:
                language.speak(guild.preferred_locale.value)
            making = self._begun(found[owed.opus]) if owed.opus in found else None
            if making is None:
                await self._settle(owed.message)
            else:
                self._keep(self._show(making, client, owed))

    def _keep(self, following: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(following)
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _owe(self, owed: OwedFilm) -> None:
        try:
            await self._store.films.owe(owed, datetime.now(UTC))
        except CadenzaError as error:
            _log.info("It is not kept that the film of %s is owed: %s", owed.opus, error)

    async def _settle(self, message: int) -> None:
        try:
            await self._store.films.settle(message)
        except CadenzaError as error:
            _log.info("It is not kept that a film is owed no more: %s", error)

    def _begun(self, opus: Opus) -> asyncio.Task[bytes | None] | None:
        """Return what makes a piece's film, None if there is too much to do, or of the piece."""
        if opus.id in self._making:
            return self._making[opus.id]
        if len(self._making) >= MOST or opus.seconds > LONGEST:
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
        if filmed is not None:
            there = {attachment.filename: attachment for attachment in message.attachments}
            try:
                await message.edit(
                    embed=filmed.embed,
                    attachments=[there.get(enclosure.name) or enclosure.file() for enclosure in filmed.enclosures],
                )
            except discord.HTTPException as error:
                _log.info("The film of %s could not be shown: %s", opus.id, error)
        await self._settle(message.id)

    async def _show(self, making: asyncio.Task[bytes | None], client: discord.Client, owed: OwedFilm) -> None:
        """Put a film into a message of which nothing else is known."""
        film = await asyncio.shield(making)
        channel = client.get_partial_messageable(owed.channel, guild_id=owed.server)
        try:
            if film is not None:
                await self._enclose(film, await channel.fetch_message(owed.message), owed)
        except discord.HTTPException as error:
            _log.info("The film of %s could not be shown: %s", owed.opus, error)
        await self._settle(owed.message)

    async def _enclose(self, film: bytes, message: discord.Message, owed: OwedFilm) -> None:
        names = [attachment.filename for attachment in message.attachments]
        stem = next((Path(name).stem for name in names if name.endswith((".mid", ".musicxml"))), owed.opus)
        replaced = {f"{stem}.{ending}" for ending in ("mp3", "png", "mp4")}
        kept = [attachment for attachment in message.attachments if attachment.filename not in replaced]
        if not message.embeds or len(film) + sum(each.size for each in kept) > self._limit(message.guild):
            return
        embed = message.embeds[0].copy()
        picture = next((f"attachment://{each.filename}" for each in kept if each.filename.endswith(".png")), None)
        embed.set_image(url=picture)
        shown = Enclosure(f"{stem}.mp4", film, _("Film: {title}").format(title=embed.title or ""))
        await message.edit(embed=embed, attachments=[shown.file(), *kept])

    def _limit(self, guild: discord.Guild | None) -> int:
        return self._upload_bytes if guild is None else min(self._upload_bytes, guild.filesize_limit)

    def _filmed(
        self, answer: Answer, opus: Opus, take: Take, film: bytes | None, guild: discord.Guild | None
    ) -> Answer | None:
        """Put a film into a message in the place of the picture and the sound, None if there is no room for it."""
        limit = self._limit(guild)
        kept = [enclosure for enclosure in answer.enclosures if enclosure.data not in (take.audio, take.picture)]
        if film is None or len(film) + sum(len(enclosure.data) for enclosure in kept) > limit:
            return None
        stem = next((Path(each.name).stem for each in answer.enclosures if each.must_arrive), opus.id)
        shown = Enclosure(f"{stem}.mp4", film, _("Film: {title}").format(title=titles.title(opus)))
        return fit(replace(answer, enclosures=(shown, *kept)), limit)
