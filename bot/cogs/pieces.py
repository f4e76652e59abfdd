"""/piece: what has been composed before."""

from typing import Final

from discord import Embed, Interaction, app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.chat import checks, replies, titles
from bot.chat.answer import COLOUR
from bot.chat.language import _
from bot.cogs import autocomplete
from bot.community import family
from bot.composing import presentation
from bot.composing.studio import Studio
from bot.database.engine import StoreError
from bot.database.store import Opus

LISTED: Final = 15  # pieces on a page
BEST: Final = 10


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Pieces(commands.GroupCog, group_name="piece", group_description="Find pieces again."):
    """Find pieces again."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    @app_commands.describe(id="The piece's id, as its recipe shows it.")
    @app_commands.autocomplete(id=autocomplete.pieces)
    async def show(self, interaction: Interaction, id: Range[str, 1, 40]) -> None:
        """Show a piece again, with its files and buttons."""
        async with replies.answering(interaction):
            opus = await checks.find(interaction, self._studio.store, id)
            await self._studio.show(interaction, opus)

    @app_commands.command()
    @app_commands.describe(page="How far back to go: 1 is the newest.")
    async def history(self, interaction: Interaction, page: Range[int, 1, 1000] = 1) -> None:
        """List your own pieces, and how many people like them."""
        async with replies.answering(interaction):
            store = self._studio.store
            found = await store.by_author(interaction.user.id, LISTED + 1, LISTED * (page - 1))
            if not found:
                if page > 1:
                    raise StoreError("You have no pieces that far back.")
                raise StoreError("You have no pieces yet. /compose makes the first.")
            pieces, likes = found[:LISTED], await store.likes(*(opus.id for opus in found))
            embed = Embed(
                title=_("Your pieces"),
                description="\n".join(_line(opus, likes.get(opus.id, 0)) for opus in pieces),
                colour=COLOUR,
            )
            further = _(" More on page {page}.").format(page=page + 1) if len(found) > LISTED else ""
            embed.set_footer(text=_("/piece show brings a piece back.") + further)
            await interaction.response.send_message(embed=embed, ephemeral=True)

    @app_commands.command()
    async def favourites(self, interaction: Interaction) -> None:
        """List the pieces of this server's showcase that people like best."""
        async with replies.answering(interaction):
            if interaction.guild_id is None:
                raise StoreError("Favourites belong to a server. Use this command there.")
            store = self._studio.store
            best = await store.favourites(interaction.guild_id, BEST)
            if not best:
                raise StoreError(
                    "Nothing is in this server's showcase yet. The button Share under a piece puts it there."
                )
            lines, listen = [], _("listen")
            for place, (opus, likes) in enumerate(best, 1):
                showing = await store.showing(opus.id)
                where = "" if showing is None else f" · [{listen}]({showing.link})"
                lines.append(f"{place}. {_line(opus, likes)} · <@{opus.author}>{where}")
            embed = Embed(title=_("This server's favourites"), description="\n".join(lines), colour=COLOUR)
            embed.set_footer(text=_("/piece show brings a piece back."))
            await interaction.response.send_message(embed=embed)

    @app_commands.command()
    @app_commands.describe(id="The piece's id, as its recipe shows it.")
    @app_commands.autocomplete(id=autocomplete.pieces)
    async def family(self, interaction: Interaction, id: Range[str, 1, 40]) -> None:
        """Draw where a piece comes from and what came of it, with the names of whoever asked for it."""
        async with replies.answering(interaction):
            opus = await checks.find(interaction, self._studio.store, id)
            async with self._studio.turn(interaction, cost=1):
                answer = await family.show(self._studio, opus, (interaction.user.id, interaction.guild_id))
            await self._studio.deliver(interaction, answer)


def _line(opus: Opus, likes: int) -> str:
    liked = f" · ❤️ {likes}" if likes else ""
    what = f"**{titles.title(opus)}** · {opus.model.name}, {presentation.length(opus.bars)}"
    return f"{what} · <t:{opus.created.timestamp():.0f}:R>{liked} · `{opus.id}`"
