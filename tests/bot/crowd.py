"""A crowd of users who all ask at once, and what becomes of each request."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import simcord

from tests.bot.acting import PATIENCE, begin


@dataclass
class Request:
    """Follow one request from its question to its end: answered, refused in private, or neither, which is lost."""

    record: Any  # SimCord's interaction
    asked: float  # seconds, by the clock
    before: int  # answers to anybody when it was asked
    end: str = ""
    seconds: float = 0.0
    answers_meanwhile: int = 0


@dataclass
class User:
    """Ask for `pieces` pieces, one after the other; a refusal is taken to heart, but not the last word."""

    actor: simcord.MemberActor
    channel: simcord.ChannelHandle
    pieces: int
    requests: list[Request] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """Tell whether a request of theirs has not ended."""
        return bool(self.requests) and not self.requests[-1].end

    @property
    def refused(self) -> bool:
        """Tell whether their last request was refused; they ask again when somebody has been answered."""
        return bool(self.requests) and self.requests[-1].end == "refused"

    @property
    def answers(self) -> list[Request]:
        """Return the requests that were answered."""
        return [request for request in self.requests if request.end == "answered"]


async def ask_all(env: simcord.Env, users: list[User], bars: int) -> float:
    """Let every user ask until all have their pieces, and return how many seconds that took."""
    start, answers = time.perf_counter(), 0
    async with asyncio.timeout(PATIENCE):
        while any(len(user.answers) < user.pieces for user in users):
            for user in users:
                if user.waits:
                    request = user.requests[-1]
                    request.end = _end(env, request.record)
                    request.seconds = time.perf_counter() - request.asked
                    answers += request.end == "answered"
                    request.answers_meanwhile = answers - request.before
                elif len(user.answers) < user.pieces and (not user.refused or answers > user.requests[-1].before):
                    asked = time.perf_counter()
                    await begin(env, user.actor.slash(user.channel, "compose", bars=bars))
                    user.requests.append(Request(next(reversed(env.backend.interactions.values())), asked, answers))
            await asyncio.sleep(0.01)
    return time.perf_counter() - start


def _end(env: simcord.Env, record: Any) -> str:
    if record.followup_ids or record.ephemeral:
        return "refused"
    if record.message_id and env.backend.get_message(record.channel_id, record.message_id).attachments:
        return "answered"
    return ""
