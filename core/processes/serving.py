"""The child's side: calls are taken one after another, and the end of the parent is the end.

python -m core.processes.serving CHANNEL
"""

import errno
import os
import pickle
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, Final

from core.errors import BundleError, CadenzaError, LimitError, reason
from core.processes.launching import Limits
from core.processes.messages import STOP, Answer, Call, Failed, Parent, Raised, Returned, Said

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def serve(channel: int) -> None:
    """Take calls from a parent that begins with the limits of this process, and with a call that gets it ready."""
    connection: Connection[Any, Any] = Connection(channel)
    limits: Limits = connection.recv()
    limits.apply()
    calls: SimpleQueue[bytes] = SimpleQueue()
    parent = Parent(lambda message: connection.send(Said(message)), Event())
    Thread(target=_listen, args=(connection, calls, parent.stop), daemon=True).start()
    while True:
        call = calls.get()
        limits.allow_seconds()
        connection.send(_answer(call, parent))


def _listen(connection: "Connection[Any, Any]", calls: "SimpleQueue[bytes]", stop: Event) -> None:
    """Pass calls on; end this process and all in its group, whatever they do, when the parent has gone."""
    try:
        while True:
            message = connection.recv_bytes()
            if message == STOP:
                stop.set()
            else:
                calls.put(message)
    finally:
        os.killpg(0, signal.SIGKILL)


def _answer(message: bytes, parent: Parent) -> Answer:
    try:
        call: Call = pickle.loads(message)  # noqa: S301  what our parent sends
        return Returned(call.function(*((parent,) if call.talks else ()), *call.args, **call.kwargs))
    except (CadenzaError, OSError, MemoryError) as error:
        return Raised(_mendable(error))
    except Exception:
        return Failed(traceback.format_exc())


def _mendable(error: CadenzaError | OSError | MemoryError) -> CadenzaError:
    """Say what a user can do about an error of the disk or the memory."""
    cause = error.__cause__ if isinstance(error, BundleError) else error
    if isinstance(cause, OSError) and cause.errno in NO_ROOM:
        return LimitError("The bot's disk is full. Its owner needs to free some space; then try again.")
    if isinstance(cause, OSError):
        return LimitError(
            "The bot's disk reports an error: {reason}. Its owner needs to look into it.", reason=reason(cause)
        )
    if isinstance(error, CadenzaError):
        return error
    return LimitError("This needs more memory than it may use. Give it fewer or shorter pieces.")


if __name__ == "__main__":
    serve(int(sys.argv[1]))
