"""What chat processes share: requests that have not been answered, allowances, and the machines that work for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Row, and_, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.database.engine import transaction
from bot.database.tables import ALLOWANCES, MACHINES, REQUESTS, RESULTS

DEAD_AFTER: Final = timedelta(seconds=15)  # without a sign of life
GONE_AFTER: Final = timedelta(minutes=16)  # since it was asked; Discord forgets a promised answer after 15
ADMISSION: Final = 0x63616431  # the key of the lock under which requests are let in, one after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Hold a request that has not been answered, as bot.database.tables.REQUESTS has it."""

    id: int
    user: int
    server: int
    turn: int
    claimed: bool
    origin: Mapping[str, Any]
    job: Mapping[str, Any] | None
    made: Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Tell how things stand for a request that would come in.

    `busy`: its user has one already. `waiting` counts its server's requests that no machine has begun, `ahead` those of
    all that would go first, `begun` those at work; `slots` is how much all machines do at once, `seconds` a request's
    mean. `spent` was spent `since` so many seconds.
    """

    busy: bool
    waiting: int
    ahead: int
    begun: int
    slots: int
    seconds: float
    spent: float
    since: float


class Requests:
    """Keep the requests of the chat process `chat` among those of all."""

    def __init__(self, engine: AsyncEngine, chat: str) -> None:
        self._engine, self._chat = engine, chat

    async def enter(
        self,
        *,
        id: int,
        user: int,
        server: int,
        origin: Mapping[str, Any],
        check: Callable[[Standing], float],
        enter: bool = True,
    ) -> int:
        """Let a request in, and return its turn; `check` raises what speaks against it, or returns what is spent then.

        Servers take turns: a request's is the first one in which its server has none, among those that are not over.
        """
        async with transaction(self._engine) as connection:
            if enter:
                await connection.execute(select(func.pg_advisory_xact_lock(ADMISSION)))
            standing, turn = await _standing(connection, user, server)
            spent = check(standing)
            if not enter:
                return turn
            values = {"user": user, "spent": spent, "moment": func.now()}
            spend = upsert(ALLOWANCES).values(values)
            await connection.execute(spend.on_conflict_do_update(index_elements=[ALLOWANCES.c.user], set_=values))
            await connection.execute(
                insert(REQUESTS).values(
                    id=id,
                    user=user,
                    server=server,
                    turn=turn,
                    asked=func.now(),
                    chat=self._chat,
                    beat=func.now(),
                    claimed=False,
                    origin=dict(origin),
                )
            )
        return turn

    async def place(self, id: int) -> tuple[int, int, float] | None:
        """Return how many go before a request, how much is done at once, a mean of seconds; None once it is begun."""
        async with transaction(self._engine) as connection:
            mine = (await connection.execute(select(REQUESTS).where(REQUESTS.c.id == id))).one_or_none()
            if mine is None or mine.begun is not None:
                return None
            before = or_(REQUESTS.c.turn < mine.turn, and_(REQUESTS.c.turn == mine.turn, REQUESTS.c.asked < mine.asked))
            query = select(func.count()).select_from(REQUESTS).where(REQUESTS.c.begun.is_(None), before)
            ahead = (await connection.execute(query)).scalar_one()
            return ahead, *(await _machines(connection))

    async def begin(self, id: int) -> float | None:
        """Note that a machine has begun with a request, and return how many seconds it waited; None for a later job."""
        async with transaction(self._engine) as connection:
            first = update(REQUESTS).where(REQUESTS.c.id == id, REQUESTS.c.begun.is_(None)).values(begun=func.now())
            waited = func.extract("epoch", func.now() - REQUESTS.c.asked)
            found = (await connection.execute(first.returning(waited))).scalar_one_or_none()
        return None if found is None else float(found)

    async def note(self, id: int, **values: Any) -> bool:
        """Change what is kept of a request of this process; return False if it is another's by now, or gone."""
        return await self._change(id, REQUESTS.c.chat == self._chat, **values)

    async def wanted(self, id: int) -> bool:
        """Tell whether the user of a composition has not had themselves forgotten since it was asked for."""
        async with transaction(self._engine) as connection:
            job = (await connection.execute(select(REQUESTS.c.job).where(REQUESTS.c.id == id))).scalar_one_or_none()
        return job is not None

    async def close(self, *ids: int) -> None:
        """Forget requests of this process that have been answered."""
        async with transaction(self._engine) as connection:
            mine = REQUESTS.c.id.in_(ids) & (REQUESTS.c.chat == self._chat)
            await connection.execute(delete(REQUESTS).where(mine))
            await connection.execute(delete(RESULTS).where(RESULTS.c.request.in_(ids)))

    async def refund(self, user: int, cost: float) -> None:
        """Give back what a user has spent for nothing."""
        async with transaction(self._engine) as connection:
            less = func.greatest(0.0, ALLOWANCES.c.spent - cost)
            await connection.execute(update(ALLOWANCES).where(ALLOWANCES.c.user == user).values(spent=less))

    async def beat(self) -> None:
        """Give a sign of life for the requests of this process."""
        async with transaction(self._engine) as connection:
            await connection.execute(update(REQUESTS).where(REQUESTS.c.chat == self._chat).values(beat=func.now()))

    async def leave(self) -> None:
        """Leave the requests of this process to others."""
        async with transaction(self._engine) as connection:
            await connection.execute(update(REQUESTS).where(REQUESTS.c.chat == self._chat).values(chat=None))

    async def orphans(self, *, all_silent: bool) -> tuple[Pending, ...]:
        """Take over the requests whose process was stopped, and if `all_silent` those whose process gives no sign.

        Those that Discord has forgotten are dropped.
        """
        silent = and_(REQUESTS.c.chat != self._chat, REQUESTS.c.beat < func.now() - DEAD_AFTER)
        dead = or_(REQUESTS.c.chat.is_(None), silent) if all_silent else REQUESTS.c.chat.is_(None)
        async with transaction(self._engine) as connection:
            gone = REQUESTS.c.asked < func.now() - GONE_AFTER
            await connection.execute(delete(REQUESTS).where(dead, gone))
            found = select(REQUESTS.c.id).where(dead).with_for_update(skip_locked=True).scalar_subquery()
            taken = update(REQUESTS).where(REQUESTS.c.id.in_(found)).values(chat=self._chat, beat=func.now())
            return tuple(_pending(row) for row in await connection.execute(taken.returning(REQUESTS)))

    async def _change(self, id: int, which: Any, **values: Any) -> bool:
        async with transaction(self._engine) as connection:
            change = update(REQUESTS).where(REQUESTS.c.id == id, which).values(**values)
            return bool((await connection.execute(change)).rowcount)


