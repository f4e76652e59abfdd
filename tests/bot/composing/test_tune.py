"""Tune: a recipe as fields, by author, stranger and moderator, before and after a restart."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import discord
import pytest
import simcord

from bot.composing.tune import OPEN
from bot.database.store import Store
from tests.bot.clicking import Tuner, opus_in, opus_of, refusal

Then = Callable[[], Awaitable[None]]


async def test_tune_fills_in_the_recipe_and_composes_by_what_was_changed(
    anybody: simcord.MemberActor, old_piece: discord.Message, store: Store, then: Then
) -> None:
    tuner = await Tuner.on(anybody, old_piece)
    before = tuner.shown()
    assert (before.model, before.instrument, before.key, before.metre) == ("tiny", "piano", OPEN, "4/4")
    assert (before.mood, before.primer, before.seed) == ("natural", "60r264r2", "11")
    assert (before.bars, before.tempo, before.form) == ("4", "120", "")
    await tuner.choose(instrument="harp", metre="3/4", mood="careful", key="E♭ major")
    await then()
    await tuner.type(primer="67r4", bars="2", form="AB", tempo="90")
    await then()
    parent, opus = await opus_of(store, old_piece), await opus_in(store, await tuner.compose())
    assert (opus.parent, opus.author) == (parent.id, anybody.id)
    assert opus.text.startswith("67r4")
    assert opus.bars == 2
    request = opus.request
    assert (request.seed, request.instrument, request.metre, request.key) == (11, "harp", "3/4", "E♭ major")
    assert (request.temperature, request.top_p, request.form, request.tempo) == (0.8, 0.95, "AB", 90)
    await tuner.choose(mood="bold")  # it is still there, and goes on from what was chosen
    again = await opus_in(store, await tuner.compose())
    assert (again.request.temperature, again.request.instrument, again.request.seed) == (1.35, "harp", 11)


async def test_tune_keeps_the_seed_unless_told_otherwise(
    alice: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    tuner = await Tuner.on(alice, piece)
    assert (await opus_in(store, await tuner.compose())).text == (await opus_of(store, piece)).text
    await tuner.type(seed="")
    assert (await opus_in(store, await tuner.compose())).request.seed != 11


async def test_tune_knows_key_and_temperature(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    await alice.slash(channel, "compose", bars=1, key="Bb", temperature=1.1)
    tuner = await Tuner.on(alice, channel.history()[-1])
    assert (tuner.shown().key, tuner.shown().mood) == ("B♭ major", OPEN)
    same = (await opus_in(store, await tuner.compose())).request
    assert (same.key, same.temperature) == ("B♭ major", 1.1)


async def test_two_people_can_tune_the_same_piece_at_once(
    alice: simcord.MemberActor, bob: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    tuners = [await Tuner.on(actor, piece) for actor in (alice, bob)]
    for tuner, primer in zip(tuners, ("67r4", "69r4"), strict=True):
        await tuner.type(primer=primer, bars="1")
    for tuner, primer in zip(tuners, ("67r4", "69r4"), strict=True):
        opus = await opus_in(store, await tuner.compose())
        assert (opus.author, opus.request.primer) == (tuner.actor.id, primer)


async def test_tune_keeps_a_primer_that_is_too_long_to_show(
    alice: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    opus = await opus_of(store, piece)
    chord = "48-1-2-3-4-5-6-7-8-9-10-11-12r1"
    await store.delete(opus.id)
    await store.add(replace(opus, request=replace(opus.request, primer=chord * 130)))
    tuner = await Tuner.on(alice, piece)
    assert tuner.shown().primer is None
    await tuner.type(primer="", bars="17")
    assert (await opus_in(store, await tuner.compose())).text.startswith(chord * 130)
    await tuner.type(primer="60r1", bars="1")
    assert (await opus_in(store, await tuner.compose())).text.startswith("60r1")


@pytest.mark.parametrize(
    ("typed", "complaints"),
    [
        ({"primer": "72r1 7276r1"}, ["7276 is not a MIDI note"]),
        ({"bars": "many"}, ["'many' does not fit Bars: give a number from 1 to 64."]),
        ({"seed": str(2**53), "tempo": "inf"}, ["Seed", "from 20 to 400"]),
        (
            {"primer": "C4 do", "seed": "nine", "bars": "0", "tempo": "quick"},
            ["'do' is no note", "'nine' does not fit Seed", "from 1 to 64", "'quick' does not fit Tempo"],
        ),
    ],
)
async def test_all_that_is_wrong_is_named_at_once_and_nothing_typed_is_lost(
    alice: simcord.MemberActor, piece: discord.Message, typed: dict[str, str], complaints: list[str]
) -> None:
    tuner = await Tuner.on(alice, piece)
    before = tuner.shown()
    await tuner.type(**typed)
    for complaint in complaints:
        assert complaint in tuner.text()
    assert replace(tuner.shown(), wrong="") == replace(before, **typed)
    sentence = refusal(await tuner.compose())
    for complaint in complaints:
        assert complaint in sentence


async def test_what_cannot_be_composed_together_is_refused_privately(
    alice: simcord.MemberActor, piece: discord.Message
) -> None:
    tuner = await Tuner.on(alice, piece)
    for typed, complaint in (
        ({"bars": "5", "form": "AABB"}, "These bars cannot be divided into 4 sections of equal length"),
        ({"primer": "67r4r4r4", "form": "", "bars": "1"}, "The primer ends in bar 2: ask for 2 to 64 bars"),
    ):
        await tuner.type(**typed)
        result = await tuner.compose()
        assert complaint in refusal(result)
        assert not result.deferred
