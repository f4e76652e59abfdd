"""The way to the database: its connections, its migrations, and what is said where it fails."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from core.errors import CadenzaError

UPSERT: Final[Mapping[str, Callable[..., sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
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
    except (DBAPIError, OSError) as error:
        _log.error("The database failed", exc_info=error)
        raise StoreError(
            "The database cannot be reached or is full, so nothing has changed. Try again in a minute."
        ) from error


def engine(url: str) -> AsyncEngine:
    """Connect to a database, to SQLite with every commit safe on disk."""
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
    command.upgrade(config, to)
