"""/train, as a server meets it: real files, a real small training in its process, real compositions."""

from collections.abc import AsyncIterator

import pytest_asyncio
import simcord

from bot.client import ComposerBot
from bot.jobs import Job
from bot.store import Store
from tests.bot.acting import until
from tests.bot.music import files


@pytest_asyncio.fixture
async def trainer(bot: ComposerBot, env: simcord.Env) -> AsyncIterator[ComposerBot]:
    """Return the bot with its trainer at work."""
    async with bot.trainer:
        yield bot


async def ended(store: Store, guild: simcord.GuildHandle) -> Job:
    """Wait for a server's newest training to end and to be announced."""
    job: Job | None = None

    async def look() -> bool:
        nonlocal job
        [job, *_] = await store.jobs.of(guild.id)
        return job.told

    await until(look)
    assert job is not None
    return job


async def test_learns_a_style_that_everybody_can_try(
    trainer: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    bob: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    answer = (await admin.slash(channel, "train start", name="scales", minutes=1, **files())).response
    assert answer is not None
    assert answer.embeds[0].title == "scales is to be learned"
    assert (answer.embeds[0].description or "").startswith("Kept 3 of 3")
    job = await ended(store, guild)
    assert (job.state, job.outcome) == ("done", job.outcome)
    first, last = channel.history()
    assert first.id == answer.id
    assert first.embeds[0].title == "scales has been learned"
    assert last.content == admin.mention
    assert [user.id for user in last.mentions] == [admin.id]
    names = [attachment.filename for attachment in last.attachments]
    assert names == ["curve.png", "scales-first.mid", "scales-first.mp3"]
    result = await bob.click(last, label="Try it")
    assert result.response is not None
    assert result.response.embeds[0].title == "A piece by scales"
    assert not (trainer.settings.data / "uploads").exists() or not list((trainer.settings.data / "uploads").iterdir())
