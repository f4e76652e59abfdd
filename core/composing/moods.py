"""How adventurous a piece is, in a word: careful, natural or bold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.errors import RequestError


@dataclass(frozen=True, slots=True)
class Mood:
    """Hold what a word stands for: a temperature, and the probability of the likeliest tokens that are kept."""

    temperature: float
    top_p: float


USUAL: Final = "natural"
MOODS: Final[Mapping[str, Mood]] = {  # measured by bench.moods
    "careful": Mood(0.8, 0.95),
    USUAL: Mood(1.0, 1.0),  # as a model was trained, and as it is evaluated
    "bold": Mood(1.35, 0.98),  # the tail, which at this temperature weighs most, is cut off
}


def mood(name: str) -> Mood:
    """Return what a word stands for. Raises RequestError."""
    try:
        return MOODS[name.strip().lower()]
    except KeyError:
        raise RequestError(
            "There is no mood called {name!r}. There are: {names}.", name=name[:40], names=", ".join(MOODS)
        ) from None


def named(temperature: float, top_p: float) -> str | None:
    """Return the word for a temperature and a top-p, None if there is none."""
    return next((name for name, each in MOODS.items() if each == Mood(temperature, top_p)), None)
