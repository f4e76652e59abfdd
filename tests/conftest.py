"""What all tests share: a small model, published as every model is."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from core.model import bundle, frames
from core.model.bundle import Params

NOTES = """# cadenza notes 1
# anchor: lowest
# rest unit: 1/2
A rising line\t60r262r264r265r267r269r271r272r4
Four chords\t48-7-12-16r243-7-16-21r245-7-12-16r241-7-16-24r4
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the playground's test keep a picture of the page, which the README shows."""
    parser.addoption("--screenshot", metavar="PNG", help="where tests/bot/playground/test_page.py keeps its picture")


LONG = (
    *("bot/work/test_faults.py", "bot/training/", "bot/cogs/test_training.py", "bot/playground/", "bot/work/"),
    *("core/training/", "core/test_parse_and_train.py", "bot/composing/"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that start processes of their own, so that no core waits for one of them at the end."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        return next((number for number, start in enumerate(LONG) if path.startswith(start)), len(LONG))

    items.sort(key=place)


settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine takes its time
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def unset() -> Iterator[None]:
    """Forget what whoever runs the tests has set for a bot of their own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith(("DISCORD_TOKEN", "CADENZA_"))]:
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def seeds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the seeds that nobody has chosen alike whenever a test is run, so that it passes always or never."""
    chance = np.random.default_rng(crc32(request.node.nodeid.encode()))
    monkeypatch.setattr(secrets, "randbelow", lambda most: int(chance.integers(most)))


AUDIBLE = range(36, 97)  # MIDI numbers


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small model with random weights: quick, and as unmusical as it should be."""
    params = Params(rest_unit="1/2", units=24, layers=1, tempo=300, training={"title": "two made-up pieces"})
    chance = np.random.default_rng(5)
    weights = {name: (chance.standard_normal(shape) * 0.2).astype(np.float32) for name, shape in params.shapes.items()}
    notes = weights["output/bias"][frames.slices(frames.parts(params.hears, params.remembers))["note"]]
    notes[[pitch not in AUDIBLE for pitch in range(128)]] -= 100  # FluidSynth's piano is silent where no piano has keys
    folder = tmp_path_factory.mktemp("models") / "tiny"
    bundle.publish(folder, params, weights, NOTES)
    return folder
