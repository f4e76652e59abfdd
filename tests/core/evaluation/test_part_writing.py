"""The marks of part-writing, each on a case that a textbook has."""

from fractions import Fraction

import pytest

from core.evaluation import part_writing
from core.music.parts import PartScore, in_parts


def piece(*chords: tuple[int, int, int, int], key: str = "C major", fermatas: tuple[int, ...] = ()) -> PartScore:
    """Set chords of four voices, from the top, a quarter each, four in a bar."""
    lines = [[(chord[voice], 2 * at, 2 * at + 2) for at, chord in enumerate(chords)] for voice in range(4)]
    return PartScore(in_parts(lines), 2 * len(chords), Fraction(1, 2), fermatas=fermatas, key=key)


TONIC, DOMINANT, DEGREE_TWO = (72, 67, 64, 48), (71, 67, 62, 55), (74, 69, 65, 50)


def test_parallels_are_counted_between_any_two_voices() -> None:
    figures = part_writing.measure(piece(TONIC, DEGREE_TWO, TONIC, DEGREE_TWO))
    assert figures["parallel octaves a bar"] == 3  # soprano and bass, three times in one bar
    assert figures["parallel fifths a bar"] == 3  # alto and bass
    assert part_writing.measure(piece(TONIC, TONIC, DOMINANT, TONIC))["parallel octaves a bar"] == 0


def test_leading_notes_resolve_where_they_rise() -> None:
    assert part_writing.measure(piece(DOMINANT, TONIC))["leading notes resolved"] == 1
    falls = (67, 64, 60, 48)
    assert part_writing.measure(piece(DOMINANT, TONIC, DOMINANT, falls))["leading notes resolved"] == 0.5


def test_closes_are_told_by_their_chord_and_bass() -> None:
    closed = part_writing.measure(piece(DOMINANT, TONIC, fermatas=(2,)))
    names = ("phrases that close on a triad", "… with its root in the bass", "… from the dominant")
    assert [closed[name] for name in names] == [1, 1, 1]
    inverted = part_writing.measure(piece(DOMINANT, (72, 67, 60, 52), fermatas=(2,)))
    assert [inverted[name] for name in names] == [1, 0, 0]
    plagal = part_writing.measure(piece((72, 69, 65, 53), TONIC, fermatas=(2,)))
    assert [plagal[name] for name in names] == [1, 1, 0]


def test_voices_that_cross_stray_or_part_are_seen() -> None:
    figures = part_writing.measure(piece((72, 76, 59, 48), (84, 67, 48, 36)))
    assert figures["crossings"] == pytest.approx(1 / 6)  # one pair of six in two moments
    assert figures["too far apart"] == pytest.approx(3 / 4)
    assert figures["notes out of range"] == pytest.approx(3 / 8)


@pytest.mark.parametrize(
    ("chord", "root"),
    [
        ((72, 67, 64, 48), 0),
        ((72, 67, 64, 52), 0),
        ((71, 65, 62, 55), 7),
        ((74, 69, 65, 50), 2),
        ((71, 65, 62, 50), 11),
    ],
)
def test_the_root_of_a_chord_does_not_depend_on_its_bass(chord: tuple[int, ...], root: int) -> None:
    assert part_writing.root(chord) == root


def test_settings_agree_where_their_roots_do() -> None:
    one, other = piece(TONIC, DOMINANT, TONIC), piece((72, 64, 55, 52), TONIC, TONIC)
    assert part_writing.agreement(one, other) == pytest.approx(2 / 3)
    assert part_writing.agreement(one, one) == 1
