"""Expression: each rule does what was measured, alone, and as much as is asked for."""

from fractions import Fraction

import numpy as np
import pytest

from core.music import score
from core.music.metre import Metre
from core.music.parts import PartScore, in_parts
from core.performing import expression
from core.performing.expression import RULES, Interpretation, interpret

EIGHTHS = Fraction(1, 2)
SONG = score.from_text("60-7r264-7r267-4r265-7r264-7r262-7r260-7r4r2" * 4, "lowest", EIGHTHS)
HORNPIPE = score.from_text("67r169r171r172r174r172r171r169r1" * 7 + "67r267r267r4", "lowest", EIGHTHS)
REEL = score.from_text("67r169r171r172r174r172r171r169r1" * 7 + "67r171r174r171r167r4", "lowest", EIGHTHS)
JIG = score.from_text("67r169r171r172r174r172r1" * 8 + "67r3", "lowest", EIGHTHS, Metre(6, 8))


def read(piece: score.Score, rule: str, strength: float = 1.0) -> Interpretation:
    return interpret(piece, 100, strength, [rule])


def beats(reading: Interpretation) -> np.ndarray:
    """Return how long units last, 1 where they last as long as usual."""
    return np.asarray(reading.pace / np.median(reading.pace))


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_does_anything_where_nothing_is_asked(rule: str) -> None:
    reading = read(SONG, rule, 0.0)
    assert np.ptp(reading.pace) == 0
    assert np.ptp(reading.levels) == 0


def test_a_phrase_is_slowest_and_softest_at_its_end() -> None:
    reading = read(SONG, "phrase arch")
    assert [(phrase.start, phrase.end) for phrase in reading.phrases] == [(18 * n, 18 * n + 18) for n in range(4)]
    first = slice(0, 18)
    pace, levels = reading.pace[first], reading.levels[first]
    assert pace.argmin() == levels.argmax() == 4
    assert pace[-1] / pace.min() == pytest.approx(1 + expression.ARCH_END, abs=0.01)
    assert pace[0] / pace.min() == pytest.approx(1 + expression.ARCH_START, abs=0.01)
    assert levels.max() - levels[-1] == pytest.approx(expression.ARCH_LEVEL, rel=0.01)


def test_the_end_comes_to_a_stop_as_a_runner_does() -> None:
    reading = read(SONG, "final ritard")
    last = SONG.events[-1].onset
    units = round(expression.RITARD_TIME / 300)
    tempo = 1 / beats(reading)[last - units : last]
    x = (np.arange(units) + 0.5) / units
    assert tempo == pytest.approx((1 + (0.25**3 - 1) * x) ** (1 / 3))
    assert beats(reading)[: last - units] == pytest.approx(1)


def test_cadences_are_held_and_breathed_after() -> None:
    reading = read(SONG, "cadences")
    held = reading.milliseconds(12, 18) - 6 * 1000 * float(np.median(reading.pace))
    assert held == pytest.approx(expression.CADENCE_HELD, rel=0.05)


def test_a_fermata_is_held() -> None:
    lines = [[(67, 0, 4), (65, 4, 8), (64, 8, 12)], [(60, 0, 12)]]
    piece = PartScore(in_parts(lines, ("A", "B")), 12, EIGHTHS, fermatas=(4,))
    reading = interpret(piece, 100, rules=["fermatas"])
    assert reading.milliseconds(4, 8) == pytest.approx(1.5 * reading.milliseconds(0, 4))


def test_short_notes_are_shorter_and_softer() -> None:
    piece = score.from_text("60r162r164r4" * 8, "lowest", Fraction(1, 4))
    reading = interpret(piece, 75, rules=["duration contrast"])
    assert reading.pace[0] < reading.pace[2]
    assert reading.levels[0] == pytest.approx(-16.5 * expression.CONTRAST_LEVEL * expression.DANCING, rel=0.2)
    assert reading.levels[2] == 0


def test_before_a_rising_leap_it_hurries_and_before_a_falling_one_it_waits() -> None:
    piece = score.from_text("60-12r272-4r260-12r2" * 4, "lowest", EIGHTHS)
    up = score.from_text("60-3r260-15r4", "lowest", EIGHTHS)
    assert beats(read(piece, "leaps")).max() > 1
    pace = read(up, "leaps").pace
    assert pace[0] < pace[2]


@pytest.mark.parametrize(
    ("piece", "shares"),
    [(HORNPIPE, [1.2, 0.8]), (REEL, [1.0, 1.0]), (JIG, [1.14, 0.86, 1.0]), (SONG, [1.0, 1.0])],
)
def test_hornpipes_swing_jigs_lilt_and_reels_are_straight(piece: score.Score, shares: list[float]) -> None:
    pace = read(piece, "swing").pace[: 6 * len(shares)]
    assert pace / pace.mean() == pytest.approx(np.tile(shares, 6), abs=0.001)


def test_the_higher_the_louder() -> None:
    reading = read(SONG, "high loud")
    octave = reading.level(0, 72, 60, leads=False) - reading.level(0, 60, 60, leads=False)
    assert octave == pytest.approx(3.0)


def test_dancers_can_keep_their_step() -> None:
    song, dance = (interpret(piece, 100, rules=["phrase arch"]).pace for piece in (SONG, REEL))
    assert np.ptp(dance) / dance.mean() < 0.3 * np.ptp(song) / song.mean()


@pytest.mark.parametrize("piece", [SONG, REEL, HORNPIPE, JIG])
def test_the_mean_tempo_is_what_was_asked_for(piece: score.Score) -> None:
    reading = interpret(piece, 100, rules=[rule for rule in RULES if rule != "final ritard"])
    last = piece.events[-1].onset
    assert reading.seconds(last) == pytest.approx(last * float(piece.unit) * 0.6)


def test_it_is_as_much_as_is_asked_for() -> None:
    half, whole, twice = (np.ptp(read(SONG, "phrase arch", strength).levels) for strength in (0.5, 1, 2))
    assert [half, whole, twice] == pytest.approx([1, 2, 4])
