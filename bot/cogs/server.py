"""/server: what a server chooses for all its members."""

import asyncio
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Final

import discord
from discord import Embed, Interaction, app_commands
from discord.app_commands import Choice, Range
from discord.ext import commands

from bot.chat import checks, replies
from bot.chat.answer import COLOUR
from bot.chat.language import _, tell
from bot.chat.ranges import USUAL_BARS, USUAL_TEMPERATURE, Bars, Temperature
from bot.cogs import autocomplete
from bot.community import setup
from bot.community.daily import NEEDED, UTC_NAME, begun, changed
from bot.community.setup import ServerError
from bot.community.taste import describe
from bot.composing.film import CHOICES, NEVER
from bot.composing.studio import Studio
from bot.database.store import Server
from core.errors import mark
from core.performing import audio, ensembles

NAMES: Final = {
    "model": mark("Model"),
    "temperature": mark("Temperature"),
    "bars": mark("Length"),
    "showcase": mark("Showcase"),
    "trainers": mark("Trainers"),
    "soundfont": mark("Soundfont"),
    "instrument": mark("Played by"),
    "film": mark("Films"),
}
EVERYTHING: Final = "everything"


@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Servers(commands.GroupCog, group_name="server", group_description="Choose this server's settings."):
    """Choose a server's settings."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    async def show(self, interaction: Interaction) -> None:
        """Show this server's settings."""
        async with replies.answering(interaction):
            checks.manager(interaction)
            await self._show(interaction, await self._studio.store.server(interaction.guild_id))

    @app_commands.command()
    async def setup(self, interaction: Interaction) -> None:
        """Choose showcase, trainers and model in one form."""
        async with replies.answering(interaction):
            await setup.show(interaction)

    @app_commands.command()
    @app_commands.describe(
        model="The model that composes unless somebody chooses another.",
        temperature="How adventurous pieces are unless somebody chooses otherwise.",
        bars="How long pieces are unless somebody chooses otherwise.",
        showcase="The channel where shared pieces are posted.",
        trainers="Who may train models here, besides those who manage the server.",
        soundfont="What pieces are played with.",
        instrument="Who plays pieces unless somebody chooses another.",
        film="When pieces are filmed: the piano roll, lit as it sounds, as a video.",
    )
    @app_commands.autocomplete(model=autocomplete.models, soundfont=autocomplete.soundfonts)
    @app_commands.autocomplete(instrument=autocomplete.instruments)
    @app_commands.choices(film=[Choice(name=str(name), value=value) for value, name in CHOICES.items()])
    async def choose(
        self,
        interaction: Interaction,
        model: str | None = None,
        temperature: Temperature | None = None,
        bars: Bars | None = None,
        showcase: discord.TextChannel | None = None,
        trainers: discord.Role | None = None,
        soundfont: str | None = None,
        instrument: Range[str, 1, 40] | None = None,
        film: str | None = None,
    ) -> None:
        """Change this server's settings; what you leave out stays as it is."""
        async with replies.answering(interaction):
            checks.manager(interaction)
            assert interaction.guild_id is not None
            if model is not None:
                self._studio.catalogue.at(interaction.guild_id).path(model)
            if showcase is not None:
                checks.bot_may(showcase, checks.POSTING)
            if soundfont is not None:
                await _check_soundfont(soundfont)
            if instrument is not None:
                ensembles.ensemble(instrument)
            if film not in (None, NEVER) and self._studio.films.usual == NEVER:
                raise ServerError(
                    "There are no films here: whoever runs the bot has turned them off, or lacks what they need."
                )
            chosen: dict[str, Any] = {
                "model": model,
                "temperature": temperature,
                "bars": bars,
                "showcase": None if showcase is None else showcase.id,
                "trainers": None if trainers is None else trainers.id,
                "soundfont": soundfont,
                "instrument": instrument,
                "film": film,
            }
            store = self._studio.store
            present = await store.server(interaction.guild_id)
            server = replace(present, **{name: value for name, value in chosen.items() if value is not None})
            await store.choose(interaction.guild_id, server)
            await self._show(interaction, server)

    @app_commands.command()
    @app_commands.describe(what="Which setting, or all of them.")
    @app_commands.choices(
        what=[
            Choice(name="Everything", value=EVERYTHING),
            *(Choice(name=str(name), value=field) for field, name in NAMES.items()),
        ]
    )
    async def reset(self, interaction: Interaction, what: str) -> None:
        """Take this server's settings back to the defaults."""
        async with replies.answering(interaction):
            checks.manager(interaction)
            assert interaction.guild_id is not None
            store = self._studio.store
            present = await store.server(interaction.guild_id)
            names = [field.name for field in fields(Server) if what in (EVERYTHING, field.name)]
            server = replace(present, **dict.fromkeys(names))
            await store.choose(interaction.guild_id, server)
            await self._show(interaction, server)

    @app_commands.command()
    @app_commands.describe(change="Leave it out to see what has been learned.")
    @app_commands.choices(
        change=[
            Choice(name="Switch it on", value="on"),
            Choice(name="Switch it off", value="off"),
            Choice(name="Forget it", value="forget"),
        ]
    )
    async def taste(self, interaction: Interaction, change: str | None = None) -> None:
        """See what this server likes, as far as I have learned it; switch that off, or have it forgotten."""
        async with replies.answering(interaction):
            checks.manager(interaction)
            assert interaction.guild_id is not None
            store, server = self._studio.store, interaction.guild_id
            if change == "forget":
                await store.votes.forget(server)
            elif change is not None:
                await store.choose(server, replace(await store.server(server), taste=change == "on"))
            embed = await describe(store, server)
            await interaction.response.send_message(embed=embed, ephemeral=True)

    @app_commands.command()
    @app_commands.describe(
        channel="Where it is posted and the best is pinned. Leave it out to have none.",
        hour="At which hour, from 0 to 23.",
        zone="By the clocks of which time zone: Europe/Berlin, America/New_York. Empty: UTC.",
    )
    @app_commands.autocomplete(zone=autocomplete.zones)
    async def daily(
        self,
        interaction: Interaction,
        channel: discord.TextChannel | None = None,
        hour: Range[int, 0, 23] = 18,
        zone: Range[str, 1, 64] | None = None,
    ) -> None:
        """Have a piece of the day: three takes and a poll, and the best one pinned until the next."""
        async with replies.answering(interaction):
            checks.manager(interaction)
            assert interaction.guild_id is not None
            store, server, now = self._studio.store, interaction.guild_id, datetime.now(UTC)
            if channel is None:
                await store.choose(server, replace(await store.server(server), daily=None))
                await interaction.response.send_message(_("There is no piece of the day any more."), ephemeral=True)
                return
            checks.bot_may(channel, NEEDED)
            chosen = changed(await store.server(server), channel.id, hour, zone)
            if (today := begun(chosen, now)) is not None:
                await store.days.skip(server, today, channel.id, now)
            await store.choose(server, chosen)
            told = _("Every day at {hour}:00 ({zone}) there will be three takes in {channel}, and a poll.")
            said = told.format(hour=hour, zone=zone or UTC_NAME, channel=channel.mention)
            await interaction.response.send_message(said, ephemeral=True)

    async def _show(self, interaction: Interaction, server: Server) -> None:
        model = self._studio.catalogue.at(interaction.guild_id).usual(server.model)
        film = self._studio.films.chosen(server)
        texts = {
            "model": model if model == server.model else _usual(model),
            "temperature": f"{server.temperature:g}" if server.temperature else _usual(f"{USUAL_TEMPERATURE:g}"),
            "bars": str(server.bars) if server.bars else _usual(str(USUAL_BARS)),
            "showcase": _("none") if server.showcase is None else f"<#{server.showcase}>",
            "trainers": _("only those who manage the server") if server.trainers is None else f"<@&{server.trainers}>",
            "soundfont": server.soundfont or _usual(_("the bot's")),
            "instrument": _(server.instrument)
            if server.instrument
            else _usual(_("those that the model's music is for")),
            "film": _(film) if film == server.film else _usual(_(film)),
        }
        embed = Embed(title=_("This server's settings"), colour=COLOUR)
        for field, name in NAMES.items():
            embed.add_field(name=tell(name), value=texts[field])
        embed.set_footer(text=_("/server choose changes them, /server reset takes them back to the defaults."))
        await interaction.response.send_message(embed=embed, ephemeral=True)


def _usual(text: str) -> str:
    return _("{value} (the default)").format(value=text)


async def _check_soundfont(name: str) -> None:
    """Raise ServerError or AudioError unless a soundfont is installed, and whole."""
    installed = {path.name: path for path in await asyncio.to_thread(audio.soundfonts)}
    if name not in installed:
        raise ServerError(
            "There is no soundfont called {name!r}. There are: {names}.",
            name=name[:40],
            names=", ".join(installed) or "–",
        )
    await asyncio.to_thread(audio.find_soundfont, installed[name])
