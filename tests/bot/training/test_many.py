"""Trainings on other machines: seen, cancelled and announced by a chat process, and taken up where one has died."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import simcord
from pydantic import SecretStr
from sqlalchemy import text

from bot.client import ComposerBot
from bot.database.jobs import Job
from bot.settings import Settings
from tests.bot.acting import until
from tests.bot.clicking import confirm
from tests.bot.machines import Machine, chatting, clear, machine
from tests.bot.trainings import MUCH, newest, train


@pytest.fixture
def settings(settings: Settings, cluster: str, tmp_path: Path) -> Settings:
    update = {"database": SecretStr(cluster), "roles": "chat", "storage": str(tmp_path / "storage")}
    return settings.model_copy(update={**update, "data": tmp_path / "chat"})


@pytest_asyncio.fixture
async def bot(settings: Settings, cluster: str) -> AsyncIterator[ComposerBot]:
    settings.data.mkdir()
    async with chatting(settings) as bot:
        await clear(cluster)
        yield bot


async def _start(admin: simcord.MemberActor, channel: simcord.ChannelHandle, bot: ComposerBot, **options: Any) -> Job:
    result = await train(admin, channel, **{"name": "scales", "base": "tiny", "minutes": 1, **MUCH, **options})
    assert result.response is not None
    assert channel.guild is not None
    return await newest(bot.store, channel.guild)


async def _state(bot: ComposerBot, job: Job) -> Job:
    return await bot.store.jobs.get(job.id, job.server)


@pytest.mark.slow  # with two machines; test_ends.py kills the process of one that goes on
async def test_a_training_goes_on_elsewhere_from_its_last_checkpoint_when_its_machine_is_killed(
    env: simcord.Env,
    bot: ComposerBot,
    settings: Settings,
    cluster: str,
    tiny_model: Path,
    tmp_path: Path,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    shared = {"CADENZA_STORAGE": str(settings.storage), "CADENZA_TRAINING_THREADS": "1"}

    def started(role: str, name: str) -> AbstractContextManager[Machine]:
        models = shutil.copytree(tiny_model.parent, tmp_path / f"models of the {name}")
        return machine(role, cluster, models, tmp_path / name, **shared)

    mirror = settings.data / "models" / str(guild.id) / "scales"
    with started("compose train", "second") as second, started("train", "first") as first:
        second.freeze()
        job = await _start(admin, channel, bot)
        await until(lambda: len(bot.trainer.status(job.id).epochs) >= 1)
        before = bot.trainer.status(job.id).epochs
        [plan] = (tmp_path / "storage").rglob("plan.json")  # which another machine might make otherwise
        first.kill()
        shutil.rmtree(tmp_path / "models of the first")
        second.thaw()
        await _lose_leases(bot)
        await until(lambda: len(bot.trainer.status(job.id).epochs) > len(before))
        assert bot.trainer.status(job.id).epochs[: len(before)] == before
        assert {path.read_bytes() for path in (tmp_path / "second").rglob("plan.json")} == {plan.read_bytes()}
        await bot.trainer.cancel(await _state(bot, job), "keep")
        await until(lambda: _told(bot, job))
        _, end = channel.history()
        assert {file.filename.rpartition(".")[2] for file in end.attachments} == {"mid", "mp3"}
        assert (mirror / "params.json").exists()
        assert not (mirror / "weights.safetensors").exists()
        answer = (await admin.slash(channel, "compose", model="scales", bars=2)).response
        assert answer is not None
        assert len(answer.attachments) == 3
        await until(lambda: not list((tmp_path / "second" / "machine").glob("*")))
        await confirm(admin, await admin.slash(channel, "models delete", model="scales"))
        assert not mirror.exists()
        assert not list((tmp_path / "storage" / "models").glob("*"))


async def _told(bot: ComposerBot, job: Job) -> bool:
    return (await _state(bot, job)).told


async def _lose_leases(bot: ComposerBot) -> None:
    """Let the lease of a dead machine be as old as it would be after a while."""
    async with bot.store.engine.begin() as connection:
        await connection.execute(text("UPDATE trainings SET beat = now() - interval '1 hour'"))
