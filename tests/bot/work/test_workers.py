"""The door to core: deadlines, dead workers, and what a worker may load."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.work.workers import LOWEST, WorkError, Workers
from core.composing.recipe import ComposeRequest
from core.errors import BundleError, NotationError

ROOT = Path(__file__).parents[3]


def _modules() -> list[str]:
    return list(sys.modules)


def _begin_and_sleep(path: str) -> None:
    Path(path).write_bytes(str(os.getpid()).encode())
    time.sleep(600)


async def test_composes_in_another_process(workers: Workers, tiny_model: Path) -> None:
    composition = await workers.compose(ComposeRequest(model=str(tiny_model), primer="72r1", bars=2, seed=1))
    assert composition.takes[0].midi[:4] == b"MThd"
    assert await workers.run(os.getpid) != os.getpid()


async def test_brings_errors_that_a_user_can_mend_back_whole(workers: Workers, tiny_model: Path) -> None:
    with pytest.raises(NotationError) as error:
        await workers.compose(ComposeRequest(model=str(tiny_model), primer="72r1 x"))
    assert (error.value.start, error.value.end) == (5, 6)


async def test_gives_a_request_up_that_kills_its_worker_twice(workers: Workers) -> None:
    with pytest.raises(WorkError, match="crashed twice"):
        await workers.run(os._exit, 9)
    assert await workers.run(abs, -1) == 1


async def test_a_request_that_is_cancelled_leaves_its_worker_to_others(tiny_model: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    request = ComposeRequest(model=str(tiny_model), primer="60r1", bars=1, seed=0)
    async with Workers(1, 600, request) as workers:
        endless = asyncio.create_task(workers.run(_begin_and_sleep, str(begun)))
        first = int(await asyncio.to_thread(begun.read_bytes))
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await endless
        assert await workers.run(os.getpid) != first
        assert workers.playing == 0


async def test_gives_a_request_up_at_its_deadline(tiny_model: Path) -> None:
    workers = Workers(1, 0.5, ComposeRequest(model=str(tiny_model), primer="60r1", bars=1, seed=0))
    try:
        with pytest.raises(WorkError, match=r"longer than 0\.5 seconds"):
            await workers.run(time.sleep, 30)
        assert workers.playing == 0
    finally:
        await asyncio.to_thread(workers.stop)


async def test_what_nobody_waits_for_has_the_lowest_priority_and_a_process_of_its_own(tiny_model: Path) -> None:
    request = ComposeRequest(model=str(tiny_model), primer="60r1", bars=1, seed=0)
    async with Workers(1, 600, request) as workers:
        assert await workers.spare(os.getpriority, os.PRIO_PROCESS, 0) == LOWEST
        assert await workers.spare(os.getpid) != await workers.run(os.getpid)


async def test_opens_only_where_it_can_compose(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="There is no model"):
        async with Workers(1, 60, ComposeRequest(model=str(tmp_path / "nothing"))):
            pass


async def test_a_worker_that_composes_loads_no_tensorflow_and_no_discord(tiny_model: Path) -> None:
    request = ComposeRequest(model=str(tiny_model), primer="72r1", bars=1, seed=1)
    async with Workers(1, 60, request) as workers:  # of its own: those of other tests have read files too
        loaded = set(await workers.run(_modules))
    assert {"core.composing.recipe", "numpy"} <= loaded
    assert not loaded & {"tensorflow", "keras", "music21", "discord", "simcord"}


def test_the_bot_loads_no_tensorflow_and_no_music21() -> None:
    modules = "sys, bot.online, bot.playground, bot.cogs.compose, bot.cogs.training, bot.cogs.models"
    code = f"import {modules}; print(*{{'tensorflow', 'keras', 'music21'}} & set(sys.modules))"
    command = [sys.executable, "-W", "ignore", "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
