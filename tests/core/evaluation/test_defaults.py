"""What a new model composes with by default: gravity and top-p as they suit real pieces, in the time there is."""

import numpy as np
import pytest

from core.evaluation import defaults
from core.evaluation.defaults import LEAST_ROUNDS, TOP_PS, Defaults, choose, choose_gravity, choose_top_p
from core.evaluation.parsed import Parsed
from core.model.bundle import Bundle, Params
from core.music import notation

WHITE = {0, 2, 4, 5, 7, 9, 11}
SCALE = [Parsed(notation.parse("60r162r164r165r167r169r171r1" * 3))]
TUNE = [Parsed(notation.parse("60r164r167r165r162r165r169r171r1" * 8))]
CHROMATIC = [Parsed(notation.parse("60r173r162r163r176r165r166r161r1" * 8))]


def model(*, white: float = 0.0, black: float = 0.0, boundary: float = -20.0, chords: float = -20.0) -> Bundle:
    """Make a model that draws notes blindly, by what it adds to the logits of white keys and of black ones."""
    params = Params(rest_unit="1/2", units=4, layers=1, hears=False)
    weights = {name: np.zeros(shape, np.float32) for name, shape in params.shapes.items()}
    bias = weights["output/bias"]
    for pitch in range(128):
        bias[notation.note(pitch)] = white if pitch % 12 in WHITE else black
    bias[notation.INTERVALS.start : notation.INTERVALS.stop], bias[notation.BOUNDARY] = chords, boundary
    return Bundle("made-up", params, weights, "1")


def test_the_least_gravity_that_keeps_to_the_key_is_chosen() -> None:
    assert choose_gravity(model(boundary=-2, chords=0), SCALE, samples=4) >= (0.5, True)
    assert choose_gravity(model(black=-20), SCALE, samples=4) == (0.0, True)


def test_unlikely_tokens_are_left_out_where_they_are_accidents_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defaults, "COMPARED", ("scale_consistency",))
    monkeypatch.setattr(defaults, "BARS", 4)
    blind = model(white=3, black=1)
    assert choose_top_p(blind, TUNE, rounds=1) < (1.0, True)
    assert choose_top_p(blind, CHROMATIC, rounds=1) == (1.0, True)


def test_what_was_measured_until_it_is_over_decides() -> None:
    looks = 0

    def over_after(most: int) -> bool:
        nonlocal looks
        looks += 1
        return looks > most

    astray = model(boundary=-2, chords=0)
    assert choose(astray, SCALE, over=lambda: over_after(0)) == Defaults(gravity=0.0, top_p=1.0, finished=False)
    assert looks <= 3
    looks = 0
    gravity, finished = choose_gravity(astray, SCALE, over=lambda: over_after(6), samples=4)
    assert (gravity > 0, finished) == (False, False)
    looks = 0
    tail = model(white=3, black=0)
    assert choose_top_p(tail, TUNE, over=lambda: over_after(LEAST_ROUNDS * len(TOP_PS) - 1)) == (1.0, False)
