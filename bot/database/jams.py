"""The jams that are going on, in the database: one in a thread, its turns, and whose the next one is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.database.engine import transaction
from bot.database.tables import JAMS, TURNS
from core.composing.recipe import ComposeRequest, ModelInfo
from core.errors import CadenzaError
from core.processes.kept import Kept

CADENZA: Final = 0  # in the place of a user's id


class JamError(CadenzaError):
    """Say why a jam cannot begin, or a turn be played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Music:
    """Hold what a jam plays: its recipe with all filled in but the model's folder, and how long a turn is in bars."""

    request: ComposeRequest
    model: ModelInfo
    bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Jam:
    """Hold a jam as it is kept.

    `thread`, `server`, `starter`, `holder` and `message` are ids, `text` is what has been played in `turns` turns, and
    the `players` those who played them, the last one last; those who had themselves forgotten are not among them. Until
    `until` the next turn is the holder's.
    """

    thread: int
    server: int
    starter: int | None
    music: Music
    text: str = ""
    turns: int = 0
    holder: int | None = None
    until: datetime | None = None
    message: int | None = None
    players: tuple[tuple[int, int], ...] = field(default=())  # the number of a turn, and who played it

    @property
    def last(self) -> int | None:
        """Return who played the last turn, if that is known."""
        return next((user for number, user in self.players if number == self.turns), None)


MUSIC: Final = Kept(Music)


class Jams:
    """Keep jams in the store's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def begin(self, jam: Jam) -> None:
        """Keep a jam. Raises JamError where one is going on already."""
        values = {
            "thread": jam.thread,
            "server": jam.server,
            "starter": jam.starter,
            "music": MUSIC.write(jam.music),
            "text": "",
            "turns": 0,
        }
        try:
            async with transaction(self._engine) as connection:
                await connection.execute(insert(JAMS).values(**values))
        except IntegrityError:
            raise JamError("A jam is going on in this thread already. /jam end ends it.") from None

    async def get(self, thread: int | None) -> Jam:
        """Return the jam of a thread. Raises JamError."""
        turns = select(TURNS.c.number, TURNS.c.user).where(TURNS.c.thread == thread).order_by(TURNS.c.number)
        async with transaction(self._engine) as connection:
            row = (await connection.execute(select(JAMS).where(JAMS.c.thread == thread))).one_or_none()
            players = tuple((each.number, each.user) for each in await connection.execute(turns))
        if row is None:
            raise JamError("No jam is going on in this thread. /jam start begins one.")
        return Jam(**{**row._mapping, "music": MUSIC.read(row.music), "players": players})

    async def claim(self, jam: Jam, user: int, span: timedelta) -> bool:
        """Give somebody the next turn for a while, unless it is another's; tell whether it is theirs."""
        now = datetime.now(UTC)
        free = or_(JAMS.c.holder.is_(None), JAMS.c.holder == user, JAMS.c.until < now)
        mine = (JAMS.c.thread == jam.thread) & (JAMS.c.turns == jam.turns) & free
        async with transaction(self._engine) as connection:
            claimed = update(JAMS).where(mine).values(holder=user, until=now + span)
            return bool((await connection.execute(claimed)).rowcount)

    async def late(self, now: datetime) -> dict[int, int]:
        """Return the threads in which the turn of somebody has waited too long, with their servers."""
        query = select(JAMS.c.thread, JAMS.c.server).where(JAMS.c.holder.is_not(None), JAMS.c.until < now)
        async with transaction(self._engine) as connection:
            return {row.thread: row.server for row in await connection.execute(query)}

    async def pass_over(self, jam: Jam, now: datetime) -> bool:
        """Let the turn pass of whoever has waited too long with it; tell whether it was still theirs."""
        late = (JAMS.c.thread == jam.thread) & (JAMS.c.turns == jam.turns) & (JAMS.c.until < now)
        async with transaction(self._engine) as connection:
            passed = update(JAMS).where(late & (JAMS.c.holder == jam.holder)).values(holder=None, until=None)
            return bool((await connection.execute(passed)).rowcount)

    async def release(self, jam: Jam, user: int) -> None:
        """Let somebody's turn pass."""
        mine = (JAMS.c.thread == jam.thread) & (JAMS.c.turns == jam.turns) & (JAMS.c.holder == user)
        async with transaction(self._engine) as connection:
            await connection.execute(update(JAMS).where(mine).values(holder=None, until=None))

    async def play(self, jam: Jam, user: int, text: str) -> None:
        """Keep a turn. Raises JamError where another was played meanwhile."""
        same = (JAMS.c.thread == jam.thread) & (JAMS.c.turns == jam.turns)
        played = update(JAMS).where(same).values(text=text, turns=jam.turns + 1, holder=None, until=None)
        async with transaction(self._engine) as connection:
            if not (await connection.execute(played)).rowcount:
                raise JamError("Your turn took too long, and somebody else has played. Take the next one.")
            turn = insert(TURNS).values(thread=jam.thread, number=jam.turns + 1, user=user)
            await connection.execute(turn)

    async def note_message(self, thread: int, message: int) -> None:
        """Note which message shows a jam's last turn."""
        async with transaction(self._engine) as connection:
            await connection.execute(update(JAMS).where(JAMS.c.thread == thread).values(message=message))

    async def end(self, thread: int) -> bool:
        """Forget a jam; tell whether it was still going on."""
        async with transaction(self._engine) as connection:
            return bool((await connection.execute(delete(JAMS).where(JAMS.c.thread == thread))).rowcount)
