"""Machines of the tests' own: real processes that compose, each with a data folder of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import text

from bot.client import ComposerBot
from bot.database.engine import engine
from bot.database.store import Store
from bot.settings import Settings
from bot.training.sharing import share

ROOT = Path(__file__).parents[2]
READY = re.compile(r"This machine (composes|trains)")


class Machine:
    """Follow a process that has a role, from its start to its end."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process, self.log = process, log

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        """Stop it where it is."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def machine(role: str, database: str, models: Path, data: Path, **settings: str) -> Iterator[Machine]:
    """Run a machine, and wait until it is ready."""
    data.mkdir(parents=True, exist_ok=True)
    log = data / "machine.log"
    environment = {
        **os.environ,
        "CADENZA_DATABASE": database,
        "CADENZA_MODELS": str(models),
        "CADENZA_DATA": str(data),
        "CADENZA_WORKERS": "1",
        "CADENZA_TRAINING_NICE": "0",  # beside other work a machine trains too
        **settings,
    }
    environment.pop("DISCORD_TOKEN", None)
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", *role.split()],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=output,
            text=True,
        )
    try:
        while not READY.search(log.read_text()):
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(log.read_text())
        yield Machine(process, log)
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@asynccontextmanager
async def chatting(settings: Settings) -> AsyncIterator[ComposerBot]:
    """Return a chat process's bot, in this process, not logged in."""
    assert settings.database is not None
    url = settings.database.get_secret_value()
    async with Store(url) as store, share(settings, store, url) as shared:
        bot = ComposerBot(settings, shared.work, store, shared)
        async with bot.trainer:
            yield bot


async def clear(url: str) -> None:
    """Forget every request, result and job, and what Discord knows, which is another in each test, but no machine."""
    database = engine(url)
    async with database.begin() as connection:
        await connection.execute(
            text("TRUNCATE requests, results, allowances, pgqueuer, opera, trainings, models, synced CASCADE")
        )
    await database.dispose()
