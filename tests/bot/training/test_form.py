"""The form behind "Train on these": before and after a restart, and when its message is gone."""

from collections.abc import Awaitable, Callable

import discord
import pytest_asyncio
import simcord

from bot.client import ComposerBot
from bot.database.store import Server, Store
from bot.training import form
from tests.bot.clicking import filled_in, refusal
from tests.bot.music import midi
from tests.bot.trainings import newest

Then = Callable[[], Awaitable[None]]
GONE = "I can no longer see the files of that message. Choose Train on these in its menu again."


@pytest_asyncio.fixture
async def message(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> discord.Message:
    """Return a message with tunes."""
    return await alice.send(channel, "our tunes", attachments=[(f"{n}.mid", midi(n)) for n in range(3)])


async def test_the_form_survives_a_restart(
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    message: discord.Message,
    then: Then,
) -> None:
    form = await admin.context_menu(channel, "Train on these", message)
    await then()
    answer = (await admin.submit_modal(form, filled_in(form, "tunes", "tiny", ["all"], " 10 "))).response
    assert answer is not None
    assert answer.embeds[0].title == "tunes is waiting to be trained"
    job = await newest(store, guild)
    assert (job.name, job.base, job.minutes, job.gathered.kept) == ("tunes", "tiny", 10, 3)


async def test_says_so_if_the_files_are_out_of_sight(
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    message: discord.Message,
) -> None:
    form = await admin.context_menu(channel, "Train on these", message)
    bot.form.seen.clear()
    await bot.get_partial_messageable(channel.id).get_partial_message(message.id).delete()
    assert refusal(await admin.submit_modal(form, filled_in(form, "tunes", "", ["2,4"], "10"))) == GONE
    assert await store.jobs.of(guild.id) == ()


async def test_a_right_that_was_lost_meanwhile_is_lost(
    store: Store,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    message: discord.Message,
) -> None:
    await store.choose(guild.id, Server(trainers=guild.id))
    form = await alice.context_menu(channel, "Train on these", message)
    await store.choose(guild.id, Server())
    said = refusal(await alice.submit_modal(form, filled_in(form, "tunes", "", ["2,4"], "10")))
    assert said == "Only members with the permission Manage Server can do that."
    assert await store.jobs.of(guild.id) == ()


async def test_remembers_the_files_of_the_last_messages_alone(bot: ComposerBot, message: discord.Message) -> None:
    bot.form.seen.update((number, ()) for number in range(form.REMEMBERED))
    bot.form.train_on(message)
    assert len(bot.form.seen) == form.REMEMBERED
    assert bot.form.seen[message.id] == tuple(message.attachments)
