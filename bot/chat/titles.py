"""What a piece is called where it is shown, and what its files are."""

import unicodedata
from typing import Final

from bot.chat.language import tell
from bot.database.store import Opus
from core.composing import reprise

_SPELT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "♯": " sharp", "♭": " flat"})


def title(opus: Opus) -> str:
    """Name a piece, in the language of whoever reads it."""
    return tell(reprise.title(opus.request, opus.model, opus.text))


def stem(title: str) -> str:
    """Make of a title what files can be called everywhere: lower-case letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", title.lower().translate(_SPELT)).encode("ascii", "ignore").decode()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in plain).split()) or "piece"
