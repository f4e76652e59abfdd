"""What the bot says, in the language of whoever it answers: gettext catalogues that a translator can read.

What is said at once goes through `_` and `ngettext`. Errors, and what core tells, are made before anybody knows who
will read them: they carry their template and its values, and `tell` puts them into words.
"""

import math
from contextvars import ContextVar
from datetime import timedelta
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.dates import format_timedelta
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from discord import Locale, app_commands
from discord.app_commands import TranslationContextLocation, TranslationContextTypes, locale_str

from core.errors import CadenzaError, Message

FOLDER: Final = Path(__file__).parent / "locales"
MINUTES_FROM: Final = 90  # seconds from which on one speaks of minutes
NAME: Final = "name"  # the gettext context of what commands and options are called
NAMES: Final = frozenset(
    {
        TranslationContextLocation.command_name,
        TranslationContextLocation.group_name,
        TranslationContextLocation.parameter_name,
    }
)

_spoken: ContextVar[str] = ContextVar("spoken", default=Locale.american_english.value)


def speak(locale: str) -> None:
    """Choose the language of all that this task says from here on, by Discord's name for it, such as en-US."""
    _spoken.set(locale)


def _(text: str) -> str:
    """Translate a text."""
    return _translations(_spoken.get()).gettext(text) if text else text


def ngettext(one: str, several: str, number: int) -> str:
    """Translate a text that depends on a number."""
    return _translations(_spoken.get()).ngettext(one, several, number)


def span(seconds: float) -> str:
    """Write a span of time, rounded up, as "2 minutes"."""
    whole = math.ceil(seconds) if seconds < MINUTES_FROM else 60 * math.ceil(seconds / 60)
    catalogue = _catalogue(_spoken.get())
    locale = None if catalogue is None else catalogue.locale
    return format_timedelta(timedelta(seconds=whole), threshold=1.5, locale=locale or "en")


def tell(said: Message | CadenzaError) -> str:
    """Put a message or an error into words."""
    message = said.message if isinstance(said, CadenzaError) else said
    return message.told(_template)


def _template(message: Message) -> str:
    if not message.template:  # gettext would tell about the catalogue itself
        return ""
    translations = _translations(_spoken.get())
    count = message.values.get("count")
    if message.plural:
        whole = count if isinstance(count, int) else 1 if count == 1 else 2  # two and a half bars are as two
        return translations.ngettext(message.template, message.plural, whole)
    return translations.gettext(message.template)


class Dictionary(app_commands.Translator):
    """Translate the names and descriptions of commands, their options and choices."""

    async def translate(self, string: locale_str, locale: Locale, context: TranslationContextTypes, /) -> str | None:
        """Return the translation; None where there is none, and Discord shows English."""
        translations = _translations(locale.value)
        if context.location in NAMES:
            translated = translations.pgettext(NAME, string.message)
        else:
            translated = translations.gettext(string.message)
        return None if translated == string.message else translated


def read(language: str) -> Catalog | None:
    """Read the catalogue of a language such as de, if there is one."""
    path = file_of(language)
    if not path.exists():
        return None
    with path.open("rb") as file:
        return read_po(file, locale=language)


def file_of(language: str) -> Path:
    """Return where the catalogue of a language is."""
    return FOLDER / language / "LC_MESSAGES" / "cadenza.po"


@cache
def _catalogue(locale: str) -> Catalog | None:
    """Read the catalogue of a locale such as de or pt-BR, or of its language."""
    return read(locale.replace("-", "_")) or read(locale.partition("-")[0])


@cache
def _translations(locale: str) -> NullTranslations:
    catalogue = _catalogue(locale)
    if catalogue is None:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
