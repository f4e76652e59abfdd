"""Harmonising: whatever the model, the melody stays, and four voices can sing what is under it."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.composing import harmonizing
from core.composing.harmonizing import HarmonizeRequest
from core.composing.particles import Line
from core.errors import RequestError
from core.evaluation import part_writing
from core.model import bundle
from core.model.stepping import Stepper
from core.model.told import Section
from core.music import bars
from core.music.bars import Bars
from core.music.melody import Melody, Note
from core.music.metre import Metre
from core.music.parts import RANGES, PartScore
from core.reading import melody
from tests.core.composing.test_sampling import random_stepper


@pytest.fixture(scope="module")
def model() -> Stepper:
    """Return a model that writes the melody first, with random weights: a singer's worst colleague."""
    return random_stepper("highest")


def typed(text: str) -> Melody:
    return melody.from_text(text).melody


TUNES = {
    "with an upbeat and a breath": "c/2 d/2 | e2 f g | a2 g2 | z f e d | c4",
    "in three": "M:3/4 L:1/4 K:G G2 B | d2 c | B2 A | G3 |]",
    "a jig": "X:1\nM:6/8\nL:1/8\nK:D\nDED F2A | d2f edB | A2F AFD | D3 D3 |]",
    "with sixteenths": "C5/4 D5/4 E5/4 F5/4 G5 E5 C5",
    "below the staff": "C3 D3 E3 F3 G3 E3 C3",
}


@pytest.mark.parametrize("name", TUNES)
def test_the_melody_is_the_soprano_note_for_note(model: Stepper, name: str) -> None:
    tune = typed(TUNES[name])
    made = harmonizing.compose(HarmonizeRequest(melody=tune, seed=3, effort=4), model)
    [piece] = made.takes
    sung = [(note.start * piece.unit, note.end * piece.unit, note.pitch) for note in piece.parts[0].notes]
    assert sung == [(note.onset, note.end, note.pitch + 12 * made.octaves) for note in tune.notes]
    assert piece.metre == tune.metre


@pytest.mark.parametrize("name", TUNES)
def test_four_voices_sing_to_the_end_in_their_ranges_and_do_not_cross(model: Stepper, name: str) -> None:
    [piece] = harmonizing.compose(HarmonizeRequest(melody=typed(TUNES[name]), seed=3, effort=4), model).takes
    first, last = piece.parts[0].notes[0].start, piece.parts[0].notes[-1].end
    for place, part in enumerate(piece.parts[1:], 1):
        assert part.notes[0].start == first
        assert part.notes[-1].end == last
        assert all(one.end == other.start for one, other in pairwise(part.notes))
        assert all(RANGES[place][0] <= note.pitch <= RANGES[place][1] for note in part.notes)
    for unit in range(first, last):
        chord = at(piece, unit)
        assert chord == sorted(chord, reverse=True)


def at(piece: PartScore, unit: int) -> list[int]:
    return [note.pitch for part in piece.parts for note in part.notes if note.start <= unit < note.end]


def test_the_same_request_gives_the_same_voices_and_takes_differ(model: Stepper) -> None:
    request = HarmonizeRequest(melody=typed(TUNES["in three"]), seed=7, takes=2, effort=3)
    made = harmonizing.compose(request, model)
    assert made == harmonizing.compose(request, model)
    assert made == harmonizing.compose(made.request, model)
    assert made.takes[0].parts != made.takes[1].parts
    assert made.request.key == "G major"


def test_fermatas_are_those_of_the_melody(model: Stepper) -> None:
    tune = typed(TUNES["with an upbeat and a breath"])
    marked = replace(tune, notes=(*tune.notes[:3], replace(tune.notes[3], fermata=True), *tune.notes[4:]))
    [piece] = harmonizing.compose(HarmonizeRequest(melody=marked, seed=1, effort=2), model).takes
    assert [unit * piece.unit for unit in piece.fermatas] == [marked.notes[3].onset]


def test_the_model_that_ships_closes_phrases_on_triads() -> None:
    tune = typed("C5 C5 G5 G5 | A5 A5 G5*2 | F5 F5 E5 E5 | D5 D5 C5*2")
    request = HarmonizeRequest(melody=tune, seed=1, effort=8)
    [piece] = harmonizing.compose(request, Stepper(bundle.load(Path("models/chorales")))).takes
    assert piece.fermatas == ()  # none are written
    closes = replace(piece, fermatas=tuple(int(tune.notes[at].onset / piece.unit) for at in tune.phrase_ends))
    assert part_writing.measure(closes)["phrases that close on a triad"] == 1


def test_some_bars_of_voices_are_written_anew_and_the_others_stay(model: Stepper) -> None:
    request = HarmonizeRequest(melody=typed(TUNES["in three"]), seed=3, effort=3)
    [before] = harmonizing.compose(request, model).takes
    made = harmonizing.compose(replace(request, kept=before, bars=Bars(2, 2), seed=4), model)
    [after] = made.takes
    start, end = bars.place(before.score, Bars(2, 2))
    assert after.parts[0] == before.parts[0]
    assert after != before
    for one, other in zip(before.parts, after.parts, strict=True):
        begun = [
            [(note.pitch, note.start) for note in part.notes if not start <= note.start < end] for part in (one, other)
        ]
        assert begun[0] == begun[1]
    assert harmonizing.compose(made.request, model) == made


