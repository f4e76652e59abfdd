"""Repetition: what comes back, and what does not."""

import math
from fractions import Fraction

import numpy as np
import pytest

from core.music import repetition, score
from core.music.score import Event, Score

QUARTERS = Fraction(1)
A, B, C, D = "60r162r164r165r1", "67r265r164r1", "62r171r169r172r1", "59r157r155r260r0".replace("60r0", "")


def piece(text: str) -> Score:
    return score.from_text(text, "lowest", QUARTERS)


def walk(seed: int, bars: int) -> list[tuple[int, ...]]:
    return [(int(pitch),) for pitch in np.random.default_rng(seed).integers(55, 80, 4 * bars)]


def of(pitches: list[tuple[int, ...]]) -> Score:
    return Score(tuple(Event(place, chord) for place, chord in enumerate(pitches)), len(pitches), QUARTERS)


def test_a_bar_returns_if_it_is_an_earlier_one_note_for_note() -> None:
    assert repetition.returning_bars(piece(A + B + A + C)) == 0.25
    assert repetition.returning_bars(piece(A + "r4" + "r4" + B)) == 0  # silence is no theme
    assert math.isnan(repetition.returning_bars(piece("r4")))


def test_a_section_returns_with_another_ending() -> None:
    assert repetition.returns(piece(A + B + C + A + A + B + C + B), 4) == 1
    assert repetition.returns(piece(A + B + C + A + B + C + B + C), 4) == 0
    assert math.isnan(repetition.returns(piece(A + B), 4))


def test_a_motif_returns_in_any_key_and_rhythm() -> None:
    motif = [60, 62, 64, 60, 67, 65, 64]
    other = [71, 69, 72, 74]
    back = of([(p,) for p in motif + other + [p + 5 for p in motif]])
    assert repetition.motif_returns(back, 7) == 1
    assert repetition.motif_returns(of([(p,) for p in motif + other + motif[::-1]]), 7) == 0
    assert math.isnan(repetition.motif_returns(of([(60,)] * 5), 3))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_repeated_is_fitter_than_what_is_not(seed: int) -> None:
    eight = walk(seed, 8)
    short, middle, long = repetition.structure(of(eight + eight))
    alone = repetition.structure(of(eight + walk(seed + 100, 8)))
    assert long > alone[2] + 0.2
    assert middle > alone[1]
    assert 0 <= short <= 1


def test_a_piece_of_two_equal_halves_covers_itself() -> None:
    """A path family of two halves has fitness 2/3 by the paper: half of the score and half of the rows count."""
    half = walk(1, 8)
    assert repetition.structure(of(half + half))[2] == pytest.approx(0.5, abs=0.05)


def test_a_piece_that_is_too_short_has_no_structure() -> None:
    assert all(math.isnan(value) for value in repetition.structure(of(walk(1, 0))))
