"""Dataclasses kept as JSON with the version of their fields, so that what an older Cadenza has kept is still read."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
Values = dict[str, Any]

FORMAT: Final = "format"  # where the version stands; what was kept before there were versions is of the first


class Kept(Generic[T]):
    """Write and read a dataclass as values of JSON.

    Each of the `steps` makes values of one version into those of the next. A field that is renamed needs a step; one
    that is removed, or is new and has a default, needs none, since fields that are unknown are passed over. So are
    those of a newer Cadenza.
    """

    def __init__(self, kind: type[T], *steps: Callable[[Values], Values]) -> None:
        self._values, self._steps = TypeAdapter(kind), steps

    def write(self, thing: T) -> Values:
        """Return a dataclass as values of the newest version."""
        return {FORMAT: 1 + len(self._steps), **self._values.dump_python(thing, mode="json")}

    def read(self, values: Mapping[str, Any]) -> T:
        """Return the dataclass that values of any version are. Raises ValueError where they are none."""
        known = dict(values)
        for step in self._steps[known.pop(FORMAT, 1) - 1 :]:
            known = step(known)
        return self._values.validate_python(known)
