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


def author_or_moderator(interaction: Interaction, opus: Opus) -> None:
    """Raise RightsError unless the composition is the user's own, or they may delete others' messages here."""
    if interaction.user.id != opus.author and not interaction.permissions.manage_messages:
        raise RightsError("Only the one who had this piece composed, or a moderator, can do that.")
