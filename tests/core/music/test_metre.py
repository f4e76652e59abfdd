"""Metres: their bars, beats and strong places."""

from fractions import Fraction

import pytest

from core.errors import RequestError
from core.music.metre import COMMON, Metre, parse_metre


@pytest.mark.parametrize(
    ("signature", "bar", "beats", "beat", "strong"),
    [
        ("4/4", 4, 4, "1", [0, 2]),
        ("3/4", 3, 3, "1", [0]),
        ("3/2", 6, 3, "2", [0]),
        ("6/8", 3, 2, "3/2", [0, "3/2"]),
        ("9/8", "9/2", 3, "3/2", [0]),
        ("12/8", 6, 4, "3/2", [0, 3]),
        ("3/8", "3/2", 1, "3/2", [0]),
        ("6/4", 6, 2, "3", [0, 3]),
        ("5/4", 5, 5, "1", [0]),
    ],
)
def test_a_metre_knows_its_bar_and_beats(
    signature: str, bar: int | str, beats: int, beat: str, strong: list[int | str]
) -> None:
    metre = parse_metre(signature)
    assert str(metre) == signature
    assert (metre.bar, metre.beats, metre.beat) == (Fraction(bar), beats, Fraction(beat))
    assert metre.strong == tuple(map(Fraction, strong))


@pytest.mark.parametrize("signature", ["2/4", "2/2", "4/2", "4/8", "4/4", "2/8"])
def test_what_is_simply_in_two_or_four_counts_bars_of_four_quarters(signature: str) -> None:
    assert parse_metre(signature).counted == COMMON
    assert parse_metre("6/8").counted == Metre(6, 8)


def test_pulses_go_from_bars_to_the_parts_of_beats() -> None:
    assert list(map(float, COMMON.pulses)) == [4, 2, 1, 0.5]
    assert list(map(float, Metre(6, 8).pulses)) == [3, 1.5, 1.5, 0.5]
    assert list(map(float, Metre(3, 4).pulses)) == [3, 3, 1, 0.5]


def test_a_bar_is_a_whole_number_of_units() -> None:
    assert Metre(9, 8).units(Fraction(1, 4)) == 18
    assert not Metre(9, 8).fits(Fraction(1))
    with pytest.raises(RequestError, match=r"A bar of 9/8 is not a whole number of rest units of 1\. Choose a finer"):
        Metre(9, 8).units(Fraction(1))


@pytest.mark.parametrize("signature", ["", "6", "0/4", "4/0", "4/5", "13/8", "9/4", "3/32", "1/4", "2+3/8", "x/y"])
def test_what_cannot_be_counted_is_no_metre(signature: str) -> None:
    with pytest.raises(RequestError, match="is not a metre that can be counted"):
        parse_metre(signature)
