"""A tune that somebody has hummed or handed over: what was heard of it, and what can be made of it.

The message itself keeps the tune: its notes stand in it, or in a file if they are many, and buttons read them there,
also after a restart.
"""

import asyncio
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any, Final

from discord import Interaction, Message, TextStyle
from discord.ui import TextInput

from bot.chat import forms
from bot.chat.answer import Answer
from bot.chat.components import LastingButton
from bot.chat.language import _
from bot.chat.ranges import USUAL_TEMPERATURE
from bot.composing import presentation
from bot.composing.buttons import ID, PieceButton
from bot.composing.soprano import Soprano, model_for
from bot.composing.studio import BARS_FURTHER, Studio
from bot.composing.typed import Typed, is_german
from bot.composing.uploads import Upload, UploadError, fetch
from bot.database.store import Opus
from core.composing import harmonizing, reprise, tune
from core.composing.recipe import ComposeRequest, metre_of
from core.composing.sampling import LONGEST_PIECE
from core.errors import RequestError
from core.model.bundle import Params
from core.music.tempo import TEMPOS
from core.reading import melody
from core.reading.melody import HIGHEST_LINE, Given, Passage
from core.reading.names import write_names
from core.reading.pool import listen_safely, read_safely

BARS: Final = 16  # of a file, as many as a message shows well
LONGEST: Final = 3_500  # characters of names in a message
COST: Final = 8  # bars of music that listening is as much work as
FORM: Final = "AABA"
FETCHING: Final = 2.0  # seconds; a form has to be there in three

NAMES: Final = r"(?P<names>en|de)"  # whether B is German in a message
CORRECT: Final = re.compile(rf"melody-correct:{NAMES}")
_UNIT: Final = Fraction(1, 4)


async def use(interaction: Interaction, message: Message) -> None:
    """Answer with the tune of a message: a voice message, a sound, a music file, or notes that are written in it."""
    forwarded = [file for snapshot in message.message_snapshots for file in snapshot.attachments]
    attachments, text = [*message.attachments, *forwarded], message.content.strip("`\n ")
    if not attachments and text:
        await _answer(interaction, await _read(text, german=is_german(interaction)))
        return
    studio = Studio.of(interaction)
    upload = Upload.among(attachments, _params(interaction, await _model(interaction)))
    upload.check()
    async with studio.turn(interaction, cost=COST):
        data, passage = await fetch(upload.attachment), Passage(HIGHEST_LINE, bars=BARS)
        given = await studio.workers.run(
            melody.from_file, data, upload.attachment.filename, passage, read=read_safely, listen=listen_safely
        )
        answer = await _present(interaction, given)
    await studio.deliver(interaction, answer)


class MelodyButton(LastingButton, template="never"):
    """Do something with the tune of the message that a button is under."""

    def __init__(self, custom_id: str, names: str) -> None:
        super().__init__(custom_id)
        self._german = names == "de"

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says. Raises UploadError where the notes have gone."""
        await self.act(interaction, await _kept(interaction.message))

    async def act(self, interaction: Interaction, text: str) -> None:
        """Do what the button says, with the tune as names."""
        raise NotImplementedError

    async def compose(self, interaction: Interaction, text: str, *, whole: bool) -> None:
        """Compose on from a tune, or a `whole` piece whose first section it is."""
        studio, model = Studio.of(interaction), await _model(interaction)
        params = _params(interaction, model)
        typed = Typed(text, params, self._german, known=True)
        primer, tempo = typed.read(), melody.from_text(text, unit=_UNIT, german=self._german).melody.tempo
        bars = math.ceil(primer.bars)
        told = whole and params.remembers and len(FORM) * bars <= LONGEST_PIECE
        request = ComposeRequest(
            model=str(studio.catalogue.at(interaction.guild_id).path(model)),
            temperature=(await studio.store.server(interaction.guild_id)).temperature or USUAL_TEMPERATURE,
            bars=min(LONGEST_PIECE, len(FORM) * bars if whole else bars + BARS_FURTHER),
            form=FORM if told else None,
            tempo=None if tempo is None else min(max(tempo * primer.stretch, TEMPOS[0]), TEMPOS[1]),
        )
        await studio.compose(interaction, request, beginning=typed)


class Harmonize(MelodyButton, template=f"melody-harmonize:{NAMES}"):
    """Put three voices under the tune."""

    async def act(self, interaction: Interaction, text: str) -> None:
        """Do what the button says."""
        await _harmonize(interaction, text, german=self._german)


class GoOn(MelodyButton, template=f"melody-continue:{NAMES}"):
    """Compose on from the tune."""

    async def act(self, interaction: Interaction, text: str) -> None:
        """Do what the button says."""
        await self.compose(interaction, text, whole=False)


class MakeTune(MelodyButton, template=f"melody-tune:{NAMES}"):
    """Compose a whole piece that begins with the tune and comes back to it."""

    async def act(self, interaction: Interaction, text: str) -> None:
        """Do what the button says."""
        await self.compose(interaction, text, whole=True)


class Correct(MelodyButton, template=f"melody-correct:{NAMES}"):
    """Ask for the notes as they should be."""

    async def act(self, interaction: Interaction, text: str) -> None:
        """Do what the button says."""
        field = TextInput[Any](custom_id="notes", style=TextStyle.long, default=text, max_length=LONGEST)
        names = "de" if self._german else "en"
        form = forms.lay_out(_("Correct the notes"), f"melody-correct:{names}", ((_("Notes"), field),))
        await interaction.response.send_modal(form)


class HarmonizePiece(PieceButton, template=f"harmonize:{ID}"):
    """Put three voices under the highest line of a piece."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        text = opus.request.melody
        if not text:
            text = await asyncio.to_thread(reprise.tune, opus.text, opus.model, metre_of(opus.request))
        tempo = None if opus.parts is None else opus.request.tempo  # a dance's is none for a choir
        await _harmonize(interaction, text, opus, tempo=tempo)


