"""What a new model composes with by default: gravity and top-p as they suit real pieces, in the time there is."""

from itertools import count

import numpy as np
import pytest

from core.evaluation import defaults
from core.evaluation.defaults import TOP_PS, Audition, Defaults, choose, choose_gravity, choose_top_p
from core.evaluation.parsed import Parsed
from core.model.bundle import Bundle, Params
from core.music import notation

WHITE = {0, 2, 4, 5, 7, 9, 11}
SCALE = [Parsed(notation.parse("60r162r164r165r167r169r171r1" * 3))]
CHROMATIC = [Parsed(notation.parse("60r173r162r163r176r165r166r161r1" * 8))]


def model(*, white: float = 0.0, black: float = 0.0) -> Bundle:
    """Make a model that draws notes blindly, by what it adds to the logits of white keys and of black ones."""
    params = Params(rest_unit="1/2", units=4, layers=1)
    weights = {name: np.zeros(shape, np.float32) for name, shape in params.shapes.items()}
    bias = weights["output/bias"]
    for pitch in range(128):
        bias[notation.note(pitch)] = white if pitch % 12 in WHITE else black
    bias[notation.INTERVALS.start : notation.INTERVALS.stop], bias[notation.BOUNDARY] = -20.0, -20.0
    return Bundle("made-up", params, weights, "1")


def audition(bundle: Bundle, real: list[Parsed], most: int | None = None) -> Audition:
    """Let a model audition beside real pieces for so many rounds."""
    rounds = count()
    return Audition(bundle, real, over=lambda: most is not None and next(rounds) >= most)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defaults, "BARS", 2)
    monkeypatch.setattr(defaults, "COMPARED", ("scale_consistency",))


def test_the_least_gravity_that_keeps_to_the_key_is_chosen() -> None:
    gravity, finished = choose_gravity(audition(model(), SCALE), rounds=1)
    assert gravity > 0
    assert finished
    assert choose_gravity(audition(model(black=-20), SCALE), rounds=1) == (0.0, True)


def test_unlikely_tokens_are_left_out_where_they_are_accidents_alone() -> None:
    tail = model(white=3, black=0.5)
    assert choose_top_p(audition(tail, SCALE), 0.0, rounds=2) < (1.0, True)
    assert choose_top_p(audition(tail, CHROMATIC), 0.0, rounds=2) == (1.0, True)


def test_what_was_measured_until_it_is_over_decides() -> None:
    astray, tail = model(), model(white=3, black=0.5)
    assert choose(astray, SCALE, over=lambda: True) == Defaults(gravity=0.0, top_p=1.0, finished=False)
    assert choose_gravity(audition(astray, SCALE, most=2), rounds=1) == (0.4, False)
    assert choose_top_p(audition(tail, SCALE, most=2 * len(TOP_PS) - 1), 0.0, rounds=3) == (1.0, False)
    assert choose_top_p(audition(tail, SCALE, most=2 * len(TOP_PS)), 0.0, rounds=3) < (1.0, False)
