"""The front door: whatever is typed or handed over, as music and in words, and as any model writes it."""

from fractions import Fraction
from pathlib import Path

import pytest

from core.errors import ReadingError, RequestError
from core.music.metre import COMMON, Metre
from core.reading import melody
from core.reading.melody import HIGHEST_LINE, Given, Passage
from core.reading.pool import read_safely
from tests.core.examples import file

WHOLE, HALF, QUARTER = Fraction(1), Fraction(1, 2), Fraction(1, 4)
SOPRANO = [67, 67, 66, 64, 62, 67, 69, 71, 71, 71, 71, 69, 67, 72]
JIG = "X:1 T:A Jig M:6/8 L:1/8 K:Ador |:EAA ABc|BGG GBd|c2 A ABA|G2 E E3:|"


def said(given: Given) -> str:
    return " ".join(map(str, given.words))


def line(given: Given) -> list[int]:
    return [note.pitch for note in given.melody.notes]


@pytest.mark.parametrize(
    ("text", "source", "words"),
    [
        ("72r1 76r1 79r2", "notation", "The notation."),
        ("60-4-12r1 64-3-12r1 67-5-12r2", "notation", "The notation, chords from their lowest note."),
        ("72-8-12r1 76-9-12r1 79-7-12r2", "notation", "The notation, chords from their highest note."),
        ("highest: 72r1 76r1 79r2", "notation", "The notation."),
        ("C5 E5 G5*2", "names", "Note names with octaves: C4 is middle C."),
        ("c e g2", "names", "Note names as in ABC: c is above middle C, and c2 twice as long."),
        ("X:1\nL:1/4\nK:C\nc e g2", "abc", "A tune in ABC. In 4/4."),
        ("K:C L:1/4 c e g2", "abc", "A tune in ABC. In 4/4."),
    ],
)
def test_it_says_how_it_has_read(text: str, source: str, words: str) -> None:
    given = melody.from_text(text, unit=WHOLE)
    assert (given.source, said(given)) == (source, words)
    assert line(given) == [72, 76, 79]
    if source != "abc":
        assert [note.length for note in given.melody.notes][:2] == [1, 1]


def test_a_whole_abc_tune_comes_through_an_option_of_one_line() -> None:
    given = melody.from_text(JIG, read=read_safely)
    lines = melody.from_text(
        JIG.replace(" T:", "\nT:")
        .replace(" M:", "\nM:")
        .replace(" L:", "\nL:")
        .replace(" K:A", "\nK:A")
        .replace(" |:", "\n|:")
    )
    assert given.melody == lines.melody
    assert (given.melody.metre, given.melody.length) == (Metre(6, 8), Fraction(12))
    assert melody.from_text("K:Dm c d e f").melody.notes[0].pitch == 72
    assert melody.from_text("M:3/4 K:D mix fcf").melody.notes[1].pitch == 72  # D mixolydian has a C natural


@pytest.mark.parametrize("ending", ["mid", "musicxml", "mxl", "krn"])
def test_of_a_file_the_melody_is_its_highest_line(ending: str) -> None:
    given = melody.from_file(file(f"old_hundredth.{ending}"), f"tune.{ending}", read=read_safely)
    assert line(given) == SOPRANO
    assert [str(note.length) for note in given.melody.notes] == [*["1"] * 7, "3", *["1"] * 5, "2"]
    assert given.melody.pickup == 1
    assert given.melody.phrase_ends == (7, 13)
    assert len(given.notes) > 2 * len(SOPRANO) - 4
    assert "its 2 parts" in said(given)


def test_the_breath_of_a_performance_is_no_rest_shorter_than_a_sixteenth() -> None:
    played = Path("docs/sound/fiddle-4.mid").read_bytes()  # its phrases end a little early
    given = melody.from_file(played, "played.mid", Passage(HIGHEST_LINE, bars=16))
    assert all((4 * note.length).denominator == 1 for note in given.melody.notes)


