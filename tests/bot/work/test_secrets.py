"""What the processes know that work on strangers' music: in none of them is a secret of the bot's."""

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread
from typing import Self

import pytest

from bot.training import attachments
from bot.work import child
from bot.work.workers import Workers
from core.composing.recipe import ComposeRequest
from core.corpus.worker import CollectJob
from core.processes.launching import PASSED, THREADS
from core.reading.pool import read_safely
from core.reading.primers import from_music
from core.training import worker
from tests.core.examples import file
from tests.core.training.jobs import train_job
from tests.processes import GONE, command, descendants

SECRET = "a-secret-that-is-for-nobody"
VARIABLES = ("DISCORD_TOKEN", "CADENZA_DATABASE", "AWS_SECRET_ACCESS_KEY")


class Watch:
    """Look at all processes that this one starts, and those that they start, for as long as it is open."""

    def __init__(self) -> None:
        self.seen: dict[tuple[int, str], set[str]] = {}  # ids and command lines, and the names of their variables
        self.told = False  # of a secret
        self._end = Event()
        self._thread = Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        ours = command(os.getpid())
        while not self._end.wait(0.02):  # which none of them is gone in
            for process in set(descendants()):
                line = command(process)
                if line in ("", ours):  # it has ended, or has not begun: between fork and exec it is a copy of us
                    continue
                with suppress(*GONE):
                    environment = Path(f"/proc/{process}/environ").read_text()
                    self.told = self.told or SECRET in environment
                    self.seen.setdefault((process, line), set()).update(
                        variable.partition("=")[0] for variable in environment.split("\0") if variable
                    )


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, SECRET)


def check(watch: Watch, processes: int, *programs: str) -> None:
    """Hold that so many processes were seen, and these programs among them, and that none knew more than it needs."""
    assert not watch.told
    ours = [line for _, line in watch.seen if "core.processes.serving" in line]
    assert len(ours) >= processes, watch.seen
    for program in programs:
        assert any(line.startswith(program) for _, line in watch.seen), watch.seen
    for (_, line), names in watch.seen.items():
        if line in ours:  # libraries set more for what they start
            assert names <= {*PASSED, *THREADS, "PYTHONPATH"}


async def test_composing_and_playing(tiny_model: Path) -> None:
    request = ComposeRequest(model=str(tiny_model), bars=64, seed=1)
    with Watch() as watch:
        async with Workers(1, 60, request) as workers:
            [take] = (await workers.compose(request)).takes
            music = file("old_hundredth.mxl"), "old_hundredth.mxl"
            await workers.run(from_music, *music, anchor="lowest", unit=Fraction(1), bars=2, read=read_safely)
    assert take.audio
    check(watch, 5, "fluidsynth")  # a worker, a synthesizer for each of three pieces, a reader


async def test_reading_for_a_training(tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    (uploads / "old_hundredth.mxl").write_bytes(file("old_hundredth.mxl"))
    with Watch() as watch:
        gathered = await attachments._read(CollectJob(music=str(uploads), work=str(tmp_path)), 0)
    assert gathered.kept == 1
    check(watch, 2)  # the collection's process, and its reader


async def test_training(tiny_model: Path, tmp_path: Path) -> None:
    job = train_job(tiny_model, tmp_path)
    with Watch() as watch:
        async with child.start(job.limits, tmp_path / "log.txt") as process:
            async for said in child.talk(process, 600, worker.work, job):
                if isinstance(said, worker.EpochDone):
                    process.stop()
    assert (tmp_path / worker.PUBLISHED).exists()
    check(watch, 2, "fluidsynth")  # the training, and the synthesizer of its clip
