"""The bot on Discord."""

import aiohttp
import discord

from bot.client import ready
from bot.settings import Settings
from core.errors import CadenzaError


class DiscordError(CadenzaError):
    """Say why there is no connection to Discord, and what to do."""


async def run(settings: Settings) -> None:
    """Stay on Discord until cancelled. Raises CadenzaError where that is impossible."""
    assert settings.token is not None
    try:
        async with ready(settings) as bot, bot:
            await bot.start(settings.token.get_secret_value())
    except discord.LoginFailure:
        raise DiscordError(
            "Discord does not know this token: take a new one from the Bot page of your application"
            " (https://discord.com/developers/applications) and put it into DISCORD_TOKEN."
        ) from None
    except aiohttp.ClientConnectionError as error:
        raise DiscordError(f"Discord cannot be reached: {error}. Is this machine on the internet?") from None
    except discord.DiscordServerError as error:
        raise DiscordError(f"Discord has a problem of its own ({error.status}). Try again later.") from None
