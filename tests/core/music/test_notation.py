"""The notation: vocabulary, parsing, normal form, transposition and the sentences of its errors."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotationError
from core.music import notation, score
from core.music.notation import Anchor
from core.music.score import Event, Score

REAL = (
    "72r177r179r181-12-40r2r181r177-12-32r2r172r177-12-29r179r181-12-40r2r181r145r184r2r184-12-36r2r181-12-33r179r2r152r4"
    "r155r2r148r4r152r4r179-12-24r181r182-12-34r182r182r182-12-30r2r179r179-12-24r181r182-12-34r2r182r184-12-32r2r182r181-12-26r179"
    "r181-12-40r4r145r4"
)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    onset, events = draw(st.integers(0, 30)), []
    for _ in range(draw(st.integers(1, 12))):
        pitches = draw(st.sets(st.integers(0, 127), min_size=1, max_size=8))
        events.append(Event(onset, tuple(sorted(pitches))))
        onset += draw(st.integers(1, 30))
    return Score(tuple(events), onset, draw(st.sampled_from(score.UNITS)))


anchors = st.sampled_from(("lowest", "highest"))


@given(scores(), anchors)
def test_every_score_survives_the_round_trip(piece: Score, anchor: Anchor) -> None:
    text = score.to_text(piece, anchor)
    assert score.from_text(text, anchor, piece.unit) == piece
    assert notation.text(notation.parse(text, anchor)) == text


@given(st.text(alphabet="0123456789-rR, \nx٣²", max_size=30) | st.text(max_size=20), anchors)
def test_every_string_is_parsed_or_refused(text: str, anchor: Anchor) -> None:
    refused: NotationError | None = None
    try:
        ids = notation.primer(text, anchor)
    except NotationError as error:
        refused = error
    if refused is None:
        assert notation.primer(notation.text(ids), anchor) == ids
    else:
        assert 0 <= refused.start < refused.end <= len(text)
        assert "^" in str(refused)


@pytest.mark.parametrize(
    ("text", "anchor", "pitches", "units"),
    [
        ("72r1", "lowest", (72,), 1),
        ("60-4-7r4", "lowest", (60, 64, 67), 4),
        ("67-3-7r4", "highest", (60, 64, 67), 4),
        ("81-12-40r2r1", "highest", (41, 69, 81), 3),
    ],
)
def test_vectors_of_the_specification(text: str, anchor: Anchor, pitches: tuple[int, ...], units: int) -> None:
    assert score.from_text(text, anchor, Fraction(1)) == Score((Event(0, pitches),), units, Fraction(1))


def test_a_real_piece_is_diatonic_with_its_own_anchor_alone() -> None:
    f_major = {5, 7, 9, 10, 0, 2, 4}

    def inside(pitches: list[int]) -> float:
        return sum(pitch % 12 in f_major for pitch in pitches) / len(pitches)

    ids = notation.parse(REAL, "highest")
    assert inside(notation.pitches(ids, "highest")) == 1
    assert inside(notation.pitches(ids, "lowest")) < 0.9


def test_rests_are_written_in_normal_form() -> None:
    assert notation.text(notation.parse("r1r272R1 r3, 76r2r4r4")) == "r372r476r4r4r2"
    assert notation.rests(10) == [*notation.rests(4), *notation.rests(4), *notation.rests(2)]


def test_the_vocabulary_has_the_specified_order() -> None:
    assert notation.text(range(notation.SIZE)) == "\n" + "".join(
        [*map(str, range(128)), *(f"-{i}" for i in range(1, 128)), "r1", "r2", "r3", "r4"]
    )


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        (
            "72r1 7276r1",
            (5, 9),
            "7276 is not a MIDI note (0-127). Put a rest between two notes (72r1 76r1), or write a chord as 72-4r1.",
        ),
        ("72 76r1", (3, 5), "76 follows a note without a rest"),
        ("-4r1", (0, 2), "needs a note before it"),
        ("60-7-4r1", (4, 6), "grow"),
        ("60-4-4r1", (4, 6), "grow"),
        ("72r5", (2, 4), "r5 is not a rest"),
        ("72r", (2, 3), "r is not a rest"),
        ("c4r1", (0, 1), "'c' is not part of the notation"),
        ("120-20r1", (3, 6), "-20 leads from 120 to 140, outside the MIDI notes (0-127)."),
        ("127-1r1", (3, 5), "-1 leads from 127 to 128, outside the MIDI notes (0-127)."),
        ("60–4r1", (2, 3), "– is not the hyphen that intervals are written with: type - instead, as in 60-4-7."),
        ("60-4\u22127r1", (4, 5), "type - instead"),
        ("60-r1", (2, 3), "needs its semitones"),
        ("60-0r1", (2, 4), "-0 is not an interval"),
        ("1" * 5000 + "r1", (0, 5000), "is not a MIDI note"),
        ("60-" + "9" * 5000, (2, 5003), "is not an interval"),
    ],
)
def test_errors_name_the_place_and_what_would_be_right(text: str, place: tuple[int, int], advice: str) -> None:
    with pytest.raises(NotationError) as caught:
        notation.primer(text)
    assert (caught.value.start, caught.value.end) == place
    assert advice in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("anchor", "chord"), [("lowest", "60-4-7"), ("highest", "67-3-7")])
@pytest.mark.parametrize("text", ["c4r1", "67–3r1", "67-r1", "67-7-3r1"])
def test_errors_show_a_chord_as_it_is_written_with_the_anchor(text: str, anchor: notation.Anchor, chord: str) -> None:
    with pytest.raises(NotationError) as caught:
        notation.parse(text, anchor)
    assert chord in str(caught.value)
    assert [(pitch - 60) for pitch in sorted(notation.pitches(notation.parse(f"{chord}r1", anchor), anchor))] == [
        0,
        4,
        7,
    ]


def test_the_caret_stands_under_the_place() -> None:
    with pytest.raises(NotationError) as caught:
        notation.primer("72r1 7276r1")
    assert str(caught.value).splitlines()[:2] == [
        "72r1 7276r1",
        (
            "     ^^^^ 7276 is not a MIDI note (0-127). "
            "Put a rest between two notes (72r1 76r1), or write a chord as 72-4r1."
        ),
    ]


def test_only_a_primer_may_end_without_a_rest() -> None:
    assert notation.text(notation.primer("72r1 76-3")) == "72r176-3"
    with pytest.raises(NotationError, match="needs a rest"):
        notation.parse("72r1 76-3")


def test_transposition_moves_notes_alone() -> None:
    ids = notation.parse("60-4-7r262r1")
    assert notation.text(notation.transpose(ids, 5)) == "65-4-7r267r1"


@given(scores(), st.integers(-6, 5))
def test_a_transposed_score_keeps_its_intervals_and_its_range(piece: Score, semitones: int) -> None:
    moved = piece.transposed(semitones)
    shift = moved.events[0].pitches[0] - piece.events[0].pitches[0]
    assert shift in (0, semitones, semitones - 12, semitones + 12)
    assert [[p - shift for p in event.pitches] for event in moved.events] == [
        list(event.pitches) for event in piece.events
    ]
    assert 0 <= moved.range[0] <= moved.range[1] <= 127
