"""What `pip install` gives: the commands, the models that ship, and no need of what composing does not use."""

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import mido
import pytest
import soundfile
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
MODEL = [f"models/fiddle/{name}" for name in ("weights.safetensors", "params.json", "notes.txt")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, with what is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", ROOT, "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    [wheel] = folder.glob("cadenza-*.whl")
    return wheel


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it into an environment that sees what it names as its dependencies, and nothing else that is here."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv")
    [packages] = (folder / "venv").glob("lib/python*/site-packages")
    pip("--python", folder / "venv", "install", "--no-deps", "--no-index", wheel)
    [installed] = packages.glob("cadenza-*.dist-info")
    for package in dependencies(Distribution.at(installed)).values():
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(str(package.locate_file(top)))
    return folder / "venv" / "bin"


def pip(*arguments: str | Path) -> None:
    """Run pip without a network."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def dependencies(package: Distribution, *extras: str) -> dict[str, Distribution]:
    """Return all that a package needs, directly or not, by name."""
    found: dict[str, Distribution] = {}
    for line in package.requires or ():
        needed = Requirement(line)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            other = distribution(needed.name)
            found |= {needed.name: other, **dependencies(other, *needed.extras)}
    return found


def run(*command: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command of the installation, far from the checkout."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CADENZA_"))}
    environment = {**inherited, "DISCORD_TOKEN": "", "PYTHONNOUSERSITE": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def contents(wheel: Path) -> Iterator[set[str]]:
    """Return the names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        yield set(archive.namelist())


def test_the_wheel_holds_all_that_is_no_module(contents: set[str]) -> None:
    data = [*ROOT.glob("models/**/*"), *ROOT.glob("bot/**/*.po"), *ROOT.glob("bot/**/versions/*.py")]
    names = {str(path.relative_to(ROOT)) for path in data if path.is_file()}
    assert names
    assert {"core/" * name.startswith("models/") + name for name in names} <= contents
    assert {"core/py.typed", "bot/py.typed"} <= contents
    assert not any(name.startswith(("tests/", "bench/")) for name in contents)


@pytest.mark.parametrize("package", ["tensorflow", "keras", "simcord", "pytest"])
def test_what_composing_does_not_need_is_not_there(package: str, commands: Path, tmp_path: Path) -> None:
    ended = run(commands / "python", "-c", f"import {package}", cwd=tmp_path)
    assert f"No module named '{package}'" in ended.stderr


def test_it_composes_with_a_model_that_ships(commands: Path, tmp_path: Path) -> None:
    options = ("72r1", "--bars", "4", "--seed", "1", "--audio", "wav", "--picture")
    ended = run(commands / "cadenza-compose", *MODEL, "out/piece.mid", *options, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("72r1")
    notes = [message for message in mido.MidiFile(tmp_path / "out/piece.mid") if message.type == "note_on"]
    assert notes[0].note == 72
    sound, rate = soundfile.read(tmp_path / "out/piece.wav")
    assert len(sound) > rate
    assert abs(sound).max() > 0.5
    assert (tmp_path / "out/piece.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_is_read_without_tensorflow(commands: Path, tmp_path: Path) -> None:
    ended = run(commands / "cadenza-train", ROOT / "tests/data", "parsed", "--parsed-only", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "parsed/notes.txt").stat().st_size


def test_what_needs_an_extra_says_which(commands: Path, tmp_path: Path) -> None:
    trained = run(commands / "cadenza-train", ROOT / "tests/data", "parsed", cwd=tmp_path)
    assert (trained.returncode, trained.stdout) == (1, "")
    assert trained.stderr == ("Training needs TensorFlow, which is not installed here: pip install 'cadenza[train]'.\n")
    assert not (tmp_path / "parsed").exists()
    played = run(commands / "cadenza", cwd=tmp_path)
    assert (played.returncode, played.stdout) == (1, "")
    assert played.stderr.endswith("which is not installed here: pip install 'cadenza[playground]'.\n")


def test_it_evaluates_the_models_that_ship_by_their_names(commands: Path, tmp_path: Path) -> None:
    ended = run(commands / "cadenza-evaluate", "nobody", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.endswith("which has: chorales, classic, everything, fiddle.\n")


def test_the_bot_finds_its_languages_its_migrations_and_its_models(commands: Path, tmp_path: Path) -> None:
    look = (
        "import asyncio; from bot import client; from bot.chat import language; from bot.database.store import Store\n"
        "from bot.models.catalogue import Catalogue; from bot.settings import Settings\n"
        "async def main():\n"
        "    async with Store('sqlite+aiosqlite:///bot.db') as store: print(await store.by_author(1, 1))\n"
        "asyncio.run(main()); print(len(language.read('de')) > 100); print(*Catalogue(Settings().models).names())"
    )
    ended = run(commands / "python", "-c", look, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["()", "True", "chorales classic everything fiddle"]
