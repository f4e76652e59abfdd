"""What a command line owes the terminal that it runs in."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO, cast

from core.errors import CadenzaError


def say(text: str) -> None:
    """Write on standard output at once. Raises OSError that names it, behind which Python has nothing left to write."""
    output = cast("TextIO | None", sys.stdout)  # None where it was closed before the start
    try:
        if output is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        output.write(text)
        output.flush()
    except OSError as error:
        if output is not None:
            with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), output.fileno())
        raise OSError(error.errno, error.strerror, "Standard output") from None


def complain(error: OSError, target: Path) -> None:
    """Say on standard error what cannot be written, `target` if the error does not tell.

    Nothing is said of a reader of standard output that has left.
    """
    name = error.filename or target
    if isinstance(error, NotADirectoryError | FileExistsError):
        print(f"{name} is not a folder, so nothing can be written into it.", file=sys.stderr)
    elif isinstance(error, IsADirectoryError):
        print(f"{name} is a folder; name a file to be written.", file=sys.stderr)
    elif not isinstance(error, BrokenPipeError):
        print(f"{name} cannot be written: {error.strerror}.", file=sys.stderr)


def attempt(work: Callable[[], None], target: Path) -> int:
    """Do a command line's work, which writes `target`; return 0, or 1 with a sentence for what the user can mend."""
    try:
        work()
    except CadenzaError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        complain(error, target)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    else:
        return 0
    return 1


@contextmanager
def aside(log: Path) -> Iterator[None]:
    """Send to a file what native code writes on standard error; TensorFlow's own switches for that do nothing."""
    try:
        terminal = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):  # standard error is no file here
        yield
        return
    ours = sys.stderr
    with log.open("wb") as file, os.fdopen(terminal, "w", buffering=1) as sys.stderr:
        os.dup2(file.fileno(), ours.fileno())
        try:
            yield
        finally:
            os.dup2(terminal, ours.fileno())
            sys.stderr = ours


def interrupted() -> Callable[[], bool]:
    """Return a question whether Ctrl-C was pressed, which says so once; a second press stops at once."""
    pressed: list[int] = []

    def press(number: int, frame: object) -> None:  # in the middle of anything, so it writes nothing
        pressed.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def asked() -> bool:
        if len(pressed) == 1:
            pressed.append(0)
            print(
                "\nStopping; the best so far, if there is anything yet, is kept. Press again to stop at once.",
                file=sys.stderr,
            )
        return bool(pressed)

    signal.signal(signal.SIGINT, press)
    return asked
