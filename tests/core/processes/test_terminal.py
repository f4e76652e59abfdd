"""What becomes of standard output: real processes whose output is full, closed, or read by nobody."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.test_evaluate import TRAINING, publish

Command = Callable[[Path, Path], list[str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model whose pieces end soon."""
    return publish(tmp_path_factory.mktemp("models") / "small", TRAINING)


def generate_music(model: Path, folder: Path) -> list[str]:
    files = [str(model / name) for name in ("weights.safetensors", "params.json", "notes.txt")]
    return ["core.generate_music", *files, str(folder / "piece.mid"), "72r1", "--bars=1", "--seed=1", "--takes=2"]


def evaluate(model: Path, folder: Path) -> list[str]:
    return ["core.evaluate", str(model), "--samples=4", "--seeds=1"]


def run(command: list[str], unbuffered: str, redirection: str) -> "subprocess.CompletedProcess[str]":
    reader, writer = os.pipe()
    os.close(reader)
    shell = ["bash", "-c", f'"$@" {redirection.format(unread=writer)}', "bash", sys.executable, "-m", *command]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    try:
        return subprocess.run(shell, stderr=subprocess.PIPE, text=True, env=environment, pass_fds=(writer,))
    finally:
        os.close(writer)


REDIRECTIONS = {
    ">/dev/full": ["Standard output cannot be written: No space left on device."],
    ">&-": ["Standard output cannot be written: Bad file descriptor."],
    ">&{unread}": [],
}


@pytest.mark.parametrize(
    ("redirection", "command", "unbuffered"),
    [
        *((redirection, generate_music, unbuffered) for redirection in REDIRECTIONS for unbuffered in ("", "1")),
        *((redirection, evaluate, "") for redirection in REDIRECTIONS),
        (">/dev/full", evaluate, "1"),
    ],
)
def test_an_output_that_takes_nothing_is_told_once_and_a_reader_that_left_not_at_all(
    redirection: str, command: Command, unbuffered: str, model: Path, tmp_path: Path
) -> None:
    done = run(command(model, tmp_path), unbuffered, redirection)
    errors = [line for line in done.stderr.splitlines() if "cannot" in line or "rror" in line]
    assert done.returncode == 1
    assert errors == REDIRECTIONS[redirection]
    assert "Traceback" not in done.stderr
