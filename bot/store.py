"""The database: compositions, what people think of them, and what servers have chosen."""

import secrets
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Row, delete, event, exists, func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.jobs import Jobs
from bot.tables import OPERA, RATINGS, SERVERS, SHOWN, TRAININGS
from core.errors import CadenzaError
from core.pipeline import ComposeRequest, Composition, ModelInfo, Take

NOT_KEPT: Final = frozenset({"model", "audio", "picture", "soundfont"})  # belong to the machine, not to the piece
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is easily mistaken
ID_LENGTH: Final = 8


class StoreError(CadenzaError):
    """Say what cannot be found or kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opus:
    """Hold a composition as it is kept: all that its files are made from, byte for byte.

    `author`, `server` and `parent` are ids; `request` has everything filled in but the model's folder; `given` counts
    the events at the start that the model did not write.
    """

    id: str
    author: int
    server: int | None
    parent: str | None
    created: datetime
    model: ModelInfo
    request: ComposeRequest
    text: str
    given: int
    bars: float
    seconds: float
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Hold what a server has chosen; None leaves it to the bot. Channels and roles are ids."""

    model: str | None = None
    temperature: float | None = None
    bars: int | None = None
    showcase: int | None = None
    trainers: int | None = None
    soundfont: str | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """Say where a composition stands in a showcase, by ids."""

    server: int
    channel: int
    message: int

    @property
    def link(self) -> str:
        """Return the message's address."""
        return f"https://discord.com/channels/{self.server}/{self.channel}/{self.message}"


def opus(composition: Composition, take: Take, *, author: int, server: int | None, parent: str | None = None) -> Opus:
    """Give a take an id of its own."""
    return Opus(
        id="".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH)),
        author=author,
        server=server,
        parent=parent,
        created=datetime.now(UTC),
        model=composition.model,
        request=replace(composition.request, model=composition.model.name),
        text=take.text,
        given=take.primer_events,
        bars=take.bars,
        seconds=take.seconds,
        ended=take.ended,
    )


