"""Machines of the tests' own: real processes that compose, each with a data folder of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import text

from bot.client import ComposerBot
from bot.database.engine import engine
from bot.database.store import Store
from bot.database.tables import MACHINES, METADATA
from bot.settings import Settings
from bot.training.sharing import share
from tests.bot.loopback import TOKEN

ROOT = Path(__file__).parents[2]
READY = re.compile(r"This machine (composes|trains)|Shard ID \S+ has connected")


class Machine:
    """Follow a process that has a role, from its start to its end."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command, self._environment, self.log = command, environment, log
        self.start()

    def start(self) -> None:
        """Start it, for the first time or again."""
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                self._command, env=self._environment, cwd=ROOT, stdout=output, stderr=output, text=True
            )

    @property
    def ready(self) -> bool:
        """Tell whether it is ready. Raises AssertionError if it has ended."""
        if READY.search(self.log.read_text()):
            return True
        assert self.process.poll() is None, self.log.read_text()
        return False

    def end(self) -> None:
        """End it as whoever runs it would."""
        self.thaw()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

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


def launch(
    role: str, database: str, models: Path, data: Path, *, discord: str | None = None, nice: int = 0, **settings: str
) -> Machine:
    """Start a machine, with a Discord at a URL if it is to chat; it is not ready yet."""
    data.mkdir(parents=True, exist_ok=True)
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
    program = ["bot"]
    if discord is not None:
        program, environment["DISCORD_TOKEN"] = ["tests.bot.loopback", discord], TOKEN
    command = ["nice", "-n", str(nice), sys.executable, "-m", *program, *role.split()]
    return Machine(command, environment, data / "machine.log")


@contextmanager
def machine(role: str, database: str, models: Path, data: Path, **settings: str) -> Iterator[Machine]:
    """Run a machine, and wait until it is ready."""
    started = launch(role, database, models, data, discord=None, nice=0, **settings)
    try:
        while not started.ready:
            time.sleep(0.05)
        yield started
    finally:
        started.end()


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
    """Forget all that another test left, but no machine: they run on."""
    tables = {"pgqueuer", *METADATA.tables} - {MACHINES.name}
    database = engine(url)
    async with database.begin() as connection:
        await connection.execute(text(f"TRUNCATE {', '.join(sorted(tables))} CASCADE"))
    await database.dispose()
