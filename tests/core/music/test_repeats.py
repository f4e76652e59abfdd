"""Repeat signs where music comes again to the note."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from core.music import repeats, score
from core.music.repeats import Passage, passages, played
from core.music.score import Event, Score

QUARTERS = Fraction(1)
A = "60r162r164r165r1" + "67r165r164r162r1" * 2
B = "72r171r169r167r1" + "65r164r162r160r1" * 3


def of(text: str) -> Score:
    return score.from_text(text, "lowest", QUARTERS)


def test_a_section_that_comes_twice_is_written_once() -> None:
    section = A + "60r4"
    assert passages(of(section * 2 + B * 2)) == (
        Passage(0, 16, opens=True, closes=True),
        Passage(32, 48, opens=True, closes=True),
    )


def test_other_last_bars_are_endings() -> None:
    assert passages(of(A + "67r4" + A + "60r4")) == (
        Passage(0, 12, opens=True),
        Passage(12, 16, closes=True, ending=1),
        Passage(28, 32, ending=2),
    )


def test_a_pickup_is_repeated_with_its_section() -> None:
    section = "55r1" + A + "60r3"
    assert passages(of("r3" + section * 2)) == (Passage(3, 19, opens=True, closes=True),)


def test_a_pickup_that_is_not_repeated_stands_before_the_sign() -> None:
    piece = of("r355r1" + (A + "60r4") * 2)
    assert passages(piece) == (Passage(3, 4), Passage(4, 20, opens=True, closes=True))


def test_what_nearly_repeats_is_written_out() -> None:
    other = A.replace("60r162", "61r162")
    assert passages(of(A + "60r4" + other + "60r4")) == (Passage(0, 32),)


def test_no_section_begins_in_the_middle_of_a_phrase() -> None:
    again = B[len("72r171r169r167r1") :] + "59r4"
    odd = "48r4" + again * 2 + "50r4"
    assert passages(of(odd)) == (Passage(0, 40),)
    assert passages(of("48r4" * 4 + again * 2)) == (Passage(0, 16), Passage(16, 32, opens=True, closes=True))


bars = st.lists(st.sampled_from(["60r162r164r165r1", "67r4", "60r264r2", "72r172r172r1r1"]), min_size=4, max_size=5)


@given(bars, bars, st.sampled_from(["", "r355r1", "r272r172r1"]), st.sampled_from(["aab", "aabb", "abab", "baa"]))
def test_played_in_order_the_passages_are_the_piece(one: list[str], two: list[str], pickup: str, form: str) -> None:
    piece = of(pickup + "".join("".join({"a": one, "b": two}[letter]) for letter in form))
    found = passages(piece)
    heard, now = [], repeats.beginning(piece)
    for passage in played(found):
        heard += [
            Event(event.onset - passage.start + now, event.pitches)
            for event in piece.events
            if passage.start <= event.onset < passage.end
        ]
        now += passage.end - passage.start
    assert tuple(heard) == piece.events
    assert now == repeats.ending(piece)
