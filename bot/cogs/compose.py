"""/compose: from a few notes to a piece."""

from discord import Interaction, app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from bot import composing, replies
from bot.client import ComposerBot
from core import pipeline
from core.performing import INSTRUMENTS
from core.pipeline import ComposeRequest
from core.sampling import LONGEST_PIECE

LONGEST_PRIMER = 4000  # characters that one can type into an option
TEMPERATURE, BARS = 1.0, 16  # where neither the user nor the server has chosen
CHOICES_SHOWN = 25  # as many as Discord shows


class Composing(commands.Cog):
    """Compose a piece."""

    @app_commands.command()
    @app_commands.describe(
        primer="How the piece begins: notes 0-127 and rests r1-r4, as in 72r1 76r1 60-4-7r2. Empty: the model begins.",
        temperature="How adventurous: 0.8 is careful, 1 natural, 1.2 bold.",
        gravity="How strongly the piece stays in its key: 0 is not at all.",
        model="The style.",
        bars="How long the piece is, the primer included.",
        tempo="Quarter notes a minute.",
        instrument="Who plays it.",
        seed="A number that brings the same piece again.",
    )
    @app_commands.choices(instrument=[Choice(name=name, value=name) for name in INSTRUMENTS])
    async def compose(
        self,
        interaction: Interaction[ComposerBot],
        primer: Range[str, 0, LONGEST_PRIMER] = "",
        temperature: Range[float, 0.1, 3.0] | None = None,
        gravity: Range[float, 0.0, 3.0] | None = None,
        model: str | None = None,
        bars: Range[int, 1, LONGEST_PIECE] | None = None,
        tempo: Range[int, 20, 300] | None = None,
        instrument: str = "piano",
        seed: Range[int, 0, 2**53 - 1] | None = None,
    ) -> None:
        """Compose a piece of music, with sound and picture."""
        async with replies.answering(interaction):
            bot = interaction.client
            chosen = await bot.store.server(interaction.guild_id)
            model, catalogue = model or chosen.model, bot.catalogue.at(interaction.guild_id)
            pipeline.check_primer(primer, catalogue.params(model).anchor)
            request = ComposeRequest(
                model=str(catalogue.path(model)),
                primer=primer,
                temperature=temperature or chosen.temperature or TEMPERATURE,
                gravity=gravity,
                bars=bars or chosen.bars or BARS,
                tempo=tempo,
                instrument=instrument,
                seed=seed,
                soundfont=None if bot.settings.soundfont is None else str(bot.settings.soundfont),
            )
            await composing.compose(interaction, request)

    @compose.autocomplete("model")
    async def _models(self, interaction: Interaction[ComposerBot], typed: str) -> list[Choice[str]]:
        names = [
            name for name in interaction.client.catalogue.at(interaction.guild_id).names() if typed.lower() in name
        ]
        return [Choice(name=name, value=name) for name in names[:CHOICES_SHOWN]]


async def setup(bot: ComposerBot) -> None:
    """Add the cog."""
    await bot.add_cog(Composing())
