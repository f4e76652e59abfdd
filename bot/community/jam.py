"""A jam in a thread: members and Cadenza take turns, and a piece grows that anybody hears at every step."""

import asyncio
import logging
import re
import secrets
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import discord
from discord import Embed, Interaction, TextStyle
from discord.ui import TextInput, View

from bot.chat import checks, components, forms, language
from bot.chat.answer import COLOUR, Answer, fit
from bot.chat.components import LastingButton
from bot.chat.language import _, ngettext
from bot.chat.ranges import LONGEST_PRIMER
from bot.chat.titles import title
from bot.community import clock
from bot.composing import presentation
from bot.composing.studio import Studio
from bot.composing.typed import Typed
from bot.composing.uploads import Upload
from bot.database import store as database
from bot.database.jams import CADENZA, Jam, JamError
from bot.database.store import Opus
from core.composing import jamming, recipe
from core.composing.recipe import ComposeRequest, Take, metre_of
from core.composing.sampling import LONGEST_PIECE
from core.errors import mark

TURN: Final = timedelta(minutes=5)  # for which the next turn is somebody's who has taken it
THINKING: Final = timedelta(minutes=3)  # and Cadenza's
EVERY: Final = 15.0  # seconds between two looks at who has waited too long
FORM: Final = re.compile(r"jam-notes:(?P<thread>\d{1,20})")
FILES: Final = "jam"  # what a turn's files are called

_log = logging.getLogger(__name__)
_TELLING: Final = set[asyncio.Task[None]]()


class Turns:
    """Look at the clock, and let turns pass that wait too long, on the servers that this process has."""

    def __init__(self, client: discord.Client, studio: Studio) -> None:
        self._client, self._studio = client, studio

    def running(self) -> AbstractAsyncContextManager[None]:
        """Look at the clock again and again."""
        return clock.looking(self.look, EVERY, "The turns of jams")

    async def look(self, now: datetime) -> None:
        """Let pass what is late."""
        for thread, server in (await self._studio.store.jams.late(now)).items():
            if self._client.get_guild(server) is None:  # it is with another process, or gone
                continue
            with suppress(JamError):  # it has ended just now
                await _pass_over(self._client, self._studio, await self._studio.store.jams.get(thread), now)


async def begin(interaction: Interaction, thread: discord.Thread, jam: Jam) -> None:
    """Begin a jam in a thread, and say so there. Raises JamError and DeliveryError."""
    studio = Studio.of(interaction)
    await studio.store.jams.begin(jam)
    music = jam.music
    embed = Embed(title=_("A jam has begun"), colour=COLOUR)
    turns = ngettext("turns of {bars} bar", "turns of {bars} bars", music.bars).format(bars=music.bars)
    metre = music.request.metre or "4/4"
    parts = [music.model.name, metre, *([_(music.request.key)] if music.request.key else []), turns]
    embed.description = " · ".join(parts) + "\n" + _how()
    message = await thread.send(embed=embed, view=_under(thread.id))
    await studio.store.jams.note_message(thread.id, message.id)


async def play(interaction: Interaction, jam: Jam, beginning: Typed | Upload) -> None:
    """Play somebody's turn. Raises CadenzaError."""
    studio, user = Studio.of(interaction), interaction.user.id
    beginning.check()
    await _claim(interaction, jam, user, TURN)
    music = jam.music
    async with studio.turn(interaction, cost=music.bars):
        given = await beginning.melody(studio.workers)
        metre = metre_of(music.request)
        text = await asyncio.to_thread(jamming.play, jam.text, given, music.model, metre, music.bars)
        await _played(interaction, jam, user, text)


async def answer(interaction: Interaction, jam: Jam) -> None:
    """Let Cadenza play a turn. Raises CadenzaError."""
    studio, music = Studio.of(interaction), jam.music
    await _claim(interaction, jam, CADENZA, THINKING)
    try:
        model = studio.catalogue.at(interaction.guild_id).path(music.model.name)
        metre = metre_of(music.request)
        played = jamming.length(jam.text, music.model, metre)
        request = replace(
            music.request,
            model=str(model),
            primer=jam.text,
            bars=min(LONGEST_PIECE, played + music.bars + jamming.AHEAD),
            seed=secrets.randbelow(2**32),
            key=None if jam.text else music.request.key,
            taste=str(await studio.tastes.of(interaction.guild_id)),
            audio=None,
            picture=False,
        )
        async with studio.turn(interaction, cost=music.bars + jamming.AHEAD):
            composition = await studio.workers.compose(request)
            [take] = composition.takes
            cut = partial(jamming.answer, jam.text, take.text, music.model, metre, music.bars)
            await _played(interaction, jam, CADENZA, await asyncio.to_thread(cut))
    except BaseException:
        await asyncio.shield(studio.store.jams.release(jam, CADENZA))
        raise


