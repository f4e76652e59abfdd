"""Verovio's pages with all their text laid out: SVG that resvg and fpdf2 draw alike.

Verovio leaves it to a browser to set runs of text one behind another, and writes musical signs within them in a web
font. Here each run gets a place of its own, by the width of the house's type, and each sign is drawn.
"""

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from core.drawing.canvas import text_font, text_width

_SVG: Final = "{http://www.w3.org/2000/svg}"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_SIGN_SCALE: Final = 1000  # units of a sign's drawing to its font size
_LINE_WIDTH: Final = 20_000  # of a page of 2100 with its margins, as verovio counts
_FIRST_LINE: Final = "417"  # where the title stands
_COMPOSER: Final = 320  # size of type
_GAP: Final = 80  # behind a sign, in units of its drawing
_MEASURED: Final = 100  # the size in which widths are measured
_PLAIN: Final = {"–": "-", "\u00a0": " "}  # what our type lacks
_ACCIDENTALS: Final = {"♭": ("\ue260", 1.25, 0.22), "♯": ("\ue262", 1.05, 0.35)}  # sign, size and height in text
_FIGURES: Final = {"\uea64": "♭", "\uea66": "♯"}  # verovio's in chord symbols
_FIGURE: Final = 405 / 720  # size of the text around one
_BEATS: Final = range(0xECA0, 0xECC0)  # notes in a tempo (SMuFL)
_HEAD_SCALE: Final = 0.72  # of note heads
_BESIDE: Final = (40, 200)  # how near a dot may come to the head of another note, across and upwards

ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


@dataclass(frozen=True, slots=True)
class _Run:
    """Hold characters that are set in one go: their size, the musical font if they are signs, and how high they are."""

    text: str
    size: float
    face: str = ""
    raised: float = 0.0


def laid_out(svg: str, signs: Path, composer: str = "", with_tempo: str = "") -> str:
    """Return a page of verovio's with its text laid out; `signs` is the folder of its musical font.

    `composer` stands at the right of the first line, which makes room for it, and at its left the tempo of another
    page, `with_tempo`.
    """
    page = ElementTree.fromstring(svg)  # noqa: S314  what verovio has just written
    _unfold(page)
    _clear_dots(page, signs)
    margin = next((group for group in page.iter(f"{_SVG}g") if group.get("class") == "page-margin"), page)
    if with_tempo:
        margin.append(_tempo(with_tempo))
    if composer:
        _sign_page(page, margin, composer)
    for parent in list(page.iter()):
        for place, child in enumerate(list(parent)):
            if child.tag == f"{_SVG}text":
                group = Element(f"{_SVG}g")
                group.extend(list(_laid(child, signs)))
                parent[place] = group
    return ElementTree.tostring(page, encoding="unicode")


def _tempo(svg: str) -> Element:
    """Take the tempo from a page, and move it to the left of the title."""
    page = ElementTree.fromstring(svg)  # noqa: S314  what verovio has just written
    tempo = next((group for group in page.iter(f"{_SVG}g") if group.get("class") == "tempo"), Element(f"{_SVG}g"))
    for text in tempo.iter(f"{_SVG}text"):
        text.set("x", "0")
        text.set("y", _FIRST_LINE)
    return deepcopy(tempo)


