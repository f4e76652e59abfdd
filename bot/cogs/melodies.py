"""/harmonize, and the menu of a message with a tune: a voice message, a sound, a music file, or notes in words."""

from typing import Any

from discord import Attachment, Interaction, Message, app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.chat import replies
from bot.chat.ranges import LONGEST_PRIMER, Effort, Expression, Seed, Temperature, Tempo
from bot.cogs import autocomplete
from bot.composing import melodies
from bot.composing.soprano import Soprano, model_for
from bot.composing.studio import TAKES, Studio
from bot.composing.typed import Typed
from bot.composing.uploads import Upload, UploadError
from core.composing.drafting import USUAL_EFFORT
from core.composing.harmonizing import USUAL_TEMPERATURE
from core.composing.recipe import ComposeRequest
from core.composing.sampling import LONGEST_PIECE
from core.performing.expression import USUAL
from core.reading.melody import HIGHEST_LINE


class Melodies(commands.Cog):
    """Use a tune."""

    def __init__(self, tree: app_commands.CommandTree[Any], studio: Studio) -> None:
        self._tree, self._studio = tree, studio
        self._menu = app_commands.ContextMenu(name="Use this tune", callback=self.use)
        app_commands.allowed_installs(guilds=True, users=True)(self._menu)
        app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)(self._menu)

    async def cog_load(self) -> None:
        """Add the menu, which belongs to no cog by itself."""
        self._tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Remove the menu."""
        self._tree.remove_command(self._menu.name, type=self._menu.type)

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(
        melody="The tune: C4 E4 G4, c d e f | g2 g2, 72r1 76r1, or ABC. It stays as it is, as the highest voice.",
        file="A file with the tune: MIDI, MusicXML, ABC, Humdrum, or a hum as OGG, MP3, M4A or WAV.",
        ensemble="Who plays it: choir, string quartet, brass quartet, organ with pedal and others.",
        numerals="Write roman numerals under the sheet.",
        key="The key to harmonise it in: G, Bb, F# minor. Empty: the one that it leans on.",
        tempo="Quarter notes a minute.",
        track="Of the file: a track's number or name. Empty: its highest line.",
        from_bar="Of the file: the first bar. Empty: where the music begins.",
        bars="Of the file: how many bars. Empty: all.",
        takes="How many harmonisations at once, to choose from.",
        seed="A number that brings the same voices back.",
        model="Which model harmonises.",
        temperature="How adventurous: 0.5 is careful, 0.6 natural, 0.8 bold.",
        effort="How many are written side by side: more take longer, and find better ways.",
        expression="How freely it is played: 0 exactly as written, 1 as musicians do, 2 twice as much.",
    )
    @app_commands.autocomplete(model=autocomplete.harmonizers, key=autocomplete.keys)
    @app_commands.autocomplete(ensemble=autocomplete.instruments)
    async def harmonize(
        self,
        interaction: Interaction,
        melody: Range[str, 0, LONGEST_PRIMER] = "",
        file: Attachment | None = None,
        ensemble: Range[str, 1, 40] | None = None,
        numerals: bool = False,
        key: Range[str, 1, 20] | None = None,
        tempo: Tempo | None = None,
        track: Range[str, 1, 40] | None = None,
        from_bar: Range[int, 0, 4096] | None = None,
        bars: Range[int, 1, LONGEST_PIECE] = LONGEST_PIECE,
        takes: Range[int, 1, TAKES] = 1,
        seed: Seed | None = None,
        model: str | None = None,
        temperature: Temperature = USUAL_TEMPERATURE,
        effort: Effort = USUAL_EFFORT,
        expression: Expression = USUAL,
    ) -> None:
        """Put three voices under a melody: a chorale with sheet and sound."""
        async with replies.answering(interaction):
            catalogue = self._studio.catalogue.at(interaction.guild_id)
            chosen = (await self._studio.store.server(interaction.guild_id)).model
            model = model or model_for(catalogue, chosen)
            params = catalogue.params(model)
            if bool(melody) == (file is not None):
                raise UploadError("Give the tune as the option melody, as C4 E4 G4, or as a file: one of them.")
            source: Typed | Upload = Typed.by(interaction, melody, params)
            if file is not None:
                source = Upload(file, params, bars, track or HIGHEST_LINE, from_bar)
            request = ComposeRequest(
                model=str(catalogue.path(model)),
                temperature=temperature,
                key=key,
                tempo=tempo,
                instrument=ensemble,
                numerals=numerals,
                expression=expression,
                takes=takes,
                effort=effort,
                seed=seed,
            )
            await self._studio.compose(interaction, request, beginning=Soprano(source))

    async def use(self, interaction: Interaction[Any], message: Message) -> None:
        """Hear the tune in a message, see its notes, and make something of it."""
        async with replies.answering(interaction):
            await melodies.use(interaction, message)
