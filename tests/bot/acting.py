"""Several things at once, which SimCord's actors do one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import simcord


async def begin(env: simcord.Env, action: Coroutine[Any, Any, Any]) -> None:
    """Do what a user does, and return before the bot has finished with it."""
    patience, env.settle_timeout = env.settle_timeout, 0
    try:
        await action
    except TimeoutError:
        pass
    finally:
        env.settle_timeout = patience


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Let the bot and its workers go on until a condition holds."""
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        await asyncio.sleep(0.01)
