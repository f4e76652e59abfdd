"""The async door to core: worker processes, a deadline for each request, dead workers replaced."""

import asyncio
import logging
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as DeadlineError
from concurrent.futures.process import BrokenProcessPool
from threading import Lock
from typing import Any, Final, ParamSpec, Self, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from core.composing import recipe
from core.composing.recipe import ComposeRequest, Composition
from core.errors import CadenzaError

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS: Final = 2  # a worker that dies may have been the machine's fault; two in a row are the request's

_log = logging.getLogger(__name__)


class WorkError(CadenzaError):
    """Say that the work was given up, and what may help."""


class Workers:
    """Run core in processes of their own, so that the chat never waits for music.

    `warm_up` is what each process composes when it starts, so that its first real request finds everything loaded;
    `deadline` is in seconds.
    """

    def __init__(self, workers: int, deadline: float, warm_up: ComposeRequest) -> None:
        self._deadline, self._warm_up = deadline, warm_up
        self._workers = [Worker(deadline, warm_up) for _ in range(workers)]

    @property
    def playing(self) -> int:
        """Count the requests that a worker has begun."""
        return sum(worker.playing for worker in self._workers)

    async def __aenter__(self) -> Self:
        """Start the workers and wait for a first sound. Raises CadenzaError where this machine cannot compose."""
        try:
            await asyncio.gather(*(self._at(worker, recipe.compose, self._warm_up) for worker in self._workers))
        except BaseException:
            await asyncio.to_thread(self.stop)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the workers, whatever they do."""
        await asyncio.to_thread(self.stop)

    async def compose(self, request: ComposeRequest) -> Composition:
        """Compose in a worker. Raises CadenzaError."""
        return await self.run(recipe.compose, request)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run any function of core in a worker. Raises what it raises, and WorkError if it was given up."""
        worker = min(self._workers, key=lambda worker: worker.pending)
        return await self._at(worker, function, *args, **kwargs)

    async def _at(self, worker: "Worker", function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        worker.pending += 1
        try:
            for attempt in range(ATTEMPTS):
                future: ProcessFuture[T] = await asyncio.to_thread(worker.schedule, function, args, kwargs)
                try:
                    return await asyncio.wrap_future(future)
                except (ProcessExpired, BrokenProcessPool) as error:
                    _log.warning("A worker died in attempt %s: %s", attempt + 1, error)
                except DeadlineError:
                    raise WorkError(
                        f"This took longer than {self._deadline:g} seconds and was given up. Ask for less."
                    ) from None
            raise WorkError("The process that worked on this died, twice. Ask for less, or try again in a minute.")
        finally:
            worker.pending -= 1

    def stop(self) -> None:
        """Stop the workers, whatever they do, and wait until they are gone."""
        for worker in self._workers:
            worker.stop()


class Worker:
    """Hold one worker process, in a pool of its own: a worker killed in a shared pool can leave its locks locked."""

    def __init__(self, deadline: float, warm_up: ComposeRequest) -> None:
        self._deadline, self._warm_up = deadline, warm_up
        self._pool = self._fresh_pool()
        self._closed = False
        self._lock = Lock()
        self.pending = 0  # requests that are to be worked on here
        self._futures: set[ProcessFuture[Any]] = set()

    @property
    def playing(self) -> int:
        """Count the requests that the worker has begun."""
        return sum(future.running() for future in tuple(self._futures))

    def schedule(self, function: Callable[..., T], args: Sequence[Any], kwargs: Mapping[str, Any]) -> ProcessFuture[T]:
        """Give the worker a function to call, or a new worker if the last one is dead."""
        with self._lock:
            if self._closed:
                raise WorkError("The bot is being stopped. Try again in a minute.")
            try:
                future = self._pool.schedule(function, args, kwargs, self._deadline)
            except RuntimeError as error:  # the worker died while it had nothing to do
                _log.warning("A worker starts anew: %s", error)
                _end(self._pool)
                self._pool = self._fresh_pool()
                future = self._pool.schedule(function, args, kwargs, self._deadline)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def stop(self) -> None:
        """Stop the worker, whatever it does, and wait until it is gone."""
        with self._lock:
            self._closed = True
            _end(self._pool)

    def _fresh_pool(self) -> ProcessPool:
        spawn = multiprocessing.get_context("spawn")
        return ProcessPool(1, initializer=warm, initargs=(self._warm_up,), context=spawn)


def _end(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()


def warm(request: ComposeRequest) -> None:
    """Load a worker's model and everything else by composing; whatever fails will be told to the one who asks."""
    try:
        recipe.compose(request)
    except CadenzaError as error:
        logging.getLogger(__name__).warning("A worker could not warm up: %s", error)
