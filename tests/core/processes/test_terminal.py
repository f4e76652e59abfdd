"""What becomes of standard output: real processes whose output is full, closed, or read by nobody."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[[Path, Path], list[str]]


def generate_music(model: Path, folder: Path) -> list[str]:
    files = [str(model / name) for name in ("weights.safetensors", "params.json", "notes.txt")]
    return ["core.generate_music", *files, str(folder / "piece.mid"), "72r1", "--bars=1", "--seed=1", "--takes=2"]


def evaluate(model: Path, folder: Path) -> list[str]:
    return ["core.evaluate", str(model), "tests/data/old_hundredth.mid", "--samples=4", "--seeds=1"]


def run(command: list[str], unbuffered: str, redirection: str) -> "subprocess.CompletedProcess[str]":
    shell = ["bash", "-c", f'set -o pipefail; "$@" {redirection}', "bash", sys.executable, "-m", *command]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    return subprocess.run(shell, stderr=subprocess.PIPE, text=True, timeout=120, env=environment)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [generate_music, evaluate])
@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        (">/dev/full", ["Standard output cannot be written: No space left on device."]),
        (">&-", ["Standard output cannot be written: Bad file descriptor."]),
        ("| true", []),
    ],
)
def test_an_output_that_takes_nothing_is_told_once_and_a_reader_that_left_not_at_all(
    redirection: str, said: list[str], command: Command, unbuffered: str, tiny_model: Path, tmp_path: Path
) -> None:
    done = run(command(tiny_model, tmp_path), unbuffered, redirection)
    errors = [line for line in done.stderr.splitlines() if "cannot" in line or "rror" in line]
    assert done.returncode == 1
    assert errors == said
    assert "Traceback" not in done.stderr
