"""The bot on Discord."""

import asyncio
from pathlib import Path
from typing import Final

import aiohttp
import discord

from bot.client import ComposerBot, ready
from bot.settings import Settings
from core.errors import CadenzaError

SIGN: Final = "alive"  # the file whose time says when the bot was last connected
BEAT: Final = 30  # seconds between two signs of life


class DiscordError(CadenzaError):
    """Say why there is no connection to Discord, and what to do."""


async def run(settings: Settings) -> None:
    """Stay on Discord until cancelled. Raises CadenzaError where that is impossible."""
    assert settings.token is not None
    try:
        async with ready(settings) as bot, bot:
            heart = asyncio.create_task(beat(bot, settings.data / SIGN))
            try:
                await bot.start(settings.token.get_secret_value())
            finally:
                heart.cancel()
    except discord.LoginFailure:
        raise DiscordError(
            "Discord does not know this token: take a new one from the Bot page of your application"
            " (https://discord.com/developers/applications) and put it into DISCORD_TOKEN."
        ) from None
    except aiohttp.ClientConnectionError as error:
        raise DiscordError(
            "Discord cannot be reached: {error}. Is this machine on the internet?", error=error
        ) from None
    except discord.DiscordServerError as error:
        raise DiscordError(
            "Discord has a problem of its own ({status}). Try again later.", status=error.status
        ) from None


async def beat(bot: ComposerBot, sign: Path) -> None:
    """Touch a file again and again while the bot is connected, for whoever watches over it, as the Dockerfile does."""
    while True:
        if connected(bot):
            await asyncio.to_thread(sign.touch)
        await asyncio.sleep(BEAT)


def connected(bot: ComposerBot) -> bool:
    """Tell whether Discord knows the bot and all its connections are open."""
    return bot.is_ready() and not any(shard.is_closed() for shard in bot.shards.values())
