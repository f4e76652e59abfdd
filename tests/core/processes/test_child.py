"""Processes of one's own: what they bring back, which limits they keep, and how they end."""

import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.errors import CorpusError, LimitError, NotationError, ReadingError, mark
from core.music.piece import Budget
from core.processes.child import Broken, Child, Died, Late, Pool
from core.processes.launching import Limits
from core.processes.messages import Call, Parent
from tests.processes import children

MIB = 1 << 20


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child(Limits())
    yield child
    child.end()


def raise_notation_error() -> None:
    raise NotationError("Write a note.", "72r1 x", 5, 6)


def raise_reading_error() -> None:
    raise ReadingError("It is in {name}.", mark("metre {name}", name="3/4"), name="3/4")


def count(parent: Parent, most: int) -> None:
    for number in range(most):
        parent.say(number)
    if not parent.stop.wait(60):
        raise CorpusError("Nobody asked to stop.")


def descriptors() -> list[int]:
    return sorted(int(path.name) for path in Path("/proc/self/fd").iterdir())


def echo(value: object) -> object:
    return value


def grow(length: int) -> int:
    return len(bytes(length))


def write(path: str, length: int) -> None:
    Path(path).write_bytes(bytes(length))


def spin() -> None:
    while True:
        pass


def write_and_spin(path: str) -> None:
    Path(path).write_bytes(b"")
    spin()


def priority_of_another() -> int:
    child = Child(Limits())
    try:
        return child.call(60, os.getpriority, os.PRIO_PROCESS, 0)
    finally:
        child.end()


def start_another() -> int:
    return subprocess.Popen(["sleep", "1000"]).pid


def wait_for_end(process: int) -> None:
    """Return when a process that is no child of ours has ended."""
    with suppress(ProcessLookupError):
        watch = os.pidfd_open(process)
        try:
            assert select.select([watch], [], [], 600)[0] == [watch]
        finally:
            os.close(watch)


def test_one_process_answers_call_after_call(child: Child) -> None:
    first = child.call(60, os.getpid)
    assert first == child.call(60, os.getpid) == child.id != os.getpid()
    assert child.call(60, Fraction, 3, 6) == Fraction(1, 2)
    assert child.call(60, Budget, notes=3) == Budget(notes=3)
    assert child.call(60, bytes, 10 * MIB) == bytes(10 * MIB)


def test_errors_come_back_whole_and_the_process_goes_on(child: Child) -> None:
    with pytest.raises(NotationError) as error:
        child.call(60, raise_notation_error)
    assert (error.value.start, error.value.end) == (5, 6)
    with pytest.raises(ReadingError) as refusal:
        child.call(60, raise_reading_error)
    assert (str(refusal.value), str(refusal.value.kind)) == ("It is in 3/4.", "metre 3/4")
    with pytest.raises(Broken, match="ZeroDivisionError"):
        child.call(60, divmod, 1, 0)
    with pytest.raises(LimitError, match="The bot's disk reports an error: No such file or directory"):
        child.call(60, os.listdir, "/nowhere")
    assert child.call(60, abs, -1) == 1


@pytest.mark.parametrize("value", [subprocess.Popen, os.system, pickle.loads, Path("/"), Child])
def test_nothing_but_data_comes_back(child: Child, value: object) -> None:
    with pytest.raises(Broken, match="is no data"):
        child.call(60, echo, value)
    assert child.call(60, abs, -1) == 1


def test_it_says_how_it_goes_and_can_be_asked_to_stop(child: Child) -> None:
    said = []
    for number in child.talk(60, count, 3):
        said.append(number)
        if number == 2:
            child.stop()
    assert said == [0, 1, 2]


def test_what_is_late_or_dies_is_replaced(child: Child) -> None:
    first = child.call(60, os.getpid)
    with pytest.raises(Late):
        child.call(0.05, time.sleep, 60)
    second = child.call(60, os.getpid)
    with pytest.raises(Died):
        child.call(60, os._exit, 9)
    assert len({first, second, child.call(60, os.getpid)}) == 3
    child.end()
    with pytest.raises(Died):
        child.call(60, os.getpid)


