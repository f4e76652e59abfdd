"""How long /compose takes alone and beside a training: the whole bot, its commands and its processes.

Alone is with the training's process stopped (SIGSTOP). Pieces are composed in turns, alone and beside, so that both
meet the same weather on a busy machine, and what counts is the median of the ratios within a turn.
"""

import asyncio
import io
import os
import signal
import statistics
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Final

import simcord
from discord import Permissions

from bench import kinds
from bench.table import Row
from bot.client import ComposerBot, ready
from bot.settings import Settings

TURNS: Final = 20
BARS: Final = 16
FILES: Final = 40  # that it trains on, which takes some minutes
MODELS: Final = Path(__file__).parent.parent / "models"


def rows() -> list[Row]:
    """Measure. Raises RuntimeError if the training has ended too early."""
    turns = asyncio.run(_measure())
    alone, beside = (statistics.median(times) for times in zip(*turns, strict=True))
    ratio = statistics.median(one / other for one, other in turns)
    return [Row(f"/compose of {BARS} bars, beside a training: alone", beside, alone, ratio, "s", 0.5)]


async def _measure() -> list[tuple[float, float]]:
    """Return the seconds that pieces took, alone and beside a training."""
    with tempfile.TemporaryDirectory(prefix="cadenza-bench-") as folder:
        settings = Settings(models=MODELS, data=Path(folder), shards=1, workers=2, training_minutes=30)
        async with (
            ready(settings) as bot,
            simcord.run(bot, settle_timeout=120) as env,
        ):
            guild = env.create_guild("Server")
            channel = guild.create_text_channel("music")
            role = guild.create_role("admin", permissions=Permissions(manage_guild=True))
            admin = guild.add_member(env.create_user("admin"), roles=[role])
            await admin.slash(channel, "compose", bars=BARS)
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as opened:
                for number, data in enumerate(kinds.files("fiddle", FILES)):
                    opened.writestr(f"{number}.mid", data)
            await admin.slash(channel, "train start", name="tunes", file=("tunes.zip", archive.getvalue()))
            [job] = await bot.store.jobs.of(guild.id)
            await _until_training(bot, job.id)
            turns = [
                (
                    await _compose(bot, admin, channel, seed, signal.SIGSTOP),
                    await _compose(bot, admin, channel, seed, signal.SIGCONT),
                )
                for seed in range(TURNS)
            ]
            await bot.trainer.cancel(job, "drop")
            return turns


async def _compose(
    bot: ComposerBot, user: simcord.MemberActor, channel: simcord.ChannelHandle, seed: int, state: signal.Signals
) -> float:
    """Return the seconds that a piece takes with the training's process stopped, or going on."""
    if bot.trainer.process is None:
        raise RuntimeError("The training ended before the pieces beside it were composed.")
    os.kill(bot.trainer.process, state)
    began = time.perf_counter()
    await user.slash(channel, "compose", bars=BARS, seed=seed)
    return time.perf_counter() - began


async def _until_training(bot: ComposerBot, id: str) -> None:
    async with asyncio.timeout(300):
        while True:
            if bot.trainer.status(id).epochs:
                return
            await asyncio.sleep(0.1)
