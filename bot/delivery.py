"""How a composition reaches the chat: one message with the piece, its recipe and its files."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from itertools import chain
from typing import Final

import discord
from discord import Embed, File, Interaction
from discord.ui import View
from discord.utils import MISSING

from bot.language import _, ngettext
from bot.queue import Place
from bot.store import Opus, Showing
from core.engraving import Sheet
from core.errors import CadenzaError
from core.pipeline import ModelInfo, Take

COLOUR: Final = 0x3B6EA5
NOTATION_SHOWN: Final = 300  # characters
PRIMER_SHOWN: Final = 100  # characters
TAKE_SHOWN: Final = 150  # characters
DESCRIPTION: Final = 3500  # characters of notation that an embed has room for
PAGES_OF_A_PRIMER: Final = 4
PAGES_SHOWN: Final = 9  # which, with the MusicXML, are as many files as a message can have
TOO_LARGE: Final = 40005  # Discord's code for a request entity that is too large
EXPIRED: Final = frozenset({10008, 10015, 50027})  # codes of a message, a webhook or a token that is no more

_log = logging.getLogger(__name__)


class DeliveryError(CadenzaError):
    """Say that an answer could not be shown, and where it is."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """Hold a file to attach; `description` is its alternative text."""

    name: str
    data: bytes
    description: str

    @property
    def must_arrive(self) -> bool:
        """Tell whether this holds the notes, from which a user can make everything else."""
        return self.name.endswith((".mid", ".musicxml"))

    def file(self) -> File:
        """Wrap the bytes for one attempt at sending them."""
        return File(BytesIO(self.data), self.name, description=self.description)


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold a message before it is sent; `piece` is the id of the piece, or the first of several, that it shows."""

    piece: str | None
    embed: Embed
    enclosures: tuple[Enclosure, ...]
    view: View | None = None


def title(opus: Opus) -> str:
    """Name a piece."""
    return _("A piece by {model}").format(model=opus.model.name)


def present(opus: Opus, take: Take, view: View | None) -> Answer:
    """Write the message that shows a piece."""
    request, model = opus.request, opus.model
    embed = Embed(title=title(opus), description=f"```\n{_shortened(take.text, NOTATION_SHOWN)}\n```", colour=COLOUR)
    embed.add_field(name=_("Model"), value=f"{model.name}\n{_grammar(model)}")
    primer = f"`{_shortened(request.primer, PRIMER_SHOWN)}`" if request.primer else _("none: the model began")
    embed.add_field(name=_("Primer"), value=primer)
    narrowed = f", top-p {request.top_p:g}" if request.top_p < 1 else ""
    gravity = _("gravity {gravity:g}").format(gravity=request.gravity)
    embed.add_field(name=_("Temperature"), value=f"{request.temperature:g}, {gravity}{narrowed}")
    embed.add_field(name=_("Seed"), value=f"`{request.seed}`")
    embed.add_field(name=_("Length"), value=_bars(take))
    played = _("{instrument}, {tempo:g} quarters a minute").format(
        instrument=_(request.instrument), tempo=request.tempo
    )
    embed.add_field(name=_("Played"), value=played)
    if take.key:
        embed.add_field(name=_("Key"), value=take.key)
    if take.quote is not None:
        quote = _("{count} events of {title}").format(count=take.quote.events, title=take.quote.title)
        embed.add_field(name=_("Quotes"), value=quote, inline=False)
    embed.set_footer(text=_("Piece {id}").format(id=opus.id))
    return Answer(opus.id, embed, enclose(opus, take, f"{model.name}-{request.seed}"), view)


def present_takes(opera: Sequence[Opus], takes: Sequence[Take], view: View) -> Answer:
    """Write the message that shows several takes side by side."""
    first = opera[0]
    embed = Embed(title=_("{count} takes by {model}").format(count=len(takes), model=first.model.name), colour=COLOUR)
    for number, (opus, take) in enumerate(zip(opera, takes, strict=True), 1):
        notation = _shortened(take.text, TAKE_SHOWN)
        embed.add_field(
            name=_("Take {number}: {time}").format(number=number, time=_clock(take.seconds)),
            value=f"```\n{notation}\n```{opus.id}",
            inline=False,
        )
    facts = _("Seed {seed}, temperature {temperature:g}")
    embed.set_footer(text=facts.format(seed=first.request.seed, temperature=first.request.temperature))
    enclosures = [enclose(opus, take, f"take-{n}") for n, (opus, take) in enumerate(zip(opera, takes, strict=True), 1)]
    return Answer(first.id, embed, tuple(chain.from_iterable(zip(*enclosures, strict=True))), view)


