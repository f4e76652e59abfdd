"""A machine that composes for those that chat: it needs no token, and no TensorFlow."""

import logging

from bot.client import warm_up
from bot.database.requests import Machines, Requests
from bot.database.store import Store
from bot.settings import Settings
from bot.work.composer import Composer
from bot.work.postgres import Connections
from bot.work.sharing import parcels
from bot.work.workers import Workers

_log = logging.getLogger(__name__)


async def compose(settings: Settings) -> None:
    """Compose for all until cancelled. Raises CadenzaError where this machine cannot compose."""
    assert settings.database is not None
    url = settings.database.get_secret_value()
    async with (
        Workers(settings.workers, settings.deadline, warm_up(settings)) as workers,
        Store(url) as store,
        Connections(url, settings.workers + 4) as connections,
    ):
        composer = Composer(
            connections,
            workers,
            parcels(settings),
            Requests(store.engine, ""),
            Machines(store.engine),
            slots=settings.workers,
        )
        _log.info("This machine composes, %d pieces at once.", settings.workers)
        await composer.run()
