"""What runs on this machine: the processes that a test has started, and those that they have started."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

GONE = (FileNotFoundError, ProcessLookupError)


def children(process: int | None = None) -> set[int]:
    """List the child processes of one, or of this one."""
    found = set[int]()
    with suppress(*GONE):
        for task in Path(f"/proc/{process or os.getpid()}/task").iterdir():
            with suppress(*GONE):  # the thread has ended meanwhile
                found |= set(map(int, (task / "children").read_text().split()))
    return found


def descendants(process: int | None = None) -> Iterator[int]:
    """List the child processes of one, or of this one, with their children and so on."""
    for child in children(process):
        yield child
        yield from descendants(child)


def command(process: int) -> str:
    """Return the command line of a process, empty if it has ended."""
    with suppress(*GONE):
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    return ""
