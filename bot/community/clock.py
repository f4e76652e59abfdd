"""What happens by the clock, and not because somebody asks: how one looks at it again and again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from core.errors import CadenzaError

_log = logging.getLogger(__name__)


@asynccontextmanager
async def looking(look: Callable[[datetime], Awaitable[None]], every: float, what: str) -> AsyncIterator[None]:
    """Have `look` told the time every so many seconds; the log says `what` has to wait where that fails."""

    async def run() -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await look(datetime.now(UTC))
            except CadenzaError as error:  # the database is away, and comes back
                _log.warning("%s have to wait: %s", what, error)
            except Exception:
                _log.exception("%s could not be seen to", what)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
