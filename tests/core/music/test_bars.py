"""Bars by their numbers: what a musician writes, and where they stand."""

from fractions import Fraction

import pytest

from core.errors import RequestError
from core.music import bars, score
from core.music.bars import Bars


@pytest.mark.parametrize(
    ("text", "meant"),
    [("5-8", (5, 8)), (" 5 – 8 ", (5, 8)), ("3", (3, 3)), ("8-5", (5, 8)), ("0", (0, 0)), ("5 bis 6", (5, 6))],
)
def test_bars_are_read_as_musicians_write_them(text: str, meant: tuple[int, int]) -> None:
    assert bars.parse(text) == Bars(*meant)


@pytest.mark.parametrize("text", ["", "all", "5-", "-3", "1-2-3", "99999"])
def test_what_names_no_bars_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="names no bars"):
        bars.parse(text)


def test_a_pickup_is_bar_0_and_the_last_bar_may_be_short() -> None:
    whole = score.from_text("60r4" * 4, "lowest", Fraction(1))
    assert bars.place(whole, Bars(2, 3)) == (4, 12)
    begun = score.from_text("r360r1" + "62r4" * 3 + "64r3", "lowest", Fraction(1))
    assert bars.place(begun, Bars(0, 1)) == (0, 8)
    assert bars.place(begun, Bars(4, 4)) == (16, 19)
    rested = score.from_text("r160r3" + "62r4" * 3, "lowest", Fraction(1))
    assert bars.place(rested, Bars(1, 1)) == (0, 4)  # which begins with a rest, as its sheet has it
    with pytest.raises(RequestError, match="has bars 0 to 4; bars 5-6"):
        bars.place(begun, Bars(5, 6))
    with pytest.raises(RequestError, match="has bars 1 to 4; bars 0-2"):
        bars.place(whole, Bars(0, 2))
