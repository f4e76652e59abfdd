"""Real music of two kinds, as files that a server might upload: chorales for four voices, and dance tunes for one."""

import random
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Final

from core.errors import ReadingError
from core.performing.performance import perform
from core.reading.formats import read
from core.reading.playing import play

KINDS: Final = {"chorales": "bach/*.mxl", "fiddle": "oneills1850/*.abc"}  # of music21's corpus
LEAST_NOTES: Final = 60
MOST_OF_A_BOOK: Final = 8  # tunes, so that they come from many pages

_UNIT: Final = Fraction(1, 4)


def files(kind: str, count: int) -> list[bytes]:
    """Return so many pieces of a kind as MIDI files."""
    found = _pieces(kind)
    return [next(found) for _ in range(count)]


def _pieces(kind: str) -> Iterator[bytes]:
    import music21

    chance = random.Random(1)
    paths = sorted((Path(music21.__file__).parent / "corpus").glob(KINDS[kind]))
    chance.shuffle(paths)
    for path in paths:
        with suppress(ReadingError):
            pieces = list(read(path.read_bytes(), path.name).pieces)
            chance.shuffle(pieces)
            for piece in pieces[:MOST_OF_A_BOOK]:
                if len(piece.onsets) >= LEAST_NOTES:
                    yield perform(play(piece).score(_UNIT), tempo=120)
