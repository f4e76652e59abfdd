"""The walk of a training: from attachments to a job in the database, which the trainer takes up."""

import asyncio
import hashlib
import json
import math
import secrets
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Self

from discord import Attachment, Interaction

from bot.chat import checks
from bot.composing.studio import Studio
from bot.database.jobs import OPEN, Job, JobError
from bot.database.store import ALPHABET, ID_LENGTH
from bot.models import shelves
from bot.models.catalogue import Catalogue
from bot.settings import Settings
from bot.training import attachments, messages
from bot.training.attachments import Chosen, ReadingQueue
from bot.training.messages import Messages
from bot.training.trainer import LARGEST, Trainer
from core.corpus.worker import CollectJob
from core.errors import Message, counted, mark
from core.model import bundle
from core.model.bundle import Params
from core.reading.playing import ALL, IN_TWO_AND_FOUR
from core.training.recipe import SIZES, require_tensorflow

MINUTES: Final = 30
METRES: Final = {  # of pieces that are taken, by what one chooses
    IN_TWO_AND_FOUR: mark("in two and four"),
    "3": mark("in three"),
    ALL: mark("in all metres"),
}
FREE_BYTES: Final = 1 << 30  # on the disk, for a training to begin
KEPT: Final = 25  # trainings of a server that have ended and can still be looked at
BYTES_A_WEIGHT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Hold what a trainer asks for: `size` is for a model from nothing, `base` None leaves the beginning open."""

    name: str
    files: tuple[Attachment, ...]
    base: str | None = None
    size: str | None = None
    metres: str = IN_TWO_AND_FOUR
    minutes: int = MINUTES
    from_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Hold what was asked for with all filled in.

    `base` None begins from nothing, or, where `size` is OPEN, from what fares best in the first minute.
    """

    name: str
    base: str | None
    version: str
    size: str
    metres: str
    minutes: int


