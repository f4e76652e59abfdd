"""A family of pieces as a tree: which came from which, from left to right. PNG bytes to post."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.drawing.canvas import (
    BACKGROUND,
    FAINT,
    HEADER,
    MARGIN,
    PALETTE,
    PLOT,
    TEXT,
    WIDTH,
    Canvas,
    legible,
    mix,
    shortened,
)
from core.errors import PictureError

NARROWEST: Final = 190  # pixels of a piece's box

_LINE: Final = mix(FAINT, BACKGROUND, 0.55)
_ROW: Final = 74
_BOX: Final = 54
_GAP: Final = 54  # between one generation and the next
_NAME: Final = 18
_FACTS: Final = 14


@dataclass(frozen=True, slots=True)
class Member:
    """Name a piece of a family: what is written on its box, and which piece it came from, None for the first."""

    id: str
    parent: str | None
    title: str
    facts: str = ""


def tree(members: Sequence[Member], title: str, chosen: str = "") -> bytes:
    """Draw a family, parents before their children; the box of the `chosen` one stands out.

    Raises PictureError where there is nobody to draw.
    """
    if not members:
        raise PictureError("There is no piece to draw.")
    depths, rows = _places(members)
    deepest = max(depths.values())
    widest = (WIDTH - 2 * MARGIN - deepest * _GAP) / (deepest + 1)
    wide = max(NARROWEST, min(420, widest))
    width = max(WIDTH, round(2 * MARGIN + (deepest + 1) * wide + deepest * _GAP))
    canvas = Canvas(round(HEADER + (max(rows.values()) + 1) * _ROW + MARGIN), width)
    canvas.header(title, [])

    def place(id: str) -> tuple[float, float]:
        return MARGIN + depths[id] * (wide + _GAP), HEADER + rows[id] * _ROW + _ROW / 2

    for member in members:
        if member.parent is not None and member.parent in depths:
            (left, above), (right, below) = place(member.parent), place(member.id)
            middle = right - _GAP / 2
            canvas.path([(left + wide, above), (middle, above), (middle, below), (right, below)], _LINE, 3)
    for number, member in enumerate(members, 1):
        left, middle = place(member.id)
        colour = PALETTE[depths[member.id] % len(PALETTE)]
        stands_out = member.id == chosen
        ground = mix(colour, PLOT, 0.28) if stands_out else PLOT
        canvas.box(left, middle - _BOX / 2, left + wide, middle + _BOX / 2, ground, 8)
        canvas.box(left, middle - _BOX / 2, left + (10 if stands_out else 6), middle + _BOX / 2, colour, 3)
        room = wide - 32
        name = shortened(f"{number}. {legible(member.title)}", _NAME, room)
        canvas.text(left + 20, middle - 10, name, _NAME, TEXT, "lm")
        canvas.text(left + 20, middle + 14, shortened(legible(member.facts), _FACTS, room), _FACTS, FAINT, "lm")
    return canvas.png()


def _places(members: Sequence[Member]) -> tuple[Mapping[str, int], Mapping[str, float]]:
    """Return the generation and the row of each; a piece stands in the middle of its children."""
    known = {member.id for member in members}
    children: dict[str | None, list[str]] = {}
    for member in members:
        children.setdefault(member.parent if member.parent in known else None, []).append(member.id)
    depths, rows = dict[str, int](), dict[str, float]()
    waiting = [(first, 0) for first in reversed(children.get(None, []))]
    order = list[str]()
    while waiting:  # not a function that calls itself, since families may be deep
        each, depth = waiting.pop()
        depths[each] = depth
        order.append(each)
        waiting += [(child, depth + 1) for child in reversed(children.get(each, []))]
    leaves = 0
    for each in order:
        if not children.get(each):
            rows[each], leaves = float(leaves), leaves + 1
    for each in reversed(order):
        if below := children.get(each):
            rows[each] = (rows[below[0]] + rows[below[-1]]) / 2
    return depths, rows
