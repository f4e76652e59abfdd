"""Names of pitches that fit the key."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.music.keys import KEYS, parse_key
from core.music.spelling import Head, Tonality, spell, together, tonality

C_MAJOR, A_MINOR = Tonality(0, "major"), Tonality(0, "minor")
NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@given(st.integers(0, 127), st.integers(-7, 7), st.sampled_from(["major", "minor"]))
def test_a_spelling_sounds_as_its_pitch(pitch: int, sharps: int, mode: str) -> None:
    head = spell(pitch, Tonality(sharps, "minor" if mode == "minor" else "major"))
    assert 12 * (head.octave + 1) + NATURAL[head.step] + head.alteration == pitch


@pytest.mark.parametrize(
    ("tonality", "pitch", "head"),
    [
        (C_MAJOR, 66, Head("F", 1, 4)),
        (C_MAJOR, 70, Head("B", -1, 4)),
        (C_MAJOR, 63, Head("E", -1, 4)),
        (A_MINOR, 63, Head("D", 1, 4)),
        (A_MINOR, 68, Head("G", 1, 4)),
        (Tonality(-4, "major"), 61, Head("D", -1, 4)),
        (Tonality(3, "minor"), 65, Head("E", 1, 4)),
        (Tonality(-6, "major"), 59, Head("C", -1, 4)),
        (Tonality(6, "major"), 60, Head("B", 1, 3)),
    ],
)
def test_the_key_decides_on_the_name(tonality: Tonality, pitch: int, head: Head) -> None:
    assert spell(pitch, tonality) == head


@pytest.mark.parametrize("key", KEYS)
def test_the_tonic_of_a_key_is_spelt_as_its_name(key: str) -> None:
    tonic, mode = parse_key(key)
    assert f"{spell(tonic, tonality(key)).name} {mode}" == key


@given(st.sets(st.integers(40, 90), min_size=1, max_size=6), st.integers(-6, 6))
@example({40, 41, 42, 43, 44}, 5)
def test_notes_that_begin_together_keep_their_order_on_the_staff(pitches: set[int], sharps: int) -> None:
    heads = together(pitches, Tonality(sharps, "major"), {})
    assert all(12 * (h.octave + 1) + NATURAL[h.step] + h.alteration == pitch for pitch, h in heads.items())
    lines = [heads[pitch].line for pitch in sorted(pitches)]
    assert lines == sorted(lines)
    if all(upper - lower > 1 for lower, upper in pairwise(sorted(pitches))):
        assert heads == {pitch: spell(pitch, Tonality(sharps, "major")) for pitch in pitches}


def test_no_two_notes_of_a_chord_share_a_line() -> None:
    assert together([65, 66], C_MAJOR, {}) == {65: Head("F", 0, 4), 66: Head("G", -1, 4)}
    assert together([59, 60], Tonality(3, "minor"), {}) == {59: Head("B", 0, 3), 60: Head("C", 0, 4)}
    tied = {66: Head("F", 1, 4)}
    assert together([65, 66], C_MAJOR, tied) == {65: Head("E", 1, 4), **tied}
