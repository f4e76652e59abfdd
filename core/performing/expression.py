"""Expression: how long each moment of a piece lasts, how loud and how long each note is, as musicians were measured.

Most rules are those of the KTH system (A. Friberg, R. Bresin and J. Sundberg, "Overview of the KTH rule system for
musical performance", Advances in Cognitive Psychology 2, 2006), with the constants of A. Friberg, "Generative rules for
music performance" (Computer Music Journal 15, 1991) and of Director Musices, where it is published. Times are in
milliseconds, levels in decibels. docs/performance.md has them in a table, and `python -m bench.performance` measures
what they do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.music.dances import Dance, dance, is_dotted, step
from core.music.parts import PartScore
from core.music.phrases import Phrase, phrases
from core.music.score import Score
from core.music.voices import notes

Floats = NDArray[np.float64]

RULES: Final = (
    "phrase arch",
    "final ritard",
    "cadences",
    "fermatas",
    "duration contrast",
    "leaps",
    "swing",
    "repeated notes",
    "high loud",
    "accents",
    "melody",
)
EXPRESSIONS: Final = (0.0, 2.0)
USUAL: Final = 1.0

DANCING: Final = 0.25  # share of the rules of tempo that dancers can bear

ARCH_START, ARCH_END = 0.1, 0.2  # by which share the ends of a phrase last longer
ARCH_TURN: Final = 0.3  # share of a phrase up to its fastest and loudest moment
ARCH_LEVEL: Final = 2.0  # decibels by which the end of a phrase is softer, its start half of that
RITARD_POWER: Final = 3.0  # q: 3 is a runner who brakes with constant power
RITARD_TIME: Final = 1300.0
CADENCE_HELD, FINAL_HELD, CADENCE_BREATH = 40.0, 80.0, 80.0
FERMATA: Final = 0.5  # by which share a note with a fermata lasts longer
CONTRAST: Final = ((30.0, 0.0), (200.0, -16.5), (400.0, -10.5), (600.0, 0.0))  # of a note's length, what is taken off
CONTRAST_LEVEL: Final = 0.05  # decibels for each of these milliseconds
LEAP_RISE, LEAP_FALL, LEAP_LANDING = 4.2, 2.4, 4.2  # times the root of the semitones
LEAP_PAUSE: Final = 8.0  # times the semitones, of which at most 9 count
REPEATED: Final = 0.85  # share of its length after which a note is let go before the same one
HIGH_LOUD: Final = 0.25  # decibels a semitone
MELODY: Final = 2.0  # decibels by which the melody stands out
ACCENTS: Final = (1.5, 0.8, 0.2, -0.6, -1.2)  # of bars, their halves, beats, their parts, and what falls between
SWING: Final[dict[Dance, tuple[float, ...]]] = {  # how long the parts of a beat are to each other
    "hornpipe": (1.5, 1.0),
    "jig": (1.14, 0.86, 1.0),
    "slip jig": (1.14, 0.86, 1.0),
}


@dataclass(frozen=True, slots=True)
class Line:
    """Hold the line that leads: onsets in units, with the highest pitch at each."""

    onsets: tuple[int, ...]
    pitches: tuple[int, ...]


@dataclass(frozen=True)
class Interpretation:
    """Hold how a piece is played.

    `pace` is how many seconds each unit lasts from `opening` on, `levels` how much louder or softer than usual what
    begins there is, in decibels; `strength` is the asked expression, and `rules` are those that are heeded.
    """

    score: Score
    line: Line
    phrases: tuple[Phrase, ...]
    opening: int
    pace: Floats
    levels: Floats
    strength: float
    rules: frozenset[str]

    @cached_property
    def clock(self) -> Floats:
        """Return at which second each unit begins, from `opening` on, and where the last one ends."""
        return np.concatenate([[0.0], np.cumsum(self.pace)])

    def seconds(self, unit: float) -> float:
        """Return when a unit of the score is played, in seconds from the first note on."""
        place = max(0.0, unit - self.opening)
        beyond = max(0.0, place - len(self.pace)) * float(self.pace[-1])
        return float(np.interp(place, np.arange(len(self.clock)), self.clock)) + beyond

    def milliseconds(self, start: int, end: int) -> float:
        """Return how long something is, from one unit to another."""
        return 1000 * (self.seconds(end) - self.seconds(start))

    def level(self, start: int, pitch: int, mean: float, *, leads: bool) -> float:
        """Return how much louder than usual a note is, in decibels, in a voice of some mean pitch.

        KTH's High loud: a quarter of a decibel for each semitone. The voice that leads stands out (C. Palmer, "On the
        assignment of structure in music performance", Music Perception 14, 1996).
        """
        level = float(self.levels[min(max(0, start - self.opening), len(self.levels) - 1)])
        if "high loud" in self.rules:
            level += self.strength * HIGH_LOUD * (pitch - mean)
        if "melody" in self.rules and leads:
            level += self.strength * MELODY
        return level


def interpret(
    piece: Score | PartScore, tempo: float, expression: float = USUAL, rules: Sequence[str] = RULES
) -> Interpretation:
    """Decide how a piece is played: 0 is exact, 1 as it was measured, 2 twice as much."""
    score = piece.score if isinstance(piece, PartScore) else piece
    line = leading(piece)
    opening = line.onsets[0] if line.onsets else 0
    last = score.events[-1].onset if score.events else 0
    cells = max(1, max(score.length, last + score.units_per_bar) - opening)
    unit = 60 / tempo * float(score.unit)
    heeded = frozenset(rules if expression else ())
    found = phrases(line.onsets, score.length, score.units_per_bar)
    stretch, levels = np.ones(cells), np.zeros(cells)
    kind = dance(score)
    steady = expression * (DANCING if kind else 1.0)
    if "phrase arch" in heeded:
        for phrase in found:
            _arch(phrase, opening, stretch, levels, steady, expression)
    if "accents" in heeded:
        levels += expression * _accents(score, opening, cells)
    gaps = _gaps(line, max(score.length, last + 1), opening, 1000 * unit)
    if "duration contrast" in heeded:
        _contrast(gaps, stretch, levels, expression if not kind else steady)
    if "leaps" in heeded:
        _leaps(gaps, stretch, steady)
    if "cadences" in heeded:
        _hold(gaps, line, found, stretch, steady)
    if "swing" in heeded and kind in SWING and not is_dotted(score):
        stretch *= _swing(score, SWING[kind], opening, cells, expression)
    if score.events:
        stretch /= stretch[: max(1, last - opening)].mean()  # the tempo in the mean is what was asked for
    if "fermatas" in heeded and isinstance(piece, PartScore):
        for fermata in piece.fermatas:
            end = next((onset for onset in line.onsets if onset > fermata), score.length)
            stretch[fermata - opening : end - opening] *= 1 + FERMATA * expression
    if "final ritard" in heeded and last - opening >= 2 * score.units_per_bar:
        _ritard(stretch[: last - opening], 1000 * unit, steady, stretch[last - opening :])
    return Interpretation(score, line, found, opening, unit * stretch, levels, expression, heeded)


def leading(piece: Score | PartScore) -> Line:
    """Return the line that leads: the first part, or the upper voice of what is not in parts."""
    played = piece.parts[0].notes if isinstance(piece, PartScore) else [n for n in notes(piece) if n.voice == 0]
    begun = {note.start: note.pitch for note in reversed(played)}
    score = piece.score if isinstance(piece, PartScore) else piece
    if score.events:
        begun.setdefault(score.events[0].onset, score.events[0].pitches[-1])
    return Line(tuple(sorted(begun)), tuple(begun[onset] for onset in sorted(begun)))


@dataclass(frozen=True, slots=True)
class _Gaps:
    """Hold the line note by note: from where until where each reaches, in units from the opening, and milliseconds."""

    pitches: tuple[int, ...]
    spans: tuple[slice, ...]
    lengths: tuple[float, ...]

    def lengthen(self, stretch: Floats, number: int, milliseconds: float) -> None:
        """Let a note last longer, or shorter; at most by half."""
        share = max(-0.5, min(0.5, milliseconds / self.lengths[number]))
        stretch[self.spans[number]] *= 1 + share


def _gaps(line: Line, end: int, opening: int, unit: float) -> _Gaps:
    """Measure the notes of a line of which a unit lasts so many milliseconds."""
    ends = [*line.onsets[1:], max(end, line.onsets[-1] + 1)] if line.onsets else []
    spans = [slice(start - opening, stop - opening) for start, stop in zip(line.onsets, ends, strict=True)]
    return _Gaps(line.pitches, tuple(spans), tuple(unit * (span.stop - span.start) for span in spans))


def _arch(phrase: Phrase, opening: int, stretch: Floats, levels: Floats, time: float, level: float) -> None:
    """Play a phrase faster and louder towards its turn and slower and softer to its end, by parabolas.

    N. Todd, "The dynamics of dynamics: a model of musical expression" (Journal of the Acoustical Society of America 91,
    1992), as KTH's Phrase arch has it: A. Friberg, "Matching the rule parameters of Phrase arch to performances of
    'Träumerei'" (1995).
    """
    start, last, end = phrase.start - opening, phrase.last - opening, phrase.end - opening
    if last == start:
        return
    turn = start + ARCH_TURN * (last - start)
    cells = np.arange(start, min(end, len(stretch)))
    before = np.clip((turn - cells) / max(turn - start, 1e-9), 0, 1) ** 2
    behind = np.clip((cells - turn) / max(last - turn, 1e-9), 0, 1) ** 2
    stretch[cells] *= 1 + time * (ARCH_START * before + ARCH_END * behind)
    levels[cells] -= level * ARCH_LEVEL * (before / 2 + behind)


def _accents(score: Score, opening: int, cells: int) -> Floats:
    """Return how much louder what begins at each unit is by its place in the bar.

    The order is that of how salient pulses are (R. Parncutt, "A perceptual model of pulse salience and metrical accent
    in musical rhythms", Music Perception 11, 1994).
    """
    levels = np.full(cells, ACCENTS[-1])
    for pulse, level in list(zip(score.metre.pulses, ACCENTS, strict=False))[::-1]:
        units = pulse / score.unit
        levels[[(opening + cell) % units == 0 for cell in range(cells)]] = level
    return levels


def _contrast(gaps: _Gaps, stretch: Floats, levels: Floats, strength: float) -> None:
    """Shorten short notes and play them softer (KTH's Duration contrast)."""
    lengths, shorter = np.array(CONTRAST).T
    for number, length in enumerate(gaps.lengths):
        less = float(np.interp(length, lengths, shorter, left=0.0, right=0.0))
        gaps.lengthen(stretch, number, strength * less)
        levels[gaps.spans[number]] += strength * CONTRAST_LEVEL * less


def _leaps(gaps: _Gaps, stretch: Floats, strength: float) -> None:
    """Shorten the note before a rising leap and lengthen that before a falling one (KTH's Leap tone duration)."""
    for number, (pitch, target) in enumerate(zip(gaps.pitches, gaps.pitches[1:], strict=False)):
        size = abs(target - pitch)
        if size > 2:
            rises = target > pitch
            before = -LEAP_RISE if rises else LEAP_FALL
            landing = LEAP_LANDING if rises else -LEAP_LANDING
            gaps.lengthen(stretch, number, strength * before * sqrt(size))
            gaps.lengthen(stretch, number + 1, strength * landing * sqrt(size))


def _hold(gaps: _Gaps, line: Line, found: Sequence[Phrase], stretch: Floats, strength: float) -> None:
    """Hold the last note of a phrase, and that of the piece for longer (KTH's Phrase)."""
    places = {onset: number for number, onset in enumerate(line.onsets)}
    for phrase in found:
        held = FINAL_HELD if phrase is found[-1] else CADENCE_HELD
        gaps.lengthen(stretch, places[phrase.last], strength * held)


def _swing(score: Score, shares: tuple[float, ...], opening: int, cells: int, strength: float) -> Floats:
    """Return by how much the units of each beat last longer or shorter where its parts are uneven.

    Hornpipes are played long and short, jigs long, short and between. How much is what players teach, and less than A.
    Friberg and A. Sundström measured in jazz ("Swing ratios and ensemble timing in jazz performance", Music Perception
    19, 2002): no measurement of these dances is known to us.
    """
    part = score.metre.beat / 3 if score.metre.is_compound else step(score) * score.unit
    uneven = np.array([1 + strength * (share * len(shares) / sum(shares) - 1) for share in shares])
    places = [int((opening + cell) * score.unit / part) % len(shares) for cell in range(cells)]
    return np.asarray(uneven[places])


def _ritard(stretch: Floats, unit: float, strength: float, final: Floats) -> None:
    """Slow down to the last note as a runner comes to a stop.

    A. Friberg and J. Sundberg, "Does music performance allude to locomotion? A model of final ritardandi derived from
    measurements of stopping runners" (Journal of the Acoustical Society of America 105, 1999): the tempo is
    (1 + (w^q - 1) x)^(1/q) where x is how much of the way is done and w the last tempo, here 1 / (1 + 3 k) as in
    Director Musices. The last note is no faster than what comes before.
    """
    length = min(len(stretch), max(1, round(RITARD_TIME * strength / unit)))
    last = 1 / (1 + 3 * strength)
    x = (np.arange(length) + 0.5) / length
    stretch[-length:] /= (1 + (last**RITARD_POWER - 1) * x) ** (1 / RITARD_POWER)
    final *= min(2.0, float(stretch[-1] / stretch[-length - 1] if length < len(stretch) else 1.0)) ** 0.5
