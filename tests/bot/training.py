"""Waiting for trainings."""

import simcord

from bot.jobs import Job
from bot.store import Store
from bot.trainer import Trainer
from tests.bot.acting import until


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
    await until(lambda: len(trainer.news(job.id).epochs) >= epochs)
