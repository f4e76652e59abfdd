"""notes.txt: what is written is read."""

from fractions import Fraction
from pathlib import Path

import pytest

from core.errors import CorpusError
from core.model.notes import Entry, Notes, read_notes, write_notes
from core.music.metre import Metre


def test_notes_survive_the_round_trip(tmp_path: Path) -> None:
    pieces = Entry("Für Elise", "76r175r1"), Entry("Chord", "67-3-7r4", Metre(6, 8), (3, 4))
    notes = Notes("highest", Fraction(1, 4), pieces)
    write_notes(tmp_path / "notes.txt", notes)
    assert read_notes(tmp_path / "notes.txt") == notes
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_title_cannot_break_the_lines(tmp_path: Path) -> None:
    notes = Notes("lowest", Fraction(1), (Entry("one\ttwo\r\nthree\x00", "60r1"), Entry("# not a header", "62r1")))
    write_notes(tmp_path / "notes.txt", notes)
    assert read_notes(tmp_path / "notes.txt").pieces == (
        Entry("one two three", "60r1"),
        Entry("# not a header", "62r1"),
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "does not begin with"),
        (b"60r1\n", "does not begin with"),
        (b"# cadenza notes 1\n# anchor: middle\n# rest unit: 1\n", "must name the anchor"),
        (b"# cadenza notes 1\n# anchor: lowest\n# rest unit: 1/3\n", "must name the anchor"),
        (b"\xff\xfe\x00", "is not a text"),
        (
            b"# cadenza notes 1\n# anchor: lowest\n# rest unit: 1\na\t60r1\nb 60r1\n",
            "Line 5 of .* is not a title, a metre",
        ),
        (b"# cadenza notes 2\n# anchor: lowest\n# rest unit: 1\na\t13/8\t60r1\n", "Line 4 of .*: '13/8'"),
        (b"# cadenza notes 1\n# anchor: lowest\n# rest unit: 1\na\tA60r1\n", "Line 4 of .* is not a title, a metre"),
        (b"# cadenza notes 3\n# anchor: lowest\n# rest unit: 1\na\t4/4\t60r1\t1,2\n", "Line 4 of .* is not a title"),
    ],
)
def test_broken_notes_are_a_sentence(content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=sentence):
        read_notes(tmp_path / "notes.txt")


def test_notes_of_the_format_before_are_in_two_or_four(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("# cadenza notes 1\n# anchor: lowest\n# rest unit: 1\na\t60r1\n")
    assert read_notes(tmp_path / "notes.txt").pieces == (Entry("a", "60r1", Metre(4, 4)),)


def test_missing_notes_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        read_notes(tmp_path / "notes.txt")