def test_of_a_file_one_chooses_track_and_bars() -> None:
    data = file("old_hundredth.krn")
    two = melody.from_file(data, "tune.krn", Passage(HIGHEST_LINE, 2, 2))
    assert line(two) == SOPRANO[5:11]
    assert two.notes == two.melody.notes
    assert "the highest line of its 2 parts, bars 2 to 3." in said(two)
    bass = melody.from_file(data, "tune.krn", Passage("1", 1, 1))
    assert line(bass) == [55, 50, 52, 47]
    assert line(melody.from_file(data, "tune.krn", Passage(HIGHEST_LINE, 0, 1)))[:2] == SOPRANO[:2]
    midi = melody.from_file(file("old_hundredth.mid"), "tune.mid", Passage("2"))
    assert "track 2" in said(midi)
    for passage, sentence in (
        (Passage("tuba"), "There is no track 'tuba' in this file. There are: 1"),
        (Passage(first_bar=99), "Bar 99 is not in this piece, which goes from 0 to"),
    ):
        with pytest.raises(ReadingError, match=sentence):
            melody.from_file(data, "tune.krn", passage)


def test_tracks_are_known_by_their_names_and_fermatas_end_phrases() -> None:
    lines = ["**kern\t**kern", '*I"Bass\t*I"Flute', "*M3/4\t*M3/4", "4C\t4c", "4D\t4d;", "4E\t4e", "=1\t=1", "2.C\t2.c"]
    kern = "\n".join([*lines, "*-\t*-"]).encode()
    flute = melody.from_file(kern, "duo.krn", Passage("flu"))
    assert line(flute) == [60, 62, 64, 60]
    assert flute.melody.metre == Metre(3, 4)
    assert flute.melody.phrase_ends == (1, 3)
    xml = file("old_hundredth.musicxml").replace(
        b"</note>", b"<notations><fermata/><articulations><accent/></articulations></notations></note>", 1
    )
    assert melody.from_file(xml, "tune.musicxml").melody.phrase_ends[0] == 0


def primer(text: str, unit: Fraction, *, anchor: str = "lowest") -> melody.Primer:
    return melody.to_primer(melody.from_text(text, unit=unit), "highest" if anchor == "highest" else "lowest", unit)


def test_it_is_written_as_a_model_writes() -> None:
    assert primer("C4 E4 G4", WHOLE).text == "60r164r167r1"
    assert primer("C4 E4 G4", HALF).text == "60r264r267r2"
    assert primer("72r177r179r181-12-40r2", HALF).text == "72r177r179r141-28-40r2"
    assert primer("60-4-7r2", HALF, anchor="highest").text == "67-3-7r2"
    assert primer("G4 | C5*2 E5", QUARTER).text == "r4r467r472r4r476r4"
    assert primer("G4 | C5*2 E5", QUARTER).metre == Metre(3, 4)
    assert primer("72R2, 60-4-7", HALF).text == "72r260-4-7r1"
    assert primer("r4r4r1", HALF).text == "r4r4r1"


def test_what_is_too_short_for_a_grid_is_stretched_and_it_says_so() -> None:
    eighths = primer("c/ d/ e | f/ g/ a |", WHOLE)
    assert (eighths.text, eighths.stretch) == ("72r174r176r277r179r181r2", 2)
    assert "all lengths are 2 times as long" in str(eighths.words[-1])
    assert primer("c/ d/ e", HALF).stretch == 1
    jig = primer("M:3/8 L:1/8 c d e | f3 |", WHOLE)
    assert (jig.stretch, jig.metre) == (2, Metre(3, 4))
    assert primer("(3c/d/e/ f", HALF).stretch == 2  # so that no note falls on another
    assert primer("c/ d/ e/ f/", WHOLE).metre == COMMON


def test_what_is_silent_or_endless_is_refused() -> None:
    with pytest.raises(RequestError, match="This is silent"):
        primer("rest rest", HALF)
    with pytest.raises(RequestError, match=r"has 20,001 characters; it can have 20,000 at most"):
        melody.from_text("7" * 20_001)
    with pytest.raises(ReadingError, match="not a music file"):
        melody.from_file(b"hello", "hello.txt")
