"""The form behind "Train on these": what the model of a message's files is to be called.

Discord shows this bot the files of others' messages only where their menu is used, so those of the last forms are
remembered; of an older form the message is fetched again, which shows no more than Discord allows.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import discord
from discord import Attachment, Interaction, Message
from discord.ui import Modal, TextInput

from bot.chat import forms
from bot.chat.language import _
from bot.database.jobs import JobError
from bot.training.trainings import MINUTES, Trainings, Wanted

ID: Final = re.compile(r"train-these:(?P<channel>\d{1,20})\.(?P<message>\d{1,20})")
REMEMBERED: Final = 100  # messages
LONGEST: Final = 1440  # minutes


class TrainOnThese:
    """Ask what a model is to be called, and remember whose files it is asked about."""

    def __init__(self, trainings: Trainings) -> None:
        self._trainings = trainings
        self.seen: dict[int, tuple[Attachment, ...]] = {}  # by messages
        self.submitted = forms.listener(ID, self._begin)  # whichever run of the bot has shown the form

    def lay_out(self, message: Message) -> Modal:
        """Lay out the form for the files of a message. Raises JobError if it has none."""
        if not message.attachments:
            raise JobError("This message has no files.")
        self.seen[message.id] = tuple(message.attachments)
        while len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]
        fields = (
            (_("Name of the new model"), TextInput[Any](custom_id="name", max_length=32, placeholder="jazz")),
            (
                _("Model to start from (empty: the default)"),
                TextInput[Any](custom_id="base", required=False, max_length=32),
            ),
            (_("Most minutes it may take"), TextInput[Any](custom_id="minutes", default=str(MINUTES), max_length=4)),
        )
        return forms.lay_out(_("Train on these"), f"train-these:{message.channel.id}.{message.id}", fields)

    async def _begin(self, interaction: Interaction[Any], match: re.Match[str], fields: Mapping[str, Any]) -> None:
        name, base, minutes = (fields[field]["value"].strip() for field in ("name", "base", "minutes"))
        if not minutes.isdecimal() or not 1 <= int(minutes) <= LONGEST:
            raise JobError("The minutes must be a whole number from 1 to {most}.", most=LONGEST)
        channel, message = int(match["channel"]), int(match["message"])
        files = self.seen.get(message) or await _fetch(interaction, channel, message)
        await self._trainings.start(
            interaction, Wanted(name=name, files=files, base=base or None, minutes=int(minutes))
        )


async def _fetch(interaction: Interaction[Any], channel: int, message: int) -> tuple[Attachment, ...]:
    """Fetch the files of a message in a channel of this server. Raises JobError if they cannot be seen."""
    place = None if interaction.guild is None else interaction.guild.get_channel_or_thread(channel)
    try:
        found = await place.fetch_message(message) if isinstance(place, discord.abc.Messageable) else None
    except (discord.NotFound, discord.Forbidden):
        found = None
    if found is None or not found.attachments:
        raise JobError("I can no longer see the files of that message. Choose Train on these in its menu again.")
    return tuple(found.attachments)
