"""The showcase of a server: what Share, Like and Withdraw do, and how a message leaves it."""

import logging
from dataclasses import replace
from typing import Final

import discord
from discord import Interaction
from discord.ui import View

from bot.chat import checks, components, delivery
from bot.chat.answer import fit
from bot.chat.language import _
from bot.community import family
from bot.composing import presentation
from bot.composing.buttons import ID, ButtonError, PieceButton, remove_message
from bot.composing.studio import Studio
from bot.database.engine import StoreError
from bot.database.store import Opus, Showing
from core.errors import mark

WITHDRAW: Final = mark("Withdraw")
VARY: Final = mark("Vary")
CONTINUE: Final = mark("Continue")

_log = logging.getLogger(__name__)


class Share(PieceButton, template=f"share:{ID}"):
    """Put the piece into the server's showcase."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        cadenza = interaction.client.user  # whose pieces, those of the day, are everybody's
        if cadenza is None or opus.author != cadenza.id:
            checks.author(interaction, opus)
        channel = await _chosen(interaction)
        if channel is None:
            await _without(interaction, opus)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        link = await share(interaction, opus, channel)
        await interaction.edit_original_response(content=_("It is in the showcase. {link}").format(link=link))


class Like(PieceButton, template=f"like:{ID}"):
    """Rate a piece in a showcase, or take the rating back."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        studio = Studio.of(interaction)
        await interaction.response.defer()  # first: what is not answered is clicked again, and would be taken back
        likes = await studio.store.rate(opus.id, interaction.user.id)
        await interaction.edit_original_response(view=_under_showing(opus, likes))
        await studio.tastes.like(interaction.guild_id, interaction.user.id, opus)


class Withdraw(PieceButton, template=f"withdraw:{ID}"):
    """Take a piece out of the showcase."""

    async def do(self, interaction: Interaction) -> None:
        """Do what the button says; a message that has outlived its piece is for moderators to take down."""
        if await Studio.of(interaction).store.find(self._opus) or not checks.moderates(
            interaction, interaction.guild_id
        ):
            await super().do(interaction)
            return
        await interaction.response.defer()
        await remove_message(interaction)

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        store = Studio.of(interaction).store
        showing = await store.showing(opus.id)
        checks.author_or_moderator(interaction, opus, interaction.guild_id if showing is None else showing.server)
        await interaction.response.defer()
        await store.withdraw(opus.id)
        await remove_message(interaction)


ITEMS: Final = (Share, Like, Withdraw)


async def share(interaction: Interaction, opus: Opus, channel: discord.TextChannel) -> str:
    """Put a piece into a showcase, and return its address. Raises ButtonError and StoreError."""
    studio, guild = Studio.of(interaction), channel.guild
    if (showing := await studio.store.showing(opus.id)) is not None:
        if await _stands(interaction.client, showing):
            raise ButtonError("This piece is in a showcase already. {link}", link=showing.link)
        await studio.store.withdraw(opus.id)
    take = await studio.revive(opus)
    answer = await studio.present(opus, take, _under_showing(opus, 0))
    filmed = await studio.films.into(guild, answer, opus, take)
    fitting = fit(filmed, min(studio.upload_bytes, guild.filesize_limit))
    try:
        message = await delivery.send(channel, fitting, await _credits(studio, opus, guild.id))
    except discord.Forbidden:
        raise ButtonError(
            "I am not allowed to write to {channel}. Ask a moderator to allow me to view it, send messages, embed"
            " links and attach files there.",
            channel=channel.mention,
        ) from None
    showing = Showing(guild.id, channel.id, message.id)
    try:
        await studio.store.show(opus.id, showing)
    except StoreError:  # it was deleted in the meantime
        await take_down(interaction.client, showing)
        raise
    if filmed is answer:
        await studio.films.follow(message, answer, opus, take, shared=True)
    return showing.link


async def take_down(client: discord.Client, showing: Showing) -> bool:
    """Delete a message in a showcase; tell whether it is gone."""
    channel = client.get_partial_messageable(showing.channel, guild_id=showing.server)
    try:
        await channel.get_partial_message(showing.message).delete()
    except discord.NotFound:
        return True
    except discord.HTTPException as error:
        _log.info("A message in a showcase could not be deleted: %s", error)
        return False
    return True


async def _stands(client: discord.Client, showing: Showing) -> bool:
    """Tell whether a message in a showcase is still there, as far as that can be seen."""
    channel = client.get_partial_messageable(showing.channel, guild_id=showing.server)
    try:
        await channel.fetch_message(showing.message)
    except discord.NotFound:
        return False
    except discord.HTTPException as error:
        _log.info("A message in a showcase could not be looked at: %s", error)
    return True


async def _credits(studio: Studio, opus: Opus, server: int) -> str:
    """Say whose a piece is, and whose pieces it descends from."""
    whose = _("By {author}").format(author=f"<@{opus.author}>")
    after = await family.after(studio.store, opus, server)
    return f"{whose}, {after}" if after else whose


def _under_showing(opus: Opus, likes: int) -> View:
    """Lay out the buttons of a composition in a showcase."""
    buttons = (
        ("like", str(likes), "❤️"),
        ("vary", VARY, "🔀"),
        ("continue", CONTINUE, "⏩"),
        ("withdraw", WITHDRAW, "↩️"),
    )
    return components.lay_out(components.button(action, label, symbol, 0, opus.id) for action, label, symbol in buttons)


async def _chosen(interaction: Interaction) -> discord.TextChannel | None:
    """Return the channel that the server has chosen, if it is still there."""
    showcase = (await Studio.of(interaction).store.server(interaction.guild_id)).showcase
    channel = None if interaction.guild is None or showcase is None else interaction.guild.get_channel(showcase)
    return channel if isinstance(channel, discord.TextChannel) else None


async def _without(interaction: Interaction, opus: Opus) -> None:
    """Offer whoever manages the server to make a showcase; for others show the piece where they are."""
    if interaction.guild is None:
        raise ButtonError("There is no showcase here. A server that I have joined can have one: /server setup.")
    if interaction.permissions.manage_guild:
        button = components.button("setup", mark("Make one, and share"), "✨", 0, opus.id)
        text = _("There is no showcase here yet.")
        await interaction.response.send_message(text, view=components.lay_out([button]), ephemeral=True)
        return
    studio = Studio.of(interaction)
    async with studio.turn(interaction, cost=opus.bars):
        take = await studio.revive(opus)
    answer = await studio.present(opus, take, presentation.under(opus))
    author = await _credits(studio, opus, interaction.guild.id)
    message = await studio.deliver(interaction, replace(answer, content=author))
    await studio.films.follow(message, answer, opus, take, shared=True)
    text = _("There is no showcase here, so it is shown in this channel. /server setup makes one, for who manages it.")
    await interaction.followup.send(text, ephemeral=True)
