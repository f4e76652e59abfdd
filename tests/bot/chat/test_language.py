"""The bot in German: all that it says is translated, and loses nothing on the way."""

import ast
import asyncio
import re
import string
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import simcord
from babel.messages.catalog import Catalog, Message

from bot import translating
from bot.chat import language
from bot.database.store import Store
from core.errors import CadenzaError, lines, mark
from tests.bot.acting import begin, until
from tests.bot.clicking import Tuner, press, recipe_of
from tests.bot.trainings import MUCH, Scene

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def german() -> Catalog:
    catalogue = language.read("de")
    assert catalogue is not None
    return catalogue


@pytest_asyncio.fixture
async def said() -> Catalog:
    return await translating.collect()


def _forms(message: Message) -> list[tuple[str, str]]:
    """Pair each form of a message with its translation."""
    originals = message.id if isinstance(message.id, tuple | list) else (message.id,)
    translations = message.string if isinstance(message.string, tuple | list) else (message.string or "",)
    return list(zip(originals, translations, strict=True))


def _places(text: str) -> list[str]:
    """Return what stands in a template; a word that agrees with its noun counts as the word."""
    named = [(name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name is not None]
    return sorted(f"{re.sub('_[mfn]$', '', name)}:{spec}" for name, spec in named)


async def test_every_command_option_choice_and_text_has_its_german(german: Catalog, said: Catalog) -> None:
    missing = [
        message.id
        for message in said
        if message.id
        and not all(translation for _, translation in _forms(german.get(message.id, message.context) or message))
    ]
    assert missing == [], "python -m bot.translating adds them to the catalogue; then translate them there"


async def test_nothing_in_the_catalogue_is_said_no_more(german: Catalog, said: Catalog) -> None:
    stale = [message.id for message in german if message.id and said.get(message.id, message.context) is None]
    assert stale == [], "python -m bot.translating drops them"


def test_no_placeholder_is_lost(german: Catalog) -> None:
    for message in german:
        forms = _forms(message)
        for original, translation in forms if message.id else ():
            if translation:
                needed = _places(original)
                allowed = _places(forms[-1][0])
                assert _places(translation) in (needed, allowed), message.id


async def test_names_and_descriptions_are_such_as_discord_allows(env: simcord.Env) -> None:
    commands = list(env.backend.commands[None].values())
    names = {command["name"]: command["name_localizations"] for command in commands}
    assert names["compose"] == {"de": "komponieren"}
    assert names["Continue this music"] == {"de": "Diese Musik fortsetzen"}
    for command in commands:
        _check(command)


def _check(node: dict[str, Any]) -> None:
    is_menu = node.get("type") == 3 and "description" in node and not node["description"]
    for name in (node["name"], *(node.get("name_localizations") or {}).values()):
        assert 1 <= len(name) <= 32
        assert is_menu or re.fullmatch(r"[-_\w]+", name)
        assert is_menu or name == name.lower()
    for text in (node["description"], *(node.get("description_localizations") or {}).values()):
        assert is_menu or 1 <= len(text) <= 100
        assert not text.endswith("…"), "discord.py has cut it"
    children = node.get("options") or []
    names = [(child.get("name_localizations") or {}).get("de", child["name"]) for child in children]
    assert len(set(names)) == len(names)
    for child in children:
        _check(child)


async def test_answers_in_the_language_of_whoever_asks(
    alice: simcord.MemberActor, bob: simcord.MemberActor, channel: simcord.ChannelHandle, locales: dict[int, str]
) -> None:
    locales[alice.id] = "de"
    answer = (await alice.slash(channel, "compose", bars=2, seed=1)).response
    assert answer is not None
    assert re.fullmatch(r"(Skizze|Miniatur|\w+).* in \w+-(Dur|Moll)", str(answer.embeds[0].title))
    model, key, length, instrument = str(answer.embeds[0].description).split(" · ")
    assert (model, length[:12], instrument) == ("tiny", "2 Takte, 0:0", "Klavier")
    assert key.endswith(("-Dur", "-Moll"))
    recipe = await recipe_of(alice, answer)
    assert recipe["Gespielt"] == "Klavier, 300 Viertel in der Minute"
    assert answer.attachments[1].description == "MIDI-Datei: 2 Takte für Klavier vom Modell tiny"
    english = (await bob.click(answer, label="Noch einmal")).response
    assert english is not None
    assert re.search(r" in [A-G][♭♯]?( minor)?$", str(english.embeds[0].title))
    assert (await bob.click(english, label="Vary")).response is not None


@pytest.mark.parametrize(
    ("command", "options", "sentence"),
    [
        (
            "compose",
            {"primer": "72r1 7276r1"},
            "7276 ist keine MIDI-Note (0-127). Setze eine Pause zwischen zwei Noten",
        ),
        ("compose", {"model": "jazz"}, "Es gibt kein Modell namens 'jazz'. Es gibt: tiny."),
        (
            "compose",
            {"primer": "60r4r4r4r4", "bars": 1},
            "Der Anfang reicht bis Takt 2: Verlange 3 bis 64 Takte",
        ),
        ("compose", {"file": ("a.txt", b"Dear diary")}, "Das ist keine Musikdatei, die gelesen werden kann."),
        ("compose", {"key": "H"}, "'H' ist keine Tonart."),
        ("piece history", {}, "Du hast noch keine Stücke."),
        ("piece show", {"id": "nothing"}, "Es gibt kein Stück nothing von dir oder von diesem Server."),
        ("forget me", {}, "Soll ich deine 0 Stücke löschen"),
    ],
)
async def test_refuses_in_german(
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    locales: dict[int, str],
    command: str,
    options: dict[str, Any],
    sentence: str,
) -> None:
    locales[alice.id] = "de"
    result = await alice.slash(channel, command, **options)
    [reply] = [each for each in (result.response, *result.followups) if each is not None]
    assert sentence in reply.content


async def test_refuses_a_click_in_german(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    store: Store,
    locales: dict[int, str],
) -> None:
    locales[bob.id] = "de"
    answer = (await alice.slash(channel, "compose", bars=1)).response
    assert answer is not None
    refusal = (await press(bob, answer, "Delete")).response
    assert refusal is not None
    assert refusal.content.startswith("Das kann nur, wer um dieses Stück gebeten hat, oder die Moderation")
    tuner = await Tuner.on(bob, answer)
    assert "Ändere, was du magst" in tuner.text()
    await tuner.type(seed="neun", bars="0")
    assert "'neun' passt nicht zu Startzahl" in tuner.text()
    assert "'0' passt nicht zu Takte" in tuner.text()


async def test_several_languages_at_once_do_not_mix(
    env: simcord.Env,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    locales: dict[int, str],
) -> None:
    locales[alice.id] = "de"
    for actor in (alice, bob):
        await begin(env, actor.slash(channel, "compose", bars=2))
    await env.settle()
    titles = {message.embeds[0].title for message in channel.history()}
    assert sorted(bool(re.search("-(Dur|Moll)$", str(title))) for title in titles) == [False, True]


@pytest.mark.parametrize(("locale", "title"), [("fr", "Privacy"), ("en-GB", "Privacy"), ("de", "Datenschutz")])
async def test_speaks_english_where_there_is_no_other(
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    locales: dict[int, str],
    locale: str,
    title: str,
) -> None:
    locales[alice.id] = locale
    answer = (await alice.slash(channel, "privacy")).response
    assert answer is not None
    assert answer.embeds[0].title == title


def test_tells_what_it_knows_and_leaves_the_rest_as_it_is() -> None:
    said = [
        mark("{title}: sheet music", title="Largo"),
        mark("No {translator} knows this.", translator="one"),
        lines([]),
    ]
    context = copy_context()
    context.run(language.speak, "de")
    assert [context.run(language.tell, one) for one in said] == ["Largo: das Notenblatt", "No one knows this.", ""]
    assert context.run(language._, "") == ""


def _said(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names of the functions and errors that texts are given to, each with its text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            name = node.func.id
            if name in ("_", "ngettext", "mark", "counted") or name in ERRORS:
                yield name, node.args[0]


def _subclasses(kind: type[CadenzaError]) -> Iterator[str]:
    yield kind.__name__
    for below in kind.__subclasses__():
        yield from _subclasses(below)


ERRORS = frozenset(_subclasses(CadenzaError))
ON_A_TERMINAL = frozenset({"SettingsError", "DiscordError"})  # whoever starts the bot reads English


def test_every_text_is_one_that_babel_finds() -> None:
    found = {text if isinstance(text, str) else text[0] for text in translating.extracted()}
    for path in (path for folder in ("core", "bot") for path in (ROOT / folder).rglob("*.py")):
        for name, text in _said(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path}:{text.lineno}"
            assert not isinstance(text, ast.JoinedStr | ast.BinOp), f"{where}: its values stand beside a template"
            said = ast.unparse(text)
            assert "_(" not in said, f"{where}: an error is translated where it is told"
            if isinstance(text, ast.Constant) and path.parent != ROOT / "core" and name not in ON_A_TERMINAL:
                assert text.value in found, f"{where}: pyproject.toml does not tell Babel of {name}"


async def test_the_tool_finds_the_catalogue_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = language.file_of("de").read_text(encoding="utf-8")
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    target = language.file_of("de")
    target.parent.mkdir(parents=True)
    target.write_text(before, encoding="utf-8")
    await asyncio.to_thread(translating.main, ["de"])
    assert target.read_text(encoding="utf-8") == before


@pytest.mark.slow  # its texts are held to be complete, and that it is told by test_training
@pytest.mark.usefixtures("hurried")
async def test_tells_of_a_training_in_the_language_of_whoever_asked(
    scene: Scene, bob: simcord.MemberActor, locales: dict[int, str]
) -> None:
    locales[scene.admin.id] = "de"
    answer = await scene.start(files=[*MUCH["files"][:9], ("3.mid", b"Dear diary")])
    assert answer.embeds[0].title == "scales wartet auf sein Training"
    assert answer.embeds[0].description == "Ich kann 9 von 10 Stücken lesen."
    fields = {field.name: str(field.value) for field in answer.embeds[0].fields}
    assert "Die Datei endet auf .mid, enthält aber nichts dergleichen." in fields["Ausgelassen"]
    assert fields["Tonarten"] == "7 in C-Dur, 2 in F-Dur"
    assert fields["Platz"] == "Es ist als Nächstes an der Reihe."
    async with scene.bot.trainer:
        await scene.hold(epochs=1)
        await until(lambda: scene.titles() == ["scales wird trainiert"])
        await scene.keep()
    last = scene.channel.history()[-1]
    assert last.embeds[0].title == "scales ist trainiert"
    assert {"Ein erstes Stück"} <= {field.name for field in last.embeds[0].fields}
    assert (await bob.click(last, label="Ausprobieren")).response is not None
