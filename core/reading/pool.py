"""Reading where it can be stopped: in processes with limits on memory and time.

Whatever is counted before, a file may yet keep music21 busy for minutes, or crash a parser. So it is read in a child
that is killed at the file's deadline.
"""

from concurrent.futures import Future
from dataclasses import replace
from typing import Final, Self

from core.errors import LimitError, ReadingError, mark
from core.music.melody import Melody
from core.music.piece import Budget, Reading, unpack
from core.processes.child import Broken, Died, Late, Pool
from core.processes.launching import Limits
from core.reading.formats import read

ACCIDENTS: Final = (mark("took too long"), mark("crashed"))  # kinds of refusal that another run may not repeat
LIMITS: Final = Limits(memory=3 << 30, threads=1)  # music21 swells to half a gigabyte on a large file


def read_safely(data: bytes, name: str, budget: Budget | None = None, *, deadline_seconds: float = 20) -> Reading:
    """Do what `formats.read` does, in a process that is killed at the deadline. Raises ReadingError."""
    with Readers(1, budget or Budget(), deadline_seconds) as readers:
        return unpack(readers.submit(data, name).result())


def listen_safely(data: bytes, name: str, *, deadline_seconds: float = 20) -> Melody:
    """Hear the melody in a sound, in a process that is killed at the deadline. Raises ReadingError."""
    late, crashed = ACCIDENTS
    with Pool(1, replace(LIMITS, cpu_seconds=deadline_seconds), deadline=deadline_seconds) as pool:
        try:
            return pool.call(_heard, data, name)
        except Late:
            raise ReadingError(
                "Listening took longer than {seconds:g} seconds and was stopped. Record something shorter.",
                late,
                seconds=deadline_seconds,
            ) from None
        except (Broken, Died, LimitError):
            raise ReadingError("The sound crashes its reader. Record it again, or choose another.", crashed) from None


def _heard(data: bytes, name: str) -> Melody:
    from core.reading import humming, sounds

    return humming.listen(sounds.decode(data, name))


class Readers:
    """Read files side by side in several processes; a context manager that ends them."""

    def __init__(self, workers: int, budget: Budget, deadline_seconds: float) -> None:
        self._budget, self._deadline = budget, deadline_seconds
        limits = replace(LIMITS, cpu_seconds=deadline_seconds)  # for one whose parent has died
        self._pool = Pool(workers, limits, deadline=deadline_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._pool.close()

    def submit(self, data: bytes, name: str) -> "Future[bytes]":
        """Have a file read; the future is the reading, packed, or raises ReadingError."""
        return self._pool.threads.submit(self._read, data, name)

    def _read(self, data: bytes, name: str) -> bytes:
        if len(data) > self._budget.file_bytes:
            return _packed(data, name, self._budget)  # refuses it, without a process
        late, crashed = ACCIDENTS
        try:
            return self._pool.call(_packed, data, name, self._budget)
        except Late:
            raise ReadingError(
                "Reading took longer than {seconds:g} seconds and was stopped. Choose a simpler file.",
                late,
                seconds=self._deadline,
            ) from None
        except (Broken, Died, LimitError):
            raise ReadingError("The file crashes its reader. Export it again, or choose another.", crashed) from None


def _packed(data: bytes, name: str, budget: Budget) -> bytes:
    return read(data, name, budget).pack()
