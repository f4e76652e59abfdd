"""Starting trainings, and waiting for them."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import simcord

from bot.client import ComposerBot
from bot.database.jobs import Job
from bot.database.store import Store
from bot.training.trainer import Trainer
from core.model.notes import Entry, Notes, write_notes
from core.training.worker import TrainJob
from tests.bot.acting import until
from tests.bot.music import files

MUCH = files(10, notes=150)


async def newest(store: Store, guild: simcord.GuildHandle) -> Job:
    """Return a server's newest training."""
    return (await store.jobs.of(guild.id))[0]


async def ended(store: Store, guild: simcord.GuildHandle) -> Job:
    """Wait for a server's newest training to end, and to be announced."""

    async def told() -> bool:
        return (await newest(store, guild)).told

    await until(told)
    return await newest(store, guild)


async def learning(trainer: Trainer, job: Job, epochs: int = 1) -> None:
    """Wait for a training to have learned for so many epochs, and to go on."""
    await until(lambda: len(trainer.status(job.id).epochs) >= epochs)


async def start(
    admin: simcord.MemberActor, channel: simcord.ChannelHandle, **options: object
) -> simcord.ResponseMessage:
    """Ask for a training that goes on for a while."""
    result = await admin.slash(channel, "train start", **{"name": "scales", "minutes": 5, **MUCH, **options})
    assert result.response is not None
    return result.response


def models(bot: ComposerBot, guild: simcord.GuildHandle) -> tuple[str, ...]:
    """Return the models that a server has learned."""
    return bot.catalogue.at(guild.id).own_names()


def train_job(model: Path, work: Path, pieces: int = 2) -> TrainJob:
    """Return a job for a training on made-up melodies."""
    chance = np.random.default_rng(3)
    melodies = (("".join(f"{pitch}r1" for pitch in chance.integers(55, 80, 60))) for _ in range(pieces))
    notes = Notes("lowest", Fraction(1, 2), tuple(Entry(f"melody {n}", text) for n, text in enumerate(melodies)))
    write_notes(work / "notes.txt", notes)
    return TrainJob(work=str(work), name="scales", base=str(model), size="small", seconds=60, threads=1)
