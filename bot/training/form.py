"""The form of a training: what the model is to be called, and its files, those of a message or new ones.

Discord shows this bot the files of others' messages only where their menu is used, so those of the last forms are
remembered; of an older form the message is fetched again, which shows no more than Discord allows.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import discord
from discord import Attachment, Interaction, Message, SelectOption
from discord.ui import FileUpload, Modal, Select, TextInput

from bot.chat import forms
from bot.chat.language import _, tell
from bot.database.jobs import JobError
from bot.training.trainings import METRES, Trainings, Wanted
from core.reading.playing import IN_TWO_AND_FOUR

ID: Final = re.compile(
    r"train-these:(?P<channel>\d{1,20})\.(?P<message>\d{1,20})|train-files:(?P<size>[a-z]*)(?P<nothing>!?)"
)
REMEMBERED: Final = 100  # messages
LONGEST: Final = 1440  # minutes
FILES: Final = 10


class TrainingForm:
    """Ask what a model is to be called and what it is trained on, and remember whose files it is asked about."""

    def __init__(self, trainings: Trainings) -> None:
        self._trainings = trainings
        self.seen: dict[int, tuple[Attachment, ...]] = {}  # by messages
        self.submitted = forms.listener(ID, self._begin)  # whichever run of the bot has shown the form

    def train_on(self, message: Message) -> Modal:
        """Lay out the form for the files of a message. Raises JobError if it has none."""
        if not message.attachments:
            raise JobError("This message has no files.")
        self.seen[message.id] = tuple(message.attachments)
        while len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]
        fields = _fields(Wanted(name="", files=()))
        return forms.lay_out(_("Train on these"), f"train-these:{message.channel.id}.{message.id}", fields)

    def ask_for_files(self, wanted: Wanted) -> Modal:
        """Lay out the form for files that are still to be chosen."""
        files = FileUpload[Any](custom_id="files", min_values=1, max_values=FILES)
        fields = ((_("MIDI, MusicXML, ABC, Humdrum, or zips of them"), files), *_fields(wanted))
        nothing = "!" if wanted.from_nothing else ""
        return forms.lay_out(_("Train a model"), f"train-files:{wanted.size or ''}{nothing}", fields)

    async def _begin(self, interaction: Interaction[Any], match: re.Match[str], fields: Mapping[str, Any]) -> None:
        name, base, minutes = (fields[field]["value"].strip() for field in ("name", "base", "minutes"))
        if not minutes.isdecimal() or not 1 <= int(minutes) <= LONGEST:
            raise JobError("The minutes must be a whole number from 1 to {most}.", most=LONGEST)
        if match["message"] is None:
            files = _uploaded(interaction)
        else:
            channel, message = int(match["channel"]), int(match["message"])
            files = self.seen.get(message) or await _fetch(interaction, channel, message)
        [metres] = fields["metres"]["values"] if "metres" in fields else [IN_TWO_AND_FOUR]  # of earlier versions
        await self._trainings.start(
            interaction,
            Wanted(
                name=name,
                files=files,
                base=base or None,
                size=match["size"] or None,
                metres=metres,
                minutes=int(minutes),
                from_nothing=bool(match["nothing"]),
            ),
        )


def _fields(wanted: Wanted) -> tuple[tuple[str, TextInput[Any] | Select[Any]], ...]:
    metres = Select[Any](
        custom_id="metres",
        options=[
            SelectOption(label=tell(words), value=metres, default=metres == wanted.metres)
            for metres, words in METRES.items()
        ],
    )
    return (
        (
            _("Name of the new model"),
            TextInput[Any](custom_id="name", max_length=32, placeholder="jazz", default=wanted.name or None),
        ),
        (
            _("Model to start from (empty: the default)"),
            TextInput[Any](custom_id="base", required=False, max_length=32, default=wanted.base),
        ),
        (_("Pieces to train on"), metres),
        (
            _("Most minutes it may take"),
            TextInput[Any](custom_id="minutes", default=str(wanted.minutes), max_length=4),
        ),
    )


def _uploaded(interaction: Interaction[Any]) -> tuple[Attachment, ...]:
    """Return the files that came with a form."""
    data: Any = interaction.data
    files = data.get("resolved", {}).get("attachments", {})
    return tuple(Attachment(data=file, state=interaction._state) for file in files.values())


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
