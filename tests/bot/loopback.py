"""A Discord on this machine, for bots in processes of their own: SimCord's, behind HTTP and a gateway.

python -m tests.bot.loopback URL chat    the bot with that Discord in place of the real one, as `python -m bot chat`
"""

import asyncio
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Self

import discord
from aiohttp import WSMsgType, web
from simcord import intents as simulated
from simcord import interactions
from simcord.backend import Backend, serializers
from simcord.backend.cdn import CDN_BASE
from simcord.backend.errors import BackendError
from simcord.http import router  # the client knows all routes

from bot.chat.replies import FILLED

TOKEN = "MTIz.not.real"
HELLO, INVALID, ACK = 10, 9, 11  # what the gateway says


@dataclass(frozen=True)
class Member:
    """Hold somebody on a server, where they write."""

    user: int
    server: int
    channel: int


@dataclass(eq=False)
class _Connection:
    socket: web.WebSocketResponse
    shard: int = 0
    shards: int = 1
    intents: discord.Intents = field(default_factory=discord.Intents.none)
    sequence: int = 0


@dataclass
class Asked:
    """Follow what became of one command: how often it was answered with files, and what Discord shows of it."""

    id: int
    token: str
    member: Member
    files: int = 0

    def end(self, discord: "Discord") -> str:
        """Say how it ended: "piece", "sentence", "unheard" if no process has promised an answer, or "" for not yet."""
        record = discord.backend.interactions[self.id]
        if not record.responded:
            return "unheard"
        if self.files:
            return "piece"
        messages = discord.backend.messages[self.member.channel]
        shown = [messages[one] for one in (record.message_id, *record.followup_ids) if one in messages]
        said = "".join(message.content for message in shown)
        waits = record.loading or said == FILLED or said.startswith("You are next") or "ahead of you" in said
        told = said or any(message.embeds for message in shown)
        return "sentence" if told and not waits else ""


