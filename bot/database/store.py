"""The database: compositions, what people think of them, and what servers have chosen."""

import math
import re
import secrets
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from sqlalchemy import Row, delete, exists, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.database import engine
from bot.database.days import Days
from bot.database.engine import UPSERT, StoreError
from bot.database.films import OwedFilms
from bot.database.jams import Jams
from bot.database.jobs import Jobs
from bot.database.tables import ALLOWANCES, JAMS, OPERA, RATINGS, REQUESTS, SERVERS, SHOWN, TRAININGS, TURNS, VOTES
from bot.database.votes import Votes
from core.composing.recipe import ComposeRequest, Composition, ModelInfo, Take
from core.music.parts import PartScore
from core.processes.kept import Kept

REQUEST: Final = Kept(ComposeRequest)
PARTS: Final = Kept(PartScore)
WRITTEN: Final = ("model", "request", "parts")  # of a composition, in columns of another form
NOT_KEPT: Final = frozenset({"model", "audio", "picture", "soundfont"})  # belong to the machine, not to the piece
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is easily mistaken
ID_LENGTH: Final = 8
ID: Final = re.compile(r"[a-z0-9]{1,12}")
MIGRATING: Final = 0x63616430  # the key of the lock under which the tables are brought up to date
BESIDE: Final = timedelta(seconds=2)  # within which takes of one request are kept
LONGEST_REQUEST: Final = 3600.0  # seconds from a question to its answer, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Opus:
    """Hold a composition as it is kept: all that its files are made from, byte for byte.

    `author`, `server` and `parent` are ids; `request` has everything filled in but the model's folder; `given` counts
    the events at the start that the model did not write; `parts` are the voices of what was harmonised.
    """

    id: str
    author: int
    server: int | None
    parent: str | None
    created: datetime
    model: ModelInfo
    request: ComposeRequest
    text: str
    given: int
    bars: float
    seconds: float
    ended: bool
    parts: PartScore | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Hold what a server has chosen; None leaves it to the bot. Channels and roles are ids."""

    model: str | None = None
    temperature: float | None = None
    bars: int | None = None
    showcase: int | None = None
    trainers: int | None = None
    soundfont: str | None = None
    taste: bool | None = None
    instrument: str | None = None
    film: str | None = None
    daily: int | None = None
    hour: int | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """Say where a composition stands in a showcase, by ids."""

    server: int
    channel: int
    message: int

    @property
    def link(self) -> str:
        """Return the message's address."""
        return f"https://discord.com/channels/{self.server}/{self.channel}/{self.message}"


def opus(composition: Composition, take: Take, *, author: int, server: int | None, parent: str | None = None) -> Opus:
    """Give a take an id of its own."""
    return Opus(
        id="".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH)),
        author=author,
        server=server,
        parent=parent,
        created=datetime.now(UTC),
        model=composition.model,
        request=replace(composition.request, model=composition.model.name),
        text=take.text,
        given=take.primer_events,
        bars=take.bars,
        seconds=take.seconds,
        ended=take.ended,
        parts=take.parts,
    )


