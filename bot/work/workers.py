"""The async door to core: worker processes, a deadline for each request, dead workers replaced."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, ParamSpec, Protocol, Self, TypeVar

from bot import metrics
from core.composing import recipe
from core.composing.recipe import ComposeRequest, Composition
from core.errors import CadenzaError
from core.processes.child import Died, Late, Pool
from core.processes.launching import Limits
from core.processes.messages import Call

P = ParamSpec("P")
T = TypeVar("T")

LOWEST: Final = 19  # priority
SPARE_DEADLINE: Final = 300.0  # seconds


class WorkError(CadenzaError):
    """Say that the work was given up, and what may help."""


class Work(Protocol):
    """Run core elsewhere: in processes of this machine, or on others."""

    @property
    def playing(self) -> int:
        """Count the requests that are at work."""

    async def compose(self, request: ComposeRequest) -> Composition:
        """Compose. Raises CadenzaError."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of core. Raises what it raises, and WorkError if it was given up."""

    async def spare(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of core that nobody waits for, with what others leave. Raises as `run` does."""


class Workers:
    """Run core in processes of their own, so that the chat never waits for music.

    Beside them one of a low priority does what nobody waits for.

    `warm_up` is what each process composes when it starts, so that its first real request finds everything loaded;
    `deadline` is in seconds; `nice` is how far the process for what nobody waits for stands back, 19 as far as it can.
    """

    def __init__(self, workers: int, deadline: float, warm_up: ComposeRequest, nice: int = LOWEST) -> None:
        self._workers, self._deadline, self._warm_up = workers, deadline, warm_up
        self._pool = Pool(workers, Limits(), deadline=deadline, prepare=Call(warm, (warm_up,)), output=None)
        self._spare = Pool(1, Limits(nice=nice), deadline=SPARE_DEADLINE, output=None)

    @property
    def playing(self) -> int:
        """Count the requests that a worker has begun."""
        return self._pool.busy

    async def __aenter__(self) -> Self:
        """Start the workers and wait for a first sound. Raises CadenzaError where this machine cannot compose."""
        try:
            await asyncio.gather(*(self.compose(self._warm_up) for _ in range(self._workers)))
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
        return await self._run(self._pool, self._deadline, function, *args, **kwargs)

    async def spare(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of core at a low priority, one at a time. Raises as `run` does."""
        return await self._run(self._spare, SPARE_DEADLINE, function, *args, **kwargs)

    async def _run(self, pool: Pool, deadline: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            future = pool.submit(function, *args, **kwargs)
        except RuntimeError:
            raise WorkError("The bot is shutting down. Try again in a minute.") from None
        try:
            with metrics.WORK.labels(function.__name__).time():
                return await asyncio.wrap_future(future)
        except Late:
            raise WorkError(
                "This took longer than {seconds:g} seconds and was stopped. Ask for less.", seconds=deadline
            ) from None
        except Died:
            raise WorkError(
                "The process that worked on this crashed twice. Ask for less, or try again in a minute."
            ) from None

    def stop(self) -> None:
        """Stop the workers, whatever they do, and wait until they are gone."""
        self._spare.close()
        self._pool.close()


def warm(request: ComposeRequest) -> None:
    """Load a worker's model and everything else by composing; whatever fails will be told to the one who asks."""
    try:
        recipe.compose(request)
    except CadenzaError as error:
        logging.getLogger(__name__).warning("A worker could not warm up: %s", error)