async def end(interaction: Interaction, jam: Jam) -> None:
    """End a jam: keep the piece, and show it with its sheet and all names. Raises CadenzaError."""
    studio = Studio.of(interaction)
    players = {user for _number, user in jam.players}
    if interaction.user.id not in {jam.starter, *players} and not checks.moderates(interaction, jam.server):
        raise JamError("Only those who have played in this jam, or a moderator, can end it.")
    if not jam.turns:
        await studio.store.jams.end(jam.thread)
        await interaction.response.send_message(_("The jam has ended before anybody played."))
        return
    music = jam.music
    async with studio.turn(interaction, cost=jamming.length(jam.text, music.model, metre_of(music.request))):
        take = await _render(studio, jam, jam.text, 0)
        opus = _opus(jam, take, jam.starter or interaction.user.id)
        await studio.store.add(opus)
        if not await studio.store.jams.end(jam.thread):
            await studio.store.delete(opus.id)
            raise JamError("No jam is going on in this thread. /jam start begins one.")
        engraved = await studio.files.sheet(opus, title(opus))
    shown = presentation.present(opus, take, presentation.under(opus))
    shown.embed.add_field(name=_("Played by"), value=_names(jam), inline=False)
    message = await studio.deliver(interaction, shown)
    await studio.films.follow(message, shown, opus, take, shared=True)  # by all who played
    await _leave_old(interaction, jam)
    sheet = presentation.present_sheet(opus, engraved)
    assert interaction.guild is not None
    sheet = fit(sheet, min(studio.upload_bytes, interaction.guild.filesize_limit))
    await interaction.followup.send(embed=sheet.embed, files=[enclosure.file() for enclosure in sheet.enclosures])


class TurnButton(LastingButton, template=r"jam-(?P<action>turn|cadenza|end):(?P<thread>\d{1,20})"):
    """Take the next turn of a jam, leave it to Cadenza, or end the jam."""

    def __init__(self, custom_id: str, action: str, thread: str) -> None:
        super().__init__(custom_id)
        self._action, self._thread = action, int(thread)

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        studio = Studio.of(interaction)
        jam = await studio.store.jams.get(self._thread)
        if self._action == "cadenza":
            await answer(interaction, jam)
        elif self._action == "end":
            await end(interaction, jam)
        else:
            await _claim(interaction, jam, interaction.user.id, TURN)
            await interaction.response.send_modal(_form(jam))


async def _submitted(interaction: Interaction[Any], match: re.Match[str], fields: Mapping[str, Any]) -> None:
    studio = Studio.of(interaction)
    jam = await studio.store.jams.get(int(match["thread"]))
    await play(interaction, jam, typed(interaction, jam, fields["notes"]["value"].strip()))


submitted = forms.listener(FORM, _submitted)

ITEMS: Final = (TurnButton,)


def typed(interaction: Interaction, jam: Jam, notes: str) -> Typed:
    """Take the notes that somebody typed, as the jam's model reads them."""
    params = Studio.of(interaction).catalogue.at(interaction.guild_id).params(jam.music.model.name)
    return Typed.by(interaction, notes, params)


async def _claim(interaction: Interaction, jam: Jam, user: int, span: timedelta) -> None:
    """Give somebody the next turn. Raises JamError where it is not theirs."""
    studio = Studio.of(interaction)
    played = jamming.length(jam.text, jam.music.model, metre_of(jam.music.request))
    if played >= LONGEST_PIECE:
        raise JamError("The piece has {bars} bars, as many as a piece can have. End the jam to keep it.", bars=played)
    if jam.last == user:
        if user == CADENZA:
            raise JamError("I have just played. The next turn is one of yours.")
        raise JamError("You have just played. The next turn is somebody else's, or Cadenza's.")
    if jam.holder != user:
        await _pass_over(interaction.client, studio, jam, datetime.now(UTC))
    if await studio.store.jams.claim(jam, user, span):
        return
    now = await studio.store.jams.get(jam.thread)
    if now.holder is None or now.until is None or now.until < datetime.now(UTC):
        raise JamError("Somebody else has just played. Listen, then take the next turn.")
    who = _("Cadenza") if now.holder == CADENZA else f"<@{now.holder}>"
    raise JamError(
        "This turn is {who}'s, who has until {until}. Then it passes.",
        who=who,
        until=f"<t:{now.until.timestamp():.0f}:T>",
    )


