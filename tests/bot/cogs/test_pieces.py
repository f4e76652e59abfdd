"""/piece: by author, by others of the same server, by strangers elsewhere."""

import re

import pytest
import simcord

from bot.chat import titles
from bot.database.store import Opus, Server, Store
from tests.bot.clicking import opus_of


@pytest.fixture
def carol(env: simcord.Env) -> simcord.MemberActor:
    """Return somebody of another server."""
    return env.create_guild().add_member(env.create_user("carol"))


@pytest.fixture
def elsewhere(carol: simcord.MemberActor) -> simcord.ChannelHandle:
    return carol.guild.create_text_channel("music")


async def _compose(alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store, seed: int = 1) -> Opus:
    await alice.slash(channel, "compose", bars=2, seed=seed, primer="60r1")
    [opus] = await store.by_author(alice.id, 1)
    return opus


def _private(result: simcord.InteractionResult) -> str:
    assert result.response is not None
    assert result.response.ephemeral
    return result.response.content or str(result.response.embeds[0].description)


async def test_shows_the_whole_message_again_with_the_same_bytes(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    opus = await _compose(alice, channel, store)
    for actor in (alice, bob):
        result = await actor.slash(channel, "piece show", id=f" {opus.id.upper()} ")
        assert result.response is not None
        assert not result.response.ephemeral
        first, again = channel.history()[0], result.response
        assert {each.filename: await each.read() for each in again.attachments} == {
            each.filename: await each.read() for each in first.attachments
        }
        assert again.embeds[0].description == first.embeds[0].description
        assert [row.to_dict() for row in again.message.components] == [row.to_dict() for row in first.components]
        assert all(attachment.description for attachment in again.attachments)
    await bob.click(channel.history()[-1], label="Again")
    assert (await store.by_author(bob.id, 1))[0].parent == opus.id


async def test_nobody_elsewhere_sees_it_or_learns_that_it_is_there(
    alice: simcord.MemberActor,
    carol: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    elsewhere: simcord.ChannelHandle,
    store: Store,
) -> None:
    opus = await _compose(alice, channel, store)
    sentence = _private(await carol.slash(elsewhere, "piece show", id=opus.id))
    assert sentence == f"There is no piece {opus.id} of yours or of this server."
    assert _private(await carol.slash(elsewhere, "piece show", id="nothing")) == sentence.replace(opus.id, "nothing")
    assert _private(await carol.user.slash("piece show", id=opus.id)) == sentence
    shown = (await alice.user.slash("piece show", id=opus.id)).response
    assert shown is not None
    assert len(shown.attachments) == 3


async def test_a_piece_from_a_direct_message_stays_the_authors(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    await alice.user.slash("compose", bars=1)
    [opus] = await store.by_author(alice.id, 1)
    assert "There is no piece" in _private(await bob.slash(channel, "piece show", id=opus.id))
    assert "There is no piece" in _private(await bob.user.slash("piece show", id=opus.id))


async def test_a_piece_from_elsewhere_is_there_for_all_where_its_author_has_shared_it(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    carol: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    elsewhere: simcord.ChannelHandle,
    store: Store,
) -> None:
    await alice.user.slash("compose", bars=1)
    [opus] = await store.by_author(alice.id, 1)
    await alice.slash(channel, "piece show", id=opus.id)
    await _share(alice, channel, store)
    [offer] = await bob.autocomplete(channel, "piece show", "id", "")
    shown = (await bob.slash(channel, "piece show", id=str(offer["value"]))).response
    assert shown is not None
    assert (await opus_of(store, shown)).id == opus.id
    assert "There is no piece" in _private(await bob.user.slash("piece show", id=opus.id))
    assert "There is no piece" in _private(await carol.slash(elsewhere, "piece show", id=opus.id))


async def test_offers_ones_own_pieces_and_the_servers_favourites_by_a_label(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    first, second = await _compose(alice, channel, store, 1), await _compose(alice, channel, store, 2)
    offers = await alice.autocomplete(channel, "piece show", "id", "")
    assert [offer["value"] for offer in offers] == [second.id, first.id]
    label = rf"{second.id} · {re.escape(titles.title(second))} · tiny · 2 bars · \d{{4}}-\d\d-\d\d \d\d:\d\d"
    assert re.fullmatch(label, offers[0]["name"])
    assert await alice.autocomplete(channel, "piece show", "id", "no such") == []
    assert await bob.autocomplete(channel, "piece show", "id", "") == []
    showcase = await _share(alice, channel, store)
    await bob.click(showcase.history()[0], label="0")
    [offer] = await bob.autocomplete(channel, "piece show", "id", "tiny")
    assert offer["value"] == second.id
    assert offer["name"].endswith(" · ❤️ 1")


async def test_lists_ones_own_pieces_newest_first_with_their_likes(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    assert _private(await alice.slash(channel, "piece history")) == "You have no pieces yet. /compose makes the first."
    opera = [await _compose(alice, channel, store, seed) for seed in range(2)]
    showcase = await _share(alice, channel, store)
    await bob.click(showcase.history()[0], label="0")
    lines = _private(await alice.slash(channel, "piece history")).splitlines()
    assert [line.split("`")[1] for line in lines] == [opera[1].id, opera[0].id]
    assert [line.split("**")[1] for line in lines] == [titles.title(opera[1]), titles.title(opera[0])]
    assert ["❤️ 1" in line for line in lines] == [True, False]
    assert "that far back" in _private(await alice.slash(channel, "piece history", page=2))
    assert "no pieces yet" in _private(await bob.slash(channel, "piece history"))


async def test_a_long_history_has_pages(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    for _ in range(4):
        await alice.slash(channel, "compose", bars=1, takes=4)
    first, second = [await alice.slash(channel, "piece history", page=page) for page in (1, 2)]
    assert len(_private(first).splitlines()) == 15
    assert len(_private(second).splitlines()) == 1
    assert first.response is not None
    assert str(first.response.embeds[0].footer.text).endswith("More on page 2.")


async def test_ranks_the_showcase_of_this_server(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    carol: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    elsewhere: simcord.ChannelHandle,
    store: Store,
) -> None:
    assert "Nothing is in this server's showcase yet." in _private(await alice.slash(channel, "piece favourites"))
    first = await _compose(alice, channel, store, 1)
    showcase = await _share(alice, channel, store)
    second = await _compose(alice, channel, store, 2)
    await alice.click(channel.history()[-1], label="Share")
    await bob.click(showcase.history()[1], label="0")
    result = await bob.slash(channel, "piece favourites")
    assert result.response is not None
    lines = str(result.response.embeds[0].description).splitlines()
    assert [line.split("`")[1] for line in lines] == [second.id, first.id]
    assert lines[0].startswith("1. ")
    assert "❤️ 1" in lines[0]
    assert f"<@{alice.id}>" in lines[0]
    assert showcase.history()[1].jump_url in lines[0]
    assert "Nothing is in" in _private(await carol.slash(elsewhere, "piece favourites"))
    assert "belong to a server" in _private(await alice.user.slash("piece favourites"))


async def _share(author: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store) -> simcord.ChannelHandle:
    showcase = author.guild.create_text_channel("showcase")
    await store.choose(author.guild.id, Server(showcase=showcase.id))
    await author.click(channel.history()[-1], label="Share")
    return showcase
