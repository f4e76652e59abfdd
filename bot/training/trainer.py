"""Who trains: one training at a time for the machine, each in a process of its own, and none forgotten."""

import asyncio
import logging
import shutil
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from bot.database.engine import StoreError
from bot.database.jobs import OPEN, Job, JobError, Jobs, State, Wish
from bot.models import shelves
from bot.models.catalogue import Catalogue
from bot.models.shelves import Shelves
from bot.settings import Settings
from bot.training.messages import Messages, Status
from bot.work import child
from core.errors import CadenzaError, Message, counted, mark, reason
from core.processes.child import Child
from core.training import worker
from core.training.progress import Progress
from core.training.recipe import MEASURING
from core.training.worker import PUBLISHED, Chosen, EpochDone, Result, TrainJob

STARTS: Final = 3  # of a process that ends without having finished another epoch, before it is given up
LARGEST: Final = "medium"  # size of a model that begins from what fares best
SILENCE: Final = 600.0  # seconds after which a process that says nothing is taken for dead
BREATH: Final = 10.0  # seconds after an error that nobody expected
MADE_ON_THE_WAY: Final = (PUBLISHED, "checkpoint.safetensors", ".*.part", "log.txt")

_log = logging.getLogger(__name__)


class Trainer:
    """Take one training after the other from the database, and see each to its end.

    Used as a context; it begins when `open` says that the bot is logged in.
    """

    def __init__(
        self, settings: Settings, jobs: Jobs, catalogue: Catalogue, messages: Messages, own: Shelves | None = None
    ) -> None:
        self._settings, self._jobs, self._catalogue, self._messages = settings, jobs, catalogue, messages
        self._shelves = own or Shelves()
        self._data = settings.data.absolute()
        self._opened, self._woken = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._child: tuple[str, Child] | None = None
        self._status: tuple[str, Status] | None = None

    async def __aenter__(self) -> Self:
        """Get ready."""
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; what is running is taken up again the next time."""
        assert self._task is not None
        while not self._task.done():  # whatever it does with the first try
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1)

    @property
    def process(self) -> int | None:
        """Return the id of the process that trains, if one does."""
        return None if self._child is None else self._child[1].id

    def open(self) -> None:
        """Begin, since messages can be sent now."""
        self._opened.set()

    def wake(self) -> None:
        """Look whether there is something new to do."""
        self._woken.set()

    def folder(self, id: str) -> Path:
        """Return the folder for what a training has and leaves."""
        return self._data / "trainings" / id

    @property
    def uploads(self) -> Path:
        """Return the folder for files that are being read."""
        return self._data / "uploads"

    def status(self, id: str) -> Status:
        """Return how a training goes."""
        return self._status[1] if self._status is not None and self._status[0] == id else Status()

    async def cancel(self, job: Job, wish: Wish) -> None:
        """End a training before its time; `keep` publishes its best epoch so far. Raises JobError if it has ended."""
        if not job.live:
            raise JobError("This training has ended already.")
        if await self._jobs.cancel_queued(job.id, mark("It was cancelled before it began.")):
            job = await self._jobs.get(job.id, job.server)
            await tell(self._messages.close(job))
            await tell(self._messages.ended(job, None, self.folder(job.id)))
            line = await self._jobs.live()
            await tell(self._messages.queued(other for other in line if other.state == "queued"))
            return
        await self._jobs.note(job.id, wish=wish)
        if self._child is not None and self._child[0] == job.id:
            carry_out(wish, self._child[1])

    async def forget(self, job: Job) -> None:
        """Delete a training that has ended, with the notes it was trained on. Raises JobError if it has not."""
        if job.live:
            raise JobError("This training has not ended yet. Cancel it first.")
        await self._jobs.delete(job.id)
        await self.drop(job.id)

    async def keep(self, id: str) -> None:
        """Keep what was made for a training in its folder."""

    async def bring(self, id: str) -> None:
        """Have in a training's folder what there is of it."""

    async def drop(self, id: str) -> None:
        """Delete all there is of a training in its folder."""
        await asyncio.to_thread(shutil.rmtree, self.folder(id), ignore_errors=True)

    async def _work(self) -> None:
        await self._opened.wait()
        await self._tidy()
        while True:
            self._woken.clear()
            try:
                for job in await self._jobs.unannounced():
                    await self._announce(job)
                line = await self._jobs.live()
                await tell(self._messages.queued(job for job in line if job.state == "queued"))
                if line:
                    await self._train(line[0])
                else:
                    await self._woken.wait()
            except Exception:
                _log.exception("The trainings came to a halt; they go on in %g seconds", BREATH)
                await asyncio.sleep(BREATH)

    async def _tidy(self) -> None:
        """Delete what a crash left behind."""
        known = await self._jobs.all_ids()

        def sweep() -> None:
            shelves.tidy(self._data)
            shutil.rmtree(self.uploads, ignore_errors=True)
            for folder in (self._data / "trainings").glob("*"):
                if folder.name not in known:
                    shutil.rmtree(folder, ignore_errors=True)

        await asyncio.to_thread(sweep)

    async def _train(self, job: Job) -> None:
        """Run a training to its end, or as far as its process gets."""
        work, failure = self.folder(job.id), None
        try:
            result = await asyncio.to_thread(Result.read, work)
            if result is None and job.wish != "drop":
                failure = await self._run(job, work)
                result = await asyncio.to_thread(Result.read, work)
            job = await self._jobs.get(job.id, job.server)
            if job.wish == "drop":
                await self._end(job, "cancelled", mark("It was cancelled."))
            elif result is not None:
                await self._publish(job, work)
                await self._end(job, "done", mark("It ended: {reason}.", reason=result.ended))
            elif failure is not None:
                await self._end(job, "cancelled" if job.wish == "keep" else "failed", failure)
        except StoreError:  # not the training's fault: it goes on when the database is back
            raise
        except CadenzaError as error:
            await self._end(job, "failed", error.message)
        except OSError as error:
            lost = mark(
                "The model could not be saved: {reason}. The bot's owner needs to look into it.", reason=reason(error)
            )
            await self._end(job, "failed", lost)

    async def _run(self, job: Job, work: Path) -> Message | None:
        """Have a process train; return the message with which it failed, if it could still say one."""
        if job.starts >= STARTS:
            return mark(
                "The process that trained it crashed {times} times in a row. Try it with fewer files.", times=STARTS
            )
        title = counted("{count} piece from its server", "{count} pieces from its server", job.gathered.kept)
        ask = TrainJob(
            work=str(work),
            name=job.name,
            base=None if job.base is None else str(await self._base(job, job.base)),
            size=LARGEST if job.size == OPEN else job.size,
            shelf=str(self._catalogue.folder.absolute()) if job.size == OPEN else None,
            seconds=job.minutes * 60,
            threads=self._settings.training_threads,
            nice=self._settings.training_nice,
            measuring=MEASURING,
            on_grid=job.gathered.on_grid,
            title=title,
        )
        await self._jobs.begin(job.id)
        job, failure = replace(job, state="running", starts=job.starts + 1), None
        try:
            async with child.start(ask.limits, work / "log.txt") as process:
                self._child = job.id, process
                carry_out((await self._jobs.get(job.id, job.server)).wish, process)
                async for message in child.talk(process, SILENCE, worker.work, ask):
                    if isinstance(message, CadenzaError):
                        failure = message.message
                    else:
                        job = await self._hear(job, message)
        except asyncio.CancelledError:
            with suppress(Exception):
                await self._jobs.note(job.id, starts=max(0, job.starts - 1))  # that was not its fault
            raise
        finally:
            self._child = self._status = None
        if failure is None:
            _log.info("The process of the training %s has ended", job.id)
        return failure

    async def _hear(self, job: Job, message: Progress | EpochDone | Chosen) -> Job:
        """Take a message of the process in, and pass it on."""
        status = self.status(job.id)
        if isinstance(message, Progress):
            status = replace(status, progress=message)
        elif isinstance(message, Chosen):
            status = replace(status, sentence=message.sentence)
        else:
            clips = (*status.clips, message.epoch.epoch) if message.clip else status.clips
            status = replace(status, epochs=(*status.epochs, message.epoch), clips=clips)
            if message.new and job.starts:
                await self._jobs.note(job.id, starts=0)
                job = replace(job, starts=0)
        self._status = job.id, status
        await self._progress(job, status, message)
        return job

    async def _progress(self, job: Job, status: Status, message: Progress | EpochDone | Chosen) -> None:
        await tell(self._messages.progress(job, status, self.folder(job.id)))

    async def _base(self, job: Job, name: str) -> Path:
        """Return the folder of the model that a training begins from. Raises BundleError."""
        return self._catalogue.at(job.server).path(name).absolute()

    async def _publish(self, job: Job, work: Path) -> None:
        """Put the model on its server's shelf, if that has not been done."""
        made = work / PUBLISHED / job.name
        if made.exists():
            await self._shelves.place(made, self._catalogue.at(job.server))

    async def _end(self, job: Job, state: State, outcome: Message) -> None:
        if await self._jobs.end(job.id, state, outcome):
            job = await self._jobs.get(job.id, job.server)
            _report(job)
            await self._announce(job)

    async def _announce(self, job: Job) -> None:
        folder = self.folder(job.id)
        await tell(self._messages.close(job))  # first, since what has been told is not done again after a restart
        if await tell(self._messages.ended(job, await asyncio.to_thread(Result.read, folder), folder)):
            await self._jobs.note(job.id, told=True)
            await asyncio.to_thread(clear, folder)


async def tell(news: Awaitable[None]) -> bool:
    """Let the chat be told, and return whether that went well; a training goes on even if it did not."""
    try:
        await news
    except Exception:
        _log.exception("News of a training did not reach the chat")
        return False
    return True


def clear(folder: Path) -> None:
    """Delete what a training needed only on its way; its notes, its report and its curve stay."""
    for path in (path for name in MADE_ON_THE_WAY for path in folder.glob(name)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _report(job: Job) -> None:
    """Log how a training has ended, without saying whose it was."""
    assert job.ended is not None
    begun = job.started or job.ended
    waited, took = (begun - job.created).total_seconds(), (job.ended - begun).total_seconds()
    _log.info("a training: waited %.0f s, took %.0f s, %s", waited, took, job.state)


def carry_out(wish: Wish | None, process: Child) -> None:
    """Have a training process do what whoever cancels it wants."""
    if wish == "keep":
        process.stop()
    elif wish == "drop":
        process.kill()
