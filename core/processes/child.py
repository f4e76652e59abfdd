"""What working in a process of one's own takes: a request in, messages out, limits, and an end with the parent's.

The request is the first line of standard input, as JSON. A further line asks the process to stop; the end of the input
is the end of the process, so that it never outlives the one who started it. What it has to say goes to standard output
as lines of JSON; the last may be an error, a finished sentence.
"""

import errno
import json
import os
import resource
import sys
from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Final

from core.errors import BundleError, CadenzaError

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
LOWEST_PRIORITY: Final = 19

Say = Callable[[dict[str, Any]], None]


def serve(work: Callable[[dict[str, Any], Say, Event], None]) -> int:
    """Have `work` done with the request, a way to say something, and an event that is set when it should stop.

    Return 0, or 1 after an error that somebody can mend.
    """
    say = _messages()
    request = json.loads(sys.stdin.readline())
    stop = Event()
    Thread(target=_listen, args=(stop,), daemon=True).start()
    os.setpriority(os.PRIO_PROCESS, 0, LOWEST_PRIORITY)
    try:
        work(request, say, stop)
    except (CadenzaError, OSError, MemoryError) as error:
        say({"error": _sentence(error)})
        return 1
    return 0


def limit(*, memory: int | None = None, file: int | None = None, seconds: int | None = None) -> None:
    """Limit this process and those it starts: bytes of address space and of each file, seconds of processor time."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_CPU, seconds),
    ):
        if most is not None:
            _, hard = resource.getrlimit(kind)
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _messages() -> Say:
    """Keep standard output for messages, and send what libraries print to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def say(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")

    return say


def _listen(stop: Event) -> None:
    """Set `stop` at the first line; end the process, whatever it does, when the input ends."""
    for _ in sys.stdin:
        stop.set()
    os._exit(1)


def _sentence(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, BundleError) else error
    if isinstance(cause, OSError) and cause.errno in NO_ROOM:
        return "There is no room left on the bot's disk. Its owner has to make some; then ask again."
    if isinstance(cause, OSError):
        return f"The bot's disk does not do what it should: {cause.strerror}. Its owner has to look at it."
    if isinstance(error, MemoryError):
        return "This needs more memory than it may have. Give it fewer or shorter pieces."
    return str(error)
