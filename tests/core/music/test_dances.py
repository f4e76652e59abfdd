"""Which dance a tune is for, and how fast it is played."""

from fractions import Fraction

import pytest

from core.music import dances, score
from core.music.metre import COMMON, Metre
from core.music.score import Score

EIGHTHS, SIXTEENTHS = Fraction(1, 2), Fraction(1, 4)
BAR = "67r169r171r172r174r172r171r169r1"


def tune(text: str, metre: Metre = COMMON, unit: Fraction = EIGHTHS) -> Score:
    return score.from_text(text, "lowest", unit, metre)


@pytest.mark.parametrize(
    ("piece", "dance"),
    [
        (tune(BAR * 8), "reel"),
        (tune(BAR * 7 + "67r267r267r4"), "hornpipe"),
        (tune(BAR * 7 + "67r267r267r4", unit=SIXTEENTHS), "hornpipe"),
        (tune("67r169r171r172r174r172r1" * 8, Metre(6, 8)), "jig"),
        (tune("67r169r171r172r174r172r171r169r167r1" * 8, Metre(9, 8)), "slip jig"),
        (tune("67r269r271r2" * 8, Metre(3, 4)), "waltz"),
        (tune("67r269r271r174r1" * 8, Metre(3, 2)), "triple hornpipe"),
        (tune("67r469r471r4" * 8, Metre(3, 4)), None),
        (tune("60-4-7r264-3-7r2" * 16), None),
    ],
)
def test_metre_and_rhythm_tell_the_dance(piece: Score, dance: str | None) -> None:
    assert dances.dance(piece) == dance


def test_what_is_written_dotted_is_known() -> None:
    assert dances.is_dotted(tune("67r369r171r372r1" * 8, unit=SIXTEENTHS))
    assert not dances.is_dotted(tune(BAR * 8))


@pytest.mark.parametrize(
    ("piece", "tempo"),
    [
        (tune(BAR * 8), 180),
        (tune(BAR * 8, unit=SIXTEENTHS), 120),
        (tune(BAR * 7 + "67r267r267r4"), 153),
        (tune("67r269r271r2" * 8, Metre(3, 4)), 135),
        (tune("67r469r471r4" * 8, Metre(3, 4)), 180),
        (Score((), 0, EIGHTHS), 180),
    ],
)
def test_a_tune_goes_as_it_is_danced_and_no_faster_than_it_can_be_played(piece: Score, tempo: float) -> None:
    assert dances.paced(piece, 180) == tempo
