"""What the buttons under a composition do, also after a restart: their ids say which piece they belong to."""

import re
from contextlib import suppress
from typing import Any, ClassVar, Final, Self

import discord
from discord import Interaction
from discord.ui import Button, DynamicItem, Item, View

from bot.chat import answer as answers
from bot.chat import checks, components, delivery, replies
from bot.chat.language import _
from bot.client import ComposerBot
from bot.composing import presentation, tune, walk
from bot.composing.walk import Ask
from bot.database.engine import StoreError
from bot.database.store import Opus, Showing, gone
from core.errors import CadenzaError

ID: Final = r"(?P<opus>[a-z0-9]{1,12})"
OTHERS: Final = r"(?:\.[a-z0-9]{1,12})*"


class ButtonError(CadenzaError):
    """Say why a click changes nothing."""


class PieceButton(DynamicItem[Button[View]], template="never"):
    """Find the piece of a clicked button, have `act` done, and answer whatever happens."""

    busy: ClassVar[set[tuple[str, int]]] = set()  # what is being worked on: the button's id and the user's

    def __init__(self, custom_id: str, opus: str) -> None:
        super().__init__(Button(custom_id=custom_id))
        self._opus = opus

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: Item[Any], match: re.Match[str], /) -> Self:
        """Make the button that was clicked."""
        return cls(match.string, match["opus"])

    async def callback(self, interaction: Interaction[Any]) -> Any:
        """Answer a click."""
        key = (self.custom_id, interaction.user.id)
        first = key not in self.busy
        self.busy.add(key)
        try:
            async with replies.answering(interaction):
                if not first:
                    raise ButtonError("Your last click on this button is still being worked on.")
                await self.work(interaction)
        except Exception as error:  # discord.py would only log it, and the user would see a failed interaction
            await replies.apologise(interaction, error)
        finally:
            if first:
                self.busy.discard(key)

    async def work(self, interaction: Ask) -> None:
        """Do what the button says, to a piece that is still kept."""
        await self.act(interaction, await interaction.client.store.get(self._opus))

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        raise NotImplementedError


class Again(PieceButton, template=f"again:{ID}"):
    """Compose by the same recipe."""

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        await walk.again(interaction, opus)


class Vary(PieceButton, template=f"vary:{ID}"):
    """Compose another second half."""

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        await walk.vary(interaction, opus)


class Continue(PieceButton, template=f"continue:{ID}"):
    """Compose on from the end."""

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        await walk.go_on(interaction, opus)


class Takes(PieceButton, template=f"takes:{ID}"):
    """Compose several short pieces."""

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        await walk.takes(interaction, opus)


class Tune(PieceButton, template=f"tune:{ID}"):
    """Ask for other values."""

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        await interaction.response.send_modal(tune.form(interaction.client.catalogue.at(interaction.guild_id), opus))


class Sheet(PieceButton, template=f"sheet:{ID}"):
    """Show the sheet music."""

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        await walk.sheet(interaction, opus)


class Share(PieceButton, template=f"share:{ID}"):
    """Put the piece into the server's showcase."""

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        checks.author(interaction, opus)
        bot = interaction.client
        showcase = (await bot.store.server(interaction.guild_id)).showcase
        channel = None if interaction.guild is None or showcase is None else interaction.guild.get_channel(showcase)
        if interaction.guild is None or not isinstance(channel, discord.TextChannel):
            raise ButtonError(
                "There is no showcase here. Whoever manages a server can choose a channel for that with /server choose."
            )
        await interaction.response.defer(ephemeral=True, thinking=True)
        if (showing := await bot.store.showing(opus.id)) is not None:
            if await delivery.stands(bot, showing):
                raise ButtonError(f"This piece is in a showcase already: {showing.link}")
            await bot.store.withdraw(opus.id)
        take = await walk.revive(bot, opus)
        answer = presentation.present(opus, take, _under_showing(opus, 0))
        fitting = answers.fit(answer, min(bot.settings.upload_bytes, interaction.guild.filesize_limit))
        try:
            message = await delivery.send(channel, fitting, _("By {author}").format(author=f"<@{opus.author}>"))
        except discord.Forbidden:
            raise ButtonError(
                f"I may not write to {channel.mention}. Ask a moderator to allow me to view it, send messages, embed"
                " links and attach files there."
            ) from None
        showing = Showing(interaction.guild.id, channel.id, message.id)
        try:
            await bot.store.show(opus.id, showing)
        except StoreError:  # it was deleted in the meantime
            await delivery.take_down(bot, showing)
            raise
        await interaction.edit_original_response(content=_("It is in the showcase: {link}").format(link=showing.link))


class Delete(PieceButton, template=f"delete:{ID}{OTHERS}"):
    """Delete the piece, or all takes of it that are still kept, and the message."""

    async def work(self, interaction: Ask) -> None:
        """Do what the button says."""
        store = interaction.client.store
        opera = await store.find(*self.custom_id.partition(":")[2].split("."))
        if not opera:
            raise gone()
        for opus in opera:
            checks.author_or_moderator(interaction, opus, opus.server)
        await interaction.response.defer()
        for opus in opera:
            await _take_down(interaction, opus.id)
            await store.delete(opus.id)
            await interaction.client.cache.drop(opus.id)
        await _remove_message(interaction)


class Like(PieceButton, template=f"like:{ID}"):
    """Rate a piece in a showcase, or take the rating back."""

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        likes = await interaction.client.store.rate(opus.id, interaction.user.id)
        await interaction.response.edit_message(view=_under_showing(opus, likes))


class Withdraw(PieceButton, template=f"withdraw:{ID}"):
    """Take a piece out of the showcase."""

    async def work(self, interaction: Ask) -> None:
        """Do what the button says; a message that has outlived its piece is for moderators to take down."""
        if await interaction.client.store.find(self._opus) or not checks.moderates(interaction, interaction.guild_id):
            await super().work(interaction)
            return
        await interaction.response.defer()
        await _remove_message(interaction)

    async def act(self, interaction: Ask, opus: Opus) -> None:
        """Do what the button says."""
        showing = await interaction.client.store.showing(opus.id)
        checks.author_or_moderator(interaction, opus, interaction.guild_id if showing is None else showing.server)
        await interaction.response.defer()
        await interaction.client.store.withdraw(opus.id)
        await _remove_message(interaction)


ITEMS: Final = (Again, Vary, Continue, Takes, Tune, Sheet, Share, Delete, Like, Withdraw)


async def setup(bot: ComposerBot) -> None:
    """Have the bot know its buttons and their form by their ids."""
    bot.add_dynamic_items(*ITEMS)
    bot.add_listener(tune.submitted, "on_interaction")


async def _remove_message(interaction: Ask) -> None:
    """Delete the message of a button, unless somebody was quicker."""
    with suppress(discord.NotFound):
        await interaction.delete_original_response()


async def _take_down(interaction: Ask, id: str) -> None:
    """Delete a piece's message in a showcase, if it has one that is still there."""
    if (showing := await interaction.client.store.showing(id)) is not None:
        await delivery.take_down(interaction.client, showing)


def _under_showing(opus: Opus, likes: int) -> View:
    """Lay out the buttons of a composition in a showcase."""
    like = components.button("like", str(likes), "❤️", 0, opus.id)
    return components.lay_out((like, components.button("withdraw", "Withdraw", "↩️", 0, opus.id)))
