"""Voice leading: when notes end, and which voice they belong to."""

from fractions import Fraction

import music21
import pytest

from core.model import frames as columns
from core.model import hearing
from core.model.bundle import Params
from core.model.hearing import NONE, RINGING
from core.music import notation, score
from core.music.score import Event, Score
from core.music.voices import Ringing, lead, notes
from tests.core.performing.test_performance import EIGHTHS, QUARTERS, SCORES, SIXTEENTHS


@pytest.fixture(params=SCORES)
def piece(request: pytest.FixtureRequest) -> Score:
    return SCORES[request.param]


def lines(text: str, unit: Fraction = QUARTERS) -> list[tuple[int, int, int]]:
    """Return what sounds as (pitch, start, end)."""
    return [(n.pitch, n.start, n.end) for n in notes(score.from_text(text, "lowest", unit))]


def test_no_pitch_overlaps_itself_and_no_voice_does(piece: Score) -> None:
    last: dict[tuple[str, int], int] = {}
    for note in notes(piece):
        assert note.start < note.end <= note.start + piece.units_per_bar
        for key in (("pitch", note.pitch), ("voice", note.voice)):
            assert last.get(key, 0) <= note.start
            last[key] = note.end


def test_a_passing_note_replaces_the_voice_it_leaves() -> None:
    assert lines("60-4-7-12r150r174r1r1") == [(60, 0, 1), (64, 0, 4), (67, 0, 4), (72, 0, 2), (50, 1, 5), (74, 2, 6)]


def test_of_two_equally_near_the_lower_is_released() -> None:
    assert lines("60-4r162r1") == [(60, 0, 1), (64, 0, 4), (62, 1, 5)]


def test_two_notes_release_two() -> None:
    assert lines("60-4-7r162-4r1") == [(60, 0, 1), (64, 0, 4), (67, 0, 1), (62, 1, 5), (66, 1, 5)]


def test_as_many_notes_as_are_ringing_release_all() -> None:
    assert lines("60-4r172-4r1") == [(60, 0, 1), (64, 0, 1), (72, 1, 5), (76, 1, 5)]


def test_in_a_single_line_a_double_stop_ends_with_the_next_note() -> None:
    assert lines("60-4r1" + "62r1" * 8)[:3] == [(60, 0, 1), (64, 0, 1), (62, 1, 2)]
    assert (60, 0, 4) in lines("60-4r1" + "67r1" * 4)  # here it is a chord that rings on


def test_nothing_rings_longer_than_a_bar() -> None:
    assert lines("36-36r272r272r4r4", QUARTERS)[0] == (36, 0, 4)
    assert lines("36-36r4r272r2", EIGHTHS) == [(36, 0, 8), (72, 0, 6), (72, 6, 14)]


def test_what_a_bar_has_silenced_is_not_released_again() -> None:
    assert lines("48-12-19r4r460r1") == [(48, 0, 4), (60, 0, 4), (67, 0, 4), (60, 8, 12)]


@pytest.mark.parametrize(
    ("ringing", "chord", "after"),
    [
        ((), (60,), (60,)),
        ((60, 64, 67), (62,), (62, 64, 67)),  # equally near: the lower gives way
        ((60, 64, 67), (72,), (60, 64, 72)),
        ((60, 64, 67), (60, 64, 67), (60, 64, 67)),
        ((60, 64), (50, 55, 60), (50, 55, 60)),
        ((60, 64, 67, 72), (59, 74), (59, 64, 67, 74)),
    ],
)
def test_a_passing_note_replaces_the_voice_that_it_leaves(
    ringing: tuple[int, ...], chord: tuple[int, ...], after: tuple[int, ...]
) -> None:
    rang = tuple(Ringing(pitch, 0, voice) for voice, pitch in enumerate(ringing))
    assert tuple(note.pitch for note in lead(rang, chord, 1, 4)) == after


def test_what_is_heard_is_what_is_played(piece: Score) -> None:
    ids = score.to_ids(piece, "lowest")
    heard = {}
    now = 0
    for token, frame in zip(ids, columns.listen(ids, Params(rest_unit=str(piece.unit)))[1:].tolist(), strict=True):
        if token not in notation.RESTS:
            heard[now] = sorted(pitch for pitch in frame[RINGING] if pitch != NONE)
        now += notation.rest_units(token)
    played = notes(piece)
    for onset, pitches in heard.items():
        assert pitches == sorted(note.pitch for note in played if note.start <= onset < note.end)[: hearing.VOICES]


@pytest.mark.parametrize("name", ["bach/bwv66.6", "bach/bwv269", "bach/bwv10.7", "bach/bwv101.7", "bach/bwv104.6"])
def test_a_chorale_sounds_as_long_as_it_is_written(name: str) -> None:
    piece, frames = chorale(name)
    sounding = {(unit, n.pitch) for n in notes(piece) for unit in range(n.start, min(n.end, piece.length))}
    f1 = 2 * len(sounding & frames) / (len(sounding) + len(frames))
    assert f1 > 0.93


def chorale(name: str) -> tuple[Score, set[tuple[int, int]]]:
    """Read a chorale of music21's corpus at sixteenths, with the (unit, pitch) that its own durations say."""
    chords: dict[int, set[int]] = {}
    frames: set[tuple[int, int]] = set()
    for note in music21.corpus.parse(name).stripTies().flatten().notes:
        start = round(note.offset * 4)
        end = round((note.offset + note.quarterLength) * 4)
        for pitch in note.pitches:
            chords.setdefault(start, set()).add(pitch.midi)
            frames |= {(unit, pitch.midi) for unit in range(start, end)}
    events = tuple(Event(onset, tuple(sorted(chord))) for onset, chord in sorted(chords.items()))
    return Score(events, 1 + max(unit for unit, _ in frames), SIXTEENTHS), frames
