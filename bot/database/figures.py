"""What the database knows for those who watch over it."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import metrics
from bot.database.engine import StoreError, transaction
from bot.database.requests import DEAD_AFTER
from bot.database.tables import MACHINES, REQUESTS, TRAININGS


async def look(engine: AsyncEngine, waiting: int | None = None, begun: int = 0) -> bool:
    """Bring the gauges up to date; return False if the database cannot be reached.

    A process that is alone says how many requests are `waiting` and `begun`, of which its database knows nothing.
    """
    at_work = REQUESTS.c.begun.is_not(None)
    try:
        async with transaction(engine) as connection:
            counted = select(at_work, func.count()).group_by(at_work)
            requests = {row[0]: row[1] for row in await connection.execute(counted)}
            states = select(TRAININGS.c.state, func.count()).group_by(TRAININGS.c.state)
            trainings = {row[0]: row[1] for row in await connection.execute(states)}
            machines = {}
            if engine.dialect.name == "postgresql":
                alive = select(MACHINES.c.role, func.count()).where(MACHINES.c.beat > func.now() - DEAD_AFTER)
                machines = {row[0]: row[1] for row in await connection.execute(alive.group_by(MACHINES.c.role))}
    except StoreError:
        return False
    metrics.WAITING.set(requests.get(False, 0) if waiting is None else waiting)
    metrics.BEGUN.set(requests.get(True, 0) if waiting is None else begun)
    for role in ("compose", "train"):
        metrics.MACHINES.labels(role).set(machines.get(role, 0))
    for state in ("queued", "running", "done", "failed", "cancelled"):
        metrics.TRAININGS.labels(state).set(trainings.get(state, 0))
    return True
