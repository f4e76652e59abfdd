"""What a chat process has that shares its work with other machines."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.database.jobs import Jobs
from bot.database.requests import Requests
from bot.database.store import Store
from bot.models.catalogue import Catalogue
from bot.models.shared import SharedShelves
from bot.settings import Settings
from bot.training.desk import Desk
from bot.training.messages import Messages
from bot.work.dispatcher import Dispatcher
from bot.work.parcels import Parcels
from bot.work.postgres import Connections
from bot.work.shared import SharedQueue
from bot.work.storage import Fetched, Storage


@dataclass(frozen=True, slots=True)
class Shared:
    """Hold the ways to other machines."""

    line: SharedQueue
    work: Dispatcher
    shelves: SharedShelves
    storage: Storage
    connections: Connections

    def desk(self, settings: Settings, jobs: Jobs, catalogue: Catalogue, messages: Messages) -> Desk:
        """Return what tells the chat of trainings that go on elsewhere."""
        return Desk(settings, jobs, catalogue, messages, self.shelves, self.storage, self.connections)


@asynccontextmanager
async def share(settings: Settings, store: Store, url: str) -> AsyncIterator[Shared]:
    """Join the chat processes that share a database by URL. Raises StoreError."""
    requests = Requests(store.engine, secrets.token_hex(8))
    async with (
        Connections(url) as connections,
        SharedQueue(requests, settings.waiting, settings.allowance) as line,
    ):
        files = Storage(storage_of(settings))
        shelves = SharedShelves(store.engine, files, settings.data, connections.say)
        async with shelves.kept_up(connections.hearing):
            work = Dispatcher(connections, parcels(settings), settings.deadline)
            yield Shared(line, work, shelves, files, connections)


def parcels(settings: Settings, fetched: Fetched | None = None) -> Parcels:
    """Return the way in which files are named between machines; `fetched` has what is in the storage."""
    return Parcels({"models": settings.models, "data": settings.data}, fetched)


def storage_of(settings: Settings) -> str:
    """Return the URL of the storage, or its folder."""
    return settings.storage or str((settings.data / "storage").absolute())
