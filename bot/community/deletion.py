"""The end of pieces, in the database, the cache and the showcase: of one by Delete, of all by /forget me."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import discord
from discord import Interaction

from bot.chat import checks, components
from bot.chat.components import LastingButton
from bot.chat.language import _, ngettext
from bot.chat.titles import title
from bot.community.showcase import take_down
from bot.composing.buttons import ID, PieceButton
from bot.composing.studio import Studio
from bot.database.store import Opus, gone
from core.errors import mark

_log = logging.getLogger(__name__)

ASKED: Final[dict[int, Interaction]] = {}  # by the message that shows the pieces, the newest last
MOST_ASKED: Final = 1_000  # of these that are remembered

OTHERS: Final = r"(?:\.[a-z0-9]{1,12})*"


class Delete(PieceButton, template=f"delete:{ID}{OTHERS}"):
    """Ask whether the piece, or all takes of it that are still kept, shall be deleted."""

    async def do(self, interaction: Interaction) -> None:
        """Do what the button says."""
        opera = await _own(interaction, self.custom_id)
        question = ngettext("Delete {title} for good?", "Delete these {count} pieces for good?", len(opera)).format(
            title=title(opera[0]), count=len(opera)
        )
        assert interaction.message is not None
        message, ids = interaction.message.id, ".".join(opus.id for opus in opera)
        button = components.button("erase", mark("Delete"), "🗑️", 0, f"{message}.{ids}", red=True)
        await interaction.response.defer()
        await interaction.followup.send(question, view=components.lay_out([button]), ephemeral=True)
        ASKED[message] = interaction
        while len(ASKED) > MOST_ASKED:
            ASKED.pop(next(iter(ASKED)))


class Erase(LastingButton, template=rf"erase:(?P<message>\d{{1,20}})\.{ID}{OTHERS}"):
    """Delete the pieces that somebody was asked about, and the message that showed them."""

    def __init__(self, custom_id: str, message: str, opus: str) -> None:
        super().__init__(custom_id)
        self._message = int(message)

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        studio = Studio.of(interaction)
        opera = await _own(interaction, self.custom_id.partition(".")[2])
        await interaction.response.defer()
        if len(opera) == 1:  # of several takes one that is liked may be among them
            await studio.tastes.pass_over(interaction.guild_id, interaction.user.id, "delete", opera[0])
        for opus in opera:
            if (showing := await studio.store.showing(opus.id)) is not None:
                await take_down(interaction.client, showing)
            await studio.store.delete(opus.id)
            await studio.files.drop(opus.id)
        done = ngettext("It is deleted.", "They are deleted.", len(opera))
        if not await self._remove(interaction):
            done += " " + _("I may not delete the message here.")
        await interaction.edit_original_response(content=done, view=None)

    async def _remove(self, interaction: Interaction) -> bool:
        """Delete the message that showed the pieces; tell whether it is gone."""
        assert interaction.channel_id is not None
        channel = interaction.client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
        ways: list[Callable[[], Awaitable[None]]] = [channel.get_partial_message(self._message).delete]
        if (asked := ASKED.pop(self._message, None)) is not None:  # this may where the bot is no member
            ways.insert(0, asked.delete_original_response)
        for way in ways:
            try:
                await way()
            except discord.NotFound:
                return True
            except discord.HTTPException as error:
                _log.info("The message of a deleted piece could not be deleted: %s", error)
            else:
                return True
        return False


ITEMS: Final = (Delete, Erase)


async def _own(interaction: Interaction, ids: str) -> tuple[Opus, ...]:
    """Find the pieces of a button that are still kept. Raises StoreError or RightsError."""
    opera = await Studio.of(interaction).store.find(*ids.rpartition(":")[2].split("."))
    if not opera:
        raise gone()
    for opus in opera:
        checks.author_or_moderator(interaction, opus, opus.server)
    return opera


async def forget(client: discord.Client, studio: Studio, user: int) -> tuple[int, list[str]]:
    """Delete what is kept of a user first, which is sure to succeed, then their messages in showcases.

    Return how many pieces that were, and the links of messages that may not be deleted.
    """
    ids, showings = await studio.store.ids(user), await studio.store.showings(user)
    pieces = await studio.store.forget(user)
    await studio.files.drop(*ids)
    return pieces, [showing.link for showing in showings if not await take_down(client, showing)]
