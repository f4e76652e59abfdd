"""Answers that are made of parts are German in all of them."""

import re
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
import simcord

from bot.chat import language
from bot.database.store import Server, Store
from core.corpus.worker import CollectJob, gather
from core.errors import CadenzaError, mark
from core.model import description
from core.music import piece
from core.reading.formats import read
from core.reading.playing import play
from tests.bot.music import HOSTILE, files, midi, named, packed
from tests.bot.trainings import train

ENGLISH = re.compile(
    r"\b(the|a|it|its|is|are|was|were|of|at|in its|from|and|or|who|which|with|than|more|most|read|file|files|piece"
    r"|pieces|cannot|has|have|none|yet|kinds|notes|damaged|short|long|minutes|seconds|cut|within|bar|start|learned)\b"
)
OTHER = re.compile(
    r"[“„`'].*?[”“`']|/\w+ \w+|\S+\.\w+|\.\w+", re.DOTALL
)  # quotations, commands, files and their endings


@pytest.fixture(autouse=True)
def german() -> Iterator[None]:
    language.speak("de")
    yield
    language.speak("en-US")


def english(text: str) -> list[str]:
    """Return the English words of a text."""
    return [match[0] for match in ENGLISH.finditer(OTHER.sub("", text))]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (piece.too_many(mark("notes"), 165_000, 20_000), "Es sind 165,000 Noten; gelesen werden höchstens 20,000."),
        (
            piece.damaged("MIDI", mark("it was cut off within track {track}", track=1)),
            "beschädigt: sie ist in Spur 1 abgeschnitten.",
        ),
        (
            piece.damaged(mark("compressed MusicXML"), mark("it cannot be unpacked")),
            "Diese komprimierte MusicXML-Datei ist",
        ),
        (piece.not_among("3/4", "2,4"), "Das Stück steht im 3/4-Takt;"),
    ],
)
def test_translates_the_parts_of_a_sentence(error: CadenzaError, says: str) -> None:
    said = language.tell(error)
    assert says in said
    assert english(said) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        *((name, data) for name, data in HOSTILE.items() if not name.endswith(".zip")),
        ("drums.mid", b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00MTrk"),
        ("waltz.abc", b"X:1\nM:3/4\nK:C\nCDE|\n"),
        ("none.abc", b"X:1\nM:4/4\nK:Q\nC|\n\nX:2\nM:4/4\nK:H\nC|\n"),
        ("spines.krn", b"**kern\t" * 99 + b"**kern\n*-\n"),
        ("torn.musicxml", b"<score-partwise><part>"),
        ("nothing", b"words"),
    ],
)
def test_no_refusal_of_a_file_stays_english(name: str, data: bytes) -> None:
    with pytest.raises(CadenzaError) as caught:
        _ = [play(piece) for piece in read(data, name).pieces]
    said = language.tell(caught.value)
    assert said != str(caught.value)
    assert english(said) == []


def test_no_line_of_a_report_stays_english(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    unreadable = {name: data for name, data in HOSTILE.items() if "/" not in name and name != "bomb.zip"}
    for name, data in (unreadable | {"1.mid": midi(1), "2.mid": midi(1), "3.mid": midi(3, notes=2)}).items():
        (music / name).write_bytes(data)
    (music / "nested.zip").write_bytes(packed(a__zip=b"", b__txt=b"", c=b""))
    gathered = gather(CollectJob(music=str(music), work=str(tmp_path)))
    said = [language.tell(line) for line in gathered.summary]
    said += [language.tell(reason) for _, reason in gathered.skipped]
    assert len(gathered.skipped) > 9
    assert [(line, words) for line in said if (words := english(line))] == []
    assert "Behalten: 1 von " in said[0]


def test_the_card_of_a_model_is_german(tiny_model: Path) -> None:
    rows, paragraphs = description.brief(str(tiny_model))
    said = [language.tell(sentence) for paragraph in paragraphs for sentence in paragraph]
    said += [language.tell(value) for name, value in rows if name not in ("source", "terms")]
    assert [(line, words) for line in said if (words := english(line.replace("two made-up pieces", "")))] == []
    assert "und hört Tonhöhen." in said[1]


async def test_refusals_with_other_parts_are_german(
    store: Store,
    admin: simcord.MemberActor,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    locales: dict[int, str],
) -> None:
    locales[alice.id] = locales[admin.id] = "de"
    role = guild.create_role("musicians")
    results = [await alice.slash(channel, "train list")]
    await store.choose(guild.id, Server(trainers=role.id))
    uploads = named(("words.txt", b"words"), ("words", b"words"), ("large.mid", bytes(2 << 20)))
    results += [
        await alice.slash(channel, "train list"),
        await admin.slash(channel, "models delete", model="none"),
        await train(admin, channel, name="words", **uploads),
        await train(admin, channel, name="words", **named(("one.mid", midi(1)))),
        await train(admin, channel, name="words", **named(("cut.mid", midi(1)[:60]))),
    ]
    for result in results:
        answer = result.response or result.followups[0]
        assert english(answer.content) == [], answer.content
        assert answer.content


async def test_a_message_of_a_training_is_german_and_so_is_the_way_to_it(
    admin: simcord.MemberActor, channel: simcord.ChannelHandle, locales: dict[int, str]
) -> None:
    locales[admin.id] = "de"
    answer = (await train(admin, channel, name="scales", **files())).response
    assert answer is not None
    said = [str(answer.embeds[0].description), *(str(field.value) for field in answer.embeds[0].fields)]
    assert [words for line in said if (words := english(line))] == []
    info = (await admin.slash(channel, "models info", model="tiny")).response
    assert info is not None
    assert {"Notation", "Vorgaben"} <= {field.name for field in info.embeds[0].fields}


@pytest.mark.parametrize(
    ("seconds", "locale", "text"),
    [
        (0.2, "en-US", "1 second"),
        (89, "en-US", "89 seconds"),
        (100, "en-GB", "2 minutes"),
        (100, "de", "2 Minuten"),
        (7200, "de", "2 Stunden"),
        (100, "fr", "2 minutes"),  # in which nothing else is said either
    ],
)
def test_a_span_of_time_is_said_in_the_language_of_the_rest(seconds: float, locale: str, text: str) -> None:
    context = copy_context()
    context.run(language.speak, locale)
    assert context.run(language.span, seconds) == text
