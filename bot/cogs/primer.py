"""/primer: help with writing one."""

from typing import Final

from discord import Attachment, Interaction, app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.chat import replies
from bot.chat.answer import Answer
from bot.chat.ranges import LONGEST_PRIMER
from bot.cogs import autocomplete
from bot.composing import presentation
from bot.composing.studio import Studio
from bot.composing.typed import Typed
from bot.composing.uploads import Upload
from core.composing import recipe, reprise
from core.composing.recipe import ComposeRequest, ModelInfo
from core.composing.sampling import LONGEST_PIECE
from core.errors import RequestError
from core.model.bundle import Params
from core.reading.melody import Primer

TRANSLATED: Final = 8  # bars of a file, where nobody has chosen


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Primers(commands.GroupCog, group_name="primer", group_description="Write the beginning of a piece."):
    """Write the beginning of a piece."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.describe(
        primer="C4 E4 G4, c d e f | g2 g2, 72r1 67-3-7r2, or a tune in ABC.", model="The model it is for."
    )
    @app_commands.autocomplete(primer=autocomplete.primers, model=autocomplete.models)
    async def check(
        self, interaction: Interaction, primer: Range[str, 1, LONGEST_PRIMER], model: str | None = None
    ) -> None:
        """Check a primer, hear it and see its notes."""
        async with replies.answering(interaction):
            name, params = await self._model(interaction, model)
            typed = Typed.by(interaction, primer, params)
            typed.check()
            bars = LONGEST_PIECE if typed.is_tune else _judge(typed.read())
            async with self._studio.turn(interaction, cost=bars, private=True):
                read = await typed.primer(self._studio.workers)
                _judge(read)
                answer = await self._present(interaction, read, name, params)
            await self._studio.deliver(interaction, answer, private=True)

    @app_commands.command()
    @app_commands.describe(
        file="MIDI, MusicXML, ABC, Humdrum, or a hum as OGG, MP3, M4A or WAV.",
        bars="How many bars.",
        track="A track's number or name, or melody for the highest line. Empty: all of it.",
        from_bar="The first bar. Empty: the last bars.",
        model="The model it is for.",
    )
    @app_commands.autocomplete(model=autocomplete.models)
    async def translate(
        self,
        interaction: Interaction,
        file: Attachment,
        bars: Range[int, 1, LONGEST_PIECE - 1] = TRANSLATED,
        track: Range[str, 1, 40] | None = None,
        from_bar: Range[int, 0, 4096] | None = None,
        model: str | None = None,
    ) -> None:
        """Write a music file as a primer, hear it and see its notes."""
        async with replies.answering(interaction):
            name, params = await self._model(interaction, model)
            upload = Upload(file, params, bars, track, from_bar)
            upload.check()
            async with self._studio.turn(interaction, cost=bars, private=True):
                read = await upload.primer(self._studio.workers)
                answer = await self._present(interaction, read, name, params)
            await self._studio.deliver(interaction, answer, private=True)

    async def _model(self, interaction: Interaction, name: str | None) -> tuple[str, Params]:
        """Find the model that a primer is for: what its rests and chords mean depends on it."""
        catalogue = self._studio.catalogue.at(interaction.guild_id)
        name = name or catalogue.usual((await self._studio.store.server(interaction.guild_id)).model)
        return catalogue.path(name).name, catalogue.params(name)

    async def _present(self, interaction: Interaction, primer: Primer, name: str, params: Params) -> Answer:
        """Have a primer played and engraved."""
        model = ModelInfo(name, "", params.rest_unit, params.anchor)
        font = await self._studio.soundfont(interaction.guild_id)
        request = ComposeRequest(model=name, tempo=params.tempo, metre=str(primer.metre), soundfont=font, picture=False)
        take = await self._studio.workers.run(recipe.render, request, model, primer.text, 0)
        sheet = await self._studio.workers.run(reprise.engrave, primer.text, model, params.tempo, "", primer.metre)
        return presentation.present_primer(primer, name, take, sheet)


def _judge(primer: Primer) -> float:
    """Return how many bars a primer has. Raises RequestError for one that is right, but of no use."""
    if not primer.text.replace("r", "").strip("1234"):
        raise RequestError("This is silent: it has rests, but no notes.")
    if primer.bars >= LONGEST_PIECE:
        raise RequestError(
            "This is {bars:g} bars long. A piece can have {most}, its primer included.",
            bars=float(primer.bars),
            most=LONGEST_PIECE,
        )
    return float(primer.bars)
