"""What a model's music is like, in a sentence."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from core.composing import style
from core.composing.critic import critic_of
from core.composing.form import Habits, habits_of, read
from core.music import score
from core.music.score import Score

MODELS = Path("models")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            "fiddle",
            "Short dance tunes in 4/4 and 6/8, mostly in G major and D major, which like to repeat their first part.",
        ),
        ("chorales", "Short pieces in four voices in 4/4, in many keys, which like to repeat their first part."),
    ],
)
def test_it_says_what_the_models_that_ship_write(model: str, said: str) -> None:
    habits = json.loads((MODELS / model / "params.json").read_text())["habits"]
    assert str(style.sentence(habits)) == said


def _said(*texts: str) -> str:
    pieces: list[Score] = [score.from_text(text, "lowest", Fraction(1, 4)) for text in texts]
    known: Habits = habits_of(map(read, pieces))
    return str(style.sentence({**known.as_json(), **critic_of(pieces).as_json()}))


def test_it_says_how_pieces_come_back_to_what_they_have_said() -> None:
    scale = "60r262r264r265r267r269r271r272r2"
    fall = "72r271r269r267r265r264r262r260r2"
    leaps = "60r464r467r472r4"
    new = "".join(f"{60 + degree}r4" for degree in (0, 4, 7, 5, 9, 12, 11, 7, 2, 5, 4, 0))
    assert _said(2 * (scale + fall) + leaps).endswith("which like to repeat their first part.")
    assert _said(new) == "Short tunes in 4/4, mostly in C major, which seldom say a thing twice."
    assert _said(*(4 * chord for chord in ("60-4-7-12-16r4", "65-4-7-12-16r4"))).startswith(
        "Short pieces in full chords"
    )


def test_of_a_model_that_does_not_know_it_says_nothing() -> None:
    assert style.sentence({}) is None
