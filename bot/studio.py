"""The async door to core: worker processes, a deadline for each request, dead workers replaced."""

import asyncio
import logging
import multiprocessing
from collections.abc import Callable
from concurrent.futures import TimeoutError as DeadlineError
from concurrent.futures.process import BrokenProcessPool
from threading import Lock
from typing import Any, Final, ParamSpec, Self, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from core import pipeline
from core.errors import CadenzaError
from core.pipeline import ComposeRequest, Composition

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS: Final = 3  # a worker that dies can take the others along, so one mishap may cost two attempts

_log = logging.getLogger(__name__)


class StudioError(CadenzaError):
    """Say that the work was given up, and what may help."""


class Studio:
    """Run core in processes of their own, so that the chat never waits for music.

    `warm_up` is what each process composes when it starts, so that its first real request finds everything loaded;
    `deadline` is in seconds.
    """

    def __init__(self, workers: int, deadline: float, warm_up: ComposeRequest) -> None:
        self._workers, self._deadline, self._warm_up = workers, deadline, warm_up
        self._pool = self._fresh_pool()
        self._closed = False
        self._scheduling = Lock()
        self._pending: set[ProcessFuture[Any]] = set()

    @property
    def playing(self) -> int:
        """Count the requests that a worker has begun."""
        return sum(future.running() for future in self._pending)

    async def __aenter__(self) -> Self:
        """Start the workers and wait for a first sound. Raises CadenzaError where this machine cannot compose."""
        try:
            await self.compose(self._warm_up)
        except BaseException:
            await asyncio.to_thread(self.stop)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the workers, whatever they do."""
        await asyncio.to_thread(self.stop)

    async def compose(self, request: ComposeRequest) -> Composition:
        """Compose in a worker. Raises CadenzaError."""
        return await self.run(pipeline.compose, request)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run any function of core in a worker. Raises what it raises, and StudioError if it was given up."""
        for attempt in range(ATTEMPTS):
            future: ProcessFuture[T] = await asyncio.to_thread(self._schedule, function, args, kwargs)
            self._pending.add(future)
            try:
                return await asyncio.wrap_future(future)
            except (ProcessExpired, BrokenProcessPool) as error:
                _log.warning("A worker died in attempt %s: %s", attempt + 1, error)
            except DeadlineError:
                raise StudioError(
                    f"This took longer than {self._deadline:g} seconds and was given up. Ask for fewer bars or takes."
                ) from None
            finally:
                self._pending.discard(future)
        raise StudioError("The process that worked on this died again and again. Ask for less, or try in a minute.")

    def stop(self) -> None:
        """Stop the workers, whatever they do, and wait until they are gone."""
        with self._scheduling:
            self._closed = True
            _end(self._pool)

    def _schedule(self, function: Callable[..., T], args: Any, kwargs: Any) -> ProcessFuture[T]:
        with self._scheduling:
            if self._closed:
                raise StudioError("The bot is being stopped. Try again in a minute.")
            try:
                return self._pool.schedule(function, args, kwargs, self._deadline)
            except RuntimeError as error:  # all workers died at once, which a pool does not survive
                _log.warning("The workers start anew: %s", error)
                _end(self._pool)
                self._pool = self._fresh_pool()
                return self._pool.schedule(function, args, kwargs, self._deadline)

    def _fresh_pool(self) -> ProcessPool:
        spawn = multiprocessing.get_context("spawn")
        return ProcessPool(self._workers, initializer=warm, initargs=(self._warm_up,), context=spawn)


def _end(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()


def warm(request: ComposeRequest) -> None:
    """Load a worker's model and everything else by composing; whatever fails will be told to the one who asks."""
    try:
        pipeline.compose(request)
    except CadenzaError as error:
        logging.getLogger(__name__).warning("A worker could not warm up: %s", error)
