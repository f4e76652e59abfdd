"""Tempo: how fast pieces and models may go, in quarters a minute."""

from typing import Final

from core.errors import check_range, mark

DEFAULT_TEMPO: Final = 96.0
TEMPOS: Final = (20, 400)  # the slowest and the fastest


def check_tempo(tempo: float) -> None:
    """Raise RequestError for a tempo that nothing is played at."""
    check_range(mark("tempo"), tempo, *TEMPOS)
