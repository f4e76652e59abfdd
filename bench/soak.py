"""A whole Cadenza of many processes under load and faults by chance: `python -m bench.soak MINUTES [--seed 1]`.

200 users on 20 servers, one of which never stops asking, 2 chat, 3 composing and 2 training processes over PostgreSQL
and S3. It needs root, to mount a small disk that can be filled. What it prints are counts and seconds of one run.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from core.model import bundle
from tests.bot.acting import until
from tests.bot.databases import binaries
from tests.bot.loopback import Asked, Discord, Member
from tests.bot.machines import Machine
from tests.bot.music import midi, packed
from tests.bot.world import SHARDS, World, disk, fill, models_are_whole, world_of

SERVERS: Final = 20
USERS: Final = 200
FLOODING: Final = 0  # the server whose users ask again as soon as they may
THINK: Final = 900.0  # seconds between two requests of any other user, on average
BARS: Final = (2, 4, 8, 16)
FAULT_EVERY: Final = 40.0  # seconds between two faults, on average
TRAIN_EVERY: Final = 300.0
AFTER: Final = 900.0  # seconds in which all must end that was asked
NICE: Final = 10  # of all that composes and trains, so that it can run beside something else
LOOK: Final = 0.25  # seconds between two looks at how requests stand
PATIENCE: Final = 60.0  # seconds for an answer to come that is to be disturbed
UNHEARD: Final = 3.0  # seconds after which Discord tells a user that nobody has answered
MANAGE_SERVER: Final = 1 << 5


class Requests:
    """Follow all requests, and how many seconds each took."""

    def __init__(self, discord: Discord) -> None:
        self._discord = discord
        self._open: dict[str, tuple[Asked, float, asyncio.Future[None]]] = {}
        self._took: dict[str, float] = {}

    async def ask(self, member: Member, command: str, **options: Any) -> None:
        """Use a command, and wait for the end of it."""
        asked = self._discord.ask(member, command, **options)
        over = asyncio.get_running_loop().create_future()
        self._open[asked.token] = asked, time.monotonic(), over
        await over

    async def watch(self) -> None:
        """Note when requests end."""
        while True:
            await asyncio.sleep(LOOK)
            now = time.monotonic()
            for token, (asked, since, over) in tuple(self._open.items()):
                end = asked.end(self._discord)
                if end and (end != "unheard" or now - since > UNHEARD):
                    self._took[token] = now - since
                    over.set_result(None)
                    del self._open[token]

    def seconds(self, *, flooding: bool, server: int) -> list[float]:
        """Return how long pieces took, on the flooding server or on all others."""
        known = self._discord.asked
        return sorted(
            seconds
            for token, seconds in self._took.items()
            if known[token].files and (known[token].member.server == server) == flooding
        )


class Faults:
    """Do harm by chance, and write down what."""

    def __init__(self, world: World, small: Path, chance: random.Random) -> None:
        self._world, self._small, self._chance = world, small, chance
        self.done: Counter[str] = Counter()

    async def go_on(self) -> None:
        """Do harm until cancelled; then all is mended."""
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "a composer killed": lambda: self._kill(self._world.composers[1:]),
            "a trainer killed": lambda: self._kill(self._world.trainers[1:]),
            "a chat killed": lambda: self._kill(self._world.chats[1:]),
            "a chat killed before it posts": lambda: self._kill_posting(False),
            "a chat killed after it has posted": lambda: self._kill_posting(True),
            "the database stopped": self._stop_database,
            "the storage cut": self._cut_storage,
            "a worker frozen": self._freeze,
            "a disk full": self._fill_disk,
        }
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / FAULT_EVERY))
            kind = self._chance.choice(sorted(kinds))
            print(f"{time.strftime('%H:%M:%S')} {kind}", file=sys.stderr, flush=True)
            self.done[kind] += 1
            await kinds[kind]()

    async def _kill(self, machines: Sequence[Machine]) -> None:
        machine = self._chance.choice(machines)
        machine.kill()
        await asyncio.sleep(self._chance.uniform(1, 20))
        machine.start()
        await until(lambda: machine.ready)

    async def _kill_posting(self, posted: bool) -> None:
        chat, killed = self._world.chats[1], asyncio.Event()

        def intercept(token: str, arrived: bool) -> bool:
            shard = self._world.discord.asked[token].member.server >> 22
            if shard % SHARDS != 1 or arrived != posted or killed.is_set():
                return True
            killed.set()
            chat.kill()
            return posted

        self._world.discord.intercept = intercept
        with suppress(TimeoutError):
            await asyncio.wait_for(killed.wait(), PATIENCE)
            await self._kill([chat])
        self._world.discord.intercept = lambda token, arrived: True

    async def _stop_database(self) -> None:
        await asyncio.to_thread(self._world.cluster.stop)
        try:
            await asyncio.sleep(self._chance.uniform(2, 20))
        finally:
            await asyncio.shield(asyncio.to_thread(self._world.cluster.start))

    async def _cut_storage(self) -> None:
        await asyncio.to_thread(self._world.bucket.cut)
        try:
            await asyncio.sleep(self._chance.uniform(2, 20))
        finally:
            self._world.bucket.mend()

    async def _freeze(self) -> None:
        machine = self._chance.choice([*self._world.composers[1:], *self._world.trainers[1:], self._world.chats[1]])
        machine.freeze()
        try:
            await asyncio.sleep(self._chance.uniform(5, 60))
        finally:
            machine.thaw()

    async def _fill_disk(self) -> None:
        filler = self._small / "filler"
        await asyncio.to_thread(fill, filler)
        try:
            await asyncio.sleep(self._chance.uniform(5, 30))
        finally:
            filler.unlink()


async def soak(minutes: float, seed: int) -> dict[str, Any]:
    """Let it run, and count."""
    programs = binaries()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed (Debian: postgresql).")
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        small = Path(place) / "small"
        small.mkdir()
        stack.enter_context(disk(small, "200m"))
        (Path(place) / "many").mkdir()
        own = {"CADENZA_DATA": str(small / "data"), "TMPDIR": str(small)}
        composers: list[dict[str, str]] = [{}, {}, {**own, "CADENZA_DATA": str(small / "compose")}]
        trainers: list[dict[str, str]] = [{}, own]
        many = world_of(
            programs, bundle.SHIPPED, Path(place) / "many", composers=composers, trainers=trainers, nice=NICE
        )
        start = stack.enter_context(many)
        async with Discord() as discord:
            world = start(discord)
            await world.ready()
            counts = await _run(world, small, minutes, chance)
            await asyncio.to_thread(world.end)  # while there is a Discord to say goodbye to
            return counts


async def _run(world: World, small: Path, minutes: float, chance: random.Random) -> dict[str, Any]:
    discord, requests = world.discord, Requests(world.discord)
    servers = [discord.server(f"server {number}", number % SHARDS, SHARDS) for number in range(SERVERS)]
    users = [discord.member(f"user {number}", *servers[number % SERVERS]) for number in range(USERS)]
    admins = [
        discord.member(f"admin {number}", *server, permissions=MANAGE_SERVER) for number, server in enumerate(servers)
    ]
    faults = Faults(world, small, chance)
    end = time.monotonic() + 60 * minutes
    written = await world.sql("SELECT pg_current_wal_lsn()::text")
    flooding = servers[FLOODING][0]
    asking = [asyncio.create_task(_ask(requests, user, chance, user.server == flooding, end)) for user in users]
    asking.append(asyncio.create_task(_train(requests, admins, chance, end)))
    watching = asyncio.create_task(requests.watch())
    harm = asyncio.create_task(faults.go_on())
    memory: list[dict[str, float]] = []
    for minute in range(int(minutes)):
        await asyncio.sleep(max(0.0, end - 60 * (minutes - minute - 1) - time.monotonic()))
        memory.append(_memory(world))
        discord.forget()
        print(f"{minute + 1} min: {dict(discord.ends())} {memory[-1]}", file=sys.stderr, flush=True)
    harm.cancel()
    await asyncio.gather(harm, return_exceptions=True)
    discord.intercept = lambda token, arrived: True
    for machine in world.machines:
        machine.thaw()
        if machine.process.poll() is not None:
            machine.start()
    await asyncio.wait(asking, timeout=AFTER)
    await asyncio.wait_for(until(lambda: _nothing_owed(world)), AFTER)
    watching.cancel()
    await models_are_whole(world)
    counts = await _counts(world, requests, faults, memory, flooding)
    wal = await world.sql("SELECT pg_current_wal_lsn() - $1::text::pg_lsn", written)
    kept = await world.sql("SELECT pg_total_relation_size('opera')")
    return counts | {
        "KiB of WAL a piece": round(float(wal) / 1024 / max(1, counts["pieces"]), 1),
        "KiB that are kept of a piece": round(kept / 1024 / max(1, counts["pieces"]), 1),
    }


async def _ask(requests: Requests, user: Member, chance: random.Random, floods: bool, end: float) -> None:
    """Be a user, who waits for each answer."""
    while time.monotonic() < end:
        pause = chance.uniform(0.5, 2) if floods else chance.expovariate(1 / THINK)
        await asyncio.sleep(min(pause, max(0.0, end - time.monotonic())))
        if time.monotonic() >= end:
            return
        await requests.ask(user, "compose", bars=chance.choice(BARS))


async def _train(requests: Requests, admins: Sequence[Member], chance: random.Random, end: float) -> None:
    """Have models trained, now and then."""
    number = 0
    while time.monotonic() < end - TRAIN_EVERY:
        number += 1
        tunes = packed(**{f"tune {one}__mid": midi(10 * number + one, 150) for one in range(10)})
        await requests.ask(
            chance.choice(admins), "train start", name=f"model-{number}", minutes=1, file=("tunes.zip", tunes)
        )
        await asyncio.sleep(TRAIN_EVERY)


async def _nothing_owed(world: World) -> bool:
    requests = await world.sql("SELECT count(*) FROM requests")
    trainings = await world.sql("SELECT count(*) FROM trainings WHERE NOT told")
    return not requests and not trainings


async def _counts(
    world: World, requests: Requests, faults: Faults, memory: Sequence[dict[str, float]], flooding: int
) -> dict[str, Any]:
    discord, ends = world.discord, world.discord.ends()
    quiet, flood = (requests.seconds(flooding=floods, server=flooding) for floods in (False, True))
    trainings = await world.sql(
        "SELECT json_object_agg(state, n) FROM (SELECT state, count(*) n FROM trainings GROUP BY 1) t"
    )
    return {
        "requests": len(discord.asked),
        "pieces": ends["piece"],
        "sentences": ends["sentence"],
        "unheard, since their chat process was down or late": ends["unheard"],
        "lost": ends[""],
        "duplicates": sum(max(0, one.files - 1) for one in discord.asked.values()),
        "seconds, quiet servers, p50 and p99": _quantiles(quiet),
        "seconds, flooding server, p50 and p99": _quantiles(flood),
        "trainings": json.loads(trainings or "{}"),
        "faults": dict(faults.done),
        "memory in MiB, tenth minute": memory[min(9, len(memory) - 1)],
        "memory in MiB, end": memory[-1],
    }


def _quantiles(seconds: Sequence[float]) -> list[float]:
    if len(seconds) < 2:
        return list(seconds)
    hundredths = statistics.quantiles(seconds, n=100, method="inclusive")
    return [round(hundredths[49], 1), round(hundredths[98], 1)]


def _memory(world: World) -> dict[str, float]:
    """Return the memory of the process of each role that is never killed, with its children's, in MiB."""
    own = {"chat": world.chats[0], "compose": world.composers[0], "train": world.trainers[0]}
    return {role: round(sum(map(_resident, family(machine.process.pid)))) for role, machine in own.items()}


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that its threads have started."""
    yield pid
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = thread.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from family(int(child))


def _resident(pid: int) -> float:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


def main() -> int:
    """Print the counts as JSON; return 1 if anything was lost or came twice."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    counts = asyncio.run(soak(chosen.minutes, chosen.seed))
    print(json.dumps(counts, indent=2))
    return int(bool(counts["lost"] or counts["duplicates"]))


if __name__ == "__main__":
    sys.exit(main())
