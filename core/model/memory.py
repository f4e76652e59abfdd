"""What the network remembers: which token would repeat something, by each of several predictors, and how surely.

Before a token comes, each predictor names the token that would go on repeating what it follows, or nothing; and its
run is for how many tokens it has been right. All of it follows from the tokens so far, and from the section of the
plan that one is in.
"""

from collections.abc import Sequence
from copy import copy
from fractions import Fraction
from typing import Final

from core.model.hearing import Ear
from core.music.notation import BOUNDARY, INTERVALS, LONGEST_REST, NOTES, RESTS, rest_units

REPEATS: Final = tuple(map(Fraction, ("1/2", "1", "2", "4", "8", "16")))  # bars ago: the same pitches
SEQUENCES: Final = tuple(map(Fraction, ("1/2", "1", "2")))  # bars ago: the same steps, on other degrees
RHYTHMS: Final = tuple(map(Fraction, ("1", "2", "4")))  # bars ago: the same rests, whatever sounds

# The predictors, in this order: the repeats, what the section repeats by the plan, and then
PLANNED: Final = len(REPEATS)
SEQUENCE: Final = range(PLANNED + 1, PLANNED + 1 + len(SEQUENCES))
RHYTHM: Final = range(SEQUENCE.stop, SEQUENCE.stop + len(RHYTHMS))
PASSAGE, LINE = RHYTHM.stop, RHYTHM.stop + 1
PREDICTORS: Final = LINE + 1

NOTHING: Final = -1  # what a predictor names that has nothing to repeat
RUNS: Final = 8  # nothing named; right 0, 1, 2-3, 4-7, 8-15, 16-31, 32 and more times running
SYMBOLS: Final = 8  # that must agree before a passage is followed: a note and its rest are two
MOVES: Final = 4  # of the upper line that must agree before it is followed
LONGEST_RUN: Final = 32  # a run from which on all are alike
_BUCKETS: Final = (1, 2, 3, 3, 4, 4, 4, 4, *[5] * 8, *[6] * 16, 7)  # by run, 0 to 32

FIRST_STEP: Final = 128  # of the first note: wider than any
NEW_NOTE: Final = 512  # a note as a symbol is its step above this; other tokens are their own symbols


def lags(bar: int) -> tuple[tuple[int, ...], ...]:
    """Return how many units ago stood what is repeated, in any way of the three; a bar has so many units."""
    return tuple(tuple(max(1, int(lag * bar)) for lag in bars) for bars in (REPEATS, SEQUENCES, RHYTHMS))


