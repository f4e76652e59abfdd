"""Four voices, found again in chords."""

from fractions import Fraction

import music21
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.music import score
from core.music.parts import SATB, PartScore, four_parts, in_parts, is_choral
from core.music.score import Event, Score

EIGHTHS, SIXTEENTHS = Fraction(1, 2), Fraction(1, 4)
TUNE = "67r267r266r264r262r267r269r271r4"

chords = st.lists(st.integers(40, 80), min_size=1, max_size=8, unique=True)


@pytest.fixture(scope="module")
def bach() -> PartScore:
    """Read a chorale of Bach's with its voices."""
    voices = music21.corpus.parse("bwv66.6").parts
    lines = [
        [
            (note.pitch.midi, int(note.offset / SIXTEENTHS), int((note.offset + note.quarterLength) / SIXTEENTHS))
            for note in voice.stripTies().flatten().notes
        ]
        for voice in voices
    ]
    return PartScore(in_parts(lines), max(end for line in lines for _, _, end in line), SIXTEENTHS)


def test_voices_that_were_lost_are_found_again(bach: PartScore) -> None:
    found = four_parts(bach.score)
    true = [{(n.pitch, n.start, n.voice) for n in part.notes} for part in bach.parts]
    back = [{(n.pitch, n.start, n.voice) for n in part.notes} for part in found.parts]
    assert sum(len(a & b) for a, b in zip(true, back, strict=True)) > 0.93 * sum(map(len, true))
    assert [part.name for part in found.parts] == list(SATB)


def test_parts_are_flattened_to_events_in_order() -> None:
    piece = PartScore(in_parts([[(72, 2, 4), (74, 0, 2)], [(60, 0, 4)]], ("Descant", "Tune")), 4, EIGHTHS)
    assert piece.score == Score((Event(0, (60, 74)), Event(2, (72,))), 4, EIGHTHS)
    assert [note.voice for part in piece.parts for note in part.notes] == [0, 0, 1]


@given(st.lists(chords, min_size=1, max_size=12), st.lists(st.integers(1, 20), min_size=12, max_size=12))
def test_every_note_is_sung_once_begun_and_no_voice_overlaps_itself(pitches: list[list[int]], gaps: list[int]) -> None:
    onsets = [sum(gaps[:place]) for place in range(len(pitches))]
    events = tuple(Event(at, tuple(sorted(chord))) for at, chord in zip(onsets, pitches, strict=True))
    piece = Score(events, onsets[-1] + 1, SIXTEENTHS)
    found = four_parts(piece)
    assert found.score == piece
    for part in found.parts:
        starts = sorted({note.start for note in part.notes})
        for note in part.notes:
            later = next((start for start in starts if start > note.start), note.end)
            assert note.start < note.end <= min(later, note.start + 2 * piece.units_per_bar - 1)
            assert note.end == later or note.end - note.start == piece.units_per_bar


def test_two_voices_may_meet_on_one_note() -> None:
    piece = score.from_text("43-16-19-24r148-12-19r143-16-19-24r4", "lowest", EIGHTHS)
    assert [[n.pitch for n in part.notes] for part in four_parts(piece).parts] == [
        [67, 67, 67],
        [62, 60, 62],
        [59, 60, 59],
        [43, 48, 43],
    ]


def test_tunes_and_music_for_the_piano_are_not_for_four_voices(bach: PartScore) -> None:
    assert is_choral(bach.score)
    assert not is_choral(score.from_text(TUNE, "lowest", EIGHTHS))
    assert not is_choral(score.from_text("24-12-24r160-4-7r1" * 4, "lowest", EIGHTHS))
    assert not is_choral(Score((), 4, EIGHTHS))


def test_a_voice_goes_on_through_a_silence_shorter_than_a_bar() -> None:
    chord = "43-16-19-24"
    piece = score.from_text(f"{chord}r4{chord}{'r4' * 3}{chord}{'r4' * 4}{chord}r4", "lowest", EIGHTHS)
    bass = four_parts(piece).parts[3]
    assert [(note.start, note.end) for note in bass.notes] == [(0, 4), (4, 16), (16, 24), (32, 40)]


def test_who_has_not_begun_may_wait_rather_than_sing_out_of_range() -> None:
    piece = score.from_text("36r440r443r445-15-19-24r443-16-19-24r4" * 2, "lowest", EIGHTHS)
    soprano, alto, *_ = four_parts(piece).parts
    assert soprano.notes[0].start == alto.notes[0].start == 12
