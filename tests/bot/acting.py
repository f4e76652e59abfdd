"""Several things at once, which SimCord's actors do one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import simcord

# Seconds, in which whatever does not hang ends on the slowest and busiest of machines. SimCord waits for every timer
# that is shorter, and asyncpg has one of 300 for each connection.
PATIENCE = 240.0


async def begin(env: simcord.Env, action: Coroutine[Any, Any, Any]) -> None:
    """Do what a user does, and return before the bot has finished with it."""
    patience, env.settle_timeout = env.settle_timeout, 0
    try:
        await action
    except TimeoutError:
        pass
    finally:
        env.settle_timeout = patience


class Gate:
    """Keep what workers answer from those who wait for it while it is closed, so that they are at work for certain."""

    def __init__(self, env: simcord.Env) -> None:
        self.waiting = 0
        self._env, self._opened = env, asyncio.Event()
        self._opened.set()

    def close(self) -> None:
        """Let nothing through; what waits here, SimCord does not wait for."""
        self._opened.clear()

    async def open(self) -> None:
        """Let all through, and wait for what becomes of it."""
        self._opened.set()
        await self._env.settle()

    async def go_through(self) -> None:
        """Wait for the gate to be open."""
        self.waiting += 1
        try:
            await self._env.external_wait(self._opened.wait(), reason="a test's gate")
        except simcord.SetupError:  # a task of the test's own waits
            await self._opened.wait()
        self.waiting -= 1


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Let the bot and its workers go on until a condition holds."""
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        await asyncio.sleep(0.01)
