"""What the user is told when something went wrong; the one place that apologises."""

import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import discord
from discord import Interaction, InteractionResponseType, InteractionType, app_commands

from bot.chat import language
from bot.chat.language import _, tell
from core.errors import CadenzaError, NotationError, excerpt

FILLED: Final = "…"  # what stands in a promise's place until it is deleted
FORGOTTEN: Final = 10062  # Discord's code of an interaction that nobody has answered in three seconds

_log = logging.getLogger(__name__)


@asynccontextmanager
async def answering(interaction: Interaction) -> AsyncIterator[None]:
    """Tell the user, privately, what they, or their moderators, can mend; let anything else through."""
    language.speak(interaction.locale.value)
    try:
        yield
    except (CadenzaError, discord.Forbidden) as error:
        await say(interaction, sentence(error))


async def apologise(interaction: Interaction, error: Exception) -> None:
    """Answer for an error that nobody expected, and log it under a reference that the user sees."""
    language.speak(interaction.locale.value)
    if isinstance(error, app_commands.CommandInvokeError) and isinstance(error.original, Exception):
        error = error.original
    if isinstance(error, CadenzaError | app_commands.CheckFailure | discord.Forbidden):
        await say(interaction, sentence(error))
        return
    if isinstance(error, discord.NotFound) and error.code == FORGOTTEN:
        _log.warning("Discord waited no longer for an answer to %s, and has told its user so", described(interaction))
        return
    reference = secrets.token_hex(4)
    _log.error("Reference %s, in %s", reference, described(interaction), exc_info=error)
    excuse = _("Something went wrong here, and it is not your fault. It is in the log as `{reference}`.")
    await say(interaction, excuse.format(reference=reference))


def described(interaction: Interaction) -> str:
    """Name what somebody used, for the log: /piece show, the menu Train on these, the button vary, the form tune.

    What is chosen in the menu under a piece goes by the name of its button.
    """
    if isinstance(interaction.command, app_commands.Command):
        return f"/{interaction.command.qualified_name}"
    if isinstance(interaction.command, app_commands.ContextMenu):
        return f"the menu {interaction.command.name}"
    data: Mapping[str, Any] = interaction.data or {}
    element = "form" if interaction.type is InteractionType.modal_submit else "button"
    name = data.get("custom_id", "").partition(":")[0]
    return f"the {element} {data['values'][0] if name == 'more' and data.get('values') else name}"


def sentence(error: Exception) -> str:
    """Write what a user can mend as a message."""
    if isinstance(error, NotationError):
        place = excerpt(error.text, error.start, error.end).replace("`", "'")
        return f"```\n{place}\n```\n{tell(error)}"
    if isinstance(error, discord.Forbidden):
        return _(
            "I may not do that here. Ask a moderator to allow me to view this channel, send messages, embed links"
            " and attach files."
        )
    return tell(error) if isinstance(error, CadenzaError) else _("This command cannot be used here.")


async def say(interaction: Interaction, text: str) -> None:
    """Answer privately, whether or not a public answer has been promised already."""
    text = text[:2000]
    try:
        if not interaction.response.is_done():
            await interaction.response.send_message(text, ephemeral=True)
        elif interaction.response.type is InteractionResponseType.deferred_channel_message:
            await take_back(interaction, text)
        else:
            await interaction.followup.send(text, ephemeral=True)
    except discord.HTTPException as error:
        _log.warning("A reply could not be sent: %s", error)


async def take_back(interaction: Interaction, text: str) -> None:
    """Explain privately, and take a promised answer back, of which nobody else reads a word.

    Raises discord.HTTPException.
    """
    await interaction.edit_original_response(content=FILLED)  # or the explanation would take its place, in public
    await interaction.followup.send(text[:2000], ephemeral=True)
    await interaction.delete_original_response()
