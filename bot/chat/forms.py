"""Forms that are known by their ids alone, so that they survive a restart as the buttons do."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from discord import Interaction, InteractionType
from discord.ui import FileUpload, Label, Modal, Select, TextInput

from bot.chat import replies

PATIENCE: Final = 600  # seconds for which discord.py remembers a form; it is taken later too

Act = Callable[[Interaction[Any], re.Match[str], Mapping[str, Any]], Awaitable[None]]


def lay_out(title: str, id: str, fields: Iterable[tuple[str, TextInput[Any] | Select[Any] | FileUpload[Any]]]) -> Modal:
    """Make a form of fields, each below its label."""
    modal = Modal(title=title, custom_id=id, timeout=PATIENCE)
    for text, component in fields:
        modal.add_item(Label(text=text, component=component))
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
