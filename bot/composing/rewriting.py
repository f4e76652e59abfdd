"""Bars of a piece written anew: which are meant, and the form that asks for them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from discord import Interaction
from discord.ui import Modal, TextInput

from bot.chat import forms
from bot.chat.language import _
from bot.composing.buttons import ID, PieceButton
from bot.composing.studio import Studio
from bot.database.store import Opus
from core.composing import reprise
from core.music import bars as numbers

FORM: Final = re.compile(rf"rewrite:{ID}")
LONGEST: Final = 20  # characters that name bars


async def rewrite(interaction: Interaction, opus: Opus, bars: str, **wishes: Any) -> None:
    """Answer with a piece of which some bars are new; `wishes` are fields of its request. Raises CadenzaError."""
    studio = Studio.of(interaction)
    recipe = studio.recipe(opus, server=interaction.guild_id)
    request = replace(recipe, rewrite=str(numbers.parse(bars)), seed=None, form=None)
    if opus.parts is not None:
        request = replace(request, voices=opus.parts)
    else:
        params = studio.catalogue.at(interaction.guild_id).params(opus.model.name)
        primer = reprise.rewritten(opus.text, opus.model, params)
        request = replace(request, primer=primer, key=None, bars=None)
    await studio.compose(interaction, replace(request, **wishes), opus)


class Rewrite(PieceButton, template=f"rewrite:{ID}"):
    """Ask which bars are to be written anew."""

    async def act(self, interaction: Interaction, opus: Opus) -> None:
        """Do what the button says."""
        await interaction.response.send_modal(form(opus))


ITEMS: Final = (Rewrite,)


def form(opus: Opus) -> Modal:
    """Lay out the form that asks for bars."""
    field = TextInput[Any](custom_id="bars", default=opus.request.rewrite, placeholder="5-8", max_length=LONGEST)
    return forms.lay_out(_("Rewrite bars"), f"rewrite:{opus.id}", ((_("Which bars? 5-8, or 5 for one"), field),))


async def _rewrite(interaction: Interaction[Any], match: re.Match[str], fields: Mapping[str, Any]) -> None:
    await rewrite(interaction, await Studio.of(interaction).store.get(match["opus"]), fields["bars"]["value"])


submitted: Final = forms.listener(FORM, _rewrite)  # whichever run of the bot has shown the form
