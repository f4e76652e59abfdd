"""The whole bot on a local page: its real commands, buttons and workers in a Discord of its own."""

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import discord
import simcord

from bot.client import ComposerBot, ready
from bot.composing import sample
from bot.playground import dress, visitor
from bot.settings import Settings, SettingsError

TOPIC: Final = (
    "Cadenza composes in chat, and this is all of it, on your own machine. Press Again under a piece, or type /compose."
    " Add a MIDI file or a hum, and choose Apps on its message."
)
TUNES: Final = "fiddle"  # the model for it, where it is there


async def run(settings: Settings) -> None:
    """Serve the page until its session is ended or this is cancelled. Raises CadenzaError where that is impossible.

    Pieces and models are kept where the bot keeps its own; the messages are gone with the page.
    """
    mimetypes.add_type("application/octet-stream", ".mid")  # or the page takes it for sound, which it cannot play
    dress.put_on()
    visitor.receive()
    async with ready(settings.model_copy(update={"shards": 1})) as bot:
        await _serve(bot, settings.port)


async def _serve(bot: ComposerBot, port: int) -> None:
    async with simcord.run(bot, settle_timeout=2 * bot.settings.deadline, check_errors=False) as env:
        # SimCord's ids count up from its clock, which begins at the same moment each time: in a second of their own,
        # server and people have the ids under which what is theirs was kept, however many commands come before them.
        env.backend.advance_clock(1)
        server = env.create_guild("Cadenza", owner=env.create_user("owner"))
        channel = server.create_text_channel("music", topic=TOPIC)
        await bot.guilds[0].me.edit(nick="Cadenza")
        manager = server.create_role("manager", permissions=discord.Permissions(manage_guild=True))
        viewers = [
            server.add_member(env.create_user("you"), roles=[manager]),
            server.add_member(env.create_user("friend")),
        ]
        await bot.tree.sync()  # a new Discord, which knows no commands, whatever the bot's record says
        try:
            async with (
                today(env),
                env.preview(channel, viewers=viewers, layout="channel", port=port) as page,
            ):
                tunes = {"model": sample.TUNES} if sample.TUNES in bot.studio.catalogue.names() else {}
                await viewers[0].slash(channel, "compose", form=sample.FORM, **tunes)
                await page.refresh()
                print(f"The playground is open: {page.url}\nType /compose there. Ctrl-C ends it.", flush=True)
                await page.wait_closed()
        except simcord.SetupError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            raise SettingsError(
                "Port {port} is in use on this machine. Choose another in CADENZA_PORT, or 0 for any free one.",
                port=port,
            ) from None


@asynccontextmanager
async def today(env: simcord.Env) -> AsyncIterator[None]:
    """Keep SimCord's clock, which stands still, at the time of day."""

    def set_clock() -> None:
        env.backend.advance_clock((datetime.now(UTC) - env.now()).total_seconds())

    async def tick() -> None:
        while True:
            await asyncio.sleep(1)
            set_clock()

    set_clock()
    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()
