"""The piece of the day: at a server's hour three takes and a poll, and the best of them pinned until the next."""

import logging
import secrets
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import discord

from bot.chat import checks, delivery, language
from bot.chat.answer import Answer, fit
from bot.chat.language import _, ngettext
from bot.chat.ranges import USUAL_BARS, USUAL_TEMPERATURE
from bot.chat.titles import title
from bot.community import clock
from bot.composing import presentation
from bot.composing.studio import Studio
from bot.database import store as database
from bot.database.days import Day
from bot.database.store import Opus, Server
from core.composing.recipe import ComposeRequest
from core.errors import CadenzaError, mark

TAKES: Final = 3
OPEN: Final = timedelta(hours=20)  # for which the poll is
EVERY: Final = 60.0  # seconds between two looks at the clock
LONGEST_ANSWER: Final = 55  # characters of what can be chosen in a poll
UTC_NAME: Final = "UTC"

_log = logging.getLogger(__name__)


class DailyError(CadenzaError):
    """Say why a server cannot have a piece of the day like this."""


NEEDED: Final = {  # to have a piece of the day in a channel
    **checks.POSTING,
    "send_polls": mark("create polls"),
    "read_message_history": mark("read the message history"),
    "manage_messages": mark("manage messages, to pin one"),
}


def zone(name: str | None) -> ZoneInfo:
    """Return a time zone by its name. Raises DailyError."""
    try:
        return ZoneInfo(name or UTC_NAME)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DailyError(
            "{zone!r} is no time zone that I know. Write Europe/Berlin or UTC, for example.", zone=(name or "")[:40]
        ) from None


