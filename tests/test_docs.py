"""The documents keep up with the code."""

import os
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("soundfonts/*.md"), *ROOT.glob("models/**/*.md")]
)
HOUSE = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
COMMANDS = ("core.generate_music", "core.parse_and_train", "core.evaluate")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_points_to_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (document.parent / link).exists(), link


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_described(command: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", command, "--help"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},  # so that no option is broken at the end of a line
        capture_output=True,
        text=True,
    )
    options = set(re.findall(r"--[a-z][a-z-]+", told.stdout)) - {"--help"}
    described = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    section = described.partition(f"python -m {command} ")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(--[a-z-]+)", section)) == options


def test_the_house_shows_each_room_in_the_order_of_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    picture = HOUSE.partition("    core/\n")[2].partition("\n    models/")[0]
    for package, shown in zip(("core", "bot"), picture.split("    bot/\n"), strict=True):
        [layers] = [each["layers"] for each in contracts if each.get("containers") == [package]]
        rooms = [room for layer in layers for room in layer.split(" | ") if (ROOT / package / room).is_dir()]
        assert re.findall(r"^      (\w+)/", shown, re.MULTILINE) == rooms
        assert all((ROOT / package / module).is_file() for module in re.findall(r"\w+\.py", shown))


def test_the_house_names_what_is_there() -> None:
    paths = re.findall(r"`([\w./-]+\.(?:py|po|toml))`", HOUSE)
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    rows = re.findall(r"^\| .* \| `(.*)`: `([\w-]+)` \|$|^\| (?!what |---)(.*)$", HOUSE, re.MULTILINE)
    assert [other for _, _, other in rows if other] == []
    for path, name, _ in rows:
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), (path, name)


def test_the_newest_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    dated = re.findall(r"^## (\S+) \((\S+)\)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert dated[0] == (version, re.findall(r'^date-released: "(.*)"$', citation, re.MULTILINE)[0])
    assert f"\nversion: {version}\n" in citation


def test_every_package_has_its_licence_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = list(chain(project["dependencies"], *project["optional-dependencies"].values()))
    licences = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    names = {re.split(r"[ \[<>=]", requirement)[0] for requirement in needed}
    assert {name for name in names if not re.search(rf"\b{re.escape(name)}\b", licences)} == set()


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in (ROOT / "models").glob("*/params.json")), ids=lambda path: path.name
)
def test_every_model_that_ships_has_its_card_and_what_it_needs(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    for part in ("source", "terms", "python -m core.parse_and_train", "nats a token", "scale consistency"):
        assert part in card
    assert {path.name for path in folder.iterdir()} >= {"params.json", "weights.safetensors", "notes.txt"}


def test_the_models_that_ship_are_small_enough() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "models").rglob("*") if path.is_file()) < 40e6
