"""The whole bot on a local page: its real commands, buttons and workers in a Discord of its own."""

import mimetypes
import tempfile
from pathlib import Path
from typing import Final

import discord
import simcord

from bot.client import ComposerBot, ready
from bot.settings import Settings, SettingsError

FIRST: Final = {"primer": "72r1", "temperature": 1.1}  # what the page opens with


async def run(settings: Settings) -> None:
    """Serve the page until its session is ended or this is cancelled. Raises CadenzaError where that is impossible."""
    mimetypes.add_type("application/octet-stream", ".mid")  # or the page takes it for sound, which it cannot play
    with tempfile.TemporaryDirectory(prefix="cadenza-") as folder:
        async with ready(settings.model_copy(update={"data": Path(folder), "shards": 1})) as bot:
            await _serve(bot, settings.port)


async def _serve(bot: ComposerBot, port: int) -> None:
    async with simcord.run(bot, settle_timeout=2 * bot.settings.deadline, check_errors=False) as env:
        server = env.create_guild("Cadenza", owner=env.create_user("owner"))
        channel = server.create_text_channel("music")
        await bot.guilds[0].me.edit(nick="Cadenza")
        manager = server.create_role("manager", permissions=discord.Permissions(manage_guild=True))
        viewers = [
            server.add_member(env.create_user("you"), roles=[manager]),
            server.add_member(env.create_user("friend")),
        ]
        try:
            async with env.preview(channel, viewers=viewers, layout="channel", port=port) as page:
                await viewers[0].slash(channel, "compose", **FIRST)
                await page.refresh()
                print(f"The playground is open: {page.url}\nType /compose there. Ctrl-C ends it.", flush=True)
                await page.wait_closed()
        except simcord.SetupError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            raise SettingsError(
                f"Port {port} is in use on this machine. Choose another in CADENZA_PORT, or 0 for any free one."
            ) from None
