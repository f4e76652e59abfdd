"""Music files that a piece begins with: the option file, and the menu of a message."""

from fractions import Fraction
from pathlib import Path

import pytest
import simcord

from bot.database.store import Opus, Server, Store
from core.music import keys
from core.reading import primers
from tests.bot.clicking import opus_of

DATA = Path(__file__).parents[2] / "data"
HYMN = ("old_hundredth.mid", (DATA / "old_hundredth.mid").read_bytes())
HALF = Fraction(1, 2)
MENU = "Continue this music"


async def _opus(store: Store, result: simcord.InteractionResult) -> Opus:
    assert result.response is not None, [followup.content for followup in result.followups]
    assert not result.response.ephemeral
    return await opus_of(store, result.response)


def _refusal(result: simcord.InteractionResult) -> str:
    [reply] = [each for each in (result.response, *result.followups) if each is not None]
    assert reply.ephemeral
    return reply.content


def _ending(name: str, bars: int) -> str:
    data = (DATA / name).read_bytes()
    return primers.from_music(data, name, anchor="lowest", unit=HALF, bars=bars).text


async def _offers(actor: simcord.MemberActor, channel: simcord.ChannelHandle, option: str, typed: str) -> list[str]:
    return [str(offer["value"]) for offer in await actor.autocomplete(channel, "compose", option, typed)]


@pytest.mark.parametrize("name", ["old_hundredth.mid", "old_hundredth.mxl", "old_hundredth.krn", "tunes.abc"])
async def test_begins_with_the_last_bars_of_a_file(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store, name: str
) -> None:
    file = (name, (DATA / name).read_bytes())
    opus = await _opus(store, await alice.slash(channel, "compose", file=file, primer_bars=2, bars=4))
    assert opus.request.primer == _ending(name, 2)
    assert opus.text.startswith(_ending(name, 2)[:-2])
    assert opus.bars == 4


async def test_without_a_length_the_piece_goes_on_behind_the_file(
    alice: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle, store: Store
) -> None:
    await store.choose(guild.id, Server(bars=2))
    opus = await _opus(store, await alice.slash(channel, "compose", file=HYMN))
    assert (opus.request.bars, opus.bars) == (6, 6)


async def test_one_begins_with_a_primer_or_with_a_file(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    result = await alice.slash(channel, "compose", file=HYMN, primer="60r1")
    assert not result.deferred
    assert _refusal(result) == "A piece begins with a melody, a primer or a file. Choose one of them."


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("notes.txt", b"dear diary", "This is not a music file that can be read."),
        ("empty.mid", b"", "The file is empty."),
        ("broken.mid", b"MThd" + b"\xff" * 40, "This MIDI file is damaged"),
    ],
)
async def test_what_cannot_be_read_is_refused_privately_in_a_sentence(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, name: str, data: bytes, sentence: str
) -> None:
    assert sentence in _refusal(await alice.slash(channel, "compose", file=(name, data)))
    assert [message for message in channel.history() if not message.flags.ephemeral] == []


async def test_what_is_too_large_is_refused_before_it_is_fetched(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    result = await alice.slash(channel, "compose", file=("long.mid", HYMN[1] + bytes(1 << 20)))
    assert not result.deferred
    assert _refusal(result) == "long.mid is 1.0 MiB; I read files of up to 1 MiB."


async def test_composes_in_a_key_that_is_asked_for(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    result = await alice.slash(channel, "compose", file=HYMN, bars=5, key="Eb", temperature=0.1, seed=1)
    assert result.response is not None
    assert (await _opus(store, result)).request.key == "Eb"


async def test_refuses_what_is_no_key_privately(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    result = await alice.slash(channel, "compose", key="H flat")
    assert not result.deferred
    assert _refusal(result) == "'H flat' is not a key. Write C, Bb, F# or E minor, for example."


async def test_composes_several_takes_at_once(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    result = await alice.slash(channel, "compose", takes=3, bars=2, top_p=0.8, seed=1)
    assert result.response is not None
    assert result.response.embeds[0].title == "3 takes by tiny"
    pieces = await store.by_author(alice.id, 10)
    assert len({piece.text for piece in pieces}) == 3
    assert {piece.request.top_p for piece in pieces} == {0.8}
    assert [file.filename for file in result.response.attachments] == [
        *(f"take-{n}.mp3" for n in (1, 2, 3)),
        "takes.png",
    ]


async def test_a_piece_of_several_takes_is_continued_in_its_key(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    first = await alice.slash(channel, "compose", file=HYMN, bars=5, key="E", seed=2)
    opus = await _opus(store, first)
    assert first.response is not None
    longer = await _opus(store, await alice.click(first.response, label="Continue"))
    assert longer.text.startswith(opus.text[:-2])


async def test_the_menu_continues_the_music_of_a_message(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
) -> None:
    await store.choose(guild.id, Server(bars=2, temperature=0.7))
    message = await bob.send(channel, "Listen!", attachments=[HYMN, ("cover.png", b"\x89PNG")])
    opus = await _opus(store, await alice.context_menu(channel, MENU, message))
    assert opus.author == alice.id
    assert opus.request.primer == _ending("old_hundredth.mid", 4)
    assert (opus.bars, opus.request.temperature) == (6, 0.7)


async def test_the_menu_continues_a_composition(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    await alice.slash(channel, "compose", bars=8, seed=3)
    [message] = channel.history()
    opus = await _opus(store, await alice.context_menu(channel, MENU, message))
    midi = await message.attachments[1].read()
    assert opus.request.primer == primers.from_music(midi, "tiny-3.mid", anchor="lowest", unit=HALF, bars=4).text


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "There is no music file in this message. I can read .mid, "),
        ([("cover.png", b"\x89PNG")], "There is no music file in this message."),
        ([HYMN, ("tunes.abc", b"X:1")], "There are 2 music files in this message."),
        ([("broken.mid", b"MThd")], "This MIDI file is damaged"),
    ],
)
async def test_the_menu_says_what_it_cannot_do(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, files: list[tuple[str, bytes]], sentence: str
) -> None:
    message = await alice.send(channel, "Listen!", attachments=files)
    assert sentence in _refusal(await alice.context_menu(channel, MENU, message))


async def test_offers_recent_primers_and_keys(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    for primer in ("60r1", "62r1 64r2", "60r1", ""):
        await alice.slash(channel, "compose", primer=primer, bars=1)
    assert [each["value"] for each in await alice.autocomplete(channel, "compose", "primer", "")] == [
        "60r1",
        "62r164r2",
    ]
    assert [each["value"] for each in await alice.autocomplete(channel, "compose", "primer", "62r1, 6")] == ["62r164r2"]
    assert await bob.autocomplete(channel, "compose", "primer", "") == []
    offered = [each["value"] for each in await alice.autocomplete(channel, "compose", "key", "e")]
    assert offered == ["E major", "Eb major", "E minor"]
    everything = await alice.autocomplete(channel, "compose", "key", "")
    assert all(keys.parse_key(each["value"])[1] for each in everything)
    assert len({keys.parse_key(each["value"]) for each in everything}) == 24
