"""A bot that is alone pays nothing for those that share their work."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

MIB = 1 << 20
SHARING = ("asyncpg", "pgqueuer", "fsspec", "s3fs", "aiobotocore")
SEEN = """
import asyncio, json, sys, tempfile
from pathlib import Path
from bot.client import ready
from bot.settings import Settings

async def start():
    with tempfile.TemporaryDirectory() as data:
        async with ready(Settings(models=Path(sys.argv[1]), data=Path(data), workers=1)):
            return sorted({name.partition(".")[0] for name in sys.modules})

print(json.dumps(asyncio.run(start())))
"""


def test_it_starts_without_what_shares_work(tiny_model: Path) -> None:
    command = [sys.executable, "-c", SEEN, str(tiny_model.parent)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    loaded = json.loads(done.stdout)
    assert "bot" in loaded
    assert not set(loaded) & {*SHARING, "tensorflow"}


def test_what_shares_work_is_no_mandatory_package() -> None:
    mandatory = {name for name in metadata.requires("cadenza") or () if "extra ==" not in name}
    assert not mandatory & set(SHARING)
    files = metadata.files("prometheus-client") or ()  # which is one
    assert "prometheus-client" in mandatory
    assert 0 < sum(file.size or 0 for file in files) < 5 * MIB
