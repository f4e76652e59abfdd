"""What is held out: chosen by piece, with its versions."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest

from core.corpus import families as versions
from core.corpus.families import find_families
from core.corpus.split import split
from core.model.notes import Entry, Notes
from core.music.notation import Anchor
from core.music.score import Event, Score, to_text
from tests.core.examples import melody


@pytest.fixture(scope="module")
def notes() -> Notes:
    """Return fifty melodies and five of them again, in another key with another note in the middle."""
    tunes = [(f"tune {seed}", melody(seed)) for seed in range(50)]
    tunes += [
        (f"version of {seed}", [pitch + 2 for pitch in [*melody(seed)[:20], 61, *melody(seed)[20:]]])
        for seed in range(5)
    ]
    return lowest(Entry(title, "".join(f"{pitch}r1" for pitch in pitches)) for title, pitches in tunes)


def lowest(pieces: Iterable[Entry]) -> Notes:
    return Notes("lowest", Fraction(1, 2), tuple(pieces))


def test_a_split_depends_on_the_texts_and_the_seed_alone(notes: Notes) -> None:
    trained_on, held_out = split(notes, 0.2, 1)
    assert sorted(trained_on + held_out) == list(range(55))
    assert 11 <= len(held_out) <= 12
    turned = lowest(notes.pieces[::-1])
    assert {turned.pieces[place] for place in split(turned, 0.2, 1)[1]} == {notes.pieces[place] for place in held_out}
    assert split(notes, 0.2, 2)[1] != held_out


def test_versions_stay_on_one_side_of_the_split(notes: Notes) -> None:
    families = find_families((entry.text for entry in notes.pieces), "lowest")
    assert families[50:] == [0, 1, 2, 3, 4]
    assert families[:50] == list(range(50))
    for seed in range(10):
        held_out = set(split(notes, 0.3, seed)[1])
        assert all((number in held_out) == (50 + number in held_out) for number in range(5))


def test_a_family_that_would_outweigh_the_others_is_trained_on(notes: Notes) -> None:
    again = [Entry(f"again {key}", "".join(f"{pitch + key}r1" for pitch in melody(7))) for key in range(1, 7)]
    many = lowest([*notes.pieces, *again])
    family = {7, *range(55, 61)}
    assert not any(family & set(split(many, 0.2, seed)[1]) for seed in range(20))


@pytest.mark.parametrize("anchor", ["lowest", "highest"])
def test_harmonies_of_one_melody_are_a_family(anchor: Anchor) -> None:
    def harmonised(tune: int, key: int, seed: int) -> str:
        chance = np.random.default_rng(seed)
        chords = [tuple(sorted({pitch + key, *(pitch + key - chance.integers(3, 20, 3))})) for pitch in melody(tune)]
        events = tuple(Event(2 * place, chord) for place, chord in enumerate(chords))
        return to_text(Score(events, 2 * len(events), Fraction(1, 2)), anchor)

    texts = [harmonised(1, 0, 10), harmonised(2, 0, 11), harmonised(1, 3, 12), harmonised(1, -4, 13)]
    assert find_families(texts, anchor) == [0, 1, 0, 0]


def test_a_piece_too_short_for_runs_is_of_the_family_of_what_is_the_same_in_another_key() -> None:
    assert find_families(["60r162r2", "60r164r2", "r465r167r2r1", "r4", "r1"], "lowest") == [0, 1, 0, 3, 3]


def test_many_pieces_are_known_as_well_as_few(monkeypatch: pytest.MonkeyPatch, notes: Notes) -> None:
    families = find_families((entry.text for entry in notes.pieces), "lowest")
    monkeypatch.setattr(versions, "_NEWEST", 100)
    assert find_families((entry.text for entry in notes.pieces), "lowest") == families


def test_a_split_of_very_little_leaves_something_to_learn(notes: Notes) -> None:
    assert [len(side) for side in split(lowest(notes.pieces[:2]), 0.1, 0)] == [1, 1]
    assert split(lowest(notes.pieces[:1]), 0.1, 0) == ([0], [])
