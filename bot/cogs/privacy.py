"""/privacy and /forget: what is kept of a user, and its end."""

import re
from typing import Any, Final, Self

from discord import ButtonStyle, Embed, Interaction, app_commands
from discord.ext import commands
from discord.ui import Button, DynamicItem, Item, View

from bot.chat import delivery, language, replies
from bot.chat.answer import COLOUR
from bot.chat.language import _, mark
from bot.client import ComposerBot
from bot.training.walk import KEPT as KEPT_TRAININGS

KEPT: Final = (
    (
        mark("What I keep"),
        mark(
            "Of each piece: your Discord number and the server's, the time, the recipe with your primer, and the notes."
            " Of what you like: that you like it. Of a shared piece: where its message stands. MIDI, sound and pictures"
            " are made from the notes again, and lie in a cache until newer ones take their place."
        ),
    ),
    (
        mark("What I keep of a server"),
        mark(
            "What /server choose has chosen. Of each training: the number and the language of who asked for it, the"
            " channel and the message, the time, the names of the files and pieces with what became of each, and the"
            " parsed notes. Its model, which has these notes and their titles too."
        ),
    ),
    (
        mark("What I do not keep"),
        mark(
            "Messages: I see only those whose menu you use. Your name. Music files that you begin a piece with: only"
            " the notes of their last bars stay, as the primer. Music files that you train a model with: only their"
            " names, titles and parsed notes stay."
        ),
    ),
    (
        mark("How long"),
        mark(
            "Until you delete it; of trainings that have ended, the last {kept} of a server. Nothing is passed on, and"
            " nothing is learned from your pieces."
        ),
    ),
    (
        mark("How to delete it"),
        mark(
            "The button Delete deletes one piece with its message, Withdraw takes one out of the showcase. /forget me"
            " deletes all your pieces and likes, and takes your number off your trainings. The rest of these belongs to"
            " their server: /train delete and /models delete delete it, /server reset takes back what was chosen."
            " So do messages in channels: delete those with the button first."
        ),
    ),
)

Ask = Interaction[ComposerBot]


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Forgetting(commands.GroupCog, group_name="forget", group_description="Have me forget."):
    """Have the bot forget."""

    @app_commands.command()
    async def me(self, interaction: Ask) -> None:
        """Delete all that is kept of you: your pieces, what you like, your messages in showcases."""
        async with replies.answering(interaction):
            store, user = interaction.client.store, interaction.user.id
            pieces, shown = len(await store.ids(user)), len(await store.showings(user))
            question = language.ngettext(
                "Shall I delete your piece, all that you like, and your messages in showcases ({shown})?"
                " Nobody can bring that back.",
                "Shall I delete your {pieces} pieces, all that you like, and your messages in showcases ({shown})?"
                " Nobody can bring that back.",
                pieces,
            )
            await interaction.response.send_message(
                question.format(pieces=pieces, shown=shown), view=_choice(), ephemeral=True
            )


class Decision(DynamicItem[Button[View]], template=r"forget:(?P<decision>yes|no)"):
    """Delete all that is kept of whoever clicks, or leave it."""

    def __init__(self, decision: str) -> None:
        yes = decision == "yes"
        super().__init__(
            Button(
                style=ButtonStyle.danger if yes else ButtonStyle.secondary,
                label=_("Delete everything") if yes else _("Keep it"),
                custom_id=f"forget:{decision}",
            )
        )
        self._yes = yes

    @classmethod
    async def from_custom_id(cls, _: Interaction, __: Item[Any], match: re.Match[str], /) -> Self:
        """Make the button that was clicked."""
        return cls(match["decision"])

    async def callback(self, interaction: Interaction[Any]) -> Any:
        """Answer a click."""
        try:
            async with replies.answering(interaction):
                if not self._yes:
                    await interaction.response.edit_message(content=_("Everything stays as it is."), view=None)
                    return
                await interaction.response.edit_message(content=_("One moment …"), view=None)
                await interaction.edit_original_response(content=await _forget(interaction))
        except Exception as error:  # discord.py would only log it, and the user would see a failed interaction
            await replies.apologise(interaction, error)


async def _forget(interaction: Ask) -> str:
    """Delete what is kept of a user first, which is sure to succeed, then their messages in showcases."""
    bot = interaction.client
    user = interaction.user.id
    ids, showings = await bot.store.ids(user), await bot.store.showings(user)
    pieces = await bot.store.forget(user)
    await bot.cache.drop(*ids)
    left = [showing.link for showing in showings if not await delivery.take_down(bot, showing)]
    done = language.ngettext(
        "It is done: I have deleted your piece and forgotten you.",
        "It is done: I have deleted your {pieces} pieces and forgotten you.",
        pieces,
    ).format(pieces=pieces)
    if not left:
        return done
    return done + " " + _("I may not delete these messages; ask a moderator: {links}").format(links=" ".join(left))


def _choice() -> View:
    view = View(timeout=None)
    for decision in ("yes", "no"):
        view.add_item(Decision(decision))
    view.stop()  # clicks are told apart by id, so discord.py need not remember this view
    return view


@app_commands.command()
@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
async def privacy(interaction: Ask) -> None:
    """Read what I keep of you, for how long, and how to have it deleted."""
    async with replies.answering(interaction):
        embed = Embed(title=_("Privacy"), colour=COLOUR)
        for name, text in KEPT:
            embed.add_field(name=_(name), value=_(text).format(kept=KEPT_TRAININGS), inline=False)
        await interaction.response.send_message(embed=embed, ephemeral=True)


async def setup(bot: ComposerBot) -> None:
    """Add the commands, and have the bot know the buttons by their ids."""
    await bot.add_cog(Forgetting())
    bot.tree.add_command(privacy)
    bot.add_dynamic_items(Decision)
