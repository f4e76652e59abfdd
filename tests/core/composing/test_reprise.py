"""Pieces taken up again."""

import pytest

from core.composing import reprise
from core.composing.recipe import ModelInfo
from core.errors import PictureError
from core.music.metre import Metre

EIGHTHS = ModelInfo("tiny", "0", "1/2", "lowest")


def test_the_opening_is_the_first_half_in_whole_bars() -> None:
    assert reprise.opening("60r4r462r4r464r4r465r4r4", EIGHTHS) == "60r4r462r4r4"
    assert reprise.opening("60r4r462r4r464r4r4", EIGHTHS) == "60r4r4"


def test_the_opening_ends_with_its_bar_even_where_a_chord_rings_on() -> None:
    assert reprise.opening("60r4r262-4r4r464r4r2", EIGHTHS) == "60r4r262-4r2"


def test_the_opening_of_a_bar_is_that_bar() -> None:
    assert reprise.opening("60r4r4", EIGHTHS) == "60r4r4"
    assert reprise.opening("60r1", EIGHTHS) == "60r1"


def test_bars_are_those_of_the_metre() -> None:
    jig = "60r362r3" * 4
    assert reprise.opening(jig, EIGHTHS, Metre(6, 8)) == "60r362r3" * 2
    sheet = reprise.engrave(jig, EIGHTHS, 90, "A jig", Metre(6, 8))
    assert b"<beats>6</beats>" in sheet.musicxml
    assert sheet.musicxml.count(b"<measure ") == 4 * sheet.musicxml.count(b"<part id")


def test_engraves_a_text() -> None:
    sheet = reprise.engrave("60-4-7r4r4", EIGHTHS, 90, "A chord")
    assert b"A chord" in sheet.musicxml
    assert sheet.pages[0].startswith(b"\x89PNG")
    with pytest.raises(PictureError):
        reprise.engrave("r4r4", EIGHTHS, 90, "Nothing")
