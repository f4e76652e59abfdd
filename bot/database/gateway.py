"""What processes with shards of one bot agree on: who may IDENTIFY, and who tells Discord of the commands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.database.engine import StoreError, transaction
from bot.database.tables import IDENTIFIED, SYNCED

EVERY: Final = timedelta(seconds=5.5)  # between two IDENTIFYs of one bucket; Discord wants five seconds
LOOK: Final = 0.5  # seconds between two looks whether it is time


class Gateway:
    """Let the processes of a bot take turns."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def identify(self, shard: int, concurrency: int) -> None:
        """Wait until a shard may IDENTIFY, of which `concurrency` may at once, one of each `shard % concurrency`."""
        values = {"bucket": shard % concurrency, "moment": func.now()}
        claim = upsert(IDENTIFIED).values(values)
        claim = claim.on_conflict_do_update(
            index_elements=[IDENTIFIED.c.bucket],
            set_={"moment": func.now()},
            where=IDENTIFIED.c.moment < func.now() - EVERY,
        )
        while True:
            try:
                async with transaction(self._engine) as connection:
                    if (await connection.execute(claim.returning(IDENTIFIED.c.bucket))).scalar() is not None:
                        return
            except StoreError:  # which comes back
                pass
            await asyncio.sleep(LOOK)

    @asynccontextmanager
    async def syncing(self, bot: int, digest: str) -> AsyncIterator[bool]:
        """Tell whether commands with this digest are still to be sent, which no other process does meanwhile."""
        change = upsert(SYNCED).values(bot=bot, digest=digest)
        change = change.on_conflict_do_update(
            index_elements=[SYNCED.c.bot], set_={"digest": digest}, where=SYNCED.c.digest != digest
        )
        async with self._engine.begin() as connection:
            yield (await connection.execute(change.returning(SYNCED.c.bot))).scalar() is not None
