"""What pieces are called."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from core.errors import Message
from core.model.notes import read_notes
from core.music import dances, titles
from core.music.metre import Metre
from core.music.score import Event, Score, from_text

ROOT = Path(__file__).parents[3]
MAJOR, MINOR = (60, 62, 64, 65, 67, 69, 71, 72), (57, 59, 60, 62, 64, 65, 67, 69)


@pytest.mark.parametrize(
    ("sorted_as", "read_as"),
    [
        ('"Wake up, Susan" -- Reel', "Wake up, Susan (reel)"),
        ("BUTTER-MILK MARY'S -- JIG.", "Butter-milk Mary's (jig)"),
        ("Watchmaker, The", "The Watchmaker"),
        ("A Trip to York.", "A Trip to York"),
        ("bwv115.6", "bwv115.6"),
    ],
)
def test_a_title_of_a_collection_is_read_as_one_says_it(sorted_as: str, read_as: str) -> None:
    assert titles.readable(sorted_as) == read_as


def tune(step: int, *, metre: str = "4/4", bars: int = 8, minor: bool = False) -> Score:
    """Write a scale up and down in steps of so many sixteenths, ending on its tonic."""
    bar = Metre(*map(int, metre.split("/")))
    units = bar.units(Fraction(1, 4)) * bars
    onsets = range(0, units - step, step)
    scale = MINOR if minor else MAJOR
    pitches = [(scale + scale[-2:0:-1])[at % 14] for at in range(len(onsets) - 1)] + [scale[0]]
    events = tuple(Event(onset, (pitch,)) for onset, pitch in zip(onsets, pitches, strict=True))
    return Score(events, units, Fraction(1, 4), bar)


@pytest.mark.parametrize(
    ("piece", "tempo", "named"),
    [
        (tune(2), 180, {"Reel"}),
        (tune(2, metre="6/8"), 170, {"Jig"}),
        (tune(2, metre="9/8"), 170, {"Slip Jig"}),
        (tune(4, metre="3/4"), 130, {"Waltz"}),
        (tune(8, metre="3/4"), 60, {"Lullaby"}),
        (tune(2, bars=3), 120, {"Sketch", "Miniature"}),
        (tune(2, bars=1), 120, {"Fragment"}),
        (tune(8), 60, {"Air", "Song"}),
        (tune(4), 120, {"Song", "Melody"}),
    ],
)
def test_a_piece_is_called_what_it_is(piece: Score, tempo: float, named: set[str]) -> None:
    name = titles.title(piece, tempo).values["name"]
    assert isinstance(name, Message)
    assert any(form in str(name) for form in named), str(name)


def test_the_key_is_named_as_musicians_do() -> None:
    assert str(titles.title(tune(2))).endswith(" in C")
    assert str(titles.title(tune(2, minor=True))).endswith(" in A minor")


def test_the_same_music_has_the_same_title_in_any_key_and_in_any_notation() -> None:
    piece = from_text("60r264r267r272r267r264r260r4r460-4-7r4", "lowest", Fraction(1, 2))
    finer = from_text("67-3-7r4r471r4", "highest", Fraction(1, 4))
    assert str(titles.title(piece)) == str(titles.title(piece))
    assert str(titles.title(piece.transposed(5))) == str(titles.title(piece)).replace(" in C", " in F")
    doubled = Score(tuple(Event(2 * e.onset, e.pitches) for e in piece.events), 2 * piece.length, Fraction(1, 4))
    assert titles.title(doubled) == titles.title(piece)
    assert titles.title(finer) != titles.title(piece)


def test_what_is_hardly_there_has_a_title_too() -> None:
    assert [
        str(titles.title(from_text(text, "lowest", Fraction(1), open_end=True))) for text in ("r4", "60r1", "60-4-7")
    ] == ["Silence", "A Single Note", "A Single Chord"]


@pytest.mark.parametrize("model", ["chorales", "fiddle", "classic"])
def test_two_hundred_pieces_have_many_different_titles(model: str) -> None:
    trained = read_notes(ROOT / "models" / model / "notes.txt")
    pieces = trained.pieces[:: len(trained.pieces) // 200][:200]
    scores = [from_text(piece.text, trained.anchor, trained.unit, piece.metre) for piece in pieces]
    named = Counter(str(titles.title(score, dances.paced(score, 120))) for score in scores)
    assert len(named) >= 150
    assert max(named.values()) <= 4


def test_what_suits_a_piece_suits_its_mode_its_pace_and_its_place() -> None:
    trained = read_notes(ROOT / "models" / "chorales" / "notes.txt")
    scores = [from_text(piece.text, trained.anchor, trained.unit, piece.metre) for piece in trained.pieces]
    for tempo in (50, 90, 400):
        for title in (str(titles.title(score, tempo)) for score in scores):
            if "Chorale" in title or "Hymn" in title:
                assert not any(word in title for word in ("Merry", "Kitchen", "Wild", "Wedding", "Ferry", "Raven"))
            if title.endswith("minor"):
                assert not any(word in title for word in ("Joyful", "Golden", "Sunny", "Harvest", "Daybreak"))
            else:
                assert not any(word in title for word in ("Sombre", "Storm", "Midnight", "Longing", "Shadows"))
