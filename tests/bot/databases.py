"""A real PostgreSQL for the tests, started from Debian's package and thrown away."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from bot.database.engine import engine


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's, if it is installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = folders[-1] if folders else shutil.which("initdb")
    return None if found is None else Path(found).parent


@dataclass(frozen=True)
class Cluster:
    """Hold a PostgreSQL that runs, to be stopped and started; `url` is of its database, as the store wants it."""

    url: str
    folder: str
    programs: Path
    user: str
    options: str

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = f"{self.folder}/log"
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", log, "-o", self.options, "start")

    def stop(self) -> None:
        """Stop it, as a crash would."""
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        _run(self.user, self.programs / program, *arguments)


@contextmanager
def running(programs: Path) -> Iterator[Cluster]:
    """Run a cluster of its own."""
    with tempfile.TemporaryDirectory(prefix="cadenza-pg-") as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:  # PostgreSQL refuses to be root
            shutil.chown(folder, user)
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        url = f"postgresql+asyncpg://cadenza@127.0.0.1:{port}/postgres"
        cluster = Cluster(url, folder, programs, user, options)
        data = f"{folder}/data"
        _run(user, programs / "initdb", "-D", data, "-U", "cadenza", "-A", "trust", "-E", "UTF8", "--no-sync")
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def postgresql(programs: Path) -> Iterator[str]:
    """Run a cluster of its own and yield the URL of its database."""
    with running(programs) as cluster:
        yield cluster.url


async def empty(url: str) -> None:
    """Take everything out of a database."""
    database = engine(url)
    async with database.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await database.dispose()


def _run(user: str, *command: str | Path) -> None:
    prefix: Sequence[str] = ("runuser", "-u", user, "--") if os.geteuid() == 0 else ()
    subprocess.run([*prefix, *map(str, command)], check=True, capture_output=True, cwd="/")
