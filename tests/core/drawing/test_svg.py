"""Pages whose text has been laid out."""

import re
from pathlib import Path

import pytest
import verovio

from core.drawing.svg import laid_out

SIGNS = Path(verovio.toolkit().getResourcePath(), "Leipzig")
PAGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100px" height="100px">'
    '<svg viewBox="0 0 1000 1000"><g class="page-margin">{}</g></svg></svg>'
)
TEMPO = (
    '<g class="tempo"><text x="700" y="900"><tspan font-size="400px">Andante</tspan>'
    '<tspan font-family="Leipzig" font-size="720px">\ueca5</tspan><tspan font-size="400px"> = </tspan>'
    '<tspan font-size="400px">84</tspan></text></g>'
)


def texts(svg: str) -> dict[str, float]:
    """Return the texts of a page and where they begin."""
    return {text: float(x) for x, text in re.findall(r'<text x="([\d.-]+)"[^>]*>([^<]*)</text>', svg)}


def test_runs_of_a_tempo_stand_one_behind_the_other_with_one_space_between() -> None:
    found = texts(laid_out(PAGE.format(TEMPO), SIGNS))
    assert list(found) == ["Andante", "=", "84"]
    space = found["84"] - found["="]
    assert found["="] > found["Andante"] + 4 * space
    assert 200 < space < 400


def test_accidentals_in_a_title_are_drawn() -> None:
    page = laid_out(PAGE.format('<text x="0" y="50"><tspan font-size="100px">In A♭ and F♯</tspan></text>'), SIGNS)
    assert list(texts(page)) == ["In A", "and F"]
    assert page.count("<path") == 2


def test_the_tempo_of_another_page_comes_to_the_left_of_the_title() -> None:
    page = laid_out(PAGE.format(""), SIGNS, "Cadenza", PAGE.format(TEMPO))
    assert texts(page)["Andante"] == 0


@pytest.mark.parametrize(("x", "moved"), [(650, True), (300, False)])
def test_a_dot_moves_away_from_the_head_of_another_voice(x: int, moved: bool) -> None:
    measure = (
        '<g class="measure"><g class="note"><g class="notehead">'
        f'<use xlink:href="#E0A4-a" transform="translate({x}, 390) scale(0.72, 0.72)"/></g></g>'
        '<g class="dots"><ellipse cx="700" cy="300" rx="36" ry="36"/></g></g>'
    )
    page = laid_out(PAGE.format(measure), SIGNS)
    [at] = re.findall(r'cx="(\d+)"', page)
    assert int(at) > x + 212 if moved else int(at) == 700
