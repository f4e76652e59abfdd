"""Many users at once: nothing is lost, and no server waits for another's flood."""

import re
import statistics
from dataclasses import dataclass

import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Store
from bot.settings import Settings
from bot.work.workers import Workers
from tests.bot.acting import PATIENCE
from tests.bot.crowd import Request, User, ask_all

WORKERS = 2


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"workers": WORKERS})


@dataclass(frozen=True)
class Server:
    users: int
    pieces: int  # that each of them asks for, one after the other


@pytest.mark.parametrize(
    ("servers", "bars"),
    [
        pytest.param((Server(8, 1), Server(3, 1), Server(3, 1), Server(3, 1), Server(1, 2)), 1, id="18 users"),
        pytest.param(
            (Server(60, 2), Server(13, 1), Server(13, 1), Server(13, 1), Server(1, 10)),
            8,
            id="100 users",
            marks=pytest.mark.slow,
        ),
    ],
)
async def test_a_flood_loses_nothing_and_a_quiet_servers_user_waits_for_a_few_only(
    env: simcord.Env,
    store: Store,
    servers: tuple[Server, ...],
    bars: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    crowds: list[list[User]] = []
    for number, server in enumerate(servers):
        guild = env.create_guild(f"server {number}")
        channel = guild.create_text_channel("music")
        members = [guild.add_member(env.create_user(f"u{number}-{n}")) for n in range(server.users)]
        crowds.append([User(member, channel, server.pieces) for member in members])
    seconds = await ask_all(env, [user for crowd in crowds for user in crowd], bars)

    for crowd, server in zip(crowds, servers, strict=True):
        assert all(request.end for user in crowd for request in user.requests)
        for user in crowd:  # whatever was answered is kept, once
            kept = await store.by_author(user.actor.id, 100)
            assert len(kept) == len(user.answers) == server.pieces
            assert {opus.bars for opus in kept} == {bars}
    *_, [quiet] = crowds
    assert len(quiet.requests) == quiet.pieces  # it was never turned away
    places = _places(env, quiet.requests)
    assert places
    assert max(places) <= len(servers) - 1  # one request of each other server goes first
    flood = [request for user in crowds[0] for request in user.requests]
    assert max(request.seconds for request in quiet.requests) < max(request.seconds for request in flood)
    with capsys.disabled():
        print(_figures(seconds, crowds, flood, quiet.requests))


async def test_a_server_has_only_so_many_waiting(settings: Settings, workers: Workers, store: Store) -> None:
    bot = ComposerBot(settings.model_copy(update={"workers": 1, "waiting": 2}), workers, store)
    async with simcord.run(bot, settle_timeout=PATIENCE) as env:
        guild = env.create_guild()
        channel = guild.create_text_channel("music")
        users = [User(guild.add_member(env.create_user(f"u{n}")), channel, 1) for n in range(6)]
        await ask_all(env, users, 1)
        refusals = [request for user in users for request in user.requests if request.end == "refused"]
        assert refusals
        told = [env.backend.get_message(r.record.channel_id, r.record.message_id).content for r in refusals]
        assert {bool(re.match("2 requests from this server are waiting already", text)) for text in told} == {True}
        assert all(len(user.answers) == 1 for user in users)


def _places(env: simcord.Env, requests: list[Request]) -> list[int]:
    """Return all places in the queue that were shown to those who asked."""
    tokens = {request.record.token for request in requests}
    texts = [
        str(patch.json["content"])
        for patch in env.http_requests
        if patch.method == "PATCH" and patch.json and patch.json.get("content") and tokens & set(patch.path.split("/"))
    ]
    return [0 if text.startswith("You are next") else int(text.split()[0]) for text in texts]


def _figures(seconds: float, crowds: list[list[User]], flood: list[Request], quiet: list[Request]) -> str:
    requests = [request for crowd in crowds for user in crowd for request in user.requests]
    answered = [request for request in requests if request.end == "answered"]
    waits = sorted(request.seconds for request in flood if request.end == "answered")
    return (
        f"\n{sum(map(len, crowds))} users in {len(crowds)} servers, {WORKERS} workers: {len(requests)} requests in"
        f" {seconds:.0f} s, {len(answered)} answered, {len(requests) - len(answered)} refused, 0 lost."
        f" Wait in the flood: median {statistics.median(waits):.1f} s, at most {waits[-1]:.1f} s."
        f" Wait of the quiet server: at most {max(request.seconds for request in quiet):.1f} s,"
        f" {max(request.answers_meanwhile for request in quiet)} answers including its own."
    )
