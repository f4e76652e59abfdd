"""The buttons that compose on: by author, stranger and moderator, before and after a restart."""

from collections.abc import Awaitable, Callable
from xml.etree import ElementTree

import discord
import pytest
import simcord

from bot.chat.titles import stem, title
from bot.database.engine import StoreError
from bot.database.store import Store
from core.music import notation
from tests.bot.clicking import delete, files, ids_of, opus_in, opus_of, press, refusal, response

Then = Callable[[], Awaitable[None]]


async def test_again_composes_by_the_same_recipe(
    anybody: simcord.MemberActor, old_piece: discord.Message, store: Store
) -> None:
    first, second = await opus_of(store, old_piece), await opus_in(store, await anybody.click(old_piece, label="Again"))
    assert second.parent == first.id
    assert second.author == anybody.id
    assert second.request.seed != first.request.seed
    assert second.text.startswith("60r264r2")
    assert (second.bars, second.request.tempo) == (4, 120)


async def test_vary_keeps_the_first_half(
    anybody: simcord.MemberActor, old_piece: discord.Message, store: Store
) -> None:
    first, second = await opus_of(store, old_piece), await opus_in(store, await anybody.click(old_piece, label="Vary"))
    half = notation.text(notation.parse(second.request.primer))
    assert first.text.startswith(half[:-2])
    assert second.text.startswith(half[:-2])
    assert second.text != first.text
    assert second.bars == first.bars


async def test_continue_goes_on_from_the_end(
    anybody: simcord.MemberActor, old_piece: discord.Message, store: Store
) -> None:
    first = await opus_of(store, old_piece)
    second = await opus_in(store, await anybody.click(old_piece, label="Continue"))
    assert second.text.startswith(first.text[:-2])
    assert second.bars == 20
    assert second.author == anybody.id


async def test_continue_grows_a_piece_up_to_64_bars(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store, then: Then
) -> None:
    message = response(await alice.slash(channel, "compose", primer="60r2", bars=30))
    for bars in (46, 62, 64):
        await then()
        longer = await alice.click(message, label="Continue")
        before, after = await opus_of(store, message), await opus_in(store, longer)
        assert after.bars == bars
        assert after.text.startswith(before.text[:-2])
        message = response(longer)
    await then()
    assert "can have at most 64" in refusal(await alice.click(message, label="Continue"))


async def test_continue_counts_a_pickup_as_no_bar(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    shown = await alice.slash(channel, "compose", primer="r260r2", bars=5)
    assert (await opus_in(store, shown)).bars == 5.25
    assert (await opus_in(store, await press(alice, response(shown), "Continue"))).bars == 21.25


async def test_takes_brings_four_and_a_button_for_each(
    anybody: simcord.MemberActor, old_piece: discord.Message, store: Store, then: Then
) -> None:
    takes = response(await press(anybody, old_piece, "Takes"))
    names = [attachment.filename for attachment in takes.attachments]
    assert names == [*(f"take-{n}.mp3" for n in range(1, 5)), "takes.png"]
    assert takes.embeds[0].image.url == "attachment://takes.png"
    assert [line[:5] for line in str(takes.embeds[0].description).splitlines()] == [f"**{n}**" for n in range(1, 5)]
    third = ids_of(takes)[2]
    await then()
    further = await opus_in(store, await anybody.click(takes, label="3"))
    assert further.parent == third
    assert further.text.startswith((await store.get(third)).text[:-2])
    assert further.bars == 25  # 1 for the primer, 8 of the take, and 16 more


async def test_takes_leave_room_behind_a_primer_of_any_length(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    long = response(await alice.slash(channel, "compose", primer="60r4" * 30, bars=16, seed=1))
    varied = response(await alice.click(long, label="Vary"))
    continued = response(await alice.click(long, label="Continue"))
    for message, bars in ((long, 23), (varied, 16), (continued, 24)):
        response(await press(alice, message, "Takes"))
        given = (await opus_of(store, message)).request.primer
        takes = await store.by_author(alice.id, 4)
        assert {(opus.bars, opus.text.startswith(given[:-2])) for opus in takes} == {(bars, True)}


async def test_takes_grow_no_longer_than_a_piece_can_be(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    long = response(await alice.slash(channel, "compose", primer="60r4" * 125, bars=64, seed=1))
    response(await press(alice, long, "Takes"))
    assert {opus.bars for opus in await store.by_author(alice.id, 4)} == {64}


async def test_takes_are_deleted_together_by_their_author_or_a_moderator(
    alice: simcord.MemberActor,
    anybody: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
) -> None:
    takes = response(await press(alice, piece, "Takes"))
    ids = ids_of(takes)
    result = await delete(anybody, takes)
    if anybody is bob:
        assert "or a moderator of its server, can do that" in refusal(result)
        assert {(await store.get(take)).author for take in ids} == {alice.id}
    else:
        assert result.acknowledged
        assert [message.id for message in channel.history()] == [piece.id]
        for take in ids:
            with pytest.raises(StoreError):
                await store.get(take)


async def test_takes_are_deleted_whichever_of_them_has_been_deleted_before(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, piece: discord.Message, store: Store
) -> None:
    takes = response(await press(alice, piece, "Takes"))
    first, *others = ids_of(takes)
    shown = response(await alice.slash(channel, "piece show", id=first))
    assert (await delete(alice, shown)).acknowledged
    assert (await delete(alice, takes)).acknowledged
    assert await store.find(first, *others) == ()
    assert [message.id for message in channel.history()] == [piece.id]


async def test_sheet_engraves_the_piece(anybody: simcord.MemberActor, old_piece: discord.Message, store: Store) -> None:
    opus = await opus_of(store, old_piece)
    sheet = response(await press(anybody, old_piece, "Sheet"))
    found, called = await files(sheet), stem(title(opus))
    assert found[f"{called}-1.png"].startswith(b"\x89PNG")
    assert ElementTree.fromstring(found[f"{called}.musicxml"]).tag == "score-partwise"
    assert found[f"{called}.pdf"].startswith(b"%PDF-")
    assert sheet.embeds[0].image.url == f"attachment://{called}-1.png"


async def test_every_file_has_an_alternative_text(alice: simcord.MemberActor, piece: discord.Message) -> None:
    takes, sheet = [response(await press(alice, piece, label)) for label in ("Takes", "Sheet")]
    for message in (piece, takes, sheet):
        for attachment in message.attachments:
            assert attachment.description, attachment.filename
