"""Trainings on many machines: what a chat process tells of them, and what a training machine does.

The row of a training is the truth; its files are objects in the storage. Whichever machine keeps its lease trains, and
goes on from the last checkpoint. One chat process at a time tells of all.
"""

import asyncio
import logging
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from bot.database.engine import StoreError
from bot.database.jobs import Job, Jobs, Wish
from bot.database.requests import Machines
from bot.models.catalogue import Catalogue
from bot.models.shared import SharedShelves
from bot.settings import Settings
from bot.training.messages import Messages, Status
from bot.training.trainer import BREATH, Trainer, carry_out, tell
from bot.work.postgres import LOST, PAUSE, Connections
from bot.work.storage import Fetched, Storage
from core.processes.files import write_whole
from core.processes.kept import Kept
from core.training.beginning import PLAN
from core.training.progress import Progress
from core.training.worker import RESULT, Chosen, EpochDone

STATUS: Final = Kept(Status)
LOOK: Final = 3.0  # seconds between two looks at how trainings go
BEAT: Final = 5.0  # seconds between two signs of life of a training machine
NEWS_EVERY: Final = 4  # of the messages on progress, about one a second, one is told to the others
SPEAKING: Final = 0x63616433  # the key of the lock that the process holds which tells of trainings
SILENT: Final = 120.0  # seconds after which the lock is taken from a process that does nothing with it
CHECKPOINT: Final = "checkpoint.safetensors"

_log = logging.getLogger(__name__)


class _Files:
    """Keep the folders of trainings in the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def write(self, id: str, folder: Path, *names: str) -> None:
        """Put files of a training's folder into the storage, all that are not hidden if none is named."""
        found = [folder / name for name in names] or await asyncio.to_thread(_visible, folder)
        for path in found:
            if path.exists():
                content = await asyncio.to_thread(path.read_bytes)
                await self._storage.put(f"trainings/{id}/{path.relative_to(folder)}", content)

    async def read(self, id: str, folder: Path, *, but: tuple[str, ...] = ()) -> None:
        """Write what the storage has of a training into its folder."""
        found = await self._storage.under(f"trainings/{id}")

        def write() -> None:
            for name, content in found.items():
                if name not in but and ".." not in Path(name).parts:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    write_whole(folder / name, content)

        await asyncio.to_thread(write)

    async def delete(self, id: str, *names: str) -> None:
        """Delete what the storage has of a training."""
        for name in names or ("",):
            await self._storage.delete(f"trainings/{id}/{name}".rstrip("/"))


class Desk(Trainer):
    """Tell the chat of trainings that go on elsewhere."""

    def __init__(
        self,
        settings: Settings,
        jobs: Jobs,
        catalogue: Catalogue,
        messages: Messages,
        own: SharedShelves,
        storage: Storage,
        connections: Connections,
    ) -> None:
        super().__init__(settings, jobs, catalogue, messages, own)
        self._files, self._connections = _Files(storage), connections
        self._statuses: dict[str, Status] = {}

    def status(self, id: str) -> Status:
        """Return how a training goes."""
        return self._statuses.get(id, Status())

    async def cancel(self, job: Job, wish: Wish) -> None:
        """End a training before its time, wherever it is. Raises JobError if it has ended."""
        await super().cancel(job, wish)
        await self._connections.say("trainings")

    async def keep(self, id: str) -> None:
        """Keep what was made for a training in its folder."""
        await self._files.write(id, self.folder(id))

    async def bring(self, id: str) -> None:
        """Have in a training's folder what there is of it."""
        await self._files.read(id, self.folder(id), but=(CHECKPOINT, "notes.txt"))

    async def drop(self, id: str) -> None:
        """Delete all there is of a training."""
        await super().drop(id)
        await self._files.delete(id)

    def wake(self) -> None:
        """Tell the machines that there is something to do."""
        super().wake()
        self._telling = asyncio.create_task(self._connections.say("trainings"))

    async def _work(self) -> None:
        await self._opened.wait()
        async with self._connections.hearing(self._hear_news):
            while True:
                try:
                    self._statuses = {one: STATUS.read(kept) for one, kept in (await self._jobs.statuses()).items()}
                    async with self._speaking() as mine:
                        if mine:
                            await self._speak()
                except LOST as error:
                    _log.warning("Nothing is known of trainings for the moment: %s", error)
                except Exception:
                    _log.exception("The news of trainings came to a halt; they go on in %g seconds", BREATH)
                    await asyncio.sleep(BREATH)
                self._woken.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), LOOK)

    @asynccontextmanager
    async def _speaking(self) -> AsyncIterator[bool]:
        """Hold the right to tell of trainings, if no other process has it; it ends with the connection."""
        async with self._connections.pool.acquire() as connection:
            await connection.execute(f"SET idle_session_timeout = '{SILENT:.0f}s'")  # for a process that is frozen
            mine = await connection.fetchval("SELECT pg_try_advisory_lock($1)", SPEAKING)
            try:
                yield mine
            finally:
                if mine:
                    await connection.execute("SELECT pg_advisory_unlock($1)", SPEAKING)

    async def _speak(self) -> None:
        """Tell what is new."""
        for job in await self._jobs.unannounced():
            await self.bring(job.id)
            await self._announce(job)
            await self._files.delete(job.id, CHECKPOINT)
        line = await self._jobs.live()
        await tell(self._messages.queued(job for job in line if job.state == "queued"))
        for job in line:
            status = self._statuses.get(job.id)
            if job.state == "running" and status is not None:
                if status.epochs:
                    await self.bring(job.id)
                await tell(self._messages.progress(job, status, self.folder(job.id)))

    def _hear_news(self, news: str) -> None:
        if news in ("", "trainings"):
            self._woken.set()


