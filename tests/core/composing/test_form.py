"""Form: found in pieces, asked for, and drawn as pieces have it."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from core.composing import form
from core.composing.form import Habits
from core.errors import BundleError, RequestError
from core.model.told import Section
from core.music import score
from core.music.metre import COMMON, Metre
from core.music.score import Score

A = "60r162r164r160r167r165r164r162r1" * 2
B = "72r171r169r167r165r164r162r160r1" * 2
C = "55r157r160r162r164r160r155r157r1" * 2


def piece(text: str) -> Score:
    return score.from_text(text, "lowest", Fraction(1, 2))


def test_repeats_are_found_with_their_pickup() -> None:
    assert form.plan(piece("r4r2" + A + A + B + B)) == (
        Section(6, 22, "stated"),
        Section(22, 38, "repeated", 6),
        Section(38, 54, "stated"),
        Section(54, 70, "repeated", 38),
    )


def test_what_returns_after_something_else_is_found() -> None:
    one, two = A + C, B + "64r4r467r4r4"
    assert form.plan(piece(one + two + one)) == (Section(0, 64, "new"), Section(64, 96, "returning", 0))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("AABB", ["stated", "repeated", "stated", "repeated"]),
        ("AABA", ["stated", "repeated", "new", "returning"]),
        ("ABAC", ["new", "returning", "new"]),
        ("through-composed", ["new"]),
    ],
)
def test_a_form_that_is_asked_for_fills_the_piece(name: str, kinds: list[str]) -> None:
    plan = form.planned(name, 6, 16, 8)
    assert [section.kind for section in plan] == kinds
    assert (plan[0].start, plan[-1].end) == (6, 134)
    assert all(one.end == other.start for one, other in pairwise(plan))


@pytest.mark.parametrize(("name", "bars"), [("A1", 8), ("", 8), ("AAB", 8), ("AABB", 6), ("sonata!", 8)])
def test_what_is_no_form_is_refused(name: str, bars: int) -> None:
    with pytest.raises(RequestError, match="form"):
        form.planned(name, 0, bars, 8)


def test_habits_are_drawn_as_often_as_pieces_have_them_and_kept_as_json() -> None:
    told = [form.read(piece(text)) for text in (A + A, A + A, A + A, B + C + "60r4r4")]
    habits = form.habits_of(told)
    assert form.habits(habits.as_json()) == habits
    chance = np.random.default_rng(1)
    bars = [shape.bars for _ in range(200) if (shape := form.draw(habits, chance, metre=COMMON)[1]) is not None]
    assert 0.6 < bars.count(4) / len(bars) < 0.9
    assert form.draw(habits, chance, metre=Metre(6, 8))[1] is None
    assert form.draw(Habits({}, {}), chance, metre=COMMON) == (None, None)


def test_phrases_are_known_where_no_end_is_missing_and_last_as_long_as_the_piece() -> None:
    whole = piece("r4r2" + A + A + B + B)
    assert form.read(whole, (22, 38, 54)).phrases == (22, 38, 54, 70)
    assert form.read(whole, (22, 38, 54, 68)).phrases == (22, 38, 54, 70)
    assert form.read(whole).phrases == ()
    assert form.read(piece(A * 10), (8,)).phrases == ()  # nine bars and more without an end


def test_phrases_are_laid_out_as_pieces_have_them_and_those_of_a_repeat_are_its_sources() -> None:
    told = form.read(piece("r4r2" + A + A + B + B), (14, 22, 30, 38, 54))
    habits = form.habits_of([told])
    assert form.habits(habits.as_json()) == habits
    (shape,) = habits.shapes
    chance = np.random.default_rng(1)
    assert form.phrases(habits, chance, COMMON, told.plan, shape) == (14, 22, 30, 38, 54, 70)
    longer = form.planned("AABA", 6, 16, 8)
    ends = form.phrases(habits, chance, COMMON, longer)
    first = [end for end in ends if end <= 38]
    assert ends == (
        *first,
        *(end + 32 for end in first),
        *(end for end in ends if 70 < end <= 102),
        *(end + 96 for end in first),
    )
    assert ends[-1] == 134
    assert form.phrases(habits, chance, COMMON, form.planned("AABA", 0, 16, 8)) == ()  # none begins with the bar
    assert form.phrases(habits, chance, Metre(6, 8), longer) == ()


def test_damaged_habits_are_named() -> None:
    with pytest.raises(BundleError, match="The habits"):
        form.habits({"shapes": {"4/4": 3}})


def test_a_length_that_only_longer_pieces_have_is_laid_out_as_their_openings() -> None:
    long = form.shape("4/4 2: 4 stated, 4 repeated 0, 8 new, 8 stated, 8 repeated 16, 12 new")
    habits = Habits({}, {long: 3})
    chance = np.random.default_rng(1)
    openings = {bars: form.draw(habits, chance, metre=COMMON, bars=bars)[1] for bars in (6, 12, 20, 44, 60)}
    assert {bars: str(shape) for bars, shape in openings.items()} == {
        6: "4/4 2: 4 stated, 2 repeated 0",
        12: "4/4 2: 4 stated, 4 repeated 0, 4 new",
        20: "4/4 2: 4 stated, 4 repeated 0, 8 new, 4 new",
        44: str(long),
        60: "None",
    }


def test_one_piece_of_a_length_does_not_stand_for_all_that_are_longer() -> None:
    alone, longer = form.shape("4/4 0: 16 new"), form.shape("4/4 0: 4 stated, 4 repeated 0, 32 new")
    chance = np.random.default_rng(1)

    def drawn(count: int) -> set[str]:
        habits = Habits({}, {alone: count, longer: 8})
        return {str(form.draw(habits, chance, metre=COMMON, bars=16)[1]) for _ in range(30)}

    assert drawn(1) == {"4/4 0: 16 new", "4/4 0: 4 stated, 4 repeated 0, 8 new"}
    assert drawn(form.FEW) == {"4/4 0: 16 new"}
