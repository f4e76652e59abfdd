"""Processes of one bot take turns at the gateway."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from bot.database import gateway
from bot.database.gateway import Gateway
from bot.database.store import Store


@pytest_asyncio.fixture
async def gateways(postgresql: str) -> AsyncIterator[list[Gateway]]:
    async with Store(postgresql) as one, Store(postgresql) as other:
        yield [Gateway(one.engine), Gateway(other.engine)]


async def test_shards_of_a_bucket_identify_one_after_the_other(
    gateways: list[Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "LOOK", 0.01)
    monkeypatch.setattr(gateway, "EVERY", timedelta(hours=1))
    order = list[int]()

    async def identify(which: int, shard: int) -> None:
        await gateways[which].identify(shard, concurrency=2)
        order.append(shard)

    await asyncio.gather(identify(0, 0), identify(1, 1))  # of buckets of their own
    assert sorted(order) == [0, 1]
    waiting = [asyncio.create_task(identify(which, shard)) for which, shard in ((0, 2), (1, 4))]
    await asyncio.wait(waiting, timeout=0.1)
    assert len(order) == 2
    monkeypatch.setattr(gateway, "EVERY", timedelta(0))
    for task in waiting:
        task.cancel()
    await identify(1, 4)
    assert order[2:] == [4]


async def test_one_process_tells_discord_of_the_commands(gateways: list[Gateway]) -> None:
    sent = list[str]()

    async def sync(which: int, digest: str, *, failing: bool = False) -> None:
        async with gateways[which].syncing(1, digest) as new:
            if new:
                await asyncio.sleep(0)
                if failing:
                    raise ConnectionError
                sent.append(digest)

    with pytest.raises(ConnectionError):
        await asyncio.gather(sync(0, "a", failing=True))
    await asyncio.gather(*(sync(which, "a") for which in (0, 1, 0, 1)))
    assert sent == ["a"]
    await asyncio.gather(*(sync(which, "b") for which in (0, 1)))
    await sync(0, "b")
    assert sent == ["a", "b"]
