"""The films that are owed, in the database: of which message and which piece, until the film is shown or given up."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.database.engine import transaction
from bot.database.tables import FILMS


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedFilm:
    """Name a message, by ids, that is to show the film of a piece; `server` is None for a direct message."""

    message: int
    channel: int
    server: int | None
    opus: str


class OwedFilms:
    """Keep the films that are owed in the store's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def owe(self, film: OwedFilm, now: datetime) -> None:
        """Note that a film is being made; it is forgotten with its piece."""
        with suppress(IntegrityError):  # that is gone already
            async with transaction(self._engine) as connection:
                await connection.execute(delete(FILMS).where(FILMS.c.message == film.message))
                await connection.execute(insert(FILMS).values(**asdict(film), beat=now))

    async def settle(self, message: int) -> None:
        """Note that a film is shown, or given up."""
        async with transaction(self._engine) as connection:
            await connection.execute(delete(FILMS).where(FILMS.c.message == message))

    async def claim(self, now: datetime, patience: timedelta) -> tuple[OwedFilm, ...]:
        """Return the films whose process has had its time, which are from now on for this one alone to make."""
        columns = (FILMS.c.message, FILMS.c.channel, FILMS.c.server, FILMS.c.opus)
        claimed = update(FILMS).where(FILMS.c.beat <= now - patience).values(beat=now).returning(*columns)
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(claimed)).all()
        return tuple(OwedFilm(**row._mapping) for row in rows)
