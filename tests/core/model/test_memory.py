"""Memory: what each predictor names, and how long it has been right."""

from fractions import Fraction

import numpy as np
import pytest

from core.model import frames as columns
from core.model.bundle import Params
from core.model.frames import NAMED, RUN, Listener
from core.model.hearing import ID
from core.model.memory import LINE, NOTHING, PASSAGE, PLANNED, REPEATS, RHYTHM, SEQUENCE
from core.model.told import Section, Told
from core.music import notation

THEME = "60r162r164r160r167r165r164r162r1"  # a bar of eighths


def named(text: str, predictor: int, told: Told | None = None, **params: object) -> list[str]:
    """Return what a predictor names before each token, an empty text for nothing."""
    made = Params(rest_unit="1/2", **params)  # type: ignore[arg-type]
    frames = columns.listen(notation.parse(text, made.anchor), made, told)
    return ["" if token == NOTHING else notation.text([token]) for token in frames[:-1, NAMED][:, predictor].tolist()]


def tokens(text: str) -> list[str]:
    return [notation.text([token]) for token in notation.parse(text)]


@pytest.mark.parametrize("lag", ["1", "2"])
def test_a_bar_that_returns_is_named_token_by_token(lag: str) -> None:
    bars = int(lag)
    text = (THEME + "72r4r4" * (bars - 1)) * 2
    heard = named(text, REPEATS.index(Fraction(lag)))
    second = tokens(text)[len(tokens(text)) // 2 :]
    assert heard[-len(second) :] == second


def test_a_run_grows_while_the_predictor_is_right_and_ends_with_its_first_mistake() -> None:
    frames = columns.listen(notation.parse(THEME + "60r162r164r161r1"), Params(rest_unit="1/2"))
    runs = frames[:, RUN][:, REPEATS.index(Fraction(1))].tolist()
    assert runs[15:17] == [0, 1]  # nothing to repeat, and then something
    assert runs[17:23] == [2, 3, 3, 4, 4, 4]  # right 1, 2 … 6 times
    assert runs[23] == 1  # 61 instead of 60


def test_chords_are_named_in_the_order_in_which_they_are_written() -> None:
    text = "48-4-7-12r4r4" * 2
    assert named(text, REPEATS.index(Fraction(1)))[-6:] == ["48", "-4", "-7", "-12", "r4", "r4"]
    falling = "72-5-8-12r4r4" * 2
    assert named(falling, REPEATS.index(Fraction(1)), anchor="highest")[-6:-2] == [
        "72", "-5", "-8", "-12",
    ]  # fmt: skip


def test_a_sequence_is_the_same_steps_on_another_degree() -> None:
    text = "60r162r164r160r162r164r166r162r1"  # half a bar, and again a tone higher
    assert named(text, SEQUENCE[0])[-7:] == ["r1", "64", "r1", "66", "r1", "62", "r1"]


def test_the_rhythm_is_named_whatever_sounds() -> None:
    text = "60r362r165r4" + "71r370r171r4"
    assert [each for each in named(text, RHYTHM[0])[-5:] if each] == ["r3", "r1", "r4"]


def test_a_passage_is_followed_in_another_key() -> None:
    other = notation.text(notation.transpose(notation.parse(THEME), 5))
    heard = named(THEME + "72r4" + other, PASSAGE)
    assert heard[-7:] == tokens(other)[-7:]


def test_the_upper_line_is_followed_over_other_harmony() -> None:
    melody = [72, 74, 76, 77, 79, 72]
    alone = "".join(f"{pitch}r2" for pitch in melody)
    harmonised = "".join(
        f"{bass}-{pitch - bass}r2" for bass, pitch in zip([48, 53, 50, 48, 47, 45], melody, strict=True)
    )
    heard = named(alone + "60r4" + harmonised, LINE)
    assert heard[-2] == f"-{72 - 45}"


def test_the_plan_names_what_the_section_repeats() -> None:
    text = THEME * 3 + THEME
    plan = (Section(0, 24, "new"), Section(24, 32, "returning", 8))
    heard = named(text, PLANNED, Told(Fraction(1, 2), plan=plan))
    assert set(heard[: 3 * 16]) == {""}
    assert heard[3 * 16 :] == tokens(THEME)


def test_a_copy_goes_on_as_if_it_were_alone() -> None:
    params = Params(rest_unit="1/2")
    ids = notation.parse(THEME * 2 + "60-4-7r4" * 3)
    listener = Listener(params, Told(params.unit))
    heard = [listener.hear(token) for token in (notation.BOUNDARY, *ids[:20])]
    fork = listener.copy()
    for token in notation.parse("72r174r1"):
        fork.hear(token)
    heard += [listener.hear(token) for token in ids[20:]]
    assert np.array_equal(np.array(heard), columns.listen(ids, params))
    assert heard[-1][ID] == ids[-1]
