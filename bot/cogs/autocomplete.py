"""What an option offers while one types."""

import asyncio
from collections.abc import Iterable
from typing import Final
from zoneinfo import available_timezones

from discord import Interaction
from discord.app_commands import Choice

from bot.chat import language, titles
from bot.composing import choices, presentation
from bot.composing.studio import Studio
from bot.database.store import Opus
from core.composing import harmonizing
from core.composing.form import FORMS
from core.performing import audio, ensembles

SHOWN: Final = 25  # as many as Discord shows
LONGEST: Final = 100  # characters of an offer
REMEMBERED: Final = 100  # pieces of a user, the newest


async def models(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Offer the models that there are for whoever asks here."""
    names = await asyncio.to_thread(Studio.of(interaction).catalogue.at(interaction.guild_id).names)
    return _offer(name for name in names if typed.lower() in name)


async def harmonizers(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Offer the models that can harmonise a melody."""
    catalogue = Studio.of(interaction).catalogue.at(interaction.guild_id)

    def find() -> list[str]:
        return [name for name in catalogue.names() if harmonizing.can_harmonize(catalogue.params(name))]

    return _offer(name for name in await asyncio.to_thread(find) if typed.lower() in name)


async def own_models(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Offer the models that this server has trained."""
    names = await asyncio.to_thread(Studio.of(interaction).catalogue.at(interaction.guild_id).own_names)
    return _offer(name for name in names if typed.lower() in name)


async def keys(_: Interaction, typed: str) -> list[Choice[str]]:
    """Offer the keys that begin with what is typed."""
    return _offer(key for key in choices.KEYS if key.lower().startswith(typed.lower().strip()))


async def metres(_: Interaction, typed: str) -> list[Choice[str]]:
    """Offer the time signatures that begin with what is typed."""
    return _offer(metre for metre in choices.METRES if metre.startswith(typed.strip()))


async def forms(_: Interaction, typed: str) -> list[Choice[str]]:
    """Offer the forms that begin with what is typed."""
    return _offer(form for form in FORMS if form.lower().startswith(typed.lower().strip()))


async def instruments(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Offer who may play, by their names in the user's language or in English; ensembles first."""
    language.speak(interaction.locale.value)
    wanted = typed.lower().strip()
    names = [name for name in ensembles.NAMES if wanted in name or wanted in language._(name).lower()]
    return [Choice(name=language._(name), value=name) for name in names[:SHOWN]]


async def soundfonts(_: Interaction, typed: str) -> list[Choice[str]]:
    """Offer the soundfonts that are installed."""
    names = dict.fromkeys(path.name for path in await asyncio.to_thread(audio.soundfonts))
    return _offer(name for name in names if typed.lower() in name.lower() and len(name) <= LONGEST)


async def zones(_: Interaction, typed: str) -> list[Choice[str]]:
    """Offer the time zones that have what is typed in their names."""
    names = sorted(await asyncio.to_thread(available_timezones))
    return _offer(name for name in names if typed.lower().strip().replace(" ", "_") in name.lower())


async def primers(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Offer what the user has begun with before, the newest first."""
    pieces = await Studio.of(interaction).store.by_author(interaction.user.id, REMEMBERED)
    begun = dict.fromkeys(piece.request.primer for piece in pieces)
    plain = "".join(typed.lower().replace(",", " ").split())
    return _offer(primer for primer in begun if primer and len(primer) <= LONGEST and primer.startswith(plain))


async def pieces(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Offer the user's own pieces, the newest first, then the server's favourites."""
    language.speak(interaction.locale.value)
    store, server = Studio.of(interaction).store, interaction.guild_id
    own = await store.by_author(interaction.user.id, REMEMBERED)
    best = () if server is None else await store.favourites(server, SHOWN)
    labels = await asyncio.to_thread(_labels, own, best)
    found = [(key, name) for key, name in labels.items() if typed.lower().strip() in name.lower()]
    return [Choice(name=name[:LONGEST], value=key) for key, name in found[:SHOWN]]


def _labels(own: Iterable[Opus], best: Iterable[tuple[Opus, int]]) -> dict[str, str]:
    """Label a user's pieces and a server's favourites, by their ids."""
    labels = {opus.id: label(opus) for opus in own}
    return labels | {opus.id: label(opus) + f" · ❤️ {likes}" for opus, likes in best}


def label(opus: Opus) -> str:
    """Describe a piece in a line: its id, its title, its model and length, and when it was made."""
    what = (opus.id, titles.title(opus), opus.model.name, presentation.length(opus.bars))
    return f"{' · '.join(what)} · {opus.created:%Y-%m-%d %H:%M}"


def _offer(names: Iterable[str]) -> list[Choice[str]]:
    return [Choice(name=name, value=name) for name in list(names)[:SHOWN]]
