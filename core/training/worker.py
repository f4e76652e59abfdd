"""A training in a process of its own, which can be stopped, killed and taken up again at its last epoch.

What it says is Progress and EpochDone; how it ended stands in result.json in the work folder, also for those who were
not there.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from core.drawing.curve import learning_curve
from core.errors import Cancelled, Message, TrainingError
from core.model import bundle
from core.model.bundle import Params
from core.model.notes import read_notes
from core.processes.files import write_whole
from core.processes.kept import Kept, Values
from core.processes.launching import Limits
from core.processes.messages import Parent
from core.training import beginning, plan, trial
from core.training.beginning import Open
from core.training.fit import OUT_OF_TIME, STOPPED
from core.training.progress import EPOCHS, Epoch, Progress
from core.training.recipe import MEASURING, SIZES, Trained, TrainRequest, train

RESULT: Final = "result.json"
PUBLISHED: Final = "published"  # the folder within the work folder where the model comes to lie
MEMORY: Final = 6 << 30  # bytes of address space; a training of medium size takes 2.4 GB, and 1.1 of real memory
FILE: Final = 512 << 20  # bytes; the checkpoint is the largest
NEWS_EVERY: Final = 1.0  # seconds between two messages on progress
PATIENCE: Final = 1.25  # times the agreed time after which an epoch is left unfinished
PATIENCE_AT_FIRST: Final = 2.0  # the same for the first epoch, without which there is no model


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainJob:
    """Ask for a training on the notes in `work`, a folder, where all that it leaves comes to lie.

    `base` is the folder of a model to begin from, None to begin from nothing with a network of `size`. With a `shelf`,
    a folder of models, the first minute finds out which of them to begin from, or nothing, and how large it is to be.
    `seconds` is the most it may take, `threads` how many it works with, `title` what the music is. `file_bytes` limits
    each file, `measuring` are the seconds for what suits the model when it composes, and `nice` says how far it stands
    back for whatever else the machine does.
    """

    work: str
    name: str
    base: str | None
    size: str
    seconds: float
    threads: int
    on_grid: float | None = None
    title: Message | None = None
    shelf: str | None = None
    file_bytes: int = FILE
    measuring: float = MEASURING
    nice: int = 19

    @property
    def limits(self) -> Limits:
        """Return what its process may use."""
        cpu_seconds = int(self.seconds * 2 + 600) * (self.threads + 1)
        return Limits(
            memory=MEMORY,
            file_bytes=self.file_bytes,
            cpu_seconds=cpu_seconds,
            threads=self.threads,
            nice=self.nice,
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Tell, in a sentence, what is tried, or what was chosen, in the first minute."""

    sentence: Message


@dataclass(frozen=True, slots=True)
class EpochDone:
    """Tell of an epoch: whether it left a clip, and whether it is new, or of a process before this one."""

    epoch: Epoch
    clip: bool
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Tell how a training ended: the best epoch's number and its loss, that of the first, advice, and why it ended.

    `quoted` are the shares of the model's own pieces, and of the held-out ones, that stand in its training pieces.
    """

    epochs: int
    best: int
    loss: float
    val_loss: float
    first_val_loss: float
    seconds: float
    ended: Message
    advice: tuple[Message, ...]
    quoted: tuple[float, float] | None = None

    @staticmethod
    def read(work: Path) -> "Result | None":
        """Return the result of a training that has ended, None if there is none."""
        try:
            values = json.loads((work / RESULT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return RESULTS.read(values)


def _with_messages(values: Values) -> Values:
    """Take the finished texts of version 1 as messages."""
    advice = [{"template": sentence} for sentence in values["advice"]]
    return {**values, "ended": {"template": values["ended"]}, "advice": advice}


RESULTS: Final = Kept(Result, _with_messages)


def history(work: Path) -> list[Epoch]:
    """Return the epochs that a training's checkpoint knows."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(work / "checkpoint.safetensors", "numpy") as file:
            return [EPOCHS.read(figures) for figures in json.loads(file.metadata()["history"])]
    except (OSError, SafetensorError):
        return []


