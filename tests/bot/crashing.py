"""A process of its own for tests: a bot that answers /compose once, says which piece it was, and waits to be killed."""

import asyncio
import sys
from pathlib import Path

import simcord
from pydantic import SecretStr

from bot.client import ready
from bot.settings import Settings
from tests.bot.acting import PATIENCE
from tests.bot.clicking import ids_of


async def main(models: str, data: str, database: str) -> None:
    """Compose for one user, with a database by URL."""
    settings = Settings(models=Path(models), data=Path(data), database=SecretStr(database), workers=1, shards=1)
    async with ready(settings) as bot, simcord.run(bot, settle_timeout=PATIENCE) as env:
        guild = env.create_guild()
        user = guild.add_member(env.create_user("user"))
        result = await user.slash(guild.create_text_channel("music"), "compose", primer="60r2", bars=4, seed=7)
        assert result.response is not None
        [midi] = [each for each in result.response.attachments if each.filename.endswith(".mid")]
        piece = ids_of(result.response)[0]
        print(piece, (await midi.read()).hex(), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
