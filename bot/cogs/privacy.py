"""/privacy and /forget: what is kept of a user, and its end."""

from typing import Final

from discord import ButtonStyle, Embed, Interaction, app_commands
from discord.ext import commands
from discord.ui import Button, View

from bot.chat import components, language, replies
from bot.chat.answer import COLOUR
from bot.chat.language import _, mark
from bot.community import deletion
from bot.composing.studio import Studio
from bot.training.trainings import KEPT as KEPT_TRAININGS

SECTIONS: Final = (
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


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Forgetting(commands.GroupCog, group_name="forget", group_description="Have me forget."):
    """Have the bot forget."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    async def me(self, interaction: Interaction) -> None:
        """Delete all that is kept of you: your pieces, what you like, your messages in showcases."""
        async with replies.answering(interaction):
            store, user = self._studio.store, interaction.user.id
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


class Decision(components.LastingButton, template=r"forget:(?P<decision>yes|no)"):
    """Delete all that is kept of whoever clicks, or leave it."""

    def __init__(self, custom_id: str, decision: str) -> None:
        super().__init__(custom_id)
        self._yes = decision == "yes"

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        if not self._yes:
            await interaction.response.edit_message(content=_("Everything stays as it is."), view=None)
            return
        await interaction.response.edit_message(content=_("One moment …"), view=None)
        await interaction.edit_original_response(content=await _forget(interaction))


async def _forget(interaction: Interaction) -> str:
    pieces, left = await deletion.forget(interaction.client, Studio.of(interaction), interaction.user.id)
    done = language.ngettext(
        "It is done: I have deleted your piece and forgotten you.",
        "It is done: I have deleted your {pieces} pieces and forgotten you.",
        pieces,
    ).format(pieces=pieces)
    if not left:
        return done
    return done + " " + _("I may not delete these messages; ask a moderator: {links}").format(links=" ".join(left))


def _choice() -> View:
    return components.lay_out(
        (
            Button(style=ButtonStyle.danger, label=_("Delete everything"), custom_id="forget:yes"),
            Button(style=ButtonStyle.secondary, label=_("Keep it"), custom_id="forget:no"),
        )
    )


@app_commands.command()
@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
async def privacy(interaction: Interaction) -> None:
    """Read what I keep of you, for how long, and how to have it deleted."""
    async with replies.answering(interaction):
        embed = Embed(title=_("Privacy"), colour=COLOUR)
        for name, text in SECTIONS:
            embed.add_field(name=_(name), value=_(text).format(kept=KEPT_TRAININGS), inline=False)
        await interaction.response.send_message(embed=embed, ephemeral=True)
