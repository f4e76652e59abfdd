"""A message before it is sent: its embed, its files, its buttons, and what of it fits into an upload."""

from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final

from discord import Embed, File
from discord.ui import View

from bot.chat.language import _

COLOUR: Final = 0x3B6EA5


@dataclass(frozen=True, slots=True)
class Enclosure:
    """Hold a file to attach; `description` is its alternative text."""

    name: str
    data: bytes
    description: str

    @property
    def must_arrive(self) -> bool:
        """Tell whether this holds the notes, from which a user can make everything else."""
        return self.name.endswith((".mid", ".musicxml", ".notes"))

    def file(self) -> File:
        """Wrap the bytes for one attempt at sending them."""
        return File(BytesIO(self.data), self.name, description=self.description)


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold a message before it is sent; `piece` is the id of the piece, or the first of several, that it shows.

    `content` stands above the embed.
    """

    piece: str | None
    embed: Embed
    enclosures: tuple[Enclosure, ...]
    view: View | None = None
    content: str | None = None


def fit(answer: Answer, limit: int) -> Answer:
    """Leave out what makes the files weigh more than `limit` bytes, but never the notes: MIDI, MusicXML, names."""
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
