"""What there is to choose among, in options as in menus: keys, metres, moods and who plays."""

from typing import Final

from core.composing.moods import MOODS
from core.errors import mark
from core.model.told import METRES as TOLD
from core.performing import ensembles

KEYS: Final = tuple(
    f"{tonic} {mode}"
    for mode, tonics in (
        ("major", ("C", "G", "D", "A", "E", "B", "F#", "Db", "Ab", "Eb", "Bb", "F")),
        ("minor", ("A", "E", "B", "F#", "C#", "G#", "D#", "Bb", "F", "C", "G", "D")),
    )
    for tonic in tonics
)
METRES: Final = tuple(metre for metre in TOLD if "/" in metre)  # of the names, the time signatures
MOOD_NAMES: Final = {"careful": mark("careful"), "natural": mark("natural"), "bold": mark("bold")}
PLAYERS_SHOWN: Final = 25  # as many as Discord shows

assert list(MOOD_NAMES) == list(MOODS)


def players(first: str) -> list[str]:
    """Return who may play, as many as Discord shows, a certain one among them."""
    names = sorted(ensembles.NAMES, key=lambda name: name != first)[:PLAYERS_SHOWN]
    return [name for name in ensembles.NAMES if name in names]
