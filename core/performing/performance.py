"""Scores as performances: voice leading, dynamics that follow the metre, tempo and instrument, as MIDI.

The notation says when notes begin; when they end follows from voice leading. docs/notation.md describes both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from types import MappingProxyType
from typing import Final

from mido import Message, MetaMessage, MidiFile, MidiTrack, bpm2tempo

from core.errors import RequestError
from core.music.score import QUARTERS_PER_BAR, Score

DEFAULT_TEMPO: Final = 96.0  # quarters a minute
TEMPOS: Final = (20, 400)  # quarters a minute, lowest and highest, of models and pieces alike

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
_METRE: Final = (
    (Fraction(4), 80),
    (Fraction(2), 74),
    (Fraction(1), 69),
    (Fraction(1, 2), 63),
)  # (every so many quarters, velocity)
_WEAKEST: Final = 58  # velocity of what falls between eighths
_PHRASE_BARS: Final = 4
_ARCH: Final = 8  # velocity by which the middle of a phrase is louder than its ends
_MELODY: Final = 9  # velocity by which the top voice stands out
_SLOWING: Final = (0.97, 0.93, 0.88, 0.82)  # shares of the tempo at the quarters up to the last event
_VOICES: Final = 32  # tracks at most, since readers limit them; what lies below shares the last
_TAIL: Final = 2  # quarters for the sound to die away behind the last note


@dataclass(frozen=True, slots=True)
class Note:
    """Name one sounding note.

    It sounds from `start` until before `end`, in units. `voice` counts from the top, 0 upwards; a note that takes over
    from another has its voice.
    """

    pitch: int
    start: int
    end: int
    velocity: int
    voice: int


def perform(score: Score, *, tempo: float = DEFAULT_TEMPO, program: int = 0) -> bytes:
    """Write a score as a MIDI file that any player reads, with a track for each voice.

    A voice never overlaps itself, which music21, for one, needs to find every note in its place.
    `tempo` counts quarters a minute, `program` is a General MIDI program from 0. The end slows down by tempo
    events alone, so that onsets in quarters are the score's. Raises RequestError for a tempo or program out of range.
    """
    check_tempo(tempo)
    if not 0 <= program <= 127:
        raise RequestError(f"Program {program} is not a General MIDI instrument: programs go from 0 to 127.")
    file = MidiFile(type=1, ticks_per_beat=_TICKS_PER_QUARTER)
    file.tracks.append(_conductor(score, tempo))
    sounding = notes(score)
    for voice in range(min(_VOICES, 1 + max((note.voice for note in sounding), default=0))):
        line = [note for note in sounding if min(note.voice, _VOICES - 1) == voice]
        file.tracks.append(_voice(line, voice, program, int(score.unit * _TICKS_PER_QUARTER)))
    data = BytesIO()
    file.save(file=data)
    return data.getvalue()


def check_tempo(tempo: float) -> None:
    """Raise RequestError for a tempo that nothing is played at."""
    if not TEMPOS[0] <= tempo <= TEMPOS[1]:
        raise RequestError(f"A tempo of {tempo:g} is out of range: give {TEMPOS[0]} to {TEMPOS[1]} quarters a minute.")


def notes(score: Score) -> tuple[Note, ...]:
    """Lead the voices of a score: return its notes as they sound, by start and then by pitch.

    An event with fewer notes than are ringing releases, for each of its notes, the nearest ringing one (the lower, of
    two equally near); an event with as many or more releases all. Nothing rings longer than a bar, and the last event
    rings a whole one.
    """
    sounding: list[Note] = []
    ringing: dict[int, int] = {}  # voice -> the place of its note in `sounding`
    for event in score.events:
        ringing = {voice: place for voice, place in ringing.items() if sounding[place].end > event.onset}
        voices = _voices({voice: sounding[place].pitch for voice, place in ringing.items()}, event.pitches)
        for voice in voices if len(voices) < len(ringing) else tuple(ringing):
            place = ringing.pop(voice)
            sounding[place] = replace(sounding[place], end=event.onset)
        for pitch, voice in zip(event.pitches, voices, strict=True):
            ringing[voice] = len(sounding)
            end = event.onset + score.units_per_bar
            sounding.append(Note(pitch, event.onset, end, _velocity(event.onset * score.unit, voice), voice))
    return tuple(sounding)


def _voices(ringing: Mapping[int, int], pitches: Sequence[int]) -> list[int]:
    """Give each pitch the voice whose ringing pitch it replaces, or all of them new ones, counted from the top."""
    if len(pitches) >= len(ringing):
        return list(reversed(range(len(pitches))))
    free = dict(ringing)
    voices = []
    for pitch in pitches:
        voice = min(free, key=lambda voice: (abs(free[voice] - pitch), free[voice]))
        voices.append(voice)
        del free[voice]
    return voices


def _velocity(quarter: Fraction, voice: int) -> int:
    """Return how loud a note is: by its place in the bar, in an arch over every phrase, with the top voice in front."""
    metre = next((velocity for step, velocity in _METRE if quarter % step == 0), _WEAKEST)
    phrase = QUARTERS_PER_BAR * _PHRASE_BARS
    x = quarter % phrase / phrase  # 0 at the start of the phrase, 1 at its end
    return metre + int(4 * x * (1 - x) * _ARCH) + (_MELODY if voice == 0 else 0)


def _conductor(score: Score, tempo: float) -> MidiTrack:
    """Write the track of metre and tempo."""
    track = MidiTrack()
    track.append(MetaMessage("time_signature", numerator=QUARTERS_PER_BAR, denominator=4))
    track.append(MetaMessage("track_name", name="Cadenza"))
    track.append(MetaMessage("set_tempo", tempo=bpm2tempo(tempo)))
    last = int(score.events[-1].onset * score.unit) if score.events else 0  # the quarter that the last event is in
    if last >= 2 * QUARTERS_PER_BAR:
        wait = (last + 1 - len(_SLOWING)) * _TICKS_PER_QUARTER
        for share in _SLOWING:
            track.append(MetaMessage("set_tempo", tempo=bpm2tempo(tempo * share), time=wait))
            wait = _TICKS_PER_QUARTER
    return track


def _voice(line: Sequence[Note], voice: int, program: int, ticks_per_unit: int) -> MidiTrack:
    """Write the track of one voice; where one note ends and another begins, the end comes first."""
    changes = []  # (tick, velocity, pitch)
    for note in line:
        changes.append((note.start * ticks_per_unit, note.velocity, note.pitch))
        changes.append((note.end * ticks_per_unit, 0, note.pitch))
    track = MidiTrack()
    track.append(MetaMessage("track_name", name=f"Voice {voice + 1}"))
    track.append(Message("program_change", program=program))
    now = 0
    for tick, velocity, pitch in sorted(changes):
        track.append(Message("note_on", note=pitch, velocity=velocity, time=tick - now))
        now = tick
    track.append(MetaMessage("end_of_track", time=_TICKS_PER_QUARTER * _TAIL))
    return track