class Store:
    """Keep everything that outlives a restart, in SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.engine = self._engine = engine.engine(url)
        self._forgotten: dict[int, float] = {}  # when users were, by the monotonic clock
        self.jobs, self.votes = Jobs(self._engine), Votes(self._engine)
        self.jams, self.days, self.films = Jams(self._engine), Days(self._engine), OwedFilms(self._engine)

    async def __aenter__(self) -> Self:
        """Bring the tables up to date. Raises StoreError if there is no database."""
        try:
            async with self._engine.begin() as connection:
                if connection.dialect.name == "postgresql":  # several processes may start at once
                    await connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
                await connection.run_sync(engine.migrate)
        except (DBAPIError, OSError) as error:
            await self._engine.dispose()
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            raise StoreError(
                "The database cannot be opened: {reason}. Check CADENZA_DATABASE and CADENZA_DATA.", reason=reason
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def add(self, *opera: Opus, asked: float = math.inf) -> None:
        """Keep a user's compositions; when this returns, they are on disk.

        `asked` is when they asked, by the monotonic clock. Raises StoreError if they were forgotten since then.
        """
        async with self._transaction() as connection:
            await connection.execute(insert(OPERA), [_row(each) for each in opera])
        if self._forgotten.get(opera[0].author, -math.inf) >= asked:  # looked at last, so that none slips through
            await self.delete(*(each.id for each in opera))
            raise forgotten()

    async def get(self, id: str) -> Opus:
        """Return a composition. Raises StoreError."""
        found = await self.find(id)
        if not found:
            raise gone()
        return found[0]

    async def find(self, *ids: str) -> tuple[Opus, ...]:
        """Return those of some compositions that are still kept."""
        known = [each for each in ids if ID.fullmatch(each)]
        async with self._transaction() as connection:
            return tuple(_opus(row) for row in await connection.execute(select(OPERA).where(OPERA.c.id.in_(known))))

    async def delete(self, *ids: str) -> None:
        """Forget compositions, with their ratings and their places in showcases."""
        async with self._transaction() as connection:
            await connection.execute(delete(OPERA).where(OPERA.c.id.in_(ids)))

    async def by_author(self, author: int, limit: int, offset: int = 0) -> tuple[Opus, ...]:
        """Return a user's compositions, the newest first."""
        mine = select(OPERA).where(OPERA.c.author == author).order_by(OPERA.c.created.desc(), OPERA.c.id)
        async with self._transaction() as connection:
            return tuple(_opus(row) for row in await connection.execute(mine.limit(limit).offset(offset)))

    async def ids(self, author: int) -> tuple[str, ...]:
        """Return the ids of all compositions of a user."""
        async with self._transaction() as connection:
            return tuple((await connection.execute(select(OPERA.c.id).where(OPERA.c.author == author))).scalars())

    async def likes(self, *ids: str) -> dict[str, int]:
        """Return how many people like each of some compositions, for those that anybody likes."""
        counted = select(RATINGS.c.opus, func.count().label("likes")).where(RATINGS.c.opus.in_(ids))
        async with self._transaction() as connection:
            return {row.opus: row.likes for row in await connection.execute(counted.group_by(RATINGS.c.opus))}

    async def favourites(self, server: int, limit: int) -> tuple[tuple[Opus, int], ...]:
        """Return what stands in a server's showcase with the number of ratings, the best first."""
        rated = select(func.count()).select_from(RATINGS).where(RATINGS.c.opus == OPERA.c.id).scalar_subquery()
        query = (
            select(OPERA, rated.label("rated"))
            .join(SHOWN, SHOWN.c.opus == OPERA.c.id)
            .where(SHOWN.c.server == server)
            .order_by(rated.desc(), OPERA.c.created.desc())
            .limit(limit)
        )
        async with self._transaction() as connection:
            return tuple((_opus(row), row.rated) for row in await connection.execute(query))

    async def show(self, id: str, showing: Showing) -> None:
        """Note where a composition stands in a showcase. Raises StoreError if it is gone."""
        try:
            async with self._transaction() as connection:
                await connection.execute(delete(SHOWN).where(SHOWN.c.opus == id))
                await connection.execute(insert(SHOWN).values(opus=id, **asdict(showing)))
        except IntegrityError:
            raise gone() from None

    async def showing(self, id: str) -> Showing | None:
        """Return where a composition stands in a showcase, if it does."""
        query = select(SHOWN.c.server, SHOWN.c.channel, SHOWN.c.message).where(SHOWN.c.opus == id)
        async with self._transaction() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Showing(*row)

    async def showings(self, author: int) -> tuple[Showing, ...]:
        """Return where a user's compositions stand in showcases."""
        query = (
            select(SHOWN.c.server, SHOWN.c.channel, SHOWN.c.message)
            .join(OPERA, SHOWN.c.opus == OPERA.c.id)
            .where(OPERA.c.author == author)
        )
        async with self._transaction() as connection:
            return tuple(Showing(*row) for row in await connection.execute(query))

    async def withdraw(self, id: str) -> None:
        """Take a composition out of its showcase, and its ratings with it."""
        async with self._transaction() as connection:
            await connection.execute(delete(SHOWN).where(SHOWN.c.opus == id))
            await connection.execute(delete(RATINGS).where(RATINGS.c.opus == id))

    async def rate(self, id: str, user: int) -> int:
        """Rate a composition, or take the rating back, and return how many like it. Raises StoreError if it is gone."""
        mine = (RATINGS.c.opus == id) & (RATINGS.c.user == user)
        count = select(func.count()).select_from(RATINGS).where(RATINGS.c.opus == id)
        try:
            async with self._transaction() as connection:
                if (await connection.execute(select(exists().where(mine)))).scalar_one():
                    await connection.execute(delete(RATINGS).where(mine))
                else:
                    await connection.execute(insert(RATINGS).values(opus=id, user=user))
                return (await connection.execute(count)).scalar_one()
        except IntegrityError:
            raise gone() from None

    async def children(self, *ids: str) -> tuple[Opus, ...]:
        """Return the compositions that came from some, the oldest first."""
        query = select(OPERA).where(OPERA.c.parent.in_(ids)).order_by(OPERA.c.created, OPERA.c.id)
        async with self._transaction() as connection:
            return tuple(_opus(row) for row in await connection.execute(query))

    async def shown_on(self, server: int, *ids: str) -> frozenset[str]:
        """Return those of some compositions that stand in a server's showcase."""
        query = select(SHOWN.c.opus).where(SHOWN.c.server == server, SHOWN.c.opus.in_(ids))
        async with self._transaction() as connection:
            return frozenset((await connection.execute(query)).scalars())

    async def not_liked(self, server: int, user: int, limit: int) -> tuple[Opus, ...]:
        """Return the newest in a server's showcase that a user does not like, as far as they have said."""
        liked = exists().where((RATINGS.c.opus == OPERA.c.id) & (RATINGS.c.user == user))
        query = select(OPERA).join(SHOWN, SHOWN.c.opus == OPERA.c.id).where(SHOWN.c.server == server, ~liked)
        async with self._transaction() as connection:
            newest = query.order_by(OPERA.c.created.desc(), OPERA.c.id).limit(limit)
            return tuple(_opus(row) for row in await connection.execute(newest))

    async def likes_it(self, id: str, user: int) -> bool:
        """Tell whether a user likes a composition."""
        mine = (RATINGS.c.opus == id) & (RATINGS.c.user == user)
        async with self._transaction() as connection:
            return bool((await connection.execute(select(exists().where(mine)))).scalar_one())

    async def takes_with(self, opus: Opus) -> tuple[Opus, ...]:
        """Return the takes that a composition was made with, itself among them, if they are still kept."""
        alike = (OPERA.c.author == opus.author) & OPERA.c.created.between(opus.created - BESIDE, opus.created + BESIDE)
        async with self._transaction() as connection:
            found = [_opus(row) for row in await connection.execute(select(OPERA).where(alike))]
        return tuple(each for each in found if (each.request, each.parent) == (opus.request, opus.parent))

    async def server(self, id: int | None) -> Server:
        """Return what a server has chosen; a direct message has chosen nothing."""
        async with self._transaction() as connection:
            row = (await connection.execute(select(SERVERS).where(SERVERS.c.id == id))).one_or_none()
        return Server() if row is None else Server(**{field.name: getattr(row, field.name) for field in fields(Server)})

    async def daily(self) -> dict[int, Server]:
        """Return what those servers have chosen that want a piece of the day, by their ids."""
        query = select(SERVERS).where(SERVERS.c.daily.is_not(None))
        async with self._transaction() as connection:
            rows = list(await connection.execute(query))
        return {row.id: Server(**{field.name: getattr(row, field.name) for field in fields(Server)}) for row in rows}

    async def choose(self, id: int, server: Server) -> None:
        """Keep what a server has chosen."""
        values = asdict(server)
        first = UPSERT[self._engine.dialect.name](SERVERS).values(id=id, **values)
        async with self._transaction() as connection:
            await connection.execute(first.on_conflict_do_update(index_elements=[SERVERS.c.id], set_=values))

    async def forget(self, user: int) -> int:
        """Delete all that is kept of a user, and return how many compositions that were."""
        now = time.monotonic()
        self._forgotten = {each: when for each, when in self._forgotten.items() if when > now - LONGEST_REQUEST}
        self._forgotten[user] = now
        async with self._transaction() as connection:
            await connection.execute(delete(RATINGS).where(RATINGS.c.user == user))
            await connection.execute(delete(VOTES).where(VOTES.c.user == user))
            await connection.execute(delete(TURNS).where(TURNS.c.user == user))
            await connection.execute(update(JAMS).where(JAMS.c.starter == user).values(starter=None))
            await connection.execute(update(JAMS).where(JAMS.c.holder == user).values(holder=None, until=None))
            await connection.execute(update(TRAININGS).where(TRAININGS.c.user == user).values(user=None))
            await connection.execute(update(REQUESTS).where(REQUESTS.c.user == user).values(job=None))
            await connection.execute(delete(ALLOWANCES).where(ALLOWANCES.c.user == user))
            return (await connection.execute(delete(OPERA).where(OPERA.c.author == user))).rowcount

    def _transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return engine.transaction(self._engine)


