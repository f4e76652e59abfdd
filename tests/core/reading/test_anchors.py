"""Which note of a chord is written first: real music tells, and what tells nothing is asked about."""

from fractions import Fraction
from pathlib import Path

import pytest

from core.composing import recipe
from core.composing.recipe import ComposeRequest
from core.errors import NotationError
from core.model import bundle
from core.model.notes import read_notes
from core.music import score
from core.music.notation import Anchor
from core.reading import melody
from core.reading.anchors import read_notation

UNIT = Fraction(1, 2)
CHORALES = Path(__file__).parents[3] / "models" / "chorales" / "notes.txt"
DOWNWARDS = (  # docs/notation.md's longer vector, of which its readers know that it is written from the highest note
    "72r177r179r181-12-40r2r181r177-12-32r2r172r177-12-29r179r181-12-40r2r181r145r184r2r184-12-36r2r181-12-33r179r2r1"
    "52r4r155r2r148r4r152r4r179-12-24r181r182-12-34r182r182r182-12-30r2r179r179-12-24r181r182-12-34r2r182r184-12-32r2"
    "r182r181-12-26r179r181-12-40r4r145r4"
)


def test_a_text_written_downwards_is_read_downwards() -> None:
    piece, anchor = read_notation(DOWNWARDS, "lowest", UNIT)
    assert anchor == "highest"
    assert piece.events[3].pitches == (41, 69, 81)
    assert read_notation("72r177r179r181-12-40r2", "lowest", UNIT)[1] == "highest"


@pytest.mark.parametrize("model", ["chorales", "classic", "fiddle"])
def test_it_is_a_primer_for_every_model_that_ships(model: str) -> None:
    params = bundle.load(CHORALES.parents[1] / model).params
    primer = melody.to_primer(
        melody.from_text(DOWNWARDS, anchor=params.anchor, unit=params.unit), params.anchor, params.unit
    )
    written = {"lowest": "41-28-40", "highest": "81-12-40"}[params.anchor]
    assert primer.text.startswith(f"72r177r179r1{written}r381r1")
    assert recipe.check_request(ComposeRequest(model=model, primer=primer.begun), params)


@pytest.mark.parametrize("text", ["60-4-7r4", "67-3-7r4", "60-3-7r2 65-4-7r2", "72r1 76r1", "r4", ""])
@pytest.mark.parametrize("usual", ["lowest", "highest"])
def test_what_both_anchors_make_music_of_is_read_with_the_model_s(text: str, usual: Anchor) -> None:
    assert read_notation(text, usual, UNIT)[1] == usual


def test_passages_of_chorales_are_told_apart_whichever_way_they_are_written() -> None:
    notes = read_notes(CHORALES)
    right, own, count = 0, 0, 0
    for entry in notes.pieces[::8]:
        piece = score.from_text(entry.text, notes.anchor, notes.unit)
        for start in range(0, len(piece.events) - 12, 12):
            passage = score.Score(piece.events[start : start + 12], piece.events[start + 12].onset, notes.unit)
            count += 1
            right += read_notation(score.to_text(passage, "highest"), "lowest", UNIT)[1] == "highest"
            own += read_notation(score.to_text(passage, "lowest"), "lowest", UNIT)[1] == "lowest"
    assert count > 100
    assert right > 0.95 * count
    assert own > 0.98 * count


def test_one_may_say_which() -> None:
    piece, anchor = read_notation("Highest: 67-3-7r4", "lowest", UNIT)
    assert (piece.events[0].pitches, anchor) == ((60, 64, 67), "highest")
    assert read_notation("lowest:81-12-40r2", "highest", UNIT)[0].events[0].pitches == (81, 93, 121)


def test_what_leaves_the_pitches_with_one_anchor_is_read_with_the_other() -> None:
    assert read_notation("120-12-24r1", "lowest", UNIT)[1] == "highest"
    assert read_notation("3-12-24r1", "highest", UNIT)[1] == "lowest"


@pytest.mark.parametrize("text", ["120-9-20r1 3-60-80-100r1", "1-2-3-4-5r1 126-1-2r1 4-2-9r1"])
def test_what_neither_makes_sense_of_is_asked_about(text: str) -> None:
    with pytest.raises(NotationError, match="from its lowest note or from its highest") as caught:
        read_notation(text, "lowest", UNIT)
    assert text[caught.value.start : caught.value.end] == max(text.replace("r1", "").split(), key=len)
    with pytest.raises(NotationError) as caught:
        read_notation("highest: 60r1 3-60r1", "lowest", UNIT)
    assert caught.value.text[caught.value.start : caught.value.end] == "-60"


def test_what_is_wrong_either_way_is_said_as_ever() -> None:
    with pytest.raises(NotationError, match="7276 is not a MIDI note"):
        read_notation("72r1 7276r1", "lowest", UNIT)
