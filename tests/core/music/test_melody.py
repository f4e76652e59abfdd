"""Melodies: their upbeat, their breaths, and the highest line out of many."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.music import melody, voices
from core.music.melody import Melody, Note
from core.music.metre import Metre


def notes(*written: tuple[float, float, int]) -> tuple[Note, ...]:
    return tuple(Note(Fraction(onset), Fraction(length), pitch) for onset, length, pitch in written)


def test_what_is_missing_before_the_first_note_is_an_upbeat() -> None:
    tune = Melody(notes((2, 1, 67), (3, 2, 72), (5, 1, 76)), Fraction(6), Metre(3, 4))
    assert tune.pickup == 1
    assert tune.bars == 2
    assert Melody(notes((0, 1, 60)), Fraction(1)).pickup == 0
    assert Melody((), Fraction(4)).pickup == 0


def test_it_breathes_at_rests_and_where_a_listener_hears_phrases_end() -> None:
    tune = Melody(
        notes((0, 1, 60), (1, 1, 62), (2, 2, 64), (4, 1, 65), (6, 1, 64), (7, 1, 62), (8, 4, 60)), Fraction(12)
    )
    assert tune.phrase_ends == (3, 6)
    hymn = (*[(at, 1, 60 + at % 7) for at in range(6)], (6, 2, 67))
    twice = notes(*hymn, *((at + 8, length, pitch) for at, length, pitch in hymn))
    assert Melody(twice, Fraction(16)).phrase_ends == (6, 13)
    held = Note(Fraction(1), Fraction(1), 62, fermata=True)
    assert Melody((tune.notes[0], held, *tune.notes[2:]), Fraction(12)).phrase_ends == (1, 6)


def test_it_leans_on_a_key() -> None:
    scale = [62, 64, 66, 67, 69, 71, 73, 74]
    assert Melody(notes(*((at, 1, pitch) for at, pitch in enumerate(scale))), Fraction(8)).key == "D major"
    assert Melody((), Fraction(4)).key == ""


def test_the_highest_line_leaves_out_what_begins_under_a_note_that_sounds() -> None:
    choir = notes((0, 2, 72), (0, 1, 60), (1, 1, 64), (2, 1, 71), (2, 2, 55), (3, 1, 62), (4, 1, 72))
    assert [(int(note.onset), note.pitch) for note in melody.line(choir)] == [(0, 72), (2, 71), (3, 62), (4, 72)]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9), st.integers(30, 90)), min_size=1))
def test_of_a_highest_line_one_note_sounds_at_a_time(many: list[tuple[int, int, int]]) -> None:
    line = melody.line(notes(*many))
    assert all(note.end <= after.onset for note, after in pairwise(line))
    assert all(note.length > 0 for note in line)
    assert line[0].onset == min(onset for onset, _, _ in many)


def test_notes_that_fall_together_on_a_grid_are_one_event() -> None:
    tune = Melody(notes((0, 0.25, 60), (0.25, 0.25, 62), (0.5, 0.5, 64)), Fraction(1))
    assert [event.pitches for event in tune.score(Fraction(1, 4)).events] == [(60,), (62,), (64,)]
    assert [event.pitches for event in tune.score(Fraction(1)).events] == [(60, 62), (64,)]


def test_it_moves_by_an_octave_where_it_would_leave_what_midi_has() -> None:
    tune = Melody(notes((0, 1, 120), (1, 1, 124)), Fraction(2))
    assert [note.pitch for note in tune.transposed(5).notes] == [113, 117]
    assert [note.pitch for note in tune.transposed(-5).notes] == [115, 119]


def test_its_rests_are_kept_in_a_score() -> None:
    tune = Melody(notes((0, 1, 60), (2, 0.5, 62), (3, 1, 64)), Fraction(4))
    sounding = voices.notes(tune.score(Fraction(1, 2)))
    assert [(note.pitch, note.start, note.end) for note in sounding] == [(60, 0, 2), (62, 4, 5), (64, 6, 8)]
    assert voices.notes(tune.score(Fraction(1)))[1].end == 3