ITEMS: Final = (Harmonize, HarmonizePiece, GoOn, MakeTune, Correct)


async def _kept(message: Message | None) -> str:
    """Return the names that a message keeps. Raises UploadError where they have gone."""
    files = () if message is None else message.attachments
    if kept := next((file for file in files if file.filename == presentation.NOTES), None):
        with suppress(TimeoutError, UploadError):
            async with asyncio.timeout(FETCHING):
                return (await fetch(kept)).decode()
    elif message is not None and message.embeds and (shown := message.embeds[0].description):
        return shown.strip("`\n ")
    raise UploadError("The notes have gone from this message. Use the tune once more.")


async def _harmonize(
    interaction: Interaction, text: str, parent: Opus | None = None, *, german: bool = False, tempo: float | None = None
) -> None:
    studio = Studio.of(interaction)
    catalogue = studio.catalogue.at(interaction.guild_id)
    model = model_for(catalogue, (await studio.store.server(interaction.guild_id)).model)
    request = ComposeRequest(model=str(catalogue.path(model)), temperature=harmonizing.USUAL_TEMPERATURE, tempo=tempo)
    await studio.compose(
        interaction, request, parent, Soprano(Typed(text, catalogue.params(model), german, known=True))
    )


async def _corrected(interaction: Interaction[Any], match: re.Match[str], fields: Mapping[str, Any]) -> None:
    await _answer(interaction, await _read(fields["notes"]["value"], german=match["names"] == "de"))


async def _read(text: str, *, german: bool) -> Given:
    """Read what is written, a whole ABC tune too, which takes a process."""
    return await asyncio.to_thread(melody.from_text, text, unit=_UNIT, german=german, read=read_safely)


async def _answer(interaction: Interaction, given: Given) -> None:
    _check(given)
    async with Studio.of(interaction).turn(interaction, cost=COST):
        answer = await _present(interaction, given)
    await Studio.of(interaction).deliver(interaction, answer)


async def _present(interaction: Interaction, given: Given) -> Answer:
    """Have a tune played and engraved."""
    _check(given)
    studio, german = Studio.of(interaction), is_german(interaction)
    font = await studio.soundfont(interaction.guild_id)
    shown = await studio.workers.run(tune.show, given.melody, font)
    return presentation.present_melody(given, write_names(given.melody, german=german), shown, "de" if german else "en")


def _check(given: Given) -> None:
    if not given.melody.notes:
        raise RequestError("This is silent: it has rests, but no notes.")
    if len(write_names(given.melody)) > LONGEST:
        raise RequestError("This tune is too long to be shown here. Choose a shorter passage.")


async def _model(interaction: Interaction) -> str:
    studio = Studio.of(interaction)
    chosen = (await studio.store.server(interaction.guild_id)).model
    return studio.catalogue.at(interaction.guild_id).usual(chosen)


def _params(interaction: Interaction, model: str) -> Params:
    return Studio.of(interaction).catalogue.at(interaction.guild_id).params(model)


submitted: Final = forms.listener(CORRECT, _corrected)  # whichever run of the bot has shown the form