class Trainings:
    """Take trainings in: have their files read, and put them into the line of the trainer."""

    def __init__(self, settings: Settings, studio: Studio, trainer: Trainer, messages: Messages) -> None:
        self.studio, self.jobs, self.trainer = studio, studio.store.jobs, trainer
        self.reading = ReadingQueue()
        self._settings, self._messages = settings, messages
        self._entering = asyncio.Lock()

    @classmethod
    def of(cls, interaction: Interaction[Any]) -> Self:
        """Return the trainings of the bot that was asked, for what outlives restarts and is handed nothing else."""
        trainings: Self = interaction.client.trainings
        return trainings

    async def start(self, interaction: Interaction, wanted: Wanted) -> None:
        """Read the files and put a training into the line. Raises CadenzaError for anything that the user can mend."""
        if self._settings.alone:
            require_tensorflow()
        await checks.trainer(interaction, self.studio.store)
        server = interaction.guild_id
        assert server is not None
        blueprint = _fill_in(self.studio.catalogue.at(server), wanted, self._settings.training_minutes)
        chosen = attachments.choose(wanted.files, self._settings.training_bytes)
        await self._check_room(server, blueprint)
        with self.reading.place(server) as turn:
            await interaction.response.defer(thinking=True)
            job = await self._take_in(interaction, server, chosen, blueprint, turn)
        place = [job.id for job in await self.jobs.live()].index(job.id) + 1
        answer = messages.present_waiting(job, place)
        await interaction.edit_original_response(embed=answer.embed, view=answer.view)
        self._messages.answered(job, place)
        self.trainer.wake()
        await self._prune(server)

    async def _take_in(
        self, interaction: Interaction, server: int, chosen: Chosen, blueprint: Blueprint, turn: asyncio.Lock
    ) -> Job:
        """Have files read when it is their turn, and their training kept, or else, with CadenzaError, nothing."""
        training = "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
        uploads, work = self.trainer.uploads / training, self.trainer.folder(training)
        begun = False
        try:
            reading = CollectJob(music=str(uploads), work=str(work), metres=blueprint.metres)
            shelf = self.studio.catalogue.at(server)
            if blueprint.base is not None:
                base = shelf.params(blueprint.base)
                reading = replace(reading, anchor=base.anchor, rest_unit=base.rest_unit)
            elif blueprint.size == OPEN:  # as most models write that it could begin from
                reading = replace(reading, anchor=shelf.params(None).anchor)
            async with turn:
                digest, gathered = await attachments.gather(chosen, reading, self._settings.training_nice)
            await self.trainer.keep(training)
            message = await interaction.original_response()
            job = Job(
                id=training,
                server=server,
                user=interaction.user.id,
                channel=message.channel.id,
                message=message.id,
                name=blueprint.name,
                fingerprint=_fingerprint(server, digest, blueprint),
                created=datetime.now(UTC),
                base=blueprint.base,
                size=blueprint.size,
                minutes=blueprint.minutes,
                gathered=gathered,
                locale=interaction.locale.value,
            )
            await self._enter(job, blueprint)
            begun = True
        finally:
            if not begun:
                await self.trainer.drop(training)
        return job

    async def _enter(self, job: Job, blueprint: Blueprint) -> None:
        """Add a job to the database, if it is a new one, under a free name, and there is room. Raises JobError."""
        assert job.fingerprint is not None
        async with self._entering:  # one after the other, so that what is checked still holds when the job is added
            known = await self.jobs.same(job.fingerprint)
            if known is not None:
                raise JobError(
                    "There is a training on these files with these settings already. {standing}",
                    standing=standing(known),
                )
            shelf = self.studio.catalogue.at(job.server)
            if job.name in shelf.names():
                raise JobError("There is a model called {name} already. Choose another name.", name=job.name)
            if any(other.name == job.name and other.live for other in await self.jobs.of(job.server)):
                raise JobError("A model called {name} is being trained already. Choose another name.", name=job.name)
            await self._check_room(job.server, blueprint)
            await self.jobs.add(job)

    async def _check_room(self, server: int, blueprint: Blueprint) -> None:
        """Raise JobError if the server has as many trainings or models as it may, or the disk is full."""
        settings, shelf = self._settings, self.studio.catalogue.at(server)
        live = sum(job.live for job in await self.jobs.of(server))
        if live >= settings.trainings:
            unended = counted(
                "{count} training of this server has not ended yet. Wait for it, or cancel it.",
                "{count} trainings of this server have not ended yet. Wait for one, or cancel one.",
                live,
            )
            raise JobError(unended)
        if len(shelf.own_names()) + live >= settings.server_models:
            most = counted(
                "A server may keep {count} model. Delete it with /models delete first.",
                "A server may keep {count} models. Delete one with /models delete first.",
                settings.server_models,
            )
            raise JobError(most)
        size = LARGEST if blueprint.size == OPEN else blueprint.size
        params = shelf.params(blueprint.base) if blueprint.base is not None else Params(**SIZES[size])
        coming = BYTES_A_WEIGHT * sum(math.prod(shape) for shape in params.shapes.values()) * (1 + live)
        weight = 0 if shelf.own is None else await asyncio.to_thread(shelves.weight, shelf.own)
        if weight + coming > settings.server_model_bytes:
            raise JobError(
                "The models of a server may take up {most:g} MiB. Delete one with /models delete first.",
                most=settings.server_model_bytes / (1 << 20),
            )
        if (await asyncio.to_thread(shutil.disk_usage, settings.data)).free < FREE_BYTES:
            raise JobError("The bot's disk is full. Its owner needs to free some space; then try again.")

    async def _prune(self, server: int) -> None:
        """Forget the oldest trainings of a server, if they are many."""
        ended = [job for job in await self.jobs.of(server) if not job.live]
        for job in ended[KEPT:]:
            await self.trainer.forget(job)


def standing(job: Job) -> Message:
    """Say in a sentence where a training stands."""
    link = "" if job.message is None else f" https://discord.com/channels/{job.server}/{job.channel}/{job.message}"
    match job.state:
        case "queued":
            return mark("{model} is waiting for its turn.{link}", model=job.name, link=link)
        case "running":
            return mark("{model} is being trained.{link}", model=job.name, link=link)
        case "done":
            return mark("{model} is trained: choose it in /compose.", model=job.name)
        case "cancelled":
            return mark("{model} was cancelled: {outcome}", model=job.name, outcome=job.outcome or "")
        case "failed":
            return mark("{model} could not be trained: {outcome}", model=job.name, outcome=job.outcome or "")


def _fill_in(shelf: Catalogue, wanted: Wanted, most_minutes: int) -> Blueprint:
    name = bundle.check_name(wanted.name.strip().lower().replace(" ", "-"))
    if wanted.minutes > most_minutes:
        raise JobError("A training may take at most {most} minutes here.", most=most_minutes)
    if wanted.from_nothing:
        if wanted.base is not None:
            raise JobError("A model starts from another one or from nothing: choose base or from-nothing, not both.")
        return Blueprint(name, None, "", wanted.size or "small", wanted.metres, wanted.minutes)
    if wanted.size is not None:
        raise JobError("A model has the size of the one that it starts from: choose a size only with from-nothing.")
    if wanted.base is None:
        return Blueprint(name, None, "", OPEN, wanted.metres, wanted.minutes)
    base = shelf.path(wanted.base)
    return Blueprint(name, base.name, shelves.version(base), "medium", wanted.metres, wanted.minutes)


def _fingerprint(server: int, digest: bytes, blueprint: Blueprint) -> str:
    return hashlib.sha256(digest + json.dumps([server, asdict(blueprint)]).encode()).hexdigest()