def request(
    job: TrainJob,
    *,
    say: Callable[[Message], None] = lambda sentence: None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainRequest:
    """Choose what a job leaves open, or go on with what was chosen before. Raises CadenzaError."""
    work = Path(job.work)
    notes, params = read_notes(work / "notes.txt"), Params(**SIZES[job.size])
    if job.base is not None:
        params = replace(params, tempo=bundle.load(Path(job.base)).params.tempo)
    asked = TrainRequest(
        notes=notes,
        model=str(work / PUBLISHED / job.name),
        work=job.work,
        params=params if notes.tempo is None else replace(params, tempo=notes.tempo),
        base=job.base,
        resume=(work / "checkpoint.safetensors").exists(),
        on_grid=job.on_grid,
        facts={} if job.title is None else {"title": asdict(job.title)},
    )
    planned = beginning.kept(asked, None if job.shelf is None else Path(job.shelf))
    if planned is not None:
        return replace(planned, hyperparameters=replace(planned.hyperparameters, seconds=job.seconds))
    tokens, based = beginning.count(asked.notes), job.base is not None
    if job.shelf is not None or not plan.is_ample(tokens, job.seconds, based=based):
        bases = () if job.shelf is None else trial.bases(notes, Path(job.shelf))
        leave = Open(bases=bases, size=job.shelf is not None, given={})
        return beginning.choose(asked, job.seconds, leave, say=say, stop=stop)
    chosen = plan.plan(tokens, job.seconds, based=based, window=asked.params.window)
    asked = replace(asked, hyperparameters=chosen)
    beginning.keep(asked)
    return asked


class _Watch:
    """Follow a training, tell of it, and say when it should stop."""

    def __init__(self, parent: Parent, job: TrainJob) -> None:
        self._parent, self._job = parent, job
        self.epochs = history(Path(job.work))
        self._spent = sum(epoch.seconds for epoch in self.epochs)  # before this process
        self._began: float | None = None  # with the first step, for what comes before depends on the machine
        self._told = 0.0
        self._going = bool(self.epochs)  # or steps are done: before that there is nothing that a late end could keep
        self.late = False
        if self.epochs:
            self._show_curve()

    def report(self, progress: Progress) -> None:
        self._going = True
        now = time.monotonic()
        if now - self._told >= NEWS_EVERY:
            self._told = now
            self._parent.say(replace(progress, last=None))

    def epoch_done(self, epoch: Epoch, clip: bytes | None) -> None:
        self.epochs.append(epoch)
        self._show_curve()
        self._parent.say(EpochDone(epoch, clip is not None, new=True))

    def stop(self) -> bool:
        patience = PATIENCE if self.epochs else PATIENCE_AT_FIRST
        self.late = self._going and self._seconds() > self._job.seconds * patience
        return self._parent.stop.is_set() or self.late

    def _seconds(self) -> float:
        """Return how long this training has trained, in all its processes."""
        now = time.monotonic()
        self._began = self._began or now
        return self._spent + now - self._began

    def _show_curve(self) -> None:
        write_whole(Path(self._job.work) / "curve.png", learning_curve(self.epochs))


def work(parent: Parent, job: TrainJob) -> None:
    """Train to the end, or until the parent asks to stop. Raises CadenzaError."""
    watch = _Watch(parent, job)
    clips = Path(job.work) / "clips"
    for epoch in watch.epochs:
        parent.say(EpochDone(epoch, (clips / f"epoch-{epoch.epoch:03}.mp3").exists(), new=False))
    try:
        ask = request(job, say=lambda line: parent.say(Chosen(line)), stop=parent.stop.is_set)
        training = train(
            ask, report=watch.report, epoch_done=watch.epoch_done, stop=watch.stop, measuring=job.measuring
        )
    except Cancelled:
        if not watch.late:
            raise
        raise TrainingError(
            "Going through this music once takes longer than {minutes:g} minutes. Give it more minutes, or fewer"
            " files.",
            minutes=job.seconds / 60,
        ) from None
    _keep(training, Path(job.work), job.name, late=watch.late)


def _keep(trained: Trained, work: Path, name: str, *, late: bool) -> None:
    write_whole(work / PUBLISHED / name / "curve.png", trained.curve)
    result = Result(
        epochs=len(trained.history),
        best=trained.best.epoch,
        loss=trained.best.loss,
        val_loss=trained.best.val_loss,
        first_val_loss=trained.history[0].val_loss,
        seconds=sum(epoch.seconds for epoch in trained.history),
        ended=OUT_OF_TIME if late and trained.ended == STOPPED else trained.ended,
        advice=trained.advice,
        quoted=trained.quoted,
    )
    write_whole(work / RESULT, json.dumps(RESULTS.write(result)))
