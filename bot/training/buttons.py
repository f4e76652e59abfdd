"""What the buttons of a training do, also after a restart: their ids say which training they belong to."""

import re
from typing import Any, Final, Self

from discord import Interaction
from discord.ui import Button, DynamicItem, Item, View

from bot.chat import checks, components, replies
from bot.chat.language import _
from bot.client import ComposerBot
from bot.composing import walk
from bot.composing.walk import Ask
from bot.database.jobs import Job, JobError
from core.composing.recipe import ComposeRequest

ID: Final = r"(?P<job>[a-z0-9]{1,12})"
MODEL: Final = r"(?:\.(?P<model>[a-z0-9][a-z0-9_-]{0,31}))?"  # none in buttons of earlier versions
BARS: Final = 16


class TrainingButton(DynamicItem[Button[View]], template="never"):
    """Have `act` done for a training, by its id, and answer whatever happens."""

    def __init__(self, custom_id: str, job: str) -> None:
        super().__init__(Button(custom_id=custom_id))
        self._job = job

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: Item[Any], match: re.Match[str], /) -> Self:
        """Make the button that was clicked."""
        return cls(match.string, **match.groupdict())

    async def callback(self, interaction: Interaction[Any]) -> Any:
        """Answer a click."""
        try:
            async with replies.answering(interaction):
                await self.act(interaction)
        except Exception as error:  # discord.py would only log it, and the user would see a failed interaction
            await replies.apologise(interaction, error)

    async def act(self, interaction: Ask) -> None:
        """Do what the button says."""
        raise NotImplementedError

    async def job(self, interaction: Ask) -> Job:
        """Return the training, if it is one of this server. Raises JobError."""
        return await interaction.client.store.jobs.get(self._job, interaction.guild_id)


class Cancel(TrainingButton, template=f"train-cancel:{ID}"):
    """Ask how to cancel, if there is anything to keep."""

    async def act(self, interaction: Ask) -> None:
        """Do what the button says."""
        job = await self.job(interaction)
        await checks.trainer(interaction)
        if not job.live:
            raise JobError("This training has ended already.")
        if job.state == "queued":
            await interaction.response.defer(ephemeral=True, thinking=True)
            await interaction.client.trainer.cancel(job, "drop")
            await interaction.edit_original_response(content=_("It is cancelled."))
            return
        question = _("{model} is being learned. What shall become of what it has learned so far?")
        await interaction.response.send_message(question.format(model=job.name), view=_question(job.id), ephemeral=True)


class Keep(TrainingButton, template=f"train-keep:{ID}"):
    """Cancel, and publish the best epoch so far."""

    async def act(self, interaction: Ask) -> None:
        """Do what the button says."""
        job = await self.job(interaction)
        await checks.trainer(interaction)
        await interaction.client.trainer.cancel(job, "keep")
        await interaction.response.edit_message(content=_("It comes to an end, and its best epoch is kept."), view=None)


class Drop(TrainingButton, template=f"train-drop:{ID}"):
    """Cancel, and keep nothing."""

    async def act(self, interaction: Ask) -> None:
        """Do what the button says."""
        job = await self.job(interaction)
        await checks.trainer(interaction)
        await interaction.client.trainer.cancel(job, "drop")
        await interaction.response.edit_message(content=_("It is cancelled, and nothing is kept of it."), view=None)


class Try(TrainingButton, template=f"train-try:{ID}{MODEL}"):
    """Compose with the model that was learned, whether or not its training is still kept."""

    def __init__(self, custom_id: str, job: str, model: str | None = None) -> None:
        super().__init__(custom_id, job)
        self._model = model

    async def act(self, interaction: Ask) -> None:
        """Do what the button says."""
        name = self._model or (await self.job(interaction)).name
        model = interaction.client.catalogue.at(interaction.guild_id).path(name)
        await walk.compose(interaction, ComposeRequest(model=str(model), bars=BARS))


ITEMS: Final = (Cancel, Keep, Drop, Try)


async def setup(bot: ComposerBot) -> None:
    """Have the bot know these buttons by their ids."""
    bot.add_dynamic_items(*ITEMS)


def _question(id: str) -> View:
    """Lay out the ways in which a training can be cancelled."""
    keep = components.button("train-keep", "Keep the best so far", "💾", 0, id)
    return components.lay_out((keep, components.button("train-drop", "Throw it away", "🗑️", 0, id, red=True)))
