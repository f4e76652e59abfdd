"""What goes between a process and its child: calls down, and nothing but data up.

Frames are those of `multiprocessing.connection`, and in them are pickles. A child may be at work on a hostile file, so
that of its pickles only plain values, our dataclasses and our errors are taken.
"""

import io
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from fractions import Fraction
from multiprocessing.connection import Connection
from threading import Event
from typing import Any, Final

from core.errors import CadenzaError

LARGEST: Final = 512 << 20  # bytes of a message from a child
STOP: Final = b""  # where a call could stand


@dataclass(frozen=True, slots=True)
class Parent:
    """Be the one whom a function in a child talks to: `say` sends it data, and `stop` is set when it wants an end."""

    say: Callable[[object], None]
    stop: Event


@dataclass(frozen=True, slots=True)
class Call:
    """Ask a child to call a function; one that `talks` is given its `Parent` as its first argument."""

    function: Callable[..., Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    talks: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """Hold what a function says while it works."""

    message: Any


@dataclass(frozen=True, slots=True)
class Returned:
    """Hold what a function has returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """Hold the error that ended a function."""

    error: CadenzaError


@dataclass(frozen=True, slots=True)
class Failed:
    """Hold the traceback of an error that nobody expected."""

    traceback: str


Answer = Said | Returned | Raised | Failed


def receive(connection: "Connection[Any, Any]") -> Answer:
    """Take an answer of a child. Raises EOFError or OSError if it has gone, and UnpicklingError for what is no data."""
    answer: Answer = Data(io.BytesIO(connection.recv_bytes(LARGEST))).load()
    return answer


class Data(pickle.Unpickler):
    """Read plain values, our dataclasses and our errors, and call nothing. Raises UnpicklingError for anything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the class of a value. Raises UnpicklingError."""
        if (module, name) == ("fractions", "Fraction"):
            return Fraction
        found = super().find_class(module, name) if module.startswith("core.") else None
        if isinstance(found, type) and (is_dataclass(found) or issubclass(found, CadenzaError)):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is no data")
