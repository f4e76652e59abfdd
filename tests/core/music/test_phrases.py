"""Phrases end where a line breathes, not every four bars."""

from pathlib import Path

import music21
import pytest

from core.music.phrases import phrases


def test_a_phrase_ends_with_a_long_note() -> None:
    line = [0, 2, 4, 6, 8, 10, 12, 20, 22, 24, 26, 28, 30, 32, 40, 42, 44, 46, 48, 50, 52]
    assert [(phrase.start, phrase.last, phrase.end) for phrase in phrases(line, 60, 8)] == [
        (0, 12, 20),
        (20, 32, 40),
        (40, 52, 60),
    ]


def test_each_begins_with_its_pickup() -> None:
    bars = [[6, 8, 10, 12, 14, 16, 18, 20], [30, 32, 34, 36, 38, 40, 42, 44], [54, 56, 58, 60, 62, 64, 66, 68]]
    found = phrases([onset for bar in bars for onset in bar], 76, 8)
    assert [phrase.start for phrase in found] == [6, 30, 54]


def test_they_cover_the_line() -> None:
    assert phrases([], 0, 8) == ()
    [one] = phrases([3], 8, 8)
    assert (one.start, one.last, one.end) == (3, 3, 8)
    even = phrases(range(128), 128, 16)
    assert [phrase.end for phrase in even] == [*(phrase.start for phrase in even[1:]), 128]
    assert all((phrase.start - even[0].start) % 16 == 0 for phrase in even)


@pytest.mark.parametrize("number", ["269", "153.1", "281"])
def test_bach_s_fermatas_are_found(number: str) -> None:
    """What the command measures on a hundred chorales (F1 0.79), on some where each fermata ends a line."""
    corpus = Path(music21.__file__).parent / "corpus" / "bach"
    piece = music21.converter.parse(corpus / f"bwv{number}.mxl")
    flat = piece.parts[0].flatten()
    notes = [note for note in flat.notes if note.tie is None or note.tie.type == "start"]
    held = {
        int(4 * note.offset)
        for note in notes
        if any(isinstance(sign, music21.expressions.Fermata) for sign in note.expressions)
    }
    bar = int(4 * flat.getElementsByClass("TimeSignature")[0].barDuration.quarterLength)
    found = {phrase.last for phrase in phrases([int(4 * n.offset) for n in notes], int(4 * flat.highestTime), bar)}
    assert len(found & held) >= 0.7 * len(found | held)