@pytest.mark.parametrize(
    ("tune", "changes", "complaint"),
    [
        (Melody((Note(Fraction(0), Fraction(1), 60),), Fraction(1)), {}, "two notes at least"),
        (typed("C3 C6 C4 C7"), {}, "spans 48 semitones"),
        (typed("C5 E5"), {"key": "H"}, "is not a key"),
        (typed("C5 E5"), {"effort": 0}, "effort"),
        (typed("C5 E5"), {"takes": 99}, "takes"),
        (
            Melody((Note(Fraction(0), Fraction(1), 60), Note(Fraction(1, 3), Fraction(1), 62)), Fraction(2)),
            {},
            "triplets",
        ),
        (Melody(tuple(Note(Fraction(bar * 4), Fraction(4), 67) for bar in range(65)), Fraction(260)), {}, "65 bars"),
    ],
)
def test_what_cannot_be_harmonised_is_refused(
    model: Stepper, tune: Melody, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(RequestError, match=complaint):
        harmonizing.compose(replace(HarmonizeRequest(melody=tune), **changes), model)


def test_a_model_that_writes_from_below_is_refused() -> None:
    model = random_stepper("lowest")
    with pytest.raises(RequestError, match="Choose another"):
        harmonizing.compose(HarmonizeRequest(melody=typed("C5 E5")), model)


@pytest.mark.parametrize("name", ["a jig", "with sixteenths", "in three"])
def test_voices_move_with_the_beats_whatever_moves_between_them(model: Stepper, name: str) -> None:
    tune = typed(TUNES[name])
    [piece] = harmonizing.compose(HarmonizeRequest(melody=tune, seed=3, effort=4), model).takes
    places = {note.start * piece.unit % tune.metre.beat for part in piece.parts[1:] for note in part.notes}
    assert places <= ({Fraction(0), Fraction(1)} if tune.metre.is_compound else {Fraction(0), Fraction(1, 2)})


def test_a_note_before_the_first_beat_is_sung_alone(model: Stepper) -> None:
    tune = typed("C5/4 | D5*3/4 E5/4 F5 G5*2 | C5*4")
    [piece] = harmonizing.compose(HarmonizeRequest(melody=tune, seed=3, effort=4), model).takes
    assert piece.parts[0].notes[0].start < piece.parts[1].notes[0].start
    assert piece.parts[3].notes[-1].end == piece.parts[0].notes[-1].end


def test_what_a_melody_has_again_it_returns_to() -> None:
    notes = tuple((pitch, at, at + 1) for at, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72) * 2 + (60, 62)))
    plan = harmonizing.returns(Line(notes, frozenset({7, 15, 17})), 4)
    assert plan == (Section(0, 8, "new"), Section(8, 16, "returning", 0), Section(16, 18, "new"))
    going_on = harmonizing.returns(Line(notes, frozenset({17})), 4)
    assert going_on[1] == Section(8, 12, "returning", 0)  # what leads elsewhere is new
    assert harmonizing.returns(Line(notes[:12], frozenset({11})), 4) == ()  # too little of it
    assert harmonizing.returns(Line(notes, frozenset({17})), 3) == ()  # at another place of the bar


def test_the_model_that_ships_begins_on_the_tonic_and_gives_a_phrase_again_its_chords() -> None:
    tune = typed("3/4 G4 | C5*2 E5/2 C5/2 | E5*2 D5 | C5*2 A4 | G4*2 G4 | C5*2 E5/2 C5/2 | E5*2 D5 | C5*3")
    model = Stepper(bundle.load(Path("models/chorales")))
    [piece] = harmonizing.compose(HarmonizeRequest(melody=tune, seed=2, effort=8), model).takes
    roots = part_writing.roots(piece)
    assert roots[2] == 0
    assert roots[3:7] == roots[15:19]


def test_notes_that_were_played_and_end_anywhere_are_written_out(model: Stepper) -> None:
    played = [Note(Fraction(at), Fraction(length, 8), 67 + at) for at, length in enumerate((5, 8, 1, 15))]
    [piece] = harmonizing.compose(
        HarmonizeRequest(melody=Melody(tuple(played), Fraction(4)), seed=2, effort=2), model
    ).takes
    assert [(note.end - note.start) * piece.unit for note in piece.parts[0].notes] == [
        Fraction(quarters) for quarters in ("3/4", "1", "1/4", "2")
    ]


def test_a_finer_melody_is_written_in_its_own_lengths(model: Stepper) -> None:
    [piece] = harmonizing.compose(
        HarmonizeRequest(melody=typed(TUNES["with sixteenths"]), seed=2, effort=2), model
    ).takes
    assert piece.unit == Fraction(1, 4)
    assert piece.metre == Metre()
