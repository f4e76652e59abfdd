"""Scores as performances: who plays which notes, when, how long and how loud, as MIDI."""

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Final, cast

import numpy as np
from mido import Message, MetaMessage, MidiFile, MidiTrack
from symusic.core import ScoreSecond, ScoreTick

from core.errors import check_range
from core.music.parts import PartScore, four_parts, is_choral
from core.music.score import Score
from core.music.tempo import DEFAULT_TEMPO, check_tempo
from core.music.voices import Note, notes
from core.performing.accompaniment import backing
from core.performing.ensembles import DRUMS, Backing, Ensemble, Player, ensemble
from core.performing.expression import (
    CADENCE_BREATH,
    EXPRESSIONS,
    LEAP_PAUSE,
    REPEATED,
    USUAL,
    Interpretation,
    interpret,
)
from core.reading.midi import ADDED

RELEASE: Final = 0.4  # seconds in which the sound dies away behind the last note's end

_TICKS_PER_QUARTER: Final = 480
_VELOCITY: Final = 72  # of a note that is neither loud nor soft
_VELOCITIES: Final = (24, 120)
_VOLUME: Final = 100  # MIDI's usual one
_VOICES: Final = 32  # tracks at most, since readers limit them; what lies below shares the last
_SHORTEST: Final = 0.4  # share of its length that a note keeps, whatever lets it go early
_STEADY: Final = 0.0005  # share by which the tempo changes before it is written

# By hand, in milliseconds: the melody of a keyboard leads, as its louder keys are down sooner (W. Goebl, "Melody lead
# in piano performance: expressive device or artifact?", Journal of the Acoustical Society of America 110, 2001: 20 to
# 30); players are not quite together (R. A. Rasch, "Synchronization in performed ensemble music", Acustica 43, 1979: a
# standard deviation of 30 to 50, of which a third is enough to be heard as several); fingers and plectra take string
# after string.
_LEAD: Final = 15.0
_TOGETHER: Final = 12.0
_LATEST: Final = 30.0
_STRING: Final = 11.0


@dataclass(frozen=True, slots=True)
class Sounding:
    """Name a note of a track: in units from `start` to `end`, how many `late` by hand, and its velocity."""

    pitch: int
    start: float
    end: float
    late: float
    velocity: int


@dataclass(frozen=True, slots=True)
class _Track:
    """Hold the notes of one track, and on which channel who plays them."""

    name: str
    player: Player
    channel: int
    notes: tuple[Sounding, ...]