def test_limits_are_kept(tmp_path: Path) -> None:
    limits = Limits(memory=512 * MIB, file_bytes=MIB, cpu_seconds=0, threads=3, nice=7)
    child = Child(limits)
    try:
        with pytest.raises(LimitError, match="This needs more memory than it may use"):
            child.call(60, grow, 1024 * MIB)
        with pytest.raises(LimitError, match="disk is full"):
            child.call(60, write, str(tmp_path / "file"), 2 * MIB)
        assert child.call(60, os.getpriority, os.PRIO_PROCESS, 0) == max(7, os.getpriority(os.PRIO_PROCESS, 0))
        assert child.call(60, os.getenv, "OMP_NUM_THREADS") == "3"
        assert child.call(60, resource.getrlimit, resource.RLIMIT_CORE) == (0, 0)
        with pytest.raises(Died):
            child.call(600, spin)  # however little of the processor it gets
    finally:
        child.end()


def test_what_a_child_of_low_priority_starts_has_none_that_is_higher() -> None:
    child = Child(Limits(nice=19))
    try:
        assert child.call(60, priority_of_another) == 19
    finally:
        child.end()


def test_a_child_has_no_file_of_its_parent_but_the_channel(child: Child) -> None:
    with Path(__file__).open() as open_here:
        os.set_inheritable(open_here.fileno(), True)
        assert len(child.call(60, descriptors)) == 5  # three standard ones, the channel, and the listing itself


def test_it_takes_with_it_what_it_has_started(child: Child) -> None:
    grandchild = child.call(60, start_another)
    child.kill()
    wait_for_end(grandchild)


def test_it_ends_with_a_parent_that_is_killed() -> None:
    program = """
import os, signal
from core.processes.child import Child
from core.processes.launching import Limits
from tests.core.processes.test_child import spin, start_another
child = Child(Limits())
print(child.call(60, start_another), child.id, flush=True)
child.start()
try:
    child.call(0, spin)
except BaseException:
    pass
child = Child(Limits())
print(child.call(60, start_another), child.id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[3]
    killed = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    for process in map(int, killed.stdout.split()):
        wait_for_end(process)


def test_ctrl_c_is_for_the_parent(child: Child) -> None:
    assert child.call(60, os.getpgrp) == child.id
    assert child.call(60, os.getsid, 0) == os.getsid(0)


def test_a_pool_works_side_by_side_and_leaves_nothing_behind() -> None:
    before = children()
    with Pool(2, Limits(), deadline=60, prepare=Call(grow, (1,))) as pool:
        futures = [pool.submit(os.getpid) for _ in range(6)]
        assert {future.result() for future in futures} <= children() - before
        with pytest.raises(Died):
            pool.call(os._exit, 9)
        assert pool.call(abs, -1) == 1
        endless = pool.submit(spin)
    with pytest.raises((Died, CancelledError)):  # it had begun, or not
        endless.result()
    assert children() == before
    with pytest.raises(RuntimeError):
        pool.submit(abs, -1)


def test_what_is_cancelled_ends_its_process_and_is_not_tried_again() -> None:
    with Pool(1, Limits(), deadline=60) as pool, TemporaryDirectory() as folder:
        begun = Path(folder, "begun")
        os.mkfifo(begun)
        first = pool.call(os.getpid)
        endless, waiting = pool.submit(write_and_spin, str(begun)), pool.submit(spin)
        begun.read_bytes()
        assert waiting.cancel()
        assert endless.cancel()
        second = pool.call(os.getpid)
        for future in (endless, waiting):
            with pytest.raises(CancelledError):
                future.result()
        assert second != first
        wait_for_end(first)
        done = pool.submit(os.getpid)
        assert done.result() == second
        assert not done.cancel()
        assert pool.call(os.getpid) == second


def test_a_call_that_is_cancelled_at_any_moment_takes_no_other_with_it() -> None:
    with Pool(2, Limits(), deadline=60) as pool:
        for _ in range(25):
            work = [pool.submit(abs, number) for number in range(4)]
            cancelled = work[0].result(), work[1].cancel(), work[2].cancel()
            assert work[3].result() == 3
            assert cancelled[0] == 0
