"""Music for the tests of reading and collecting."""

from pathlib import Path

import numpy as np

DATA = Path(__file__).parent.parent / "data"
OLD_HUNDREDTH = (
    "r4r255-12r255-12r250-16r252-12r247-15r252-15r250-19r243-28r455r255-16r250-21r243-28r250-19r148r147-20r248-24r4"
)


def file(name: str) -> bytes:
    """Return a file of the tests' own."""
    return (DATA / name).read_bytes()


def melody(seed: int, notes: int = 40) -> list[int]:
    """Return pitches by chance."""
    chance = np.random.default_rng(seed)
    return [60 + int(step) for step in np.cumsum(chance.integers(-4, 5, notes)) % 24]
