"""Buttons that are known by their ids alone, so that they survive restarts: what any of them is made of."""

import re
from collections.abc import Iterable
from typing import Any, Self

from discord import ButtonStyle, Interaction
from discord.ui import Button, DynamicItem, Item, View

from bot.chat import replies
from bot.chat.language import tell
from core.errors import Message


def button(action: str, label: str | Message, symbol: str, row: int, id: str, *, red: bool = False) -> Button[View]:
    """Make a button that does something to what has an id; a label that is a text is shown as it is."""
    style = ButtonStyle.danger if red else ButtonStyle.secondary
    shown = tell(label) if isinstance(label, Message) else label
    return Button(style=style, label=shown, emoji=symbol, custom_id=f"{action}:{id}", row=row)


def lay_out(buttons: Iterable[Button[View]]) -> View:
    """Put buttons under a message."""
    view = View(timeout=None)
    for button in buttons:
        view.add_item(button)
    view.stop()  # clicks are told apart by id, so discord.py need not remember this view
    return view


class LastingButton(DynamicItem[Button[View]], template="never"):
    """Have `work` done for a click, whichever run of the bot has shown the button, and answer whatever happens."""

    def __init__(self, custom_id: str) -> None:
        super().__init__(Button(custom_id=custom_id))

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: Item[Any], match: re.Match[str], /) -> Self:
        """Make the button that was clicked."""
        return cls(match.string, **match.groupdict())

    async def callback(self, interaction: Interaction[Any]) -> Any:
        """Answer a click."""
        try:
            async with replies.answering(interaction):
                await self.work(interaction)
        except Exception as error:  # discord.py would only log it, and the user would see a failed interaction
            await replies.apologise(interaction, error)

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        raise NotImplementedError
