"""What more machines bring, and what the database costs a piece: `python -m bench.many`.

Composing machines are real processes with one worker each, over a PostgreSQL of its own. Where cgroups are to be had
(as root), each gets a tenth of a core, pinned, so that four of them fit on the smallest machine and the ideal can be
had; elsewhere they are only pinned to the cores in turn. All of it goes before what else runs here, if it may.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bench.soak import family
from bot.database.store import Store
from bot.settings import Settings
from bot.training.sharing import Shared, share
from bot.work.queue import Asked, Place
from core.composing import reprise
from core.composing.recipe import ComposeRequest, ModelInfo
from core.model import bundle
from tests.bot.databases import binaries, postgresql
from tests.bot.machines import Machine, machine

MACHINES: Final = (1, 2, 4)
PIECES: Final = 4  # for each machine
CALLS: Final = 50
BARS: Final = 8
DEADLINE: Final = 600  # seconds, since a tenth of a core takes its time
QUOTA, PERIOD = 10_000, 100_000  # microseconds of a core
CGROUPS: Final = Path("/sys/fs/cgroup")
FIRST: Final = -10  # niceness of all of it, where it may be, so that what else runs here does not count


async def main() -> int:
    """Print both tables; return 1 without PostgreSQL."""
    with suppress(PermissionError):
        os.nice(FIRST)
    programs = binaries()
    if programs is None:
        print("PostgreSQL is not installed (Debian: postgresql).", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, postgresql(programs) as url:
        data = Path(folder)
        settings = Settings(
            data=data / "chat", database=SecretStr(url), roles="chat", storage=str(data / "storage"), deadline=DEADLINE
        )
        first = 0.0
        print("| machines | pieces a second | of the ideal |\n|---|---|---|")
        for number in MACHINES:
            with ExitStack() as stack:
                for each in range(number):
                    place = data / f"{number}-{each}"
                    started = stack.enter_context(
                        machine("compose", url, bundle.SHIPPED, place, CADENZA_DEADLINE=str(DEADLINE))
                    )
                    stack.enter_context(_part_of_a_core(started, each))
                async with Store(url) as store, share(settings, store, url) as shared:
                    speed = await _speed(shared, number)
                    first = first or speed
                    print(f"| {number} | {speed:.2f} | {speed / first / number:.0%} |", flush=True)
        with machine("compose", url, bundle.SHIPPED, data / "free"):
            async with Store(url) as store, share(settings, store, url) as shared:
                print(f"\n| the database costs | |\n|---|---|\n{await _cost(shared)}")
    return 0


@contextmanager
def _part_of_a_core(started: Machine, number: int) -> Iterator[None]:
    """Give a machine its part of a core, where that can be done, and take the limit off again."""
    pids = list(family(started.process.pid))
    for pid in pids:
        os.sched_setaffinity(pid, {number % (os.cpu_count() or 1)})
    group = CGROUPS / ("cpu" if (CGROUPS / "cpu").exists() else "") / f"cadenza-{os.getpid()}-{number}"
    try:
        group.mkdir()
        if (group / "cpu.max").exists():
            (group / "cpu.weight").write_text("10000")
            (group / "cpu.max").write_text(f"{QUOTA} {PERIOD}")
        else:
            (group / "cpu.shares").write_text("200000")
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(QUOTA))
        for pid in pids:
            (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        print(f"Without a limit of the core's part: {error}", file=sys.stderr)
        yield
        return
    try:
        yield
    finally:
        for left in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (group.parent / "cgroup.procs").write_text(left)
        with suppress(OSError):
            group.rmdir()


async def _speed(shared: Shared, machines: int) -> float:
    """Return how many pieces a second come back."""
    request = ComposeRequest(model=str(bundle.SHIPPED / "chorales"), bars=BARS, seed=1)
    start = time.perf_counter()
    await asyncio.gather(*(shared.work.compose(request) for _ in range(PIECES * machines)))
    return PIECES * machines / (time.perf_counter() - start)


async def _cost(shared: Shared) -> str:
    """Measure a call that costs nothing but its way, and what a piece writes."""
    pool, seconds = shared.connections.pool, []
    nothing = ModelInfo("none", "", "1/2", "lowest")
    for _ in range(CALLS):
        start = time.perf_counter()
        await shared.work.run(reprise.quote, "", 0, nothing, "/nowhere")
        seconds.append(time.perf_counter() - start)
    turns = [await _turn(shared, number) for number in range(CALLS)]
    await pool.execute("DELETE FROM results")
    before = await pool.fetchval("SELECT pg_current_wal_lsn()")
    await _speed(shared, 1)
    written = await pool.fetchval("SELECT pg_current_wal_lsn() - $1::pg_lsn", before) / PIECES
    size = await pool.fetchval("SELECT avg(length(data)) FROM results")
    rows = (
        ("a request's row, from its admission to its end, median", f"{statistics.median(turns) * 1e3:.0f} ms"),
        ("the way of a job there and back, median", f"{statistics.median(seconds) * 1e3:.0f} ms"),
        ("a result, as a row of an unlogged table", f"{float(size) / 1024:.0f} KiB"),
        ("WAL", f"{float(written) / 1024:.1f} KiB a piece"),
    )
    return "\n".join(f"| {what} | {figure} |" for what, figure in rows)


async def _turn(shared: Shared, number: int) -> float:
    """Return how many seconds it takes to let a request in, to note what it needs, and to close it."""
    asked = Asked(id=number, user=number, server=number % 5, cost=1.0)

    async def work() -> None:
        async with shared.line.turn(asked, _tell) as turn:
            await turn.note({"request": {}, "parent": None})
            await turn.made(["abcdefgh"])
            await turn.claim()

    start = time.perf_counter()
    await asyncio.create_task(work())
    await asyncio.sleep(0)  # by when it is being closed
    await shared.line.admit(asked)  # which waits for that
    return time.perf_counter() - start


async def _tell(place: Place) -> None:
    """Show nobody where they stand."""


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
