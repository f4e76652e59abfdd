"""Verovio's pages with all their text laid out: SVG that resvg and fpdf2 draw alike.

Verovio leaves it to a browser to set runs of text one behind another, and writes musical signs within them in a web
font. Here each run gets a place of its own, by the width of the house's type, and each sign is drawn.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from core.drawing.canvas import text_font, text_width

_SVG: Final = "{http://www.w3.org/2000/svg}"
_SIGN_SCALE: Final = 1000  # units of a sign's drawing to its font size
_LINE_WIDTH: Final = 20_000  # of a page of 2100 with its margins, as verovio counts
_FIRST_LINE: Final = "417"  # where the title stands
_ABOVE: Final = ("tempo", "harm")
_COMPOSER: Final = 320  # size of type
_GAP: Final = 80  # behind a sign, in units of its drawing
_MEASURED: Final = 100  # the size in which widths are measured
_PLAIN: Final = {"–": "-", "\u00a0": " ", "♯": "#", "♭": "b"}  # what our type lacks

ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def laid_out(svg: str, signs: Path, composer: str = "") -> str:
    """Return a page of verovio's with its text laid out; `signs` is the folder of its musical font.

    `composer` stands at the right of the first line, which makes room for it.
    """
    page = ElementTree.fromstring(svg)  # noqa: S314  what verovio has just written
    _unfold(page)
    if composer:
        _lift_tempo(page)
        _sign_page(page, composer)
    for parent in list(page.iter()):
        for place, child in enumerate(list(parent)):
            if child.tag == f"{_SVG}text":
                group = Element(f"{_SVG}g")
                group.extend(list(_runs(child, signs)))
                parent[place] = group
    return ElementTree.tostring(page, encoding="unicode")


def _lift_tempo(page: Element) -> None:
    """Move the tempo out of the way of chord symbols, which verovio sets above it: to the left of the title."""
    groups = {name: [group for group in page.iter(f"{_SVG}g") if group.get("class") == name] for name in _ABOVE}
    if groups["harm"]:
        for text in (text for group in groups["tempo"] for text in group.iter(f"{_SVG}text")):
            text.set("x", "0")
            text.set("y", _FIRST_LINE)


def _sign_page(page: Element, composer: str) -> None:
    """Write the composer's line at the right of the title, and the title so small that both have room."""
    head = next((group for group in page.iter(f"{_SVG}g") if "pgHead" in group.get("class", "")), None)
    margin = next((group for group in page.iter(f"{_SVG}g") if group.get("class") == "page-margin"), None)
    if margin is None:
        return
    width, y = _LINE_WIDTH, _FIRST_LINE
    titles = [] if head is None else [run for run in head.iter(f"{_SVG}tspan") if run.get("font-size") and run.text]
    mine = text_width(composer, _MEASURED) * _COMPOSER / _MEASURED
    for title in titles:
        size = float(title.get("font-size", "0").removesuffix("px"))
        room = width - 2 * (mine + size)
        its = text_width(title.text or "", _MEASURED) * size / _MEASURED
        title.set("font-size", f"{size * min(1.0, room / its):.0f}px")
    text = Element(f"{_SVG}text", {"x": f"{width}", "y": y, "text-anchor": "end", "font-size": f"{_COMPOSER}px"})
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


def _runs(text: Element, signs: Path) -> Iterator[Element]:
    """Lay out the runs of a text from its place on, or around it, as its anchor says."""
    runs = [(run, size, face) for run, size, face in _spans(text, 0.0, "") if run.strip() or run == " "]
    widths = [_width(run, size, face, signs) for run, size, face in runs]
    anchor = next((each.get("text-anchor") for each in text.iter() if each.get("text-anchor")), "start")
    placed = next((each for each in text.iter() if each.get("x")), text)
    x = float(placed.get("x", 0)) - sum(widths) * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor or "start"]
    for (run, size, face), width in zip(runs, widths, strict=True):
        y = placed.get("y", "0")
        if face:
            x += _GAP * size / _SIGN_SCALE
            for sign in run:
                place = f"translate({x:.0f} {y}) scale({size / _SIGN_SCALE:.4f})"
                yield from _sign(sign, place, signs)
                x += _advance(sign, signs) * size / _SIGN_SCALE
            x += _GAP * size / _SIGN_SCALE
            continue
        if run.strip():
            attributes = {"x": f"{x:.0f}", "y": y, "font-size": f"{size:.0f}px", "font-family": text_font()[0]}
            element = Element(f"{_SVG}text", attributes)
            element.text = run
            yield element
        x += width


def _spans(element: Element, size: float, face: str) -> Iterator[tuple[str, float, str]]:
    """Yield the runs of a text: its characters, their size, and the musical font if they are signs."""
    size = float(element.get("font-size", f"{size}px").removesuffix("px"))
    face = element.get("font-family", face)
    if element.text:
        yield (element.text if face else "".join(_PLAIN.get(c, c) for c in element.text.strip("\n\t"))), size, face
    for child in element:
        yield from _spans(child, size, face)


def _width(run: str, size: float, face: str, signs: Path) -> float:
    if face:
        return (2 * _GAP + sum(_advance(sign, signs) for sign in run)) * size / _SIGN_SCALE
    return text_width(run, _MEASURED) * size / _MEASURED


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
