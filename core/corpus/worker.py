"""Reading a collection of strangers' files where it can be stopped: in a process with limits."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

from core.corpus import report
from core.corpus.collect import CollectSettings, RestUnit, collect
from core.corpus.files import Bounds
from core.corpus.report import Collection
from core.errors import Message
from core.model.notes import write_notes
from core.music import notation
from core.music.notation import Anchor
from core.processes.kept import Kept, Values
from core.processes.launching import Limits
from core.reading.playing import IN_TWO_AND_FOUR

LIMITS: Final = Limits(memory=2 << 30, file_bytes=256 << 20)
DEADLINE: Final = 5.0  # seconds for one file; a book of 1,850 tunes takes 4
REASONS: Final = 12  # files of which it is said why they were left out
BOUNDS: Final = Bounds(members=1_000, unpacked_bytes=64 << 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectJob:
    """Ask for `music`, a folder, to be read into `work`, another, as a model writes: its anchor and rest unit.

    Where the music needs a finer unit than that, it gets one. `metres` are as CollectSettings has them.
    """

    music: str
    work: str
    anchor: Anchor = "lowest"
    rest_unit: str | None = None
    metres: str = IN_TWO_AND_FOUR
    workers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Tell what became of a collection.

    `kept` of `found` pieces have `tokens` in all, in these `keys`, the most frequent first; `skipped` are the first
    that were left out, with the reasons, and `summary` is all in a few lines.
    """

    kept: int
    found: int
    tokens: int
    on_grid: float
    rest_unit: str
    keys: tuple[tuple[str, int], ...]
    skipped: tuple[tuple[str, Message], ...]
    summary: tuple[Message, ...]


def _with_messages(values: Values) -> Values:
    """Take the finished texts of version 1 as messages."""
    skipped = [[file, {"template": reason}] for file, reason in values["skipped"]]
    return {**values, "skipped": skipped, "summary": [{"template": line} for line in values["summary"].splitlines()]}


GATHERED: Final = Kept(Gathered, _with_messages)


def gather(job: CollectJob) -> Gathered:
    """Write notes.txt, if anything was kept, and report.csv. Raises CorpusError."""
    work = Path(job.work)
    collection = _collect(job, "auto")
    if job.rest_unit is not None and collection.notes.unit > Fraction(job.rest_unit):
        collection = _collect(job, cast(RestUnit, job.rest_unit))
    report.write_report(work / "report.csv", collection)
    if collection.notes.pieces:
        write_notes(work / "notes.txt", collection.notes)
    return Gathered(
        kept=len(collection.notes.pieces),
        found=len(collection.report),
        tokens=sum(len(notation.parse(entry.text, collection.notes.anchor)) for entry in collection.notes.pieces),
        on_grid=collection.on_grid,
        rest_unit=str(collection.notes.unit),
        keys=tuple(Counter(line.key for line in collection.report if line.kept).most_common()),
        skipped=tuple(
            (f"{line.file}: {line.title}" if line.title else line.file, line.refusal.message)
            for line in collection.report
            if line.refusal is not None
        )[:REASONS],
        summary=report.summary(collection),
    )


def gather_once(job: CollectJob) -> Gathered:
    """Do what `gather` does, and keep nothing for a second time. Raises CorpusError."""
    gathered = gather(job)
    (Path(job.work) / "readings.sqlite").unlink()
    return gathered


def _collect(job: CollectJob, rest_unit: RestUnit) -> Collection:
    settings = CollectSettings(
        anchor=job.anchor,
        rest_unit=rest_unit,
        metres=job.metres,
        deadline_seconds=DEADLINE,
        workers=job.workers,
        bounds=BOUNDS,
    )
    return collect(Path(job.music), settings, cache=Path(job.work), progress=lambda done, of: None)
