"""A module of core at work in a process of its own, which tells how it goes in lines of JSON."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
SECRETS: Final = ("DISCORD_TOKEN", "CADENZA_DATABASE")
LONGEST_LINE: Final = 1 << 20  # bytes of a message


class Child:
    """Talk to the process, whose end is that of the `with` block at the latest."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def id(self) -> int:
        """Return the process's id."""
        return self._process.pid

    async def messages(self, silence: float) -> AsyncIterator[dict[str, Any]]:
        """Yield what the process says until it ends, by its own will or after so many seconds of silence."""
        assert self._process.stdout is not None
        while True:
            try:
                line = await asyncio.wait_for(self._process.stdout.readline(), silence)
                message = json.loads(line)
            except (TimeoutError, ValueError):  # it hangs, has ended, or was killed in mid-line
                break
            yield message
        self.kill()
        await self._process.wait()

    def stop(self) -> None:
        """Ask the process to come to an end."""
        assert self._process.stdin is not None
        with suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(b"stop\n")

    def kill(self) -> None:
        """End the process, whatever it does."""
        with suppress(ProcessLookupError):
            self._process.kill()


@asynccontextmanager
async def start(module: str, request: Mapping[str, Any], log: Path | None = None) -> AsyncIterator[Child]:
    """Start a module with a request; what it and its libraries print goes to `log`.

    It stays in the bot's session: where the kernel groups processes by session, its low priority would count for
    nothing in another. It ends with the bot, since it sees its standard input end.
    """
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    errors = DEVNULL if log is None else await asyncio.to_thread(log.open, "wb")
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            limit=LONGEST_LINE,
            cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT)},
            process_group=0,  # Ctrl-C is for the bot
        )
    finally:
        if not isinstance(errors, int):
            errors.close()
    child = Child(process)
    try:
        assert process.stdin is not None
        with suppress(ConnectionError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            await process.stdin.drain()
        yield child
    finally:
        child.kill()
        await process.wait()
