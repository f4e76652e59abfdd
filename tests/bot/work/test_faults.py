"""Faults under a bot of real processes: each request ends in one piece or one sentence, and no training is lost.

The faults are done one after the other in one test, since a set of processes takes long to start.
"""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from bot.database.store import Store
from bot.models.catalogue import Catalogue
from bot.models.shared import SharedShelves
from bot.work.storage import Storage
from tests.bot.acting import until
from tests.bot.databases import binaries
from tests.bot.loopback import Discord, Member
from tests.bot.music import midi, packed
from tests.bot.world import SHARDS, STORAGE, World, disk, fill, models_are_whole, world_of
from tests.machine import lacking

MANAGE_SERVER = 1 << 5


@pytest_asyncio.fixture
async def world(request: pytest.FixtureRequest, tiny_model: Path, tmp_path: Path) -> AsyncIterator[World]:
    """Start everything, with machines that train for a slow test."""
    programs = binaries()
    if programs is None:
        lacking("PostgreSQL is not installed (Debian: postgresql).")
    trainers: tuple[dict[str, str], ...] = ({}, {}) if request.node.get_closest_marker("slow") else ()
    with world_of(programs, tiny_model.parent, tmp_path, trainers=trainers) as start:
        async with Discord() as discord:
            world = start(discord)
            yield world
            await asyncio.to_thread(world.end)  # while there is a Discord to say goodbye to


async def test_each_request_ends_in_one_piece_or_one_sentence(world: World, tiny_model: Path) -> None:
    members = _members(world.discord)
    for fault in (
        _a_composer_is_killed_in_mid_piece,
        _a_composer_is_frozen_and_brings_its_piece_too_late,
        _a_chat_process_is_killed_before_its_piece_is_composed,
        partial(_a_chat_process_is_killed, False),
        partial(_a_chat_process_is_killed, True),
        _the_database_is_stopped_and_started,
        partial(_the_storage_is_cut, tiny_model),
        _a_disk_is_full,
    ):
        await world.ready()
        await fault(world, members)
        for composer in world.composers:
            composer.thaw()


@pytest.mark.slow
async def test_a_training_goes_on_when_its_machine_dies_and_the_storage_is_cut(world: World) -> None:
    members = _members(world.discord)
    await world.ready()
    await _a_trainer_is_killed_in_mid_epoch_and_the_storage_is_cut(world, members)


def _members(discord: Discord) -> list[Member]:
    """Return a member of a server of each shard, and one who may manage the first."""
    servers = [discord.server(f"server {shard}", shard, SHARDS) for shard in range(SHARDS)]
    users = [discord.member(f"user {shard}", *where) for shard, where in enumerate(servers)]
    return [*users, discord.member("admin", *servers[0], permissions=MANAGE_SERVER)]


async def _a_composer_is_killed_in_mid_piece(world: World, members: list[Member]) -> None:
    first, second = world.composers
    second.freeze()
    asked = await world.compose(members[0])
    await world.begun(asked)
    first.kill()
    second.thaw()
    assert await world.answered(asked) == "piece"
    first.start()


async def _a_composer_is_frozen_and_brings_its_piece_too_late(world: World, members: list[Member]) -> None:
    first, second = world.composers
    second.freeze()
    asked = await world.compose(members[0])
    await world.begun(asked)
    first.freeze()
    second.thaw()
    assert await world.answered(asked) == "piece"
    first.thaw()
    await until(lambda: f"The job {asked.id}:compose:1 took" in first.log.read_text())
    assert await world.answered(asked) == "piece"


async def _a_chat_process_is_killed_before_its_piece_is_composed(world: World, members: list[Member]) -> None:
    for composer in world.composers:
        composer.freeze()
    asked = await world.compose(members[0])
    await world.queued(asked)
    world.chats[0].kill()
    await world.lose_signs("requests")
    for composer in world.composers:
        composer.thaw()
    assert await world.answered(asked) == "piece"
    world.chats[0].start()


