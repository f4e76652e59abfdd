"""Dynamics and MIDI that every reader reads alike."""

from collections import Counter
from fractions import Fraction
from io import BytesIO
from typing import Any

import mido
import music21
import pytest
from symusic.core import ScoreTick

from core.errors import RequestError
from core.music import score
from core.music.metre import Metre
from core.music.parts import PartScore, in_parts
from core.music.piece import Budget
from core.music.score import Event, Score
from core.music.voices import notes
from core.performing import performance
from core.performing.expression import interpret
from core.reading.midi import ADDED, read_midi
from core.reading.playing import play

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
    """Count what a score says, from its first note on: (quarters, pitch)."""
    opening = piece.events[0].onset
    return Counter(((event.onset - opening) * piece.unit, pitch) for event in piece.events for pitch in event.pitches)


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


@pytest.mark.parametrize(
    ("text", "metre", "signatures"),
    [
        ("r4r267r160r4r464r4r4", Metre(), ["1/4", "4/4"]),
        ("r4r4r4r4r4r4r4r164r160r4r464r4r4", Metre(), ["3/8", "4/4"]),
        ("r4r164r160r4r260r4r2", Metre(6, 8), ["1/8", "6/8"]),
        ("60r4r464r4r4", Metre(), ["4/4"]),
    ],
)
def test_a_pickup_is_a_bar_of_its_own_and_is_read_back_where_it_was(
    text: str, metre: Metre, signatures: list[str]
) -> None:
    piece = score.from_text(text, "lowest", EIGHTHS, metre)
    midi = performance.perform(piece)
    read = ScoreTick.from_midi(midi)
    assert [f"{m.numerator}/{m.denominator}" for m in read.time_signatures] == signatures
    assert min(note.time for track in read.tracks for note in track.notes) == 0
    back = play(read_midi(midi, "", Budget()), "all").score(EIGHTHS)
    silence = piece.events[0].onset // piece.units_per_bar * piece.units_per_bar
    assert back.metre == metre
    assert [(e.onset, e.pitches) for e in back.events] == [(e.onset - silence, e.pitches) for e in piece.events]


def test_the_metre_is_heard() -> None:
    piece = score.from_text("60r1" * 16, "lowest", SIXTEENTHS)
    by_onset = louds(piece)
    bar, beat, middle, eighth, sixteenth = (by_onset[i] for i in (0, 4, 8, 6, 7))
    assert bar > middle > beat > eighth > sixteenth


@pytest.mark.parametrize(
    ("metre", "stronger"),
    [
        (Metre(6, 8), [0, 6, 2, 1]),  # sixteenths: the bar, its second half, an eighth, a sixteenth
        (Metre(3, 4), [0, 4, 2, 1]),
        (Metre(12, 8), [0, 12, 6, 2, 1]),
        (Metre(3, 2), [0, 8, 4, 2]),
    ],
)
def test_every_metre_has_its_accents(metre: Metre, stronger: list[int]) -> None:
    piece = score.from_text("60r1" * 24, "lowest", SIXTEENTHS, metre)
    by_onset = louds(piece)
    accents = [by_onset[onset] for onset in stronger]
    assert accents == sorted(set(accents), reverse=True)
    read = ScoreTick.from_midi(performance.perform(piece))
    assert [f"{m.numerator}/{m.denominator}" for m in read.time_signatures] == [str(metre)]


def test_the_top_voice_stands_out() -> None:
    chord = score.from_text("60-4-7r1", "lowest", QUARTERS)
    loud = performance.velocities(chord)
    assert loud[0, 60] == loud[0, 64] < loud[0, 67]


def louds(piece: Score) -> dict[int, int]:
    """Return the velocities of a line by its onsets, as they are with accents and without phrases."""
    reading = interpret(piece, 96, rules=["accents"])
    return {onset: performance._loudness(reading.level(onset, 60, 60, leads=False)) for onset in reading.line.onsets}


@pytest.mark.parametrize("tempo", [20, 96, 400])
def test_the_last_event_rings_and_the_file_waits_for_it_to_die_away(piece: Score, tempo: float) -> None:
    last = notes(piece)[-1]
    assert last.end - last.start == piece.units_per_bar
    midi = performance.perform(piece, tempo=tempo)
    seconds = performance.duration(midi)
    read: Any = ScoreTick.from_midi(midi).to("second")
    end = max(note.end for track in read.tracks for note in track.notes)
    assert seconds == pytest.approx(end + performance.RELEASE, abs=0.001)
    assert mido.MidiFile(file=BytesIO(midi)).length == pytest.approx(seconds, abs=0.05)


def test_tempo_instrument_and_metre_are_written() -> None:
    read = ScoreTick.from_midi(performance.perform(SCORES["chorale"], tempo=120, instrument="organ"))
    assert read.tempos[-1].qpm < 120 < max(tempo.qpm for tempo in read.tempos)
    assert {track.program for track in read.tracks} == {19}
    assert [(m.numerator, m.denominator) for m in read.time_signatures] == [(5, 8), (4, 4)]
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
    "options",
    [
        {"tempo": 0},
        {"tempo": float("nan")},
        {"tempo": 1000},
        {"expression": -0.1},
        {"expression": 2.1},
        {"instrument": "kazoo"},
    ],
)
def test_what_is_out_of_range_is_refused_with_the_range(options: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=r"20 to 400|expression is .*0 to 2|one of: choir, string quartet"):
        performance.perform(SCORES["chorale"], **options)


