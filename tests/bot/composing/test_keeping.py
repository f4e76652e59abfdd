"""What an answer promises: the piece is there after a crash, and its bytes can be made again anywhere."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.database.store import Store

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'cadenza.db'}"
    return str(request.getfixturevalue("postgresql"))


def _answer_and_crash(*arguments: str | Path) -> tuple[str, str]:
    """Return the id and the MIDI file of a piece whose bot was killed as soon as it had answered."""
    command = [sys.executable, "-m", "tests.bot.crashing", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        piece, midi = process.stdout.readline().split()
        os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    return piece, midi


def _make_again(*arguments: str | Path) -> list[str]:
    command = [sys.executable, "-m", "tests.bot.remaking", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()


async def test_a_piece_outlives_a_crash_right_after_the_answer_and_is_the_same_elsewhere(
    url: str, tiny_model: Path, tmp_path: Path
) -> None:
    piece, midi = _answer_and_crash(tiny_model.parent, tmp_path / "data", url)
    async with Store(url) as store:
        assert (await store.get(piece)).request.seed == 7
    assert _make_again(url, piece, "") == [midi]  # without the model, from its row alone
    assert _make_again(url, piece, tiny_model) == [midi, midi]  # and composed again by the recipe in its row
