"""The bot itself: what it asks of Discord, and all its parts, wired."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import discord
from discord import Interaction, app_commands
from discord.ext import commands

from bot.chat import replies
from bot.chat.language import Dictionary
from bot.chat.syncing import sync
from bot.cogs import privacy
from bot.cogs.compose import Composing
from bot.cogs.models import Models
from bot.cogs.pieces import Pieces
from bot.cogs.primer import Primers
from bot.cogs.privacy import Forgetting
from bot.cogs.server import Servers
from bot.cogs.training import Training
from bot.community import deletion, showcase
from bot.composing import buttons as composing_buttons
from bot.composing import tune
from bot.composing.studio import Studio
from bot.database.store import Store
from bot.models.catalogue import Catalogue
from bot.settings import Settings, SettingsError
from bot.training import buttons as training_buttons
from bot.training.form import TrainOnThese
from bot.training.messages import Messages
from bot.training.trainer import Trainer
from bot.training.trainings import Trainings
from bot.work.allowance import Allowance
from bot.work.cache import Cache
from bot.work.queue import Queue
from bot.work.workers import Workers
from core.composing.recipe import ComposeRequest

WARM_UP_BARS: Final = 4  # what a worker composes when it starts


@asynccontextmanager
async def ready(settings: Settings) -> AsyncIterator["ComposerBot"]:
    """Start the workers and a bot, not logged in. Raises CadenzaError where this machine cannot compose."""
    catalogue = Catalogue(settings.models, settings.model)
    font = None if settings.soundfont is None else str(settings.soundfont)
    warm_up = ComposeRequest(model=str(catalogue.path(None)), primer="60r1", bars=WARM_UP_BARS, seed=0, soundfont=font)
    try:
        await asyncio.to_thread(settings.data.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"CADENZA_DATA must be a folder; {settings.data} cannot be one: {error.strerror}."
        ) from error
    url = f"sqlite+aiosqlite:///{settings.data / 'cadenza.db'}"
    if settings.database is not None:
        url = settings.database.get_secret_value()
    async with Store(url) as store, Workers(settings.workers, settings.deadline, warm_up) as workers:
        bot = ComposerBot(settings, workers, store)
        async with bot.trainer:
            yield bot


class Tree(app_commands.CommandTree["ComposerBot"]):
    """Answer for every error of a command."""

    async def on_error(self, interaction: Interaction["ComposerBot"], error: app_commands.AppCommandError, /) -> None:
        """Apologise."""
        await replies.apologise(interaction, error)


class ComposerBot(commands.AutoShardedBot):
    """Compose in the chat."""

    def __init__(self, settings: Settings, workers: Workers, store: Store) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            shard_count=settings.shards,
        )
        self.settings, self.workers, self.store = settings, workers, store
        self.catalogue = Catalogue(settings.models, settings.model, settings.data)
        self.cache = Cache(settings.data / "cache", settings.cache_bytes)
        self.studio = Studio(
            self.catalogue,
            store,
            Queue(settings.workers, settings.waiting, Allowance(settings.allowance)),
            workers,
            self.cache,
            soundfont=settings.soundfont,
            upload_bytes=settings.upload_bytes,
        )
        self.messages = Messages(self, self.studio)
        self.trainer = Trainer(settings, store.jobs, self.catalogue, self.messages)
        self.trainings = Trainings(settings, self.studio, self.trainer, self.messages)
        self.form = TrainOnThese(self.trainings)

    async def setup_hook(self) -> None:
        """Get ready for commands."""
        await self.tree.set_translator(Dictionary())
        await self.add_commands()
        await sync(self.tree, self.settings.data / "commands.json")
        self.trainer.open()

    async def add_commands(self) -> None:
        """Add the commands, and what is known by its id after a restart: buttons and forms."""
        studio = self.studio
        for cog in (
            Composing(self.tree, studio),
            Models(studio),
            Pieces(studio),
            Primers(studio),
            Forgetting(studio),
            Servers(studio),
            Training(self.tree, self.trainings, self.form),
        ):
            await self.add_cog(cog)
        self.tree.add_command(privacy.privacy)
        self.add_dynamic_items(
            *composing_buttons.ITEMS, *showcase.ITEMS, *deletion.ITEMS, *training_buttons.ITEMS, privacy.Decision
        )
        self.add_listener(tune.submitted, "on_interaction")
        self.add_listener(self.form.submitted, "on_interaction")
