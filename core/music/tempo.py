"""Tempo: how fast pieces and models may go, in quarters a minute."""

from typing import Final

from core.errors import check_range, mark

DEFAULT_TEMPO: Final = 96.0
TEMPOS: Final = (20, 400)  # the slowest and the fastest


def marked(tempo: float) -> float:
    """Return a tempo that a file claims; 0, for none, where nothing is played at that."""
    return round(float(tempo), 2) if TEMPOS[0] <= tempo <= TEMPOS[1] else 0


def check_tempo(tempo: float) -> None:
    """Raise RequestError for a tempo that nothing is played at."""
    check_range(mark("tempo"), tempo, *TEMPOS)


_WORDS: Final = (  # beats a minute from which on a tempo is called so, as metronomes are marked
    (168, "Presto"),
    (120, "Allegro"),
    (108, "Moderato"),
    (76, "Andante"),
    (66, "Adagio"),
    (0, "Largo"),
)


def words(beats: float) -> str:
    """Return what musicians call a tempo of so many beats a minute."""
    return next(name for least, name in _WORDS if beats >= least)
