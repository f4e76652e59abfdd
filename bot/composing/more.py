"""The menu under a piece: what else can be done with it.

A new entry is a line in ENTRIES, and a PieceButton in buttons.py or beside it whose template begins with its action.
"""

from dataclasses import dataclass
from typing import Any, Final

from discord import SelectOption
from discord.ui import Select

from bot.chat.language import _, tell
from core.errors import Message, mark


@dataclass(frozen=True, slots=True)
class Entry:
    """Name something to do: the beginning of its button's id, what it is called, its symbol, and what it brings."""

    action: str
    label: Message
    symbol: str
    brings: Message


ENTRIES: Final = (
    Entry("rewrite", mark("Rewrite"), "🖊️", mark("Some bars anew, the others as they are")),
    Entry("harmonize", mark("Harmonise"), "🎶", mark("Its tune with three voices under it")),
    Entry("takes", mark("Takes"), "🎬", mark("Four short pieces, to choose from")),
    Entry("tune", mark("Tune"), "🎛️", mark("The same with another model, key, metre or mood")),
    Entry("sheet", mark("Sheet"), "🎼", mark("Its notes, to read and to print")),
    Entry("recipe", mark("Recipe"), "🧾", mark("How it was made, for you alone")),
    Entry("delete", mark("Delete"), "🗑️", mark("For good, from the showcase too")),
)


def menu(opus: str) -> Select[Any]:
    """Make the menu of a piece."""
    options = [
        SelectOption(label=tell(entry.label), value=entry.action, emoji=entry.symbol, description=tell(entry.brings))
        for entry in ENTRIES
    ]
    return Select(custom_id=f"more:{opus}", placeholder=_("More"), options=options, row=1)
