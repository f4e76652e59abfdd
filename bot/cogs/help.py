"""/help, and the welcome when the bot joins a server: what it is, a piece to hear, and what to type."""

import logging
from typing import Any, Final

import discord
from discord import Embed, Guild, Interaction, app_commands
from discord.ext import commands
from discord.ui import View

from bot.chat import components, delivery, language, replies
from bot.chat.answer import COLOUR, Answer, Enclosure, fit
from bot.chat.components import LastingButton
from bot.chat.language import _, tell
from bot.composing import sample
from bot.composing.studio import Studio
from core.composing.recipe import Take
from core.errors import CadenzaError, mark

TYPED: Final = (mark("/compose"), mark("/compose melody:C4 E4 G4 C5"))

_log = logging.getLogger(__name__)


class Help(commands.Cog):
    """Say what there is to do."""

    def __init__(self, client: discord.Client, studio: Studio) -> None:
        self._client, self._studio = client, studio

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def help(self, interaction: Interaction) -> None:
        """Hear what I do, and see how to begin."""
        async with replies.answering(interaction):
            async with self._studio.turn(interaction, cost=sample.BARS, private=True):
                heard = await sample.hear(self._studio, interaction.guild_id)
            answer = present(heard, manages=interaction.permissions.manage_guild and interaction.guild_id is not None)
            await self._studio.deliver(interaction, answer, private=True)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: Guild) -> None:
        """Welcome a server, where that can be read: in its system channel, or else by a letter to its owner."""
        language.speak(guild.preferred_locale.value)
        try:
            heard = await sample.hear(self._studio, guild.id)
        except CadenzaError as error:
            _log.warning("The welcome of a server has no piece: %s", error)
            heard = None
        limit = min(self._studio.upload_bytes, guild.filesize_limit)
        answer = fit(present(heard, manages=True), limit)
        for place in await self._places(guild):
            try:
                await delivery.send(place, answer)
            except discord.HTTPException as error:
                _log.info("A server could not be welcomed in %s: %s", place, error)
            else:
                return

    async def _places(self, guild: Guild) -> list[discord.abc.Messageable]:
        """Return where a server can be welcomed, the best place first."""
        places: list[discord.abc.Messageable] = []
        channel = guild.system_channel
        if channel is not None and channel.permissions_for(guild.me).send_messages:
            places.append(channel)
        if guild.owner_id is not None:
            try:
                places.append(await self._client.fetch_user(guild.owner_id))
            except discord.HTTPException as error:
                _log.info("The owner of a server could not be found: %s", error)
        return places


class Begin(LastingButton, template="begin:now"):
    """Compose a piece for somebody who has not typed anything."""

    async def work(self, interaction: Interaction[Any]) -> None:
        """Do what the button says."""
        studio = Studio.of(interaction)
        await studio.compose(interaction, sample.recipe(studio, interaction.guild_id))


ITEMS: Final = (Begin,)


def present(heard: Take | None, *, manages: bool) -> Answer:
    """Write the message; who `manages` a server can set it up."""
    lines = (
        _("I compose short pieces of music, with sound, picture and notes. Press **Compose**, or type `/compose`."),
        _("Below each piece: **Again** for another, **Vary** and **Continue** to go on with it, **Share** to show it."),
        _("It can begin with a tune of yours: typed, hummed in a voice message, or from a file."),
    )
    embed = Embed(title=_("Hello, I am Cadenza"), description="\n".join(lines), colour=COLOUR)
    embed.add_field(name=_("To type"), value="\n".join(f"`{tell(each)}`" for each in TYPED))
    enclosures = []
    if heard is not None:
        what = _("A piece to hear")
        enclosures = [
            Enclosure("cadenza.mp3", heard.audio or b"", what),
            Enclosure("cadenza.png", heard.picture or b"", what),
        ]
    return Answer(None, embed, tuple(enclosures), _under(manages))


def _under(manages: bool) -> View:
    buttons = [components.button("begin", mark("Compose"), "🎵", 0, "now")]
    if manages:
        buttons.append(components.button("welcome", mark("Set up"), "⚙️", 0, "setup"))
    return components.lay_out(buttons)
