"""The start, where it goes wrong: one sentence, and an exit code."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _start(**environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DISCORD_TOKEN": "", **environment}
    return subprocess.run([sys.executable, "-m", "bot"], env=environment, cwd=ROOT, capture_output=True, text=True)


def test_wrong_settings_end_the_start_with_code_2() -> None:
    ended = _start(CADENZA_WORKERS="many")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "CADENZA_WORKERS must be a whole number from 1 to 64. 'many' is not.\n"


def test_a_machine_without_models_ends_it_with_code_1(tmp_path: Path) -> None:
    ended = _start(CADENZA_MODELS=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"There is no model in {tmp_path.name}: train one with python -m core.parse_and_train.\n"


def test_a_file_in_place_of_the_data_folder_ends_it_with_code_1(tiny_model: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.touch()
    ended = _start(DISCORD_TOKEN="a.b.c", CADENZA_MODELS=str(tiny_model.parent), CADENZA_DATA=str(data))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"CADENZA_DATA must be a folder; {data} cannot be one: File exists.\n"


def test_a_machine_without_fluidsynth_ends_it_with_code_1(tiny_model: Path, tmp_path: Path) -> None:
    ended = _start(CADENZA_MODELS=str(tiny_model.parent), CADENZA_WORKERS="1", PATH=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("FluidSynth, which makes the sound, is not installed. On Debian")


def test_a_machine_without_its_soundfont_ends_it_with_code_1(tiny_model: Path, tmp_path: Path) -> None:
    font = tmp_path / "missing.sf2"
    ended = _start(CADENZA_MODELS=str(tiny_model.parent), CADENZA_WORKERS="1", CADENZA_SOUNDFONT=str(font))
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("The soundfont missing.sf2 cannot be read")
