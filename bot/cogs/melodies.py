"""The menu of a message with a tune: a voice message, a sound, a music file, or notes in words."""

from typing import Any

from discord import Interaction, Message, app_commands
from discord.ext import commands

from bot.chat import replies
from bot.composing import melodies


class Melodies(commands.Cog):
    """Use a tune."""

    def __init__(self, tree: app_commands.CommandTree[Any]) -> None:
        self._tree = tree
        self._menu = app_commands.ContextMenu(name="Use this tune", callback=self.use)
        app_commands.allowed_installs(guilds=True, users=True)(self._menu)
        app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)(self._menu)

    async def cog_load(self) -> None:
        """Add the menu, which belongs to no cog by itself."""
        self._tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Remove the menu."""
        self._tree.remove_command(self._menu.name, type=self._menu.type)

    async def use(self, interaction: Interaction[Any], message: Message) -> None:
        """Hear the tune in a message, see its notes, and make something of it."""
        async with replies.answering(interaction):
            await melodies.use(interaction, message)