@dataclass(frozen=True)
class Performance:
    """Hold a piece as an ensemble plays it."""

    interpretation: Interpretation
    ensemble: Ensemble
    tracks: tuple[_Track, ...]
    title: str = "Cadenza"

    def midi(self, *, by_hand: bool = False) -> bytes:
        """Write a MIDI file that any player reads, in which onsets in quarters are the score's.

        A track for each voice; what is not the score's, as doublings and accompaniment, in tracks of their own whose
        names say so. `by_hand` writes what differs by milliseconds too, for a synthesizer and not for readers: a melody
        that leads, chords that are spread.
        """
        file = MidiFile(type=1, ticks_per_beat=_TICKS_PER_QUARTER)
        file.tracks.append(self._conductor)
        file.tracks += [self._track(track, by_hand) for track in self.tracks]
        data = BytesIO()
        file.save(file=data)
        return data.getvalue()

    @property
    def voices(self) -> tuple[tuple[Sounding, ...], ...]:
        """Return the notes of each voice of the score, from the top, as they are played."""
        return tuple(track.notes for track in self.tracks if not track.name.endswith(ADDED))

    @property
    def _ticks(self) -> int:
        return int(self.interpretation.score.unit * _TICKS_PER_QUARTER)  # of a unit

    @cached_property
    def _conductor(self) -> MidiTrack:
        """Write the track of metre and tempo, which lasts until the last notes have died away."""
        reading = self.interpretation
        score, opening, ticks = reading.score, reading.opening, self._ticks
        changes: list[tuple[int, MetaMessage]] = []
        pickup = -opening * score.unit % score.metre.bar
        if pickup:
            upbeat = pickup / 4
            changes.append(
                (0, MetaMessage("time_signature", numerator=upbeat.numerator, denominator=upbeat.denominator))
            )
        metre = MetaMessage("time_signature", numerator=score.metre.numerator, denominator=score.metre.denominator)
        changes.append((int(pickup * _TICKS_PER_QUARTER), metre))
        now = 0.0
        for cell, seconds in enumerate(reading.pace):
            if abs(seconds - now) > _STEADY * seconds:
                microseconds = round(seconds / float(score.unit) * 1e6)
                changes.append((cell * ticks, MetaMessage("set_tempo", tempo=min(microseconds, 2**24 - 1))))
                now = seconds
        end = max((note.end for track in self.tracks for note in track.notes), default=opening)
        release = RELEASE / float(reading.pace[-1]) * ticks
        changes.append((math.ceil((end - opening) * ticks + release), MetaMessage("end_of_track")))
        name = self.title.replace("♭", "b").replace("♯", "#").encode("ascii", "replace").decode()  # as all players read
        track = MidiTrack([MetaMessage("track_name", name=name)])
        tick = 0
        for at, message in sorted(changes, key=lambda change: change[0]):
            track.append(message.copy(time=at - tick))
            tick = at
        return track

    def _track(self, track: _Track, by_hand: bool) -> MidiTrack:
        """Write a track; where one note ends and another begins, the end comes first."""
        opening, ticks = self.interpretation.opening, self._ticks
        changes = []  # (tick, velocity, pitch)
        for note in track.notes:
            late = note.late if by_hand else 0.0
            changes.append((round((note.start + late - opening) * ticks), note.velocity, note.pitch))
            changes.append((round((note.end + late - opening) * ticks), 0, note.pitch))
        written = MidiTrack([MetaMessage("track_name", name=track.name)])
        if track.channel != DRUMS:
            written.append(Message("program_change", channel=track.channel, program=track.player.program))
        if not (self.ensemble.is_solo and not self.ensemble.backing):
            volume = min(127, round(_VOLUME * 10 ** (track.player.level / 40)))
            written.append(Message("control_change", channel=track.channel, control=7, value=volume))
            written.append(Message("control_change", channel=track.channel, control=10, value=track.player.pan))
        now = 0
        for tick, velocity, pitch in sorted(changes):
            written.append(
                Message("note_on", channel=track.channel, note=pitch, velocity=velocity, time=max(0, tick - now))
            )
            now = max(now, tick)
        return written


def perform(
    piece: Score | PartScore, *, tempo: float = DEFAULT_TEMPO, instrument: str = "piano", expression: float = USUAL
) -> bytes:
    """Write a score as a MIDI file, as `prepare` has it played.

    The file begins with the first note, a pickup as a short bar of its own, and lasts as long as `duration` says.
    """
    return prepare(piece, tempo=tempo, instrument=instrument, expression=expression).midi()


