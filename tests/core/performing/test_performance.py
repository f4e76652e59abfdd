"""Voice leading, dynamics and MIDI that every reader reads alike."""

from collections import Counter
from fractions import Fraction
from io import BytesIO

import mido
import music21
import pytest
from symusic.core import ScoreTick

from core.errors import RequestError
from core.music import score
from core.music.score import Event, Score
from core.performing import performance

QUARTERS, EIGHTHS, SIXTEENTHS = Fraction(1), Fraction(1, 2), Fraction(1, 4)

CHORALE = "r353-7-16-24r255-4-9-16r257-3-12-15r153r158-2-7-14r256r1r4r2"
SCORES = {
    "melody with a primer's rest": score.from_text("r172r177r179r1r4", "lowest", QUARTERS),
    "repeated notes": score.from_text("60r160r160-4-7r160-4-7r167r1" * 4, "lowest", SIXTEENTHS),
    "wide chords": score.from_text("21-12-24-36-48-60-72-87r34-120r1r4r4" * 6, "lowest", EIGHTHS),
    "off-beats": score.from_text("60-4-7-12r171r174r376r1r176r1" * 5, "lowest", SIXTEENTHS),
    "chorale": score.from_text(CHORALE * 3, "lowest", EIGHTHS),
    "classic": score.from_text(
        "72r177r179r181-12-40r2r181r177-12-32r2r172r177-12-29r179", "highest", QUARTERS, open_end=True
    ),
    "long silence": score.from_text("60r4r4r4r4r4r462r4r4r4r464r1", "lowest", QUARTERS),
    "one note, then nothing": score.from_text("60r4r4r4r4r4r4", "lowest", QUARTERS),
}


@pytest.fixture(params=SCORES)
def piece(request: pytest.FixtureRequest) -> Score:
    return SCORES[request.param]


def written(piece: Score) -> Counter[tuple[Fraction, int]]:
    """Count what a score says: (quarters, pitch)."""
    return Counter((event.onset * piece.unit, pitch) for event in piece.events for pitch in event.pitches)


def lines(text: str, unit: Fraction = QUARTERS) -> list[tuple[int, int, int]]:
    """Return what sounds as (pitch, start, end)."""
    return [(n.pitch, n.start, n.end) for n in performance.notes(score.from_text(text, "lowest", unit))]


def test_symusic_reads_the_same_onsets_and_pitches(piece: Score) -> None:
    read = ScoreTick.from_midi(performance.perform(piece))
    found = Counter((Fraction(n.time, read.ticks_per_quarter), n.pitch) for track in read.tracks for n in track.notes)
    assert found == written(piece)


def test_mido_reads_the_same_onsets_and_pitches(piece: Score) -> None:
    file = mido.MidiFile(file=BytesIO(performance.perform(piece)))
    found: Counter[tuple[Fraction, int]] = Counter()
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                found[Fraction(now, file.ticks_per_beat), message.note] += 1
    assert found == written(piece)


def test_music21_reads_the_same_onsets_and_pitches(piece: Score) -> None:
    stream = music21.converter.parseData(performance.perform(piece), format="midi")
    sounding = [note for note in stream.flatten().notes if note.tie is None or note.tie.type == "start"]
    assert Counter((Fraction(n.offset), p.midi) for n in sounding for p in n.pitches) == written(piece)


def test_no_pitch_overlaps_itself_and_no_voice_does(piece: Score) -> None:
    last: dict[tuple[str, int], int] = {}
    for note in performance.notes(piece):
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


def test_nothing_rings_longer_than_a_bar() -> None:
    assert lines("36-36r272r272r4r4", QUARTERS)[0] == (36, 0, 4)
    assert lines("36-36r4r272r2", EIGHTHS) == [(36, 0, 8), (72, 0, 6), (72, 6, 14)]


def test_what_a_bar_has_silenced_is_not_released_again() -> None:
    assert lines("48-12-19r4r460r1") == [(48, 0, 4), (60, 0, 4), (67, 0, 4), (60, 8, 12)]


def test_the_metre_is_heard() -> None:
    by_onset = {n.start: n.velocity for n in performance.notes(score.from_text("60r1" * 16, "lowest", SIXTEENTHS))}
    bar, beat, middle, eighth, sixteenth = (by_onset[i] for i in (0, 4, 8, 6, 7))
    assert bar > middle > beat > eighth > sixteenth


def test_the_top_voice_stands_out() -> None:
    velocities = [n.velocity for n in performance.notes(score.from_text("60-4-7r1", "lowest", QUARTERS))]
    assert velocities[0] == velocities[1] < velocities[2]


def test_the_last_event_rings_and_the_file_waits_for_it() -> None:
    last = performance.notes(SCORES["chorale"])[-1]
    assert last.end - last.start == SCORES["chorale"].units_per_bar
    track = mido.MidiFile(file=BytesIO(performance.perform(SCORES["chorale"]))).tracks[1]
    assert (track[-1].type, track[-1].time > 0) == ("end_of_track", True)


def test_tempo_instrument_and_metre_are_written() -> None:
    read = ScoreTick.from_midi(
        performance.perform(SCORES["chorale"], tempo=120, program=performance.INSTRUMENTS["organ"])
    )
    assert read.tempos[0].qpm == 120 > read.tempos[-1].qpm
    assert {track.program for track in read.tracks} == {19}
    assert [(m.numerator, m.denominator) for m in read.time_signatures] == [(4, 4)]
    assert [track.name for track in read.tracks] == ["Voice 1", "Voice 2", "Voice 3", "Voice 4"]


def test_a_chord_of_all_notes_stays_within_64_tracks() -> None:
    cluster = Score((Event(0, tuple(range(128))),), 1, QUARTERS)
    read = ScoreTick.from_midi(performance.perform(cluster))
    assert sorted(n.pitch for track in read.tracks for n in track.notes) == list(range(128))
    assert len(read.tracks) < 64


def test_the_same_score_gives_the_same_bytes(piece: Score) -> None:
    assert performance.perform(piece) == performance.perform(piece)


def test_an_empty_score_is_a_file_without_notes() -> None:
    assert ScoreTick.from_midi(performance.perform(Score((), 0, QUARTERS))).note_num() == 0


@pytest.mark.parametrize(
    "options", [{"tempo": 0}, {"tempo": float("nan")}, {"tempo": 1000}, {"program": 128}, {"program": -1}]
)
def test_what_is_out_of_range_is_refused_with_the_range(options: dict[str, int]) -> None:
    with pytest.raises(RequestError, match=r"20 to 400|0 to 127"):
        performance.perform(SCORES["chorale"], **options)


def test_every_instrument_is_general_midi() -> None:
    assert len(performance.INSTRUMENTS) >= 20
    assert all(0 <= program <= 127 for program in performance.INSTRUMENTS.values())
    assert len(set(performance.INSTRUMENTS.values())) == len(performance.INSTRUMENTS)


@pytest.mark.parametrize("name", ["bach/bwv66.6", "bach/bwv269", "bach/bwv10.7", "bach/bwv101.7", "bach/bwv104.6"])
def test_a_chorale_sounds_as_long_as_it_is_written(name: str) -> None:
    piece, frames = chorale(name)
    sounding = {(unit, n.pitch) for n in performance.notes(piece) for unit in range(n.start, min(n.end, piece.length))}
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