class TrainingMachine(Trainer):
    """Train what is next, as long as no other machine does."""

    def __init__(
        self,
        settings: Settings,
        jobs: Jobs,
        catalogue: Catalogue,
        own: SharedShelves,
        storage: Storage,
        connections: Connections,
        machines: Machines,
        fetched: Fetched,
    ) -> None:
        super().__init__(settings, jobs, catalogue, _NoMessages(), own)
        self.id = secrets.token_hex(8)
        self._own, self._files, self._connections = own, _Files(storage), connections
        self._machines, self._fetched = machines, fetched
        self._heard = 0

    def folder(self, id: str) -> Path:
        """Return the folder for what a training has and leaves, on this machine."""
        return self._data / "machine" / id

    async def _work(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self._data / "machine", ignore_errors=True)
        sign = asyncio.create_task(self._live())
        try:
            async with self._connections.hearing(self._hear_news):
                while True:
                    self._woken.clear()
                    try:
                        job = await self._jobs.claim(self.id)
                        if job is not None:
                            await self._keep(job)
                            continue
                    except LOST as error:
                        _log.warning("The database does not answer: %s", error)
                    except Exception:
                        _log.exception("The trainings came to a halt; they go on soon")
                        await asyncio.sleep(BREATH)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), BEAT)
        finally:
            sign.cancel()
            with suppress(Exception):
                await self._jobs.release_machine(self.id)
                await self._machines.leave(self.id)

    async def _keep(self, job: Job) -> None:
        """See a training to its end, or until its lease is lost."""
        training = asyncio.create_task(self._take(job))
        holding = asyncio.create_task(self._hold(job))
        try:
            await asyncio.wait({training, holding}, return_when=asyncio.FIRST_COMPLETED)
            if training.done():
                await training
        finally:
            for task in (training, holding):
                while not task.done():
                    task.cancel()
                    await asyncio.wait({task}, timeout=1)

    async def _take(self, job: Job) -> None:
        work = self.folder(job.id)
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
        await asyncio.to_thread(work.mkdir, parents=True, exist_ok=True)
        await self._files.read(job.id, work)
        await self._train(job)
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    async def _hold(self, job: Job) -> None:
        """Give signs of life, and carry out what is wished, until the lease is lost."""
        while True:
            with suppress(StoreError):
                if not await self._jobs.hold(job.id, self.id):
                    _log.warning("Another machine has taken the training %s up", job.id)
                    return
                wish = (await self._jobs.get(job.id, job.server)).wish
                if self._child is not None:
                    carry_out(wish, self._child[1])
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), BEAT)
            self._woken.clear()

    async def _progress(self, job: Job, status: Status, message: Progress | EpochDone | Chosen) -> None:
        """Leave for the others how it goes, and what an epoch has left."""
        work = self.folder(job.id)
        if isinstance(message, EpochDone) and message.new:
            clip = f"clips/epoch-{message.epoch.epoch:03}.mp3"
            await self._files.write(job.id, work, PLAN, CHECKPOINT, "curve.png", clip)
        self._heard += 1
        if not isinstance(message, Progress) or not self._heard % NEWS_EVERY:
            with suppress(StoreError):
                await self._jobs.note(job.id, status=STATUS.write(status))
                await self._connections.say("trainings")

    async def _base(self, job: Job, name: str) -> Path:
        found = await self._own.digest(job.server, name)
        if found is None:
            return await super()._base(job, name)
        return await asyncio.to_thread(self._fetched.path, found[0], name, found[1])

    async def _publish(self, job: Job, work: Path) -> None:
        """Publish the model, and then leave what is told of it."""
        await super()._publish(job, work)
        await self._files.write(job.id, work, RESULT, "curve.png")

    async def _announce(self, job: Job) -> None:
        """Leave it to a chat process to tell."""
        await self._connections.say("trainings")

    async def _live(self) -> None:
        while True:
            with suppress(*LOST):
                await self._machines.beat(self.id, "train", 1, 0.0)
            await asyncio.sleep(PAUSE * BEAT)

    def _hear_news(self, news: str) -> None:
        if news in ("", "trainings"):
            self._woken.set()


class _NoMessages(Messages):
    """Tell nobody anything: there is no chat here."""

    def __init__(self) -> None:
        pass


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
