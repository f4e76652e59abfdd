"""/privacy and /forget: what is kept of a user, and its end."""

from typing import Final

from discord import ButtonStyle, Embed, Interaction, app_commands
from discord.ext import commands
from discord.ui import Button, View

from bot.chat import components, language, replies
from bot.chat.answer import COLOUR
from bot.chat.language import _, tell
from bot.community import deletion
from bot.composing.studio import Studio
from bot.training.trainings import KEPT
from core.errors import mark

IN_SHORT: Final = mark(
    "I keep the pieces you make, and what you like, until you delete them. I pass nothing on, and train no model on"
    " your pieces. `/forget me` deletes all of them at once."
)
SECTIONS: Final = (
    (
        mark("What I keep about you"),
        mark(
            "Of each piece: your Discord number and the server's, the time, the recipe with your primer, and the notes."
            " Of what you like: that you like it. Of a shared piece: where its message stands. Of what you like, go on"
            " with, ask for again or delete on a server: two dozen figures of the piece, such as its range, with your"
            " number, as a vote on the server's taste. Of a jam: which turns were yours, until it ends. MIDI, sound and"
            " pictures are made from the notes again, and lie in a cache until newer ones take their place."
        ),
    ),
    (
        mark("What I keep about a server"),
        mark(
            "The settings that /server choose has made, and its taste, which never leaves it. Of each training: the"
            " number and the language of who asked for it, the channel and the message, the time, the names of the"
            " files and pieces with what became of each, and the parsed notes. Its model, which has these notes and"
            " their titles too."
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
            " no model is trained on your pieces.",
            kept=KEPT,
        ),
    ),
    (
        mark("How to delete it"),
        mark(
            "The button Delete deletes one piece with its message, Withdraw takes one out of the showcase. /forget me"
            " deletes all your pieces, likes and votes, and removes your number from your trainings. All else about a"
            " training belongs to its server: /train delete and /models delete delete it, /server reset takes back the"
            " server's settings, and /server taste forgets its taste. Messages in channels belong to the server too:"
            " delete yours with the button first."
        ),
    ),
)


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Forgetting(commands.GroupCog, group_name="forget", group_description="Make me forget you."):
    """Have the bot forget."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command()
    async def me(self, interaction: Interaction) -> None:
        """Delete all that I keep about you: your pieces, your likes, your messages in showcases."""
        async with replies.answering(interaction):
            store, user = self._studio.store, interaction.user.id
            pieces, shown = len(await store.ids(user)), len(await store.showings(user))
            question = language.ngettext(
                "Shall I delete your piece, your likes, and your messages in showcases ({shown})?"
                " This cannot be undone.",
                "Shall I delete your {pieces} pieces, your likes, and your messages in showcases ({shown})?"
                " This cannot be undone.",
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
        "Done: I have deleted your piece and forgotten you.",
        "Done: I have deleted your {pieces} pieces and forgotten you.",
        pieces,
    ).format(pieces=pieces)
    if not left:
        return done
    others = _("I am not allowed to delete these messages; ask a moderator: {links}")
    return f"{done} {others.format(links=' '.join(left))}"


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
    """Read what I keep about you, for how long, and how to have it deleted."""
    async with replies.answering(interaction):
        embed = Embed(title=_("Privacy"), description=tell(IN_SHORT), colour=COLOUR)
        for name, text in SECTIONS:
            embed.add_field(name=tell(name), value=tell(text), inline=False)
        await interaction.response.send_message(embed=embed, ephemeral=True)
