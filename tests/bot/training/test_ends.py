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

from bot.training import trainer
from bot.training.trainer import SILENCE
from bot.work import child
from core.training import worker
from core.training.worker import PUBLISHED, TrainJob
from tests.bot.acting import until
from tests.bot.music import files
from tests.bot.trainings import Scene
from tests.core.training.jobs import train_job

ROOT = Path(__file__).parents[3]


class TestKilled:
    @pytest.mark.slow  # as another machine does, and as after a restart
    async def test_goes_on_from_its_last_epoch(self, scene: Scene) -> None:
        await scene.start()
        async with scene.bot.trainer:
            first, before = await scene.hold(epochs=2), scene.epochs
            os.kill(first, signal.SIGKILL)
            await until(lambda: scene.bot.trainer.process not in (None, first))
            await scene.hold(epochs=2)
            assert scene.epochs[:2] == before[:2]
            job = await scene.keep()
        assert job.state == "done", job.outcome
        assert scene.bot.catalogue.at(scene.guild.id).params("scales").training["epochs"] >= 2

    async def test_while_the_database_is_gone_goes_on_when_it_is_back(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(trainer, "BREATH", 0.1)
        await scene.start()
        with closing(sqlite3.connect(scene.data / "cadenza.db")) as database:
            async with scene.bot.trainer:
                first = await scene.hold()
                database.execute("ALTER TABLE trainings RENAME TO gone")
                os.kill(first, signal.SIGKILL)
                await until(lambda: "The trainings came to a halt" in caplog.text)
                database.execute("ALTER TABLE gone RENAME TO trainings")
                await until(lambda: scene.bot.trainer.process not in (None, first))

    async def test_three_times_at_its_start_is_given_up(self, scene: Scene) -> None:
        await scene.start()
        killed = set[int]()

        async def kill() -> bool:
            process = scene.bot.trainer.process
            if process is not None and process not in killed:
                killed.add(process)
                os.kill(process, signal.SIGKILL)
            return (await scene.job()).told

        async with scene.bot.trainer:
            await until(kill)
        job = await scene.job()
        assert len(killed) == 3
        assert job.state == "failed"
        assert str(job.outcome) == "The process that trained it crashed 3 times in a row. Try it with fewer files."
        assert scene.titles()[-1] == "scales could not be trained"

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
        async for _ in child.talk(process, 600, work, job):
            print(process.id, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
        killed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
        assert killed.returncode == -signal.SIGKILL
        _wait_for_end(int(killed.stdout))


class TestRestarted:
    @pytest.mark.slow
    async def test_goes_on_whatever_its_state(self, scene: Scene) -> None:
        """What a crash has left is swept away, too."""
        answer = await scene.start()
        job, shelf = await scene.job(), scene.data / "models" / str(scene.guild.id)
        for leftover in ("uploads/xyz", "trainings/nobodys", f"models/{scene.guild.id}/.scales.abcd.new"):
            (scene.data / leftover).mkdir(parents=True)
            (scene.data / leftover / "file").write_bytes(b"x")

        await scene.restart()  # while it waits
        async with scene.bot.trainer:
            process, before = await scene.hold(epochs=1), scene.epochs
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
        assert not (scene.data / "uploads").exists()
        assert [path.name for path in (scene.data / "trainings").iterdir()] == [job.id]
        assert list(shelf.iterdir()) == []
        job = await scene.job()
        assert (job.state, job.starts) == ("running", 0)

        await scene.restart()  # while it trains
        async with scene.bot.trainer:
            await scene.hold(epochs=1)
            assert scene.epochs[0] == before[0]
            question = await scene.admin.click(answer, label="Cancel")
            assert question.response is not None
            await scene.admin.click(question.response, label="Keep what there is")
            scene.release()
            job = await scene.ended()
        starts = job.starts
        assert job.state == "done"
        assert scene.models() == ("scales",)
        assert scene.bot.catalogue.at(scene.guild.id).params("scales").training["ended"] == "stopped"

        model, published = shelf / "scales", scene.bot.trainer.folder(job.id) / PUBLISHED
        content = {path.name: path.read_bytes() for path in model.iterdir()}
        for number, moment in enumerate(("before it is published", "after it is published", "before it is told"), 1):
            state: dict[str, Any] = {} if moment == "before it is told" else {"state": "running"}
            await scene.bot.store.jobs.note(job.id, told=False, **state)
            if moment == "before it is published":
                published.mkdir(exist_ok=True)  # it is swept only after the end was told
                model.rename(published / "scales")
            await scene.restart()
            async with scene.bot.trainer:
                job = await scene.ended()
            assert (job.state, job.starts) == ("done", starts), moment
            assert {path.name: path.read_bytes() for path in model.iterdir()} == content, moment
            assert scene.titles() == ["scales is trained"] * (2 + number), moment


class TestFailed:
    async def test_says_what_is_wrong_with_its_notes(self, scene: Scene) -> None:
        await scene.start(**files(2))
        notes = scene.bot.trainer.folder((await scene.job()).id) / "notes.txt"
        notes.write_text(notes.read_text().replace("r", "x"))
        async with scene.bot.trainer:
            job = await scene.ended()
        assert job.state == "failed"
        assert "/notes.txt must name the anchor" in str(job.outcome)
        assert scene.models() == ()
        again = await scene.start(**files(2))
        assert again.embeds[0].title == "scales is waiting to be trained"

    @pytest.mark.slow
    async def test_full_disk_is_a_sentence(self, tiny_model: Path, tmp_path: Path) -> None:
        limited = replace(train_job(tiny_model, tmp_path), file_bytes=20_000)
        assert str(await _last_said(limited)) == (
            "The bot's disk is full. Its owner needs to free some space; then try again."
        )
        assert not (tmp_path / PUBLISHED).exists()

    async def test_lost_channel_sends_the_end_to_who_asked(self, scene: Scene) -> None:
        await scene.start(**files(2))
        (scene.bot.trainer.folder((await scene.job()).id) / "notes.txt").unlink()
        for method in ("POST", "PATCH"):
            scene.env.inject_error(
                method,
                f"/channels/{scene.channel.id}/messages*",
                status=404,
                code=10003,
                message="Unknown Channel",
                times=None,
            )
        async with scene.bot.trainer:
            job = await scene.ended()
        assert job.state == "failed"
        [letter] = scene.admin.user.dm_channel.history()
        assert letter.embeds[0].title == "scales could not be trained"


async def _last_said(job: TrainJob) -> Any:
    """Train in a process of its own, and return the last that it says."""
    async with child.start(job.limits, Path(job.work) / "log.txt") as process:
        return [message async for message in child.talk(process, SILENCE, worker.work, job)][-1]


def _wait_for_end(process: int) -> None:
    """Return when a process that is no child of ours has ended."""
    with suppress(ProcessLookupError):
        watch = os.pidfd_open(process)
        try:
            select.select([watch], [], [])
        finally:
            os.close(watch)