async def _pass_over(client: discord.Client, studio: Studio, jam: Jam, now: datetime) -> None:
    """Let a turn pass that has waited too long, and have the thread told by whoever was the first to see it."""
    if jam.until is None or jam.until >= now or not await studio.store.jams.pass_over(jam, now):
        return
    telling = asyncio.create_task(_tell_passed(client, jam))  # nobody who plays waits for that, and it has a language
    _TELLING.add(telling)
    telling.add_done_callback(_TELLING.discard)


async def _tell_passed(client: discord.Client, jam: Jam) -> None:
    guild = client.get_guild(jam.server)
    language.speak("en-US" if guild is None else guild.preferred_locale.value)
    if jam.holder == CADENZA:
        said = _("I took too long over my turn, and it has passed. Whoever likes plays next.")
    else:
        said = _("{who} took too long over this turn, and it has passed. Whoever likes plays next.")
    try:
        await client.get_partial_messageable(jam.thread, guild_id=jam.server).send(
            "⏳ " + said.format(who=f"<@{jam.holder}>")
        )
    except discord.HTTPException as error:
        _log.info("That a jam's turn has passed could not be said: %s", error)


async def _played(interaction: Interaction, jam: Jam, user: int, text: str) -> None:
    """Keep a turn, and show the piece with it."""
    studio, before = Studio.of(interaction), jamming.events(jam.text, jam.music.model)
    take = await _render(studio, jam, text, before)
    await studio.store.jams.play(jam, user, text)
    who = _("Cadenza") if user == CADENZA else f"<@{user}>"
    embed = Embed(title=_("Turn {number}").format(number=jam.turns + 1), colour=COLOUR)
    facts = [presentation.length(take.bars), *([_(take.key)] if take.key else [])]
    embed.description = _("{who} has played. So far: {facts}.").format(who=who, facts=", ".join(facts)) + "\n" + _how()
    opus = _opus(replace(jam, text=text), take, jam.starter or interaction.user.id)
    await studio.deliver(interaction, Answer(None, embed, presentation.enclose(opus, take, FILES), _under(jam.thread)))
    await _leave_old(interaction, jam)
    with suppress(discord.HTTPException):
        await studio.store.jams.note_message(jam.thread, (await interaction.original_response()).id)


async def _render(studio: Studio, jam: Jam, text: str, given: int) -> Take:
    request = replace(jam.music.request, soundfont=await studio.soundfont(jam.server))
    return await studio.workers.run(recipe.render, request, jam.music.model, text, given)


async def _leave_old(interaction: Interaction, jam: Jam) -> None:
    """Take the buttons from the message of the turn before, so that the newest has the only ones."""
    if jam.message is None:
        return
    channel = interaction.client.get_partial_messageable(jam.thread, guild_id=jam.server)
    with suppress(discord.HTTPException):  # they go on working
        await channel.get_partial_message(jam.message).edit(view=None)


def _opus(jam: Jam, take: Take, author: int) -> Opus:
    request: ComposeRequest = replace(jam.music.request, seed=jam.music.request.seed or 0)
    composition = recipe.Composition(request, jam.music.model, (take,))
    return database.opus(composition, take, author=author, server=jam.server)


def _names(jam: Jam) -> str:
    users = dict.fromkeys(user for _number, user in jam.players)
    names = [f"<@{user}>" for user in users if user != CADENZA]
    if CADENZA in users:
        names.append(_("Cadenza"))
    return ", ".join(names) or _("somebody who wanted to be forgotten")


def _form(jam: Jam) -> discord.ui.Modal:
    label = ngettext("{bars} bar of notes", "Up to {bars} bars of notes", jam.music.bars).format(bars=jam.music.bars)
    field = TextInput[Any](
        custom_id="notes", style=TextStyle.long, max_length=LONGEST_PRIMER, placeholder="C4 E4 G4 c5, c d e f | g2 g2"
    )
    return forms.lay_out(_("Your turn"), f"jam-notes:{jam.thread}", [(label, field)])


def _under(thread: int) -> View:
    return components.lay_out(
        (
            components.button("jam-turn", mark("My turn"), "🎵", 0, str(thread)),
            components.button("jam-cadenza", mark("Let Cadenza"), "🎲", 0, str(thread)),
            components.button("jam-end", mark("End the jam"), "🏁", 0, str(thread)),
        )
    )


def _how() -> str:
    return _("My turn takes notes as you type them; /jam play takes a file or a hum too. Nobody plays twice in a row.")
