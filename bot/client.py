"""The bot itself: what it asks of Discord, and all its parts, wired."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import discord
from discord import Interaction, app_commands
from discord.ext import commands

from bot import metrics
from bot.chat import promises, replies
from bot.chat.language import Dictionary
from bot.chat.syncing import sync
from bot.cogs import help as welcome
from bot.cogs import models, privacy
from bot.cogs.compose import Composing
from bot.cogs.help import Help
from bot.cogs.jam import Jamming
from bot.cogs.melodies import Melodies
from bot.cogs.models import Models
from bot.cogs.pieces import Pieces
from bot.cogs.primer import Primers
from bot.cogs.privacy import Forgetting
from bot.cogs.rewriting import Rewriting
from bot.cogs.server import Servers
from bot.cogs.training import Training
from bot.community import deletion, jam, setup, showcase
from bot.community.daily import Daily
from bot.composing import buttons as composing_buttons
from bot.composing import melodies, rewriting, tune
from bot.composing.film import NEVER
from bot.composing.studio import Studio
from bot.database import figures
from bot.database.gateway import Gateway
from bot.database.requests import Pending
from bot.database.store import Store
from bot.models.catalogue import Catalogue
from bot.settings import Settings, SettingsError
from bot.training import buttons as training_buttons
from bot.training.form import TrainingForm
from bot.training.messages import Messages
from bot.training.trainer import Trainer
from bot.training.trainings import Trainings
from bot.work.allowance import Allowance
from bot.work.cache import Cache
from bot.work.queue import Line, Queue
from bot.work.workers import Work, Workers
from core.composing.recipe import ComposeRequest
from core.drawing import film
from core.errors import reason

if TYPE_CHECKING:
    from bot.training.sharing import Shared

WARM_UP_BARS: Final = 4  # what a worker composes when it starts


@asynccontextmanager
async def ready(settings: Settings) -> AsyncIterator["ComposerBot"]:
    """Start the workers and a bot, not logged in. Raises CadenzaError where this machine cannot compose."""
    first = warm_up(settings)
    try:
        await asyncio.to_thread(settings.data.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            "CADENZA_DATA must be a folder; {folder} cannot be one: {reason}.",
            folder=settings.data,
            reason=reason(error),
        ) from error
    url = f"sqlite+aiosqlite:///{settings.data / 'cadenza.db'}"
    if settings.database is not None:
        url = settings.database.get_secret_value()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(url))
        if settings.alone:
            workers: Work = await stack.enter_async_context(
                Workers(settings.workers, settings.deadline, first, settings.training_nice)
            )
            shared = None
        else:
            from bot.training.sharing import share  # with PgQueuer, which one machine does not need

            shared = await stack.enter_async_context(share(settings, store, url))
            workers = shared.work
        bot = ComposerBot(settings, workers, store, shared)

        async def look() -> bool:
            alone = {"waiting": bot.line.waiting, "begun": workers.playing} if isinstance(bot.line, Queue) else {}
            return await figures.look(store.engine, **alone) and bot.is_ready()

        await stack.enter_async_context(watched(settings, look))
        async with bot.trainer, bot.daily.running(), bot.turns.running():
            yield bot


@asynccontextmanager
async def watched(settings: Settings, look: Callable[[], Awaitable[bool]]) -> AsyncIterator[None]:
    """Serve figures where the settings want them, as `metrics.served`. Raises SettingsError if the port is taken."""
    if settings.metrics_port is None:
        yield
        return
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(metrics.served(settings.metrics_host, settings.metrics_port, look))
        except OSError as error:
            raise SettingsError(
                "There can be no figures at CADENZA_METRICS_PORT {port}: {error}.",
                port=settings.metrics_port,
                error=reason(error),
            ) from None
        yield


def warm_up(settings: Settings) -> ComposeRequest:
    """Return what a worker composes when it starts. Raises BundleError if there is no model."""
    model = Catalogue(settings.models, settings.model).path(None)
    font = None if settings.soundfont is None else str(settings.soundfont)
    return ComposeRequest(model=str(model), primer="60r1", bars=WARM_UP_BARS, seed=0, soundfont=font)


class Tree(app_commands.CommandTree["ComposerBot"]):
    """Answer for every error of a command."""

    async def on_error(self, interaction: Interaction["ComposerBot"], error: app_commands.AppCommandError, /) -> None:
        """Apologise."""
        await replies.apologise(interaction, error)


class ComposerBot(commands.AutoShardedBot):
    """Compose in the chat."""

    def __init__(self, settings: Settings, workers: Work, store: Store, shared: "Shared | None" = None) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            shard_count=settings.shards,
            shard_ids=settings.shard_numbers,  # type: ignore[arg-type]  # None is its default
        )
        self.gateway = None if shared is None else Gateway(store.engine)
        self.settings, self.workers, self.store = settings, workers, store
        self.catalogue = Catalogue(settings.models, settings.model, settings.data)
        self.cache = Cache(settings.data / "cache", settings.cache_bytes)
        self.line: Line = Queue(settings.workers, settings.waiting, Allowance(settings.allowance))
        if shared is not None:
            self.line = shared.line
        self.studio = Studio(
            self.catalogue,
            store,
            self.line,
            workers,
            self.cache,
            soundfont=settings.soundfont,
            upload_bytes=settings.upload_bytes,
            shelves=None if shared is None else shared.shelves,
            film=settings.film if shared is not None or film.available() else NEVER,
        )
        self.messages = Messages(self, self.studio)
        self.daily, self.turns = Daily(self, self.studio), jam.Turns(self, self.studio)
        if shared is None:
            self.trainer = Trainer(settings, store.jobs, self.catalogue, self.messages)
        else:
            self.trainer = shared.desk(settings, store.jobs, self.catalogue, self.messages)
        self.trainings = Trainings(settings, self.studio, self.trainer, self.messages)
        self.form = TrainingForm(self.trainings)

    async def setup_hook(self) -> None:
        """Get ready for commands."""
        await self.tree.set_translator(Dictionary())
        await self.add_commands()
        await sync(self.tree, self.settings.data / "commands.json", self.gateway)
        self.trainer.open()
        self.line.open(self._take_up)
        self.studio.films.open(self, alone=self.gateway is None)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait until a shard may IDENTIFY, since other processes of this bot have shards too."""
        if self.gateway is None:
            await super().before_identify_hook(shard_id, initial=initial)
            return
        *_, limit = await self.http.get_bot_gateway()
        await self.gateway.identify(shard_id or 0, limit["max_concurrency"])

    async def _take_up(self, pending: Pending) -> None:
        """Answer what was asked of a process that is no more."""
        await self.wait_until_ready()
        await self.studio.take_up(promises.restored(self, pending.id, pending.origin), pending)

    async def close(self) -> None:
        """Leave Discord."""
        await self.studio.films.close()
        await super().close()

    async def add_commands(self) -> None:
        """Add the commands, and what is known by its id after a restart: buttons and forms."""
        studio = self.studio
        for cog in (
            Composing(self.tree, studio),
            Jamming(studio),
            Melodies(self.tree, studio),
            Models(studio),
            Pieces(studio),
            Primers(studio),
            Rewriting(studio),
            Forgetting(studio),
            Help(self, studio),
            Servers(studio),
            Training(self.tree, self.trainings, self.form),
        ):
            await self.add_cog(cog)
        self.tree.add_command(privacy.privacy)
        self.add_dynamic_items(
            *composing_buttons.ITEMS,
            *melodies.ITEMS,
            *rewriting.ITEMS,
            *models.ITEMS,
            *tune.ITEMS,
            *setup.ITEMS,
            *welcome.ITEMS,
            *showcase.ITEMS,
            *deletion.ITEMS,
            *jam.ITEMS,
            *training_buttons.ITEMS,
            privacy.Decision,
        )
        self.add_listener(tune.submitted, "on_interaction")
        self.add_listener(setup.submitted, "on_interaction")
        self.add_listener(jam.submitted, "on_interaction")
        self.add_listener(melodies.submitted, "on_interaction")
        self.add_listener(rewriting.submitted, "on_interaction")
        self.add_listener(self.form.submitted, "on_interaction")
