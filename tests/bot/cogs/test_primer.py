"""/primer: what helps to write the beginning of a piece."""

import io
from pathlib import Path

import pytest
import simcord
import soundfile
from PIL import Image

from bot.database.store import Server, Store
from core.music import notation

DATA = Path(__file__).parents[2] / "data"


def _answer(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    [reply] = [each for each in (result.response, *result.followups) if each is not None]
    assert reply.ephemeral
    return reply


async def test_checks_a_primer_and_shows_it_as_notes_and_sound(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    answer = _answer(await alice.slash(channel, "primer check", primer="72R2, 60-4-7"))
    assert answer.embeds[0].description == "```\n72r260-4-7r1\n```"
    fields = {field.name: field.value for field in answer.embeds[0].fields}
    assert fields == {"Length": "0.375 bars, 0:01", "Key": "C major", "Notation": "12 characters"}
    files = {each.filename: await each.read() for each in answer.attachments}
    assert list(files) == ["primer.mid", "primer.mp3", "primer-1.png"]
    sound, rate = soundfile.read(io.BytesIO(files["primer.mp3"]))
    assert len(sound) / rate >= 0.9
    with Image.open(io.BytesIO(files["primer-1.png"])) as page:
        assert page.width > 1000
    assert answer.embeds[0].image.url == "attachment://primer-1.png"
    assert all(each.description for each in answer.attachments)
    composed = await alice.slash(channel, "compose", primer="72r260-4-7r1", bars=1)
    assert composed.response is not None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("72r1 7276r1", "7276 is not a MIDI note"),
        ("r4r4", "This is silent: it has rests, but no notes."),
        ("60" + "r4" * 200, "This is 100 bars long. A piece can have 64, its primer included."),
    ],
)
async def test_says_what_is_wrong_with_a_primer(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, text: str, sentence: str
) -> None:
    result = await alice.slash(channel, "primer check", primer=text)
    assert not result.deferred
    assert sentence in _answer(result).content


async def test_does_without_a_default_model_that_is_gone(
    alice: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle, store: Store
) -> None:
    await store.choose(guild.id, Server(model="gone"))
    answer = _answer(await alice.slash(channel, "primer check", primer="60r1"))
    assert answer.embeds[0].title == "A primer for tiny"
    named = _answer(await alice.slash(channel, "primer check", primer="60r1", model="gone"))
    assert named.content.endswith("There are: tiny.")


@pytest.mark.parametrize("name", ["old_hundredth.mid", "old_hundredth.musicxml", "tunes.abc"])
async def test_translates_a_file(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store, name: str
) -> None:
    file = (name, (DATA / name).read_bytes())
    answer = _answer(await alice.slash(channel, "primer translate", file=file, bars=2))
    text = str(answer.embeds[0].description).strip("`\n")
    assert notation.text(notation.parse(text)) == text
    await alice.slash(channel, "compose", file=file, primer_bars=2, bars=3)
    assert (await store.by_author(alice.id, 1))[0].request.primer == text


async def test_a_long_translation_comes_as_a_file(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    chords = "".join(f"{48 + n % 12}-3-7-12-15-19-24-27-31r1" for n in range(150))
    answer = _answer(await alice.slash(channel, "primer check", primer=chords))
    assert answer.embeds[0].description == "It is in the file primer.txt."
    assert await answer.attachments[0].read() == chords.encode()


async def test_says_what_is_wrong_with_a_file(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    result = await alice.slash(channel, "primer translate", file=("diary.txt", b"Dear diary"))
    assert "This is not a music file that can be read." in _answer(result).content
    result = await alice.slash(channel, "primer translate", file=("long.mid", bytes((1 << 20) + 1)))
    assert not result.deferred
    assert "I read files of up to 1 MiB" in _answer(result).content
