"""The sides of a comparison, each in a process of its own, measured in turns.

A side is a function `module:name` that sets itself up and returns a function, which does a round of work and returns
how many tokens a second that was. In its own process no side's threads or memory disturb the others; taking turns, all
sides meet the same weather on a busy machine, and the median over rounds of the ratios within a round is what counts.
"""

import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final

ROUNDS: Final = 5


class Side:
    """Run a side; `call` names it as `module:name argument …`."""

    def __init__(self, call: str) -> None:
        self.command = [sys.executable, "-m", "bench.sides", *call.split()]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )  # TensorFlow says much on standard error
        self.answer()  # it is ready, and warm

    def answer(self) -> float:
        """Wait for the side's next figure."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            code, command = self.process.wait(), shlex.join(self.command[1:])
            raise RuntimeError(f"A side of the benchmark ended with code {code}; see why with: python {command}")
        return float(line)

    def round(self) -> float:
        """Let the side do a round; return its tokens a second."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def measure(calls: Mapping[str, str]) -> dict[str, list[float]]:
    """Return the tokens a second of each side in each round."""
    sides: dict[str, Side] = {}
    try:
        for name, call in calls.items():
            sides[name] = Side(call)
        rounds = [{name: side.round() for name, side in sides.items()} for _ in range(ROUNDS)]
    finally:
        for side in sides.values():
            side.end()
    return {name: [figures[name] for figures in rounds] for name in calls}


def ratio(ours: Sequence[float], peer: Sequence[float]) -> float:
    """Return the median of the ratios within a round."""
    return statistics.median(one / other for one, other in zip(ours, peer, strict=True))


def installed(*packages: str) -> bool:
    """Tell whether a peer's packages are there; the extra `bench` brings them all."""
    return all(find_spec(package) is not None for package in packages)


def main() -> None:
    """Be a side: answer each line with a round."""
    where, *arguments = sys.argv[1:]
    module, name = where.split(":")
    one_round = getattr(import_module(module), name)(*map(int, arguments))
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no figure
    print(one_round(), file=answers, flush=True)
    for _ in sys.stdin:
        print(_for_a_second(one_round), file=answers, flush=True)


def _for_a_second(one_round: Callable[[], float]) -> float:
    """Repeat a round, so that waking up after the others' turns weighs little; return the harmonic mean."""
    figures, end = list[float](), time.monotonic() + 1
    while not figures or time.monotonic() < end:
        figures.append(one_round())
    return statistics.harmonic_mean(figures)


if __name__ == "__main__":
    main()
