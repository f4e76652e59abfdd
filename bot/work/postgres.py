"""The way to the PostgreSQL that processes share: connections that come back, PgQueuer's tables, and news."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Self

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings, Durability
from sqlalchemy import make_url

from bot.database.engine import SESSION, StoreError

CHANNEL: Final = "cadenza"  # on which it is said that something is new: results, cancelled trainings
INSTALLING: Final = 0x63616432  # the key of the lock under which PgQueuer's tables are made
PAUSE: Final = 1.0  # seconds between two tries to reach a database that is gone
LOST: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, StoreError, TimeoutError)

_log = logging.getLogger(__name__)


class Connections:
    """Hold this process's connections to a database by URL; a context."""

    def __init__(self, url: str, most: int = 4) -> None:
        self._url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._most = most
        self._pool: asyncpg.Pool[Any] | None = None
        self._heard: set[Callable[[str], None]] = set()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect, and make PgQueuer's tables. Raises StoreError."""
        try:
            self._pool = await asyncpg.create_pool(
                self._url, min_size=1, max_size=self._most, command_timeout=30, server_settings=SESSION
            )
            await self._install()
        except LOST as error:
            raise StoreError("The database cannot be opened: {error}. Check CADENZA_DATABASE.", error=error) from error
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        with suppress(TimeoutError, *LOST):
            await asyncio.wait_for(self.pool.close(), 5)
        self.pool.terminate()

    @property
    def pool(self) -> "asyncpg.Pool[Any]":
        """Return the pool; its connections are replaced when they are lost."""
        assert self._pool is not None
        return self._pool

    @property
    def queries(self) -> Queries:
        """Return PgQueuer's door to the queue."""
        return Queries(AsyncpgPoolDriver(self.pool), _settings())

    async def say(self, news: str) -> None:
        """Tell all processes that something is new."""
        await self.pool.execute("SELECT pg_notify($1, $2)", CHANNEL, news)

    @asynccontextmanager
    async def hearing(self, listener: Callable[[str], None]) -> AsyncIterator[None]:
        """Have a function called with each piece of news; with none after the connection was lost."""
        self._heard.add(listener)
        try:
            yield
        finally:
            self._heard.discard(listener)

    async def _install(self) -> None:
        async with self.pool.acquire() as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", INSTALLING)
            try:
                queries = Queries.from_asyncpg_connection(connection)
                queries.qbe = _settings()
                if await queries.schema_is_installed():
                    await queries.upgrade()
                else:
                    await queries.install()
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", INSTALLING)

    async def _listen(self) -> None:
        """Listen, on a connection that is made again whenever it is lost."""
        while True:
            with suppress(*LOST):
                connection = await asyncpg.connect(self._url, timeout=10)
                try:
                    lost = asyncio.Event()
                    connection.add_termination_listener(lambda _, lost=lost: lost.set())
                    await connection.add_listener(CHANNEL, lambda *told: self._spread(told[-1]))
                    self._spread("")
                    await lost.wait()
                    _log.warning("The connection to the database was lost")
                finally:
                    connection.terminate()
            await asyncio.sleep(PAUSE)

    def _spread(self, news: str) -> None:
        for listener in tuple(self._heard):
            listener(news)


def _settings() -> QueryBuilderEnvironment:
    """Return PgQueuer's settings: the queue outlives a crash of the database, its log need not."""
    return QueryBuilderEnvironment(settings=DBSettings(durability=Durability.balanced))
