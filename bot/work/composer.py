"""A composing machine: takes jobs from the queue, has its workers do them, and leaves the results by their keys."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from pgqueuer.core.qm import QueueManager
from pgqueuer.domain import models
from pgqueuer.domain.errors import FailingListenerError

from bot import metrics
from bot.database.requests import Machines, Requests
from bot.work.dispatcher import KEY, entrypoint, outcome, spare_entrypoint
from bot.work.parcels import Parcels
from bot.work.postgres import LOST, PAUSE, Connections
from bot.work.queue import NEWEST, TYPICAL
from bot.work.workers import SPARE_DEADLINE, WorkError, Workers
from core.errors import CadenzaError

HEARTBEAT: Final = timedelta(seconds=4)  # without a sign of life, after which another machine takes a job up
LOOK: Final = timedelta(seconds=2)  # between two looks for what a dead machine has left
BEAT: Final = 3.0  # seconds between two of the machine's own signs of life
PROBES: Final = 4  # that go unheard before the way to the queue counts as lost
STARTS: Final = 3  # of one job, whose machine has died each time, before it is given up
KEPT: Final = timedelta(minutes=20)  # how long a result waits for whoever asked; Discord forgets them after 15

_log = logging.getLogger(__name__)


class ComposingMachine:
    """Take as many jobs at once as there are workers, and one that nobody waits for."""

    def __init__(
        self,
        connections: Connections,
        workers: Workers,
        parcels: Parcels,
        requests: Requests,
        machines: Machines,
        *,
        slots: int,
    ) -> None:
        self.id = secrets.token_hex(8)
        self._connections, self._workers, self._parcels = connections, workers, parcels
        self._requests, self._machines, self._slots = requests, machines, slots
        self._mean = TYPICAL

    async def run(self) -> None:
        """Work until cancelled, through every loss of the database."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat())
            group.create_task(self._sweep())
            group.create_task(self._keep_taking(spare_entrypoint(), self._work_to_spare, 1))
            try:
                await self._keep_taking(entrypoint(), self._work, self._slots)
            finally:
                with suppress(Exception):
                    await self._machines.leave(self.id)

    async def _keep_taking(self, queue: str, work: Callable[[models.Job], Awaitable[None]], slots: int) -> None:
        while True:
            try:
                await self._take(queue, work, slots)
            except (*LOST, FailingListenerError) as error:
                _log.warning("The queue does not answer, and will be asked again: %s", error)
            except Exception:
                _log.exception("The queue came to a halt, and will be asked again")
            await asyncio.sleep(PAUSE)

    async def _take(self, queue: str, work: Callable[[models.Job], Awaitable[None]], slots: int) -> None:
        """Take jobs until the queue is lost."""
        manager = _Manager(self._connections.queries, slots=slots)
        manager.entrypoint(queue)(work)
        await manager.run(
            batch_size=1,
            max_concurrent_tasks=max(2, slots),
            heartbeat_timeout=HEARTBEAT,
            dequeue_timeout=LOOK,
            shutdown_on_listener_failure=True,
        )

    async def _work(self, job: models.Job) -> None:
        """Do a job whose result is not there yet."""
        key = str((job.headers or {})[KEY])
        number, start = key.partition(":")[0], time.monotonic()
        request = int(number) if number.isdecimal() else None
        row = await self._connections.pool.fetchrow(
            "INSERT INTO results (key, request, starts, expires) VALUES ($1, $2, 1, now() + $3)"
            " ON CONFLICT (key) DO UPDATE SET starts = results.starts + 1 RETURNING starts, data IS NOT NULL AS done",
            key,
            request,
            KEPT,
        )
        if row["done"]:
            return
        if request is not None:
            waited = await self._requests.begin(request)
            if waited is not None:
                metrics.WAIT.observe(waited)
        if row["starts"] > STARTS:
            died = WorkError("The process that worked on this crashed twice. Ask for less, or try again in a minute.")
            result = outcome(error=CadenzaError(died.message))
        else:
            result = await self._do(job.payload or b"", self._workers.run)
        seconds = time.monotonic() - start
        self._mean += NEWEST * (seconds - self._mean)
        await self._leave(key, request, self._parcels.pack(result))
        _log.info("The job %s took %.1f s, and its result is left for who waits for it", key, seconds)

    async def _work_to_spare(self, job: models.Job) -> None:
        """Do a job that nobody waits for, unless it has been given up."""
        key = str((job.headers or {})[KEY])
        limit = timedelta(seconds=SPARE_DEADLINE)
        if await self._connections.pool.fetchval("SELECT now() < $1::timestamptz + $2::interval", job.created, limit):
            result = await self._do(job.payload or b"", self._workers.spare)
            await self._leave(key, None, self._parcels.pack(result))

    async def _do(self, payload: bytes, run: Callable[..., Awaitable[Any]]) -> tuple[Any, CadenzaError | None]:
        try:
            function, args, kwargs = await asyncio.to_thread(self._parcels.unpack, payload)  # with its model
            return outcome(await run(function, *args, **kwargs))
        except WorkError as error:
            return outcome(error=CadenzaError(error.message))  # which is known to all
        except CadenzaError as error:
            return outcome(error=error)
        except Exception as error:
            reference = secrets.token_hex(4)
            _log.error("Reference %s, in a job", reference, exc_info=error)
            excuse = "Something went wrong here, and it is not your fault. It is in the log as `{reference}`."
            return outcome(error=CadenzaError(excuse, reference=reference))

    async def _leave(self, key: str, request: int | None, content: bytes) -> None:
        """Leave a result where it is waited for, as soon as there is a database."""
        end = time.monotonic() + KEPT.total_seconds()
        while time.monotonic() < end:
            try:
                await self._connections.pool.execute(
                    "INSERT INTO results (key, request, starts, data, expires) VALUES ($1, $2, 1, $3, now() + $4)"
                    " ON CONFLICT (key) DO UPDATE SET data = coalesce(results.data, excluded.data)",
                    key,
                    request,
                    content,
                    KEPT,
                )
                await self._connections.say(f"result {key}")
            except LOST as error:
                _log.warning("A result cannot be left: %s", error)
                await asyncio.sleep(PAUSE)
            else:
                return

    async def _beat(self) -> None:
        while True:
            with suppress(*LOST):
                await self._machines.beat(self.id, "compose", self._slots, self._mean)
            await asyncio.sleep(BEAT)

    async def _sweep(self) -> None:
        """Delete results that nobody has fetched."""
        while True:
            with suppress(*LOST):
                await self._connections.pool.execute("DELETE FROM results WHERE expires < now()")
            await asyncio.sleep(60)


class _Manager(QueueManager):
    """Take no more jobs than there are workers, even where there is one, for which PgQueuer would take two."""

    def __init__(self, queries: Any, *, slots: int) -> None:
        super().__init__(queries)
        self._slots = slots

    async def fetch_jobs(
        self, batch_size: int, global_concurrency_limit: int | None, heartbeat_timeout: timedelta
    ) -> AsyncGenerator[models.Job, None]:
        async for job in super().fetch_jobs(batch_size, self._slots, heartbeat_timeout):
            yield job

    async def listener_healthy(self, timeout: timedelta = 4 * LOOK) -> models.HealthCheckEvent:  # noqa: ASYNC109
        """Ask several times: PgQueuer's first question may be gone by the moment in which it begins to listen."""
        for _ in range(PROBES - 1):
            with suppress(FailingListenerError):
                return await super().listener_healthy(timeout / PROBES)
        return await super().listener_healthy(timeout / PROBES)
