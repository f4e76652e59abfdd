"""Forms that are known by their ids alone, so that they survive a restart as the buttons do."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from discord import Interaction, InteractionType
from discord.ui import ChannelSelect, FileUpload, Label, Modal, RoleSelect, Select, TextInput

from bot.chat import replies

PATIENCE: Final = 600  # seconds for which discord.py remembers a form; it is taken later too

Field = TextInput[Any] | Select[Any] | ChannelSelect[Any] | RoleSelect[Any] | FileUpload[Any]
Act = Callable[[Interaction[Any], re.Match[str], Mapping[str, Any]], Awaitable[None]]


def lay_out(title: str, id: str, fields: Iterable[tuple[str, Field] | tuple[str, Field, str | None]]) -> Modal:
    """Make a form of fields, each below its label, and below what explains it."""
    modal = Modal(title=title, custom_id=id, timeout=PATIENCE)
    for text, component, *more in fields:
        modal.add_item(Label(text=text, component=component, description=more[0] if more else None))
    return modal


def listener(id: re.Pattern[str], act: Act) -> Callable[[Interaction[Any]], Coroutine[Any, Any, None]]:
    """Return what hears of every interaction, and has `act` done for a form whose id matches, and always answers.

    `act` gets the match and the form's components by their ids.
    """

    async def submitted(interaction: Interaction[Any]) -> None:
        data: Mapping[str, Any] = interaction.data or {}
        match = id.fullmatch(data.get("custom_id", ""))
        if interaction.type is not InteractionType.modal_submit or match is None:
            return
        try:
            async with replies.answering(interaction):
                fields = {label["component"]["custom_id"]: label["component"] for label in data["components"]}
                await act(interaction, match, fields)
        except Exception as error:  # a listener's errors are only logged
            await replies.apologise(interaction, error)

    return submitted
