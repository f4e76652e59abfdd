"""Jobs for the process that trains."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from core.model.notes import Entry, Notes, write_notes
from core.training.worker import TrainJob


def train_job(model: Path, work: Path, pieces: int = 2) -> TrainJob:
    """Return a job for a training on made-up melodies."""
    chance = np.random.default_rng(3)
    melodies = (("".join(f"{pitch}r1" for pitch in chance.integers(55, 80, 60))) for _ in range(pieces))
    notes = Notes("lowest", Fraction(1, 2), tuple(Entry(f"melody {n}", text) for n, text in enumerate(melodies)))
    write_notes(work / "notes.txt", notes)
    return TrainJob(
        work=str(work), name="scales", base=str(model), size="small", seconds=60, threads=1, measuring=0, nice=0
    )
