"""/train: a server's own music becomes a model."""

from typing import Any, Final

import discord
from discord import Attachment, Embed, Interaction, Message, app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from bot.chat import checks, replies
from bot.chat.answer import COLOUR
from bot.chat.language import _, ngettext, tell
from bot.cogs import autocomplete
from bot.database.jobs import Job, JobError
from bot.training import messages
from bot.training.form import TrainingForm
from bot.training.trainings import METRES, MINUTES, Trainings, Wanted
from core.reading.playing import IN_TWO_AND_FOUR
from core.training.recipe import SIZES

CHOICES_SHOWN: Final = 25
LISTED: Final = 15
MARKS: Final = {"queued": "⏳", "running": "🎓", "done": "✅", "failed": "⚠️", "cancelled": "🛑"}


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class Training(commands.GroupCog, group_name="train", group_description="Train models on this server's music."):
    """Train models on this server's music."""

    def __init__(self, tree: app_commands.CommandTree[Any], trainings: Trainings, form: TrainingForm) -> None:
        self._tree, self._trainings, self._form = tree, trainings, form
        self._menu = app_commands.ContextMenu(name="Train on these", callback=self.train_on_these)
        app_commands.guild_only()(self._menu)
        app_commands.allowed_installs(guilds=True, users=False)(self._menu)

    async def cog_load(self) -> None:
        """Add the menu, which belongs to no cog by itself."""
        self._tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Remove the menu."""
        self._tree.remove_command(self._menu.name, type=self._menu.type)

    @app_commands.command()
    @app_commands.rename(from_nothing="from-nothing")
    @app_commands.describe(
        name="What the new model is called: small letters, digits, - and _.",
        file="A zip of music, or one file: MIDI, MusicXML, ABC, Humdrum. Without it I ask for up to ten.",
        base="The model to start from; without one it tries which is best.",
        minutes="How long it may take.",
        metres="The metres of the pieces to train on.",
        size="How large it is, if it starts from nothing.",
        from_nothing="Start from no other model; that needs a lot of music and time.",
    )
    @app_commands.autocomplete(base=autocomplete.models)
    @app_commands.choices(
        size=[Choice(name=name, value=name) for name in SIZES],
        metres=[Choice(name=words.template, value=metres) for metres, words in METRES.items()],
    )
    async def start(
        self,
        interaction: Interaction,
        name: Range[str, 1, 32],
        file: Attachment | None = None,
        base: str | None = None,
        minutes: Range[int, 1, 1440] = MINUTES,
        metres: str = IN_TWO_AND_FOUR,
        size: str | None = None,
        from_nothing: bool = False,
    ) -> None:
        """Train a model on your files."""
        wanted = Wanted(
            name=name,
            files=() if file is None else (file,),
            base=base,
            size=size,
            metres=metres,
            minutes=minutes,
            from_nothing=from_nothing,
        )
        async with replies.answering(interaction):
            if file is not None:
                await self._trainings.start(interaction, wanted)
            else:
                await checks.trainer(interaction, self._trainings.studio.store)
                await interaction.response.send_modal(self._form.ask_for_files(wanted))

    @app_commands.command()
    async def status(self, interaction: Interaction) -> None:
        """Show what is being trained, and what is waiting."""
        async with replies.answering(interaction):
            await checks.trainer(interaction, self._trainings.studio.store)
            here, live = interaction.guild_id, await self._trainings.jobs.live()
            line = [(place, job) for place, job in enumerate(live) if job.server == here]
            if not line:
                raise JobError("Nothing is being trained here. /train start begins a training.")
            embed = Embed(title=_("Trainings"), colour=COLOUR)
            for place, job in line[:LISTED]:
                state = "cancelled" if job.wish else job.state
                embed.add_field(name=f"{MARKS[state]} {job.name}", value=self._standing(job, place), inline=False)
            await interaction.response.send_message(embed=embed, ephemeral=True)

    @app_commands.command()
    @app_commands.describe(training="Which training.", keep="Keep what it has learned so far.")
    async def cancel(self, interaction: Interaction, training: Range[str, 1, 40], keep: bool = False) -> None:
        """Cancel a training, before or while it runs."""
        async with replies.answering(interaction):
            await checks.trainer(interaction, self._trainings.studio.store)
            job = await self._find(interaction, training)
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._trainings.trainer.cancel(job, "keep" if keep else "drop")
            kept = messages.stopping(self._trainings.trainer.status(job.id))
            dropped = _("It is cancelled, and nothing of it is kept.")
            await interaction.edit_original_response(content=kept if keep else dropped)

    @app_commands.command(name="list")
    async def list_all(self, interaction: Interaction) -> None:
        """List this server's trainings, the newest first."""
        async with replies.answering(interaction):
            await checks.trainer(interaction, self._trainings.studio.store)
            jobs = await self._trainings.jobs.of(interaction.guild_id)
            if not jobs:
                raise JobError("This server has not trained anything yet. /train start begins a training.")
            embed = Embed(title=_("Trainings"), description="\n".join(map(_line, jobs[:LISTED]))[:4000], colour=COLOUR)
            await interaction.response.send_message(embed=embed, ephemeral=True)

    @app_commands.command()
    @app_commands.describe(training="Which training.")
    async def delete(self, interaction: Interaction, training: Range[str, 1, 40]) -> None:
        """Forget a training that has ended, and the notes it was trained on. Its model stays."""
        async with replies.answering(interaction):
            await checks.trainer(interaction, self._trainings.studio.store)
            job = await self._find(interaction, training)
            await self._trainings.trainer.forget(job)
            done = _("The training of {model} is forgotten. Its model, if there is one, stays until /models delete.")
            await interaction.response.send_message(done.format(model=job.name), ephemeral=True)

    @app_commands.command()
    @app_commands.describe(training="Which training.")
    async def report(self, interaction: Interaction, training: Range[str, 1, 40]) -> None:
        """Show what became of each file of a training."""
        async with replies.answering(interaction):
            await checks.trainer(interaction, self._trainings.studio.store)
            job = await self._find(interaction, training)
            await self._trainings.trainer.bring(job.id)
            folder = self._trainings.trainer.folder(job.id)
            answer = await messages.present_report(job, folder)
            files = [enclosure.file() for enclosure in answer.enclosures]
            await interaction.response.send_message(embed=answer.embed, files=files, ephemeral=True)

    async def train_on_these(self, interaction: Interaction[Any], message: Message) -> None:
        """Train a model on the files of a message."""
        async with replies.answering(interaction):
            await checks.trainer(interaction, self._trainings.studio.store)
            await interaction.response.send_modal(self._form.train_on(message))

    @cancel.autocomplete("training")
    async def _live(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        return await self._choices(interaction, typed, live=True)

    @delete.autocomplete("training")
    async def _ended(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        return await self._choices(interaction, typed, live=False)

    @report.autocomplete("training")
    async def _any(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        return await self._choices(interaction, typed, live=None)

    async def _find(self, interaction: Interaction, training: str) -> Job:
        """Return a training of this server, by its id or by its model's name. Raises JobError."""
        jobs = await self._trainings.jobs.of(interaction.guild_id)
        found = next((job for job in jobs if training in (job.id, job.name)), None)
        return found or await self._trainings.jobs.get(training, interaction.guild_id)

    async def _choices(self, interaction: Interaction, typed: str, *, live: bool | None) -> list[Choice[str]]:
        if not await checks.may_train(interaction, self._trainings.studio.store):
            return []
        jobs = await self._trainings.jobs.of(interaction.guild_id)
        return [
            Choice(name=f"{job.name} ({job.created:%Y-%m-%d %H:%M}) {MARKS[job.state]}", value=job.id)
            for job in jobs
            if (live is None or job.live == live) and typed.lower() in job.name
        ][:CHOICES_SHOWN]

    def _standing(self, job: Job, place: int) -> str:
        if job.state == "queued":
            return messages.turn(place)
        return f"{messages.stage(job, self._trainings.trainer.status(job.id))} `{job.id}`"


def _line(job: Job) -> str:
    pieces = ngettext("{count} piece", "{count} pieces", job.gathered.kept).format(count=job.gathered.kept)
    age = discord.utils.format_dt(job.created, "R")
    return f"{MARKS[job.state]} **{job.name}** `{job.id}`, {age}: {pieces}. {tell(job.outcome) if job.outcome else ''}"
