"""Humdrum: spines that part and join, and the order in which sections are played."""

from fractions import Fraction

import pytest

from core.errors import ReadingError
from core.music.piece import Budget, Printed
from core.music.score import to_text
from core.reading.formats import read
from core.reading.playing import play


def kern(*lines: str) -> Printed:
    """Read a file whose spines stand apart by blanks."""
    return read("\n".join("\t".join(line.split()) for line in lines).encode(), "a.krn").pieces[0]


def text(printed: Printed) -> str:
    return to_text(play(printed, "all").score(Fraction(1, 2)), "lowest")


def test_a_spine_parts_and_joins_again() -> None:
    piece = kern(
        "**kern **kern",
        "*M4/4 *M4/4",
        "=1 =1",
        "2C 4c",
        ". 4d",
        "* *^",
        "2D 4e 2g",
        ". 4f .",
        "* *v *v",
        "=2 =2",
        "1C 1c",
        "*- *-",
    )
    assert text(piece) == "48-12r262r250-14-17r265r248-12r4r4"


def test_spines_change_places_and_words_are_no_notes() -> None:
    piece = kern("**kern **text **kern", "1C def 2c", ". gab 2d", "*x * *x", "*- *- *-")
    assert text(piece) == "48-12r462r4"
    crossed = kern("**kern **kern", "2C 2c", "*x *x", "2d [2D", "* *^", "2e 2D] 4G", ". . 4A", "*- *- *-")
    assert text(crossed) == "48-12r450-12r455-9r257r2"


@pytest.mark.parametrize(
    ("note", "quarters"),
    [
        ("1c", 4),
        ("0c", 8),
        ("00c", 16),
        ("2.c", 3),
        ("4..c", Fraction(7, 4)),
        ("3%2c", Fraction(8, 3)),
        ("12c", Fraction(1, 3)),
    ],
)
def test_lengths_are_parts_of_a_whole_note(note: str, quarters: str) -> None:
    piece = kern("**kern", note, "8d", "*-")
    assert Fraction(int(piece.onsets[1]), piece.ticks_per_quarter) == Fraction(quarters)


def test_grace_notes_rests_chords_and_accidentals() -> None:
    piece = read(b"**kern\n*M2/4\n4r\n8qe\n4CC- c## e\n=\n2Bn\n*-\n", "a.krn").pieces[0]
    assert text(piece) == "r235-27-29r259r4"


def test_repeats_are_played_where_bar_lines_or_a_list_have_them() -> None:
    bars = ["=1", "1c", "=2", "1d", "=3", "1e", "=="]
    plain = text(kern("**kern", *bars, "*-"))
    assert text(kern("**kern", "=1", "1c", "=2:|!", "1d", "=3", "1e", "==", "*-")) == "60r4r4" + plain
    assert text(kern("**kern", "=1", "1c", "=2!|:", "1d", "=3", "1e", "==:|!", "*-")) == plain + "62r4r464r4r4"
    listed = ["*>[A,A,B]", "*>norep[A,B]", "*>A", *bars[:4], "*>B", *bars[4:]]
    assert text(kern("**kern", *listed, "*-")) == "60r4r462r4r4" + plain


def test_a_metre_holds_from_its_bar_on() -> None:
    piece = kern("**kern", "*M3/4", "4c", "=1", "2.d", "=2", "*M4/4", "1e", "=3", "1f", "*-")
    assert [bar.signature for bar in piece.bars] == ["3/4", "3/4", "4/4", "4/4"]
    assert piece.bars[0].length == piece.ticks_per_quarter


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (["**kern **kern", "4c", "*- *-"], "damaged"),
        (["**kern", "4c", "*-", "**kern", "4d", "*-"], "several pieces"),
        (["**kern", "*^", "*^ *^", "*^ *^ *^ *^", "*^ *^ *^ *^ *^ *^ *^ *^"], "too many spines"),
        (["**kern", "4r", "*-"], "no notes"),
        (["**kern", "0000c", "*-"], "damaged"),
        (["**kern", *["000r"] * 200, "4c", "*-"], "too long"),
        (["**kern", *["64c"] * 200, "*-"], "too many notes"),
    ],
)
def test_what_cannot_be_read_says_why(lines: list[str], kind: str) -> None:
    content = "\n".join("\t".join(line.split()) for line in lines).encode()
    with pytest.raises(ReadingError) as caught:
        read(content, "a.krn", Budget(notes=150, tracks=8))
    assert str(caught.value.kind) == kind


def test_a_damaged_file_costs_no_more_than_its_length() -> None:
    splits = "\n".join(["*^" + "\t*" * spine for spine in range(60)])
    with pytest.raises(ReadingError):
        read(f"**kern\n{splits}\n{'4c' * 200_000}\n".encode(), "a.krn")


def test_phrases_end_with_the_highest_voices_fermatas() -> None:
    piece = kern(
        "**kern **kern", "*M4/4 *M4/4", "=1 =1", "2C 4c", ". 4d", "2D; 2e;", "=2 =2", "1C; 2c", ". 2c;", "*- *-"
    )
    played = play(piece)
    assert played.phrase_ends(Fraction(1, 2)) == (8, 16)


def test_phrases_come_again_where_they_are_repeated_and_shorten_with_a_silence() -> None:
    lines = ("**kern", "*M4/4", "=1", "2c", "2e;", "=2:|!", "0r", "0r", "0r", "=3", "1c;", "*-")
    piece = play(kern(*lines))
    assert [end / piece.ticks_per_quarter for end in piece.phrases] == [4, 8, 36]
    assert piece.phrase_ends(Fraction(1)) == (4, 8, 26)
    assert to_text(piece.score(Fraction(1)), "lowest") == "60r264r260r264r4r4r4r460r4"
