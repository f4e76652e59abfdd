"""The end of pieces, in the database, the cache and the showcase: of one by Delete, of all by /forget me."""

from typing import Final

import discord
from discord import Interaction

from bot.chat import checks
from bot.community.showcase import take_down
from bot.composing.buttons import ID, PieceButton, remove_message
from bot.composing.studio import Studio
from bot.database.store import gone

OTHERS: Final = r"(?:\.[a-z0-9]{1,12})*"


class Delete(PieceButton, template=f"delete:{ID}{OTHERS}"):
    """Delete the piece, or all takes of it that are still kept, and the message."""

    async def do(self, interaction: Interaction) -> None:
        """Do what the button says."""
        studio = Studio.of(interaction)
        opera = await studio.store.find(*self.custom_id.partition(":")[2].split("."))
        if not opera:
            raise gone()
        for opus in opera:
            checks.author_or_moderator(interaction, opus, opus.server)
        await interaction.response.defer()
        if len(opera) == 1:  # of several takes one that is liked may be among them
            await studio.tastes.pass_over(interaction.guild_id, interaction.user.id, "delete", opera[0])
        for opus in opera:
            if (showing := await studio.store.showing(opus.id)) is not None:
                await take_down(interaction.client, showing)
            await studio.store.delete(opus.id)
            await studio.files.drop(opus.id)
        await remove_message(interaction)


ITEMS: Final = (Delete,)


async def forget(client: discord.Client, studio: Studio, user: int) -> tuple[int, list[str]]:
    """Delete what is kept of a user first, which is sure to succeed, then their messages in showcases.

    Return how many pieces that were, and the links of messages that may not be deleted.
    """
    ids, showings = await studio.store.ids(user), await studio.store.showings(user)
    pieces = await studio.store.forget(user)
    await studio.files.drop(*ids)
    return pieces, [showing.link for showing in showings if not await take_down(client, showing)]
