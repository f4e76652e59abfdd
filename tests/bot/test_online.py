"""The way to Discord, with a server on this machine in Discord's place."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import simcord
from aiohttp import web
from discord.http import Route
from pydantic import SecretStr

from bot import online
from bot.client import ComposerBot
from bot.online import DiscordError
from bot.settings import Settings
from tests.bot.acting import PATIENCE, until

TOKEN = "MTIz.not.real"


@pytest_asyncio.fixture
async def refusing(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Answer every request with 401, as Discord does to an unknown token."""

    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", refuse)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    monkeypatch.setattr(Route, "BASE", f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield
    await runner.cleanup()


@pytest.mark.usefixtures("refusing")
async def test_says_when_discord_does_not_know_the_token(settings: Settings) -> None:
    with pytest.raises(DiscordError, match="Discord does not know this token") as error:
        await online.run(settings.model_copy(update={"token": SecretStr(TOKEN), "workers": 1}))
    assert TOKEN not in str(error.value)


async def test_says_when_discord_cannot_be_reached(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Route, "BASE", "http://127.0.0.1:9")
    with pytest.raises(DiscordError, match="Discord cannot be reached"):
        await online.run(settings.model_copy(update={"token": SecretStr(TOKEN), "workers": 1}))


async def test_gives_a_sign_of_life_while_it_is_connected(bot: ComposerBot, tmp_path: Path) -> None:
    assert not online.connected(bot)
    async with simcord.run(bot, settle_timeout=PATIENCE):
        assert online.connected(bot)
        heart = asyncio.create_task(online.beat(bot, tmp_path / online.SIGN))
        await until((tmp_path / online.SIGN).exists)
        heart.cancel()


def test_the_image_looks_at_that_sign() -> None:
    assert f"find data/{online.SIGN} " in (Path(__file__).parents[2] / "Dockerfile").read_text(encoding="utf-8")
