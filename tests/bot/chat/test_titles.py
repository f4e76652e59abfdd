"""Titles in German, where nouns have a gender, and the names of files."""

import re
from contextvars import copy_context
from fractions import Fraction
from pathlib import Path

import pytest

from bot.chat import language
from bot.chat.titles import stem
from core.errors import Message
from core.model.notes import read_notes
from core.music import dances, titles
from core.music.score import from_text

ROOT = Path(__file__).parents[3]
NOUNS = {
    "er": "Choral Marsch Reel Jig Walzer",
    "e": "Hymne Hornpipe Weise Melodie Miniatur Skizze Romanze Bagatelle Etüde Toccata Sarabande Barkarole Pastorale",
    "es": "Wiegenlied Lied Fragment Präludium Intermezzo Menuett Scherzo",
}


def german(message: Message) -> str:
    context = copy_context()
    context.run(language.speak, "de")
    return context.run(language.tell, message)


@pytest.fixture(scope="module")
def named() -> list[str]:
    """Name many pieces of each model in German."""
    said = []
    for model in ("chorales", "fiddle", "classic"):
        trained = read_notes(ROOT / "models" / model / "notes.txt")
        for piece in trained.pieces[:300]:
            score = from_text(piece.text, trained.anchor, trained.unit, piece.metre)
            said.append(german(titles.title(score, dances.paced(score, 120))))
    return said


def test_adjectives_agree_with_their_nouns(named: list[str]) -> None:
    found = set()
    for title in named:
        if match := re.match(r"(\w+?)(er|es|e) (Slip Jig|\w+) in ", title):
            found.add(match[2])
            assert match[3].split()[-1] in NOUNS[match[2]].split(), title
    assert found == {"er", "e", "es"}


def test_nothing_in_them_stays_english(named: list[str]) -> None:
    assert not [title for title in named if re.search(r"\b(the|at|by|major|minor|Chorale|Waltz|March)\b|[{}]", title)]
    assert all(re.search(r" in ([A-H]|[A-H]is|[EA]s|Des)-Dur$| in [a-h](is|s)?-Moll$", title) for title in named)


def test_compounds_are_one_word_or_hyphenated(named: list[str]) -> None:
    assert not [title for title in named if re.search(r"- |-[a-zäöü]", title)]
    assert any(title.startswith("Abendchoral in ") for title in named)
    assert any(re.match(r"\w+-Jig in ", title) for title in named)


def test_what_is_hardly_there_is_german_too() -> None:
    assert [german(titles.title(from_text(text, "lowest", Fraction(1)))) for text in ("r4", "60r1", "60-4-7r1")] == [
        "Stille",
        "Ein einzelner Ton",
        "Ein einzelner Akkord",
    ]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Evening Chorale in F", "evening-chorale-in-f"),
        ("Miller's Jig in F♯ minor", "miller-s-jig-in-f-sharp-minor"),
        ("Düsteres Präludium in B♭", "duesteres-praeludium-in-b-flat"),
        ("Straßenlied", "strassenlied"),
        ("…", "piece"),
    ],
)
def test_a_title_makes_a_name_that_every_system_takes(title: str, name: str) -> None:
    assert stem(title) == name
