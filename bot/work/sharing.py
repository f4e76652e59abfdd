"""What a chat process needs to share its work with other machines."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.database.requests import Requests
from bot.database.store import Store
from bot.settings import Settings
from bot.work.dispatcher import Dispatcher
from bot.work.parcels import Parcels
from bot.work.postgres import Connections
from bot.work.shared import SharedQueue


@asynccontextmanager
async def share(settings: Settings, store: Store, url: str) -> AsyncIterator[tuple[SharedQueue, Dispatcher]]:
    """Join the chat processes that share a database by URL. Raises StoreError."""
    requests = Requests(store.engine, secrets.token_hex(8))
    async with (
        Connections(url) as connections,
        SharedQueue(requests, settings.waiting, settings.allowance) as line,
    ):
        yield line, Dispatcher(connections, parcels(settings), settings.deadline)


def parcels(settings: Settings) -> Parcels:
    """Return the way in which files are named between machines."""
    return Parcels({"models": settings.models, "data": settings.data})
