"""What the members of a server like, in the database: one vote of each kind for a member and a piece."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Final, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.database.engine import UPSERT, transaction
from bot.database.tables import VOTES

Kind = Literal["like", "pick", "delete", "again"]
Figures = Mapping[str, float]

MOST: Final = 500  # votes of a server that are kept, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Hold a vote: of one piece, by its figures, over `others`, or of these over the average one if `liked` is None.

    `server`, `user` and `opus` are ids.
    """

    server: int
    user: int
    kind: Kind
    opus: str
    liked: Figures | None
    others: Sequence[Figures] = ()
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))


class Votes:
    """Keep votes in the store's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, choice: Choice) -> None:
        """Keep a vote; the same one again changes nothing, and the oldest of too many go."""
        values = {**asdict(choice), "others": list(choice.others)}
        newest = select(VOTES.c.moment).where(VOTES.c.server == choice.server).order_by(VOTES.c.moment.desc())
        first = newest.limit(1).offset(MOST - 1).scalar_subquery()
        async with transaction(self._engine) as connection:
            insert = UPSERT[self._engine.dialect.name](VOTES).values(**values)
            await connection.execute(insert.on_conflict_do_nothing())
            await connection.execute(delete(VOTES).where(VOTES.c.server == choice.server, VOTES.c.moment < first))

    async def take_back(self, server: int, user: int, kind: Kind, opus: str) -> None:
        """Forget a vote."""
        mine = (VOTES.c.server == server) & (VOTES.c.user == user) & (VOTES.c.kind == kind) & (VOTES.c.opus == opus)
        async with transaction(self._engine) as connection:
            await connection.execute(delete(VOTES).where(mine))

    async def of(self, server: int) -> tuple[Choice, ...]:
        """Return a server's votes, the oldest first."""
        query = select(VOTES).where(VOTES.c.server == server).order_by(VOTES.c.moment, VOTES.c.user, VOTES.c.opus)
        async with transaction(self._engine) as connection:
            rows = [row._mapping for row in await connection.execute(query)]
        return tuple(Choice(**{each.name: row[each.name] for each in fields(Choice)}) for row in rows)

    async def stamp(self, server: int) -> tuple[int, datetime | None]:
        """Return what changes whenever a server's votes do: how many there are, and when the newest was given."""
        query = select(func.count(), func.max(VOTES.c.moment)).where(VOTES.c.server == server)
        async with transaction(self._engine) as connection:
            count, newest = (await connection.execute(query)).one()
        return count, newest

    async def forget(self, server: int) -> None:
        """Forget what a server likes."""
        async with transaction(self._engine) as connection:
            await connection.execute(delete(VOTES).where(VOTES.c.server == server))
