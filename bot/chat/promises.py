"""An answer that was promised by a process which is no more, so that another one can give it."""

import logging
from collections.abc import Mapping
from typing import Any

import discord
from discord import Interaction

from bot.chat import replies

_log = logging.getLogger(__name__)


def origin(interaction: Interaction[Any], *, private: bool = False) -> dict[str, Any]:
    """Write down what it takes to answer an interaction, as JSON; its token is good for fifteen minutes.

    What was promised to be `private` must be so, whoever answers.
    """
    return {
        "token": interaction.token,
        "application": interaction.application_id,
        "type": interaction.type.value,
        "server": interaction.guild_id,
        "channel": interaction.channel_id,
        "user": interaction.user.id,
        "name": interaction.user.name,
        "locale": interaction.locale.value,
        "most": interaction.filesize_limit,
        "private": private,
    }


def restored(client: discord.Client, id: int, kept: Mapping[str, Any]) -> Interaction[Any]:
    """Return an interaction that can be answered as the one that `origin` wrote down."""
    user = {"id": kept["user"], "username": kept["name"], "discriminator": "0", "avatar": None, "global_name": None}
    payload: dict[str, Any] = {
        "id": id,
        "application_id": kept["application"],
        "type": kept["type"],
        "token": kept["token"],
        "version": 1,
        "locale": kept["locale"],
        "attachment_size_limit": kept["most"],
        "channel": {"id": kept["channel"]},
        "app_permissions": "0",
    }
    if kept["server"] is None:
        payload["user"] = user
    else:
        member: dict[str, Any] = {
            "user": user,
            "roles": [],
            "joined_at": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
        }
        payload |= {"guild_id": kept["server"], "member": member | {"permissions": "0"}}
    interaction: Interaction[Any] = Interaction(data=payload, state=client._connection)  # type: ignore[arg-type]
    if interaction.channel is None and kept["channel"] is not None:
        place = client.get_partial_messageable(kept["channel"], guild_id=kept["server"])
        interaction.channel = place  # type: ignore[assignment]
    return interaction


async def is_open(interaction: Interaction[Any]) -> bool:
    """Ask Discord whether an answer is still owed."""
    try:
        message = await interaction.original_response()
    except discord.NotFound:
        return False
    return not (message.embeds or message.attachments or message.components)  # a place in the line has none


async def say(interaction: Interaction[Any], text: str) -> None:
    """Explain privately, in place of what was promised."""
    try:
        await replies.take_back(interaction, text)
    except discord.HTTPException as error:
        _log.warning("A reply could not be sent: %s", error)