async def _a_chat_process_is_killed(posted: bool, world: World, members: list[Member]) -> None:
    chat = world.chats[posted]

    def kill(token: str, arrived: bool) -> bool:
        if arrived == posted:
            world.discord.intercept = lambda token, arrived: True
            chat.kill()
        return arrived or posted

    world.discord.intercept = kill
    asked = await world.compose(members[posted])
    await until(lambda: chat.process.poll() is not None)
    await world.lose_signs("requests")
    assert await world.answered(asked) == "piece"
    assert asked.files == 1
    chat.start()


async def _the_database_is_stopped_and_started(world: World, members: list[Member]) -> None:
    for composer in world.composers:
        composer.freeze()
    asked = await world.compose(members[0])
    await world.queued(asked)
    world.cluster.stop()
    for composer in world.composers:
        composer.thaw()
    refused = world.discord.ask(members[1], "compose", bars=2)
    await until(lambda: refused.end(world.discord) == "sentence")
    world.cluster.start()
    assert await world.answered(asked) == "piece"
    assert await world.answered(await world.compose(members[1], bars=2)) == "piece"


async def _the_storage_is_cut(tiny_model: Path, world: World, members: list[Member]) -> None:
    admin = members[-1]
    async with Store(world.cluster.url) as store:
        shelves = SharedShelves(store.engine, Storage(STORAGE), world.folder, _say)
        model = shutil.copytree(tiny_model, world.folder / "scales")
        await shelves.place(model, Catalogue(tiny_model.parent, None, world.folder).at(admin.server))
    await until(lambda: (world.folder / "chat 0" / "models" / str(admin.server) / "scales").exists())
    world.bucket.cut()
    try:
        assert await world.answered(await world.compose(admin, model="scales", bars=2)) == "sentence"
    finally:
        world.bucket.mend()
    assert await world.answered(await world.compose(admin, model="scales", bars=2)) == "piece"
    await models_are_whole(world)


async def _say(news: str) -> None:
    """Tell nobody, who looks every few seconds."""


async def _a_trainer_is_killed_in_mid_epoch_and_the_storage_is_cut(world: World, members: list[Member]) -> None:
    first, second = world.trainers
    second.freeze()
    tunes = packed(**{f"tune {number}__mid": midi(number, 150) for number in range(10)})
    file = ("tunes.zip", tunes)  # with which a training begins at once, without a form
    world.discord.ask(members[-1], "train start", name="steps", base="tiny", minutes=1, file=file)
    await until(lambda: _more(world, 0))
    first.kill()
    before = await _epochs(world)
    world.bucket.cut()
    second.thaw()
    await world.lose_signs("trainings")
    await until(lambda: "The storage does not answer" in second.log.read_text())
    world.bucket.mend()
    await until(lambda: _more(world, before))
    await world.sql("UPDATE trainings SET wish = 'keep'")
    await until(lambda: world.sql("SELECT bool_and(told) FROM trainings"))
    assert await world.sql("SELECT string_agg(state, ' ') FROM trainings") == "done"
    await models_are_whole(world)
    first.start()


async def _a_disk_is_full(world: World, members: list[Member]) -> None:
    with ExitStack() as stack:
        small = world.folder / "small"
        small.mkdir()
        try:
            stack.enter_context(disk(small))
        except subprocess.CalledProcessError:  # nothing may be mounted here
            return
        full = world.launch("compose", "full", TMPDIR=str(small))
        stack.callback(full.end)
        await until(lambda: full.ready)
        for composer in world.composers:
            composer.freeze()
        fill(small / "filler")
        assert await world.answered(await world.compose(members[0], bars=2)) == "sentence"
        (small / "filler").unlink()
        assert await world.answered(await world.compose(members[0], bars=2)) == "piece"


async def _epochs(world: World) -> int:
    found = await world.sql("SELECT jsonb_array_length((status -> 'epochs')::jsonb) FROM trainings")
    return int(found or 0)


async def _more(world: World, before: int) -> bool:
    return await _epochs(world) > before
