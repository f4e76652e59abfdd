"""What is held out: chosen by piece, with its versions."""

import pytest

from core.corpus import split
from core.versions import find_families
from tests.core.examples import melody


@pytest.fixture(scope="module")
def pieces() -> list[tuple[str, str]]:
    """Return fifty melodies and five of them again, in another key with another note in the middle."""
    texts = [(f"tune {seed}", melody(seed)) for seed in range(50)]
    texts += [
        (f"version of {seed}", [pitch + 2 for pitch in [*melody(seed)[:20], 61, *melody(seed)[20:]]])
        for seed in range(5)
    ]
    return [(title, "".join(f"{pitch}r1" for pitch in pitches)) for title, pitches in texts]


def test_a_split_depends_on_the_texts_and_the_seed_alone(pieces: list[tuple[str, str]]) -> None:
    learned, held_out = split(pieces, 0.2, 1)
    assert sorted(learned + held_out) == list(range(55))
    assert 11 <= len(held_out) <= 12
    turned = split(pieces[::-1], 0.2, 1)[1]
    assert {pieces[::-1][place] for place in turned} == {pieces[place] for place in held_out}
    assert split(pieces, 0.2, 2)[1] != held_out


def test_versions_stay_on_one_side_of_the_split(pieces: list[tuple[str, str]]) -> None:
    families = find_families(text for _, text in pieces)
    assert families[50:] == [0, 1, 2, 3, 4]
    assert families[:50] == list(range(50))
    for seed in range(10):
        held_out = set(split(pieces, 0.3, seed)[1])
        assert all((number in held_out) == (50 + number in held_out) for number in range(5))


def test_a_split_of_very_little_leaves_something_to_learn(pieces: list[tuple[str, str]]) -> None:
    assert [len(side) for side in split(pieces[:2], 0.1, 0)] == [1, 1]
    assert split(pieces[:1], 0.1, 0) == ([0], [])
