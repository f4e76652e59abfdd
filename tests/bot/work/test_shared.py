"""The queue of many chat processes: the rules of one, held over all of them."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from sqlalchemy import text

from bot.database import engine
from bot.database.requests import ADMISSION, Machines, Requests
from bot.database.store import Store
from bot.work.allowance import AllowanceError
from bot.work.queue import TURN, Asked, Place, QueueError, Superseded
from bot.work.shared import SharedQueue, SharedTurn
from core.errors import RequestError


async def _silent(_: Place) -> None:
    pass


def _asked(user: int, server: int, cost: float = 1) -> Asked:
    return Asked(id=user, user=user, server=server, cost=cost)


@pytest_asyncio.fixture
async def store(postgresql: str) -> AsyncIterator[Store]:
    async with Store(postgresql) as store:
        yield store


@asynccontextmanager
async def _chat(store: Store, name: str, waiting: int = 20, most: float = math.inf) -> AsyncIterator[SharedQueue]:
    async with SharedQueue(Requests(store.engine, name), waiting, most) as line:
        yield line


class Crowd:
    """Let users ask, each in a task of their own, as the chat has it."""

    def __init__(self) -> None:
        self.turns: dict[int, int] = {}
        self._ends: dict[int, asyncio.Event] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def ask(self, line: SharedQueue, user: int, server: int, cost: float = 1) -> None:
        entered, self._ends[user] = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            async with line.turn(_asked(user, server, cost), _silent) as turn:
                assert isinstance(turn, SharedTurn)
                self.turns[user] = turn.number
                entered.set()
                await self._ends[user].wait()

        self._tasks[user] = asyncio.create_task(work())
        await asyncio.wait({self._tasks[user], asyncio.create_task(entered.wait())}, return_when="FIRST_COMPLETED")
        if self._tasks[user].done():
            await self._tasks[user]

    async def finish(self, *users: int) -> None:
        for user in users or self._tasks:
            self._ends[user].set()
            await self._tasks[user]


async def test_servers_take_turns_over_all_processes(store: Store) -> None:
    crowd = Crowd()
    async with _chat(store, "a") as one, _chat(store, "b") as other:
        for user in range(1, 7):
            await crowd.ask(one if user % 2 else other, user, server=1)
        await Requests(store.engine, "").begin(1)
        await crowd.ask(other, 9, server=2)
        assert [crowd.turns[user] for user in range(1, 7)] == [1, 2, 3, 4, 5, 6]
        assert crowd.turns[9] == 2  # with the first that waits, and before all others
        await crowd.finish()


async def test_turns_begin_anew_when_nobody_waits(store: Store) -> None:
    crowd = Crowd()
    async with _chat(store, "a") as line:
        await crowd.ask(line, 1, server=1)
        await crowd.finish(1)
        await crowd.ask(line, 2, server=1)
        assert crowd.turns == {1: 1, 2: 1}
        await crowd.finish(2)


async def test_a_user_has_one_request_at_a_time_whichever_process_they_ask(store: Store) -> None:
    crowd = Crowd()
    async with _chat(store, "a") as one, _chat(store, "b") as other:
        await crowd.ask(one, 1, server=1)
        with pytest.raises(QueueError, match="still being worked on"):
            await other.admit(_asked(1, 2))
        await crowd.finish(1)
        await one.admit(_asked(1, 2))
        await other.admit(_asked(1, 2))


async def test_a_server_has_only_so_many_waiting_over_all_processes(store: Store) -> None:
    crowd = Crowd()
    async with _chat(store, "a", waiting=2) as one, _chat(store, "b", waiting=2) as other:
        await crowd.ask(one, 1, server=1)
        await crowd.ask(other, 2, server=1)
        for line in (one, other):
            with pytest.raises(QueueError, match="2 requests from this server are waiting already"):
                await line.admit(_asked(3, 1))
        await Machines(store.engine).beat("m", "compose", 2, 1.0)  # which has begun none, and is free for two
        await one.admit(_asked(3, 1))
        await crowd.finish()


async def test_a_wait_that_would_outlast_discord_s_patience_is_not_begun(store: Store) -> None:
    crowd = Crowd()
    async with _chat(store, "a") as line:
        await Machines(store.engine).beat("m", "compose", 1, 400.0)
        for user in (1, 2):
            await crowd.ask(line, user, server=user)
        await Requests(store.engine, "").begin(1)
        with pytest.raises(QueueError, match="The wait is about 13 minutes"):
            await line.admit(_asked(3, 3))
        await crowd.finish()


async def test_an_allowance_is_spent_over_all_processes_and_given_back_for_nothing(store: Store) -> None:
    crowd = Crowd()
    async with _chat(store, "a", most=100) as one, _chat(store, "b", most=100) as other:
        await crowd.ask(one, 1, 1, cost=60)
        await crowd.finish(1)
        await one.admit(_asked(2, 2))  # by when it has closed what was answered
        with pytest.raises(AllowanceError):
            await other.admit(_asked(1, 1, 60))
        await other.admit(_asked(1, 1, 40))

        async def in_vain() -> None:
            async with other.turn(_asked(1, 1, 40), _silent):
                raise RequestError("It is impossible.")

        with pytest.raises(RequestError):
            await asyncio.create_task(in_vain())
        await asyncio.sleep(0)  # by when its task's end is known, and it begins to be closed
        await other.admit(_asked(2, 2))
        await one.admit(_asked(1, 1, 40))


async def test_a_process_that_is_frozen_in_mid_transaction_stops_nobody(store: Store) -> None:
    crowd, timeout = Crowd(), "idle_in_transaction_session_timeout"
    async with store.engine.connect() as frozen, _chat(store, "a") as line:
        assert (await frozen.execute(text(f"SHOW {timeout}"))).scalar() == engine.SESSION[timeout]
        await frozen.execute(text(f"SELECT pg_advisory_xact_lock({ADMISSION})"))
        await frozen.execute(text(f"SET LOCAL {timeout} = '100ms'"))
        await crowd.ask(line, 1, server=1)
        await crowd.finish()
        await frozen.invalidate()


async def test_a_database_that_has_no_connection_free_says_so(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FREE_AFTER", 0.1)
    busy = engine.engine(postgresql)
    held = [await busy.connect() for _ in range(15)]
    with pytest.raises(engine.StoreError):
        await Requests(busy, "a").beat()
    for connection in held:
        await connection.close()
    await busy.dispose()


async def test_who_was_taken_for_dead_does_not_answer_any_more(store: Store) -> None:
    async def work() -> None:
        async with line.turn(_asked(1, 1), _silent) as turn:
            await Requests(store.engine, "a").leave()
            assert [pending.id for pending in await Requests(store.engine, "b").orphans(all_silent=False)] == [1]
            with pytest.raises(Superseded):
                await turn.claim()

    async with _chat(store, "a") as line:
        await asyncio.create_task(work())
        assert TURN.get() is None
