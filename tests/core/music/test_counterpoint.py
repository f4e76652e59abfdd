"""Counterpoint: parallels and closes."""

from fractions import Fraction

import pytest

from core.music import counterpoint, score
from core.music.counterpoint import FIFTH, OCTAVE
from core.music.score import Score

QUARTERS = Fraction(1)


def piece(text: str) -> Score:
    return score.from_text(text, "lowest", QUARTERS)


@pytest.mark.parametrize(
    ("chords", "fifths", "octaves"),
    [
        ("48-7-16-28r450-5-14-22r4", 0, 0),  # the fifth becomes a fourth
        ("48-7-16-24r450-7-15-24r4", 1, 1),
        ("48-7-16-24r448-7-16-24r4", 0, 0),  # nothing moves
        ("48-7-16-28r453-7-15-24r4", 1, 0),
        ("60-7-12-16r448-19-24-28r4", 0, 0),  # they move apart
        ("48-7-16r450-7-15r4", 0, 0),  # three voices
    ],
)
def test_parallels_are_counted_where_four_voices_move(chords: str, fifths: int, octaves: int) -> None:
    two = piece(chords)
    assert (counterpoint.parallels(two, FIFTH) * 2, counterpoint.parallels(two, OCTAVE) * 2) == (fifths, octaves)


def test_a_close_goes_from_the_fifth_to_the_tonic_in_the_bass() -> None:
    assert counterpoint.closes_on_the_dominant(piece("60r443-12r448-12r4"), "C major") == 1
    assert counterpoint.closes_on_the_dominant(piece("60r453-12r448-12r4"), "C major") == 0
    assert counterpoint.closes_on_the_dominant(piece("60r443-12r448-12r4"), "A minor") == 0


def test_an_ending_has_a_place_and_a_degree() -> None:
    assert counterpoint.ends_on_a_strong_beat(piece("60r272r2")) == 1
    assert counterpoint.ends_on_a_strong_beat(piece("60r372r1")) == 0
    assert counterpoint.ends_on_the_tonic(piece("60r248-24r2"), "C major") == 1
    assert counterpoint.ends_on_the_tonic(piece("60r248-19r2"), "C major") == 0


def test_dissonance_is_heard_on_beats_alone() -> None:
    assert counterpoint.dissonance_on_beats(piece("60-4-7r160-5-10r1")) == 0.5
    halves = score.from_text("60-4-7r160-1r1", "lowest", Fraction(1, 2))
    assert counterpoint.dissonance_on_beats(halves) == 0


def test_a_phrase_is_held_or_not_and_closed_by_the_bass_or_not() -> None:
    phrases = piece("48-12r255-4r248-12r455-12r150-10r143-12r148-4r1")
    assert counterpoint.held_ends(phrases, (8, 12)) == 1
    assert counterpoint.phrases_closed(phrases, (8, 12)) == 1
    assert counterpoint.phrases_closed(phrases, (4, 8)) == 0.5
    short = score.from_text("48-12r355-4r148-12r4", "lowest", Fraction(1, 2))
    assert counterpoint.held_ends(short, (4, 8)) == 0.5
