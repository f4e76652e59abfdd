"""The whole bot as several processes of this machine: PostgreSQL, a chat, two that compose, one that trains.

python -m bot.many    with DISCORD_TOKEN on Discord, without one as the playground; Ctrl-C ends all of them
"""

import asyncio
import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.__main__ import until_signal

PROCESSES: Final = {"chat": "chat", "compose-1": "compose", "compose-2": "compose", "train": "train"}
PATIENCE: Final = 30.0  # seconds for a process to end
PAUSE: Final = 1.0  # seconds before one is started again that was killed
AT_ODDS: Final = (1, 2)  # exit codes that say that a machine or its settings lack something, as they will again


def main() -> int:
    """Run all until the chat ends or a signal comes; return 0, or what else a process has ended with."""
    programs = _programs()
    if programs is None:
        print("PostgreSQL is not installed (Debian: apt-get install postgresql).", file=sys.stderr)
        return 1
    data = Path(os.environ.get("CADENZA_DATA") or "data").expanduser().absolute() / "many"
    codes: list[int] = []
    with _database(programs, data) as url:
        print(f"The database is {url}. Each process keeps its own in {data}; the storage is there too.", flush=True)
        asyncio.run(until_signal(_run_all(url, data, codes)))
    return max(codes, default=0)


async def _run_all(url: str, data: Path, codes: list[int]) -> None:
    """Keep all processes running until one of them ends by itself, whose exit code is added to `codes`."""
    tasks = [asyncio.create_task(_keep(name, role, _environment(url, data, name))) for name, role in PROCESSES.items()]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        codes += [task.result() for task in done]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(name: str, role: str, environment: Mapping[str, str]) -> int:
    """Run a process, and again if it was killed; return the exit code with which it ends by itself."""
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", role),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,  # or Ctrl-C would reach it too
        )
        telling = asyncio.create_task(_tell(name, process.stdout))
        try:
            code = await process.wait()
            if code == 0 or code in AT_ODDS:
                return code
            print(f"{name:>9} | was killed, and is started again", flush=True)
        finally:
            await _end(process)
            await telling
        await asyncio.sleep(PAUSE)


async def _tell(name: str, lines: asyncio.StreamReader | None) -> None:
    """Print what a process says, with its name."""
    assert lines is not None
    while line := await lines.readline():
        print(f"{name:>9} | {line.decode(errors='replace').rstrip()}", flush=True)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()


def _environment(url: str, data: Path, name: str) -> dict[str, str]:
    return {
        "CADENZA_WORKERS": "1",
        **os.environ,
        "CADENZA_DATABASE": url,
        "CADENZA_STORAGE": os.environ.get("CADENZA_STORAGE") or str(data / "storage"),
        "CADENZA_DATA": str(data / name),
    }


@contextmanager
def _database(programs: Path, data: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own, for this machine alone, and yield its URL."""
    data.mkdir(parents=True, exist_ok=True)
    folder, user = data / "postgresql", None
    if os.geteuid() == 0:  # it refuses to be root, in whose folders others have no way
        digest = hashlib.sha256(str(data).encode()).hexdigest()[:8]
        folder, user = Path("/var/lib/postgresql") / f"cadenza-{digest}", "postgres"
    folder.mkdir(exist_ok=True)
    if user is not None:
        shutil.chown(folder, user)
    cluster = folder / "cluster"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories="
    if not (cluster / "PG_VERSION").exists():
        _run(user, programs / "initdb", "-D", cluster, "-U", "cadenza", "-A", "trust", "--no-locale", "-E", "UTF8")
    control = (programs / "pg_ctl", "-D", cluster, "-w")
    _run(user, *control, "-m", "fast", "stop", check=False)  # if the last run was killed
    _run(user, *control, "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql+asyncpg://cadenza@127.0.0.1:{port}/postgres"
    finally:
        _run(user, *control, "-m", "fast", "stop")


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's, if it is installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = folders[-1] if folders else shutil.which("initdb")
    return None if found is None else Path(found).parent


def _run(user: str | None, *command: str | Path, check: bool = True) -> None:
    prefix: Sequence[str] = () if user is None else ("runuser", "-u", user, "--")
    quiet = None if check else subprocess.DEVNULL
    subprocess.run(
        [*prefix, *map(str, command)],
        check=check,
        stdout=subprocess.DEVNULL,
        stderr=quiet,
        cwd="/",
        process_group=0,  # or Ctrl-C would end the database before those who use it
    )


if __name__ == "__main__":
    sys.exit(main())