def forgotten() -> StoreError:
    """Say that a composition's user had themselves forgotten before it was there."""
    return StoreError("You asked me to forget you while this was being composed, so it was not kept.")


def gone() -> StoreError:
    """Say that a composition has been deleted."""
    return StoreError("This piece is no longer kept: it has been deleted.")


def _row(opus: Opus) -> dict[str, Any]:
    request = {name: value for name, value in REQUEST.write(opus.request).items() if name not in NOT_KEPT}
    names = (field.name for field in fields(Opus) if field.name not in WRITTEN)
    return {name: getattr(opus, name) for name in names} | {
        "model": opus.model.name,
        "version": opus.model.version,
        "rest_unit": opus.model.rest_unit,
        "anchor": opus.model.anchor,
        "request": request,
        "parts": None if opus.parts is None else PARTS.write(opus.parts),
    }


def _opus(row: Row[Any]) -> Opus:
    kept = row._mapping
    names = (field.name for field in fields(Opus) if field.name not in WRITTEN)
    return Opus(
        model=ModelInfo(kept["model"], kept["version"], kept["rest_unit"], kept["anchor"]),
        request=REQUEST.read({**kept["request"], "model": kept["model"]}),
        parts=None if kept["parts"] is None else PARTS.read(kept["parts"]),
        **{name: kept[name] for name in names},
    )
