"""/compose, as a user meets it: the real bot, real workers, a small model."""

import io
import os
import re
import signal
import sqlite3
from contextlib import closing
from fractions import Fraction

import mido
import pytest
import simcord
import soundfile
from PIL import Image
from symusic.core import ScoreTick

from bot.client import ComposerBot
from bot.database.store import Store
from bot.settings import Settings
from core.music import notation, score
from tests.bot.acting import PATIENCE, Gate, begin, until
from tests.bot.clicking import opus_of, recipe_of
from tests.bot.music import midi
from tests.processes import children, command


async def _files(message: simcord.ResponseMessage) -> dict[str, bytes]:
    return {attachment.filename.rpartition(".")[2]: await attachment.read() for attachment in message.attachments}


async def test_composes_with_nothing_given(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    answer = (await alice.slash(channel, "compose")).response
    assert answer is not None
    assert not answer.ephemeral
    [embed] = answer.embeds
    assert re.fullmatch(r"tiny · [A-G][♭♯]? (major|minor) · 16 bars, 0:1\d · piano", str(embed.description))
    assert (embed.fields, embed.footer.text) == ([], None)
    recipe = await recipe_of(alice, answer)
    assert recipe["Model"] == "tiny\nr1 is an eighth, lowest note first"
    assert recipe["Length"] == "16 bars, 4/4"
    assert recipe["Primer"] == "none: the model began"


async def test_sends_midi_that_plays_sound_that_decodes_and_a_picture_that_opens(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    answer = (await alice.slash(channel, "compose", primer="72r1 60-4-7r2", bars=4, tempo=120)).response
    assert answer is not None
    files = await _files(answer)
    assert set(files) == {"mid", "mp3", "png"}
    midi = ScoreTick.from_midi(files["mid"])
    assert min(tempo.qpm for tempo in midi.tempos) < 120 < max(tempo.qpm for tempo in midi.tempos)
    assert sorted((note.time, note.pitch) for track in midi.tracks for note in track.notes)[:4] == [
        (0, 72),
        (240, 60),
        (240, 64),
        (240, 67),
    ]
    sound, rate = soundfile.read(io.BytesIO(files["mp3"]))
    assert 8 <= len(sound) / rate < 14
    assert abs(sound).max() > 0.5
    with Image.open(io.BytesIO(files["png"])) as picture:
        picture.load()
        assert picture.width > 600
    assert answer.embeds[0].image.url == f"attachment://{answer.attachments[2].filename}"
    assert all(attachment.description for attachment in answer.attachments)


async def test_takes_every_option_and_shows_it(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    options = {
        "primer": "72R1, 76",
        "temperature": 1.1,
        "gravity": 1.5,
        "model": "tiny",
        "bars": 3,
        "tempo": 90,
        "instrument": "harp",
        "seed": 7,
    }
    answer = (await alice.slash(channel, "compose", **options)).response
    assert answer is not None
    recipe = await recipe_of(alice, answer)
    assert recipe["Primer"] == "`72r176`"
    assert recipe["Temperature"] == "1.1, gravity 1.5"
    assert recipe["Seed"] == "`7`"
    seconds = mido.MidiFile(file=io.BytesIO(await answer.attachments[1].read())).length
    assert str(answer.embeds[0].description).split(" · ")[2] == f"3 bars, 0:{round(seconds):02}"
    assert recipe["Played"] == "harp, 90 quarters a minute"


async def test_a_metre_a_form_and_an_effort_can_be_asked_for(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    await alice.slash(channel, "compose", metre="6/8", form="AABA", effort=2, bars=4, seed=7, mood="bold", top_p=0.9)
    opus = await opus_of(store, channel.history()[-1])
    assert (opus.request.temperature, opus.request.top_p) == (1.35, 0.9)  # the mood's, and one's own
    assert (opus.request.metre, opus.request.form, opus.request.effort) == ("6/8", "AABA", 2)
    assert opus.bars == 4
    assert score.from_text(opus.text, "lowest", Fraction(1, 2)).length == 4 * 6
    offered = await alice.autocomplete(channel, "compose", "metre", "3")
    assert [choice["value"] for choice in offered] == ["3/4", "3/2", "3/8"]
    assert await alice.autocomplete(channel, "compose", "form", "aab") == [
        {"name": "AABB", "value": "AABB"},
        {"name": "AABA", "value": "AABA"},
    ]
    both = (await alice.slash(channel, "compose", melody="C4 E4", primer="72r1")).response
    assert both is not None
    assert both.content == "A piece begins with a melody, a primer or a file. Choose one of them."
    refused = (await alice.slash(channel, "compose", form="AABB", bars=6)).response
    assert refused is not None
    assert refused.content.startswith("These bars cannot be divided into 4 sections of equal length")


async def test_a_piece_can_have_a_single_bar(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    answer = (await alice.slash(channel, "compose", bars=1, primer="60r1", seed=1)).response
    assert answer is not None
    assert " · 1 bar, 0:0" in str(answer.embeds[0].description)
    assert answer.attachments[1].description == "MIDI file: 1 bar for piano by the model tiny"
    longer = await alice.slash(channel, "compose", bars=1, primer="60r4r4")
    assert longer.response is not None
    assert longer.response.content == "The primer ends in bar 1: ask for 2 to 64 bars, or shorten it."


async def test_brings_the_same_piece_again_with_the_same_seed(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    first, second = [(await alice.slash(channel, "compose", seed=99, bars=4)).response for _ in range(2)]
    assert first is not None
    assert second is not None
    assert await _files(first) == await _files(second)
    assert first.embeds[0].description == second.embeds[0].description


async def test_the_recipe_alone_shows_the_notation_of_the_piece(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    answer = (await alice.slash(channel, "compose", primer="60r4r4r4", bars=2, seed=3)).response
    assert answer is not None
    recipe, opus = await recipe_of(bob, answer), await opus_of(store, answer)
    assert notation.text(notation.parse(recipe["Notation"])) == recipe["Notation"]
    assert (recipe["Notation"], recipe["Id"]) == (opus.text, opus.id)
    assert opus.text not in str(answer.embeds[0].to_dict())


async def test_refuses_a_wrong_primer_privately_and_shows_the_place(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    result = await alice.slash(channel, "compose", primer="72r1 7276r1")
    assert result.ephemeral
    assert not result.deferred
    assert result.response is not None
    assert result.response.content.startswith("```\n72r1 7276r1\n     ^^^^\n```\n7276 is not a MIDI note (0-127).")
    assert channel.history() == [] or all(message.flags.ephemeral for message in channel.history())


async def test_refuses_a_model_that_is_not_there_privately(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    result = await alice.slash(channel, "compose", model="../secrets")
    assert result.ephemeral
    assert result.response is not None
    assert result.response.content == "There is no model called '../secrets'. There are: tiny."


async def test_refuses_a_primer_that_is_too_long_privately(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    result = await alice.slash(channel, "compose", primer="60r4r4r4r4", bars=1)
    assert result.ephemeral
    assert not result.deferred
    assert result.response is not None
    assert result.response.content.startswith("The primer ends in bar 2: ask for 3 to 64 bars")


async def test_takes_a_public_promise_back_and_explains_privately(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    result = await alice.slash(channel, "compose", file=("tune.mid", midi(1)), primer_bars=4, bars=1)
    assert result.response is None
    [reply] = result.followups
    assert reply.ephemeral
    assert reply.content.startswith("The primer ends in bar 4: ask for 4 to 64 bars")
    public = [request.json["content"] for request in env.http_requests if request.method == "PATCH" and request.json]
    assert public == ["…"]  # which nobody reads a refusal in


@pytest.mark.parametrize(
    ("option", "value"),
    [("temperature", 11.0), ("bars", 0), ("bars", 65), ("tempo", 5), ("expression", 2.5), ("seed", -1)],
)
async def test_discord_itself_refuses_what_is_out_of_range(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, option: str, value: object
) -> None:
    with pytest.raises(simcord.OptionError):
        await alice.slash(channel, "compose", **{option: value})


async def test_offers_who_may_play_in_the_user_s_language(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    offered = await alice.autocomplete(channel, "compose", "instrument", "")
    assert len(offered) == 25
    assert {"choir", "string quartet", "ceili band", "piano"} <= {each["value"] for each in offered}
    assert await alice.autocomplete(channel, "compose", "instrument", "quart") == [
        {"name": name, "value": name} for name in ("string quartet", "brass quartet")
    ]


async def test_refuses_an_instrument_that_nobody_plays(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    reply = (await alice.slash(channel, "compose", instrument="kazoo")).response
    assert reply is not None
    assert reply.ephemeral
    assert reply.content.startswith("There is no instrument or ensemble called 'kazoo'. Choose one of: choir")


async def test_an_ensemble_plays_as_freely_as_is_asked(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    await alice.slash(channel, "compose", instrument="ceili band", expression=0.0, bars=2)
    [opus] = await store.by_author(alice.id, 1)
    assert (opus.request.instrument, opus.request.expression, opus.request.paced) == ("ceili band", 0.0, True)


async def test_offers_the_models_while_one_types(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    assert await alice.autocomplete(channel, "compose", "model", "TI") == [{"name": "tiny", "value": "tiny"}]
    assert await alice.autocomplete(channel, "compose", "model", "xyz") == []


async def test_works_for_two_users_at_once(
    env: simcord.Env,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    store: Store,
) -> None:
    await begin(env, alice.slash(channel, "compose", bars=2, seed=1))
    await begin(env, bob.slash(channel, "compose", bars=2, seed=2))
    await env.settle()
    assert {(await opus_of(store, message)).request.seed for message in channel.history()} == {1, 2}


async def test_works_on_one_request_of_a_user_at_a_time(
    gate: Gate, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    gate.close()
    await alice.slash(channel, "compose", bars=1)
    assert gate.waiting == 1
    second = await alice.slash(channel, "compose")
    assert second.ephemeral
    assert second.response is not None
    assert second.response.content.startswith("Your last request is still being worked on.")
    await gate.open()


async def test_survives_a_worker_killed_in_mid_piece(
    env: simcord.Env, bot: ComposerBot, alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    await begin(env, alice.slash(channel, "compose", bars=64, seed=5))
    await until(lambda: bot.workers.playing > 0)
    for process in filter(lambda process: "core.processes" in command(process), children()):
        os.kill(process, signal.SIGKILL)
    await env.settle()
    [message] = channel.history()
    assert (await opus_of(store, message)).request.seed == 5
    assert len(message.attachments) == 3


async def test_says_so_when_the_database_fails(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(settings.data / "cadenza.db")) as database:
        database.execute("DROP TABLE opera")
    [reply] = (await alice.slash(channel, "compose", bars=1)).followups
    assert reply.content.startswith("The database cannot be reached or is full, so nothing has changed.")
    assert "no such table" in caplog.text


async def test_answers_for_an_error_that_nobody_expected(
    bot: ComposerBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bot.studio, "workers", None)
    async with simcord.run(bot, settle_timeout=PATIENCE, check_errors=False) as env:
        guild = env.create_guild()
        alice = guild.add_member(env.create_user("alice"))
        result = await alice.slash(guild.create_text_channel("music"), "compose")
        [reply] = result.followups
        assert reply.ephemeral
        assert reply.content.startswith("Something went wrong here, and it is not your fault. It is in the log as `")
        assert f"Reference {reply.content.split('`')[1]}, in /compose" in caplog.text
