"""Setting up a server: one private form that makes its showcase and chooses trainers, model and films.

/server setup shows it, and so does a button under what Share says where there is no showcase; then the piece is shared
as well.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import discord
from discord import ChannelType, Interaction, SelectDefaultValue, SelectDefaultValueType, SelectOption
from discord.ui import ChannelSelect, Modal, RoleSelect, Select

from bot.chat import checks, forms
from bot.chat.components import LastingButton
from bot.chat.language import _, tell
from bot.community import showcase
from bot.composing.film import CHOICES, NEVER
from bot.composing.studio import Studio
from bot.database.store import Server
from bot.models.catalogue import Catalogue
from core.errors import CadenzaError

FORM: Final = re.compile(r"setup(?::(?P<opus>[a-z0-9]{1,12}))?")
CHANNEL: Final = "showcase"  # what a new one is called
MODELS_SHOWN: Final = 24  # as many as Discord shows beside the bot's own choice
USUAL: Final = "-"  # which no model is called


class ServerError(CadenzaError):
    """Say why a server cannot choose this."""


def form(server: Server, catalogue: Catalogue, usual: str, opus: str | None = None) -> Modal:
    """Lay out the form with what the server has chosen; behind it `opus` is shared.

    `usual` is when pieces are filmed where a server has not chosen.
    """
    channels = ChannelSelect[Any](
        custom_id="showcase",
        channel_types=[ChannelType.text],
        required=False,
        default_values=_chosen(server.showcase, SelectDefaultValueType.channel),
    )
    trainers = RoleSelect[Any](
        custom_id="trainers",
        required=False,
        default_values=_chosen(server.trainers, SelectDefaultValueType.role),
    )
    named = server.model if server.model in catalogue.names() else USUAL
    names = sorted(catalogue.names(), key=lambda name: name != named)[:MODELS_SHOWN]
    models = [(USUAL, _said(catalogue.usual(None))), *((name, name) for name in names)]
    fields: list[tuple[str, forms.Field, str | None]] = [
        (_("Where shared pieces go"), channels, _("Left empty, I make a channel for them.")),
        (_("Who may train models"), trainers, _("Left empty: those who manage the server.")),
        (_("Which model composes when none is chosen"), _menu("model", models, named), None),
    ]
    if usual != NEVER:
        films = [(USUAL, _said(_(usual))), *((value, tell(name)) for value, name in CHOICES.items())]
        fields.append((_("When pieces are filmed"), _menu("film", films, server.film or USUAL), None))
    return forms.lay_out(_("Set up Cadenza"), "setup" if opus is None else f"setup:{opus}", fields)


async def show(interaction: Interaction, opus: str | None = None) -> None:
    """Show the form to somebody who manages the server. Raises RightsError."""
    checks.manager(interaction)
    studio = Studio.of(interaction)
    catalogue = studio.catalogue.at(interaction.guild_id)
    await interaction.response.send_modal(
        form(await studio.store.server(interaction.guild_id), catalogue, studio.films.usual, opus)
    )


class SetUp(LastingButton, template=r"setup:(?P<opus>[a-z0-9]{1,12})"):
    """Show the form, and share a piece behind it."""

    def __init__(self, custom_id: str, opus: str) -> None:
        super().__init__(custom_id)
        self._opus = opus

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        await show(interaction, self._opus)


class Welcome(LastingButton, template="welcome:setup"):
    """Show the form."""

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        await show(interaction)


ITEMS: Final = (SetUp, Welcome)


async def _filled_in(interaction: Interaction[Any], match: re.Match[str], fields: Mapping[str, Any]) -> None:
    """Keep what was chosen; where there can be no showcase, the rest is kept all the same."""
    checks.manager(interaction)
    guild, studio = interaction.guild, Studio.of(interaction)
    assert guild is not None
    [model], trainers, channels = (fields[name]["values"] for name in ("model", "trainers", "showcase"))
    name = None if model == USUAL else studio.catalogue.at(guild.id).path(model).name
    await interaction.response.defer(ephemeral=True, thinking=True)
    kept = await studio.store.server(guild.id)
    server = replace(kept, model=name, trainers=int(trainers[0]) if trainers else None)
    if "film" in fields:
        [film] = fields["film"]["values"]
        server = replace(server, film=None if film == USUAL else film)
    await studio.store.choose(guild.id, server)
    channel = await _showcase(guild, int(channels[0]) if channels else None)
    await studio.store.choose(guild.id, replace(server, showcase=channel.id))
    said = [_("Shared pieces go to {channel}.").format(channel=channel.mention)]
    if match["opus"] is not None:
        link = await showcase.share(interaction, await studio.store.get(match["opus"]), channel)
        said.append(_("It is in the showcase. {link}").format(link=link))
    said.append(_("/server choose changes all this at any time."))
    await interaction.edit_original_response(content="\n".join(said))


async def _showcase(guild: discord.Guild, id: int | None) -> discord.TextChannel:
    """Return the channel that was chosen, one that is called so already, or a new one. Raises CadenzaError."""
    channel = guild.get_channel(id) if id is not None else discord.utils.get(guild.text_channels, name=CHANNEL)
    if isinstance(channel, discord.TextChannel):
        checks.bot_may(channel, checks.POSTING)
        return channel
    topic = _("Pieces that Cadenza has composed, and members have shared.")
    try:
        made = await guild.create_text_channel(CHANNEL, topic=topic)
    except discord.Forbidden:
        raise ServerError(
            "I may not make a channel here. Choose one in the form, or allow me to manage channels; the rest is kept."
        ) from None
    checks.bot_may(made, checks.POSTING)
    return made


def _menu(id: str, offered: list[tuple[str, str]], chosen: str) -> Select[Any]:
    options = [SelectOption(label=label, value=value, default=value == chosen) for value, label in offered]
    return Select[Any](custom_id=id, options=options)


def _said(usual: str) -> str:
    return _("as the bot has it: {usual}").format(usual=usual)


def _chosen(id: int | None, kind: SelectDefaultValueType) -> list[SelectDefaultValue]:
    return [] if id is None else [SelectDefaultValue(id=id, type=kind)]


submitted: Final = forms.listener(FORM, _filled_in)  # whichever run of the bot has shown the form
