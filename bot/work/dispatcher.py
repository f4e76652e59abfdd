"""The door of a chat process to core on other machines: a job in the queue, and its result by its key."""

import asyncio
import logging
import pickle
import secrets
import time
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

from bot.work.parcels import Parcels, form
from bot.work.postgres import LOST, Connections
from bot.work.queue import LONGEST_WAIT, TURN
from bot.work.shared import SharedTurn
from bot.work.workers import SPARE_DEADLINE, WorkError
from core.composing import recipe
from core.composing.recipe import ComposeRequest, Composition
from core.errors import CadenzaError

P = ParamSpec("P")
T = TypeVar("T")

LOOK: Final = 2.0  # seconds after which is looked for a result of which no news came
KEY: Final = "key"  # the header of a job that says under which key its result is waited for
FIRST: Final = 1 << 30  # the priority of what nobody stands in line for

_log = logging.getLogger(__name__)


class Dispatcher:
    """Have functions of core called by whichever machine is free.

    A job's key is the interaction's id with the function's name, so that the same job is never there twice, and whoever
    takes up a request finds what became of it. `deadline` is in seconds, once it is its turn.
    """

    def __init__(self, connections: Connections, parcels: Parcels, deadline: float) -> None:
        self._connections, self._parcels, self._deadline = connections, parcels, deadline
        self._waiting: dict[str, asyncio.Event] = {}

    @property
    def playing(self) -> int:
        """Count the requests that are at work."""
        return len(self._waiting)

    async def compose(self, request: ComposeRequest) -> Composition:
        """Compose on some machine. Raises CadenzaError."""
        return await self.run(recipe.compose, request)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of core on some machine. Raises what it raises, and WorkError if it was given up."""
        turn = TURN.get()
        priority, key = FIRST, f"-:{secrets.token_hex(8)}"
        if isinstance(turn, SharedTurn):
            key, priority = turn.key(function.__name__), -turn.number
        else:
            turn = None
        job = self._parcels.pack((function, args, kwargs))
        content = await self._wait(key, job, priority, turn)
        return cast(T, self._result(key, content))

    async def spare(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of core with what some machine has to spare. Raises as `run` does."""
        key = f"-:{secrets.token_hex(8)}"
        job = self._parcels.pack((function, args, kwargs))
        return cast(T, self._result(key, await self._wait(key, job, 0, None, SPARE_DEADLINE, spare_entrypoint())))

    def _result(self, key: str, content: bytes) -> Any:
        _log.info("The result of the job %s came from another process, %d bytes", key, len(content))
        try:
            value, error = self._parcels.unpack(content)
        except pickle.UnpicklingError as reason:
            _log.error("The result of %s cannot be read: %s", key, reason)
            raise _given_up() from None
        if error is not None:
            raise error
        return value

    async def _wait(
        self,
        key: str,
        job: bytes,
        priority: int,
        turn: SharedTurn | None,
        deadline: float | None = None,
        queue: str | None = None,
    ) -> bytes:
        """Have a job done, once, and wait for its result; a database that is gone for a while is waited for."""
        usual = self._deadline + (self._deadline if turn is None else LONGEST_WAIT)
        end = time.monotonic() + (deadline or usual)
        event, looked = self._waiting.setdefault(key, asyncio.Event()), False
        try:
            async with self._connections.hearing(self._hear):
                while time.monotonic() < end:
                    event.clear()
                    try:
                        content = await self._look(key, job, priority, queue or entrypoint())
                        if content is not None:
                            return content
                        if turn is not None and looked:  # not at once, for most are begun before they could be shown
                            await turn.show()
                        looked = True
                    except LOST as error:
                        _log.warning("The database does not answer: %s", error)
                    try:
                        await asyncio.wait_for(event.wait(), LOOK)
                    except TimeoutError:
                        continue
        finally:
            self._waiting.pop(key, None)
        raise _given_up()

    async def _look(self, key: str, job: bytes, priority: int, queue: str) -> bytes | None:
        """Return a result, if it is there; if it is not, nor a job that will make it, put the job into the queue."""
        pool = self._connections.pool
        known = await pool.fetchval("SELECT EXISTS (SELECT FROM pgqueuer WHERE dedupe_key = $1)", key)
        content: bytes | None = await pool.fetchval("SELECT data FROM results WHERE key = $1", key)
        if content is None and not known:
            await self._connections.queries.enqueue(
                queue, job, priority=priority, dedupe_key=key, headers={KEY: key}, on_conflict="skip"
            )
        return content

    def _hear(self, news: str) -> None:
        kind, _, key = news.partition(" ")
        if not news:  # the connection was lost for a while
            for event in self._waiting.values():
                event.set()
        elif kind == "result" and key in self._waiting:
            self._waiting[key].set()


def entrypoint() -> str:
    """Name PgQueuer's entrypoint for what this version of Cadenza sends."""
    return f"compose-{form()}"


def spare_entrypoint() -> str:
    """Name that for what nobody waits for."""
    return f"spare-{form()}"


def outcome(value: Any = None, error: CadenzaError | None = None) -> tuple[Any, CadenzaError | None]:
    """Put together what became of a call: what it returned, or the error that a user can mend."""
    return value, error


def _given_up() -> WorkError:
    return WorkError("No machine has done this in time, and it was given up. Try again later.")