def _clear_dots(page: Element, signs: Path) -> None:
    """Move the dots of a voice that stand at the heads of another one to the right of these."""
    across, upwards = _BESIDE
    for measure in (group for group in page.iter(f"{_SVG}g") if group.get("class") == "measure"):
        heads = list(_heads(measure, signs))
        for group in (group for group in measure.iter(f"{_SVG}g") if group.get("class") == "dots"):
            dots = [(dot, float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in group.iter(f"{_SVG}ellipse")]
            x = most = max((x for _, x, _ in dots), default=0.0)
            for left, right, y in sorted(heads):
                if left - across < x < right + across and any(abs(y - height) < upwards for _, _, height in dots):
                    x = max(x, right + 2 * across)
            for dot, old, _ in dots:
                dot.set("cx", f"{old + x - most:.0f}")


def _heads(measure: Element, signs: Path) -> Iterator[tuple[float, float, float]]:
    """Yield from where to where a measure's note heads reach, and how high they are."""
    for group in (group for group in measure.iter(f"{_SVG}g") if group.get("class") == "notehead"):
        for use in group.iter(f"{_SVG}use"):
            x, y = (float(number) for number in re.findall(r"[\d.-]+", use.get("transform", ""))[:2])
            code = use.get(_LINK, "").lstrip("#").partition("-")[0]
            yield x, x + _HEAD_SCALE * _advance(chr(int(code, 16)), signs), y


def _sign_page(page: Element, margin: Element, composer: str) -> None:
    """Write the composer's line at the right of the title, and the title so small that both have room."""
    head = next((group for group in page.iter(f"{_SVG}g") if "pgHead" in group.get("class", "")), None)
    titles = [] if head is None else [run for run in head.iter(f"{_SVG}tspan") if run.get("font-size") and run.text]
    mine = text_width(composer, _MEASURED) * _COMPOSER / _MEASURED
    for title in titles:
        size = float(title.get("font-size", "0").removesuffix("px"))
        room = _LINE_WIDTH - 2 * (mine + size)
        its = text_width(title.text or "", _MEASURED) * size / _MEASURED
        title.set("font-size", f"{size * min(1.0, room / its):.0f}px")
    place = {"x": f"{_LINE_WIDTH}", "y": _FIRST_LINE, "text-anchor": "end", "font-size": f"{_COMPOSER}px"}
    text = Element(f"{_SVG}text", place)
    text.text = composer
    margin.append(text)


def _unfold(page: Element) -> None:
    """Make a group of the drawing inside the page, and attributes of its style sheet, for fpdf2 knows neither."""
    width, height = (page.get(side, "1px").removesuffix("px") for side in ("width", "height"))
    page.set("viewBox", f"0 0 {width} {height}")
    for child in list(page):
        if child.tag in (f"{_SVG}desc", f"{_SVG}style"):
            page.remove(child)
        elif child.tag == f"{_SVG}svg":
            scale = float(width) / float(child.get("viewBox", "0 0 1 1").split()[2])
            child.tag, child.attrib = f"{_SVG}g", {"transform": f"scale({scale:.6f})"}
    for element in list(page.iter()):
        for child in list(element):
            if "placeholder" in child.get("class", "") or child.tag == f"{_SVG}title":
                element.remove(child)
        if element.get("stroke-width") and not element.get("stroke"):
            element.set("stroke", "black")


def _laid(text: Element, signs: Path) -> Iterator[Element]:
    """Lay out the runs of a text from its place on, or around it, as its anchor says."""
    runs = list(_spaced([run for run in _runs(text, 0.0, "") if run.text.strip() or run.text == " "]))
    widths = [_width(run, signs) for run in runs]
    anchor = next((each.get("text-anchor") for each in text.iter() if each.get("text-anchor")), "start")
    placed = next((each for each in text.iter() if each.get("x")), text)
    x = float(placed.get("x", 0)) - sum(widths) * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor or "start"]
    for run, width in zip(runs, widths, strict=True):
        y = float(placed.get("y", "0")) - run.raised
        if run.face:
            at = x + _GAP * run.size / _SIGN_SCALE
            for sign in run.text:
                yield from _sign(sign, f"translate({at:.0f} {y:.0f}) scale({run.size / _SIGN_SCALE:.4f})", signs)
                at += _advance(sign, signs) * run.size / _SIGN_SCALE
        elif run.text.strip():
            blank = run.text[: len(run.text) - len(run.text.lstrip())]  # which resvg would leave out
            at = x + _width(_Run(blank, run.size), signs)
            place = {"x": f"{at:.0f}", "y": f"{y:.0f}", "font-size": f"{run.size:.0f}px"}
            element = Element(f"{_SVG}text", {**place, "font-family": text_font()[0]})
            element.text = run.text.strip()
            yield element
        x += width


def _runs(element: Element, size: float, face: str) -> Iterator[_Run]:
    """Yield the runs of a text, accidentals in it as signs."""
    size = float(element.get("font-size", f"{size}px").removesuffix("px"))
    face = element.get("font-family", face)
    text = element.text or ""
    if face and text in _FIGURES:
        yield from _with_accidentals(_FIGURES[text], size * _FIGURE)
    elif face and text:
        yield _Run(text, size, face)
    elif text:
        yield from _with_accidentals("".join(_PLAIN.get(c, c) for c in text.strip("\n\t")), size)
    for child in element:
        yield from _runs(child, size, face)


def _with_accidentals(text: str, size: float) -> Iterator[_Run]:
    """Cut a text into what our type has, and the accidentals, which it lacks."""
    for part in re.split(f"([{''.join(_ACCIDENTALS)}])", text):
        if part in _ACCIDENTALS:
            sign, larger, raised = _ACCIDENTALS[part]
            yield _Run(sign, larger * size, "signs", raised * size)
        elif part:
            yield _Run(part, size)


def _spaced(runs: Sequence[_Run]) -> Iterator[_Run]:
    """Put a space before the note of a tempo."""
    for place, run in enumerate(runs):
        if run.face and ord(run.text[0]) in _BEATS and place and not runs[place - 1].text.endswith(" "):
            yield _Run(" ", runs[place - 1].size)
        yield run


def _width(run: _Run, signs: Path) -> float:
    if run.face:
        return (2 * _GAP + sum(_advance(sign, signs) for sign in run.text)) * run.size / _SIGN_SCALE
    return text_width(run.text, _MEASURED) * run.size / _MEASURED


def _sign(sign: str, place: str, signs: Path) -> Iterator[Element]:
    file = signs / f"{ord(sign):04X}.xml"
    if file.exists():
        group = Element(f"{_SVG}g", {"transform": place})
        group.extend(list(_paths(file)))
        yield group


def _paths(file: Path) -> Iterator[Element]:
    """Read the drawing of a sign."""
    for element in ElementTree.fromstring(file.read_text()).iter():  # noqa: S314  verovio's own
        if element.tag.rpartition("}")[2] == "path":
            yield Element(f"{_SVG}path", dict(element.attrib))


@cache
def _advance(sign: str, signs: Path) -> float:
    """Return how far a sign reaches, in units of its drawing."""
    boxes = ElementTree.parse(signs.with_suffix(".xml"))  # noqa: S314  verovio's own
    code = f"{ord(sign):04X}"
    return next((float(glyph.get("h-a-x", 0)) for glyph in boxes.iter("g") if glyph.get("c") == code), 0.0)
