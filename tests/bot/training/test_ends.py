"""How trainings end before their time: killed, interrupted by a restart in each of their states, failed."""

import os
import select
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Store
from bot.settings import Settings
from bot.training import trainer
from bot.work import child
from bot.work.workers import Workers
from core.training import worker
from core.training.worker import PUBLISHED, TrainJob
from tests.bot.acting import until
from tests.bot.music import files
from tests.bot.trainings import ended, learning, models, newest, start, train_job

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("hurried")


class TestKilled:
    async def test_goes_on_from_its_last_epoch(
        self,
        bot: ComposerBot,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        await start(admin, channel)
        async with bot.trainer:
            job = await newest(store, guild)
            await learning(bot.trainer, job, epochs=2)
            first = bot.trainer.process
            assert first is not None
            before = bot.trainer.status(job.id).epochs
            os.kill(first, signal.SIGKILL)
            await until(lambda: bot.trainer.process not in (None, first))
            await learning(bot.trainer, job, epochs=2)
            assert bot.trainer.status(job.id).epochs[:2] == before[:2]
            await bot.trainer.cancel(await newest(store, guild), "keep")
            job = await ended(store, guild)
        assert job.state == "done", job.outcome
        assert bot.catalogue.at(guild.id).params("scales").training["epochs"] >= 2

    async def test_while_the_database_is_gone_goes_on_when_it_is_back(
        self,
        bot: ComposerBot,
        store: Store,
        settings: Settings,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(trainer, "BREATH", 0.1)
        await start(admin, channel)
        with closing(sqlite3.connect(settings.data / "cadenza.db")) as database:
            async with bot.trainer:
                job = await newest(store, guild)
                await learning(bot.trainer, job)
                first = bot.trainer.process
                assert first is not None
                database.execute("ALTER TABLE trainings RENAME TO gone")
                os.kill(first, signal.SIGKILL)
                await until(lambda: "The trainings came to a halt" in caplog.text)
                database.execute("ALTER TABLE gone RENAME TO trainings")
                await until(lambda: bot.trainer.process not in (None, first))
                await bot.trainer.cancel(await newest(store, guild), "keep")
                assert (await ended(store, guild)).state == "done"

    async def test_three_times_at_its_start_is_given_up(
        self,
        bot: ComposerBot,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        await start(admin, channel)
        killed = set[int]()

        async def kill() -> bool:
            process = bot.trainer.process
            if process is not None and process not in killed:
                killed.add(process)
                os.kill(process, signal.SIGKILL)
            return (await newest(store, guild)).told

        async with bot.trainer:
            await until(kill)
        job = await newest(store, guild)
        assert len(killed) == 3
        assert job.state == "failed"
        assert str(job.outcome) == "The process that trained it died 3 times in a row. Try it with fewer files."
        assert channel.history()[-1].embeds[0].title == "scales could not be learned"

    def test_with_the_bot(self, tiny_model: Path, tmp_path: Path) -> None:
        """A bot killed with -9 leaves no training behind that goes on without it."""
        program = f"""
import asyncio, os, signal
from pathlib import Path
from bot.work import child
from core.training.worker import TrainJob, work
async def main():
    job = TrainJob(**{asdict(train_job(tiny_model, tmp_path))!r})
    async with child.start(job.limits, Path(job.work) / "log.txt") as process:
        async for _ in child.talk(process, 60, work, job):
            print(process.id, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
        killed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert killed.returncode == -signal.SIGKILL
        _wait_for_end(int(killed.stdout))


class TestRestarted:
    async def test_while_it_waits(
        self,
        env: simcord.Env,
        settings: Settings,
        workers: Workers,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        """What a crash has left is swept away, too."""
        await start(admin, channel, **files(2))
        data, job = settings.data, await newest(store, guild)
        for leftover in ("uploads/xyz", "trainings/nobodys", f"models/{guild.id}/.scales.abcd.new"):
            (data / leftover).mkdir(parents=True)
            (data / leftover / "file").write_bytes(b"x")
        bot = ComposerBot(settings, workers, store)
        await env.restart_bot(bot)
        async with bot.trainer:
            await learning(bot.trainer, job)
            await bot.trainer.cancel(job, "keep")
            assert (await ended(store, guild)).state == "done"
        assert models(bot, guild) == ("scales",)
        assert not (data / "uploads").exists()
        assert [path.name for path in (data / "trainings").iterdir()] == [job.id]
        assert [path.name for path in (data / "models" / str(guild.id)).iterdir()] == ["scales"]

    async def test_while_it_learns(
        self,
        env: simcord.Env,
        bot: ComposerBot,
        settings: Settings,
        workers: Workers,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        answer = await start(admin, channel)
        job = await newest(store, guild)
        async with bot.trainer:
            await learning(bot.trainer, job)
            process, before = bot.trainer.process, bot.trainer.status(job.id).epochs
        assert process is not None
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
        job = await newest(store, guild)
        assert (job.state, job.starts) == ("running", 0)
        bot = ComposerBot(settings, workers, store)
        await env.restart_bot(bot)
        async with bot.trainer:
            await learning(bot.trainer, job)
            assert bot.trainer.status(job.id).epochs[0] == before[0]
            question = await admin.click(answer, label="Cancel")
            assert question.response is not None
            await admin.click(question.response, label="Keep the best so far")
            assert (await ended(store, guild)).state == "done"

    async def test_when_it_has_learned(
        self,
        env: simcord.Env,
        bot: ComposerBot,
        settings: Settings,
        workers: Workers,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        await start(admin, channel, **files(2))
        job = await newest(store, guild)
        async with bot.trainer:
            await learning(bot.trainer, job)
            await bot.trainer.cancel(job, "keep")
            job = await ended(store, guild)
        model, published = settings.data / "models" / str(guild.id) / "scales", bot.trainer.folder(job.id) / PUBLISHED
        content = {path.name: path.read_bytes() for path in model.iterdir()}
        for number, moment in enumerate(("before it is published", "after it is published", "before it is told"), 1):
            await store.jobs.note(job.id, told=False, **({} if moment.endswith("told") else {"state": "running"}))
            if moment == "before it is published":
                published.mkdir()
                model.rename(published / "scales")
            bot = ComposerBot(settings, workers, store)
            await env.restart_bot(bot)
            async with bot.trainer:
                job = await ended(store, guild)
            assert (job.state, job.starts) == ("done", 0), moment
            assert {path.name: path.read_bytes() for path in model.iterdir()} == content, moment
            titles = [message.embeds[0].title for message in channel.history()]
            assert titles == ["scales has been learned"] * (2 + number), moment


class TestFailed:
    async def test_says_what_is_wrong_with_its_notes(
        self,
        bot: ComposerBot,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        await start(admin, channel, **files(2))
        job = await newest(store, guild)
        notes = bot.trainer.folder(job.id) / "notes.txt"
        notes.write_text(notes.read_text().replace("r", "x"))
        async with bot.trainer:
            job = await ended(store, guild)
        assert job.state == "failed"
        assert "/notes.txt must name the anchor" in str(job.outcome)
        assert models(bot, guild) == ()
        again = await start(admin, channel, **files(2))
        assert again.embeds[0].title == "scales is to be learned"

    async def test_no_epoch_takes_longer_than_agreed(self, tiny_model: Path, tmp_path: Path) -> None:
        limited = replace(train_job(tiny_model, tmp_path, pieces=40), seconds=0.06)
        assert str(await _last_said(limited)).startswith("Going through this music once takes longer than 0.001 min")

    async def test_full_disk_is_a_sentence(self, tiny_model: Path, tmp_path: Path) -> None:
        limited = replace(train_job(tiny_model, tmp_path), file_bytes=20_000)
        assert str(await _last_said(limited)) == (
            "There is no room left on the bot's disk. Its owner has to make some; then ask again."
        )
        assert not (tmp_path / PUBLISHED).exists()

    async def test_lost_channel_sends_the_end_to_who_asked(
        self,
        env: simcord.Env,
        bot: ComposerBot,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        await start(admin, channel, **files(2))
        (bot.trainer.folder((await newest(store, guild)).id) / "notes.txt").unlink()
        for method in ("POST", "PATCH"):
            env.inject_error(
                method,
                f"/channels/{channel.id}/messages*",
                status=404,
                code=10003,
                message="Unknown Channel",
                times=None,
            )
        async with bot.trainer:
            job = await ended(store, guild)
        assert job.state == "failed"
        [letter] = admin.user.dm_channel.history()
        assert letter.embeds[0].title == "scales could not be learned"


async def _last_said(job: TrainJob) -> Any:
    """Train in a process of its own, and return the last that it says."""
    async with child.start(job.limits, Path(job.work) / "log.txt") as process:
        return [message async for message in child.talk(process, 60, worker.work, job)][-1]


def _wait_for_end(process: int) -> None:
    """Return when a process that is no child of ours has ended."""
    with suppress(ProcessLookupError):
        watch = os.pidfd_open(process)
        try:
            assert select.select([watch], [], [], 30)[0] == [watch]
        finally:
            os.close(watch)
