"""The walk of a request: a turn in the queue, the workers, the store, and the answer in the chat."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Final

import discord
from discord import Interaction

from bot.chat import delivery, replies
from bot.chat.language import _, ngettext
from bot.client import ComposerBot
from bot.composing import files, presentation
from bot.composing.uploads import Upload
from bot.database import store
from bot.database.store import Opus
from bot.work.queue import Place
from core.composing import recipe as pipeline
from core.composing import reprise
from core.composing.recipe import ComposeRequest, Take
from core.composing.sampling import LONGEST_PIECE
from core.errors import BundleError, RequestError
from core.music import score
from core.performing import audio

BARS_FURTHER: Final = 16  # that a piece grows by when it is continued
TAKES: Final = 4
BARS_OF_A_TAKE: Final = 8  # behind its primer

_log = logging.getLogger(__name__)

Ask = Interaction[ComposerBot]


async def compose(
    interaction: Ask, request: ComposeRequest, parent: Opus | None = None, upload: Upload | None = None
) -> None:
    """Answer an interaction with a composition, which begins with an upload's music if there is one.

    Raises CadenzaError for anything that the user can mend.
    """
    bot, asked = interaction.client, time.monotonic()
    if upload is not None:
        upload.check()
    params = bot.catalogue.at(interaction.guild_id).params(Path(request.model).name)
    pipeline.check_request(request, params)  # now, while a refusal costs nothing and is for the user alone
    request = replace(request, soundfont=await soundfont(bot, interaction.guild_id), picture=request.takes == 1)
    async with turn(interaction, cost=request.takes * (request.bars or LONGEST_PIECE)):
        if upload is not None:
            request = replace(request, primer=await upload.primer(bot.workers))
        composition = await bot.workers.compose(request)
    origin = None if parent is None else parent.id
    keep = partial(store.opus, author=interaction.user.id, server=interaction.guild_id, parent=origin)
    opera = [keep(composition, take) for take in composition.takes]
    await bot.store.add(*opera, asked=asked)
    if len(opera) == 1:
        own = replace(recipe(bot, opera[0], missing_ok=True), soundfont=request.soundfont)
        await files.keep(bot, opera[0], own, composition.takes[0])  # before anybody can delete it
        answer = presentation.present(opera[0], composition.takes[0], presentation.under(opera[0]))
    else:
        answer = presentation.present_takes(opera, composition.takes, presentation.under_takes(opera))
    await delivery.deliver(interaction, answer, bot.settings.upload_bytes)


async def again(interaction: Ask, opus: Opus) -> None:
    """Compose by the same recipe, with another seed."""
    await compose(interaction, replace(_recipe_here(interaction, opus), seed=None), opus)


async def vary(interaction: Ask, opus: Opus) -> None:
    """Compose another second half to the first one."""
    opening = await asyncio.to_thread(reprise.opening, opus.text, opus.model)
    bars = max(2, math.ceil(opus.bars))
    request = replace(_recipe_here(interaction, opus), primer=opening, bars=bars, key=None, seed=None)
    await compose(interaction, request, opus)


async def go_on(interaction: Ask, opus: Opus) -> None:
    """Compose on from where a piece ends."""
    if opus.bars >= LONGEST_PIECE:
        raise RequestError(
            f"This piece has {opus.bars:g} bars, and {LONGEST_PIECE} are the most that a piece can have."
        )
    bars = min(LONGEST_PIECE, math.ceil(opus.bars) + BARS_FURTHER)
    request = replace(_recipe_here(interaction, opus), primer=opus.text, bars=bars, key=None, seed=None)
    await compose(interaction, request, opus)


async def takes(interaction: Ask, opus: Opus) -> None:
    """Compose several short pieces at once by the same recipe, behind its primer."""
    recipe, model = _recipe_here(interaction, opus), opus.model
    given = score.from_text(recipe.primer, model.anchor, Fraction(model.rest_unit), open_end=True).bars
    bars = min(LONGEST_PIECE, math.ceil(given) + BARS_OF_A_TAKE)
    request = replace(recipe, takes=TAKES, bars=bars, seed=None)
    await compose(interaction, request, opus)


async def sheet(interaction: Ask, opus: Opus) -> None:
    """Show a piece as sheet music."""
    bot = interaction.client
    async with turn(interaction, cost=opus.bars):
        engraved = await files.sheet(bot, opus, presentation.title(opus))
    await delivery.deliver(interaction, presentation.present_sheet(opus, engraved), bot.settings.upload_bytes)


async def revive(bot: ComposerBot, opus: Opus) -> Take:
    """Make the files of a piece again from what is kept of it: the same bytes."""
    request = replace(recipe(bot, opus, missing_ok=True), soundfont=await soundfont(bot, opus.server))
    try:
        model = recipe(bot, opus, server=opus.server).model
    except BundleError:
        model = None
    return await files.take(bot, opus, request, model)


def recipe(bot: ComposerBot, opus: Opus, *, server: int | None = None, missing_ok: bool = False) -> ComposeRequest:
    """Return the request of a piece, to be asked again on a server. Raises BundleError if its model is not there."""
    path = opus.model.name if missing_ok else str(bot.catalogue.at(server).path(opus.model.name))
    return replace(opus.request, model=path, takes=1)


async def soundfont(bot: ComposerBot, server: int | None) -> str | None:
    """Return the soundfont that a server has chosen, if it is still installed, or else the bot's."""
    chosen = (await bot.store.server(server)).soundfont
    installed = {path.name: path for path in await asyncio.to_thread(audio.soundfonts)}
    font = installed.get(chosen, bot.settings.soundfont) if chosen else bot.settings.soundfont
    return None if font is None else str(font)


@asynccontextmanager
async def turn(interaction: Ask, *, cost: float, private: bool = False) -> AsyncIterator[None]:
    """Promise an answer, and wait for a turn. Raises as `Queue.admit` does, privately if it is known at once."""
    queue, user = interaction.client.queue, interaction.user.id
    server = interaction.guild_id or user
    queue.admit(user, server, cost)
    asked, begun, outcome = time.monotonic(), None, "done"
    try:
        await interaction.response.defer(ephemeral=private, thinking=True)
        async with queue.turn(user, server, cost, partial(_show_place, interaction)):
            begun = time.monotonic()
            yield
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        ended = time.monotonic()
        begun = ended if begun is None else begun
        kind = replies.described(interaction)
        _log.info("%s: waited %.1f s, took %.1f s, %s", kind, begun - asked, ended - begun, outcome)


def _recipe_here(interaction: Ask, opus: Opus) -> ComposeRequest:
    return recipe(interaction.client, opus, server=interaction.guild_id)


async def _show_place(interaction: Interaction, place: Place) -> None:
    """Show somebody whose turn has not come where they stand; what they asked for goes on if that fails."""
    seconds = round(place.seconds)
    wait = ngettext("{count} second", "{count} seconds", seconds).format(count=seconds)
    stand = _("Yours is next: about {time}.")
    if place.ahead:
        stand = ngettext(
            "1 request goes first: about {time}.",
            "{count} requests go first: about {time}.",
            place.ahead,
        )
    try:
        await interaction.edit_original_response(content=stand.format(count=place.ahead, time=wait))
    except discord.HTTPException as error:
        _log.info("A place in the queue could not be shown: %s", error)
