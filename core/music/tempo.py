"""Tempo: how fast pieces and models may go, in quarters a minute."""

from typing import Final

from core.errors import RequestError

DEFAULT_TEMPO: Final = 96.0
TEMPOS: Final = (20, 400)  # the slowest and the fastest


def check_tempo(tempo: float) -> None:
    """Raise RequestError for a tempo that nothing is played at."""
    if not TEMPOS[0] <= tempo <= TEMPOS[1]:
        raise RequestError(
            "A tempo of {tempo:g} is out of range: give {lowest} to {highest} quarters a minute.",
            tempo=tempo,
            lowest=TEMPOS[0],
            highest=TEMPOS[1],
        )