def prepare(
    piece: Score | PartScore,
    *,
    tempo: float = DEFAULT_TEMPO,
    instrument: str = "piano",
    expression: float = USUAL,
    title: str = "Cadenza",
) -> Performance:
    """Have an instrument or ensemble play a piece: one in parts, or a flattened one, a chorale's in four voices.

    `tempo` counts quarters a minute, `expression` is how much the rules of `core.performing.expression` do, and `title`
    is what players show. Raises RequestError for a tempo or expression out of range, and for a name that nobody has.
    """
    check_tempo(tempo)
    check_range("expression", expression, *EXPRESSIONS)
    chosen = ensemble(instrument)
    if isinstance(piece, Score) and len(chosen.players) == 4 and is_choral(piece):
        piece = four_parts(piece)
    reading = interpret(piece, tempo, expression)
    lines = _lines(piece)
    chance = np.random.default_rng(zlib.crc32(repr(reading.score.events).encode()))
    channels = iter(channel for channel in range(16) if channel != DRUMS)
    own = {player: next(channels) for player in chosen.players}
    chords = {event.onset: event.pitches for event in reading.score.events} if chosen.is_solo else {}
    tracks = list[_Track]()
    for voice, line in enumerate(lines):
        player = chosen.players[min(voice, len(chosen.players) - 1)]
        share = voice - chosen.players.index(player) + 1
        name = player.name if share == 1 else f"{player.name} {share}"
        if chosen.is_solo and not chosen.backing:
            name = f"Voice {voice + 1}"
        hand = _Hand(chance, player, reading, voice == 0, not chosen.is_solo, chords)
        tracks.append(_Track(name, player, own[player], tuple(_sounding(line, reading, hand, leads=voice == 0))))
    for doubling in chosen.doublings:
        if doubling.voice == 0 or isinstance(piece, PartScore):
            line = [_moved(note, doubling.semitones) for note in lines[doubling.voice]]
            hand = _Hand(chance, doubling.player, reading, False, True, {})
            sounding = tuple(_sounding(line, reading, hand, leads=True))
            tracks.append(_Track(doubling.player.name + ADDED, doubling.player, next(channels), sounding))
    for kind, player in chosen.backing:
        hand = _Hand(chance, player, reading, False, True, {})
        channel = DRUMS if kind == "bodhran" else next(channels)
        struck = tuple(_struck(reading, kind, hand)) if reading.score.events else ()
        tracks.append(_Track(player.name + ADDED, player, channel, struck))
    return Performance(reading, chosen, tuple(tracks), title)


def duration(midi: bytes) -> float:
    """Return how many seconds a MIDI file sounds: the length of a piece wherever one is told or heard.

    This goes by its changes of tempo, up to where its last note has died away. Raises RuntimeError and ValueError for a
    file that is damaged.
    """
    return cast(ScoreSecond, ScoreTick.from_midi(midi).to("second")).end() + RELEASE


def velocities(piece: Score | PartScore, expression: float = USUAL) -> Mapping[tuple[int, int], int]:
    """Return how loud the notes of a piece are, as MIDI does, by their start and pitch."""
    reading = interpret(piece, DEFAULT_TEMPO, expression)
    return {
        (note.start, note.pitch): _velocity(reading, note, mean, leads=voice == 0)
        for voice, line in enumerate(_lines(piece))
        for mean in [_mean(line)]
        for note in line
    }


def _lines(piece: Score | PartScore) -> list[list[Note]]:
    """Return the notes of each voice, none of which overlaps another unless they begin together.

    music21, for one, needs that to find every note in its place.
    """
    if isinstance(piece, PartScore):
        return [list(part.notes) for part in piece.parts]
    lines: dict[int, list[Note]] = {}
    for note in notes(piece):
        lines.setdefault(min(note.voice, _VOICES - 1), []).append(note)
    return [lines.get(voice, []) for voice in range(max(lines, default=0) + 1)]


@dataclass(frozen=True, slots=True)
class _Hand:
    """Say how late somebody plays, who may lead the others, be one of several, and have the notes of `chords`."""

    chance: np.random.Generator
    player: Player
    reading: Interpretation
    leads: bool
    together: bool
    chords: Mapping[int, tuple[int, ...]]

    def late(self, start: float, string: int = 0) -> float:
        """Return in units how late a note is, on a string counted from the lowest of those that begin together."""
        milliseconds = _LEAD if self.player.attack == "keys" and not self.leads else 0.0
        if self.together and not self.leads:
            milliseconds += min(_LATEST, abs(float(self.chance.normal(0, _TOGETHER))))
        return self._units(start, milliseconds) + self.spread(start, string)

    def spread(self, start: float, string: int) -> float:
        """Return in units how late a string is behind the lowest one."""
        return self._units(start, _STRING * string) if self.player.attack == "plucked" else 0.0

    def _units(self, start: float, milliseconds: float) -> float:
        place = min(max(0, int(start) - self.reading.opening), len(self.reading.pace) - 1)
        return self.reading.strength * milliseconds / 1000 / float(self.reading.pace[place])


