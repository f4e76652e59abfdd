"""The report on a collection: what became of every piece, in a table and in a few lines."""

import csv
from collections import Counter
from dataclasses import dataclass, fields
from io import StringIO
from pathlib import Path

from core.errors import CorpusError
from core.model.notes import Notes
from core.processes.files import write_whole
from core.reading.formats import ENDINGS


@dataclass(frozen=True, slots=True)
class ReportLine:
    """Say what became of one piece, or of one file that gave none."""

    file: str
    title: str
    kept: bool
    kind: str = ""  # of the reason, in a word or two
    reason: str = ""
    notes: int = 0
    events: int = 0
    bars: float = 0
    key: str = ""
    range: str = ""
    on_grid: float = 0
    metre: str = ""  # in which its bars are counted
    repeats: bool = False  # were written out


@dataclass(frozen=True, slots=True)
class Collection:
    """Hold the parsed notes, the report, and the share of all onsets that fell exactly on the rest unit."""

    notes: Notes
    report: tuple[ReportLine, ...]
    on_grid: float


def summary(collection: Collection) -> str:
    """Say in a few lines what was kept, on which grid, and why the rest was not."""
    kept = [line for line in collection.report if line.kept]
    notes, events, bars = (sum(getattr(line, name) for line in kept) for name in ("notes", "events", "bars"))
    lines = [f"Kept {len(kept):,} of {len(collection.report):,}: {notes:,} notes, {events:,} events, {bars:,.0f} bars."]
    if kept:
        lines.append(f"Rest unit {collection.notes.unit}: {collection.on_grid:.1%} of the onsets fall exactly on it.")
        if played := sum(line.repeats for line in kept):
            lines.append(f"Repeats are played in {played:,} of them.")
    if reasons := _reasons(collection):
        lines.append(f"Left out: {reasons}.")
    return "\n".join(lines)


def write_report(path: Path, collection: Collection) -> None:
    """Write a line of CSV for each piece, and for each file that gave none."""
    names = [field.name for field in fields(ReportLine)]
    text = StringIO(newline="")
    table = csv.writer(text)
    table.writerow(names)
    for line in collection.report:
        table.writerow([_cell(getattr(line, name)) for name in names])
    write_whole(path, text.getvalue())


def require(collection: Collection) -> None:
    """Raise CorpusError, with the reasons counted, if nothing was kept."""
    if not collection.report:
        raise CorpusError(f"There are no music files there. The kinds are {', '.join(ENDINGS)}, and .zip.")
    if not collection.notes.pieces:
        raise CorpusError(f"There is nothing to learn from: no piece was kept. Left out: {_reasons(collection)}.")


def _reasons(collection: Collection) -> str:
    """Count why pieces were left out, the most frequent first."""
    counts = Counter(line.kind for line in collection.report if not line.kept)
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())


def pitch_name(pitch: int) -> str:
    """Name a MIDI pitch; 60 is C4."""
    return f"{('C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B')[pitch % 12]}{pitch // 12 - 1}"


def _cell(value: object) -> object:
    """Keep spreadsheets from taking a title for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
