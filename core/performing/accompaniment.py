"""What accompanies a tune: chords and basses from its harmony, and a drum, in a pattern by its metre.

Bass and chord take turns on the beats of reels and hornpipes, in jigs the bass has the beat and the chord the last of
its three eighths, in waltzes the bass has the bar and the chords the other beats, as backing guitarists play them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from core.music.dances import dance, step
from core.music.harmony import Chord, chords
from core.music.score import Score
from core.performing.ensembles import Backing

Stroke = Literal["bass", "chord", "end"]

_LOWEST_BASS: Final = 35  # MIDI pitches of the octave in which the bass has its roots
_CHORDS: Final = range(50, 68)  # and within which chords are laid
_STRONG, _WEAK, _LIGHT = 0.0, -2.5, -5.0  # decibels
_DOWN, _UP = 41, 43  # toms of General MIDI, for the two strokes of a bodhran


@dataclass(frozen=True, slots=True)
class Struck:
    """Name notes that are struck together: from `start` for `length`, in quarters; `level` is in decibels."""

    start: Fraction
    length: Fraction
    pitches: tuple[int, ...]
    level: float


def backing(score: Score, kind: Backing) -> tuple[Struck, ...]:
    """Write what a guitar, a bass or a bodhran plays to a tune, from its first full bar to its last note."""
    harmony = chords(score)
    strokes = [stroke for stroke in _strokes(score) if stroke[0] >= harmony[0].start * score.unit] if harmony else []
    if not strokes:
        return ()
    if kind == "bodhran":
        return tuple(_drummed(score, strokes))
    return tuple(_plucked(score, strokes, harmony, kind))


def _strokes(score: Score) -> list[tuple[Fraction, Stroke, Fraction]]:
    """Return the pattern of a whole tune: when, in quarters, what, and how long; the last goes with its last note."""
    bar, last = score.metre.bar, score.events[-1].onset * score.unit
    end = last + min(bar, Fraction(2))
    pattern = _pattern(score)
    bars = int(last / bar) + 1
    strokes = [(number * bar + at, what, length) for number in range(bars) for at, what, length in pattern]
    return [*(stroke for stroke in strokes if stroke[0] < last), (last, "end", end - last)]


def _pattern(score: Score) -> list[tuple[Fraction, Stroke, Fraction]]:
    """Return the pattern of a bar: when, in quarters from its start, what, and how long."""
    metre, kind = score.metre, dance(score)
    if metre.is_compound:
        eighth, beat = metre.beat / 3, metre.beat
        beats = range(metre.beats)
        return [
            stroke
            for number in beats
            for stroke in ((number * beat, "bass", beat), (number * beat + 2 * eighth, "chord", eighth))
        ]
    beat = metre.beat
    if metre.beats % 3 == 0 or kind is None:
        return [(number * beat, "chord" if number else "bass", beat) for number in range(metre.beats)]
    beat = min(beat, 2 * step(score) * score.unit)
    return [
        (number * beat, "chord" if number % 2 else "bass", beat * (Fraction(1, 2) if number % 2 else 1))
        for number in range(int(metre.bar / beat))
    ]


def _plucked(
    score: Score, strokes: list[tuple[Fraction, Stroke, Fraction]], harmony: tuple[Chord, ...], kind: Backing
) -> Iterator[Struck]:
    """Play roots and fifths by turns in the bass, and chords as near to one another as they go."""
    held = iter(harmony)
    chord, turns = next(held), 0
    for at, what, length in strokes:
        while at >= chord.end * score.unit and (following := next(held, None)):
            chord, turns = following, 0
        if kind == "basses" and what != "chord":
            fifth = what == "bass" and turns % 2 == 1
            turns += 1
            yield Struck(at, length, (_bass(chord, fifth=fifth),), _WEAK if fifth else _STRONG)
        elif kind == "guitar" and what != "bass":
            yield Struck(at, length, _laid(chord), _STRONG if what == "end" else _WEAK)


def _bass(chord: Chord, *, fifth: bool) -> int:
    root = _LOWEST_BASS + (chord.root - _LOWEST_BASS) % 12
    return root if not fifth else root - 5 if root - 5 >= _LOWEST_BASS - 2 else root + 7


def _laid(chord: Chord) -> tuple[int, ...]:
    """Lay a chord over a guitar's middle strings."""
    return tuple(pitch for pitch in _CHORDS if pitch % 12 in chord.classes)[:4]


def _drummed(score: Score, strokes: list[tuple[Fraction, Stroke, Fraction]]) -> Iterator[Struck]:
    """Beat a bodhran in steps of the tune: down on beats, up between, in three where beats are."""
    end = strokes[-1][0]
    pulse = score.metre.beat / 3 if score.metre.is_compound else min(Fraction(1, 2), step(score) * score.unit)
    if score.metre.beats == 3 and not score.metre.is_compound:
        pulse = score.metre.beat
    beat = score.metre.beat if score.metre.is_compound or score.metre.beats == 3 else 2 * pulse
    at = strokes[0][0]
    while at < end:
        on_beat, on_bar = at % beat == 0, at % score.metre.pulses[1] == 0
        level = _STRONG if on_bar else _WEAK if on_beat else 2 * _LIGHT
        yield Struck(at, pulse, (_DOWN if on_beat else _UP,), level)
        at += pulse
    yield Struck(end, Fraction(1), (_DOWN,), _STRONG)
