"""What the bot says, in the language of whoever it answers: gettext catalogues that a translator can read."""

from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from discord import Locale, app_commands
from discord.app_commands import TranslationContextTypes, locale_str

FOLDER: Final = Path(__file__).parent / "locales"

_spoken: ContextVar[Locale] = ContextVar("spoken", default=Locale.american_english)


def speak(locale: Locale) -> None:
    """Choose the language of all that this task says from here on."""
    _spoken.set(locale)


def _(text: str) -> str:
    """Translate a text."""
    return _catalogue(_spoken.get().value).gettext(text)


def ngettext(one: str, several: str, number: int) -> str:
    """Translate a text that depends on a number."""
    return _catalogue(_spoken.get().value).ngettext(one, several, number)


def mark(text: str) -> str:
    """Mark a text that is translated later, where it is shown."""
    return text


class Dictionary(app_commands.Translator):
    """Translate the names and descriptions of commands, their options and choices."""

    async def translate(self, string: locale_str, locale: Locale, _: TranslationContextTypes, /) -> str | None:
        """Return the translation; None where there is none, and Discord shows English."""
        translated = _catalogue(locale.value).gettext(string.message)
        return None if translated == string.message else translated


@cache
def _catalogue(locale: str) -> NullTranslations:
    """Read the catalogue of a locale such as de or pt-BR, or of its language."""
    for name in (locale.replace("-", "_"), locale.partition("-")[0]):
        path = FOLDER / name / "LC_MESSAGES" / "cadenza.po"
        if path.exists():
            with path.open("rb") as file:
                catalogue = read_po(file, locale=name)
            compiled = BytesIO()
            write_mo(compiled, catalogue)
            compiled.seek(0)
            return GNUTranslations(compiled)
    return NullTranslations()
