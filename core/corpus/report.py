"""The report on a collection: what became of every piece, in a table and in a few lines."""

import csv
from collections import Counter
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from core.errors import CorpusError, Message, ReadingError, mark
from core.model.notes import Notes
from core.processes.files import write_whole
from core.reading.formats import ENDINGS


@dataclass(frozen=True, slots=True)
class ReportLine:
    """Say what became of one piece, or of one file that gave none."""

    file: str
    title: str
    refusal: ReadingError | None = None
    notes: int = 0
    events: int = 0
    bars: float = 0
    key: str = ""
    range: str = ""
    on_grid: float = 0
    metre: str = ""  # in which its bars are counted
    repeats: bool = False  # were written out

    @property
    def kept(self) -> bool:
        """Tell whether it was not left out."""
        return self.refusal is None

    @property
    def kind(self) -> str:
        """Say in a word or two why it was left out."""
        return "" if self.refusal is None else str(self.refusal.kind)

    @property
    def reason(self) -> str:
        """Say why it was left out."""
        return "" if self.refusal is None else str(self.refusal)


COLUMNS: Final = (
    *("file", "title", "kept", "kind", "reason"),
    *("notes", "events", "bars", "key", "range", "on_grid", "metre", "repeats"),
)


@dataclass(frozen=True, slots=True)
class Collection:
    """Hold the parsed notes, the report, and the share of all onsets that fell exactly on the rest unit."""

    notes: Notes
    report: tuple[ReportLine, ...]
    on_grid: float


def summary(collection: Collection) -> tuple[Message, ...]:
    """Say in a few lines what was kept, on which grid, and why the rest was not."""
    kept = [line for line in collection.report if line.kept]
    notes, events, bars = (sum(getattr(line, name) for line in kept) for name in ("notes", "events", "bars"))
    lines = [
        mark(
            "Kept {kept:,} of {found:,}: {notes:,} notes, {events:,} events, {bars:,.0f} bars.",
            kept=len(kept),
            found=len(collection.report),
            notes=notes,
            events=events,
            bars=bars,
        )
    ]
    if kept:
        unit, share = collection.notes.unit, collection.on_grid
        lines.append(mark("Rest unit {unit}: {share:.1%} of the onsets fall exactly on it.", unit=unit, share=share))
        if played := sum(line.repeats for line in kept):
            lines.append(mark("Repeats are played in {count:,} of them.", count=played))
    if reasons := _reasons(collection):
        lines.append(mark("Left out: {reasons}.", reasons=reasons))
    return tuple(lines)


def write_report(path: Path, collection: Collection) -> None:
    """Write a line of CSV for each piece, and for each file that gave none."""
    text = StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for line in collection.report:
        table.writerow([_cell(getattr(line, name)) for name in COLUMNS])
    write_whole(path, text.getvalue())


def require(collection: Collection) -> None:
    """Raise CorpusError, with the reasons counted, if nothing was kept."""
    if not collection.report:
        raise CorpusError(
            "No music files were found there. These can be read: {kinds}, .zip.", kinds=", ".join(ENDINGS)
        )
    if not collection.notes.pieces:
        raise CorpusError(
            "There is nothing to train on: no piece was kept. Left out: {reasons}.", reasons=_reasons(collection)
        )


def _reasons(collection: Collection) -> tuple[Message, ...]:
    """Count why pieces were left out, the most frequent first."""
    kinds = {line.kind: line.refusal.kind for line in collection.report if line.refusal is not None}
    counts = Counter(line.kind for line in collection.report if not line.kept).most_common()
    return tuple(mark("{count:,} {kind}", count=count, kind=kinds[kind]) for kind, count in counts)


def pitch_name(pitch: int) -> str:
    """Name a MIDI pitch; 60 is C4."""
    return f"{('C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B')[pitch % 12]}{pitch // 12 - 1}"


def _cell(value: object) -> object:
    """Keep spreadsheets from taking a title for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
