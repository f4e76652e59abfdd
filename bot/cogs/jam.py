"""/jam: a piece by turns."""

import secrets
from typing import Final, Literal

import discord
from discord import Attachment, Interaction, app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.chat import replies
from bot.chat.language import _
from bot.chat.ranges import LONGEST_PRIMER
from bot.cogs import autocomplete
from bot.community import jam as jamming
from bot.composing.studio import Studio
from bot.composing.typed import Typed
from bot.composing.uploads import Upload, UploadError
from bot.database.jams import Jam, JamError, Music
from core.composing import jamming as turns
from core.composing import recipe
from core.composing.recipe import ComposeRequest
from core.reading.melody import HIGHEST_LINE

PUT_AWAY: Final = 1440  # minutes without a message, after which Discord puts a thread away


@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.guild_only()
class Jamming(commands.GroupCog, group_name="jam", group_description="Make a piece together, turn by turn."):
    """Make a piece together."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.describe(
        model="Which model plays with you.",
        bars="How long a turn is.",
        key="The key that Cadenza begins in: G, Bb, F# minor.",
        metre="The time signature: 4/4, 3/4, 6/8.",
    )
    @app_commands.autocomplete(model=autocomplete.models, key=autocomplete.keys, metre=autocomplete.metres)
    async def start(
        self,
        interaction: Interaction,
        model: str | None = None,
        bars: Literal[2, 4] = 2,
        key: Range[str, 1, 20] | None = None,
        metre: Range[str, 1, 8] | None = None,
    ) -> None:
        """Begin a jam, in this thread or in one of its own: members and Cadenza take turns."""
        async with replies.answering(interaction):
            assert interaction.guild_id is not None
            _check_place(interaction)
            catalogue = self._studio.catalogue.at(interaction.guild_id)
            chosen = model or catalogue.usual((await self._studio.store.server(interaction.guild_id)).model)
            params = catalogue.params(chosen)
            request = recipe.filled_in(
                ComposeRequest(model=chosen, key=key, metre=metre or "4/4", seed=secrets.randbelow(2**32)), params
            )
            recipe.check_request(request, params)
            await interaction.response.defer(ephemeral=True, thinking=True)
            thread = await _thread(interaction)
            player = await self._studio.workers.run(turns.player, str(catalogue.path(chosen)))
            music = Music(request=request, model=player, bars=bars)
            begun = Jam(thread=thread.id, server=interaction.guild_id, starter=interaction.user.id, music=music)
            await jamming.begin(interaction, thread, begun)
            await interaction.edit_original_response(content=_("The jam is on: {thread}").format(thread=thread.mention))

    @app_commands.command()
    @app_commands.describe(
        notes="The notes of your turn: C4 E4 G4, c d e f | g2 g2, or 72r1 76r1.",
        file="A file with them: MIDI, MusicXML, ABC, or a hum as OGG, MP3, M4A or WAV.",
    )
    async def play(
        self, interaction: Interaction, notes: Range[str, 0, LONGEST_PRIMER] = "", file: Attachment | None = None
    ) -> None:
        """Play your turn of this thread's jam, typed, from a file or hummed."""
        async with replies.answering(interaction):
            jam = await self._studio.store.jams.get(interaction.channel_id)
            if bool(notes) == (file is not None):
                raise UploadError("Give your turn as the option notes, as C4 E4 G4, or as a file: one of them.")
            turn: Typed | Upload = jamming.typed(interaction, jam, notes)
            if file is not None:
                params = self._studio.catalogue.at(interaction.guild_id).params(jam.music.model.name)
                turn = Upload(file, params, jam.music.bars, HIGHEST_LINE, None)
            await jamming.play(interaction, jam, turn)

    @app_commands.command()
    async def cadenza(self, interaction: Interaction) -> None:
        """Let Cadenza play the next turn of this thread's jam."""
        async with replies.answering(interaction):
            await jamming.answer(interaction, await self._studio.store.jams.get(interaction.channel_id))

    @app_commands.command()
    async def end(self, interaction: Interaction) -> None:
        """End this thread's jam: its piece with title, sheet and the names of all who played."""
        async with replies.answering(interaction):
            await jamming.end(interaction, await self._studio.store.jams.get(interaction.channel_id))


def _check_place(interaction: Interaction) -> None:
    """Raise JamError where there can be no thread."""
    place, allowed = interaction.channel, interaction.app_permissions
    if isinstance(place, discord.Thread):
        if not allowed.send_messages_in_threads:
            raise JamError("I may not write in this thread. Ask a moderator to allow me to send messages in threads.")
    elif not isinstance(place, discord.TextChannel):
        raise JamError("A jam is for a thread or a text channel. Begin it there.")
    elif not (allowed.create_public_threads and allowed.send_messages_in_threads):
        raise JamError("I may not begin a thread here. Begin one, and /jam start in it.")


async def _thread(interaction: Interaction) -> discord.Thread:
    """Return the thread that somebody is in, or begin one in their channel. Raises JamError."""
    if isinstance(interaction.channel, discord.Thread):
        return interaction.channel
    assert isinstance(interaction.channel, discord.TextChannel)
    try:
        return await interaction.channel.create_thread(
            name=_("Jam"), type=discord.ChannelType.public_thread, auto_archive_duration=PUT_AWAY
        )
    except discord.Forbidden:
        raise JamError("I may not begin a thread here. Begin one, and /jam start in it.") from None
