"""Written music: every note in its place, bars that are full, names that fit the key."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.drawing.staves import Bar, Staff, bar_length, write
from core.music import score
from core.music.metre import COMMON, Metre
from core.music.parts import SATB, PartScore, in_parts
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
    return write(score.from_text(text, "lowest", SIXTEENTHS, metre), tonality).staves


def values(bar: Bar) -> list[list[int]]:
    """Return the note values of each voice, rests negative, ties as 0 behind what they lead on from."""
    return [
        [part for s in voice for part in (s.value if s.pitches else -s.value, *([0] if s.tied_on else []))]
        for voice in bar
    ]


@given(scores)
def test_every_note_is_written_where_it_begins(piece: Score) -> None:
    found = set()
    page = write(piece, C_MAJOR)
    for staff in page.staves:
        for measure, bar in zip(page.measures, staff.bars, strict=True):
            for voice in bar:
                now = measure.start
                for symbol in voice:
                    if not symbol.tied_from:
                        found |= {(now, pitch) for pitch in symbol.pitches}
                    now += symbol.value
    per_unit = int(piece.unit * 4)
    places = [(each.start, each.end) for each in page.measures]
    kept = [e for e in piece.events if any(start <= e.onset * per_unit < end for start, end in places)]
    assert found == {(event.onset * per_unit, pitch) for event in kept for pitch in event.pitches}
    if not any(measure.closes for measure in page.measures):
        assert len(kept) == len(piece.events)


@given(scores)
def test_every_voice_fills_its_measure(piece: Score) -> None:
    page = write(piece, C_MAJOR)
    for staff in page.staves:
        assert len(staff.bars) == len(page.measures)
        for measure, bar in zip(page.measures, staff.bars, strict=True):
            assert measure.length <= bar_length(piece.metre)
            assert all(sum(symbol.value for symbol in voice) == measure.length for voice in bar)
            assert len(bar) <= 2


def test_a_pickup_is_a_measure_of_its_own_and_is_not_counted() -> None:
    page = write(score.from_text("r4r4r460r464r4r4r4r467r4r4r4", "lowest", SIXTEENTHS), C_MAJOR)
    assert [(measure.length, measure.number) for measure in page.measures] == [(4, 0), (16, 1), (12, 2)]
    assert values(page.staves[0].bars[0]) == [[4]]


def test_what_begins_after_a_rest_in_its_first_bar_is_no_pickup() -> None:
    page = write(score.from_text("r260r2r4r4r464r4r4r4r4", "lowest", SIXTEENTHS), C_MAJOR)
    assert [measure.number for measure in page.measures] == [1, 2]


CHORALE = "43-16-19-24r445-15-19-24r447-15-20r148r145-12-16-21r450-9-16-18r4" + "43-16-19-24r4r4r4r4"


def test_a_chorale_has_two_voices_on_each_of_two_staves() -> None:
    upper, lower = written(CHORALE)
    assert (upper.clef, lower.clef, upper.apart) == ("treble", "bass", True)
    assert all(len(bar) == 2 for staff in (upper, lower) for bar in staff.bars)
    assert [symbol.pitches for symbol in upper.bars[0][0]][:2] == [(67,), (69,)]


def test_parts_keep_their_rhythms_and_fermatas_on_two_staves_or_four() -> None:
    lines = [[(72, 0, 8), (74, 8, 16)], [(67, 0, 4), (65, 4, 16)], [(60, 0, 16)], [(48, 0, 12), (43, 12, 16)]]
    piece = PartScore(in_parts(lines), 16, SIXTEENTHS, fermatas=(8,))
    upper, lower = write(piece, C_MAJOR).staves
    assert values(upper.bars[0]) == [[8, 8], [4, 12]]
    assert values(lower.bars[0]) == [[16], [12, 4]]
    assert [symbol.fermata for symbol in upper.bars[0][0]] == [False, True]
    four = write(piece, C_MAJOR, open_score=True).staves
    assert [staff.name for staff in four] == list(SATB)
    assert [staff.clef for staff in four] == ["treble", "treble", "tenor", "bass"]


def test_a_voice_that_is_silent_beside_another_has_rests() -> None:
    lines = [[(72, 0, 16)], [], [(60, 4, 16)], [(48, 0, 16)]]
    upper, lower = write(PartScore(in_parts(lines), 16, SIXTEENTHS), C_MAJOR).staves
    assert values(upper.bars[0]) == [[16], [-8, -8]]
    assert values(lower.bars[0]) == [[-4, 12], [16]]


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
    (staff,) = written("60r4r4r4r4" + text)  # behind a bar, for what is silent at the beginning is not written
    assert values(staff.bars[1]) == [expected]


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
    (staff,) = written(
        "60" + "r4" * (bar_length(metre) // 4) + f"r{bar_length(metre) % 4}".replace("r0", "") + text, metre=metre
    )
    assert values(staff.bars[1])[0] == expected


def test_a_rest_behind_a_note_keeps_the_middle_of_the_bar_visible() -> None:
    (staff,) = written("r460r4r4r4" + "r4r4r4r4")
    assert values(staff.bars[1]) == [[4, -4, -8]]
