"""How long /compose takes alone and beside a training: the whole bot, its commands and its processes."""

import asyncio
import io
import statistics
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import simcord
from discord import Permissions

from bench import kinds
from bench.table import Row
from bot.client import ComposerBot, ready
from bot.settings import Settings

PIECES: Final = 20
BARS: Final = 16
FILES: Final = 40  # that it learns from, which takes some minutes
MODELS: Final = Path(__file__).parent.parent / "models"


def rows() -> list[Row]:
    """Measure. Raises RuntimeError if the training has ended too early."""
    alone, beside = asyncio.run(_measure())
    name = f"/compose of {BARS} bars beside a training: alone"
    return [Row(name, beside, alone, alone / beside, "s", 0.5)]


async def _measure() -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="cadenza-bench-") as folder:
        settings = Settings(models=MODELS, data=Path(folder), shards=1, workers=2)
        async with ready(replace(settings, training_minutes=30)) as bot, simcord.run(bot, settle_timeout=120) as env:
            guild = env.create_guild("Server")
            channel = guild.create_text_channel("music")
            role = guild.create_role("admin", permissions=Permissions(manage_guild=True))
            admin = guild.add_member(env.create_user("admin"), roles=[role])
            alone = await _compose(admin, channel)
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as opened:
                for number, data in enumerate(kinds.files("fiddle", FILES)):
                    opened.writestr(f"{number}.mid", data)
            await admin.slash(channel, "train start", name="tunes", file=("tunes.zip", archive.getvalue()))
            [job] = await bot.store.jobs.of(guild.id)
            await _until_learning(bot, job.id)
            beside = await _compose(admin, channel)
            if bot.trainer.process is None:
                raise RuntimeError("The training ended before the pieces beside it were composed.")
            await bot.trainer.cancel(job, "drop")
            return alone, beside


async def _compose(user: simcord.MemberActor, channel: simcord.ChannelHandle) -> float:
    """Return the median of the seconds that a piece takes."""
    seconds = []
    for seed in range(PIECES):
        began = time.perf_counter()
        await user.slash(channel, "compose", bars=BARS, seed=seed)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


async def _until_learning(bot: ComposerBot, id: str) -> None:
    async with asyncio.timeout(300):
        while True:
            if bot.trainer.news(id).epochs:
                return
            await asyncio.sleep(0.1)
