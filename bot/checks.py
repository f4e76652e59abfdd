"""Who may do what: the same predicates for commands and for buttons."""

from discord import Interaction

from bot.store import Opus
from core.errors import CadenzaError


class RightsError(CadenzaError):
    """Say who may do this."""


def author(interaction: Interaction, opus: Opus) -> None:
    """Raise RightsError unless the composition is the user's own."""
    if interaction.user.id != opus.author:
        raise RightsError("Only the one who had this piece composed can do that.")


def author_or_moderator(interaction: Interaction, opus: Opus, server: int | None) -> None:
    """Raise RightsError unless the composition is the user's own, or they may delete others' messages in its server."""
    moderates = server is not None and interaction.guild_id == server and interaction.permissions.manage_messages
    if interaction.user.id != opus.author and not moderates:
        raise RightsError("Only the one who had this piece composed, or a moderator of its server, can do that.")
