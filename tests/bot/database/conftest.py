"""Both databases in turn."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.database.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'cadenza.db'}"
    return str(request.getfixturevalue("postgresql"))


@pytest_asyncio.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with Store(url) as store:
        yield store
