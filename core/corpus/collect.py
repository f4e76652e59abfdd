"""A collection of files -> parsed notes and a report of what was taken and why the rest was not."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

import numpy as np
from tqdm import tqdm

from core.corpus.cache import Readings
from core.corpus.families import Known
from core.corpus.files import Bounds, Found, find, load
from core.corpus.report import PERFORMANCE, Collection, ReportLine, pitch_name
from core.errors import ReadingError, check_range, counted, mark
from core.model.notes import Entry, Notes
from core.music import grid, notation
from core.music.keys import find_key
from core.music.notation import Anchor
from core.music.piece import Budget, Piece, Printed, Reading, Refusal
from core.music.score import UNITS
from core.reading.playing import IN_TWO_AND_FOUR, check_metres, play
from core.reading.pool import ACCIDENTS, Readers

ON_GRID: Final = 0.95  # share of onsets that must lie on a rest unit for it to be chosen
_WAITING: Final = 32  # files in memory for each process that reads

RestUnit = Literal["auto", "1", "1/2", "1/4"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSettings:
    """Say how to read a collection. Raises RequestError for a share or metres that are none."""

    anchor: Anchor = "lowest"
    rest_unit: RestUnit = "auto"
    least_events: int = 8  # fewer are too short to train on
    most_shared: float = 0.5  # of a piece's runs of notes with one piece before; more, and it is a version of that
    budget: Budget = field(default_factory=Budget)
    bounds: Bounds = field(default_factory=Bounds)  # of an archive
    metres: str = IN_TWO_AND_FOUR  # or `all`, or signatures and their upper numbers, with commas between
    as_printed: bool = False  # repeats are not written out
    least_on_grid: float = 0  # share of a piece's onsets; rounding garbles what lies beside
    deadline_seconds: float = 60  # for one file
    workers: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))

    def __post_init__(self) -> None:
        check_range(mark("least share on the grid"), self.least_on_grid, 0, 1)
        check_metres(self.metres)


def collect(
    music: Path,
    settings: CollectSettings | None = None,
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Collection:
    """Read every piece of a folder, a file or a zip archive; no file in it stops the others.

    Files that `cache`, a folder, knows are not read again. `progress` hears how many files are done, and of how many;
    without it a bar on the terminal shows that. Raises CorpusError if `music` is not there.
    """
    settings = settings or CollectSettings()
    found = find(music, settings.bounds)
    readings = Readings(cache, settings.budget)
    try:
        with tqdm(total=len(found), desc="reading", unit="file", disable=None if progress is None else True) as bar:

            def done(count: int) -> None:
                bar.update(count - bar.n)
                if progress is not None:
                    progress(count, len(found))

            outcomes = _read(found, readings, settings, done)
        unit = (
            _choose_unit(outcomes, readings, settings) if settings.rest_unit == "auto" else Fraction(settings.rest_unit)
        )
        return _keep(outcomes, readings, settings, unit)
    finally:
        readings.close()


def _read(
    found: list[Found], readings: Readings, settings: CollectSettings, done: Callable[[int], None]
) -> list[tuple[Found, bytes | ReadingError]]:
    """Have every file read that the cache does not know; return its key there, or why there is none."""
    outcomes: list[tuple[Found, bytes | ReadingError]] = []
    waiting: deque[tuple[int, bytes, Future[bytes]]] = deque()

    def settle() -> None:
        place, key, future = waiting.popleft()
        try:
            readings.put(key, future.result())
        except ReadingError as error:
            if error.kind in ACCIDENTS:  # these may end otherwise the next time
                outcomes[place] = outcomes[place][0], error
            else:
                readings.put(key, error)
        done(len(outcomes) - len(waiting))

    with Readers(settings.workers, settings.budget, settings.deadline_seconds) as readers:
        for entry, data in load(found, settings.budget.file_bytes, settings.bounds):
            if isinstance(data, ReadingError):
                outcomes.append((entry, data))
                continue
            key = readings.key(data, entry.name)
            outcomes.append((entry, key))
            if readings.get(key) is None:
                waiting.append((len(outcomes) - 1, key, readers.submit(data, entry.name)))
            while len(waiting) > settings.workers * _WAITING or (waiting and waiting[0][2].done()):
                settle()
            done(len(outcomes) - len(waiting))
        while waiting:
            settle()
    return outcomes


def _answers(
    outcomes: list[tuple[Found, bytes | ReadingError]], readings: Readings
) -> Iterator[tuple[Found, Reading | ReadingError]]:
    for entry, outcome in outcomes:
        answer = outcome if isinstance(outcome, ReadingError) else readings.get(outcome)
        yield entry, answer or ReadingError("The cache has lost it. Run this again.", mark("lost"))


def _played(reading: Reading, settings: CollectSettings) -> Iterator[Piece | Refusal]:
    for printed in reading.pieces:
        try:
            if printed.free:
                raise _without_a_beat(printed)
            yield play(printed, settings.metres, as_printed=settings.as_printed)
        except ReadingError as error:
            yield Refusal(printed.title, error)
    yield from reading.refusals


def _without_a_beat(printed: Printed) -> ReadingError:
    return ReadingError(
        "It was played freely and pays no heed to the beats of its file: {share:.0%} of its notes lie on sixteenths, as"
        " by chance. Export it from a notation program, or quantise it in a sequencer.",
        PERFORMANCE,
        share=float(grid.near(printed.onsets, printed.ticks_per_quarter / 4).mean()),
    )


def _choose_unit(
    outcomes: list[tuple[Found, bytes | ReadingError]], readings: Readings, settings: CollectSettings
) -> Fraction:
    """Return the coarsest unit on which 95% of all onsets lie, else the finest."""
    total, hits = 0, np.zeros(len(UNITS))
    for _, answer in _answers(outcomes, readings):
        for piece in _played(answer, settings) if isinstance(answer, Reading) else ():
            if isinstance(piece, Piece):
                total += len(piece.onsets)
                hits += [piece.on_grid(unit) * len(piece.onsets) for unit in UNITS]
    return next((unit for unit, hit in zip(UNITS, hits, strict=True) if hit >= ON_GRID * max(total, 1)), UNITS[-1])


def _keep(
    outcomes: list[tuple[Found, bytes | ReadingError]], readings: Readings, settings: CollectSettings, unit: Fraction
) -> Collection:
    """Round the pieces, leave out short and known ones, and write the rest in the notation."""
    kept: list[Entry] = []
    report: list[ReportLine] = []
    known = Known()
    onsets = hits = 0.0  # of what is kept
    tempos: list[float] = []
    for entry, answer in _answers(outcomes, readings):
        if isinstance(answer, ReadingError):
            report.append(ReportLine(entry.name, "", answer))
            continue
        for piece in _played(answer, settings):
            if isinstance(piece, Refusal):
                report.append(ReportLine(entry.name, piece.title, piece.error))
                continue
            line, text = _parse(entry.name, piece, settings, unit, known)
            report.append(line)
            if text:
                kept.append(Entry(line.title, text, piece.metre, piece.phrase_ends(unit)))
                tempos += [piece.tempo] if piece.tempo else []
                onsets += len(piece.onsets)
                hits += piece.on_grid(unit) * len(piece.onsets)
    tempo = round(float(np.median(tempos))) if tempos else None
    return Collection(Notes(settings.anchor, unit, tuple(kept), tempo), tuple(report), float(hits / max(onsets, 1)))


def _parse(file: str, piece: Piece, settings: CollectSettings, unit: Fraction, known: Known) -> tuple[ReportLine, str]:
    """Return the report on a piece, and its text if it is kept; `known` are the pieces before it."""
    ids, on_grid = piece.ids(unit, settings.anchor), piece.on_grid(unit)
    events = int(np.count_nonzero(ids < notation.INTERVALS.start))
    rests = ids[ids >= notation.RESTS.start] - notation.RESTS.start + 1
    refusal: ReadingError | None = None
    if events < settings.least_events:
        few = counted(
            "It has {count} event; at least {least} are needed.",
            "It has {count} events; at least {least} are needed.",
            events,
            least=settings.least_events,
        )
        refusal = ReadingError(few, mark("too short"))
    elif not piece.metre.fits(unit):
        refusal = ReadingError(
            "A bar of {metre} is not a whole number of rest units of {unit}. Choose a finer rest unit.",
            mark("metre {name}", name=piece.metre),
            metre=piece.metre,
            unit=unit,
        )
    elif on_grid < settings.least_on_grid:
        refusal = ReadingError(
            "{share:.0%} of its onsets lie on the rest unit {unit}; at least {least:.0%} should.",
            mark("off the grid"),
            share=on_grid,
            unit=unit,
            least=settings.least_on_grid,
        )
    else:
        refusal = known.look_up(ids, f"{piece.title} ({file})", settings.most_shared)
    line = ReportLine(
        file=file,
        title=piece.title,
        refusal=refusal,
        notes=int(np.count_nonzero(ids < notation.RESTS.start)),
        events=events,
        bars=round(float(int(rests.sum()) * unit / piece.metre.bar), 2),
        metre=str(piece.metre),
        repeats=piece.has_repeats,
        key=find_key(piece.pitches),
        range=f"{pitch_name(int(piece.pitches.min()))}-{pitch_name(int(piece.pitches.max()))}",
        on_grid=round(on_grid, 4),
        late=round(piece.late / piece.ticks_per_quarter, 4),
        swing=round(piece.swing, 2),
        triplets=round(grid.in_thirds(piece.onsets, piece.ticks_per_quarter), 4),
        odd=round(piece.odd, 4),
        tempo=piece.tempo,
    )
    return line, "" if refusal else notation.text(ids.tolist())