class Discord:
    """Be Discord for as many bots' processes as like; a context. `url` is where."""

    def __init__(self) -> None:
        self.backend = Backend()
        self.asked: dict[str, Asked] = {}
        self.intercept: Callable[[str, bool], bool] = lambda token, arrived: True
        self.url = ""
        self._connections: set[_Connection] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self.backend.subscribers.append(self._emit)

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=64 << 20)
        application.router.add_get("/gateway/", self._gateway)
        application.router.add_get("/cdn/{path:.*}", self._cdn)
        application.router.add_route("*", "/api/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._set_clock()
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in tuple(self._connections):
            await connection.socket.close()
        await self._runner.cleanup()

    def member(self, name: str, server: int, channel: int, permissions: int = 0) -> Member:
        """Have somebody on a server."""
        user = self.backend.make_user(name)
        roles = [self.backend.create_role(server, name, permissions=permissions).id] if permissions else []
        self.backend.add_member(server, user.id, roles=roles)
        return Member(user.id, server, channel)

    def server(self, name: str, shard: int = 0, shards: int = 1) -> tuple[int, int]:
        """Make a server of a shard; return its id and that of its channel."""
        made = self.backend.create_guild(name, shard_id=shard, shard_count=shards)
        return made.id, self.backend.create_channel(made.id, "music").id

    def open(self, shard: int, shards: int) -> bool:
        """Tell whether a bot's process listens to a shard, and Discord knows the commands."""
        listening = any((one.shard, one.shards) == (shard, shards) for one in self._connections)
        return listening and bool(self.backend.commands.get(None))

    def ask(self, member: Member, command: str, **options: Any) -> Asked:
        """Use a command, as who does in a client; a file is a pair of name and bytes."""
        self._set_clock()
        name, *path = command.split()
        root = self.backend.commands[None][name, 1]
        leaf, nesting = interactions.walk_to_subcommand(root, path)
        actor: Any = SimpleNamespace(_env=SimpleNamespace(backend=self.backend))
        built, resolved = interactions.build_options(actor, command, leaf, options, channel_id=member.channel)
        data = {
            "id": root["id"],
            "name": name,
            "type": 1,
            "options": interactions.nest_options(root, nesting, built),
            "resolved": resolved,
        }
        record, payload = interactions.base_payload(
            self.backend, type=2, channel_id=member.channel, guild_id=member.server, user_id=member.user, data=data
        )
        asked = self.asked[record.token] = Asked(record.id, record.token, member)
        self.backend.emit("INTERACTION_CREATE", payload)
        return asked

    def forget(self) -> None:
        """Forget files and what was said on the way, which a long run would fill the memory with."""
        self.backend.cdn._blobs.clear()
        self.backend.transcript.clear()
        self.backend.http_requests.clear()

    def ends(self) -> Counter[str]:
        """Count how the commands ended."""
        return Counter(asked.end(self) for asked in self.asked.values())

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self._set_clock()
        path = "/" + request.path.removeprefix("/api/").partition("/")[2]
        if path == "/gateway/bot":
            limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 16}
            url = self.url.replace("http", "ws") + "/gateway/"
            return self._json({"url": url, "shards": 1, "session_start_limit": limit})
        body, files = await _read(request)
        asked = next((self.asked[part] for part in path.split("/") if part in self.asked), None) if files else None
        if asked is not None and not self.intercept(asked.token, False):
            return self._json({}, status=500)
        try:
            done = router.dispatch(
                self.backend, request.method, path, json=body, params=dict(request.query), files=files
            )
        except BackendError as error:
            return self._json(error.to_json(), status=error.status)
        if asked is not None:
            asked.files += 1
            self.intercept(asked.token, True)
        return web.Response(status=204) if done is None else self._json(done)

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        connection = _Connection(socket)
        await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": 20_000}})
        try:
            async for message in socket:
                if message.type != WSMsgType.TEXT:
                    continue
                told = json.loads(message.data)
                match told["op"]:
                    case 1:  # a sign of life
                        await socket.send_json({"op": ACK})
                    case 2:  # IDENTIFY
                        await self._identified(connection, told["d"])
                    case 6:  # RESUME
                        await socket.send_json({"op": INVALID, "d": False})
        finally:
            self._connections.discard(connection)
        return socket

    async def _identified(self, connection: _Connection, told: Mapping[str, Any]) -> None:
        connection.shard, connection.shards = told.get("shard", (0, 1))
        connection.intents = discord.Intents._from_value(told["intents"])
        here = [one for one in self.backend.guilds.values() if self._belongs(one.id, connection)]
        ready = {
            "v": 10,
            "user": dict(serializers.user_payload(self.backend.bot_user)),
            "guilds": [{"id": str(one.id), "unavailable": True} for one in here],
            "session_id": f"session-{id(connection)}",
            "resume_gateway_url": self.url.replace("http", "ws") + "/gateway/",
            "shard": [connection.shard, connection.shards],
            "application": {"id": str(self.backend.application_id), "flags": 0},
        }
        await self._tell(connection, "READY", ready)
        for one in here:
            await self._tell(connection, "GUILD_CREATE", dict(serializers.guild_create_payload(self.backend, one)))
        self._connections.add(connection)

    def _belongs(self, server: int, connection: _Connection) -> bool:
        return (server >> 22) % connection.shards == connection.shard

    def _emit(self, event: str, payload: Mapping[str, Any]) -> None:
        intent = simulated.required_intent(event, payload)
        server = payload.get("guild_id") or (payload.get("id") if event.startswith("GUILD_") else None)
        for connection in tuple(self._connections):
            if intent is not None and not getattr(connection.intents, intent):
                continue
            if server is not None and not self._belongs(int(server), connection):
                continue
            task = asyncio.get_running_loop().create_task(self._tell(connection, event, dict(payload)))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _tell(self, connection: _Connection, event: str, payload: dict[str, Any]) -> None:
        if event == "GUILD_CREATE":
            simulated.prune_guild_create(payload, connection.intents, self.backend.bot_user.id)
        connection.sequence += 1
        text = json.dumps({"op": 0, "t": event, "s": connection.sequence, "d": payload}, default=str)
        try:
            await connection.socket.send_str(text.replace(CDN_BASE, f"{self.url}/cdn"))
        except ConnectionError:
            self._connections.discard(connection)

    async def _cdn(self, request: web.Request) -> web.StreamResponse:
        blob = self.backend.cdn.get(f"{CDN_BASE}/{request.match_info['path']}")
        return web.Response(status=404) if blob is None else web.Response(body=blob)

    def _json(self, done: Any, status: int = 200) -> web.Response:
        text = json.dumps(done, default=str).replace(CDN_BASE, f"{self.url}/cdn")
        headers = {"Content-Type": "application/json"}  # and nothing else, or discord.py takes it for text
        return web.Response(body=text.encode(), status=status, headers=headers)

    def _set_clock(self) -> None:
        self.backend.advance_clock((datetime.now(UTC) - self.backend.clock.now()).total_seconds())


async def _read(request: web.Request) -> tuple[Any, list[Any]]:
    """Return a request's JSON and its files."""
    if not request.content_type.startswith("multipart/"):
        return (await request.json() if request.can_read_body else None), []
    body, files = None, []
    async for part in await request.multipart():
        content = bytes(await part.read())  # type: ignore[union-attr]
        if part.name == "payload_json":  # type: ignore[union-attr]
            body = json.loads(content)
        else:
            files.append(SimpleNamespace(fp=io.BytesIO(content), filename=part.filename, description=None))  # type: ignore[union-attr]
    return body, files


def main() -> int:
    """Be a bot whose Discord is this one."""
    from discord.gateway import DiscordWebSocket
    from discord.http import Route
    from yarl import URL

    url, *roles = sys.argv[1:]
    Route.BASE = f"{url}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = URL(url.replace("http", "ws") + "/gateway/")
    sys.argv = ["bot", *roles]
    from bot.__main__ import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
