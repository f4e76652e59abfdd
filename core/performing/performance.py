"""Scores as performances: dynamics that follow the metre, tempo and instrument, as MIDI."""

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from types import MappingProxyType
from typing import Final, cast

from mido import Message, MetaMessage, MidiFile, MidiTrack, bpm2tempo
from symusic.core import ScoreSecond, ScoreTick

from core.errors import RequestError
from core.music.score import Score
from core.music.tempo import DEFAULT_TEMPO, check_tempo
from core.music.voices import Note, notes

INSTRUMENTS: Final[Mapping[str, int]] = MappingProxyType(  # General MIDI programs, counted from 0
    {
        "piano": 0,
        "electric piano": 4,
        "harpsichord": 6,
        "celesta": 8,
        "music box": 10,
        "vibraphone": 11,
        "marimba": 12,
        "dulcimer": 15,
        "organ": 19,
        "accordion": 21,
        "guitar": 24,
        "steel guitar": 25,
        "violin": 40,
        "cello": 42,
        "harp": 46,
        "strings": 48,
        "choir": 52,
        "trumpet": 56,
        "brass": 61,
        "oboe": 68,
        "clarinet": 71,
        "flute": 73,
        "recorder": 74,
        "ocarina": 79,
        "fiddle": 110,
    }
)

_TICKS_PER_QUARTER: Final = 480
_PULSES: Final = (80, 74, 69, 63)  # velocities of what falls on bars, their halves, beats and their parts
_WEAKEST: Final = 58  # velocity of what falls between
_PHRASE_BARS: Final = 4
_ARCH: Final = 8  # velocity by which the middle of a phrase is louder than its ends
_MELODY: Final = 9  # velocity by which the top voice stands out
_SLOWING: Final = (0.97, 0.93, 0.88, 0.82)  # shares of the tempo at the quarters up to the last event
_VOICES: Final = 32  # tracks at most, since readers limit them; what lies below shares the last
RELEASE: Final = 0.4  # seconds in which the sound dies away behind the last note's end


def perform(score: Score, *, tempo: float = DEFAULT_TEMPO, program: int = 0) -> bytes:
    """Write a score as a MIDI file that any player reads, with a track for each voice.

    A voice never overlaps itself, which music21, for one, needs to find every note in its place. The file begins with
    the first note, a pickup as a short bar of its own, and lasts as long as `duration` says.
    `tempo` counts quarters a minute, `program` is a General MIDI program from 0. The end slows down by tempo
    events alone, so that onsets in quarters are the score's. Raises RequestError for a tempo or program out of range.
    """
    check_tempo(tempo)
    if not 0 <= program <= 127:
        raise RequestError(
            "Program {program} is not a General MIDI instrument: programs go from 0 to 127.", program=program
        )
    file = MidiFile(type=1, ticks_per_beat=_TICKS_PER_QUARTER)
    opening = score.events[0].onset if score.events else 0
    sounding = notes(score)
    file.tracks.append(_conductor(score, tempo, opening, max((note.end for note in sounding), default=0)))
    for voice in range(min(_VOICES, 1 + max((note.voice for note in sounding), default=0))):
        line = [note for note in sounding if min(note.voice, _VOICES - 1) == voice]
        file.tracks.append(_voice(line, voice, program, score, opening))
    data = BytesIO()
    file.save(file=data)
    return data.getvalue()


def duration(midi: bytes) -> float:
    """Return how many seconds a MIDI file sounds: the length of a piece wherever one is told or heard.

    This goes by its changes of tempo, up to where its last note has died away. Raises RuntimeError and ValueError for a
    file that is damaged.
    """
    return cast(ScoreSecond, ScoreTick.from_midi(midi).to("second")).end() + RELEASE


def velocity(note: Note, score: Score) -> int:
    """Return how loud a note of a score is, as MIDI does.

    Its place in the bar tells, an arch over every phrase, and whether it is the top voice.
    """
    quarter = note.start * score.unit
    pulses = zip(score.metre.pulses, _PULSES, strict=True)
    accent = next((velocity for pulse, velocity in pulses if quarter % pulse == 0), _WEAKEST)
    phrase = score.metre.bar * _PHRASE_BARS
    x = quarter % phrase / phrase  # 0 at the start of the phrase, 1 at its end
    return accent + int(4 * x * (1 - x) * _ARCH) + (_MELODY if note.voice == 0 else 0)


def _conductor(score: Score, tempo: float, opening: int, end: int) -> MidiTrack:
    """Write the track of metre and tempo.

    It begins at the unit `opening`, and lasts until the notes that end at the unit `end` have died away.
    """
    track = MidiTrack()
    track.append(MetaMessage("track_name", name="Cadenza"))
    track.append(MetaMessage("set_tempo", tempo=bpm2tempo(tempo)))
    bar = score.metre.bar
    pickup, begun = -opening * score.unit % bar, int(opening * score.unit * _TICKS_PER_QUARTER)
    if pickup:
        upbeat = pickup / 4
        track.append(MetaMessage("time_signature", numerator=upbeat.numerator, denominator=upbeat.denominator))
    ticks = int(pickup * _TICKS_PER_QUARTER)
    metre = score.metre
    track.append(MetaMessage("time_signature", numerator=metre.numerator, denominator=metre.denominator, time=ticks))
    pace, now = tempo, begun + ticks
    last = int(score.events[-1].onset * score.unit) if score.events else 0  # the quarter that the last event is in
    if last - opening * score.unit >= 2 * bar:
        for quarter, share in enumerate(_SLOWING, last + 1 - len(_SLOWING)):
            pace, tick = tempo * share, quarter * _TICKS_PER_QUARTER
            track.append(MetaMessage("set_tempo", tempo=bpm2tempo(pace), time=tick - now))
            now = tick
    release = math.ceil(RELEASE * pace / 60 * _TICKS_PER_QUARTER)
    track.append(MetaMessage("end_of_track", time=int(end * score.unit * _TICKS_PER_QUARTER) - now + release))
    return track


def _voice(line: Sequence[Note], voice: int, program: int, score: Score, opening: int) -> MidiTrack:
    """Write the track of one voice; where one note ends and another begins, the end comes first."""
    ticks_per_unit = int(score.unit * _TICKS_PER_QUARTER)
    changes = []  # (tick, velocity, pitch)
    for note in line:
        changes.append((note.start * ticks_per_unit, velocity(note, score), note.pitch))
        changes.append((note.end * ticks_per_unit, 0, note.pitch))
    track = MidiTrack()
    track.append(MetaMessage("track_name", name=f"Voice {voice + 1}"))
    track.append(Message("program_change", program=program))
    now = opening * ticks_per_unit
    for tick, loudness, pitch in sorted(changes):
        track.append(Message("note_on", note=pitch, velocity=loudness, time=tick - now))
        now = tick
    return track
