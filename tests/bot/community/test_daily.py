"""The piece of the day: once a day, whoever is asked and however often, and the best take pinned until the next."""

from datetime import UTC, datetime, timedelta

import discord
import simcord

from bot.client import ComposerBot
from bot.community.daily import OPEN
from bot.database.days import LEASE
from bot.database.store import Server, Store
from bot.settings import Settings
from bot.work.workers import Workers
from tests.bot.clicking import files, refusal

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def choose(store: Store, guild: simcord.GuildHandle, channel: simcord.ChannelHandle, hour: int = 12) -> None:
    await store.choose(guild.id, Server(daily=channel.id, hour=hour, zone="UTC", bars=2))


async def test_three_takes_and_a_poll_come_at_the_hour_and_once_a_day(
    env: simcord.Env,
    bot: ComposerBot,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
    settings: Settings,
    workers: Workers,
) -> None:
    await choose(store, guild, channel)
    await bot.daily.look(NOON - timedelta(minutes=1))
    assert channel.history() == []
    await bot.daily.look(NOON)
    takes, asked = channel.history()
    assert takes.embeds[0].title == "The pieces of the day"
    assert {name.rpartition(".")[2] for name in await files(takes)} >= {"mp3", "png"}
    assert asked.poll is not None
    assert [str(answer.text)[:3] for answer in asked.poll.answers] == ["1. ", "2. ", "3. "]
    other = ComposerBot(settings, workers, store)
    for minutes in (1, 60, 600):
        await bot.daily.look(NOON + timedelta(minutes=minutes))
    await other.daily.look(NOON + LEASE)
    assert len(channel.history()) == 2


async def test_the_best_take_is_pinned_until_the_next_and_votes_are_votes_on_the_taste(
    bot: ComposerBot,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
) -> None:
    await choose(store, guild, channel)
    await bot.daily.look(NOON)
    for actor in (alice, bob):
        await actor.vote(channel.history()[-1], answer=2)
    await bot.daily.look(NOON + OPEN - timedelta(minutes=1))
    assert channel.pinned_messages() == []
    for _ in range(2):
        await bot.daily.look(NOON + OPEN)
    [pinned] = channel.pinned_messages()
    assert pinned.content == "The piece of the day, with 2 votes:"
    assert [message.content for message in channel.history()].count(pinned.content) == 1
    assert (await alice.click(pinned, label="Vary")).acknowledged
    await alice.click(pinned, label="Share")
    assert bot.user is not None
    assert channel.history()[-1].content == f"By {bot.user.mention}"
    tomorrow = NOON + timedelta(days=1)
    await bot.daily.look(tomorrow)
    await alice.vote(channel.history()[-1], answer=1)
    await bot.daily.look(tomorrow + OPEN)
    [later] = channel.pinned_messages()
    assert later.content == "The piece of the day, with 1 vote:"
    assert later.id != pinned.id


async def test_a_process_that_dies_with_a_day_leaves_it_to_another_unless_it_was_shown(
    bot: ComposerBot, guild: simcord.GuildHandle, channel: simcord.ChannelHandle, store: Store
) -> None:
    await choose(store, guild, channel)
    assert await store.days.begin(guild.id, "2026-01-01", channel.id, NOON)  # and dies
    await bot.daily.look(NOON + timedelta(minutes=1))
    assert channel.history() == []
    await bot.daily.look(NOON + LEASE + timedelta(minutes=1))
    assert len(channel.history()) == 2
    assert await store.days.begin(guild.id, "2026-01-02", channel.id, NOON)
    assert await store.days.show(guild.id, "2026-01-02", ["gone"])  # and dies while it is sent
    await bot.daily.look(NOON + timedelta(days=1, hours=2))
    assert not [message for message in channel.history()[2:] if message.poll is not None]


async def test_a_vote_on_pieces_that_were_deleted_ends_in_silence(
    bot: ComposerBot, guild: simcord.GuildHandle, channel: simcord.ChannelHandle, store: Store
) -> None:
    await choose(store, guild, channel)
    await bot.daily.look(NOON)
    assert bot.user is not None
    await store.forget(bot.user.id)
    await channel.history()[-1].delete()
    await bot.daily.look(NOON + OPEN)
    assert channel.pinned_messages() == []
    assert await store.days.closing(guild.id, NOON + OPEN) == ()


async def test_managers_choose_channel_hour_and_zone_and_switch_it_off(
    env: simcord.Env,
    bot: ComposerBot,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
    locales: dict[int, str],
) -> None:
    said = refusal(await admin.slash(channel, "server daily", channel=channel, hour=0, zone="Europe/Berlin"))
    assert said == f"Every day at 0:00 (Europe/Berlin) there will be three takes in {channel.mention}, and a poll."
    await bot.daily.look(datetime.now(UTC))
    assert channel.history() == []  # since today's hour had passed already
    await bot.daily.look(datetime.now(UTC) + timedelta(days=1))
    assert len(channel.history()) == 2
    assert "is no time zone that I know" in refusal(
        await admin.slash(channel, "server daily", channel=channel, zone="Middle/Earth")
    )
    offers = await admin.autocomplete(channel, "server daily", "zone", "berl")
    assert [offer["value"] for offer in offers] == ["Europe/Berlin"]
    locales[admin.id] = "de"
    assert refusal(await admin.slash(channel, "server daily")) == "Es gibt kein Stück des Tages mehr."
    assert await store.daily() == {}


async def test_it_names_what_it_may_not_do(
    env: simcord.Env, admin: simcord.MemberActor, guild: simcord.GuildHandle, store: Store
) -> None:
    assert env.bot.user is not None
    locked = discord.PermissionOverwrite(send_messages=False, manage_messages=False)
    channel = guild.create_text_channel("locked", overwrites={env.bot.user: locked})
    said = refusal(await admin.slash(channel, "server daily", channel=channel))
    assert "I am not allowed to send messages, " in said
    assert "manage messages, to pin one" in said
    assert await store.daily() == {}