@pytest.mark.parametrize(
    "instrument", ["piano", "harp", "choir", "organ with pedal", "fiddle and guitar", "ceili band"]
)
@pytest.mark.parametrize("expression", [0, 1, 2])
def test_whoever_plays_and_however_onsets_are_the_score_s(piece: Score, instrument: str, expression: float) -> None:
    midi = performance.perform(piece, instrument=instrument, expression=expression)
    read = ScoreTick.from_midi(midi)
    own = [track for track in read.tracks if not track.name.endswith(ADDED)]
    found = Counter((Fraction(n.time, read.ticks_per_quarter), n.pitch) for track in own for n in track.notes)
    assert set(found) == set(written(piece))
    if len(own) != 4 or instrument not in ("choir", "organ with pedal"):  # where voices may sing in unison
        assert found == written(piece)
    back = read_midi(midi, "", Budget())
    assert set(zip((back.onsets / 480).tolist(), back.pitches.tolist(), strict=True)) == {
        (float(quarter), pitch) for quarter, pitch in written(piece)
    }


def test_music21_reads_an_ensemble_back_voice_by_voice() -> None:
    piece = SCORES["chorale"]
    stream = music21.converter.parseData(performance.perform(piece, instrument="choir"), format="midi")
    found = set()
    for part in stream.parts:
        for note in part.flatten().notes:
            if note.tie is None or note.tie.type == "start":
                found |= {(Fraction(note.offset), pitch.midi) for pitch in note.pitches}
    assert len(stream.parts) == 4
    assert found == set(written(piece))


def test_four_true_parts_are_four_tracks_and_programs_each_at_its_place() -> None:
    lines = [[(67, 0, 4), (65, 4, 8)], [(64, 0, 8)], [(60, 0, 2), (59, 2, 8)], [(48, 0, 4), (43, 4, 8)]]
    piece = PartScore(in_parts(lines), 8, EIGHTHS, fermatas=(4,))
    file = mido.MidiFile(file=BytesIO(performance.perform(piece, instrument="string quartet")))
    tracks = file.tracks[1:]
    assert [track.name for track in tracks] == ["Violin 1", "Violin 2", "Viola", "Cello"]
    told = [{message.type: message for message in track} for track in tracks]
    assert [each["program_change"].program for each in told] == [40, 40, 41, 42]
    assert [each["program_change"].channel for each in told] == [0, 1, 2, 3]
    pans = [next(m.value for m in track if m.is_cc(10)) for track in tracks]
    assert pans == sorted(set(pans))
    read = ScoreTick.from_midi(performance.perform(piece, instrument="string quartet", expression=0))
    sung = [[(n.pitch, n.time // 240, n.end // 240) for n in track.notes] for track in read.tracks]
    assert sung == lines


def test_exactly_is_at_one_tempo_and_one_loudness() -> None:
    read = ScoreTick.from_midi(performance.perform(SCORES["chorale"], tempo=96, expression=0))
    assert [tempo.qpm for tempo in read.tempos] == [pytest.approx(96, abs=0.01)]
    assert len({note.velocity for track in read.tracks for note in track.notes}) == 1


def test_repeated_notes_are_let_go_and_held_ones_are_not() -> None:
    piece = score.from_text("60r260r262r264r2" * 2, "lowest", EIGHTHS)
    [track] = ScoreTick.from_midi(performance.perform(piece)).tracks
    lengths = [note.duration for note in track.notes]
    assert lengths[0] == round(0.85 * 480)
    assert lengths[1] == 480


def test_by_hand_a_keyboard_s_melody_leads_and_a_harp_s_chord_is_spread() -> None:
    piece = score.from_text("60-4-7-12r4" * 4, "lowest", EIGHTHS)

    def onsets(instrument: str) -> list[tuple[int, int]]:
        played = performance.prepare(piece, tempo=100, instrument=instrument).midi(by_hand=True)
        read = ScoreTick.from_midi(played)
        return sorted((n.pitch, n.time) for track in read.tracks for n in track.notes if n.time < 400)

    piano, harp = onsets("piano"), onsets("harp")
    assert piano[-1] == (72, 0)
    assert [0 < time < 25 for _, time in piano[:-1]] == [True] * 3
    times = [time for _, time in harp]
    assert times[0] == 0
    assert times == sorted(set(times))
    assert times[-1] < 50


def test_who_plays_by_hand_is_decided_by_the_piece() -> None:
    played = [performance.prepare(SCORES["chorale"], instrument="choir").midi(by_hand=True) for _ in range(2)]
    assert played[0] == played[1] != performance.perform(SCORES["chorale"], instrument="choir")
