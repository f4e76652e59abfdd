"""Buttons that are known by their ids alone, so that they survive restarts: what any of them is made of."""

from collections.abc import Iterable

from discord import ButtonStyle
from discord.ui import Button, View

from bot.chat import language


def button(action: str, label: str, symbol: str, row: int, id: str, *, red: bool = False) -> Button[View]:
    """Make a button that does something to what has an id."""
    style = ButtonStyle.danger if red else ButtonStyle.secondary
    return Button(style=style, label=language.sentence(label), emoji=symbol, custom_id=f"{action}:{id}", row=row)


def lay_out(buttons: Iterable[Button[View]]) -> View:
    """Put buttons under a message."""
    view = View(timeout=None)
    for button in buttons:
        view.add_item(button)
    view.stop()  # clicks are told apart by id, so discord.py need not remember this view
    return view
