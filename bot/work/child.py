"""A function of core at work in a process of its own, which tells how it goes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from core.errors import CadenzaError
from core.processes.child import Broken, Child, Died, Late
from core.processes.launching import Limits
from core.processes.messages import Parent

T = TypeVar("T")

_log = logging.getLogger(__name__)


@asynccontextmanager
async def start(limits: Limits, log: Path) -> AsyncIterator[Child]:
    """Start a process that ends with the `with` block; what it and its libraries print goes to `log`."""
    with await asyncio.to_thread(log.open, "wb") as output:
        child = Child(limits, output=output)
        try:
            await asyncio.to_thread(child.start)
            yield child
        finally:
            await asyncio.to_thread(child.end)


async def talk(child: Child, silence: float, function: Callable[[Parent, T], object], job: T) -> AsyncIterator[Any]:
    """Yield what the function says until it or its process ends, or after so many seconds of silence is killed.

    The last that is said may be the error that ended it, a CadenzaError.
    """
    said, loop, thread = child.talk(silence, function, job), asyncio.get_running_loop(), ThreadPoolExecutor(1)
    try:
        while (message := await loop.run_in_executor(thread, next, said, None)) is not None:
            yield message
    except CadenzaError as error:
        yield error
    except Broken as error:
        _log.error("%s", error)
    except (Died, Late):
        pass
    finally:
        child.kill(for_good=True)  # so that the thread has nothing to wait for
        await asyncio.to_thread(thread.shutdown)
