"""Written music: every note in its place, bars that are full, names that fit the key."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.drawing.staves import Bar, Staff, bar_length, write
from core.music import score
from core.music.metre import COMMON, Metre
from core.music.score import Event, Score
from core.music.spelling import Tonality

C_MAJOR = Tonality(0, "major")
SIXTEENTHS = Fraction(1, 4)

chords = st.lists(st.integers(0, 127), min_size=1, max_size=6, unique=True)
scores = st.builds(
    lambda gaps, pitches, unit, metre: assembled(gaps, pitches, unit, metre if metre.fits(unit) else COMMON),
    st.lists(st.integers(1, 9), min_size=1, max_size=30),
    st.lists(chords, min_size=30, max_size=30),
    st.sampled_from(score.UNITS),
    st.sampled_from(
        [COMMON, *(Metre(n, d) for n, d in ((3, 4), (6, 8), (9, 8), (12, 8), (3, 2), (3, 8), (5, 8), (6, 4)))]
    ),
)


def assembled(gaps: list[int], pitches: list[list[int]], unit: Fraction, metre: Metre) -> Score:
    onsets = [sum(gaps[:place]) for place in range(len(gaps))]
    events = tuple(Event(onset, tuple(sorted(chord))) for onset, chord in zip(onsets, pitches, strict=False))
    return Score(events, sum(gaps), unit, metre)


def written(text: str, tonality: Tonality = C_MAJOR, metre: Metre = COMMON) -> tuple[Staff, ...]:
    return write(score.from_text(text, "lowest", SIXTEENTHS, metre), tonality)


def values(bar: Bar) -> list[list[int]]:
    """Return the note values of each voice, rests negative, ties as 0 behind what they lead on from."""
    return [
        [part for s in voice for part in (s.value if s.pitches else -s.value, *([0] if s.tied_on else []))]
        for voice in bar
    ]


@given(scores)
def test_every_note_is_written_where_it_begins(piece: Score) -> None:
    found = set()
    for staff in write(piece, C_MAJOR):
        for number, bar in enumerate(staff.bars):
            for voice in bar:
                now = number * bar_length(piece.metre)
                for symbol in voice:
                    if not symbol.tied_from:
                        found |= {(now, pitch) for pitch in symbol.pitches}
                    now += symbol.value
    per_unit = int(piece.unit * 4)
    assert found == {(event.onset * per_unit, pitch) for event in piece.events for pitch in event.pitches}


@given(scores)
def test_every_voice_fills_its_bar(piece: Score) -> None:
    for staff in write(piece, C_MAJOR):
        length = bar_length(piece.metre)
        assert all(sum(symbol.value for symbol in voice) == length for bar in staff.bars for voice in bar)
        assert all(len(bar) <= 2 for bar in staff.bars)
    assert len({len(staff.bars) for staff in write(piece, C_MAJOR)}) == 1


def test_an_accidental_holds_until_the_bar_ends_and_is_taken_back() -> None:
    (staff,) = written("66r466r465r465r4" + "65r466r4r4r4")
    shown = [[(h.step, h.alteration, h.accidental) for s in bar[0] for h in s.heads] for bar in staff.bars]
    assert shown[0] == [("F", 1, True), ("F", 1, False), ("F", 0, True), ("F", 0, False)]
    assert shown[1] == [("F", 0, False), ("F", 1, True)]


def test_the_signature_needs_no_accidentals() -> None:
    (staff,) = written("66r465r466r4r4", Tonality(1, "major"))
    assert [h.accidental for s in staff.bars[0][0] for h in s.heads] == [False, True, True]


def test_a_tied_note_has_no_second_accidental() -> None:
    (staff,) = written("60r4r4r466r4r4r4r4r4")
    assert staff.bars[0][0][-1].tied_on
    assert [h.accidental for h in staff.bars[1][0][0].heads] == [False]


def test_the_range_asks_for_its_staves() -> None:
    assert [staff.clef for staff in written("55-12r4")] == ["treble"]
    assert [staff.clef for staff in written("40-12r4")] == ["bass"]
    assert [staff.clef for staff in written("48-24r4")] == ["treble", "bass"]


def test_a_voice_that_strays_keeps_its_staff() -> None:
    treble, bass = written("36-36r436-34r436-22r436-27r4")
    assert [s.pitches for s in treble.bars[0][0]] == [(72,), (70,), (58,), (63,)]
    assert [s.pitches for s in bass.bars[0][0]] == [(36,)] * 4


def test_voices_that_move_together_share_a_stem() -> None:
    (staff,) = written("60-4-7r460-5-9r459-5-8r460-4-7r4")
    assert [len(bar) for bar in staff.bars] == [1]


def test_a_held_note_under_a_moving_one_is_a_voice_of_its_own() -> None:
    (staff,) = written("60-12r474r476r477r4")
    assert values(staff.bars[0]) == [[4, 4, 4, 4], [16]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60r160r4r1", [1, 3, 0, 12]),  # the beats stay visible
        ("60r260r460r2r4r4", [2, 4, 2, 0, 8]),
        ("60r4r460r4r4", [8, 8]),
        ("60r4r260r2r4r4", [6, 2, 0, 8]),
        ("r160r3r4r4r4", [-1, 3, 0, 12]),
        ("r4r460r4r4", [-8, 8]),
        ("r4r4r460r4", [-8, -4, 4]),  # a rest has no dot, and keeps the middle of the bar visible
        ("r4r4r160r3r4", [-8, -1, 3, 0, 4]),
        ("r360r1r4r4r4", [-2, -1, 1, 0, 12]),
    ],
)
def test_note_values_leave_the_beats_visible(text: str, expected: list[int]) -> None:
    (staff,) = written(text)
    assert values(staff.bars[0]) == [expected]


@pytest.mark.parametrize(
    ("metre", "text", "expected"),
    [
        (Metre(6, 8), "60r4r4r4", [12]),
        (Metre(6, 8), "60r4r464r4", [6, 0, 2, 4]),  # the second beat is seen
        (Metre(6, 8), "60r260r260r260r460r2", [2, 2, 2, 4, 2]),
        (Metre(6, 8), "60r160r4r160r4r2", [1, 1, 0, 4, 6]),
        (Metre(6, 8), "r4r260r4r2", [-6, 6]),
        (Metre(6, 8), "r460r260r4r2", [-4, 2, 6]),
        (Metre(9, 8), "r4r4r460r4r2", [-6, -6, 6]),
        (Metre(9, 8), "60r4r4r4r4r2", [12, 0, 6]),
        (Metre(12, 8), "60r4r4r4r4r4r4", [24]),
        (Metre(12, 8), "r4r4r460r4r4r4", [-12, 12]),
        (Metre(3, 4), "60r4r4r4", [12]),
        (Metre(3, 4), "r4r460r4", [-4, -4, 4]),  # a half rest would hide a beat
        (Metre(3, 2), "60r4r4r4r4r4r4", [24]),
        (Metre(3, 2), "r4r4r4r460r4r4", [-8, -8, 8]),
    ],
)
def test_every_metre_has_its_beats_visible(metre: Metre, text: str, expected: list[int]) -> None:
    (staff,) = written(text, metre=metre)
    assert values(staff.bars[0])[0] == expected


def test_a_rest_behind_a_note_keeps_the_middle_of_the_bar_visible() -> None:
    (staff,) = written("r460r4r4r4" + "r4r4r4r4")
    assert values(staff.bars[1]) == [[4, -4, -8]]
