"""A whole Cadenza of many processes: a Discord, a database and a storage on this machine, which can be harmed."""

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from moto.server import ThreadedMotoServer
from sqlalchemy import make_url

from bot.work import storage
from core.model import bundle
from tests.bot.acting import until
from tests.bot.databases import Cluster, running
from tests.bot.loopback import Asked, Discord, Member
from tests.bot.machines import Machine, launch

SHARDS = 2
STORAGE = "s3://music/cadenza"


class Bucket:
    """Be an S3 that can be cut off; what it has stays."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", port=0)
        self._server.start()
        _, self._port = self._server.get_host_and_port()
        self.settings = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def cut(self) -> None:
        """Cut it off."""
        self._server.stop()

    def mend(self) -> None:
        """Let it be reached again."""
        self._server = ThreadedMotoServer("127.0.0.1", port=self._port)
        self._server.start()


class World:
    """Hold a Discord, a database, a storage, and processes of each role, each with a folder of its own."""

    def __init__(
        self,
        discord: Discord,
        cluster: Cluster,
        bucket: Bucket,
        models: Path,
        folder: Path,
        composers: Sequence[Mapping[str, str]] = ({}, {}),
        trainers: Sequence[Mapping[str, str]] = ({}, {}),
        nice: int = 0,
    ) -> None:
        self.discord, self.cluster, self.bucket, self.folder = discord, cluster, bucket, folder
        self._models, self._nice = models, nice
        self.chats = [
            self.launch("chat", f"chat {n}", CADENZA_SHARDS=str(SHARDS), CADENZA_SHARD_IDS=str(n))
            for n in range(SHARDS)
        ]
        self.composers = [self.launch("compose", f"compose {n}", **own) for n, own in enumerate(composers)]
        self.trainers = [
            self.launch("train", f"train {n}", CADENZA_TRAINING_THREADS="1", **own) for n, own in enumerate(trainers)
        ]

    @property
    def machines(self) -> list[Machine]:
        """Return all processes."""
        return [*self.chats, *self.composers, *self.trainers]

    def launch(self, role: str, name: str, **settings: str) -> Machine:
        """Start a process that shares all there is with the others but its folder."""
        shared = {"CADENZA_STORAGE": STORAGE, **self.bucket.settings, **settings}
        here, chats = self.folder / name, role == "chat"
        discord, nice = (self.discord.url, 0) if chats else (None, self._nice)
        return launch(role, self.cluster.url, self._models, here, discord=discord, nice=nice, **shared)

    async def ready(self) -> None:
        """Wait until all processes are there, and Discord hears from those that chat."""
        for machine in self.machines:
            await until(lambda machine=machine: machine.ready)  # type: ignore[misc]
        await until(lambda: all(self.discord.open(shard, SHARDS) for shard in range(SHARDS)))

    async def sql(self, query: str, *arguments: Any) -> Any:
        """Ask the database for one value."""
        url = make_url(self.cluster.url).set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def compose(self, user: Member, **options: Any) -> Asked:
        """Ask for a piece that takes a moment, and return when its answer is promised."""
        asked = self.discord.ask(user, "compose", **{"bars": 48, "seed": 1, **options})
        await until(lambda: asked.end(self.discord) != "unheard")
        return asked

    async def queued(self, asked: Asked) -> None:
        """Wait until a job is in the queue."""
        await until(lambda: self._is(asked, "SELECT EXISTS (SELECT FROM pgqueuer WHERE dedupe_key LIKE $1)"))

    async def begun(self, asked: Asked) -> None:
        """Wait until a machine has begun with a request."""
        query = "SELECT EXISTS (SELECT FROM requests WHERE begun IS NOT NULL AND id::text || ':' LIKE $1)"
        await until(lambda: self._is(asked, query))

    async def _is(self, asked: Asked, query: str) -> bool:
        return bool(await self.sql(query, f"{asked.id}:%"))

    async def lose_signs(self, table: str) -> None:
        """Let the signs of life of who is dead by now be as old as they would be after a while."""
        await self.sql(f"UPDATE {table} SET beat = now() - interval '1 hour'")

    async def answered(self, asked: Asked) -> str:
        """Wait until a request has ended and nothing is owed any more; return how it ended, which it did once."""
        await until(lambda: bool(asked.end(self.discord)))
        await until(self._settled)
        assert asked.files <= 1
        return asked.end(self.discord)

    async def _settled(self) -> bool:
        return not await self.sql("SELECT count(*) FROM requests")

    def end(self) -> None:
        """End all processes."""
        for machine in self.machines:
            machine.thaw()
            machine.process.terminate()
        for machine in self.machines:
            machine.end()


@contextmanager
def world_of(programs: Path, models: Path, folder: Path, **processes: Any) -> Iterator[Callable[[Discord], World]]:
    """Start what processes share; what it yields starts them, when their Discord is there."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        cluster = stack.enter_context(running(programs))
        bucket = Bucket()
        stack.callback(bucket.cut)
        for name, value in bucket.settings.items():
            patch.setenv(name, value)
        import boto3

        boto3.client("s3").create_bucket(Bucket="music")

        def start(discord: Discord) -> World:
            world = World(discord, cluster, bucket, models, folder, **processes)
            stack.callback(world.end)
            return world

        yield start


@contextmanager
def disk(place: Path, size: str = "24m") -> Iterator[Path]:
    """Have a small disk of its own in a folder. Raises CalledProcessError where nothing may be mounted."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True, capture_output=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(path: Path) -> None:
    """Write a file until its disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


async def models_are_whole(world: World) -> None:
    """Hold that each model that is known can be had, and is what was published."""
    files = storage.Storage(STORAGE)
    digests = await world.sql("SELECT array_agg(digest) FROM models")
    for number, digest in enumerate(digests or ()):
        content = await files.get(storage.key(digest))
        assert content is not None
        assert hashlib.sha256(content).hexdigest() == digest
        folder = world.folder / f"model {number}"
        folder.mkdir()
        storage.unpack(content, folder)
        assert bundle.load(folder)
