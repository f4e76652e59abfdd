"""What the buttons of a training do, also after a restart: their ids say which training they belong to."""

from typing import Final

from discord import Interaction
from discord.ui import View

from bot.chat import checks, components
from bot.chat.language import _
from bot.database.jobs import Job, JobError
from bot.training import messages
from bot.training.trainings import Trainings
from core.composing.recipe import ComposeRequest
from core.errors import mark

ID: Final = r"(?P<job>[a-z0-9]{1,12})"
MODEL: Final = r"(?:\.(?P<model>[a-z0-9][a-z0-9_-]{0,31}))?"  # none in buttons of earlier versions
BARS: Final = 16


class TrainingButton(components.LastingButton, template="never"):
    """Do something to a training, by its id."""

    def __init__(self, custom_id: str, job: str) -> None:
        super().__init__(custom_id)
        self._job = job

    async def job(self, interaction: Interaction) -> Job:
        """Return the training, if it is one of this server and the user may train here. Raises CadenzaError."""
        trainings = Trainings.of(interaction)
        job = await trainings.jobs.get(self._job, interaction.guild_id)
        await checks.trainer(interaction, trainings.studio.store)
        return job


class Cancel(TrainingButton, template=f"train-cancel:{ID}"):
    """Ask how to cancel, if there is anything to keep."""

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        job = await self.job(interaction)
        if not job.live:
            raise JobError("This training has ended already.")
        if job.state == "queued":
            await interaction.response.defer(ephemeral=True, thinking=True)
            await Trainings.of(interaction).trainer.cancel(job, "drop")
            await interaction.edit_original_response(content=_("It is cancelled."))
            return
        status = Trainings.of(interaction).trainer.status(job.id)
        if job.wish is not None:
            raise JobError("This training is being cancelled already.")
        stage = messages.stage(job, status)
        if status.epochs:
            question = _("{model} is being trained. {stage}\nDo you want to keep its best epoch so far?")
        elif status.progress is not None:
            question = _("{model} is being trained. {stage}\nDo you want to keep what it has learned so far?")
        else:
            question = _("{model} is about to be trained. {stage}\nThere is nothing to keep yet.")
        view = _question(job.id, nothing=status.progress is None and not status.epochs)
        text = question.format(model=job.name, stage=stage)
        await interaction.response.send_message(text, view=view, ephemeral=True)


class Keep(TrainingButton, template=f"train-keep:{ID}"):
    """Cancel, and publish the best there is so far."""

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        job = await self.job(interaction)
        trainer = Trainings.of(interaction).trainer
        await trainer.cancel(job, "keep")
        await interaction.response.edit_message(content=messages.stopping(trainer.status(job.id)), view=None)


class Drop(TrainingButton, template=f"train-drop:{ID}"):
    """Cancel, and keep nothing."""

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        job = await self.job(interaction)
        await Trainings.of(interaction).trainer.cancel(job, "drop")
        await interaction.response.edit_message(content=_("It is cancelled, and nothing of it is kept."), view=None)


class Try(TrainingButton, template=f"train-try:{ID}{MODEL}"):
    """Compose with the model that was trained, whether or not its training is still kept."""

    def __init__(self, custom_id: str, job: str, model: str | None = None) -> None:
        super().__init__(custom_id, job)
        self._model = model

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        trainings = Trainings.of(interaction)
        name = self._model or (await trainings.jobs.get(self._job, interaction.guild_id)).name
        model = trainings.studio.catalogue.at(interaction.guild_id).path(name)
        await trainings.studio.compose(interaction, ComposeRequest(model=str(model), bars=BARS))


class Details(TrainingButton, template=f"train-details:{ID}"):
    """Show the figures of a training to whoever asks."""

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        trainer, job = Trainings.of(interaction).trainer, await self.job(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        await trainer.bring(job.id)
        answer = await messages.present_details(job, trainer.status(job.id), trainer.folder(job.id))
        files = [enclosure.file() for enclosure in answer.enclosures]
        await interaction.edit_original_response(embed=answer.embed, attachments=files)


ITEMS: Final = (Cancel, Keep, Drop, Try, Details)


def _question(id: str, *, nothing: bool) -> View:
    """Lay out the ways in which a training can be cancelled that has something to keep, or `nothing`."""
    drop = components.button("train-drop", mark("Throw it away"), "🗑️", 0, id, red=True)
    keep = components.button("train-keep", mark("Keep what there is"), "💾", 0, id)
    return components.lay_out((drop,) if nothing else (keep, drop))
