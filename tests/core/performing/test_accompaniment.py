"""What is played to a tune: chords of its key, in a pattern by its metre, from its first bar to its last note."""

from fractions import Fraction

import pytest

from core.music import score
from core.music.metre import Metre
from core.music.score import Score
from core.performing.accompaniment import backing

EIGHTHS = Fraction(1, 2)
REEL = "67r167r171r174r179r174r171r167r169r166r162r166r169r172r171r169r1" * 4 + "67r8".replace("r8", "r4r4")
JIG = "67r171r174r179r174r171r169r166r162r166r169r172r1" * 4 + "67r4r2"


@pytest.fixture
def reel() -> Score:
    return score.from_text(REEL, "lowest", EIGHTHS)


def test_bass_and_chord_take_turns_on_the_beats_of_a_reel(reel: Score) -> None:
    bass, guitar = backing(reel, "basses"), backing(reel, "guitar")
    assert [struck.start % 4 for struck in bass[:-1]] == [0, 2] * 8
    assert [struck.start % 4 for struck in guitar[:-1]] == [1, 3] * 8
    assert bass[-1].start == guitar[-1].start == 32


def test_in_a_jig_the_bass_has_the_beat_and_the_chord_the_third_eighth() -> None:
    jig = score.from_text(JIG, "lowest", EIGHTHS, Metre(6, 8))
    assert [struck.start % 3 for struck in backing(jig, "basses")[:4]] == [0, Fraction(3, 2)] * 2
    assert [struck.start % 3 for struck in backing(jig, "guitar")[:4]] == [1, Fraction(5, 2)] * 2
    assert len(backing(jig, "bodhran")) == 49


def test_in_a_waltz_the_bass_has_the_bar_and_the_chords_the_rest() -> None:
    waltz = score.from_text("67r271r274r266r269r262r2" * 4 + "67r4r2", "lowest", EIGHTHS, Metre(3, 4))
    assert [struck.start % 3 for struck in backing(waltz, "basses")[:3]] == [0, 0, 0]
    assert [struck.start % 3 for struck in backing(waltz, "guitar")[:4]] == [1, 2, 1, 2]


def test_the_chords_are_the_tune_s(reel: Score) -> None:
    guitar = backing(reel, "guitar")
    assert {pitch % 12 for pitch in guitar[0].pitches} == {7, 11, 2}
    assert {pitch % 12 for pitch in guitar[2].pitches} >= {2, 6, 9}
    assert {pitch % 12 for pitch in backing(reel, "basses")[-1].pitches} == {7}


def test_a_pickup_has_no_accompaniment() -> None:
    piece = score.from_text("r4r262r164r1" + REEL, "lowest", EIGHTHS)
    assert min(struck.start for struck in backing(piece, "basses")) == 4


def test_there_is_nothing_to_play_to_silence() -> None:
    assert backing(Score((), 0, EIGHTHS), "guitar") == ()
