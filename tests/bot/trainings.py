"""Starting trainings, and waiting for them."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import simcord

from bot.client import ComposerBot
from bot.database.jobs import Job
from bot.database.store import Store
from core.training.progress import Epoch
from tests.bot.acting import until
from tests.bot.clicking import filled_in
from tests.bot.music import files

MUCH = files(10, notes=50)


async def newest(store: Store, guild: simcord.GuildHandle) -> Job:
    """Return a server's newest training."""
    return (await store.jobs.of(guild.id))[0]


async def train(
    actor: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    *,
    files: Sequence[tuple[str, bytes]] = (),
    **options: Any,
) -> simcord.InteractionResult:
    """Ask for a training: of one file with the command alone, of more in the form that it opens."""
    if len(files) < 2:
        return await actor.slash(channel, "train start", **options, **dict(zip(["file"], files, strict=False)))
    form = await actor.slash(channel, "train start", **options)
    if form.modal is None:
        return form
    answers = files, options["name"], options.get("base", ""), [options.get("metres", "2,4")]
    return await actor.submit_modal(form, filled_in(form, *answers, str(options.get("minutes", 30))))


@dataclass
class Scene:
    """Play a training on a server: its admin asks for it, and the bot can be started anew."""

    env: simcord.Env
    bot: ComposerBot
    admin: simcord.MemberActor
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle

    @property
    def data(self) -> Path:
        """Return the bot's folder."""
        return self.bot.settings.data

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """Return what is known of the epochs of the training that goes on."""
        return self.bot.trainer.status(self._id).epochs

    async def start(self, **options: Any) -> simcord.ResponseMessage:
        """Ask for a training that goes on for a while, from the only model there is."""
        result = await train(self.admin, self.channel, **{"name": "scales", "base": "tiny", **MUCH, **options})
        assert result.response is not None
        self._id = (await newest(self.bot.store, self.guild)).id
        return result.response

    async def job(self) -> Job:
        """Return the training as it stands."""
        return await self.bot.store.jobs.get(self._id, self.guild.id)

    async def hold(self, epochs: int = 0) -> int:
        """Wait for a training to have gone on for so many epochs, and stop its process: it ends no sooner than it may.

        Return the process's id.
        """
        await until(lambda: self.bot.trainer.process is not None and len(self.epochs) >= epochs)
        assert self.bot.trainer.process is not None
        os.kill(self.bot.trainer.process, signal.SIGSTOP)
        return self.bot.trainer.process

    def release(self) -> None:
        """Let the process go on."""
        assert self.bot.trainer.process is not None
        os.kill(self.bot.trainer.process, signal.SIGCONT)

    async def keep(self) -> Job:
        """End a training that is held, and keep its best epoch."""
        await self.bot.trainer.cancel(await self.job(), "keep")
        self.release()
        return await self.ended()

    async def ended(self) -> Job:
        """Wait for the training to end, and to be announced."""

        async def told() -> bool:
            return (await self.job()).told

        await until(told)
        return await self.job()

    async def restart(self) -> None:
        """Start the bot anew."""
        self.bot = ComposerBot(self.bot.settings, self.bot.workers, self.bot.store)
        await self.env.restart_bot(self.bot)

    def models(self) -> tuple[str, ...]:
        """Return the models that the server has trained."""
        return self.bot.catalogue.at(self.guild.id).own_names()

    def titles(self) -> list[str | None]:
        """Return the titles of all messages in the channel."""
        return [message.embeds[0].title for message in self.channel.history()]
