"""The queue of many chat processes: the same rules as bot.work.queue has for one, by rows that all of them see.

A request's row is there from its admission until its answer is in the chat. If its process dies, another takes it up.
"""

import asyncio
import json
import logging
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from typing import Any, Final, Self

from bot.database.engine import StoreError
from bot.database.requests import DEAD_AFTER, Pending, Requests, Standing
from bot.database.store import forgotten
from bot.work import allowance
from bot.work.queue import (
    TURN,
    TYPICAL,
    WORTH_TELLING,
    Asked,
    Place,
    Superseded,
    Tell,
    Turn,
    refuse,
    refuse_second,
    refuse_wait,
)
from core.errors import RequestError

BEAT: Final = 3.0  # seconds between two signs of life

_log = logging.getLogger(__name__)


class SharedTurn(Turn):
    """Hold a request's turn; `number` orders it among all."""

    def __init__(self, requests: Requests, id: int, number: int, tell: Tell | None = None) -> None:
        self.id, self.number = id, number
        self._requests, self._tell, self._told = requests, tell, math.inf
        self._jobs: Counter[str] = Counter()

    def key(self, name: str) -> str:
        """Return the key of the next job with a function of this name, which whoever takes the request up will find."""
        self._jobs[name] += 1
        return f"{self.id}:{name}:{self._jobs[name]}"

    async def note(self, job: dict[str, Any]) -> None:
        """Note what is to be composed, with all that was open filled in."""
        await self._change(job=job)

    async def made(self, ids: Sequence[str]) -> None:
        """Note under which ids will be kept what was composed. Raises StoreError if its user was forgotten."""
        await self._change(made=list(ids))
        if not await self._requests.wanted(self.id):
            raise forgotten()

    async def claim(self) -> None:
        """Claim the answer before it is sent."""
        await self._change(claimed=True)

    async def _change(self, **values: Any) -> None:
        """Change what is kept of the request, as soon as there is a database. Raises Superseded."""
        while True:
            try:
                if await self._requests.note(self.id, **values):
                    return
            except StoreError:
                await asyncio.sleep(BEAT)
            else:
                raise Superseded

    async def show(self) -> None:
        """Show whoever waits where they stand, if that has changed by something."""
        if self._tell is None or (found := await self._requests.place(self.id)) is None:
            return
        ahead, slots, seconds = found
        if ahead <= self._told * WORTH_TELLING:
            self._told = ahead
            await self._tell(_place(ahead, slots, seconds))


class SharedQueue:
    """Let `waiting` requests of each server wait, and each user spend `most` bars in ten minutes.

    A context; `open` begins to take up what other processes have left.
    """

    def __init__(self, requests: Requests, waiting: int, most: float) -> None:
        self._requests, self._waiting, self._most = requests, waiting, most
        self._closing: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._taken: set[asyncio.Task[None]] = set()
        self._ending = False
        self._opened = asyncio.Event()
        self._take_up: Callable[[Pending], Coroutine[Any, Any, None]] | None = None

    async def __aenter__(self) -> Self:
        """Begin to give signs of life."""
        self._tasks += [asyncio.create_task(self._beat()), asyncio.create_task(self._adopt())]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave what has not been answered to others."""
        self._ending = True
        for task in (*self._tasks, *self._taken):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._taken, *self._closing, return_exceptions=True)
        with suppress(StoreError):
            await self._requests.leave()

    def open(self, take_up: Callable[[Pending], Coroutine[Any, Any, None]]) -> None:
        """Have requests whose process is no more taken up, since messages can be sent now."""
        self._take_up = take_up
        self._opened.set()

    async def admit(self, asked: Asked) -> None:
        """Raise QueueError or AllowanceError if a request would not be let in."""
        await self._enter(asked, enter=False)

    @asynccontextmanager
    async def turn(self, asked: Asked, tell: Tell) -> AsyncIterator[Turn]:
        """Let a request in, whose jobs then wait for their turn; `tell` hears of it while they do.

        Raises as `admit` does. The request is over when the task that asks is done, and with it whatever it answers.
        """
        number = await self._enter(asked, enter=True)
        turn = SharedTurn(self._requests, asked.id, number, tell)
        self._close_behind(asked.id)
        TURN.set(turn)
        try:
            yield turn
        except RequestError:  # found when a file was read; nothing was composed
            await self._requests.refund(asked.user, asked.cost)
            raise

    async def _enter(self, asked: Asked, *, enter: bool) -> int:
        await asyncio.gather(*self._closing, return_exceptions=True)  # so that an answered user may ask at once

        def check(standing: Standing) -> float:
            if standing.busy:
                raise refuse_second()
            free = max(0, standing.slots - standing.begun)
            refuse(max(0, standing.waiting - free), self._waiting)
            spent = allowance.left(standing.spent, standing.since, self._most)
            allowance.check(spent, asked.cost, self._most)
            if not free:
                refuse_wait(_place(standing.ahead, standing.slots, standing.seconds).seconds)
            return spent + asked.cost

        origin = json.loads(json.dumps(asked.origin))
        return await self._requests.enter(
            id=asked.id, user=asked.user, server=asked.server, origin=origin, check=check, enter=enter
        )

    def _close_behind(self, id: int) -> None:
        """Close a request as soon as the task that works on it is done."""
        task = asyncio.current_task()
        assert task is not None

        def closing(_: object) -> None:
            if not self._ending:
                ending = asyncio.create_task(self._close(id))
                self._closing.add(ending)
                ending.add_done_callback(self._closing.discard)

        task.add_done_callback(closing)

    async def _close(self, id: int) -> None:
        while True:
            try:
                await self._requests.close(id)
            except StoreError:
                await asyncio.sleep(BEAT)
            else:
                return

    async def _beat(self) -> None:
        while True:
            with suppress(StoreError):
                await self._requests.beat()
            await asyncio.sleep(BEAT)

    async def _adopt(self) -> None:
        """Look again and again for requests whose process has gone, and see them to their end."""
        await self._opened.wait()
        since = 0.0
        while True:
            try:
                if since >= DEAD_AFTER.total_seconds() or not since:
                    for pending in await self._requests.orphans(all_silent=since > 0):
                        self._take(pending)
                since += BEAT
            except StoreError:
                since = 0.0  # the others' signs of life were lost too: give them time for new ones
            await asyncio.sleep(BEAT)

    def _take(self, pending: Pending) -> None:
        async def work() -> None:
            TURN.set(SharedTurn(self._requests, pending.id, pending.turn))
            self._close_behind(pending.id)
            assert self._take_up is not None
            try:
                await self._take_up(pending)
            except Exception:
                _log.exception("A request that another process had left was lost")

        _log.info("A request that another process has left is taken up")
        task = asyncio.create_task(work(), context=copy_context())
        self._taken.add(task)
        task.add_done_callback(self._taken.discard)


def _place(ahead: int, slots: int, seconds: float) -> Place:
    return Place(ahead, math.ceil((ahead + 1) / max(1, slots)) * (seconds or TYPICAL))
