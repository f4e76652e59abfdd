"""The report on a collection: what became of every piece, in a table and in a few lines."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from core.errors import CorpusError, Message, ReadingError, counted, mark
from core.model.notes import Notes
from core.music.metre import is_metre
from core.processes.files import write_whole
from core.reading.formats import ENDINGS

PERFORMANCE: Final = mark("performance without a beat")  # a kind of refusal

_KEYS: Final = 5  # that are named
_TRIPLETS: Final = 0.02  # share of the onsets from which on they are told


@dataclass(frozen=True, slots=True)
class ReportLine:
    """Say what became of one piece, or of one file that gave none.

    It was `late` by so many quarters; its off-beats stood at `swing` of a quarter, if that is not 0; `triplets` is the
    share of its onsets on thirds of a quarter or an eighth, `odd` that of its time in other metres, which is left out;
    `tempo` is what its marks say, in quarters a minute, 0 where there are none.
    """

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
    late: float = 0
    swing: float = 0
    triplets: float = 0
    odd: float = 0
    tempo: float = 0

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
    *("notes", "events", "bars", "key", "range", "on_grid", "metre", "repeats", "late", "swing", "triplets"),
    *("odd", "tempo"),
)


@dataclass(frozen=True, slots=True)
class Collection:
    """Hold the parsed notes, the report, and the share of all onsets that lay on the rest unit."""

    notes: Notes
    report: tuple[ReportLine, ...]
    on_grid: float


def summary(collection: Collection) -> tuple[Message, ...]:
    """Say in a few lines what was kept, what it is like, on which grid it is, and why the rest was not kept."""
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
        lines += [_keys_and_metres(kept), _texture(notes / events, events / bars), *_timing(collection, kept)]
        if played := sum(line.repeats for line in kept):
            lines.append(mark("Repeats are played in {count:,} of them.", count=played))
    if reasons := _reasons(collection):
        lines.append(mark("Left out: {reasons}.", reasons=reasons))
    return tuple(lines)


def _keys_and_metres(kept: Sequence[ReportLine]) -> Message:
    """Name the most frequent keys, and all metres."""
    keys = Counter(line.key for line in kept).most_common()
    named = [mark("{count:,} in {key}", count=count, key=Message(key)) for key, count in keys[:_KEYS]]
    if others := sum(count for _, count in keys[_KEYS:]):
        named.append(counted("{count:,} in another key", "{count:,} in other keys", others))
    counts = Counter(line.metre for line in kept).most_common()
    metres = [mark("{count:,} in {metre}", count=count, metre=metre) for metre, count in counts]
    return mark("Keys: {keys}. Metres: {metres}.", keys=tuple(named), metres=tuple(metres))


def _texture(notes: float, events: float) -> Message:
    """Say how dense music is with so many notes an event and events a bar."""
    texture = mark("one voice")
    for least, name in (
        (1.1, mark("a melody with a few notes beside it")),
        (1.6, mark("two or three voices")),
        (2.6, mark("four voices, or full chords")),
        (4.5, mark("large chords, or many instruments")),
    ):
        texture = name if notes >= least else texture
    return mark(
        "Texture: {texture}, {notes:.1f} notes at a time, {events:.1f} times a bar.",
        texture=texture,
        notes=notes,
        events=events,
    )


def _timing(collection: Collection, kept: Sequence[ReportLine]) -> Iterator[Message]:
    """Say on which grid music is, and what does not fit."""
    unit = collection.notes.unit
    yield mark(
        "Rest unit {unit}: {share:.1%} of the onsets lie on it, or beside it by less than an eighth of it.",
        unit=unit,
        share=collection.on_grid,
    )
    if late := sum(line.late != 0 for line in kept):
        yield counted(
            "{count:,} of them was early or late as a whole, and was moved onto its beats.",
            "{count:,} of them were early or late as a whole, and were moved onto their beats.",
            late,
        )
    if swinging := sum(line.swing != 0 for line in kept):
        yield counted(
            "{count:,} of them swings: its off-beats are written as even eighths.",
            "{count:,} of them swing: their off-beats are written as even eighths.",
            swinging,
        )
    if odd := sum(line.odd > 0 for line in kept):
        yield counted(
            "{count:,} of them has bars of another metre, which are left out.",
            "{count:,} of them have bars of another metre, which are left out.",
            odd,
        )
    if collection.notes.tempo is not None:
        yield mark("Tempo: {tempo:g} quarters a minute, by the marks of the music.", tempo=collection.notes.tempo)
    triplets = sum(line.triplets * line.notes for line in kept) / max(1, sum(line.notes for line in kept))
    if triplets >= _TRIPLETS:
        yield mark(
            "Triplets: {share:.0%} of the onsets are thirds of a quarter or an eighth, and are moved to the nearest"
            " rest unit.",
            share=triplets,
        )


def hints(collection: Collection, metres: str) -> tuple[str, ...]:
    """Say which options of the command line would keep more, and what else to do; `metres` are those asked for."""
    counts = Counter(str(line.refusal.kind.template) for line in collection.report if line.refusal is not None)
    others = sum(
        line.refusal.kind.template == "metre {name}" and is_metre(str(line.refusal.kind.values["name"]))
        for line in collection.report
        if line.refusal is not None
    )
    told = []
    if others and metres != "all":
        told.append(f"--metres all reads what is in one other metre too: {_pieces(others)} might be.")
    if long := counts["too long"]:
        told.append(f"--most-minutes and --most-quarters raise the limits that kept {_pieces(long)} out.")
    if many := counts["too many {what}"]:
        told.append(f"--most-notes raises the limit that kept {_pieces(many)} out.")
    return tuple(told)


def _pieces(count: int) -> str:
    return "one piece" if count == 1 else f"{count:,} pieces"


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
