"""Several processes by one command, and by Docker."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
import yaml

from bot import many
from bot.settings import PREFIX, TOKEN, Settings
from tests.bot.acting import PATIENCE
from tests.machine import lacking

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = yaml.safe_load((ROOT / "compose.many.yaml").read_text())["services"]
    return found


def test_docker_sets_what_there_is(services: dict[str, dict[str, object]]) -> None:
    known = {TOKEN, *(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)}
    ours = {name: service for name, service in services.items() if "build" in service}
    assert set(ours) == {"chat", "compose", "train"}
    for name, service in ours.items():
        assert service["command"] == ["cadenza", name]
        environment = service["environment"]
        assert isinstance(environment, dict)
        assert {variable for variable in environment if not variable.startswith("AWS_")} <= known
        assert (TOKEN in environment) == (name == "chat")
        assert isinstance(environment["CADENZA_STORAGE"], str)
        Settings(storage=environment["CADENZA_STORAGE"], metrics_port=environment["CADENZA_METRICS_PORT"])


def test_docker_installs_what_they_need(services: dict[str, dict[str, object]]) -> None:
    extras = services["train"]["build"]
    assert isinstance(extras, dict)
    asked = set(re.findall(r"--extra (\w+)", extras["args"]["EXTRAS"]))
    named = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    assert asked == {"many", "s3", "train"}
    assert asked <= named
    assert "$EXTRAS" in (ROOT / "Dockerfile").read_text()


@pytest.mark.slow
async def test_a_piece_is_composed_by_one_process_and_shown_by_another(tmp_path: Path) -> None:
    if many._programs() is None:
        lacking("PostgreSQL is not installed (Debian: postgresql).")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.many"),
        cwd=ROOT,
        env={**os.environ, "CADENZA_DATA": str(tmp_path), "CADENZA_PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(PATIENCE):
        while (found := re.search(r"chat \| The playground is open: (http\S+)", said)) is None:
            said += (await process.stdout.readline()).decode()
        async with aiohttp.ClientSession() as web, web.get(found[1]) as page:
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        said += (await process.stdout.read()).decode()
        assert await process.wait() == 0
    assert re.search(r"compose-\d \| .* The job \S+:compose:1 took", said)
    assert re.search(r"     chat \| .* The result of the job \S+:compose:1 came from another process", said)
    assert "Traceback" not in said
