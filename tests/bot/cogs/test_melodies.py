"""/harmonize: names, notation, a file and a hum each become a chorale, which lives on as every piece does."""

import asyncio
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simcord
import soundfile
from symusic.core import ScoreTick

from bot.database.store import Opus, Store
from bot.settings import Settings
from core.composing import recipe
from tests.bot.acting import Gate, begin, until
from tests.bot.clicking import Tuner, delete, files, ids_of, opus_in, opus_of, press, refusal, response
from tests.bot.composing.test_typed import HYMN
from tests.bot.music import ENDLESS, TUNE, packed

MODELS = Path("models")
QUICK = {"effort": 1, "seed": 5}
SUNG = [60, 62, 64, 65, 67, 67, 69, 65, 64, 62, 60]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings for a bot with the models that ship."""
    return Settings(models=MODELS, data=tmp_path, shards=1)


def by_ending(received: dict[str, bytes]) -> dict[str, bytes]:
    return {Path(name).suffix: data for name, data in received.items()}


def sopranos(midi: bytes) -> list[int]:
    """Return what the highest of a file's four tracks plays."""
    tracks = [track for track in ScoreTick.from_midi(midi).tracks if len(track.notes)]
    assert [track.name for track in tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    return [note.pitch for note in sorted(tracks[0].notes, key=lambda note: note.time)]


@pytest.mark.parametrize(
    ("option", "sung", "said"),
    [
        ({"melody": TUNE}, SUNG, "Note names with octaves"),
        ({"melody": "60r262r264r265r267r267r269r265r264r462r460r4r4"}, SUNG, "The notation."),
        ({"melody": "X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GGAF|E2D2|C4|]"}, SUNG, "A tune in ABC."),
        ({"file": HYMN, "bars": 2}, [67, 67, 66, 64, 62, 67, 69, 71], "bars 1 to 2"),
    ],
    ids=["names", "notation", "ABC", "file"],
)
async def test_every_kind_of_melody_becomes_a_chorale_with_sheet_and_sound(
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    store: Store,
    option: dict[str, object],
    sung: list[int],
    said: str,
) -> None:
    answer = response(await alice.slash(channel, "harmonize", **option, **QUICK))
    opus, received = await opus_of(store, answer), by_ending(await files(answer))
    assert list(received) == [".mp3", ".mid", ".musicxml", ".png"]
    assert sopranos(received[".mid"]) == sung
    assert received[".musicxml"].count(b"<score-part ") == 4
    assert received[".png"].startswith(b"\x89PNG")
    assert len(received[".mp3"]) > 50_000
    assert opus.parts is not None
    assert said in str(answer.embeds[0].footer.text)


async def test_a_hum_is_harmonised(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, hum: tuple[str, bytes]
) -> None:
    answer = response(await alice.slash(channel, "harmonize", file=hum, ensemble="string quartet", **QUICK))
    midi = by_ending(await files(answer))[".mid"]
    tracks = [track for track in ScoreTick.from_midi(midi).tracks if len(track.notes)]
    assert [track.name for track in tracks] == ["Violin 1", "Violin 2", "Viola", "Cello"]
    assert [note.pitch for note in sorted(tracks[0].notes, key=lambda note: note.time)] == SUNG


@pytest.fixture
async def chorale(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> simcord.ResponseMessage:
    """Return the message with a harmonisation of Alice's."""
    return response(await alice.slash(channel, "harmonize", melody=TUNE, numerals=True, **QUICK))


async def test_it_is_shown_engraved_and_made_again_to_the_byte(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    store: Store,
    settings: Settings,
    chorale: simcord.ResponseMessage,
) -> None:
    opus, first = await opus_of(store, chorale), await files(chorale)
    for file in (settings.data / "cache").rglob("*"):
        if file.is_file():
            await asyncio.to_thread(file.unlink)
    again = response(await bob.slash(channel, "piece show", id=opus.id))
    assert await files(again) == first
    made = await asyncio.to_thread(recipe.compose, replace(opus.request, model="models/chorales", picture=False))
    assert made.takes[0].parts == opus.parts
    assert made.takes[0].midi == by_ending(first)[".mid"]
    sheet = by_ending(await files(response(await press(bob, again, "Sheet"))))
    assert sheet[".musicxml"] == by_ending(first)[".musicxml"]
    assert sheet[".png"] == by_ending(first)[".png"]
    assert sheet[".pdf"].startswith(b"%PDF")
    assert b"<text>I</text>" in sheet[".musicxml"]
    assert (await delete(alice, chorale)).acknowledged
    assert not await store.find(opus.id)


async def test_its_buttons_sing_it_otherwise_or_go_on(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store, chorale: simcord.ResponseMessage
) -> None:
    opus = await opus_of(store, chorale)
    other = await opus_in(store, await alice.click(chorale, label="Again"))
    assert (other.request.melody, other.parent) == (opus.request.melody, opus.id)
    assert other.parts != opus.parts
    longer = await opus_in(store, await alice.click(chorale, label="Continue"))
    assert longer.text.startswith(opus.text.rstrip("r4").rstrip("r"))
    assert (longer.request.melody, longer.parts) == ("", None)
    tuner = await Tuner.on(alice, chorale)
    await tuner.choose(instrument="organ")
    await tuner.type(primer="C5 D5 E5*2", seed="3")
    tuned = await opus_in(store, await tuner.compose())
    assert tuned.parts is not None
    assert [note.pitch for note in tuned.parts.parts[0].notes] == [72, 74, 76]
    assert tuned.request.instrument == "organ"


async def test_takes_are_shown_side_by_side(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    answer = response(await alice.slash(channel, "harmonize", melody="C5 D5 E5*2", takes=2, **QUICK))
    assert "2 takes" in str(answer.embeds[0].title)
    one, other = sorted(await store.by_author(alice.id, 5), key=lambda opus: opus.text)
    assert isinstance(one, Opus)
    assert one.parts != other.parts
    [shown, *_] = ids_of(answer)
    alone = await opus_in(store, await alice.click(answer, label="1"))
    assert alone.id == shown


async def test_the_highest_line_of_a_piece_is_harmonised_by_a_model_that_can(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    options = {
        "primer": "C5 D5 E5 F5 | G5 E5 C5 D5",
        "bars": 3,
        "effort": 1,
        "model": "fiddle",
        "form": "through-composed",
    }
    tune = response(await alice.slash(channel, "compose", **options))
    below = await opus_in(store, await press(alice, tune, "Harmonise"))
    assert below.parts is not None
    assert [note.pitch for note in below.parts.parts[0].notes][:8] == [72, 74, 76, 77, 79, 76, 72, 74]
    assert (below.model.name, below.parent) == ("chorales", ids_of(tune)[0])


async def test_germans_harmonise_german_names(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, locales: dict[int, str]
) -> None:
    locales[alice.id] = "de"
    shown = response(await alice.context_menu(channel, "Use this tune", await alice.send(channel, "G4 A4 H4 C5*2")))
    answer = response(await alice.click(shown, label="Harmonisieren"))
    assert "Notennamen" in str(shown.embeds[0].fields)
    assert answer.embeds[0].footer.text is None  # for it has been said
    assert sopranos(by_ending(await files(answer))[".mid"]) == [67, 69, 71, 72]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Give the tune as the option melody"),
        ({"melody": TUNE, "file": HYMN}, "one of them"),
        ({"melody": "C4"}, "two notes at least"),
        ({"melody": "C4 do"}, "'do' is no note that I know."),
        ({"melody": TUNE, "model": "classic"}, "from their lowest note up"),
        ({"melody": TUNE, "model": "fiddle"}, "music in one voice"),
        ({"melody": TUNE, "ensemble": "kazoo"}, "kazoo"),
        ({"melody": "C2 C7"}, "spans 60 semitones"),
        ({"melody": TUNE, "key": "H minor"}, "is not a key"),
    ],
)
async def test_what_cannot_be_harmonised_is_refused_for_the_user_alone(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, options: dict[str, object], sentence: str
) -> None:
    assert sentence in refusal(await alice.slash(channel, "harmonize", **options))


def _sound(samples: Any, format: str, subtype: str, rate: int) -> bytes:
    data = io.BytesIO()
    soundfile.write(data, samples, rate, format=format, subtype=subtype)
    return data.getvalue()


async def test_hostile_sounds_and_files_are_refused_while_compositions_go_on(
    env: simcord.Env,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    store: Store,
    gate: Gate,
) -> None:
    gate.close()
    await begin(env, bob.slash(channel, "compose", primer="C5 D5 E5", bars=2, effort=1))
    await until(lambda: gate.waiting == 1)
    hostile = {
        "an hour.flac": (_sound(np.zeros(3600 * 8000, np.float32), "FLAC", "PCM_16", 8000), "longer than 30 seconds"),
        "bomb.mxl": (packed(a__xml=b" " * (40 << 20)), "larger than 16 MiB"),
        "renamed.ogg": (packed(a__txt=b"zip"), "is no sound that can be read"),
        "nan.wav": (
            _sound(np.full(9000, np.nan, np.float32), "WAV", "FLOAT", 48_000),
            "some of its samples are no numbers",
        ),
        "endless.mid": (ENDLESS, "at most 4,096 are read"),
    }
    sentences = []
    for name, (data, _) in hostile.items():
        result = await alice.slash(channel, "harmonize", file=(name, data))
        assert result.acknowledged
        sentences.append("".join(each.content for each in (result.response, *result.followups) if each))
    await gate.open()
    for sentence, (_, expected) in zip(sentences, hostile.values(), strict=True):
        assert expected in sentence
    assert len(await store.by_author(bob.id, 5)) == 1
