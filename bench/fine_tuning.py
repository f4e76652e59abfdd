"""What three minutes of /train do: `python -m bench.fine_tuning` fine-tunes shipped models on 20 files of another kind.

Loss is in nats a token on 60 more pieces of that kind, which no training saw: of the base as it ships, of the base
fine-tuned, and of a network that began from nothing, for the same time with the settings that /train chooses.
"""

import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench import kinds
from bot.work import child
from core.corpus.worker import CollectJob, gather
from core.errors import CadenzaError
from core.evaluation.likelihood import likelihood
from core.evaluation.parsed import parse
from core.model import bundle
from core.model.bundle import Bundle
from core.model.notes import Notes, read_notes
from core.model.stepping import Stepper
from core.training import worker
from core.training.worker import PUBLISHED, TrainJob

MODELS: Final = Path(__file__).parent.parent / "models"
TRAINED_ON: Final = 20  # files
TESTED: Final = 60
SECONDS: Final = 180.0
OTHER_KIND: Final = {"fiddle": "chorales", "chorales": "fiddle"}


def main() -> None:
    """Print the table."""
    print(f"| base | files | as it ships | after {SECONDS:g} s | from nothing, {SECONDS:g} s |")
    print("|---|---|---:|---:|---:|")
    for name, kind in OTHER_KIND.items():
        if name not in bundle.names(MODELS):
            continue
        with tempfile.TemporaryDirectory(prefix="cadenza-bench-") as folder:
            before, after, scratch = asyncio.run(_compare(Path(folder), MODELS / name, kind))
        print(f"| {name} | {TRAINED_ON} {kind} | {before:.3f} | {after:.3f} | {scratch:.3f} |", flush=True)


async def _compare(folder: Path, base: Path, kind: str) -> tuple[float, float, float]:
    loaded = bundle.load(base)
    music, notes = kinds.files(kind, TRAINED_ON + TESTED), folder / "notes"
    both = [await asyncio.to_thread(_read, notes, part, loaded) for part in (music[:TRAINED_ON], music[TRAINED_ON:])]
    trained_on, tested = both[0], replace(both[1], unit=both[0].unit)
    if both[0].unit != both[1].unit:
        raise RuntimeError("The two halves of the files want different rest units.")
    before = _loss(replace(loaded, params=replace(loaded.params, rest_unit=str(trained_on.unit))), tested)
    results = [await _train(folder / name, trained_on, path) for name, path in (("tuned", base), ("scratch", None))]
    return before, _loss(results[0], tested), _loss(results[1], tested)


def _read(folder: Path, files: list[bytes], base: Bundle) -> Notes:
    """Read files as /train does."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as music:
        for number, data in enumerate(files):
            (Path(music) / f"{number:03}.mid").write_bytes(data)
        folder.mkdir(exist_ok=True)
        gather(CollectJob(music=music, work=str(folder), anchor=base.params.anchor, rest_unit=base.params.rest_unit))
        return read_notes(folder / "notes.txt")


async def _train(work: Path, notes: Notes, base: Path | None) -> Bundle:
    """Train as /train does, and return the model."""
    from core.model.notes import write_notes

    await asyncio.to_thread(work.mkdir)
    await asyncio.to_thread(write_notes, work / "notes.txt", notes)
    job = TrainJob(
        work=str(work),
        name="new",
        base=None if base is None else str(base),
        size="small",
        seconds=SECONDS,
        threads=2,
    )
    began = time.monotonic()
    async with child.start(job.limits, work / "log.txt") as process:
        async for message in child.talk(process, 600, worker.work, job):
            if isinstance(message, CadenzaError):
                raise message
    print(f"{work.name}: {time.monotonic() - began:.0f} s with all that goes with it", file=sys.stderr)
    return await asyncio.to_thread(bundle.load, work / PUBLISHED / "new")


def _loss(model: Bundle, notes: Notes) -> float:
    [plain] = likelihood(Stepper(model, exact=True), parse(notes))
    return plain.nats.mean


if __name__ == "__main__":
    main()
