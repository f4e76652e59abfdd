"""Reading where it can be stopped: in processes with limits on memory and time.

Whatever is counted before, a file may yet keep music21 busy for minutes, or crash a parser. A reader is a child process
that gets files and answers with packed readings through pipes; it is killed at a file's deadline, and started anew for
the next. It works in any process, also in a worker that may have no multiprocessing children, and nothing is pickled.
"""

import json
import os
import resource
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from threading import Timer
from typing import IO, Final, Self

from core.errors import ReadingError
from core.music.piece import Budget, Reading, unpack
from core.reading.formats import read

ACCIDENTS: Final = ("took too long", "crashed")  # kinds of refusal that another run may not repeat

_MEMORY: Final = 3 << 30  # bytes of address space; music21 swells to half a gigabyte on a large file
_ROOT: Final = Path(__file__).parents[2]


def read_safely(data: bytes, name: str, budget: Budget | None = None, *, deadline_seconds: float = 20) -> Reading:
    """Do what `reading.read` does, in a process that is killed at the deadline. Raises ReadingError."""
    with Readers(1, budget or Budget(), deadline_seconds) as readers:
        return unpack(readers.submit(data, name).result())


class Readers:
    """Read files side by side in several processes; a context manager that ends them."""

    def __init__(self, workers: int, budget: Budget, deadline_seconds: float) -> None:
        self._idle: SimpleQueue[_Reader] = SimpleQueue()
        self._all = [_Reader(budget, deadline_seconds) for _ in range(workers)]
        self._threads = ThreadPoolExecutor(workers)
        for reader in self._all:
            self._idle.put(reader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for reader in self._all:
            reader.kill()
        self._threads.shutdown()
        for reader in self._all:
            reader.stop()

    def submit(self, data: bytes, name: str) -> "Future[bytes]":
        """Have a file read; the future is the reading, packed, or raises ReadingError."""
        return self._threads.submit(self._read, data, name)

    def _read(self, data: bytes, name: str) -> bytes:
        reader = self._idle.get()
        try:
            return reader.read(data, name)
        finally:
            self._idle.put(reader)


class _Reader:
    """Keep a child process that reads one file after another, and replace it when it had to be killed."""

    def __init__(self, budget: Budget, deadline_seconds: float) -> None:
        self._budget, self._deadline = budget, deadline_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._late = False

    def read(self, data: bytes, name: str) -> bytes:
        """Have the child read a file, or a new one if it dies; that can have had other reasons than the file."""
        if len(data) > self._budget.file_bytes:
            return read(data, name, self._budget).pack()  # refuses it, without a process
        for _ in range(2):
            try:
                return self._ask(data, name)
            except (OSError, EOFError):
                late = self._late
                self.stop()
                if late:
                    raise ReadingError(
                        f"Reading took longer than {self._deadline:g} seconds and was stopped. Choose a simpler file.",
                        "took too long",
                    ) from None
        raise ReadingError("The file crashes its reader. Export it again, or choose another.", "crashed")

    def _ask(self, data: bytes, name: str) -> bytes:
        """Send a file to the child and return its answer. Raises EOFError or OSError where it was killed or died."""
        child = self._child = self._child or self._start()
        assert child.stdin
        assert child.stdout
        alarm = Timer(self._deadline, self._expire)
        alarm.start()
        try:
            _send(child.stdin, name.encode(errors="replace"), data)
            kind, content = _receive(child.stdout, 2)
        finally:
            alarm.cancel()
        if self._late:  # the alarm rang when the answer was there already
            self.stop()
        if kind:
            raise ReadingError(content.decode(), kind.decode())
        return content

    def kill(self) -> None:
        """End the child, whatever it does; the thread that waits for its answer goes on."""
        if child := self._child:
            child.kill()

    def stop(self) -> None:
        """End the child and free what it leaves; only for the thread that uses this reader, or after it."""
        if child := self._child:
            child.kill()
            child.communicate()
        self._child, self._late = None, False

    def _expire(self) -> None:
        self._late = True
        self.kill()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "core.reading.pool", json.dumps(asdict(self._budget)), str(self._deadline)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the parent, which ends its readers
        )


def _send(pipe: IO[bytes], *messages: bytes) -> None:
    for message in messages:
        pipe.write(len(message).to_bytes(8))
        pipe.write(message)
    pipe.flush()


def _receive(pipe: IO[bytes], count: int) -> list[bytes]:
    """Read messages. Raises EOFError where the other side has gone."""
    messages = []
    for _ in range(count):
        head = pipe.read(8)
        message = pipe.read(int.from_bytes(head))
        if len(head) < 8 or len(message) < int.from_bytes(head):
            raise EOFError
        messages.append(message)
    return messages


def _serve(budget: Budget, deadline_seconds: float) -> None:
    """Answer files from standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # so that nothing a library prints gets among the answers
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    while True:
        try:
            name, data = _receive(sys.stdin.buffer, 2)
        except EOFError:
            return
        _allow_seconds(deadline_seconds)
        try:
            _send(answers, b"", read(data, name.decode(), budget).pack())
        except ReadingError as error:
            _send(answers, error.kind.encode(), str(error).encode())


def _allow_seconds(seconds: float) -> None:
    """Limit the processor time until the next file, for a reader whose parent has died."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 2, hard))


if __name__ == "__main__":
    _serve(Budget(**json.loads(sys.argv[1])), float(sys.argv[2]))