class Daily:
    """Look at the clock, and see to the pieces of the day of the servers that this process has."""

    def __init__(self, client: discord.Client, studio: Studio) -> None:
        self._client, self._studio = client, studio

    def running(self) -> AbstractAsyncContextManager[None]:
        """Look at the clock every minute."""
        return clock.looking(self.look, EVERY, "The pieces of the day")

    async def look(self, now: datetime) -> None:
        """Do what is due: compose, close the vote, pin."""
        for server, chosen in (await self._studio.store.daily()).items():
            guild = self._client.get_guild(server)
            if guild is None:  # it is with another process, or gone
                continue
            language.speak(guild.preferred_locale.value)
            try:
                await self._see_to(guild, chosen, now)
            except (CadenzaError, discord.HTTPException) as error:
                _log.warning("The piece of the day of server %s: %s", server, error)

    async def _see_to(self, guild: discord.Guild, chosen: Server, now: datetime) -> None:
        days = self._studio.store.days
        for day in await days.closing(guild.id, now):
            await self._close(guild, day)
        local = now.astimezone(zone(chosen.zone))
        date = local.date().isoformat()
        channel = guild.get_channel(chosen.daily or 0)
        if chosen.hour is None or local.hour < chosen.hour or not isinstance(channel, discord.TextChannel):
            return
        if await days.begin(guild.id, date, channel.id, now):
            await self._show(guild, channel, chosen, date, now)

    async def _show(
        self, guild: discord.Guild, channel: discord.TextChannel, chosen: Server, date: str, now: datetime
    ) -> None:
        """Compose three takes, show them, and ask which is best."""
        studio = self._studio
        catalogue = studio.catalogue.at(guild.id)
        request = ComposeRequest(
            model=str(catalogue.path(catalogue.usual(chosen.model))),
            temperature=chosen.temperature or USUAL_TEMPERATURE,
            bars=chosen.bars or USUAL_BARS,
            takes=TAKES,
            seed=secrets.randbelow(2**32),
            taste=str(await studio.tastes.of(guild.id)),
            picture=False,
            soundfont=await studio.soundfont(guild.id),
        )
        composition = await studio.workers.compose(request)
        assert self._client.user is not None
        keep = partial(database.opus, author=self._client.user.id, server=guild.id)
        opera = [keep(composition, take) for take in composition.takes]
        await studio.store.add(*opera)
        if not await studio.store.days.show(guild.id, date, [opus.id for opus in opera]):
            return  # another process was taken for dead, and was not
        answer = await studio.present_takes(opera, composition.takes)
        answer.embed.title = _("The pieces of the day")
        await delivery.send(channel, self._fit(answer, guild))
        poll = discord.Poll(_("Which one is the piece of the day?"), duration=OPEN)
        for number, opus in enumerate(opera, 1):
            poll.add_answer(text=f"{number}. {title(opus)}"[:LONGEST_ANSWER])
        message = await channel.send(poll=poll)
        await studio.store.days.ask(guild.id, date, message.id, now + OPEN)

    async def _close(self, guild: discord.Guild, day: Day) -> None:
        """Count the votes, show the best take again, and pin it in the place of the one before."""
        studio, channel = self._studio, guild.get_channel(day.channel)
        opera = {opus.id: opus for opus in await studio.store.find(*(day.takes or ()))}
        kept = [opera.get(take) for take in day.takes or ()]
        counts, voters = [0] * len(kept), list[list[int]]()
        if isinstance(channel, discord.TextChannel):
            counts, voters = await _votes(channel, day, len(kept))
        best = max(
            (place for place, opus in enumerate(kept) if opus is not None),
            key=lambda place: counts[place],
            default=None,
        )
        winner = None if best is None else kept[best]
        if not await studio.store.days.win(guild.id, day.date, "" if winner is None else winner.id) or winner is None:
            return
        for place, users in enumerate(voters):
            chosen = kept[place]
            for user in users if chosen is not None else ():
                assert chosen is not None
                await studio.tastes.pick(guild.id, user, chosen)
        if isinstance(channel, discord.TextChannel):
            await self._pin(guild, channel, day, winner, counts[best or 0])

    async def _pin(
        self, guild: discord.Guild, channel: discord.TextChannel, day: Day, winner: Opus, count: int
    ) -> None:
        studio = self._studio
        take = await studio.revive(winner)
        shown = presentation.present(winner, take, presentation.under(winner))
        won = ngettext(
            "The piece of the day, with {count} vote:", "The piece of the day, with {count} votes:", count
        ).format(count=count)
        message = await delivery.send(channel, self._fit(shown, guild), won)
        for before in await studio.store.days.pinned(guild.id):
            with suppress(discord.HTTPException):
                await channel.get_partial_message(before.pinned or 0).unpin()
            await studio.store.days.pin(guild.id, before.date, None)
        try:
            await message.pin()
        except discord.HTTPException as error:  # it stands there all the same
            _log.info("The piece of the day of server %s could not be pinned: %s", guild.id, error)
        else:
            await studio.store.days.pin(guild.id, day.date, message.id)

    def _fit(self, answer: Answer, guild: discord.Guild) -> Answer:
        return fit(answer, min(self._studio.upload_bytes, guild.filesize_limit))


async def _votes(channel: discord.TextChannel, day: Day, count: int) -> tuple[list[int], list[list[int]]]:
    """Count the votes for each take, and say whose they are; of a poll that somebody has deleted there are none."""
    counts, voters = [0] * count, [list[int]() for _number in range(count)]
    try:
        poll = (await channel.fetch_message(day.message or 0)).poll
        for place, choice in enumerate(poll.answers[:count] if poll is not None else ()):
            counts[place] = choice.vote_count
            voters[place] = [user.id async for user in choice.voters()]
    except discord.HTTPException as error:
        _log.info("The votes on the piece of the day of %s could not be counted: %s", day.date, error)
    return counts, voters


def begun(chosen: Server, now: datetime) -> str | None:
    """Return today's date where a server's hour has passed already, so that its first piece comes tomorrow."""
    local = now.astimezone(zone(chosen.zone))
    return local.date().isoformat() if chosen.hour is not None and local.hour >= chosen.hour else None


def changed(chosen: Server, channel: int | None, hour: int, name: str | None) -> Server:
    """Return a server's settings with another piece of the day. Raises DailyError for an unknown time zone."""
    zone(name)
    return replace(chosen, daily=channel, hour=hour, zone=name)
