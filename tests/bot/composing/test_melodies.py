"""Use this tune: from a voice message, a file or written notes to what was heard, and to what is made of it."""

import io
from collections.abc import Awaitable, Callable

import pytest
import simcord
import soundfile
from PIL import Image

from bot.database.store import Store
from core.performing import performance
from core.reading import formats
from tests.bot.clicking import files, filled_in, opus_in, refusal, response
from tests.bot.composing.test_typed import HYMN
from tests.bot.music import TUNE

MENU = "Use this tune"


async def test_a_voice_message_is_answered_with_what_was_heard(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle, hum: tuple[str, bytes]
) -> None:
    answer = response(await alice.context_menu(channel, MENU, await bob.send(channel, "", attachments=[hum])))
    embed = answer.embeds[0]
    assert "A hum of 11 notes" in {field.name: str(field.value) for field in embed.fields}["Read as"]
    assert str(embed.description).strip("`\n").startswith("4/4 Q:1")
    assert "C4 D4 E4 F4 | G4 G4 A4 F4 | E4*2 D4*2 | C4" in str(embed.description)
    received = await files(answer)
    assert set(received) == {"tune.mid", "tune.mp3", "tune-1.png", "tune.musicxml"}
    sound, rate = soundfile.read(io.BytesIO(received["tune.mp3"]))
    assert len(sound) / rate == pytest.approx(performance.duration(received["tune.mid"]), abs=0.5)
    pitches = formats.read(received["tune.mid"], "tune.mid").pieces[0].pitches.tolist()
    assert pitches == [60, 62, 64, 65, 67, 67, 69, 65, 64, 62, 60]
    with Image.open(io.BytesIO(received["tune-1.png"])) as page:
        assert page.width > 1000


async def test_its_buttons_go_on_with_it_make_a_tune_of_it_and_correct_it(
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    store: Store,
    then: Callable[[], Awaitable[None]],
) -> None:
    shown = response(await alice.context_menu(channel, MENU, await alice.send(channel, f"```\n{TUNE}\n```")))
    await then()
    primer = "60r262r264r265r267r267r269r265r264r462r460r4r4"
    longer = await opus_in(store, await alice.click(shown, label="Continue"))
    assert (longer.request.primer, longer.request.bars) == (primer, 20)
    whole = await opus_in(store, await alice.click(shown, label="Make a tune of it"))
    assert (whole.request.primer, whole.request.bars) == (longer.request.primer, 16)
    form = await alice.click(shown, label="Correct")
    corrected = response(await alice.submit_modal(form, filled_in(form, "3/4 G4 | C5*2 E5")))
    assert corrected.embeds[0].description == "```\n3/4 G4 | C5*2 E5\n```"
    again = await alice.click(corrected, label="Correct")
    assert again.modal is not None
    wrong = await alice.submit_modal(again, filled_in(again, "C4 do"))
    assert "'do' is no note that I know." in refusal(wrong)


async def test_of_a_long_tune_it_names_the_first_bars_and_its_buttons_know_all(
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    store: Store,
    then: Callable[[], Awaitable[None]],
) -> None:
    tune = "4/4 " + " | ".join(["C4 D4 E4 F4", "G4*4"] * 8)
    shown = response(await alice.context_menu(channel, MENU, await alice.send(channel, tune)))
    assert shown.embeds[0].description == ("```\n4/4 C4 D4 E4 F4 | G4*4 | C4 D4 E4 F4 | G4*4\n```\n… and 12 bars more")
    await then()
    form = await alice.click(shown, label="Correct")
    assert form.modal is not None
    assert form.modal["components"][0]["component"]["value"] == tune
    longer = await opus_in(store, await alice.click(shown, label="Continue"))
    assert longer.request.bars == 32


async def test_germans_read_german_names(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle, locales: dict[int, str]
) -> None:
    locales[alice.id] = "de"
    shown = response(await alice.context_menu(channel, MENU, await bob.send(channel, "A4 B4 H4 C5 F4")))
    assert shown.embeds[0].description == "```\n4/4 A4 B4 H4 C5 | F4\n```"
    form = await bob.click(shown, label="Korrigieren")
    kept = response(await bob.submit_modal(form, filled_in(form, "4/4 A4 B4 C5")))
    assert kept.embeds[0].description == "```\n4/4 A4 Bb4 C5\n```"


async def test_of_a_file_it_takes_the_highest_line(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    answer = response(await alice.context_menu(channel, MENU, await alice.send(channel, "", attachments=[HYMN])))
    assert str(answer.embeds[0].description).startswith("```\n4/4 G4 | G4 F#4 E4 D4 | G4 A4 B4*2-")


@pytest.mark.parametrize(
    ("text", "attachments", "sentence"),
    [
        ("", [("picture.png", b"\x89PNG")], "There is no music file in this message."),
        ("hello everybody", [], "is no"),
        ("", [("voice-message.ogg", b"PK\x03\x04" + bytes(99))], "is no sound that can be read"),
        ("rest rest", [], "This is silent"),
    ],
)
async def test_what_holds_no_tune_gets_a_sentence(
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    text: str,
    attachments: list[tuple[str, bytes]],
    sentence: str,
) -> None:
    message = await alice.send(channel, text, attachments=attachments)
    assert sentence in refusal(await alice.context_menu(channel, MENU, message))
