"""The bot itself: what it is wired to, what it asks of Discord, and when it tells Discord its commands."""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import discord
from discord import Interaction, app_commands
from discord.ext import commands

from bot.chat import replies
from bot.chat.language import Dictionary
from bot.database.store import Store
from bot.models.catalogue import Catalogue
from bot.settings import Settings, SettingsError
from bot.training.attachments import Desk
from bot.training.news import Bulletin
from bot.training.trainer import Trainer
from bot.work.allowance import Allowance
from bot.work.cache import Cache
from bot.work.queue import Queue
from bot.work.workers import Workers
from core.composing.recipe import ComposeRequest
from core.processes.files import write_whole
from core.processes.kept import Kept

EXTENSIONS: Final = (
    "bot.composing.buttons",
    "bot.training.buttons",
    "bot.cogs.compose",
    "bot.cogs.models",
    "bot.cogs.pieces",
    "bot.cogs.primer",
    "bot.cogs.privacy",
    "bot.cogs.server",
    "bot.cogs.training",
)
WARM_UP_BARS: Final = 4  # what a worker composes when it starts

_log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class Told:
    """Hold digests of the commands that Discord has been told, by the ids of the bot's applications."""

    digests: dict[str, str]


TOLD: Final = Kept(Told, lambda digests: {"digests": digests})


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
        self.queue = Queue(settings.workers, settings.waiting, Allowance(settings.allowance))
        self.bulletin = Bulletin(self)
        self.trainer = Trainer(settings, store.jobs, self.catalogue, self.bulletin)
        self.desk = Desk()  # where files are read for trainings
        self.seen: dict[int, tuple[discord.Attachment, ...]] = {}  # files of messages that a form asks about
        self.entering = asyncio.Lock()  # of a training into the line

    async def setup_hook(self) -> None:
        """Get ready for commands."""
        await self.tree.set_translator(Dictionary())
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self._tell_commands(self.settings.data / "commands.json")
        self.trainer.open()

    async def _tell_commands(self, record: Path) -> None:
        """Send the commands to Discord if they are others than those of the last time, which `record` knows."""
        told = _digest(
            [
                await command.get_translated_payload(self.tree, self.tree.translator)
                for command in self.tree.get_commands()
            ]
            if self.tree.translator
            else [command.to_dict(self.tree) for command in self.tree.get_commands()]
        )
        known = await asyncio.to_thread(_read, record)
        if known.digests.get(str(self.application_id)) == told:
            return
        await self.tree.sync()
        await asyncio.to_thread(_write, record, Told({**known.digests, str(self.application_id): told}))
        _log.info("The commands are new to Discord and have been sent.")


def _digest(commands: list[dict[str, object]]) -> str:
    return hashlib.sha256(json.dumps(commands, sort_keys=True, default=str).encode()).hexdigest()


def _read(record: Path) -> Told:
    return TOLD.read(json.loads(record.read_text())) if record.exists() else Told({})


def _write(record: Path, told: Told) -> None:
    write_whole(record, json.dumps(TOLD.write(told), indent=1) + "\n")
