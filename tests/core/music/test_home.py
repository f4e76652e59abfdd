"""Home: windows, signatures and the way back."""

import math
from fractions import Fraction

import pytest

from core.music import home
from core.music.score import Event, Score

QUARTERS = Fraction(1)
TONICS = {"C": 60, "E": 64, "G": 67}


def piece(keys: str) -> Score:
    """Write four bars of scales in each key."""
    scale = (0, 2, 4, 5, 7, 9, 11, 12)
    pitches = [TONICS[key] + step for key in keys for steps in (scale, scale[::-1]) for step in steps]
    return Score(tuple(Event(place, (pitch,)) for place, pitch in enumerate(pitches)), len(pitches), QUARTERS)


@pytest.mark.parametrize(
    ("key", "sharps"),
    [("C major", 0), ("A minor", 0), ("E minor", 1), ("B♭ major", -2), ("F♯ major", 6), ("C minor", -3)],
)
def test_a_minor_key_has_its_relative_majors_signature(key: str, sharps: int) -> None:
    assert home.signature(key) == sharps


def test_a_piece_that_stays_is_at_home_throughout() -> None:
    stays = piece("CCC")
    assert (home.windows_at_home(stays), home.returns_home(stays), home.remote(stays)) == (1, 1, 0)


def test_a_piece_that_leaves_and_returns_is_away_in_between() -> None:
    there_and_back = piece("CEC")
    assert home.windows_at_home(there_and_back) < 1
    assert home.returns_home(there_and_back) == 1
    assert home.returns_home(piece("CEE")) == 0


def test_home_can_be_told() -> None:
    assert home.windows_at_home(piece("GGG"), "G major") == 1
    assert home.windows_at_home(piece("GGG"), "E minor") == 1
    assert home.windows_at_home(piece("GGG"), "C major") == 0


def test_four_accidentals_are_remote() -> None:
    assert home.remote(piece("EEEE")) == 1


def test_what_follows_an_opening_is_in_its_key_or_not() -> None:
    assert home.keeps(piece("CC"), "C major") == 1
    assert home.keeps(piece("CC"), "A minor") == 1
    assert home.keeps(piece("CE"), "C major") == 0
    assert math.isnan(home.keeps(piece("C"), "C major"))
