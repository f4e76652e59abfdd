"""/rewrite: bars of a piece anew, between what stands before and after."""

from discord import Interaction, app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.chat import checks, replies
from bot.chat.ranges import Effort, Seed, Temperature
from bot.cogs import autocomplete
from bot.composing import rewriting
from bot.composing.rewriting import LONGEST
from bot.composing.studio import TAKES, Studio
from core.composing.drafting import USUAL_EFFORT


class Rewriting(commands.Cog):
    """Write bars of a piece anew."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(
        piece="The piece's number, as its message shows it.",
        bars="Which bars: 5-8, or 5 for one. A pickup is bar 0.",
        takes="How many ways at once, to choose from.",
        temperature="How adventurous: 0.8 is careful, 1 natural, 1.35 bold. Empty: as the piece was made.",
        effort="How many ways are tried, of which the best is kept.",
        seed="A number that brings the same bars back.",
    )
    @app_commands.autocomplete(piece=autocomplete.pieces)
    async def rewrite(
        self,
        interaction: Interaction,
        piece: Range[str, 1, 40],
        bars: Range[str, 1, LONGEST],
        takes: Range[int, 1, TAKES] = 1,
        temperature: Temperature | None = None,
        effort: Effort = USUAL_EFFORT,
        seed: Seed | None = None,
    ) -> None:
        """Write some bars of a piece anew, to fit what stands before and after."""
        async with replies.answering(interaction):
            opus = await checks.find(interaction, self._studio.store, piece)
            wishes = {} if temperature is None else {"temperature": temperature}
            await rewriting.rewrite(interaction, opus, bars, takes=takes, effort=effort, seed=seed, **wishes)
