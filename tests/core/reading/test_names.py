"""Note names: both ways to write them, lengths, bars, German, and the place of what is wrong."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotationError
from core.music.melody import Melody, Note
from core.music.metre import parse_metre
from core.reading.names import Written, are_names, read_names, write_names

HALF = Fraction(1, 2)


def pitches(text: str, *, german: bool = False) -> list[int]:
    return [note.pitch for note in read_names(text, german=german).notes]


def lengths(text: str) -> list[Fraction]:
    return [note.length for note in read_names(text).notes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C4 E4 G4", [60, 64, 67]),
        ("c4 e4 g4", [60, 64, 67]),  # each with a number, as those write who think of octaves
        ("C4, E4, G4", [60, 64, 67]),
        ("C, E, G", [60, 64, 67]),
        ("C4-E4-G4", [60, 64, 67]),
        ("Bb3 F#4 E♭5 C##4 C-1 G9", [58, 66, 75, 62, 0, 127]),
        ("c d e f | g2 g2", [72, 74, 76, 77, 79, 79]),
        ("C, G, C c c' | ^F _B =B", [48, 55, 60, 72, 84, 66, 70, 71]),
        ("cdef|g2g2|abag", [72, 74, 76, 77, 79, 79, 81, 83, 81, 79]),
        ("bb eb ab", [82, 75, 80]),
        ("C D E F G A B C", [60, 62, 64, 65, 67, 69, 71, 72]),  # a scale does not fall down at its end
        ("C C G G A A G", [60, 60, 67, 67, 69, 69, 67]),
        ("F A C", [65, 69, 72]),
        ("B3 C D E", [59, 60, 62, 64]),
        ("G A B2 c2", [67, 69, 71, 72]),
        ("C2 G2 C3", [36, 43, 48]),
    ],
)
def test_names_are_pitches(text: str, expected: list[int]) -> None:
    assert are_names(text)
    assert pitches(text) == expected


def test_german_names_are_german_where_h_is_written_or_german_is_spoken() -> None:
    assert pitches("H4 B4 Es4 Fis4 As4 Cis5") == [71, 70, 63, 66, 68, 73]
    assert pitches("B4 C5") == [71, 72]
    assert pitches("B4 C5", german=True) == [70, 72]
    assert pitches("Bb4 B4", german=True) == [70, 71]  # whoever writes Bb is not German
    assert pitches("es g b h", german=True) == [75, 79, 82, 83]
    assert any("German" in str(word) for word in read_names("B4", german=True).words)
    assert not any("German" in str(word) for word in read_names("C4", german=True).words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C4 E4/2 G4/ C5//", [1, HALF, HALF, Fraction(1, 4)]),
        ("C4*2 E4*3/2 G4.", [2, Fraction(3, 2), Fraction(3, 2)]),
        ("c c2 c3/2 c/ c/4 c.", [1, 2, Fraction(3, 2), HALF, Fraction(1, 4), Fraction(3, 2)]),
        ("(3cde c", [Fraction(2, 3)] * 3 + [1]),
        ("c>d e<f", [Fraction(3, 2), HALF, HALF, Fraction(3, 2)]),
        ("c2-c d", [3, 1]),
        ("L:1/8 c d2", [HALF, 1]),
        ("[CEG]2 c", [2, 2, 2, 1]),
        ("[C4 E4 G4]*2 C5", [2, 2, 2, 1]),
    ],
)
def test_lengths_are_those_of_abc(text: str, expected: list[Fraction]) -> None:
    assert lengths(text) == expected


def test_rests_have_many_names() -> None:
    for rest in ("rest", "Rest*1", "z", "Pause", "x", "r"):
        written = read_names(f"C4 {rest} E4")
        assert [note.onset for note in written.notes] == [0, 2], rest
    assert read_names("C4 rest/2 E4").notes[1].onset == Fraction(3, 2)
    assert read_names("c z2 d").notes[1].onset == 3


def said(written: Written) -> str:
    return " ".join(map(str, written.words))


def test_bar_lines_show_the_metre_and_the_upbeat() -> None:
    waltz = read_names("G4 | C5 E5 G5 | C6*3 |")
    assert str(waltz.metre) == "3/4"
    assert waltz.notes[0].onset == 2
    assert waltz.length == 9
    assert "In 3/4, with an upbeat." in said(waltz)
    assert str(read_names("c d e f | g2 g2 | c4").metre) == "4/4"
    assert str(read_names("L:1/8 ccc ddd | e3 f3 | g6").metre) == "6/8"
    assert str(read_names("M:6/8 L:1/8 ccc ddd").metre) == "6/8"
    assert str(read_names("3/4 C4 D4 E4").metre) == "3/4"
    assert str(read_names("C4 D4 E4 F4 G4").metre) == "4/4"
    assert read_names("Q:96 C4 D4").tempo == 96


def test_bars_that_do_not_come_out_even_are_told() -> None:
    assert "Bar 2 has not the length of the others." in said(read_names("c d e f | g g g | c d e f | c4 |"))
    assert "not all of one length" in said(read_names("c | d e f g a | b c' | g a b |"))


def test_fermatas_are_heard_of() -> None:
    assert [note.fermata for note in read_names("C4 D4 !fermata! E4 F4").notes] == [False, False, True, False]
    assert read_names('"Am" c !trill! d {e}f ~g .a (b c\')').length == 7


@pytest.mark.parametrize(
    ("text", "wrong", "sentence"),
    [
        ("C4 do E4", "do", "'do' is no note that I know."),
        ("C4 E4 72", "72", "'72' is no note"),
        ("C4 D4/0", "D4/0", "This is no length"),
        ("c999", "c999", "A note lasts from a 64th to 64 quarters here."),
        ("C4 G#9", "G#9", "outside the MIDI notes"),
        ("C4 [E4 G4", "[", "This chord is not closed"),
        ("C4 ] E4", "]", "There is no chord to close here"),
        ("M:7/4 C4", "7/4", "7/4 is not a metre that can be counted."),
        ("L:1/7 c", "1/7", "The unit length is one like L:1/4"),
        ("Q:9999 c", "9999", "The tempo goes from 20 to 400"),
        ("(7cdefgab", "(7", "Tuplets are"),
    ],
)
def test_what_is_no_name_is_pointed_at(text: str, wrong: str, sentence: str) -> None:
    with pytest.raises(NotationError) as caught:
        read_names(text)
    assert sentence in str(caught.value)
    assert text[caught.value.start : caught.value.end].startswith(wrong)


@pytest.mark.parametrize("text", ["72r1 76r1", "r4r4", "R1 72r1", "-4", "", "60-4-7r2", "highest: 67-3r1"])
def test_numbers_are_the_notation(text: str) -> None:
    assert not are_names(text)


@given(st.text("CDEFGABHabcdefghzr0123456789/.*|[]()'#b^_=-<>:, \n", max_size=40))
def test_whatever_is_typed_is_read_or_pointed_at(text: str) -> None:
    try:
        written, wrong = read_names(text), range(1)
    except NotationError as error:
        written, wrong = read_names(""), range(error.start, error.end)
    assert 0 <= wrong.start < wrong.stop <= max(1, len(text))
    assert all(0 <= note.pitch <= 127 and note.length > 0 for note in written.notes)
    assert all(note.end <= written.length for note in written.notes)


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(1, 20), st.integers(12, 115), st.booleans()), min_size=1, max_size=20
    ),
    st.sampled_from(["4/4", "3/4", "6/8", "2/4"]),
    st.booleans(),
)
def test_what_is_written_is_read_again(steps: list[tuple[int, int, int, bool]], signature: str, german: bool) -> None:
    metre = parse_metre(signature)
    notes, now = list[Note](), Fraction(0)
    for rest, length, pitch, fermata in steps:
        now += Fraction(rest, 4) if notes else 0
        notes.append(Note(now, Fraction(length, 4), pitch, fermata))
        now += Fraction(length, 4)
    tune = Melody(tuple(notes), now, metre, 96.0)
    back = read_names(write_names(tune, german=german), german=german)
    assert (back.notes, back.length, back.metre, back.tempo) == (tune.notes, tune.length, metre, 96.0)
