"""/compose, and the menu of a message with music: from a few notes, or a file, to a piece."""

from typing import Any, Final

from discord import Attachment, Interaction, Message, app_commands
from discord.app_commands import Choice, Range
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
from bot.composing import choices
from bot.composing.studio import TAKES, Studio
from bot.composing.typed import Typed
from bot.composing.uploads import BARS as PRIMER_BARS
from bot.composing.uploads import Upload, UploadError
from bot.database.store import Server
from core.composing import moods
from core.composing.drafting import USUAL_EFFORT
from core.composing.options import MEANS
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
        melody="A tune that it begins with: C4 E4 G4, c d e f | g2 g2, or ABC.",
        file="A file to begin with: MIDI, MusicXML, ABC, Humdrum, or a hum as OGG, MP3, M4A or WAV.",
        primer_bars="How many bars of the file to begin with.",
        from_bar="Of the file: the first bar. Empty: its last bars.",
        **MEANS,
    )
    @app_commands.choices(mood=[Choice(name=str(word), value=name) for name, word in choices.MOOD_NAMES.items()])
    @app_commands.autocomplete(primer=autocomplete.primers, model=autocomplete.models, key=autocomplete.keys)
    @app_commands.autocomplete(metre=autocomplete.metres, form=autocomplete.forms, instrument=autocomplete.instruments)
    async def compose(
        self,
        interaction: Interaction,
        model: str | None = None,
        mood: str | None = None,
        key: Range[str, 1, 20] | None = None,
        metre: Range[str, 1, 20] | None = None,
        bars: Bars | None = None,
        instrument: Range[str, 1, 40] | None = None,
        melody: Range[str, 0, LONGEST_PRIMER] = "",
        file: Attachment | None = None,
        track: Range[str, 1, 40] | None = None,
        from_bar: Range[int, 0, 4096] | None = None,
        primer_bars: Range[int, 1, LONGEST_ENDING] = PRIMER_BARS,
        form: Range[str, 1, 20] | None = None,
        tempo: Tempo | None = None,
        takes: Range[int, 1, TAKES] = 1,
        seed: Seed | None = None,
        primer: Range[str, 0, LONGEST_PRIMER] = "",
        temperature: Temperature | None = None,
        gravity: Gravity | None = None,
        top_p: TopP | None = None,
        expression: Expression = USUAL,
        effort: Effort = USUAL_EFFORT,
    ) -> None:
        """Compose a piece of music, with sound and picture."""
        async with replies.answering(interaction):
            chosen = await self._studio.store.server(interaction.guild_id)
            catalogue = self._studio.catalogue.at(interaction.guild_id)
            model = model or catalogue.usual(chosen.model)
            params = catalogue.params(model)
            if sum(map(bool, (melody, primer, file))) > 1:
                raise UploadError("A piece begins with a melody, a primer or a file. Choose one of them.")
            upload, typed = None, melody or primer
            if file is not None:
                upload = Upload(file, params, primer_bars, track, from_bar)
            wished = None if mood is None else moods.mood(mood)
            usual = chosen.temperature or USUAL_TEMPERATURE
            request = ComposeRequest(
                model=str(catalogue.path(model)),
                temperature=temperature or (usual if wished is None else wished.temperature),
                gravity=gravity,
                top_p=top_p or (1.0 if wished is None else wished.top_p),
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
            beginning = upload or (Typed.by(interaction, typed, params) if typed else None)
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
