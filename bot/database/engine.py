"""The way to the database: its connections, its migrations, and what is said where it fails."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from core.errors import CadenzaError

UPSERT: Final[Mapping[str, Callable[..., sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
FREE_AFTER: Final = 10  # seconds, in which there is a connection or none
CONNECTED_AFTER: Final = 10  # seconds, or the database is away
SESSION: Final = {  # so that the locks go of a machine that is frozen or cut off in mid-transaction
    "idle_in_transaction_session_timeout": "15s",  # as long as a process that gives no sign of life counts as alive
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

_log = logging.getLogger(__name__)


class StoreError(CadenzaError):
    """Say what cannot be found or kept."""


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Read and write, all or nothing. Raises StoreError where the database is lost or full."""
    try:
        async with engine.begin() as connection:
            yield connection
    except (IntegrityError, ProgrammingError):  # what they mean is not for a user
        raise
    except (DBAPIError, NoneFree, OSError) as error:
        _log.error("The database failed", exc_info=error)
        raise StoreError(
            "The database cannot be reached or is full, so nothing has changed. Try again in a minute."
        ) from error


def engine(url: str) -> AsyncEngine:
    """Connect to a database, to SQLite with every commit safe on disk."""
    if url.startswith("postgresql"):
        return create_async_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=FREE_AFTER,
            connect_args={"timeout": CONNECTED_AFTER, "server_settings": SESSION},
        )
    made = create_async_engine(url, pool_pre_ping=True)
    if made.dialect.name == "sqlite":

        @event.listens_for(made.sync_engine, "connect")
        def prepare(connection: Any, _: ConnectionPoolEntry) -> None:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
                connection.execute(f"PRAGMA {pragma}").close()

    return made


def migrate(connection: Connection, to: str = "head") -> None:
    """Run the migrations that a database lacks, up to one of them."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # it takes its time
    command.upgrade(config, to)
