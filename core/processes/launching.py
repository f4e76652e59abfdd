"""Starting a child: the one place that decides what a process of ours gets, and what it may use."""

import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

ROOT: Final = Path(__file__).parents[2]
PASSED: Final = (  # of our own variables; whatever else we know, a token or a password, is not for those who read files
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "LD_LIBRARY_PATH",
    "CADENZA_SOUNDFONT",
    "CUDA_VISIBLE_DEVICES",
    "OPENBLAS_CORETYPE",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_ENABLE_ONEDNN_OPTS",
)
THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Say what a child may use, None for as much as there is; those it starts may use the same again.

    `memory` is address space and `file_bytes` the size of each file, in bytes; `cpu_seconds` are of processor time for
    each call; `threads` are those of a library that computes; `nice` is the priority, 19 the lowest; a
    child's is never higher than its parent's.
    """

    memory: int | None = None
    file_bytes: int | None = None
    cpu_seconds: float | None = None
    threads: int | None = None
    nice: int = 0

    def apply(self) -> None:
        """Limit this process, but for its seconds."""
        sys.dont_write_bytecode = self.file_bytes is not None  # Python keeps files of it that are cut short
        os.setpriority(os.PRIO_PROCESS, 0, max(self.nice, os.getpriority(os.PRIO_PROCESS, 0)))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit(resource.RLIMIT_AS, self.memory)
        _limit(resource.RLIMIT_FSIZE, self.file_bytes)

    def allow_seconds(self) -> None:
        """Give this process its seconds anew."""
        if self.cpu_seconds is not None:
            used = resource.getrusage(resource.RUSAGE_SELF)
            _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + self.cpu_seconds) + 2)


def launch(module: str, channel: int, limits: Limits, output: IO[bytes] | int | None) -> "subprocess.Popen[bytes]":
    """Start a module of ours that talks through the file descriptor `channel`; what it prints goes to `output`.

    It leads a process group, since Ctrl-C is for its parent, which ends the group as a whole. It stays in the session:
    where the kernel groups processes by session, a low priority would count for nothing in another.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(channel)],
        env=_environment(limits),
        pass_fds=(channel,),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        process_group=0,
    )


def _environment(limits: Limits) -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    threads = {} if limits.threads is None else dict.fromkeys(THREADS, str(limits.threads))
    return {**passed, **threads, "PYTHONPATH": str(ROOT)}


def _limit(kind: int, most: int | None) -> None:
    if most is not None:
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
