"""What a piece can begin with: note names, German ones, ABC, the notation of others, passages of files, and hums."""

from pathlib import Path

import numpy as np
import pytest
import simcord

from bench import humming
from bench.humming import CLEAN
from bot.database.store import Opus, Store
from tests.bot.clicking import opus_of

DATA = Path(__file__).parents[2] / "data"
HYMN = ("old_hundredth.krn", (DATA / "old_hundredth.krn").read_bytes())


def _reply(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    [reply] = [each for each in (result.response, *result.followups) if each is not None]
    return reply


async def _opus(store: Store, result: simcord.InteractionResult) -> tuple[Opus, str]:
    reply = _reply(result)
    assert reply.embeds, reply.content
    return await opus_of(store, reply), str(reply.embeds[0].footer.text)


@pytest.fixture(scope="module")
def hum() -> tuple[str, bytes]:
    """Return a voice message in which somebody hums."""
    chance = np.random.default_rng(0)
    notes = humming.sung("C4 D4 E4 F4 | G4 G4 A4 F4 | E4*2 D4*2 | C4*4", CLEAN, chance, 0.5, 0)
    return "voice-message.ogg", humming.as_voice_message(humming.voice(notes, CLEAN, None, chance))


@pytest.mark.parametrize(
    ("primer", "begins", "said"),
    [
        ("C4 E4 G4", "60r264r267r2", "Note names with octaves: C4 is middle C."),
        ("c d e f | g2 g2", "72r274r276r277r279r479r4", "Note names as in ABC"),
        ("72r177r179r181-12-40r2", "72r177r179r141-28-40r2", "The notation, chords from their highest note."),
        ("K:C L:1/4 c e g2", "72r276r279r4", "A tune in ABC."),
    ],
)
async def test_it_begins_with_what_musicians_type_and_says_how_it_was_read(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store, primer: str, begins: str, said: str
) -> None:
    opus, field = await _opus(store, await alice.slash(channel, "compose", primer=primer, bars=4))
    assert opus.request.primer == begins
    assert opus.text.startswith(begins[:-2])
    assert said in field


async def test_what_is_in_the_notation_already_needs_no_words(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    opus, words = await _opus(store, await alice.slash(channel, "compose", primer="72R1, 60-4-7r2", bars=2))
    assert (opus.request.primer, words) == ("72r160-4-7r2", "None")


async def test_b_is_german_for_whoever_reads_discord_in_german(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, locales: dict[int, str]
) -> None:
    for locale, begins in (("en-US", "71r2"), ("de", "70r2")):
        locales[alice.id] = locale
        checked = _reply(await alice.slash(channel, "primer check", primer="B4"))
        assert checked.embeds[0].description == f"```\n{begins}\n```"


@pytest.mark.parametrize(
    ("primer", "sentence"),
    [
        ("C4 do", "```\nC4 do\n   ^^\n```\n'do' is no note that I know."),
        ("120-9-20r1 3-60-80r1", "Is 120-9-20 written from its lowest note or from its highest?"),
    ],
)
async def test_what_is_wrong_is_refused_privately_with_its_place(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, primer: str, sentence: str
) -> None:
    for command in ("compose", "primer check"):
        result = await alice.slash(channel, command, primer=primer)
        assert not result.deferred
        assert sentence in _reply(result).content


async def test_a_long_beginning_makes_a_longer_piece_unless_one_says_how_long(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    opus, _ = await _opus(store, await alice.slash(channel, "compose", primer="C4*4 " * 14))
    assert opus.request.bars == 22
    refused = _reply(await alice.slash(channel, "compose", primer="C4*4 " * 14, bars=8))
    assert "The primer ends in bar 14: ask for 15 to 64 bars" in refused.content


async def test_it_begins_with_a_passage_or_a_track_of_a_file(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    chosen = {"file": HYMN, "track": "melody", "from_bar": 2, "primer_bars": 1, "bars": 4}
    opus, field = await _opus(store, await alice.slash(channel, "compose", **chosen))
    assert opus.request.primer == "67r269r271r4"
    assert "Old Hundredth, the highest line of its 2 parts, bars 2 to 2." in field
    refused = _reply(await alice.slash(channel, "compose", **{**chosen, "track": "tuba"}))
    assert "There is no track 'tuba' in this file." in refused.content
    translated = _reply(await alice.slash(channel, "primer translate", file=HYMN, track="1", from_bar=2, bars=1))
    assert "track 1" in str(translated.embeds[0].fields[-1].value)


async def test_it_begins_with_a_hum(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store, hum: tuple[str, bytes]
) -> None:
    opus, field = await _opus(store, await alice.slash(channel, "compose", file=hum, bars=8))
    assert opus.request.primer.startswith("60r262r264r265r267r267r269r265r2")
    assert "A hum of 11 notes" in field


async def test_hostile_sounds_are_refused_while_pieces_are_composed(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    for name, data, sentence in (
        ("voice-message.ogg", b"PK\x03\x04" + bytes(100), "is no sound that can be read"),
        ("hum.ogg", b"", "The file is empty."),
        ("hum.mp3", b"ID3" + bytes(1000), "This sound file is damaged"),
    ):
        refused = _reply(await alice.slash(channel, "compose", file=(name, data)))
        assert refused.ephemeral
        assert sentence in refused.content
        opus, _ = await _opus(store, await alice.slash(channel, "compose", primer="60r1", bars=1))
        assert opus.bars == 1
