"""What the bot's tests share: one workers with real workers and a small model, and a bot in a Discord of its own."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import discord
import numpy as np
import pytest
import pytest_asyncio
import simcord
from simcord import interactions

from bench import humming
from bench.humming import CLEAN
from bot.client import ComposerBot
from bot.database.store import Store
from bot.settings import Settings
from bot.training import messages, trainer
from bot.work.workers import Workers
from core.composing import recipe
from core.composing.recipe import ComposeRequest
from core.processes.child import Pool
from tests.bot import databases
from tests.bot.acting import PATIENCE, Gate
from tests.bot.music import TUNE
from tests.bot.trainings import Scene
from tests.machine import lacking


class Remembering(Workers):
    """Compose what is asked for with a seed once, and give it to all tests that ask for the same of the same model."""

    def __init__(self, model: Path) -> None:
        self._model, self._composed = str(model), dict[bytes, Any]()
        super().__init__(2, PATIENCE, ComposeRequest(model=self._model, primer="60r1", bars=1, seed=0), 0)

    async def _run(self, pool: Pool, deadline: float, function: Any, *args: Any, **kwargs: Any) -> Any:
        if function is not recipe.compose or args[0].seed is None or args[0].model != self._model:
            return await super()._run(pool, deadline, function, *args, **kwargs)
        key = pickle.dumps(args)
        if key not in self._composed:
            self._composed[key] = await super()._run(pool, deadline, function, *args, **kwargs)
        return self._composed[key]


@pytest.fixture(scope="session")
def workers(tiny_model: Path) -> Iterator[Workers]:
    """Return two workers, which start with the first request."""
    workers = Remembering(tiny_model)
    yield workers
    workers.stop()


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Return the URL of a PostgreSQL of the tests' own."""
    programs = databases.binaries()
    if programs is None:
        lacking("PostgreSQL is not installed (Debian: postgresql).")
    with databases.postgresql(programs) as url:
        yield url


@pytest_asyncio.fixture
async def postgresql(cluster: str) -> AsyncIterator[str]:
    """Return the URL of an empty database in it."""
    await databases.empty(cluster)  # of machines that tests of several processes have killed
    yield cluster
    await databases.empty(cluster)


@pytest.fixture(scope="session")
def hum() -> tuple[str, bytes]:
    """Return a voice message in which somebody hums."""
    chance = np.random.default_rng(0)
    notes = humming.sung(TUNE, CLEAN, chance, 0.5, 0)
    return "voice-message.ogg", humming.as_voice_message(humming.voice(notes, CLEAN, None, chance))


@pytest.fixture
def settings(tiny_model: Path, tmp_path: Path) -> Settings:
    """Return settings for a bot with the small model alone."""
    return Settings(models=tiny_model.parent, data=tmp_path, shards=1, training_nice=0, film="never")  # which cost time


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a database of which all migrations have been run, as a file."""
    path = tmp_path_factory.mktemp("database") / "cadenza.db"

    async def create() -> None:
        async with Store(f"sqlite+aiosqlite:///{path}"):
            pass

    asyncio.run(create())
    return path.read_bytes()


@pytest_asyncio.fixture
async def store(settings: Settings, empty_database: bytes) -> AsyncIterator[Store]:
    """Open a database of the test's own."""
    (settings.data / "cadenza.db").write_bytes(empty_database)
    async with Store(f"sqlite+aiosqlite:///{settings.data / 'cadenza.db'}") as store:
        yield store


@pytest.fixture
def bot(settings: Settings, workers: Workers, store: Store) -> ComposerBot:
    """Return a bot that has not logged in."""
    return ComposerBot(settings, workers, store)


@pytest_asyncio.fixture
async def env(bot: ComposerBot) -> AsyncIterator[simcord.Env]:
    """Log the bot in, and fail where it raises what no user could mend."""
    env = simcord.Env(bot, settle_timeout=PATIENCE)
    await env.start()
    yield env
    await env.shutdown()
    simcord.assert_no_errors(env)


