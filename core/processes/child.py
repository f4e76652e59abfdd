"""Work in processes of their own, which can be limited, stopped and killed."""

import os
import pickle
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing.connection import Connection, Pipe
from queue import SimpleQueue
from threading import Event, Lock
from typing import IO, Any, Concatenate, Final, ParamSpec, Self, TypeVar

from core.errors import CadenzaError
from core.processes.launching import Limits, launch
from core.processes.messages import STOP, Answer, Call, Failed, Parent, Raised, Returned, Said, receive

P = ParamSpec("P")
T = TypeVar("T")

STARTING: Final = 120.0  # seconds that a child may take to get ready
ATTEMPTS: Final = 2  # a child that dies may have been the machine's fault; two in a row are the call's


class Died(Exception):
    """Tell that the child has gone, killed by somebody or by what it did."""


class Broken(Exception):
    """Hold the traceback of an error in a child that nobody expected."""


class Late(Exception):
    """Tell that the child has not answered in time, and was killed."""


class Child:
    """Call functions in a process that starts with `start`, or with the first call.

    The process begins with the call `prepare`, if it is given; what it prints goes to `output`. Only `stop` and `kill`
    may come from another thread than the calls.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        prepare: Call | None = None,
        output: IO[bytes] | int | None = subprocess.DEVNULL,
    ) -> None:
        self._limits, self._output = limits, output
        self._prepare = prepare or Call(bool)  # which does nothing
        self._lock = Lock()  # on what follows
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None
        self._ready = self._ended = False

    @property
    def id(self) -> int | None:
        """Return the process's id, if there is one."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process if there is none; it gets ready meanwhile. Raises Died where it has ended for good."""
        with self._lock:
            if self._ended:
                raise Died
            if self._process is not None:
                return
            self._connection, theirs = Pipe()
            with theirs:
                self._process = launch("core.processes.serving", theirs.fileno(), self._limits, self._output)
            self._ready = False
            with suppress(OSError):  # it has died at once
                self._connection.send(self._limits)
                self._connection.send(self._prepare)

    def call(self, seconds: float | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have a function called, within so many seconds. Raises what it raises, Broken, Died and Late."""
        self._send(Call(function, args, kwargs))
        answer = self._receive(seconds)
        assert isinstance(answer, Returned)
        value: T = answer.value
        return value

    def talk(
        self, silence: float, function: Callable[Concatenate[Parent, P], object], *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[Any]:
        """Have a function called that talks, and yield what it says.

        Raises what it raises, Broken, Died, and Late after so many seconds without a word.
        """
        self._send(Call(function, args, kwargs, talks=True))
        while isinstance(answer := self._receive(silence), Said):
            yield answer.message

    def stop(self) -> None:
        """Ask the function that talks to come to an end."""
        with self._lock, suppress(OSError):
            if self._connection is not None:
                self._connection.send_bytes(STOP)

    def kill(self, *, for_good: bool = False) -> None:
        """End the process with all that it has started; a thread that waits for it goes on, and may start another."""
        with self._lock:
            self._ended = self._ended or for_good
            if self._process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the process for good, and wait until it has gone."""
        self.kill(for_good=True)
        self.bury()

    def bury(self) -> None:
        """End the process and wait until it has gone; the next call starts another."""
        self.kill()
        with self._lock:
            if self._process is not None and self._connection is not None:
                self._process.wait()
                self._connection.close()
            self._process = self._connection = None

    def _send(self, call: Call) -> None:
        self.start()
        assert self._connection is not None
        if not self._ready:
            with suppress(CadenzaError, Broken):  # which a call will tell, if it matters
                self._receive(STARTING)
            self._ready = True
        try:
            self._connection.send(call)
        except OSError:
            self.bury()
            raise Died from None

    def _receive(self, seconds: float | None) -> Answer:
        assert self._connection is not None
        try:
            if not self._connection.poll(seconds):
                self.bury()
                raise Late
            answer = receive(self._connection)
        except (EOFError, OSError):
            self.bury()
            raise Died from None
        except pickle.UnpicklingError as error:
            raise Broken(str(error)) from None
        if isinstance(answer, Raised):
            raise answer.error
        if isinstance(answer, Failed):
            raise Broken(answer.traceback)
        return answer


class Pool:
    """Call functions in several processes, each within `deadline` seconds; one that is late or dies is replaced.

    A context, at whose end all processes end, whatever they do.
    """

    def __init__(
        self,
        workers: int,
        limits: Limits,
        *,
        deadline: float,
        prepare: Call | None = None,
        output: IO[bytes] | int | None = subprocess.DEVNULL,
    ) -> None:
        self._deadline = deadline
        self._children = [Child(limits, prepare=prepare, output=output) for _ in range(workers)]
        self._idle: SimpleQueue[Child] = SimpleQueue()
        for child in self._children:
            self._idle.put(child)
        self.threads = ThreadPoolExecutor(workers)  # one for each process, to wait for it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def busy(self) -> int:
        """Count the processes that are at work."""
        return len(self._children) - self._idle.qsize()

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Have a function called as soon as a process is free; to cancel the future kills a process at work on it.

        Raises RuntimeError behind the end.
        """
        work = _Work(lambda child: child.call(self._deadline, function, *args, **kwargs))
        self.threads.submit(work.run, self._free)
        return work

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have a function called. Raises what it raises, Broken, Late, and Died if that happens twice."""
        work = _Work(lambda child: child.call(self._deadline, function, *args, **kwargs))
        work.run(self._free)
        return work.result()

    @contextmanager
    def _free(self) -> Iterator[Child]:
        """Wait for a process that is free, and keep it busy."""
        child = self._idle.get()
        try:
            yield child
        finally:
            with suppress(Died):  # behind the end
                child.start()
            self._idle.put(child)

    def close(self) -> None:
        """End the processes, whatever they do, and wait until they are gone."""
        self.threads.shutdown(wait=False)  # what waits still will find no process
        for child in self._children:
            child.kill(for_good=True)
        self.threads.shutdown()
        for child in self._children:
            child.end()


class _Work(Future[T]):
    """Be the future of a call, which ends with its process where it is cancelled."""

    def __init__(self, call: Callable[[Child], T]) -> None:
        super().__init__()
        self._call = call
        self._lock = Lock()  # on what follows, so that no process is killed that has gone on to other work
        self._child: Child | None = None
        self._unwanted = Event()

    def cancel(self) -> bool:
        """Give the call up, and kill the process that is at work on it; return False if it is done."""
        with self._lock:
            self._unwanted.set()
            if self._child is not None:
                self._child.kill()
        return super().cancel() or not self.done()

    def run(self, free: Callable[[], AbstractContextManager[Child]]) -> None:
        """Have a free process do it, twice if it dies of it."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            with free() as child:
                result = self._asked(child)
        except BaseException as error:
            self.set_exception(CancelledError() if self._unwanted.is_set() else error)
        else:
            self.set_result(result)

    def _asked(self, child: Child) -> T:
        for _ in range(ATTEMPTS - 1):
            with suppress(Died), self._at_work(child):
                return self._call(child)
        with self._at_work(child):
            return self._call(child)

    @contextmanager
    def _at_work(self, child: Child) -> Iterator[None]:
        child.start()  # for one that does not run could not be killed
        with self._lock:
            if self._unwanted.is_set():
                raise CancelledError
            self._child = child
        try:
            yield
        finally:
            with self._lock:
                self._child, killed = None, self._unwanted.is_set()
            if killed:
                child.bury()
