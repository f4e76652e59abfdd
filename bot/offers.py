"""What an option offers while one types."""

from collections.abc import Iterable
from typing import Final

from discord import Interaction
from discord.app_commands import Choice

from bot.client import ComposerBot

SHOWN: Final = 25  # as many as Discord shows
LONGEST: Final = 100  # characters of an offer
REMEMBERED: Final = 100  # pieces of a user, the newest
KEYS: Final = tuple(
    f"{tonic} {mode}"
    for mode, tonics in (
        ("major", ("C", "G", "D", "A", "E", "B", "F#", "Db", "Ab", "Eb", "Bb", "F")),
        ("minor", ("A", "E", "B", "F#", "C#", "G#", "D#", "Bb", "F", "C", "G", "D")),
    )
    for tonic in tonics
)

Ask = Interaction[ComposerBot]


async def models(interaction: Ask, typed: str) -> list[Choice[str]]:
    """Offer the models that there are."""
    return _offer(name for name in interaction.client.catalogue.names() if typed.lower() in name)


async def keys(_: Ask, typed: str) -> list[Choice[str]]:
    """Offer the keys that begin with what is typed."""
    return _offer(key for key in KEYS if key.lower().startswith(typed.lower().strip()))


async def primers(interaction: Ask, typed: str) -> list[Choice[str]]:
    """Offer what the user has begun with before, the newest first."""
    pieces = await interaction.client.store.by_author(interaction.user.id, REMEMBERED)
    begun = dict.fromkeys(piece.request.primer for piece in pieces)
    plain = "".join(typed.lower().replace(",", " ").split())
    return _offer(primer for primer in begun if primer and len(primer) <= LONGEST and primer.startswith(plain))


def _offer(names: Iterable[str]) -> list[Choice[str]]:
    return [Choice(name=name, value=name) for name in list(names)[:SHOWN]]
