"""The trainings in the database: what was asked for, where each stands, and which is next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.database.engine import transaction
from bot.database.tables import TRAININGS
from core.corpus.worker import GATHERED, Gathered
from core.errors import CadenzaError, Message

State = Literal["queued", "running", "done", "failed", "cancelled"]
Wish = Literal["keep", "drop"]

OPEN: Final = "open"
LEASE: Final = timedelta(seconds=20)  # without a sign of life, after which another machine takes a training up
LIVE: Final[tuple[State, ...]] = ("queued", "running")


class JobError(CadenzaError):
    """Say why a training cannot be found, begun or changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Hold a training as it is kept.

    `server`, `user`, `channel` and `message` are ids, `name` and `base` those of models. A `size` of OPEN leaves it to
    the first minute what it begins from. `starts` counts how often its
    process was started since it last finished an epoch; `wish` is what whoever cancels it wants; `outcome` says
    how it ended, `told` whether that has been announced, and `locale` the language of who asked.
    """

    id: str
    server: int
    user: int | None
    channel: int
    message: int | None = None
    name: str
    fingerprint: str | None
    state: State = "queued"
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    base: str | None
    size: str
    minutes: int
    gathered: Gathered
    starts: int = 0
    wish: Wish | None = None
    outcome: Message | None = None
    told: bool = False
    locale: str = "en-US"

    @property
    def live(self) -> bool:
        """Tell whether it is queued or running."""
        return self.state in LIVE


class Jobs:
    """Keep trainings in the store's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, job: Job) -> Job:
        """Keep a training, or return the one that is the same; when this returns, it is on disk."""
        try:
            async with transaction(self._engine) as connection:
                await connection.execute(insert(TRAININGS).values(**_values(job)))
        except IntegrityError:
            known = await self._list(TRAININGS.c.fingerprint == job.fingerprint)
            if not known:
                raise
            return known[0]
        return job

    async def same(self, fingerprint: str) -> Job | None:
        """Return the training on the same files with the same settings, if there is one."""
        return next(iter(await self._list(TRAININGS.c.fingerprint == fingerprint)), None)

    async def get(self, id: str, server: int | None) -> Job:
        """Return a training of a server. Raises JobError."""
        found = await self._list((TRAININGS.c.id == id) & (TRAININGS.c.server == server))
        if not found:
            raise JobError("There is no such training on this server. /train status shows those there are.")
        return found[0]

    async def of(self, server: int | None) -> tuple[Job, ...]:
        """Return a server's trainings, the newest first."""
        return tuple(reversed(await self._list(TRAININGS.c.server == server)))

    async def live(self) -> tuple[Job, ...]:
        """Return what is running, and then what is queued, in the order in which it will be."""
        jobs = await self._list(TRAININGS.c.state.in_(LIVE))
        begun = select(TRAININGS.c.server, func.max(TRAININGS.c.started)).group_by(TRAININGS.c.server)
        async with transaction(self._engine) as connection:
            turns = {server: moment for server, moment in await connection.execute(begun) if moment is not None}
        running = [job for job in jobs if job.state == "running"]
        return (*running, *in_turns([job for job in jobs if job.state == "queued"], turns))

    async def unannounced(self) -> tuple[Job, ...]:
        """Return the trainings that have ended without anybody being told."""
        return await self._list(~TRAININGS.c.state.in_(LIVE) & ~TRAININGS.c.told)

    async def all_ids(self) -> frozenset[str]:
        """Return the ids of all trainings."""
        async with transaction(self._engine) as connection:
            return frozenset((await connection.execute(select(TRAININGS.c.id))).scalars())

    async def note(self, id: str, **values: Any) -> None:
        """Change what is kept of a training."""
        async with transaction(self._engine) as connection:
            await connection.execute(update(TRAININGS).where(TRAININGS.c.id == id).values(**values))

    async def begin(self, id: str) -> None:
        """Note that a training's process is started, once more or for the first time."""
        starts = TRAININGS.c.starts + 1
        await self.note(
            id, state="running", started=func.coalesce(TRAININGS.c.started, datetime.now(UTC)), starts=starts
        )

    async def claim(self, machine: str) -> Job | None:
        """Give a machine the training that is next and that no other machine keeps; None if there is none."""
        free = TRAININGS.c.machine.is_(None) | (TRAININGS.c.beat < func.now() - LEASE)
        for job in await self.live():
            mine = (TRAININGS.c.id == job.id) & TRAININGS.c.state.in_(LIVE) & free
            async with transaction(self._engine) as connection:
                take = update(TRAININGS).where(mine).values(machine=machine, beat=func.now())
                if (await connection.execute(take)).rowcount:
                    return job
        return None

    async def hold(self, id: str, machine: str) -> bool:
        """Give a sign of life of the machine that trains; return False if the training is no longer its own."""
        mine = (TRAININGS.c.id == id) & (TRAININGS.c.machine == machine)
        async with transaction(self._engine) as connection:
            sign = update(TRAININGS).where(mine).values(beat=func.now())
            return bool((await connection.execute(sign)).rowcount)

    async def release_machine(self, machine: str) -> None:
        """Leave a machine's trainings to others."""
        async with transaction(self._engine) as connection:
            mine = TRAININGS.c.machine == machine
            await connection.execute(update(TRAININGS).where(mine).values(machine=None))

    async def statuses(self) -> dict[str, Any]:
        """Return how the trainings go that have not ended, by their ids."""
        query = select(TRAININGS.c.id, TRAININGS.c.status).where(TRAININGS.c.state == "running")
        async with transaction(self._engine) as connection:
            return {row.id: row.status for row in await connection.execute(query) if row.status is not None}

    async def end(self, id: str, state: State, outcome: Message) -> bool:
        """Note how a training ended, unless it has ended already; only one that is done stays known by its files."""
        values: dict[str, Any] = {"state": state, "outcome": outcome, "ended": datetime.now(UTC)}
        if state != "done":
            values["fingerprint"] = None
        live = (TRAININGS.c.id == id) & TRAININGS.c.state.in_(LIVE)
        async with transaction(self._engine) as connection:
            return bool((await connection.execute(update(TRAININGS).where(live).values(**values))).rowcount)

    async def cancel_queued(self, id: str, outcome: Message) -> bool:
        """Cancel a training that has not begun; return whether it was so."""
        values = {
            "state": "cancelled",
            "outcome": outcome,
            "ended": datetime.now(UTC),
            "fingerprint": None,
            "told": True,
        }
        queued = (TRAININGS.c.id == id) & (TRAININGS.c.state == "queued")
        async with transaction(self._engine) as connection:
            return bool((await connection.execute(update(TRAININGS).where(queued).values(**values))).rowcount)

    async def release(self, server: int, name: str) -> None:
        """Let a model's training be asked for again, since the model is gone."""
        made = (TRAININGS.c.server == server) & (TRAININGS.c.name == name) & ~TRAININGS.c.state.in_(LIVE)
        async with transaction(self._engine) as connection:
            await connection.execute(update(TRAININGS).where(made).values(fingerprint=None))

    async def delete(self, id: str) -> None:
        """Forget a training that has ended."""
        ended = (TRAININGS.c.id == id) & ~TRAININGS.c.state.in_(LIVE)
        async with transaction(self._engine) as connection:
            await connection.execute(delete(TRAININGS).where(ended))

    async def _list(self, which: ColumnElement[bool]) -> tuple[Job, ...]:
        query = select(TRAININGS).where(which).order_by(TRAININGS.c.created, TRAININGS.c.id)
        async with transaction(self._engine) as connection:
            return tuple(_job(row) for row in await connection.execute(query))


def in_turns(queued: Iterable[Job], turns: Mapping[int, datetime]) -> list[Job]:
    """Order trainings so that servers take turns, first the one whose last turn, in `turns`, is longest ago."""
    lines: dict[int, list[Job]] = {}
    for job in queued:
        lines.setdefault(job.server, []).append(job)
    never = datetime.min.replace(tzinfo=UTC)
    servers = sorted(lines, key=lambda server: (turns.get(server, never), lines[server][0].created))
    longest = max(map(len, lines.values()), default=0)
    return [lines[server][turn] for turn in range(longest) for server in servers if turn < len(lines[server])]


def _values(job: Job) -> dict[str, Any]:
    return {field.name: getattr(job, field.name) for field in fields(Job)} | {"gathered": GATHERED.write(job.gathered)}


def _job(row: Row[Any]) -> Job:
    kept = {field.name: row._mapping[field.name] for field in fields(Job)}
    return Job(**kept | {"gathered": GATHERED.read(kept["gathered"])})
