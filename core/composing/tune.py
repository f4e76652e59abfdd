"""A melody by itself, before anything is made of it: as sound and as a sheet."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from core.drawing import sheet
from core.drawing.sheet import Sheet
from core.music.melody import Melody
from core.performing import audio, performance

TEMPO: Final = 100.0  # quarters a minute, where nobody has said
INSTRUMENT: Final = "flute"

_UNIT: Final = Fraction(1, 4)


@dataclass(frozen=True, slots=True)
class Shown:
    """Hold a melody as one can hear and see it."""

    midi: bytes
    audio: bytes
    sheet: Sheet


def show(melody: Melody, soundfont: str | None = None) -> Shown:
    """Play and engrave a melody, with its own lengths and rests. Raises CadenzaError."""
    piece, tempo = melody.score(_UNIT), melody.tempo or TEMPO
    midi = performance.perform(piece, tempo=tempo, instrument=INSTRUMENT)
    font = None if soundfont is None else Path(soundfont)
    return Shown(midi, audio.render(midi, soundfont=font), sheet.sheet(piece, tempo=tempo))