class Machines:
    """Keep which machines there are."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def beat(self, id: str, role: str, slots: int, seconds: float) -> None:
        """Give a machine's sign of life, and forget those that have given none for long."""
        values = {"role": role, "slots": slots, "seconds": seconds, "beat": func.now()}
        sign = upsert(MACHINES).values(id=id, **values)
        async with transaction(self._engine) as connection:
            await connection.execute(sign.on_conflict_do_update(index_elements=[MACHINES.c.id], set_=values))
            await connection.execute(delete(MACHINES).where(MACHINES.c.beat < func.now() - 4 * DEAD_AFTER))

    async def leave(self, id: str) -> None:
        """Take a machine off the list."""
        async with transaction(self._engine) as connection:
            await connection.execute(delete(MACHINES).where(MACHINES.c.id == id))

    async def alive(self) -> dict[str, int]:
        """Count the machines that are alive, by role."""
        query = select(MACHINES.c.role, func.count()).where(MACHINES.c.beat > func.now() - DEAD_AFTER)
        async with transaction(self._engine) as connection:
            found = await connection.execute(query.group_by(MACHINES.c.role))
            return {row.role: row[1] for row in found}


async def _standing(connection: AsyncConnection, user: int, server: int) -> tuple[Standing, int]:
    """Return how things stand for a request, and what its turn would be."""
    figures = text(
        """
        SELECT EXISTS (SELECT FROM requests WHERE "user" = :user) AS busy,
               count(*) FILTER (WHERE begun IS NULL AND server = :server) AS waiting,
               count(*) FILTER (WHERE begun IS NOT NULL) AS begun,
               min(turn) FILTER (WHERE begun IS NULL) AS next,
               max(turn) FILTER (WHERE begun IS NOT NULL) AS last,
               max(turn) FILTER (WHERE begun IS NULL AND server = :server) AS own
        FROM requests
        """
    )
    row = (await connection.execute(figures, {"user": user, "server": server})).one()
    over = (row.last or 0) if row.next is None else row.next - 1
    turn = 1 + max(over, row.own or 0)
    first = select(func.count()).select_from(REQUESTS).where(REQUESTS.c.begun.is_(None), REQUESTS.c.turn <= turn)
    ahead = (await connection.execute(first)).scalar_one()
    slots, seconds = await _machines(connection)
    account = select(ALLOWANCES.c.spent, func.extract("epoch", func.now() - ALLOWANCES.c.moment).label("since"))
    kept = (await connection.execute(account.where(ALLOWANCES.c.user == user))).one_or_none()
    return Standing(
        busy=row.busy,
        waiting=row.waiting,
        ahead=ahead,
        begun=row.begun,
        slots=slots,
        seconds=seconds,
        spent=0.0 if kept is None else kept.spent,
        since=0.0 if kept is None else float(kept.since),
    ), turn


async def _machines(connection: AsyncConnection) -> tuple[int, float]:
    """Return how much all machines compose at once, and the mean seconds that a request takes them."""
    query = select(func.sum(MACHINES.c.slots), func.avg(MACHINES.c.seconds)).where(
        MACHINES.c.role == "compose", MACHINES.c.beat > func.now() - DEAD_AFTER
    )
    slots, seconds = (await connection.execute(query)).one()
    return int(slots or 0), float(seconds or 0.0)


def _pending(row: Row[Any]) -> Pending:
    kept = row._mapping
    return Pending(
        id=kept["id"],
        user=kept["user"],
        server=kept["server"],
        turn=kept["turn"],
        claimed=kept["claimed"],
        origin=kept["origin"],
        job=kept["job"],
        made=kept["made"],
    )
