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

from bot.language import _
from bot.queue import Place
from bot.store import Opus, Showing
from core.engraving import Sheet
from core.errors import CadenzaError
from core.pipeline import Take

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
    return f"A piece by {opus.model.name}"


def present(opus: Opus, take: Take, view: View | None) -> Answer:
    """Write the message that shows a piece."""
    request, model = opus.request, opus.model
    embed = Embed(title=title(opus), description=f"```\n{_shortened(take.text, NOTATION_SHOWN)}\n```", colour=COLOUR)
    embed.add_field(name="Model", value=f"{model.name}\nr1 = {model.rest_unit} quarter, {model.anchor} note first")
    primer = f"`{_shortened(request.primer, PRIMER_SHOWN)}`" if request.primer else "none: the model began"
    embed.add_field(name="Primer", value=primer)
    narrowed = f", top-p {request.top_p:g}" if request.top_p < 1 else ""
    embed.add_field(name="Temperature", value=f"{request.temperature:g}, gravity {request.gravity:g}{narrowed}")
    embed.add_field(name="Seed", value=f"`{request.seed}`")
    embed.add_field(name="Length", value=_bars(take))
    embed.add_field(name="Played", value=f"{request.instrument}, {request.tempo:g} quarters a minute")
    if take.key:
        embed.add_field(name="Key", value=take.key)
    if take.quote is not None:
        embed.add_field(name="Quotes", value=f"{take.quote.events} events of {take.quote.title}", inline=False)
    embed.set_footer(text=f"Piece {opus.id}")
    return Answer(opus.id, embed, enclose(opus, take, f"{model.name}-{request.seed}"), view)


def present_takes(opera: Sequence[Opus], takes: Sequence[Take], view: View) -> Answer:
    """Write the message that shows several takes side by side."""
    first = opera[0]
    embed = Embed(title=f"{len(takes)} takes by {first.model.name}", colour=COLOUR)
    for number, (opus, take) in enumerate(zip(opera, takes, strict=True), 1):
        notation = _shortened(take.text, TAKE_SHOWN)
        embed.add_field(
            name=f"Take {number}: {_clock(take.seconds)}", value=f"```\n{notation}\n```{opus.id}", inline=False
        )
    embed.set_footer(text=f"Seed {first.request.seed}, temperature {first.request.temperature:g}")
    enclosures = [enclose(opus, take, f"take-{n}") for n, (opus, take) in enumerate(zip(opera, takes, strict=True), 1)]
    return Answer(first.id, embed, tuple(chain.from_iterable(zip(*enclosures, strict=True))), view)


def present_sheet(opus: Opus, sheet: Sheet) -> Answer:
    """Write the message that shows a piece as sheet music, its first pages at least."""
    embed = Embed(title=f"{title(opus)}: the sheet", colour=COLOUR)
    embed.set_footer(text=f"Piece {opus.id}")
    what, last = _describe(opus, opus.bars), len(sheet.pages)
    pages = [
        Enclosure(f"{opus.id}-{number}.png", page, f"Sheet music, page {number} of {last}: {what}")
        for number, page in enumerate(sheet.pages[:PAGES_SHOWN], 1)
    ]
    score = Enclosure(f"{opus.id}.musicxml", sheet.musicxml, f"MusicXML file: {what}")
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
    enclosures += [
        Enclosure(
            f"primer-{number}.png", page, _("Sheet music of {what}, page {number}").format(what=what, number=number)
        )
        for number, page in enumerate(sheet.pages[:PAGES_OF_A_PRIMER], 1)
    ]
    return Answer(None, embed, tuple(enclosures))


def enclose(opus: Opus, take: Take, stem: str) -> tuple[Enclosure, ...]:
    """Wrap the files of a take."""
    what = _describe(opus, take.bars)
    enclosures = [Enclosure(f"{stem}.mid", take.midi, f"MIDI file: {what}")]
    if take.audio is not None:
        enclosures.append(Enclosure(f"{stem}.{opus.request.audio}", take.audio, f"Sound: {what}"))
    if take.picture is not None:
        picture = f"Piano roll: {what}, in {take.key}, {take.events} chords and notes"
        enclosures.append(Enclosure(f"{stem}.png", take.picture, picture))
    return tuple(enclosures)


async def wait(interaction: Interaction, place: Place) -> None:
    """Show somebody whose turn has not come where they stand; what they asked for goes on if that fails."""
    stand = {0: "Yours is next", 1: "1 request goes first"}.get(place.ahead, f"{place.ahead} requests go first")
    try:
        await interaction.edit_original_response(content=f"{stand}: about {place.seconds:.0f} seconds.")
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
    late = f"{user.mention} This took longer than Discord waits for an answer."
    ways: list[tuple[discord.abc.Messageable, str]] = [(user, f"{late} I may not write where you asked for it.")]
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
        note = f"Too large for an upload here, and left out: {', '.join(left_out)}"
        embed.set_footer(text=f"{note}\n{embed.footer.text or ''}".strip())
    picture = next((enclosure for enclosure in kept if enclosure.name.endswith(".png")), None)
    if picture is not None:
        embed.set_image(url=f"attachment://{picture.name}")
    return replace(answer, embed=embed, enclosures=tuple(other for other in answer.enclosures if other in kept))


def _files(answer: Answer) -> list[File]:
    return [enclosure.file() for enclosure in answer.enclosures]


def _describe(opus: Opus, bars: float) -> str:
    return f"{bars:g} bars for {opus.request.instrument} by the model {opus.model.name}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _bars(take: Take) -> str:
    return f"{take.bars:g} bars, {_clock(take.seconds)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