class Memory:
    """Follow one piece, beside the ear that hears it."""

    def __init__(self, ear: Ear) -> None:
        self.repeats, self.sequences, self.rhythms = lags(ear.units_per_bar)
        self.named = [NOTHING] * PREDICTORS
        self.runs = [0] * PREDICTORS
        # By unit of the piece: the pitches that began there, in the order of their tokens; the step to the first of
        # them; and how many units later the next ones began, 0 until they do.
        self.pitches: list[Sequence[int]] = [()]
        self.steps: list[int] = [0]
        self.gaps: list[int] = [0]
        self.latest = 0  # the unit of the latest event
        self.chord: list[int] = []  # of the event that is being written
        self.resting = True  # whether one more rest may come where no event is being written
        self.passage, self.line = _Follower(SYMBOLS, 10), _Follower(MOVES, 14)
        self.top: int | None = None  # the upper line's pitch
        self.top_since = 0

    def copy(self) -> "Memory":
        """Return another memory of the same."""
        other = copy(self)
        for name in ("named", "runs", "pitches", "steps", "gaps", "chord"):
            setattr(other, name, getattr(self, name).copy())
        other.passage, other.line = self.passage.copy(), self.line.copy()
        return other

    def remember(self, token: int, ear: Ear, step: int, pitch: int, source: int) -> list[int]:
        """Take the token that the ear has just heard; return what each predictor names, and then each one's run.

        `source` is how many units ago stood what the section repeats, 0 if it repeats nothing.
        """
        if token != BOUNDARY:
            self._count(token)
            if token in NOTES:
                self._begin(ear.time, step, pitch)
            elif token in INTERVALS:
                self.chord.append(pitch)
                self.passage.take(token)
            else:
                self._rest(token, ear)
        return self._name(ear, source)

    def _count(self, token: int) -> None:
        """Count how long each predictor has been right; the rhythms are asked for rests alone."""
        runs = self.runs
        for k, named in enumerate(self.named):
            if named >= 0:
                if named == token:
                    runs[k] += 1
                elif k not in RHYTHM or token in RESTS:
                    runs[k] = 0

    def _begin(self, now: int, step: int, pitch: int) -> None:
        if self.top is None:
            step = FIRST_STEP
        for unit in range(self.latest, now):
            self.gaps[unit] = now - unit
        self.latest = now
        self.steps[now] = step
        self.chord = [pitch]
        self.passage.take(NEW_NOTE + step + 127)

    def _rest(self, token: int, ear: Ear) -> None:
        if self.chord:
            self.pitches[self.latest] = self.chord
            self.chord = []
            self._follow_line(ear)
        units = rest_units(token)
        self.resting = units == LONGEST_REST
        self.pitches += [()] * units
        self.steps += [0] * units
        self.gaps += [0] * units
        self.passage.take(token)

    def _follow_line(self, ear: Ear) -> None:
        """Take the event that is complete, if the upper line moved in it."""
        for note in reversed(ear.ringing):
            if note.start == self.latest and note.voice == 0:
                moved = min(63, self.latest - self.top_since)
                step = FIRST_STEP if self.top is None else note.pitch - self.top
                self.line.take((step + 127) << 6 | moved)
                self.top, self.top_since = note.pitch, self.latest
                return

    def _name(self, ear: Ear, source: int) -> list[int]:
        now, base, chord = ear.time, ear.base, self.chord
        upwards = ear.anchor == "lowest"
        last = chord[-1] if chord else 0
        all_pitches, gaps = self.pitches, self.gaps
        named = []
        for lag in (*self.repeats, source):
            then = now - lag
            if then < 0 or not lag:
                named.append(NOTHING)
                continue
            pitches = all_pitches[then]
            if chord:
                for pitch in pitches:
                    if pitch > last if upwards else pitch < last:
                        named.append(INTERVALS.start - 1 + abs(pitch - base))
                        break
                else:
                    named.append(_rest_of(gaps[then]))
            elif pitches:
                named.append(NOTES.start + pitches[0])
            else:
                named.append(_rest_of(gaps[then]) if self.resting else NOTHING)
        for lag in self.sequences:
            then = now - lag
            pitches = all_pitches[then] if then >= 0 else ()
            if then < 0:
                named.append(NOTHING)
            elif chord:
                own = len(chord)
                if own < len(pitches):
                    named.append(INTERVALS.start - 1 + abs(pitches[own] - pitches[0]))
                else:
                    named.append(_rest_of(gaps[then]))
            elif pitches:
                named.append(_note(base + self.steps[then]))
            else:
                named.append(_rest_of(gaps[then]) if self.resting else NOTHING)
        for lag in self.rhythms:
            then = now - lag
            if then < 0 or not (chord or self.resting):
                named.append(NOTHING)
            else:
                named.append(_rest_of(gaps[then]))
        symbol = self.passage.next
        named.append(_note(base + symbol - NEW_NOTE - 127) if symbol >= NEW_NOTE else symbol)
        named.append(self._line_token(ear, last))
        self.named = named
        runs = self.runs
        runs[PASSAGE], runs[LINE] = self.passage.run, self.line.run
        return named + [
            _BUCKETS[min(run, LONGEST_RUN)] if token >= 0 else 0 for token, run in zip(named, runs, strict=True)
        ]

    def _line_token(self, ear: Ear, last: int) -> int:
        """Name the token that would take the upper line where it went the time before."""
        move = self.line.next
        if move < 0 or self.top is None or ear.time - self.top_since != move & 63:
            return NOTHING
        pitch = self.top + (move >> 6) - 127
        if not self.chord:
            return _note(pitch) if ear.anchor == "highest" or len(ear.ringing) < 2 else NOTHING
        if ear.anchor == "lowest" and last < pitch <= 127:
            return INTERVALS.start - 1 + pitch - ear.base
        return NOTHING


class _Follower:
    """Follow the latest passage that began with the same symbols, `agreeing` of them, of so many bits each."""

    def __init__(self, agreeing: int, bits: int) -> None:
        self.agreeing, self.bits = agreeing, bits
        self.mask = (1 << agreeing * bits) - 1
        self.symbols: list[int] = []
        self.latest = 0  # the latest symbols as one number
        self.seen: dict[int, int] = {}  # symbols as one number -> where they ended
        self.at = -1  # where the passage goes on that is being followed
        self.run = 0  # for how many symbols it has been the same, so far as anybody asks

    def copy(self) -> "_Follower":
        other = copy(self)
        other.symbols, other.seen = self.symbols.copy(), self.seen.copy()
        return other

    @property
    def next(self) -> int:
        """Return the symbol that would follow, NOTHING if no passage is being followed."""
        return self.symbols[self.at] if self.at >= 0 else NOTHING

    def take(self, symbol: int) -> None:
        symbols = self.symbols
        if self.at >= 0 and symbols[self.at] == symbol:
            self.at += 1
            self.run += 1
        else:
            self.at = -1
        symbols.append(symbol)
        self.latest = (self.latest << self.bits | symbol) & self.mask
        if len(symbols) < self.agreeing:
            return
        if self.at < 0 and (at := self.seen.get(self.latest, -1)) >= 0:
            self.at, self.run = at, self.agreeing
            while self.run < min(LONGEST_RUN, at) and symbols[at - 1 - self.run] == symbols[-1 - self.run]:
                self.run += 1
        self.seen[self.latest] = len(symbols)


def _note(pitch: int) -> int:
    return NOTES.start + pitch if 0 <= pitch <= 127 else NOTHING


def _rest_of(gap: int) -> int:
    """Return the first rest of a gap of so many units; 0 is one without an end."""
    return RESTS.start - 1 + (gap if 0 < gap < LONGEST_REST else LONGEST_REST)