def _sounding(line: Sequence[Note], reading: Interpretation, hand: _Hand, *, leads: bool) -> Iterator[Sounding]:
    """Play the notes of a voice, let go as the rules of expression have it."""
    ends = {phrase.end for phrase in reading.phrases[:-1]} if "cadences" in reading.rules else set()
    following = {note.start: note for note in reversed(line)}
    mean = _mean(line)
    for note in line:
        chord = hand.chords.get(note.start, ())
        yield Sounding(
            note.pitch,
            note.start,
            _let_go(note, following.get(note.end), ends, reading, leads=leads),
            hand.late(note.start, chord.index(note.pitch) if note.pitch in chord else 0),
            _velocity(reading, note, mean, leads=leads),
        )


def _let_go(note: Note, following: Note | None, ends: set[int], reading: Interpretation, *, leads: bool) -> float:
    """Return when a note is let go, in units.

    Before the same note at 85% of its length (R. Bresin and G. U. Battel, "Articulation strategies in expressive piano
    performance", Journal of New Music Research 29, 2000), 80 ms before a phrase begins (KTH's Phrase), and in the
    melody some way before a leap (KTH's Leap articulation).
    """
    length = note.end - note.start
    early = 0.0  # units
    milliseconds = reading.milliseconds(note.start, note.end)
    if following is not None and following.pitch == note.pitch and "repeated notes" in reading.rules:
        early = reading.strength * (1 - REPEATED) * length
    pause = 0.0
    if any(note.start < end <= note.end for end in ends):
        pause = CADENCE_BREATH
    elif leads and following is not None and "leaps" in reading.rules and milliseconds > 100:
        size = min(abs(following.pitch - note.pitch), 9)
        pause = LEAP_PAUSE * size * (0.3 / 600 * (min(milliseconds, 700) - 100) + 0.3) if size > 2 else 0.0
    early = max(early, reading.strength * pause / milliseconds * length)
    return note.end - min(early, (1 - _SHORTEST) * length)


def _struck(reading: Interpretation, kind: Backing, hand: _Hand) -> Iterator[Sounding]:
    """Play what accompanies a tune, spread from string to string."""
    score = reading.score
    for struck in backing(score, kind):
        start, end = float(struck.start / score.unit), float((struck.start + struck.length) / score.unit)
        place = min(max(0, int(start) - reading.opening), len(reading.levels) - 1)
        loud = _loudness(struck.level + float(reading.levels[place]))
        late = hand.late(start)
        for string, pitch in enumerate(struck.pitches):
            yield Sounding(pitch, start, end - 0.04 * (end - start), late + hand.spread(start, string), loud)


def _velocity(reading: Interpretation, note: Note, mean: float, *, leads: bool) -> int:
    return _loudness(reading.level(note.start, note.pitch, mean, leads=leads))


def _loudness(level: float) -> int:
    """Return the velocity of a level in decibels.

    Synthesizers play the square of the velocity as amplitude (R. Dannenberg, "The interpretation of MIDI velocity",
    International Computer Music Conference 2006; in General MIDI level 2 it is the rule).
    """
    lowest, highest = _VELOCITIES
    return max(lowest, min(highest, round(_VELOCITY * 10 ** (level / 40))))


def _mean(line: Sequence[Note]) -> float:
    return sum(note.pitch for note in line) / len(line) if line else 60.0


def _moved(note: Note, semitones: int) -> Note:
    return Note(max(0, min(127, note.pitch + semitones)), note.start, note.end, note.voice)
