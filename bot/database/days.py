"""The pieces of the day, in the database: one for a server and a date, from its takes to the one that is pinned."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.database.engine import transaction
from bot.database.tables import DAYS

LEASE: Final = timedelta(minutes=10)  # without a sign of life, after which another process composes


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Hold a piece of the day as it is kept: `server`, `channel`, `message` and `pinned` are ids.

    The `takes` are ids of pieces, and the `message` asks which is best until `closes`. The `winner` is one of them.
    """

    server: int
    date: str
    channel: int
    beat: datetime
    takes: Sequence[str] | None = None
    message: int | None = None
    closes: datetime | None = None
    winner: str | None = None
    pinned: int | None = None


class Days:
    """Keep pieces of the day in the store's database; each step is done by one process alone."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def begin(self, server: int, date: str, channel: int, now: datetime) -> bool:
        """Tell whether a day's piece is for this process to compose."""
        try:
            async with transaction(self._engine) as connection:
                await connection.execute(insert(DAYS).values(server=server, date=date, channel=channel, beat=now))
        except IntegrityError:
            return await self._change(
                server, date, DAYS.c.takes.is_(None) & (DAYS.c.beat < now - LEASE), beat=now, channel=channel
            )
        return True

    async def skip(self, server: int, date: str, channel: int, now: datetime) -> None:
        """Leave a day out, if it has not begun."""
        await self.begin(server, date, channel, now)
        await self._change(server, date, DAYS.c.takes.is_(None), takes=[])

    async def show(self, server: int, date: str, takes: Sequence[str]) -> bool:
        """Note which takes are about to be shown; tell whether that was still to be done."""
        return await self._change(server, date, DAYS.c.takes.is_(None), takes=list(takes))

    async def ask(self, server: int, date: str, message: int, closes: datetime) -> None:
        """Note which message asks for the best take, and until when."""
        await self._change(server, date, DAYS.c.message.is_(None), message=message, closes=closes)

    async def win(self, server: int, date: str, winner: str) -> bool:
        """Note which take is the best; tell whether it was still unknown."""
        return await self._change(server, date, DAYS.c.winner.is_(None), winner=winner)

    async def pin(self, server: int, date: str, message: int | None) -> None:
        """Note which message is pinned, None if it is no longer."""
        await self._change(server, date, DAYS.c.winner.is_not(None), pinned=message)

    async def closing(self, server: int, now: datetime) -> tuple[Day, ...]:
        """Return the days whose vote has ended and that have no winner yet."""
        return await self._list(server, DAYS.c.message.is_not(None) & DAYS.c.winner.is_(None) & (DAYS.c.closes <= now))

    async def pinned(self, server: int) -> tuple[Day, ...]:
        """Return the days whose winners are pinned."""
        return await self._list(server, DAYS.c.pinned.is_not(None))

    async def _list(self, server: int, which: Any) -> tuple[Day, ...]:
        query = select(DAYS).where((DAYS.c.server == server) & which).order_by(DAYS.c.date)
        async with transaction(self._engine) as connection:
            rows = [row._mapping for row in await connection.execute(query)]
        return tuple(Day(**{each.name: row[each.name] for each in fields(Day)}) for row in rows)

    async def _change(self, server: int, date: str, when: Any, **values: Any) -> bool:
        which = (DAYS.c.server == server) & (DAYS.c.date == date) & when
        async with transaction(self._engine) as connection:
            return bool((await connection.execute(update(DAYS).where(which).values(**values))).rowcount)