def present_sheet(opus: Opus, sheet: Sheet) -> Answer:
    """Write the message that shows a piece as sheet music, its first pages at least."""
    embed = Embed(title=_("{title}: the sheet").format(title=title(opus)), colour=COLOUR)
    embed.set_footer(text=_("Piece {id}").format(id=opus.id))
    what, last = _describe(opus, opus.bars), len(sheet.pages)
    description = _("Sheet music, page {number} of {last}: {what}")
    pages = [
        Enclosure(f"{opus.id}-{number}.png", page, description.format(number=number, last=last, what=what))
        for number, page in enumerate(sheet.pages[:PAGES_SHOWN], 1)
    ]
    score = Enclosure(f"{opus.id}.musicxml", sheet.musicxml, _("MusicXML file: {what}").format(what=what))
    return Answer(opus.id, embed, (score, *pages))


def present_primer(text: str, model: str, take: Take, sheet: Sheet) -> Answer:
    """Write the message that shows a primer: its notation, its sound and its notes."""
    shown = f"```\n{text}\n```" if len(text) <= DESCRIPTION else _("It is in the file primer.txt.")
    embed = Embed(title=_("A primer for {model}").format(model=model), description=shown, colour=COLOUR)
    embed.add_field(name=_("Length"), value=_bars(take))
    if take.key:
        embed.add_field(name=_("Key"), value=take.key)
    embed.add_field(name=_("Notation"), value=_("{count} characters").format(count=len(text)))
    embed.set_footer(text=_("/compose takes it as its primer."))
    what = _("a primer of {bars:g} bars").format(bars=take.bars)
    enclosures = [Enclosure("primer.txt", text.encode(), what)] if len(text) > DESCRIPTION else []
    enclosures.append(Enclosure("primer.mid", take.midi, what))
    if take.audio is not None:
        enclosures.append(Enclosure("primer.mp3", take.audio, what))
    description = _("Sheet music, page {number} of {last}: {what}")
    enclosures += [
        Enclosure(f"primer-{number}.png", page, description.format(number=number, last=len(sheet.pages), what=what))
        for number, page in enumerate(sheet.pages[:PAGES_OF_A_PRIMER], 1)
    ]
    return Answer(None, embed, tuple(enclosures))


def enclose(opus: Opus, take: Take, stem: str) -> tuple[Enclosure, ...]:
    """Wrap the files of a take."""
    what = _describe(opus, take.bars)
    enclosures = [Enclosure(f"{stem}.mid", take.midi, _("MIDI file: {what}").format(what=what))]
    if take.audio is not None:
        enclosures.append(Enclosure(f"{stem}.{opus.request.audio}", take.audio, _("Sound: {what}").format(what=what)))
    if take.picture is not None:
        description = _("Piano roll: {what}, in {key}, {count} chords and notes")
        picture = description.format(what=what, key=take.key, count=take.events)
        enclosures.append(Enclosure(f"{stem}.png", take.picture, picture))
    return tuple(enclosures)


async def wait(interaction: Interaction, place: Place) -> None:
    """Show somebody whose turn has not come where they stand; what they asked for goes on if that fails."""
    stand = _("Yours is next: about {seconds:.0f} seconds.")
    if place.ahead:
        stand = ngettext(
            "1 request goes first: about {seconds:.0f} seconds.",
            "{count} requests go first: about {seconds:.0f} seconds.",
            place.ahead,
        )
    try:
        await interaction.edit_original_response(content=stand.format(count=place.ahead, seconds=place.seconds))
    except discord.HTTPException as error:
        _log.info("A place in the queue could not be shown: %s", error)


async def deliver(interaction: Interaction, answer: Answer, most: int) -> None:
    """Send a message in place of the one that was promised; `most` is what its files may weigh together, in bytes.

    Files that are too large for this place are left out, and it says so. Where the promise has expired, the message
    goes to the channel, or else to the user; where neither can be had, the log says how to get at the piece. Raises
    DeliveryError where Discord itself fails.
    """
    limit = min(
        most, interaction.filesize_limit, *(() if interaction.guild is None else (interaction.guild.filesize_limit,))
    )
    try:
        await _in_size(partial(_fulfil, interaction), answer, limit)
    except discord.Forbidden:
        raise
    except discord.HTTPException as error:
        if error.code not in EXPIRED:
            raise _refused(error, answer) from error
        await _deliver_late(interaction, answer, limit)


