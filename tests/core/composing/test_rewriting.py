"""Rewriting: only the bars that are meant change, and they are chosen by what follows."""

from fractions import Fraction
from pathlib import Path

import pytest

from core.composing import rewriting
from core.composing.sampling import Options
from core.errors import RequestError
from core.model import bundle
from core.model.stepping import Stepper
from core.music import bars, score
from core.music.bars import Bars
from core.music.notation import Anchor
from core.music.score import Score
from tests.core.composing.test_sampling import random_stepper

PICKUP = (
    "r360r1" + "".join(f"{pitch}r2" for pitch in (62, 64, 65, 67, 69, 71, 72, 74, 72, 71, 69, 67, 65, 62, 64)) + "65r3"
)


def piece(text: str, unit: str = "1/2", anchor: Anchor = "lowest") -> Score:
    return score.from_text(text, anchor, Fraction(unit))


def outside(whole: Score, start: int, end: int) -> list[tuple[int, tuple[int, ...]]]:
    return [(event.onset, event.pitches) for event in whole.events if not start <= event.onset < end]


@pytest.mark.parametrize("anchor", ["lowest", "highest"])
@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("what", [Bars(0, 1), Bars(2, 3), Bars(2, 2), Bars(4, 4), Bars(0, 4)])
def test_what_stands_outside_stays_and_what_is_inside_is_new(anchor: Anchor, remembers: bool, what: Bars) -> None:
    whole = piece(PICKUP)
    start, end = bars.place(whole, what)
    takes = rewriting.rewrite(random_stepper(anchor, remembers=remembers), whole, what, Options(seed=2, takes=2), 1)
    assert len({take.piece for take in takes}) == len(takes) >= 1
    for take in takes:
        assert outside(take.piece, start, end) == outside(whole, start, end)
        assert take.piece.events != whole.events
        assert take.piece.length == whole.length
        assert score.from_text(score.to_text(take.piece, anchor), anchor, Fraction(1, 2)) == take.piece


def test_the_same_request_gives_the_same_bars() -> None:
    whole, stepper = piece(PICKUP), random_stepper()
    first, again, other = (rewriting.rewrite(stepper, whole, Bars(2, 3), Options(seed=n), 2) for n in (1, 1, 2))
    assert first == again != other


def test_bars_that_are_repeated_note_for_note_are_rewritten_alike() -> None:
    section = "60r264r267r265r262r265r264r260r2"
    whole = piece(section * 2 + "67r272r267r264r2" + section)
    [take] = rewriting.rewrite(random_stepper(), whole, Bars(3, 4), Options(seed=1), 1)
    text = score.to_text(take.piece, "lowest")
    first, second = (piece(text).events[at : at + 1] for at in (0, 1))
    assert first != second
    heard = [
        [(event.onset - at, event.pitches) for event in take.piece.events if at <= event.onset < at + 16]
        for at in (0, 16, 40)
    ]
    assert heard[0] == heard[1] == heard[2]
    assert rewriting.is_repeated(whole, Bars(1, 2))
    assert not rewriting.is_repeated(whole, Bars(5, 5))


@pytest.fixture(scope="module")
def chorales() -> Stepper:
    return Stepper(bundle.load(Path("models/chorales")))


def test_more_effort_finds_what_fits_better_to_what_follows(chorales: Stepper) -> None:
    hymn = "67-3-7-24r267-3-7-19r266-4-9-16r264-5-9-16r262-3-7-15r267-5-8-20r269-3-7-15r271-4-9-16r4"
    whole = score.from_text(hymn * 2, "highest", Fraction(1, 2))
    [single] = rewriting.rewrite(chorales, whole, Bars(2, 2), Options(seed=1), 1, candidates=1)
    [best] = rewriting.rewrite(chorales, whole, Bars(2, 2), Options(seed=1), 4)
    assert best.nats < single.nats
    assert best.nats < 2 * rewriting.cost(chorales, whole, Bars(2, 2))


def test_bars_that_a_piece_does_not_have_are_refused() -> None:
    with pytest.raises(RequestError, match="bars 7-9 are not all among them"):
        rewriting.rewrite(random_stepper(), piece(PICKUP), Bars(7, 9), Options(), 1)
