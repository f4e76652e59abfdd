"""Buttons and menus that are known by their ids alone, so that they survive restarts: what any is made of."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from discord import ButtonStyle, Interaction, SelectOption
from discord.ui import Button, DynamicItem, Item, Select, View

from bot.chat import replies
from bot.chat.language import tell
from core.errors import Message


def button(action: str, label: str | Message, symbol: str, row: int, id: str, *, red: bool = False) -> Button[View]:
    """Make a button that does something to what has an id; a label that is a text is shown as it is."""
    style = ButtonStyle.danger if red else ButtonStyle.secondary
    shown = tell(label) if isinstance(label, Message) else label
    return Button(style=style, label=shown, emoji=symbol, custom_id=f"{action}:{id}", row=row)


def lay_out(items: Iterable[Button[View] | Select[View]]) -> View:
    """Put buttons and menus under a message."""
    view = View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()  # clicks are told apart by id, so discord.py need not remember this view
    return view


class _Lasting:
    """Have `work` done for a click, whichever run of the bot has shown it, and answer whatever happens."""

    async def callback(self, interaction: Interaction[Any]) -> Any:
        """Answer a click."""
        try:
            async with replies.answering(interaction):
                await self.work(interaction)
        except Exception as error:  # discord.py would only log it, and the user would see a failed interaction
            await replies.apologise(interaction, error)

    async def work(self, interaction: Interaction) -> None:
        """Do what it says."""
        raise NotImplementedError


class LastingButton(_Lasting, DynamicItem[Button[View]], template="never"):
    """Do something for a click on a button."""

    def __init__(self, custom_id: str) -> None:
        super().__init__(Button(custom_id=custom_id))

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: Item[Any], match: re.Match[str], /) -> Self:
        """Make the button that was clicked."""
        return cls(match.string, **match.groupdict())


class LastingMenu(_Lasting, DynamicItem[Select[View]], template="never"):
    """Do something with the `values` that were chosen in a menu."""

    def __init__(self, custom_id: str, values: Sequence[str]) -> None:
        super().__init__(Select(custom_id=custom_id, options=[SelectOption(label="-")]))
        self.values = tuple(values)

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: Item[Any], match: re.Match[str], /) -> Self:
        """Make the menu that was used."""
        data: Mapping[str, Any] = interaction.data or {}
        return cls(match.string, data["values"], **match.groupdict())
