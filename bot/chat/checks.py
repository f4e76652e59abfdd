"""Who may do what: the same predicates for commands and for buttons."""

from collections.abc import Mapping
from typing import Any, Final

from discord import Interaction, Member, TextChannel

from bot.database.engine import StoreError
from bot.database.store import Opus, Store
from core.errors import CadenzaError, Message, mark

POSTING: Final = {  # what the bot needs to post a piece in a channel
    "view_channel": mark("view the channel"),
    "send_messages": mark("send messages"),
    "embed_links": mark("embed links"),
    "attach_files": mark("attach files"),
}


class RightsError(CadenzaError):
    """Say who may do this."""


def author(interaction: Interaction, opus: Opus) -> None:
    """Raise RightsError unless the composition is the user's own."""
    if interaction.user.id != opus.author:
        raise RightsError("Only the person who asked for this piece can do that.")


def moderates(interaction: Interaction, server: int | None) -> bool:
    """Tell whether the user is in a server and may delete others' messages there."""
    return server is not None and interaction.guild_id == server and interaction.permissions.manage_messages


def author_or_moderator(interaction: Interaction, opus: Opus, server: int | None) -> None:
    """Raise RightsError unless the composition is the user's own, or they may delete others' messages in its server."""
    if interaction.user.id != opus.author and not moderates(interaction, server):
        raise RightsError("Only the person who asked for this piece, or a moderator of its server, can do that.")


async def may_see(interaction: Interaction, store: Store, opus: Opus) -> None:
    """Raise RightsError unless the composition is the user's own, or was made or is shown in the server they are in."""
    if interaction.user.id == opus.author:
        return
    showing = await store.showing(opus.id)
    if interaction.guild_id is None or interaction.guild_id not in (opus.server, showing and showing.server):
        raise RightsError("There is no piece {id} of yours or of this server.", id=opus.id)


async def find(interaction: Interaction, store: Store, id: str) -> Opus:
    """Find a piece that the user may see. Raises StoreError or RightsError, which do not tell if there is one."""
    wanted = id.strip().lower()
    found = await store.find(wanted)
    if not found:
        raise StoreError("There is no piece {id} of yours or of this server.", id=wanted)
    await may_see(interaction, store, found[0])
    return found[0]


def manager(interaction: Interaction) -> None:
    """Raise RightsError unless the user may manage this server."""
    if interaction.guild_id is None or not interaction.permissions.manage_guild:
        raise _needs_management()


async def trainer(interaction: Interaction, store: Store) -> None:
    """Raise RightsError unless the user may train models for this server: by its settings, or as who manages it."""
    if interaction.guild_id is None:
        raise RightsError("Models are trained on a server, for all its members. Use this command there.")
    if await may_train(interaction, store):
        return
    role = (await store.server(interaction.guild_id)).trainers
    if role is None:
        raise _needs_management()
    raise RightsError(
        "Only members with the permission Manage Server, or with the role {role}, can do that.", role=f"<@&{role}>"
    )


async def may_train(interaction: Interaction, store: Store) -> bool:
    """Tell whether the user may train models for this server; @everyone is a role that all have."""
    if interaction.guild_id is None or not isinstance(interaction.user, Member):
        return False
    role = (await store.server(interaction.guild_id)).trainers
    return interaction.permissions.manage_guild or any(mine.id == role for mine in interaction.user.roles)


async def owner(interaction: Interaction[Any]) -> None:
    """Raise RightsError unless the bot is the user's own."""
    if not await interaction.client.is_owner(interaction.user):
        raise RightsError("Only the owner of this bot can do that.")


def bot_may(channel: TextChannel, needed: Mapping[str, Message]) -> None:
    """Raise RightsError unless the bot may do in a channel what is needed, by Discord's names for it."""
    allowed = channel.permissions_for(channel.guild.me)
    missing = tuple(name for permission, name in needed.items() if not getattr(allowed, permission))
    if missing:
        raise RightsError(
            "In {channel} I am not allowed to {missing}. Allow me that, then choose the channel again.",
            channel=channel.mention,
            missing=missing,
        )


def _needs_management() -> RightsError:
    return RightsError("Only members with the permission Manage Server can do that.")
