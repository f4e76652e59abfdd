"""The walk of a training: from attachments to a job in the database, which the trainer takes up."""

import asyncio
import hashlib
import json
import math
import secrets
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from discord import Attachment, Interaction

from bot.chat import checks, language
from bot.chat.language import _, ngettext
from bot.client import ComposerBot
from bot.database.jobs import Job, JobError
from bot.database.store import ALPHABET, ID_LENGTH
from bot.models import shelves
from bot.models.catalogue import Catalogue
from bot.training import attachments, news
from bot.training.attachments import Chosen
from core.model import bundle
from core.model.bundle import Params
from core.training.recipe import SIZES, require_tensorflow

MINUTES: Final = 30
FREE_BYTES: Final = 1 << 30  # on the disk, for a training to begin
KEPT: Final = 25  # trainings of a server that have ended and can still be looked at
BYTES_A_WEIGHT: Final = 2

Ask = Interaction[ComposerBot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Hold what a trainer asks for: `base` None is the bot's default model, `size` is for a model from nothing."""

    name: str
    files: tuple[Attachment, ...]
    base: str | None = None
    size: str | None = None
    minutes: int = MINUTES
    from_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hold what was asked for with all filled in; `base` None begins from nothing."""

    name: str
    base: str | None
    version: str
    size: str
    minutes: int


async def start(interaction: Ask, wanted: Wanted) -> None:
    """Read the files and put a training into the line. Raises CadenzaError for anything that the user can mend."""
    require_tensorflow()
    await checks.trainer(interaction)
    bot, server = interaction.client, interaction.guild_id
    assert server is not None
    recipe = _fill_in(bot.catalogue.at(server), wanted, bot.settings.training_minutes)
    chosen = attachments.choose(wanted.files, bot.settings.training_bytes)
    await _check_room(bot, server, recipe)
    with bot.desk.place(server) as turn:
        await interaction.response.defer(thinking=True)
        job = await _take_in(interaction, server, chosen, recipe, turn)
    place = [job.id for job in await bot.store.jobs.live()].index(job.id) + 1
    answer = news.present_waiting(job, place)
    await interaction.edit_original_response(embed=answer.embed, view=answer.view)
    bot.bulletin.answered(job, place)
    bot.trainer.wake()
    await _prune(bot, server)


def standing(job: Job) -> str:
    """Say in a sentence where a training stands."""
    link = "" if job.message is None else f" https://discord.com/channels/{job.server}/{job.channel}/{job.message}"
    match job.state:
        case "queued":
            text = _("{model} waits for its turn.") + link
        case "running":
            text = _("{model} is being learned.") + link
        case "done":
            text = _("{model} has been learned: choose it in /compose.")
        case "cancelled":
            text = _("{model} was cancelled: {outcome}")
        case "failed":
            text = _("{model} could not be learned: {outcome}")
    return text.format(model=job.name, outcome=language.sentence(job.outcome or ""))


async def _take_in(interaction: Ask, server: int, chosen: Chosen, recipe: Recipe, turn: asyncio.Lock) -> Job:
    """Have files read when it is their turn, and their training kept. Raises CadenzaError, and nothing is left then."""
    bot, training = interaction.client, "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
    uploads, work = bot.trainer.uploads / training, bot.trainer.folder(training)
    begun = False
    try:
        base = None if recipe.base is None else bot.catalogue.at(server).params(recipe.base)
        async with turn:
            digest, gathered = await attachments.gather(chosen, uploads, work, base)
        message = await interaction.original_response()
        job = Job(
            id=training,
            server=server,
            user=interaction.user.id,
            channel=message.channel.id,
            message=message.id,
            name=recipe.name,
            fingerprint=_fingerprint(server, digest, recipe),
            created=datetime.now(UTC),
            base=recipe.base,
            size=recipe.size,
            minutes=recipe.minutes,
            gathered=gathered,
            locale=interaction.locale.value,
        )
        await _enter(bot, job, recipe)
        begun = True
    finally:
        if not begun:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
    return job


def _fill_in(shelf: Catalogue, wanted: Wanted, most_minutes: int) -> Recipe:
    name = bundle.check_name(wanted.name.strip().lower().replace(" ", "-"))
    if wanted.minutes > most_minutes:
        raise JobError(f"A training may take {most_minutes} minutes here at most.")
    if wanted.from_nothing:
        if wanted.base is not None:
            raise JobError("A model begins from another one or from nothing: choose base or from-nothing, not both.")
        return Recipe(name, None, "", wanted.size or "small", wanted.minutes)
    if wanted.size is not None:
        raise JobError("A model has the size of the one that it begins from: choose a size only with from-nothing.")
    base = shelf.path(wanted.base)
    stamp = (base / "weights.safetensors").stat()
    return Recipe(name, base.name, f"{stamp.st_mtime_ns}-{stamp.st_size}", "medium", wanted.minutes)


def _fingerprint(server: int, digest: bytes, recipe: Recipe) -> str:
    return hashlib.sha256(digest + json.dumps([server, asdict(recipe)]).encode()).hexdigest()


async def _enter(bot: ComposerBot, job: Job, recipe: Recipe) -> None:
    """Add a job to the database, if it is a new one, under a free name, and there is room. Raises JobError."""
    assert job.fingerprint is not None
    async with bot.entering:  # one after the other, so that what is checked still holds when the job is added
        known = await bot.store.jobs.same(job.fingerprint)
        if known is not None:
            raise JobError(f"The same files with the same settings are one training. {standing(known)}")
        shelf = bot.catalogue.at(job.server)
        if job.name in shelf.names():
            raise JobError(f"There is a model called {job.name} already. Choose another name.")
        if any(other.name == job.name and other.live for other in await bot.store.jobs.of(job.server)):
            raise JobError(f"A model called {job.name} is being learned already. Choose another name.")
        await _check_room(bot, job.server, recipe)
        await bot.store.jobs.add(job)


async def _check_room(bot: ComposerBot, server: int, recipe: Recipe) -> None:
    """Raise JobError if the server has as many trainings or models as it may, or the disk is full."""
    settings, shelf = bot.settings, bot.catalogue.at(server)
    live = sum(job.live for job in await bot.store.jobs.of(server))
    if live >= settings.trainings:
        unended = ngettext(
            "{count} training of this server has not ended yet. Wait for it, or cancel it.",
            "{count} trainings of this server have not ended yet. Wait for one, or cancel one.",
            live,
        )
        raise JobError(unended.format(count=live))
    if len(shelf.own_names()) + live >= settings.server_models:
        most = ngettext(
            "A server may keep {count} model. Delete it with /models delete first.",
            "A server may keep {count} models. Delete one with /models delete first.",
            settings.server_models,
        )
        raise JobError(most.format(count=settings.server_models))
    params = shelf.params(recipe.base) if recipe.base is not None else Params(**SIZES[recipe.size])
    coming = BYTES_A_WEIGHT * sum(math.prod(shape) for shape in params.shapes.values()) * (1 + live)
    weight = 0 if shelf.own is None else await asyncio.to_thread(shelves.weight, shelf.own)
    if weight + coming > settings.server_model_bytes:
        mib = settings.server_model_bytes / (1 << 20)
        raise JobError(f"The models of a server may weigh {mib:g} MiB. Delete one with /models delete first.")
    if (await asyncio.to_thread(shutil.disk_usage, settings.data)).free < FREE_BYTES:
        raise JobError("There is no room left on the bot's disk. Its owner has to make some.")


async def _prune(bot: ComposerBot, server: int) -> None:
    """Forget the oldest trainings of a server, if they are many."""
    ended = [job for job in await bot.store.jobs.of(server) if not job.live]
    for job in ended[KEPT:]:
        await bot.trainer.forget(job)