class Store:
    """Keep everything that outlives a restart, in SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._engine = engine(url)
        self.jobs = Jobs(self._engine)

    async def __aenter__(self) -> Self:
        """Bring the tables up to date. Raises StoreError if there is no database."""
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(migrate)
        except (DBAPIError, OSError) as error:
            await self._engine.dispose()
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            raise StoreError(
                f"The database does not open: {reason}. Check CADENZA_DATABASE and CADENZA_DATA."
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def add(self, *opera: Opus) -> None:
        """Keep compositions; when this returns, they are on disk."""
        async with self._engine.begin() as connection:
            await connection.execute(insert(OPERA), [_row(each) for each in opera])

    async def get(self, id: str) -> Opus:
        """Return a composition. Raises StoreError."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(OPERA).where(OPERA.c.id == id))).one_or_none()
        if row is None:
            raise StoreError("This piece is no longer kept: it has been deleted.")
        return _opus(row)

    async def delete(self, id: str) -> None:
        """Forget a composition, with its ratings and its place in a showcase."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(OPERA).where(OPERA.c.id == id))

    async def by_author(self, author: int, limit: int, offset: int = 0) -> tuple[Opus, ...]:
        """Return a user's compositions, the newest first."""
        mine = select(OPERA).where(OPERA.c.author == author).order_by(OPERA.c.created.desc(), OPERA.c.id)
        async with self._engine.connect() as connection:
            return tuple(_opus(row) for row in await connection.execute(mine.limit(limit).offset(offset)))

    async def ids(self, author: int) -> tuple[str, ...]:
        """Return the ids of all compositions of a user."""
        async with self._engine.connect() as connection:
            return tuple((await connection.execute(select(OPERA.c.id).where(OPERA.c.author == author))).scalars())

    async def likes(self, *ids: str) -> dict[str, int]:
        """Return how many people like each of some compositions, for those that anybody likes."""
        counted = select(RATINGS.c.opus, func.count().label("likes")).where(RATINGS.c.opus.in_(ids))
        async with self._engine.connect() as connection:
            return {row.opus: row.likes for row in await connection.execute(counted.group_by(RATINGS.c.opus))}

    async def favourites(self, server: int, limit: int) -> tuple[tuple[Opus, int], ...]:
        """Return what stands in a server's showcase with the number of ratings, the best first."""
        rated = select(func.count()).select_from(RATINGS).where(RATINGS.c.opus == OPERA.c.id).scalar_subquery()
        query = (
            select(OPERA, rated.label("rated"))
            .join(SHOWN, SHOWN.c.opus == OPERA.c.id)
            .where(SHOWN.c.server == server)
            .order_by(rated.desc(), OPERA.c.created.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return tuple((_opus(row), row.rated) for row in await connection.execute(query))

    async def show(self, id: str, showing: Showing) -> None:
        """Note where a composition stands in a showcase."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(SHOWN).where(SHOWN.c.opus == id))
            await connection.execute(insert(SHOWN).values(opus=id, **asdict(showing)))

    async def showing(self, id: str) -> Showing | None:
        """Return where a composition stands in a showcase, if it does."""
        query = select(SHOWN.c.server, SHOWN.c.channel, SHOWN.c.message).where(SHOWN.c.opus == id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Showing(*row)

    async def showings(self, author: int) -> tuple[Showing, ...]:
        """Return where a user's compositions stand in showcases."""
        query = (
            select(SHOWN.c.server, SHOWN.c.channel, SHOWN.c.message)
            .join(OPERA, SHOWN.c.opus == OPERA.c.id)
            .where(OPERA.c.author == author)
        )
        async with self._engine.connect() as connection:
            return tuple(Showing(*row) for row in await connection.execute(query))

    async def withdraw(self, id: str) -> None:
        """Take a composition out of its showcase, and its ratings with it."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(SHOWN).where(SHOWN.c.opus == id))
            await connection.execute(delete(RATINGS).where(RATINGS.c.opus == id))

    async def rate(self, id: str, user: int) -> int:
        """Rate a composition, or take the rating back, and return how many like it."""
        mine = (RATINGS.c.opus == id) & (RATINGS.c.user == user)
        async with self._engine.begin() as connection:
            if (await connection.execute(select(exists().where(mine)))).scalar_one():
                await connection.execute(delete(RATINGS).where(mine))
            else:
                await connection.execute(insert(RATINGS).values(opus=id, user=user))
            count = select(func.count()).select_from(RATINGS).where(RATINGS.c.opus == id)
            return (await connection.execute(count)).scalar_one()

    async def server(self, id: int | None) -> Server:
        """Return what a server has chosen; a direct message has chosen nothing."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(SERVERS).where(SERVERS.c.id == id))).one_or_none()
        return Server() if row is None else Server(**{field.name: getattr(row, field.name) for field in fields(Server)})

    async def choose(self, id: int, server: Server) -> None:
        """Keep what a server has chosen."""
        values = asdict(server)
        async with self._engine.begin() as connection:
            changed = await connection.execute(update(SERVERS).where(SERVERS.c.id == id).values(**values))
            if not changed.rowcount:
                await connection.execute(insert(SERVERS).values(id=id, **values))

    async def forget(self, user: int) -> int:
        """Delete all that is kept of a user, and return how many compositions that were."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(RATINGS).where(RATINGS.c.user == user))
            await connection.execute(update(TRAININGS).where(TRAININGS.c.user == user).values(user=None))
            return (await connection.execute(delete(OPERA).where(OPERA.c.author == user))).rowcount


def engine(url: str) -> AsyncEngine:
    """Connect to a database, to SQLite with every commit safe on disk."""
    made = create_async_engine(url, pool_pre_ping=True)
    if made.dialect.name == "sqlite":

        @event.listens_for(made.sync_engine, "connect")
        def prepare(connection: Any, _: ConnectionPoolEntry) -> None:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
                connection.execute(f"PRAGMA {pragma}").close()

    return made


def migrate(connection: Connection) -> None:
    """Run the migrations that a database lacks."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _row(opus: Opus) -> dict[str, Any]:
    request = {name: value for name, value in asdict(opus.request).items() if name not in NOT_KEPT}
    names = (field.name for field in fields(Opus) if field.name not in ("model", "request"))
    return {name: getattr(opus, name) for name in names} | {
        "model": opus.model.name,
        "version": opus.model.version,
        "rest_unit": opus.model.rest_unit,
        "anchor": opus.model.anchor,
        "request": request,
    }


def _opus(row: Row[Any]) -> Opus:
    kept = row._mapping
    names = (field.name for field in fields(Opus) if field.name not in ("model", "request"))
    return Opus(
        model=ModelInfo(kept["model"], kept["version"], kept["rest_unit"], kept["anchor"]),
        request=ComposeRequest(model=kept["model"], **kept["request"]),
        **{name: kept[name] for name in names},
    )