def _refused(error: discord.HTTPException, answer: Answer) -> DeliveryError:
    if answer.piece is None:
        return DeliveryError(f"Discord did not take the answer ({error.status}). Try again in a minute.")
    return DeliveryError(
        f"Discord did not take the answer ({error.status}). The piece is kept: `/piece show {answer.piece}`."
    )


async def _in_size(send: Callable[[Answer], Awaitable[object]], answer: Answer, limit: int) -> None:
    """Send what fits, and only what must arrive if Discord still finds it too large."""
    try:
        await send(fit(answer, limit))
    except discord.HTTPException as error:
        if error.status != 413 and error.code != TOO_LARGE:
            raise
        await send(fit(answer, 0))


async def _fulfil(interaction: Interaction, answer: Answer) -> None:
    files = _files(answer)
    await interaction.edit_original_response(content=None, embed=answer.embed, attachments=files, view=answer.view)


async def _deliver_late(interaction: Interaction, answer: Answer, limit: int) -> None:
    here, user = interaction.channel, interaction.user
    late = f"{user.mention} " + _("This took longer than Discord waits for an answer.")
    not_here = _("I may not write where you asked for it.")
    ways: list[tuple[discord.abc.Messageable, str]] = [(user, f"{late} {not_here}")]
    if isinstance(here, discord.abc.Messageable):
        ways.insert(0, (here, late))
    for place, words in ways:
        try:
            await _in_size(partial(send, place, content=words), answer, limit)
        except discord.HTTPException as error:
            _log.info("An answer that came late could not be sent to %s: %s", place, error)
        else:
            return
    _log.warning("An answer reached nobody, but it is kept: /piece show %s", answer.piece)


async def send(
    place: discord.abc.Messageable, answer: Answer, content: str | None = None, *, notify: int | None = None
) -> discord.Message:
    """Send a message of its own, not in answer to an interaction; of the users in it only `notify` hears a sound."""
    view = answer.view or MISSING
    users = [] if notify is None else [discord.Object(notify)]
    return await place.send(
        content,
        embed=answer.embed,
        files=_files(answer),
        view=view,
        allowed_mentions=discord.AllowedMentions(everyone=False, roles=False, users=users),
    )


async def take_down(bot: discord.Client, showing: Showing) -> bool:
    """Delete a message in a showcase; tell whether it is gone."""
    channel = bot.get_partial_messageable(showing.channel, guild_id=showing.server)
    try:
        await channel.get_partial_message(showing.message).delete()
    except discord.NotFound:
        return True
    except discord.HTTPException as error:
        _log.info("A message in a showcase could not be deleted: %s", error)
        return False
    return True


def fit(answer: Answer, limit: int) -> Answer:
    """Leave out what makes the files weigh more than `limit` bytes, but never the notes: MIDI or MusicXML."""
    kept = [enclosure for enclosure in answer.enclosures if enclosure.must_arrive]
    others = [enclosure for enclosure in answer.enclosures if not enclosure.must_arrive]
    weight = sum(len(enclosure.data) for enclosure in kept)
    for enclosure in sorted(others, key=lambda other: len(other.data)):
        weight += len(enclosure.data)
        if weight <= limit:
            kept.append(enclosure)
    embed = answer.embed.copy()
    left_out = [enclosure.name for enclosure in others if enclosure not in kept]
    if left_out:
        note = _("Too large for an upload here, and left out: {names}").format(names=", ".join(left_out))
        embed.set_footer(text=f"{note}\n{embed.footer.text or ''}".strip())
    picture = next((enclosure for enclosure in kept if enclosure.name.endswith(".png")), None)
    if picture is not None:
        embed.set_image(url=f"attachment://{picture.name}")
    return replace(answer, embed=embed, enclosures=tuple(other for other in answer.enclosures if other in kept))


def _files(answer: Answer) -> list[File]:
    return [enclosure.file() for enclosure in answer.enclosures]


def _describe(opus: Opus, bars: float) -> str:
    return _("{bars:g} bars for {instrument} by the model {model}").format(
        bars=bars, instrument=_(opus.request.instrument), model=opus.model.name
    )


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _bars(take: Take) -> str:
    return _("{bars:g} bars, {time}").format(bars=take.bars, time=_clock(take.seconds))


def _grammar(model: ModelInfo) -> str:
    anchor = _("lowest note first") if model.anchor == "lowest" else _("highest note first")
    return _("r1 = {unit} quarter, {anchor}").format(unit=model.rest_unit, anchor=anchor)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
