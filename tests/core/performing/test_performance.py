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
from core.music.piece import Budget
from core.music.score import Event, Score
from core.music.voices import notes
from core.performing import performance
from core.reading.midi import read_midi
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
    by_onset = {n.start: performance.velocity(n, piece) for n in notes(piece)}
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
    by_onset = {n.start: performance.velocity(n, piece) for n in notes(piece)}
    accents = [by_onset[onset] for onset in stronger]
    assert accents == sorted(set(accents), reverse=True)
    read = ScoreTick.from_midi(performance.perform(piece))
    assert [f"{m.numerator}/{m.denominator}" for m in read.time_signatures] == [str(metre)]


def test_the_top_voice_stands_out() -> None:
    chord = score.from_text("60-4-7r1", "lowest", QUARTERS)
    velocities = [performance.velocity(n, chord) for n in notes(chord)]
    assert velocities[0] == velocities[1] < velocities[2]


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
    read = ScoreTick.from_midi(
        performance.perform(SCORES["chorale"], tempo=120, program=performance.INSTRUMENTS["organ"])
    )
    assert read.tempos[0].qpm == 120 > read.tempos[-1].qpm
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
    "options", [{"tempo": 0}, {"tempo": float("nan")}, {"tempo": 1000}, {"program": 128}, {"program": -1}]
)
def test_what_is_out_of_range_is_refused_with_the_range(options: dict[str, int]) -> None:
    with pytest.raises(RequestError, match=r"20 to 400|0 to 127"):
        performance.perform(SCORES["chorale"], **options)


def test_every_instrument_is_general_midi() -> None:
    assert len(performance.INSTRUMENTS) >= 20
    assert all(0 <= program <= 127 for program in performance.INSTRUMENTS.values())
    assert len(set(performance.INSTRUMENTS.values())) == len(performance.INSTRUMENTS)
