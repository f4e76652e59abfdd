"""Who may do what with trainings: strangers, named trainers, another server's admin."""

import discord
import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Server, Store
from core.errors import mark
from tests.bot.database.test_jobs import job
from tests.bot.music import files, midi
from tests.bot.trainings import newest, train


async def test_a_stranger_may_do_nothing(
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    answer = (await train(admin, channel, name="scales", **files())).response
    assert answer is not None
    job = await newest(store, guild)
    message = await alice.send(channel, "tunes", attachments=[("1.mid", midi(1))])
    results = [
        await train(alice, channel, name="evil", **files()),
        await alice.slash(channel, "train status"),
        await alice.slash(channel, "train list"),
        *[await alice.slash(channel, f"train {name}", training=job.id) for name in ("cancel", "delete", "report")],
        await alice.context_menu(channel, "Train on these", message),
        await alice.click(answer, label="Cancel"),
    ]
    for result in results:
        assert result.ephemeral
        assert result.response is not None
        assert result.response.content == "Only members with the permission Manage Server can do that."
    assert await store.jobs.of(guild.id) == (job,)


@pytest.mark.usefixtures("hurried")
async def test_the_trainers_that_a_server_names_may(
    env: simcord.Env, store: Store, guild: simcord.GuildHandle, channel: simcord.ChannelHandle
) -> None:
    role = guild.create_role("musicians")
    await store.choose(guild.id, Server(trainers=role.id))
    musician, other = (
        guild.add_member(env.create_user("carol"), roles=[role]),
        guild.add_member(env.create_user("dave")),
    )
    answer = (await train(musician, channel, name="scales", **files())).response
    assert answer is not None
    assert answer.embeds[0].title == "scales is waiting to be trained"
    refused = (await other.click(answer, label="Cancel")).response
    assert refused is not None
    assert (
        refused.content
        == f"Only members with the permission Manage Server, or with the role <@&{role.id}>, can do that."
    )
    assert (await musician.click(answer, label="Cancel")).acknowledged
    assert (await newest(store, guild)).state == "cancelled"


async def test_another_servers_admin_finds_nothing_whatever_they_send(
    env: simcord.Env,
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    await train(admin, channel, name="scales", **files())
    job = await newest(store, guild)
    elsewhere = env.create_guild("Elsewhere")
    room = elsewhere.create_text_channel("music")
    role = elsewhere.create_role("admin", permissions=discord.Permissions(manage_guild=True))
    thief = elsewhere.add_member(env.create_user("thief"), roles=[role])
    for name in ("cancel", "delete", "report"):
        assert await thief.autocomplete(room, f"train {name}", "training", "") == []
        for training in (job.id, "scales"):
            result = await thief.slash(room, f"train {name}", training=training)
            assert result.response is not None
            assert result.response.content.startswith("There is no such training on this server.")
    for name in ("status", "list"):
        result = await thief.slash(room, f"train {name}")
        assert result.response is not None
        assert "scales" not in result.response.content
        assert result.response.embeds == []
    assert await store.jobs.of(guild.id) == (job,)
    again = (await train(thief, room, name="scales", **files())).response
    assert again is not None
    assert again.embeds[0].title == "scales is waiting to be trained"


async def test_everyone_is_a_role_that_all_have(
    env: simcord.Env,
    store: Store,
    admin: simcord.MemberActor,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    await store.choose(guild.id, Server(trainers=guild.id))
    answer = (await train(alice, channel, name="scales", **files())).response
    assert answer is not None
    assert answer.embeds[0].title == "scales is waiting to be trained"


async def test_only_trainers_are_offered_the_names_of_trainings(
    store: Store,
    admin: simcord.MemberActor,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    await store.jobs.add(job("a", guild.id))
    await store.jobs.add(job("b", guild.id))
    await store.jobs.end("b", "done", mark("It ended."))
    for name, ids in (("cancel", {"a"}), ("delete", {"b"}), ("report", {"a", "b"})):
        offered = await admin.autocomplete(channel, f"train {name}", "training", "")
        assert {choice["value"] for choice in offered} == ids
        assert await alice.autocomplete(channel, f"train {name}", "training", "") == []
