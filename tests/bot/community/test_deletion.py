"""The button that deletes: by author, stranger and moderator, before and after a restart."""

from collections.abc import Awaitable, Callable

import discord
import pytest
import simcord

from bot.community import deletion
from bot.database.engine import StoreError
from bot.database.store import Store
from tests.bot.clicking import confirm, delete, opus_of, press, refusal, response

Then = Callable[[], Awaitable[None]]


async def test_delete_is_for_the_author_and_for_moderators(
    anybody: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    old_piece: discord.Message,
    store: Store,
) -> None:
    opus = await opus_of(store, old_piece)
    result = await delete(anybody, old_piece)
    if anybody is bob:
        assert "or a moderator of its server, can do that" in refusal(result)
        assert await store.get(opus.id) == opus
    else:
        assert result.acknowledged
        assert channel.history() == []
        with pytest.raises(StoreError):
            await store.get(opus.id)


async def test_delete_takes_the_piece_out_of_the_showcase_too(
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    showcase: simcord.ChannelHandle,
    piece: discord.Message,
    then: Then,
) -> None:
    await alice.click(piece, label="Share")
    asked = await press(alice, piece, "Delete")
    deletion.ASKED.clear()  # as after a restart, which leaves nothing in memory
    await then()
    assert (await confirm(alice, asked)).acknowledged
    assert showcase.history() == []
    assert piece.id not in {message.id for message in channel.history()}


async def test_who_moderates_another_server_moderates_nothing_here(
    env: simcord.Env, alice: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    elsewhere = env.create_guild("elsewhere")
    boss = elsewhere.add_member(
        env.create_user("boss"), roles=[elsewhere.create_role("boss", permissions=discord.Permissions.all())]
    )
    visiting = elsewhere.add_member(alice.user)
    again = response(await visiting.slash(elsewhere.create_text_channel("music"), "compose", bars=1))
    own = await opus_of(store, again)
    await store.delete(own.id)
    first = await opus_of(store, piece)
    await store.add(type(own)(**{name: getattr(own, name) for name in own.__slots__} | {"server": first.server}))
    assert "or a moderator of its server" in refusal(await delete(boss, again))
