"""Primers from files and pieces, and keys."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ReadingError, RequestError
from core.music import keys, score
from core.music.score import Score
from core.performing import performance
from core.reading import primers
from core.reading.pool import read_safely
from tests.core.music.test_notation import scores

C_MAJOR = "60-4-7r265-4-9r267-4-7r260-4-7r262r264r265r267r260-4-7r4r4"


def piece(text: str = C_MAJOR) -> Score:
    return score.from_text(text, "lowest", Fraction(1, 2))


def test_the_last_bars_of_a_midi_file_are_a_primer() -> None:
    midi = performance.perform(piece())
    text = primers.from_music(midi, "tune.mid", anchor="lowest", unit=Fraction(1, 2), bars=2).text
    assert text == "62r264r265r267r260-4-7r4r4"
    highest = primers.from_music(midi, "tune.mid", anchor="highest", unit=Fraction(1, 2), bars=99).text
    assert score.from_text(highest, "highest", Fraction(1, 2)) == piece()


def test_a_stranger_s_file_is_read_apart() -> None:
    midi = performance.perform(piece())
    text = primers.from_music(midi, "tune.mid", anchor="lowest", unit=Fraction(1, 2), bars=2, read=read_safely).text
    assert text == "62r264r265r267r260-4-7r4r4"


def test_a_file_that_is_no_music_is_a_sentence() -> None:
    with pytest.raises(ReadingError, match="not a music file"):
        primers.from_music(b"hello", "hello.txt", anchor="lowest", unit=Fraction(1), bars=4)


@given(scores(), st.integers(1, 9))
def test_last_bars_begin_at_a_bar_line_and_end_with_the_piece(whole: Score, bars: int) -> None:
    ending = primers.last_bars(whole, bars)
    start = whole.length - ending.length
    assert start % whole.units_per_bar == 0
    assert ending.bars <= bars
    assert [(event.onset + start, event.pitches) for event in ending.events] == [
        (event.onset, event.pitches) for event in whole.events if event.onset >= start
    ]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("G", "G major"),
        ("bb", "B♭ major"),
        ("F# major", "F♯ major"),
        ("E minor", "G major"),
        ("am", "C major"),
        ("C", "C major"),
    ],
)
def test_a_piece_moves_to_the_key_asked_for(key: str, found: str) -> None:
    moved = keys.in_key(piece(), key)
    assert keys.key_of(moved) == found
    assert abs(moved.range[0] - piece().range[0]) <= 6


@pytest.mark.parametrize("key", ["", "H", "C sharp", "Cb#", "minor", "C" * 100])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(RequestError, match="is not a key"):
        keys.in_key(piece(), key)
