"""/models: the models that are there to choose from, and whose they are."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from discord import Embed, Interaction, app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.chat import checks, components, replies
from bot.chat.answer import COLOUR, Enclosure
from bot.chat.components import LastingButton
from bot.chat.language import _, tell
from bot.cogs import autocomplete
from bot.composing.studio import Studio
from bot.models import shelves
from bot.models.catalogue import Catalogue
from core.composing import style
from core.errors import BundleError, Message, mark
from core.model import description

LISTED: Final = 40
NAMES: Final = {
    "source": mark("Source"),
    "terms": mark("Terms"),
    "pieces": mark("Pieces"),
    "tokens": mark("Tokens"),
    "parameters": mark("Parameters"),
    "notation": mark("Notation"),
    "defaults": mark("Defaults"),
    "version": mark("Version"),
}

_log = logging.getLogger(__name__)

Name = Range[str, 1, 40]


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Models(commands.GroupCog, group_name="models", group_description="Look at models, and choose among them."):
    """Look at models, and choose among them."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command(name="list")
    async def list_all(self, interaction: Interaction) -> None:
        """List the models that you can choose here."""
        async with replies.answering(interaction):
            shelf = self._studio.catalogue.at(interaction.guild_id)
            chosen = shelf.usual((await self._studio.store.server(interaction.guild_id)).model)
            own = shelf.own_names()
            facts = ((name, _facts(shelf, name)) for name in shelf.names())
            lines = [_line(name, known, name == chosen, name in own) for name, known in facts if known is not None]
            embed = Embed(title=_("Models"), description="\n".join(lines[:LISTED])[:4000], colour=COLOUR)
            await interaction.response.send_message(embed=embed, ephemeral=True)

    @app_commands.command()
    @app_commands.describe(model="Which model.")
    @app_commands.autocomplete(model=autocomplete.models)
    async def info(self, interaction: Interaction, model: Name) -> None:
        """Show what a model was trained on, and how good it is."""
        async with replies.answering(interaction):
            path = self._studio.catalogue.at(interaction.guild_id).path(model)
            await interaction.response.defer(ephemeral=True, thinking=True)
            rows, paragraphs = await self._studio.workers.run(description.brief, str(path))
            params = self._studio.catalogue.at(interaction.guild_id).params(model)
            said = await asyncio.to_thread(style.sentence, params.habits)
            told = [[said], *paragraphs] if said is not None else paragraphs
            story = "\n\n".join(" ".join(map(tell, sentences)) for sentences in told)
            embed = Embed(title=model, description=story[:4000], colour=COLOUR)
            for name, value in rows:
                embed.add_field(name=tell(NAMES[name]), value=tell(value)[:1000])
            curve = path / "curve.png"
            enclosures = []
            if curve.exists():
                enclosures.append(Enclosure("curve.png", await asyncio.to_thread(curve.read_bytes), _("Loss by epoch")))
                embed.set_image(url="attachment://curve.png")
            files = [enclosure.file() for enclosure in enclosures]
            await interaction.edit_original_response(embed=embed, attachments=files)

    @app_commands.command()
    @app_commands.describe(model="Which model composes on this server when none is chosen.")
    @app_commands.autocomplete(model=autocomplete.models)
    async def default(self, interaction: Interaction, model: Name) -> None:
        """Choose the model that composes when none is chosen."""
        async with replies.answering(interaction):
            await checks.trainer(interaction, self._studio.store)
            server, store = interaction.guild_id, self._studio.store
            assert server is not None
            name = self._studio.catalogue.at(server).path(model).name
            await store.choose(server, replace(await store.server(server), model=name))
            await interaction.response.send_message(
                _("{model} composes here when no model is chosen.").format(model=name)
            )

    @app_commands.command()
    @app_commands.describe(model="A model of this server's own.")
    @app_commands.autocomplete(model=autocomplete.own_models)
    async def delete(self, interaction: Interaction, model: Name) -> None:
        """Delete a model that this server has trained."""
        async with replies.answering(interaction):
            path = await _to_delete(interaction, model)
            button = components.button("model-delete", mark("Delete"), "🗑️", 0, path.name, red=True)
            question = _("Delete {model} for good?").format(model=path.name)
            await interaction.response.send_message(question, view=components.lay_out([button]), ephemeral=True)

    @app_commands.command()
    @app_commands.describe(model="A model of this server's own.", withdraw="No longer offer it.")
    @app_commands.autocomplete(model=autocomplete.own_models)
    async def share(self, interaction: Interaction, model: Name, withdraw: bool = False) -> None:
        """Offer a model of this server to all servers. For the bot's owner."""
        async with replies.answering(interaction):
            await checks.owner(interaction)
            shelf = self._studio.catalogue.at(interaction.guild_id)
            own = self._studio.shelves
            await (own.withdraw if withdraw else own.share)(shelf, model)
            done = _("{model} is no longer offered.") if withdraw else _("{model} is offered to all servers.")
            await interaction.response.send_message(done.format(model=model), ephemeral=True)


class DeleteModel(LastingButton, template=r"model-delete:(?P<model>[a-z0-9][a-z0-9_-]{0,31})"):
    """Delete a model that somebody was asked about."""

    def __init__(self, custom_id: str, model: str) -> None:
        super().__init__(custom_id)
        self._model = model

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        path, studio = await _to_delete(interaction, self._model), Studio.of(interaction)
        server, store = interaction.guild_id, studio.store
        assert server is not None
        await interaction.response.defer()
        await studio.shelves.remove(path)
        await store.jobs.release(server, path.name)
        chosen = await store.server(server)
        if chosen.model == path.name:
            await store.choose(server, replace(chosen, model=None))
        done = _("{model} is deleted.").format(model=path.name)
        await interaction.edit_original_response(content=done, view=None)


ITEMS: Final = (DeleteModel,)


async def _to_delete(interaction: Interaction, model: str) -> Path:
    """Find a model that somebody may delete now. Raises RightsError and BundleError."""
    studio, server = Studio.of(interaction), interaction.guild_id
    await checks.trainer(interaction, studio.store)
    assert server is not None
    path = shelves.own(studio.catalogue.at(server), model)
    based = [job.name for job in await studio.store.jobs.of(server) if job.live and job.base == path.name]
    if based:
        raise BundleError(
            "{names} is being trained from {model}: wait until that is done, or cancel it.",
            names=", ".join(based),
            model=path.name,
        )
    return path


def _facts(shelf: Catalogue, name: str) -> Mapping[str, Any] | None:
    """Return what is known of a model; None for one that is damaged, which is no reason not to list the others."""
    try:
        return shelf.params(name).training
    except BundleError as error:
        _log.warning("The model %s is not listed: %s", name, error)
        return None


def _line(name: str, facts: Mapping[str, Any], default: bool, own: bool) -> str:
    notes = [tell(Message.parse(facts["title"]))[:100]] if facts.get("title") else []
    notes += [_("this server's own")] * own + [_("the default")] * default
    return f"- **{name}**: {', '.join(notes)}" if notes else f"- **{name}**"
