"""One table of ratios: ours against a peer, both measured in one run."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """Hold a comparison: what took us `ours` took the peer `peer`, both in `unit`.

    `ratio` says how many times better we are; `goal` is the ratio that was aimed at, or None.
    """

    name: str
    ours: float
    peer: float
    ratio: float
    unit: str
    goal: float | None = None


def write_table(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table that reads well as it is."""
    cells = [("what", "ours", "peer", "unit", "ratio", "goal")]
    for row in rows:
        goal = "" if row.goal is None else f"{row.goal:g}"
        cells.append((row.name, _figure(row.ours), _figure(row.peer), row.unit, _figure(row.ratio), goal))
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = [
        "| "
        + " | ".join(
            cell.ljust(width) if column in (0, 3) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _figure(value: float) -> str:
    """Write a figure with three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
