"""The buttons of a showcase: by author, stranger and moderator, before and after a restart."""

from collections.abc import Awaitable, Callable

import discord
import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Server, Store
from tests.bot.acting import Gate
from tests.bot.clicking import delete, files, opus_of, refusal

Then = Callable[[], Awaitable[None]]


async def test_share_is_for_the_author_alone(
    anybody: simcord.MemberActor,
    alice: simcord.MemberActor,
    showcase: simcord.ChannelHandle,
    old_piece: discord.Message,
) -> None:
    answer = refusal(await anybody.click(old_piece, label="Share"))
    if anybody is alice:
        [shown] = showcase.history()
        assert answer == f"It is in the showcase. {shown.jump_url}"
        assert shown.content == f"By {alice.mention}"
        assert await files(shown) == await files(old_piece)
        assert "in a showcase already" in refusal(await alice.click(old_piece, label="Share"))
    else:
        assert answer == "Only the person who asked for this piece can do that."
        assert showcase.history() == []


async def test_anybody_likes_and_takes_it_back(
    anybody: simcord.MemberActor,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    showcase: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
    then: Then,
) -> None:
    await alice.click(piece, label="Share")
    for before, after in (("0", 1), ("1", 0)):
        await then()
        assert (await anybody.click(showcase.history()[0], label=before)).acknowledged
        [(opus, likes)] = await store.favourites(guild.id, 5)
        assert (opus.id, likes) == ((await opus_of(store, piece)).id, after)


async def test_a_like_that_cannot_be_answered_is_not_counted(
    env: simcord.Env,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    showcase: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
) -> None:
    await alice.click(piece, label="Share")
    env.inject_error(
        "POST", "/interactions/*/*/callback", status=404, code=10062, message="Unknown interaction", times=1
    )
    await alice.click(showcase.history()[0], label="0")
    [(_, likes)] = await store.favourites(guild.id, 5)
    assert likes == 0
    await alice.click(showcase.history()[0], label="0")
    [(_, likes)] = await store.favourites(guild.id, 5)
    assert likes == 1


async def test_the_author_and_moderators_withdraw(
    anybody: simcord.MemberActor,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    guild: simcord.GuildHandle,
    showcase: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
    then: Then,
) -> None:
    await alice.click(piece, label="Share")
    await then()
    result = await anybody.click(showcase.history()[0], label="Withdraw")
    assert result.acknowledged
    if anybody is bob:
        assert "or a moderator of its server, can do that" in refusal(result)
        assert len(await store.favourites(guild.id, 5)) == 1
    else:
        assert showcase.history() == []
        assert await store.favourites(guild.id, 5) == ()
        assert await opus_of(store, piece)  # it is kept, and can be shared again
        assert "It is in the showcase" in refusal(await alice.click(piece, label="Share"))


@pytest.mark.parametrize("label", ["0", "Withdraw"])
async def test_a_button_in_a_showcase_says_when_its_piece_is_gone(
    anybody: simcord.MemberActor,
    alice: simcord.MemberActor,
    showcase: simcord.ChannelHandle,
    piece: discord.Message,
    moderator: simcord.MemberActor,
    store: Store,
    then: Then,
    label: str,
) -> None:
    await alice.click(piece, label="Share")
    await store.delete((await opus_of(store, piece)).id)
    await then()
    result = await anybody.click(showcase.history()[0], label=label)
    if label == "Withdraw" and anybody is moderator:
        assert result.acknowledged
        assert showcase.history() == []
    else:
        assert refusal(result) == "This piece is no longer kept: it has been deleted."
        assert len(showcase.history()) == 1


@pytest.mark.parametrize("how", ["Delete", "forget me"])
async def test_a_piece_that_goes_while_it_is_shared_leaves_nothing_in_the_showcase(
    gate: Gate,
    bot: ComposerBot,
    alice: simcord.MemberActor,
    showcase: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
    how: str,
) -> None:
    opus = await opus_of(store, piece)
    await bot.cache.drop(opus.id)  # so that there are files to make
    gate.close()
    await alice.click(piece, label="Share")
    assert gate.waiting == 1
    if how == "Delete":
        await delete(alice, piece)
    else:
        await store.forget(alice.id)
    await gate.open()
    assert showcase.history() == []
    assert await store.find(opus.id) == ()


async def test_share_posts_anew_what_somebody_has_deleted_by_hand(
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    showcase: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
) -> None:
    await alice.click(piece, label="Share")
    [first] = showcase.history()
    await first.delete()
    answer = refusal(await alice.click(piece, label="Share"))
    [again] = showcase.history()
    assert answer == f"It is in the showcase. {again.jump_url}"
    showing = await store.showing((await opus_of(store, piece)).id)
    assert showing is not None
    assert showing.link == again.jump_url


async def test_share_names_the_showcase_that_it_may_not_write_to(
    env: simcord.Env, alice: simcord.MemberActor, guild: simcord.GuildHandle, piece: discord.Message, store: Store
) -> None:
    assert env.bot.user is not None
    locked = discord.PermissionOverwrite(send_messages=False)
    channel = guild.create_text_channel("locked", overwrites={env.bot.user: locked})
    await store.choose(guild.id, Server(showcase=channel.id))
    assert refusal(await alice.click(piece, label="Share")).startswith(f"I am not allowed to write to <#{channel.id}>.")
    assert await store.showing((await opus_of(store, piece)).id) is None
