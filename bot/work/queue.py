"""Who is next: one request a user, turns between servers, a bounded number waiting, an allowance for each user."""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from bot.work.allowance import Allowance
from core.errors import CadenzaError, RequestError

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

    def admit(self, user: int, server: int, cost: float) -> None:
        """Raise QueueError or AllowanceError if a request would not be let in; `cost` is in bars to compose."""
        if user in self._users:
            raise QueueError("Your last request is still being worked on. Wait for its answer, then ask again.")
        if len(self._lines.get(server, ())) >= self._waiting:
            if self._waiting == 1:
                raise QueueError("A request of this server is waiting already. Try again in a minute.")
            raise QueueError(f"{self._waiting} requests of this server are waiting already. Try again in a minute.")
        self._allowance.check(user, cost)
        if not self._free and (seconds := self._place(server).seconds) > LONGEST_WAIT:
            raise QueueError(f"The wait is about {seconds / 60:.0f} minutes at the moment. Try again later.")

    @asynccontextmanager
    async def turn(
        self, user: int, server: int, cost: float, tell: Callable[[Place], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Wait for a turn and hold it; `tell` hears of each new place while there is a wait. Raises as `admit` does."""
        self.admit(user, server, cost)
        self._allowance.spend(user, cost)
        self._users.add(user)
        try:
            await self._arrive(server, tell)
            start = time.monotonic()
            try:
                yield
                self._mean += NEWEST * (time.monotonic() - start - self._mean)
            except RequestError:  # found when a file was read; nothing was composed
                self._allowance.spend(user, -cost)
                raise
            finally:
                self._leave()
        finally:
            self._users.discard(user)

    async def _arrive(self, server: int, tell: Callable[[Place], Awaitable[None]]) -> None:
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
