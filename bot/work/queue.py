"""Who is next: one request a user, turns between servers, a bounded number waiting, an allowance for each user."""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bot import metrics
from bot.database.requests import Pending
from bot.work.allowance import Allowance
from core.errors import CadenzaError, RequestError, counted

WORTH_TELLING: Final = 0.75  # of the last place that was told, for each edit of a message costs Discord something
TYPICAL: Final = 2.0  # seconds that a request is thought to take before any has been measured
NEWEST: Final = 0.2  # weight of the newest duration in the running mean
LONGEST_WAIT: Final = 600.0  # seconds; Discord forgets a promised answer after 900


class QueueError(CadenzaError):
    """Say why a request cannot wait in the queue."""


@dataclass(frozen=True, slots=True)
class Place:
    """Tell where a request stands: how many go first, and the seconds until its turn, estimated."""

    ahead: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Say who asks, for how many bars, and what it takes to answer should this process end before it does.

    `id` is the interaction's; `server` is the user's own id in a direct message.
    """

    id: int
    user: int
    server: int
    cost: float
    origin: dict[str, Any] = field(default_factory=dict)


class Superseded(asyncio.CancelledError):
    """End a task silently whose request another process has taken over."""


class Turn:
    """Hold a turn; where several processes chat, what is noted of it outlives this one.

    All of it raises Superseded where another process took this one for dead and answers in its stead.
    """

    async def note(self, job: dict[str, Any]) -> None:
        """Note what is to be composed, with all that was open filled in."""

    async def made(self, ids: Sequence[str]) -> None:
        """Note under which ids will be kept what was composed. Raises StoreError if its user was forgotten."""

    async def claim(self) -> None:
        """Claim the answer before it is sent."""


class Line(Protocol):
    """Say who is next, for one process or for many."""

    def open(self, take_up: Callable[[Pending], Coroutine[Any, Any, None]]) -> None:
        """Have requests taken up whose process is no more, since messages can be sent now."""

    async def admit(self, asked: Asked) -> None:
        """Raise QueueError or AllowanceError if a request would not be let in."""

    def turn(self, asked: Asked, tell: "Tell") -> AbstractAsyncContextManager[Turn]:
        """Wait for a turn and hold it; `tell` hears of each new place while there is a wait. Raises as `admit` does."""


Tell = Callable[[Place], Awaitable[None]]
TURN: Final = ContextVar[Turn | None]("turn", default=None)  # for which this task is at work


def refuse(waiting: int, most: int) -> None:
    """Raise QueueError if a server has as many requests waiting as it may."""
    if waiting >= most:
        many = counted(
            "{count} request from this server is waiting already. Try again in a minute.",
            "{count} requests from this server are waiting already. Try again in a minute.",
            most,
        )
        raise QueueError(many)


def refuse_second() -> QueueError:
    """Say that a user has a request already."""
    return QueueError("Your last request is still being worked on. Wait for its answer, then ask again.")


def refuse_wait(seconds: float) -> None:
    """Raise QueueError for a wait that Discord would not survive."""
    if seconds > LONGEST_WAIT:
        raise QueueError(
            "The wait is about {minutes:.0f} minutes at the moment. Try again later.", minutes=seconds / 60
        )


@dataclass(slots=True, eq=False)
class Ticket:
    """Hold a place in the line; `news` is set whenever it may have changed, and when its turn has come."""

    called: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Queue:
    """Let `running` requests go on at once, and `waiting` of each server wait.

    The servers take turns, so that a quiet one's user waits for at most one request of each other server, however many
    those have waiting.
    """

    def __init__(self, running: int, waiting: int, allowance: Allowance) -> None:
        self._free, self._running, self._waiting = running, running, waiting
        self._allowance = allowance
        self._lines: OrderedDict[int, deque[Ticket]] = OrderedDict()  # the first server is next
        self._users: set[int] = set()
        self._mean = TYPICAL

    @property
    def waiting(self) -> int:
        """Count the requests that wait for their turn."""
        return sum(map(len, self._lines.values()))

    def open(self, take_up: Callable[[Pending], Coroutine[Any, Any, None]]) -> None:
        """Do nothing: what this process was asked ends with it."""

    async def admit(self, asked: Asked) -> None:
        """Raise QueueError or AllowanceError if a request would not be let in."""
        if asked.user in self._users:
            raise refuse_second()
        refuse(len(self._lines.get(asked.server, ())), self._waiting)
        self._allowance.check(asked.user, asked.cost)
        if not self._free:
            refuse_wait(self._place(asked.server).seconds)

    @asynccontextmanager
    async def turn(self, asked: Asked, tell: Tell) -> AsyncIterator[Turn]:
        """Wait for a turn and hold it; `tell` hears of each new place while there is a wait. Raises as `admit` does."""
        await self.admit(asked)
        self._allowance.spend(asked.user, asked.cost)
        self._users.add(asked.user)
        asking = time.monotonic()
        try:
            await self._arrive(asked.server, tell)
            start = time.monotonic()
            metrics.WAIT.observe(start - asking)
            try:
                yield Turn()
                self._mean += NEWEST * (time.monotonic() - start - self._mean)
            except RequestError:  # found when a file was read; nothing was composed
                self._allowance.spend(asked.user, -asked.cost)
                raise
            finally:
                self._leave()
        finally:
            self._users.discard(asked.user)

    async def _arrive(self, server: int, tell: Tell) -> None:
        if self._free:
            self._free -= 1
            return
        ticket = Ticket()
        self._lines.setdefault(server, deque()).append(ticket)
        told = math.inf
        try:
            while not ticket.called:
                place = self._place(server, ticket)
                if place.ahead <= told * WORTH_TELLING:
                    told = place.ahead
                    await tell(place)
                await ticket.news.wait()
                ticket.news.clear()
        except BaseException:
            if ticket.called:
                self._leave()
            else:
                self._remove(server, ticket)
            raise

    def _leave(self) -> None:
        """Give the turn to the server that has waited longest for one, which then goes to the end of the line."""
        if not self._lines:
            self._free += 1
            return
        server, line = next(iter(self._lines.items()))
        ticket = line.popleft()
        ticket.called = True
        ticket.news.set()
        if line:
            self._lines.move_to_end(server)
        else:
            del self._lines[server]
        self._spread_news()

    def _remove(self, server: int, ticket: Ticket) -> None:
        line = self._lines[server]
        line.remove(ticket)
        if not line:
            del self._lines[server]
        self._spread_news()

    def _spread_news(self) -> None:
        for line in self._lines.values():
            for ticket in line:
                ticket.news.set()

    def _place(self, server: int, ticket: Ticket | None = None) -> Place:
        """Find a ticket's place, or that of the next one which a server would get."""
        line = self._lines.get(server, deque())
        mine = len(line) if ticket is None else line.index(ticket)
        servers = list(self._lines)
        turn = servers.index(server) if server in self._lines else len(servers)
        ahead = mine + sum(
            min(len(line), mine + (position < turn))
            for position, (other, line) in enumerate(self._lines.items())
            if other != server
        )
        return Place(ahead, math.ceil((ahead + 1) / self._running) * self._mean)
