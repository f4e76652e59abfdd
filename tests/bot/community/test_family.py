"""Families: what a shared piece descends from, and the tree, as far as whoever asks may see it."""

from collections.abc import Awaitable, Callable

import discord
import simcord

from bot.chat.titles import title
from bot.community import family
from bot.database.store import Opus, Store
from tests.bot.clicking import files, opus_of, refusal

Then = Callable[[], Awaitable[None]]


async def shared(
    author: simcord.MemberActor, piece: discord.Message, showcase: simcord.ChannelHandle
) -> discord.Message:
    await author.click(piece, label="Share")
    return showcase.history()[-1]


def _private(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    assert result.response is not None
    assert result.response.ephemeral
    return result.response


async def newest(actor: simcord.MemberActor, store: Store) -> Opus:
    [opus] = await store.by_author(actor.id, 1)
    return opus


async def test_anybody_varies_and_continues_what_is_shared_and_it_says_after_whom(
    bob: simcord.MemberActor,
    alice: simcord.MemberActor,
    showcase: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
    then: Then,
) -> None:
    first = await opus_of(store, piece)
    shown = await shared(alice, piece, showcase)
    await then()
    for label in ("Vary", "Continue"):
        private = _private(await bob.click(shown, label=label))  # the showcase is for what was shared
        assert (await newest(bob, store)).parent == first.id
    assert len(showcase.history()) == 1
    again = await bob.click(private, label="Share")
    assert "It is in the showcase" in refusal(again)
    assert showcase.history()[-1].content == f"By {bob.mention}, after *{title(first)}* by {alice.mention}"


async def test_ones_own_forebears_are_not_named_and_those_of_elsewhere_neither(
    env: simcord.Env,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    guild: simcord.GuildHandle,
    showcase: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
) -> None:
    further = (await alice.click(piece, label="Continue")).response
    assert further is not None
    assert (await shared(alice, further.message, showcase)).content == f"By {alice.mention}"
    first = await opus_of(store, piece)
    foreign = Opus(**{name: getattr(first, name) for name in Opus.__slots__} | {"id": "foreign", "server": 1})
    child = Opus(**{name: getattr(first, name) for name in Opus.__slots__} | {"id": "child", "parent": "foreign"})
    await store.add(foreign)
    await store.add(Opus(**{name: getattr(child, name) for name in Opus.__slots__} | {"author": bob.id}))
    assert await family.after(store, await store.get("child"), guild.id) == ""


async def test_the_tree_shows_forebears_and_what_came_of_a_piece(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
    locales: dict[int, str],
) -> None:
    first = await opus_of(store, piece)
    varied = (await bob.click(piece, label="Vary")).response
    assert varied is not None
    second = await newest(bob, store)
    await alice.click(varied, label="Again")
    third = await newest(alice, store)
    result = await bob.slash(channel, "piece family", id=second.id)
    assert result.response is not None
    lines = str(result.response.embeds[0].description).splitlines()
    assert [line.split("`")[1] for line in lines] == [first.id, second.id, third.id]
    assert [line.split(" · ")[1] for line in lines] == [alice.mention, bob.mention, alice.mention]
    [picture] = (await files(result.response)).values()
    assert picture.startswith(b"\x89PNG")
    assert result.response.attachments[0].description == "A family tree of 3 pieces"
    locales[bob.id] = "de"
    german = (await bob.slash(channel, "piece family", id=second.id)).response
    assert german is not None
    assert str(german.embeds[0].title).startswith("Die Familie von ")


async def test_strangers_see_of_a_family_what_they_may_see_alone(
    env: simcord.Env, alice: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    elsewhere = env.create_guild("elsewhere")
    carol = elsewhere.add_member(env.create_user("carol"))
    place = elsewhere.create_text_channel("music")
    first = await opus_of(store, piece)
    assert "There is no piece" in refusal(await carol.slash(place, "piece family", id=first.id))
    own = Opus(
        **{name: getattr(first, name) for name in Opus.__slots__}
        | {"id": "own", "author": carol.id, "server": elsewhere.id, "parent": first.id}
    )
    await store.add(own)
    result = await carol.slash(place, "piece family", id="own")
    assert result.response is not None
    assert "`own`" in str(result.response.embeds[0].description)
    assert first.id not in str(result.response.embeds[0].description)
