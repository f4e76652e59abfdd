"""A machine that composes or trains for those that chat: it needs no token, and to compose no TensorFlow."""

import asyncio
import logging
from contextlib import AsyncExitStack

from bot.client import warm_up, watched
from bot.database import figures
from bot.database.requests import Machines, Requests
from bot.database.store import Store
from bot.models.catalogue import Catalogue
from bot.models.shared import SharedShelves
from bot.settings import Settings
from bot.training.desk import TrainingMachine
from bot.training.sharing import parcels, storage_of
from bot.work.composer import ComposingMachine
from bot.work.postgres import Connections
from bot.work.storage import Fetched, Storage
from bot.work.workers import Workers
from core.training.recipe import require_tensorflow

_log = logging.getLogger(__name__)


async def compose(settings: Settings) -> None:
    """Compose for all until cancelled. Raises CadenzaError where this machine cannot compose."""
    url = _database(settings)
    async with (
        Workers(settings.workers, settings.deadline, warm_up(settings), settings.training_nice) as workers,
        Store(url) as store,
        Connections(url, settings.workers + 4) as connections,
        AsyncExitStack() as stack,
    ):
        await stack.enter_async_context(watched(settings, lambda: figures.look(store.engine)))
        composer = ComposingMachine(
            connections,
            workers,
            parcels(settings, _fetched(settings)),
            Requests(store.engine, ""),
            Machines(store.engine),
            slots=settings.workers,
        )
        _log.info("This machine composes, %d pieces at once.", settings.workers)
        await composer.run()


async def train(settings: Settings) -> None:
    """Train for all until cancelled. Raises CadenzaError where this machine cannot train."""
    require_tensorflow()
    url = _database(settings)
    async with Store(url) as store, Connections(url) as connections:
        files = Storage(storage_of(settings))
        machine = TrainingMachine(
            settings,
            store.jobs,
            Catalogue(settings.models, settings.model, settings.data),
            SharedShelves(store.engine, files, settings.data, connections.say, mirrors=False),
            files,
            connections,
            Machines(store.engine),
            _fetched(settings),
        )
        async with machine, watched(settings, lambda: figures.look(store.engine)):
            _log.info("This machine trains, one model at a time.")
            await asyncio.Event().wait()


def _database(settings: Settings) -> str:
    assert settings.database is not None
    return settings.database.get_secret_value()


def _fetched(settings: Settings) -> Fetched:
    return Fetched(Storage(storage_of(settings)), settings.data / "fetched", settings.cache_bytes)
