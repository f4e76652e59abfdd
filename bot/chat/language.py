"""What the bot says, in the language of whoever it answers: gettext catalogues that a translator can read.

The bot's own words go through `_`. The sentence of an error is finished before anybody knows who will read it, and
core knows no languages: `sentence` recognises it by its template, as in "There is no model called {0}.".
"""

import math
import re
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
TEMPLATE: Final = "template"  # the gettext context of errors and of buttons, with {0} where values stand
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


def span(seconds: float, *, ahead: bool = False) -> str:
    """Write a span of time, rounded up, as "2 minutes", or as "in 2 minutes" if it lies ahead."""
    whole = math.ceil(seconds) if seconds < MINUTES_FROM else 60 * math.ceil(seconds / 60)
    catalogue = _catalogue(_spoken.get())
    locale = None if catalogue is None else catalogue.locale
    return format_timedelta(timedelta(seconds=whole), threshold=1.5, add_direction=ahead, locale=locale or "en")


def mark(text: str) -> str:
    """Mark a text that is translated later, where it is shown."""
    return text


def sentence(said: str | Message | CadenzaError) -> str:
    """Translate a message, an error, or the finished sentence of one by its template, and so each part of it.

    Where a part may be missing there are two templates: none matches nothing.
    """
    told = said.message if isinstance(said, CadenzaError) else Message(said) if isinstance(said, str) else said
    text = told.told(_template)
    if told.values or text != told.template:
        return text
    for pattern, translation in _templates(_spoken.get()):
        if (match := pattern.fullmatch(text)) is not None:
            return translation.format(*map(sentence, match.groups()))
    return text


def _template(message: Message) -> str:
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


@cache
def _templates(locale: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the templates of errors as patterns with their translations, those with most words of their own first."""
    translated = [
        (str(message.id), str(message.string))
        for message in _catalogue(locale) or ()
        if message.context == TEMPLATE and message.string and not message.fuzzy
    ]
    translated.sort(key=lambda pair: -len(re.sub(r"\{\d+\}", "", pair[0])))
    return tuple((_pattern(template), translation) for template, translation in translated)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{\d+\}", template)
    return re.compile("(.+?)".join(map(re.escape, parts)), re.DOTALL)
