"""Chords that an accompanist would play."""

from fractions import Fraction
from itertools import pairwise

import pytest

from core.music import harmony, score
from core.music.metre import COMMON, Metre
from core.music.score import Score

EIGHTHS = Fraction(1, 2)
# Public domain: "Twinkle, twinkle" and "London Bridge", in C; the latter's first note is a pickup here.
TWINKLE = "60r260r267r267r269r269r267r4" + "65r265r264r264r262r262r260r4"
LULLABY = (
    "r4r264r164r167r464r164r167r464r167r172r271r269r267r262r164r165r462r164r165r4" + "62r165r171r169r167r271r272r4"
)


def symbols(piece: Score, key: str) -> list[tuple[float, str]]:
    return [(chord.start / piece.units_per_bar, chord.symbol(key)) for chord in harmony.chords(piece, key)]


def test_a_nursery_rhyme_has_the_chords_that_everybody_plays() -> None:
    piece = score.from_text(TWINKLE, "lowest", EIGHTHS)
    found = symbols(piece, "C major")
    assert found[0][1] == "C"
    assert ("F", 1) in [(name, bar) for bar, name in found]
    assert found[-1][1] == "C"
    assert {name for _, name in found} <= {"C", "F", "G", "G7"}
    assert any(name.startswith("G") and 2 < bar < 4 for bar, name in found)


def test_chords_follow_one_another_without_gaps_and_without_repeats() -> None:
    chords = harmony.chords(score.from_text(TWINKLE, "lowest", EIGHTHS))
    assert all(here.end == there.start for here, there in pairwise(chords))
    assert all((a.root, a.kind) != (b.root, b.kind) for a, b in pairwise(chords))


@pytest.mark.parametrize("shift", [-5, 3, 6])
def test_a_transposed_piece_has_transposed_chords(shift: int) -> None:
    piece = score.from_text(LULLABY, "lowest", EIGHTHS, Metre(3, 4))
    here, there = harmony.chords(piece, "C major"), harmony.chords(piece.transposed(shift))
    assert [(c.start, (c.root + shift) % 12, c.kind) for c in here] == [(c.start, c.root, c.kind) for c in there]


def test_a_pickup_has_no_chord() -> None:
    piece = score.from_text(LULLABY, "lowest", EIGHTHS, Metre(3, 4))
    assert piece.events[0].onset == 6
    assert harmony.chords(piece)[0].start == 6
    late = score.from_text("r4r267r1r1" + TWINKLE, "lowest", EIGHTHS)
    assert harmony.chords(late)[0].start == 8


def test_jigs_change_chords_with_dotted_quarters_at_most() -> None:
    jig = score.from_text("67r171r174r172r169r166r1" * 3 + "67r171r174r167r3", "lowest", EIGHTHS, Metre(6, 8))
    chords = harmony.chords(jig, "G major")
    assert [chord.symbol("G major") for chord in chords[:2]] == ["G", "D7"]
    assert all(chord.start % 3 == 0 for chord in chords)


def test_minor_keys_have_their_raised_seventh_in_the_dominant() -> None:
    piece = score.from_text("69r472r4" + "71r268r464r2" + "69r4r4", "lowest", EIGHTHS)
    assert [name for _, name in symbols(piece, "A minor")] == ["Am", "E7", "Am"]


def test_the_classes_of_a_chord_are_its_notes() -> None:
    assert harmony.Chord(0, 4, 7, "seventh").classes == (7, 11, 2, 5)
    assert harmony.Chord(0, 4, 10, "minor").symbol("D♭ major") == "B♭m"


def test_silence_has_no_chords() -> None:
    assert harmony.chords(Score((), 8, EIGHTHS, COMMON)) == ()