@pytest.fixture
def gate(env: simcord.Env, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Return a gate, open at first, behind the bot's workers."""
    gate, run = Gate(env), Workers.run

    async def answer(workers: Workers, function: Any, *args: Any, **kwargs: Any) -> Any:
        answered = await run(workers, function, *args, **kwargs)
        await gate.go_through()
        return answered

    monkeypatch.setattr(Workers, "run", answer)
    return gate


@pytest.fixture(scope="session", autouse=True)
def unmeasured() -> Iterator[None]:
    """Let trainings take no time for what suits a model when it composes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "MEASURING", 0)
        yield


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the messages of trainings be edited without a pause between."""
    monkeypatch.setattr(messages, "EDIT_EVERY", 0.0)


@pytest.fixture
def guild(env: simcord.Env) -> simcord.GuildHandle:
    """Return a server."""
    return env.create_guild()


@pytest.fixture
def channel(guild: simcord.GuildHandle) -> simcord.ChannelHandle:
    """Return a channel of the server."""
    return guild.create_text_channel("music")


@pytest.fixture
def alice(env: simcord.Env, guild: simcord.GuildHandle) -> simcord.MemberActor:
    """Return a member of the server."""
    return guild.add_member(env.create_user("alice"))


@pytest.fixture
def bob(env: simcord.Env, guild: simcord.GuildHandle) -> simcord.MemberActor:
    """Return another member of the server."""
    return guild.add_member(env.create_user("bob"))


@pytest.fixture
def moderator(env: simcord.Env, guild: simcord.GuildHandle) -> simcord.MemberActor:
    """Return a member who may delete others' messages."""
    role = guild.create_role("moderator", permissions=discord.Permissions(manage_messages=True))
    return guild.add_member(env.create_user("mod"), roles=[role])


CASES = {"anybody": ("author", "stranger", "moderator"), "then": ("before a restart", "after a restart")}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have members of each kind click, and before a restart as well as after it, but not each kind at both times."""
    names = [name for name in CASES if name in metafunc.fixturenames]
    if names:
        turns = range(max(len(CASES[name]) for name in names))
        cases = [[CASES[name][turn % len(CASES[name])] for name in names] for turn in turns]
        metafunc.parametrize(names, cases, indirect=True)


@pytest.fixture
def anybody(
    request: pytest.FixtureRequest,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    moderator: simcord.MemberActor,
) -> simcord.MemberActor:
    """Return each kind of member in turn; Alice is the author of the tests' pieces."""
    return {"author": alice, "stranger": bob, "moderator": moderator}[request.param]


@pytest_asyncio.fixture
async def then(
    request: pytest.FixtureRequest, env: simcord.Env, settings: Settings, workers: Workers, store: Store
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Return what to await between showing something and clicking on it: nothing, or the start of a second bot."""

    async def restart() -> None:
        if request.param == "after a restart":
            await env.restart_bot(ComposerBot(settings, workers, again))

    async with Store(f"sqlite+aiosqlite:///{settings.data / 'cadenza.db'}") as again:
        yield restart


@pytest_asyncio.fixture
async def piece(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> discord.Message:
    """Return the message with a composition of Alice's."""
    result = await alice.slash(channel, "compose", primer="60r2 64r2", bars=4, seed=11, tempo=120)
    assert result.response is not None
    return result.response.message


@pytest_asyncio.fixture
async def old_piece(piece: discord.Message, then: Callable[[], Awaitable[None]]) -> discord.Message:
    """Return the message with a composition of Alice's, before and after a restart of the bot."""
    await then()
    return piece


@pytest.fixture
def admin(env: simcord.Env, guild: simcord.GuildHandle) -> simcord.MemberActor:
    """Return a member who may manage the server."""
    role = guild.create_role("admin", permissions=discord.Permissions(manage_guild=True))
    return guild.add_member(env.create_user("admin"), roles=[role])


@pytest.fixture
def locales(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """Return what users' locales are, by their ids: SimCord, which knows none, sends these."""
    chosen: dict[int, str] = {}
    original = interactions.base_payload

    def base_payload(*args: Any, user_id: int, **options: Any) -> Any:
        record, payload = original(*args, user_id=user_id, **options)
        return record, {**payload, "locale": chosen.get(user_id, "en-US")}

    monkeypatch.setattr(interactions, "base_payload", base_payload)
    return chosen


@pytest.fixture
def scene(
    env: simcord.Env,
    bot: ComposerBot,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> Scene:
    """Return a server whose admin may ask for trainings."""
    return Scene(env, bot, admin, guild, channel)
