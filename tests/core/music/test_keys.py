"""Keys: where home is."""

import pytest

from core.music.keys import is_home


@pytest.mark.parametrize(
    ("chord", "key", "home"),
    [
        ((48, 64, 67, 72), "C major", True),
        ((48, 60), "C major", True),  # a part of the triad
        ((52, 60, 67), "C major", False),  # not on its root
        ((48, 63, 67), "C major", False),
        ((45, 60, 64), "A minor", True),
        ((45, 61, 64), "A minor", True),  # a Picardy third
        ((45, 60, 61, 64), "A minor", False),
        ((43, 47, 50, 53), "C major", False),
        ((53, 57, 60), "C major", False),
        ((), "C major", False),
        ((48, 52, 55), "", False),
    ],
)
def test_home_is_the_tonic_triad_on_its_root(chord: tuple[int, ...], key: str, home: bool) -> None:
    assert is_home(chord, key) == home
