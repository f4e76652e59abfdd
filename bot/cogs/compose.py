"""/compose, and the menu of a message with music: from a few notes, or a file, to a piece."""

from typing import Any, Final

from discord import Attachment, Interaction, Message, app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.chat import replies
from bot.chat.ranges import (
    LONGEST_PRIMER,
    USUAL_BARS,
    USUAL_TEMPERATURE,
    Bars,
    Effort,
    Expression,
    Gravity,
    Seed,
    Temperature,
    Tempo,
    TopP,
)
from bot.cogs import autocomplete
from bot.composing.studio import TAKES, Studio
from bot.composing.typed import Typed
from bot.composing.uploads import BARS as PRIMER_BARS
from bot.composing.uploads import Upload, UploadError
from bot.database.store import Server
from core.composing.drafting import USUAL_EFFORT
from core.composing.recipe import ComposeRequest
from core.composing.sampling import LONGEST_PIECE
from core.performing.expression import USUAL

LONGEST_ENDING: Final = 32  # bars of a file that a piece can begin with


class Composing(commands.Cog):
    """Compose a piece."""

    def __init__(self, tree: app_commands.CommandTree[Any], studio: Studio) -> None:
        self._tree, self._studio = tree, studio
        self._menu = app_commands.ContextMenu(name="Continue this music", callback=self.continue_music)
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
        primer="How it begins: C4 E4 G4, c d e f | g2 g2, 72r1 67-3-7r2, or ABC. Empty: the model begins.",
        midi="A file to begin with: MIDI, MusicXML, ABC, Humdrum, or a hum as OGG, MP3, M4A or WAV.",
        primer_bars="How many bars of the file to begin with.",
        track="Of the file: a track's number or name, or melody for its highest line. Empty: all of it.",
        from_bar="Of the file: the first bar. Empty: its last bars.",
        temperature="How adventurous: 0.8 is careful, 1 natural, 1.2 bold.",
        gravity="How strongly the piece stays in its key: 0 is not at all.",
        top_p="Keep to the likeliest notes of this probability together: 1 keeps all.",
        model="Which model composes.",
        bars="How long the piece is, the primer included.",
        key="The key that it is in: G, Bb, F# minor. Empty: the primer's, or one that the model likes.",
        metre="The time signature: 4/4, 3/4, 6/8.",
        form="Its sections: AABB plays each of two twice, AABA comes back to the first.",
        tempo="Quarter notes a minute.",
        instrument="Who plays it. Empty: those that the model's music is for.",
        expression="How freely it is played: 0 exactly as written, 1 as musicians do, 2 twice as much.",
        takes="How many pieces to compose at once, to choose from.",
        effort="How many candidates are written for each piece, of which the best is kept.",
        seed="A number that brings the same piece back.",
    )
    @app_commands.autocomplete(primer=autocomplete.primers, model=autocomplete.models, key=autocomplete.keys)
    @app_commands.autocomplete(metre=autocomplete.metres, form=autocomplete.forms, instrument=autocomplete.instruments)
    async def compose(
        self,
        interaction: Interaction,
        primer: Range[str, 0, LONGEST_PRIMER] = "",
        midi: Attachment | None = None,
        primer_bars: Range[int, 1, LONGEST_ENDING] = PRIMER_BARS,
        track: Range[str, 1, 40] | None = None,
        from_bar: Range[int, 0, 4096] | None = None,
        temperature: Temperature | None = None,
        gravity: Gravity | None = None,
        top_p: TopP = 1.0,
        model: str | None = None,
        bars: Bars | None = None,
        key: Range[str, 1, 20] | None = None,
        metre: Range[str, 1, 20] | None = None,
        form: Range[str, 1, 20] | None = None,
        tempo: Tempo | None = None,
        instrument: Range[str, 1, 40] | None = None,
        expression: Expression = USUAL,
        takes: Range[int, 1, TAKES] = 1,
        effort: Effort = USUAL_EFFORT,
        seed: Seed | None = None,
    ) -> None:
        """Compose a piece of music, with sound and picture."""
        async with replies.answering(interaction):
            chosen = await self._studio.store.server(interaction.guild_id)
            catalogue = self._studio.catalogue.at(interaction.guild_id)
            model = model or catalogue.usual(chosen.model)
            params = catalogue.params(model)
            upload = None
            if midi is not None:
                if primer:
                    raise UploadError("A piece begins with a primer or with a file. Choose one of them.")
                upload = Upload(midi, params, primer_bars, track, from_bar)
            request = ComposeRequest(
                model=str(catalogue.path(model)),
                temperature=temperature or chosen.temperature or USUAL_TEMPERATURE,
                gravity=gravity,
                top_p=top_p,
                bars=bars or _usual_bars(chosen, upload),
                key=key,
                metre=metre,
                form=form,
                tempo=tempo,
                instrument=instrument or chosen.instrument,
                expression=expression,
                takes=takes,
                effort=effort,
                seed=seed,
            )
            beginning = upload or (Typed.by(interaction, primer, params) if primer else None)
            await self._studio.compose(interaction, request, beginning=beginning, grows=bars is None)

    async def continue_music(self, interaction: Interaction[Any], message: Message) -> None:
        """Compose on from the music file in a message."""
        async with replies.answering(interaction):
            chosen = await self._studio.store.server(interaction.guild_id)
            forwarded = [file for snapshot in message.message_snapshots for file in snapshot.attachments]
            catalogue = self._studio.catalogue.at(interaction.guild_id)
            model = catalogue.usual(chosen.model)
            upload = Upload.among([*message.attachments, *forwarded], catalogue.params(model))
            request = ComposeRequest(
                model=str(catalogue.path(model)),
                temperature=chosen.temperature or USUAL_TEMPERATURE,
                bars=_usual_bars(chosen, upload),
                instrument=chosen.instrument,
            )
            await self._studio.compose(interaction, request, beginning=upload, grows=True)


def _usual_bars(chosen: Server, upload: Upload | None) -> int:
    """Return how long a piece becomes where nobody says: as the server has chosen, behind what a file gives."""
    return min(LONGEST_PIECE, (chosen.bars or USUAL_BARS) + (0 if upload is None else upload.bars))
