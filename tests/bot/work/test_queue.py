"""The queue: fair between users and servers, bounded, and honest about the wait."""

import asyncio
import math
from contextlib import suppress

import pytest

from bot.work.allowance import Allowance, AllowanceError
from bot.work.queue import Asked, Place, Queue, QueueError
from core.errors import RequestError


async def _silent(_: Place) -> None:
    pass


def _asked(user: int, server: int, cost: float) -> Asked:
    return Asked(id=0, user=user, server=server, cost=cost)


def _queue(running: int, waiting: int) -> Queue:
    return Queue(running, waiting, Allowance(math.inf))


class Hall:
    """Let requests queue up, and finish them one at a time."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.begun: list[str] = []
        self.places: dict[str, list[int]] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def arrive(self, name: str, user: int, server: int) -> None:
        async def tell(place: Place) -> None:
            self.places.setdefault(name, []).append(place.ahead)

        async def work() -> None:
            async with self.queue.turn(_asked(user, server, 1), tell):
                self.begun.append(name)
                await self._ends[name].wait()

        self._ends[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(work())
        await _breathe()

    async def finish(self, name: str) -> None:
        self._ends[name].set()
        await self._tasks[name]
        await _breathe()

    async def give_up(self, name: str) -> None:
        self._tasks[name].cancel()
        with suppress(asyncio.CancelledError):
            await self._tasks[name]
        await _breathe()


async def _breathe() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_as_many_go_on_at_once_as_there_are_workers() -> None:
    hall = Hall(_queue(running=2, waiting=5))
    for user, name in enumerate("abc"):
        await hall.arrive(name, user, server=1)
    assert hall.begun == ["a", "b"]
    await hall.finish("b")
    assert hall.begun == ["a", "b", "c"]


async def test_servers_take_turns_however_many_one_of_them_has_waiting() -> None:
    hall = Hall(_queue(running=1, waiting=10))
    await hall.arrive("first", 0, server=1)
    for user in range(1, 6):
        await hall.arrive(f"flood{user}", user, server=1)
    await hall.arrive("quiet", 9, server=2)
    for name in ("first", "flood1", "quiet", "flood2"):
        await hall.finish(name)
    assert hall.begun == ["first", "flood1", "quiet", "flood2", "flood3"]


async def test_tells_how_many_go_first_in_the_order_in_which_they_will() -> None:
    hall = Hall(_queue(running=1, waiting=10))
    await hall.arrive("first", 0, server=1)
    for user in range(1, 4):
        await hall.arrive(f"flood{user}", user, server=1)
    await hall.arrive("quiet", 9, server=2)
    assert {name: places[0] for name, places in hall.places.items()} == {
        "flood1": 0,
        "flood2": 1,
        "flood3": 2,
        "quiet": 1,
    }


async def test_tells_of_a_place_only_when_it_has_changed_by_something() -> None:
    hall = Hall(_queue(running=1, waiting=50))
    for user in range(21):
        await hall.arrive(str(user), user, server=1)
    for user in range(20):
        await hall.finish(str(user))
    assert hall.places["20"] == [19, 14, 10, 7, 5, 3, 2, 1, 0]
    assert hall.places["1"] == [0]


async def test_a_user_has_one_request_at_a_time() -> None:
    hall = Hall(_queue(running=2, waiting=5))
    await hall.arrive("a", 1, server=1)
    with pytest.raises(QueueError, match="still being worked on"):
        await hall.queue.admit(_asked(1, 2, 1))
    await hall.finish("a")
    await hall.queue.admit(_asked(1, 2, 1))


async def test_a_server_cannot_have_more_waiting_than_agreed() -> None:
    hall = Hall(_queue(running=1, waiting=2))
    for user, name in enumerate("abc"):
        await hall.arrive(name, user, server=1)
    with pytest.raises(QueueError, match="2 requests from this server are waiting already"):
        await hall.queue.admit(_asked(9, 1, 1))
    await hall.queue.admit(_asked(9, 2, 1))
    hall = Hall(_queue(running=1, waiting=1))
    for user, name in enumerate("ab"):
        await hall.arrive(name, user, server=1)
    with pytest.raises(QueueError, match="1 request from this server is waiting already"):
        await hall.queue.admit(_asked(9, 1, 1))


async def test_a_request_given_up_leaves_its_place_to_others() -> None:
    hall = Hall(_queue(running=1, waiting=5))
    for user, name in enumerate("abc"):
        await hall.arrive(name, user, server=1)
    await hall.give_up("b")
    await hall.finish("a")
    assert hall.begun == ["a", "c"]
    await hall.finish("c")
    await hall.queue.admit(_asked(1, 1, 1))


async def test_a_turn_that_fails_frees_its_place() -> None:
    queue = _queue(running=1, waiting=1)
    with pytest.raises(ZeroDivisionError):
        async with queue.turn(_asked(1, 1, 1), _silent):
            raise ZeroDivisionError
    async with queue.turn(_asked(1, 1, 1), _silent):
        pass


async def test_a_request_whose_wait_would_outlast_discord_s_patience_is_not_let_in() -> None:
    hall = Hall(_queue(running=1, waiting=1000))
    for user in range(301):  # which are thought to take two seconds each
        await hall.arrive(f"flood{user}", user, server=1)
    with pytest.raises(QueueError, match="The wait is about 10 minutes"):
        await hall.queue.admit(_asked(999, 1, 1))
    await hall.queue.admit(_asked(999, 2, 1))


async def test_spends_an_allowance_only_on_what_is_let_in() -> None:
    queue = Queue(running=1, waiting=1, allowance=Allowance(100))
    async with queue.turn(_asked(1, 1, 60), _silent):
        with pytest.raises(QueueError):
            await queue.turn(_asked(1, 1, 60), _silent).__aenter__()
    await queue.admit(_asked(1, 1, 40))
    with pytest.raises(AllowanceError):
        await queue.admit(_asked(1, 1, 60))


async def test_gives_back_what_a_request_would_have_cost_that_turns_out_to_be_impossible() -> None:
    queue = Queue(running=1, waiting=1, allowance=Allowance(100))
    with pytest.raises(RequestError):
        async with queue.turn(_asked(1, 1, 60), _silent):
            raise RequestError("It is impossible.")
    await queue.admit(_asked(1, 1, 100))
