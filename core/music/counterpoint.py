"""Counterpoint: how the voices of a piece move against each other, and how it closes."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, pairwise

from core.music.keys import parse_key
from core.music.score import Score
from core.music.voices import Note, notes

FIFTH, OCTAVE = 7, 0  # semitones, octaves apart
VOICES = 4  # of a chorale
DISSONANT = frozenset({1, 2, 6, 10, 11})  # semitones between two pitch classes, either way


def parallels(score: Score, interval: int) -> float:
    """Count the parallel fifths (`FIFTH`) or octaves (`OCTAVE`, with unisons) a bar, where four voices sound.

    Two voices are parallel if both move, in one direction, from an interval to the same one, octaves apart or not.
    Where a voice comes or goes, who is who cannot be told from onsets alone, so only chords of the same four voices
    count: in Bach's chorales that finds .07 and .04 a bar, of which his parts truly have .025 and .010. NaN for an
    empty piece.
    """
    found = 0
    for before, after in pairwise(_chords(score)):
        if len(before) != VOICES or before.keys() != after.keys():
            continue
        moving = sorted((voice for voice in before if before[voice] != after[voice]), key=before.__getitem__)
        for lower, upper in combinations(moving, 2):
            same = (before[upper] - before[lower]) % 12 == (after[upper] - after[lower]) % 12 == interval
            found += same and (after[upper] > before[upper]) == (after[lower] > before[lower])
    return found / float(score.bars) if score.length else math.nan


def closes_on_the_dominant(score: Score, key: str) -> float:
    """Return 1 if the bass falls or rises to its last note, the key's tonic, from the fifth above; 0 if not."""
    bass = _bass(score)
    if len(bass) < 2 or not key:
        return math.nan
    tonic, _ = parse_key(key)
    return float((bass[-1] - tonic) % 12 == 0 and (bass[-2] - tonic) % 12 == FIFTH)


def ends_on_a_strong_beat(score: Score) -> float:
    """Return 1 if the last event begins with a bar or in its middle, 0 if not; NaN for an empty piece."""
    return float(score.events[-1].onset % (score.units_per_bar // 2) == 0) if score.events else math.nan


def ends_on_the_tonic(score: Score, key: str) -> float:
    """Return 1 if the upper voice ends on the key's tonic, 0 if not; NaN without a key."""
    if not score.events or not key:
        return math.nan
    return float((max(_chords(score)[-1].values()) - parse_key(key)[0]) % 12 == 0)


def dissonance_on_beats(score: Score) -> float:
    """Return the share of the chords that begin on a beat in which two notes make a dissonance; NaN without chords."""
    beat, parts = (score.metre.counted.beat / score.unit).as_integer_ratio()
    chords = [event.pitches for event in score.events if len(event.pitches) > 1 and event.onset * parts % beat == 0]
    dissonant = [any((b - a) % 12 in DISSONANT for a, b in combinations(chord, 2)) for chord in chords]
    return sum(dissonant) / len(dissonant) if dissonant else math.nan


def held_ends(score: Score, ends: Sequence[int]) -> float:
    """Return the share of phrases, of which these are the ends in units, whose last event begins and holds a beat."""
    beat = score.metre.counted.beat / score.unit
    onsets = [event.onset for event in score.events]
    last = [onsets[place - 1] for end in ends if (place := bisect_left(onsets, end))]
    held = [onset % beat == 0 and end - onset >= beat for onset, end in zip(last, ends, strict=False)]
    return sum(held) / len(held) if held else math.nan


def phrases_closed(score: Score, ends: Sequence[int]) -> float:
    """Return the share of phrases, of which these are the ends, that the bass closes by a fifth down or a fourth up."""
    closed = []
    for end in ends:
        bass = _bass(replace(score, events=tuple(event for event in score.events if event.onset < end)))
        closed.append(len(bass) > 1 and (bass[-2] - bass[-1]) % 12 == FIFTH)
    return sum(closed) / len(closed) if closed else math.nan


def upper_line(score: Score) -> list[int]:
    """Return the pitches of the upper voice: of each event the highest note, unless a higher one rings on."""
    chords = _chords(score)
    return [
        event.pitches[-1]
        for event, chord in zip(score.events, chords, strict=True)
        if event.pitches[-1] >= max(chord.values())
    ]


@lru_cache(maxsize=64)
def _chords(score: Score) -> list[dict[int, int]]:
    """Return what sounds from each event on: voice -> pitch."""
    sounding = notes(score)
    begun: dict[int, list[Note]] = {}
    for note in sounding:
        begun.setdefault(note.start, []).append(note)
    chords: list[dict[int, int]] = []
    ringing: list[Note] = []
    for event in score.events:
        ringing = [note for note in ringing if note.end > event.onset] + begun[event.onset]
        chords.append({note.voice: note.pitch for note in ringing})
    return chords


def _bass(score: Score) -> list[int]:
    """Return the lowest pitch that sounds from each event on, repeated ones left out."""
    bass: list[int] = []
    for chord in _chords(score):
        lowest = min(chord.values())
        if bass[-1:] != [lowest]:
            bass.append(lowest)
    return bass
