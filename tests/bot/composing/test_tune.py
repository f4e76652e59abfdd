"""The form behind the button Tune: by author, stranger and moderator, before and after a restart."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import discord
import simcord

from bot.database.store import Store
from tests.bot.clicking import filled_in, opus_in, opus_of, press, refusal

Then = Callable[[], Awaitable[None]]


async def test_tune_asks_with_all_values_filled_in_and_composes_by_the_answers(
    anybody: simcord.MemberActor, old_piece: discord.Message, store: Store, then: Then
) -> None:
    form = await press(anybody, old_piece, "Tune")
    assert form.modal is not None
    fields = [label["component"] for label in form.modal["components"]]
    assert fields[0]["value"] == "60r264r2"
    assert (
        fields[1]["value"]
        == "temperature 1\ngravity 0.5\ntop-p 1\nbars 4\nmetre 4/4\ntempo 120\nexpression 1\nseed 11\neffort 8"
    )
    chosen = [[option["value"] for option in field["options"] if option.get("default")] for field in fields[2:]]
    assert chosen == [["tiny"], ["piano"]]
    await then()
    values = "temperature: 0.8\nbars=2\nseed 5\nmetre: 3/4\nform: AB\neffort: 2"
    answers = filled_in(form, "67r4", values, ["tiny"], ["harp"])
    opus = await opus_in(store, await anybody.submit_modal(form, answers))
    assert opus.parent == (await opus_of(store, old_piece)).id
    assert opus.author == anybody.id
    assert opus.text.startswith("67r4")
    assert opus.bars == 2
    request = opus.request
    assert (request.temperature, request.seed, request.instrument) == (0.8, 5, "harp")
    assert (request.metre, request.form, request.effort) == ("3/4", "AB", 2)


async def test_tune_knows_the_key(alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store) -> None:
    await alice.slash(channel, "compose", bars=1, key="E minor")
    form = await press(alice, channel.history()[-1], "Tune")
    assert form.modal is not None
    numbers = form.modal["components"][1]["component"]["value"]
    assert "\nkey E minor\n" in numbers
    other = numbers.replace("key E minor", "key: Bb")
    tuned = await alice.submit_modal(form, filled_in(form, "", other, ["tiny"], ["piano"]))
    assert (await opus_in(store, tuned)).request.key == "Bb"
    form = await press(alice, channel.history()[0], "Tune")
    wrong = await alice.submit_modal(form, filled_in(form, "", "key H", ["tiny"], ["piano"]))
    assert refusal(wrong).startswith("'H' is not a key.")


async def test_two_people_can_tune_the_same_piece_at_once(
    alice: simcord.MemberActor, bob: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    forms = [(actor, await press(actor, piece, "Tune")) for actor in (alice, bob)]
    for actor, form in forms:
        answers = filled_in(form, "67r4", "bars 1", ["tiny"], ["piano"])
        assert (await opus_in(store, await actor.submit_modal(form, answers))).author == actor.id


async def test_tune_keeps_a_primer_that_is_too_long_to_show(
    alice: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    opus = await opus_of(store, piece)
    chord = "48-1-2-3-4-5-6-7-8-9-10-11-12r1"
    await store.delete(opus.id)
    await store.add(replace(opus, request=replace(opus.request, primer=chord * 130)))
    form = await press(alice, piece, "Tune")
    assert form.modal is not None
    assert "value" not in form.modal["components"][0]["component"]
    tuned = await alice.submit_modal(form, filled_in(form, "", "bars 17", ["tiny"], ["piano"]))
    assert (await opus_in(store, tuned)).text.startswith(chord * 130)


async def test_tune_refuses_what_makes_no_sense(alice: simcord.MemberActor, piece: discord.Message) -> None:
    for primer, numbers, complaint in (
        ("67x", "", "is not part of the notation"),
        ("67r4", "volume 11", "There is no value called 'volume'"),
        ("67r4", "bars many", "'many' does not fit bars"),
        ("67r4", "bars 1000", "'1000' does not fit bars: give a number from 1 to 64."),
        ("67r4", "bars 0", "from 1 to 64"),
        ("67r4", "temperature nan", "'nan' does not fit temperature: give a number from 0.01 to 10.0."),
        ("67r4", "temperature 10.1", "from 0.01 to 10.0"),
        ("67r4", "gravity 5.5", "from 0.0 to 5.0"),
        ("67r4", "tempo inf", "from 20 to 400"),
        ("67r4", f"seed {2**53}", f"from 0 to {2**53 - 1}"),
        ("67r4", "seed " + "9" * 390, "does not fit seed"),
        ("67r4", "effort 33", "'33' does not fit effort: give a number from 1 to 32."),
        ("67r4", "metre 4/5", "'4/5' is not a metre that can be counted."),
        ("67r4", "bars 5\nform AABB", "These bars cannot be divided into 4 sections of equal length"),
        ("67r4", "bars 0\ntempo 90\nvolume 11", "from 1 to 64.\nThere is no value called 'volume'"),
        ("67r4r4r4", "bars 1", "The primer ends in bar 2: ask for 2 to 64 bars"),
    ):
        form = await press(alice, piece, "Tune")
        result = await alice.submit_modal(form, filled_in(form, primer, numbers, ["tiny"], ["piano"]))
        assert complaint in refusal(result)
        assert not result.deferred
