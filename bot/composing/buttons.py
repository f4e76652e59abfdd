"""What the buttons under a composition do, also after a restart: their ids say which piece they belong to."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final

import discord
from discord import Interaction
from discord.ui import View

from bot.chat.components import LastingButton, LastingMenu
from bot.composing import presentation, tune
from bot.composing.studio import Studio
from bot.database.store import Opus
from core.errors import CadenzaError

ID: Final = r"(?P<opus>[a-z0-9]{1,12})"


class ButtonError(CadenzaError):
    """Say why a click changes nothing."""


class PieceButton(LastingButton, template="never"):
    """Find the piece of a clicked button, and have `act` done to it, once at a time for each user."""

    busy: ClassVar[set[tuple[str, int]]] = set()  # what is being worked on: the button's id and the user's
    actions: ClassVar[dict[str, type["PieceButton"]]] = {}  # what there is to do, by the beginning of a button's id

    def __init_subclass__(cls, *, template: str) -> None:
        super().__init_subclass__(template=template)
        cls.actions[template.partition(":")[0]] = cls

    def __init__(self, custom_id: str, opus: str) -> None:
        super().__init__(custom_id)
        self._opus = opus

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says, unless that is being done already."""
        key = (self.custom_id, interaction.user.id)
        if key in self.busy:
            raise ButtonError("Your last click on this button is still being worked on.")
        self.busy.add(key)
        try:
            await self.do(interaction)
        finally:
            self.busy.discard(key)

    async def do(self, interaction: Interaction) -> None:
        """Do what the button says, to a piece that is still kept."""
        await self.act(interaction, await Studio.of(interaction).store.get(self._opus))

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        raise NotImplementedError


class Again(PieceButton, template=f"again:{ID}"):
    """Compose by the same recipe."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        await Studio.of(interaction).again(interaction, opus)


class Vary(PieceButton, template=f"vary:{ID}"):
    """Compose another second half."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        await Studio.of(interaction).vary(interaction, opus)


class Continue(PieceButton, template=f"continue:{ID}"):
    """Compose on from the end."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        await Studio.of(interaction).go_on(interaction, opus)


class Takes(PieceButton, template=f"takes:{ID}"):
    """Compose several short pieces."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        await Studio.of(interaction).takes(interaction, opus)


class Show(PieceButton, template=f"show:{ID}"):
    """Show a take by itself."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        await Studio.of(interaction).show(interaction, opus)


class Tune(PieceButton, template=f"tune:{ID}"):
    """Ask for other values."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        await tune.show(interaction, opus)


class Engrave(PieceButton, template=f"sheet:{ID}"):
    """Show the sheet music."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        await Studio.of(interaction).sheet(interaction, opus)


class Recipe(PieceButton, template=f"recipe:{ID}"):
    """Show how the piece was made."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        answer = presentation.present_recipe(opus)
        files = [enclosure.file() for enclosure in answer.enclosures]
        await interaction.response.send_message(embed=answer.embed, files=files, ephemeral=True)


class More(LastingMenu, template=f"more:{ID}"):
    """Do what was chosen in the menu under a piece, as a button of its own would."""

    def __init__(self, custom_id: str, values: Sequence[str], opus: str) -> None:
        super().__init__(custom_id, values)
        self._opus = opus

    async def work(self, interaction: Interaction[Any]) -> None:
        """Do what was chosen, then show the menu as before, so that the same can be chosen once more."""
        [action] = self.values
        try:
            await PieceButton.actions[action](f"{action}:{self._opus}", self._opus).work(interaction)
        finally:
            await _show_as_before(interaction)


async def _show_as_before(interaction: Interaction[Any]) -> None:
    if interaction.message is None or interaction.message.flags.ephemeral:
        return
    view = View.from_message(interaction.message, timeout=None)
    view.stop()
    with suppress(discord.HTTPException):  # where the bot may not, the menu goes on showing what was chosen
        await interaction.message.edit(view=view)


ITEMS: Final = (Again, Vary, Continue, Takes, Show, Tune, Engrave, Recipe, More)


async def remove_message(interaction: Interaction) -> None:
    """Delete the message of a button, unless somebody was quicker."""
    with suppress(discord.NotFound):
        await interaction.delete_original_response()
