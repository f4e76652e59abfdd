"""What a server's taste is, in words, for whoever manages it."""

from discord import Embed

from bot.chat.answer import COLOUR
from bot.chat.language import _, ngettext, tell
from bot.composing.tastes import FEWEST, learned
from bot.database.store import Store


async def describe(store: Store, server: int) -> Embed:
    """Say what has been learned of a server, from how much, and what it does."""
    choices, on = await store.votes.of(server), (await store.server(server)).taste is not False
    embed = Embed(title=_("This server's taste"), colour=COLOUR)
    people = len({choice.user for choice in choices})
    if not on:
        said = _("It is switched off: nothing is learned, and pieces are composed without it.")
    elif len(choices) < FEWEST:
        said = _("I do not know it yet: that takes {fewest} choices at least.").format(fewest=FEWEST)
    elif words := learned(choices).words():
        said = _("So far you like: {words}.").format(words=", ".join(map(tell, words)))
    else:
        said = _("What you choose does not agree on anything yet.")
    embed.description = said
    if choices:
        heard = ngettext("{count} choice", "{count} choices", len(choices)).format(count=len(choices))
        by = ngettext("by {count} member", "by {count} members", people).format(count=people)
        embed.add_field(name=_("Learned from"), value=f"{heard} {by}")
    embed.add_field(
        name=_("How"),
        value=_(
            "❤️, the take that somebody goes on with, Delete and Again are votes on what pieces are like. Of several"
            " candidates for a piece, what is liked has a small advantage. A piece whose seed you give is composed"
            " without it. It never leaves this server, and /forget me takes a member's votes out of it."
        ),
        inline=False,
    )
    embed.set_footer(text=_("/server taste switches it off or on, or forgets it."))
    return embed
