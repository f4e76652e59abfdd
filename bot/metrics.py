"""Figures for Prometheus, and whether this process is well, on a page of its own: /metrics and /health."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

SECONDS: Final = (0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600)

REQUESTS: Final = Counter("cadenza_requests", "Requests that have ended", ["kind", "outcome"])
WAIT: Final = Histogram("cadenza_wait_seconds", "Seconds from a request to its turn", buckets=SECONDS)
WORK: Final = Histogram(
    "cadenza_work_seconds", "Seconds of work, by stage: a function of core, deliver, answer", ["stage"], buckets=SECONDS
)
WAITING: Final = Gauge("cadenza_waiting", "Requests that no machine has begun")
BEGUN: Final = Gauge("cadenza_begun", "Requests at work")
MACHINES: Final = Gauge("cadenza_machines", "Machines alive", ["role"])
TRAININGS: Final = Gauge("cadenza_trainings", "Trainings, by state", ["state"])
ERRORS: Final = Counter("cadenza_errors", "Errors in the log", ["logger"])


class _Errors(logging.Handler):
    """Count what is logged as an error."""

    def emit(self, record: logging.LogRecord) -> None:
        ERRORS.labels(record.name.partition(".")[0]).inc()


@asynccontextmanager
async def served(host: str, port: int, look: Callable[[], Awaitable[bool]]) -> AsyncIterator[int]:
    """Serve the figures, and yield the port; `look` brings gauges up to date, and tells whether all is well."""

    async def figures(_: web.Request) -> web.Response:
        await look()
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(_: web.Request) -> web.Response:
        well = await look()
        return web.Response(text="well\n" if well else "not well\n", status=200 if well else 503)

    application = web.Application()
    application.add_routes([web.get("/metrics", figures), web.get("/health", health)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    errors = _Errors(logging.ERROR)
    logging.getLogger().addHandler(errors)
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        logging.getLogger().removeHandler(errors)
        await runner.cleanup()
