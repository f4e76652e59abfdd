"""How an answer reaches the chat, and the detours: too large, too late, not allowed."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import discord
from discord import File, Interaction
from discord.utils import MISSING

from bot.chat.answer import Answer, fit
from bot.chat.language import _
from core.errors import CadenzaError

TOO_LARGE: Final = 40005  # Discord's code for a request entity that is too large
EXPIRED: Final = frozenset({10008, 10015, 50027})  # codes of a message, a webhook or a token that is no more

_log = logging.getLogger(__name__)


class DeliveryError(CadenzaError):
    """Say that an answer could not be shown, and where it is."""


async def deliver(
    interaction: Interaction, answer: Answer, most: int, *, private: bool = False
) -> discord.Message | None:
    """Send a message in place of the one that was promised; `most` is what its files may weigh together, in bytes.

    Files that are too large for this place are left out, and it says so. Where the promise has expired, the message
    goes to the channel, unless a private one was promised, or else to the user; where neither can be had, the log says
    how to get at the piece. Raises DeliveryError where Discord itself fails.
    """
    limit = min(
        most, interaction.filesize_limit, *(() if interaction.guild is None else (interaction.guild.filesize_limit,))
    )
    try:
        return await _in_size(partial(_fulfil, interaction), answer, limit)
    except discord.Forbidden:
        raise
    except discord.HTTPException as error:
        if error.code not in EXPIRED:
            raise _refused(error, answer) from error
        return await _deliver_late(interaction, answer, limit, private)


def _refused(error: discord.HTTPException, answer: Answer) -> DeliveryError:
    if answer.piece is None:
        return DeliveryError("Discord did not take the answer ({status}). Try again in a minute.", status=error.status)
    return DeliveryError(
        "Discord did not take the answer ({status}). The piece is kept: `/piece show {piece}`.",
        status=error.status,
        piece=answer.piece,
    )


async def _in_size(send: Callable[[Answer], Awaitable[discord.Message]], answer: Answer, limit: int) -> discord.Message:
    """Send what fits, and only what must arrive if Discord still finds it too large."""
    try:
        return await send(fit(answer, limit))
    except discord.HTTPException as error:
        if error.status != 413 and error.code != TOO_LARGE:
            raise
        return await send(fit(answer, 0))


async def _fulfil(interaction: Interaction, answer: Answer) -> discord.Message:
    files = _files(answer)
    return await interaction.edit_original_response(
        content=answer.content, embed=answer.embed, attachments=files, view=answer.view
    )


async def _deliver_late(interaction: Interaction, answer: Answer, limit: int, private: bool) -> discord.Message | None:
    here, user = interaction.channel, interaction.user
    late = f"{user.mention} " + _("This took longer than Discord waits for an answer.")
    not_here = _("I may not write where you asked for it.")
    ways: list[tuple[discord.abc.Messageable, str]] = [(user, late if private else f"{late} {not_here}")]
    if isinstance(here, discord.abc.Messageable) and not private:
        ways.insert(0, (here, late))
    for place, words in ways:
        try:
            return await _in_size(partial(send, place, content=words), answer, limit)
        except discord.HTTPException as error:
            _log.info("An answer that came late could not be sent to %s: %s", place, error)
    _log.warning("An answer reached nobody, but it is kept: /piece show %s", answer.piece)
    return None


async def send(
    place: discord.abc.Messageable, answer: Answer, content: str | None = None, *, notify: int | None = None
) -> discord.Message:
    """Send a message of its own, not in answer to an interaction; of the users in it only `notify` hears a sound."""
    view = answer.view or MISSING
    users = [] if notify is None else [discord.Object(notify)]
    return await place.send(
        content,
        embed=answer.embed,
        files=_files(answer),
        view=view,
        allowed_mentions=discord.AllowedMentions(everyone=False, roles=False, users=users),
    )


def _files(answer: Answer) -> list[File]:
    return [enclosure.file() for enclosure in answer.enclosures]
