"""Four voices by a particle filter: a model is led by a melody, which is the soprano, note for note.

A model that writes the melody's note first is led by what it may write: at each note of the melody that note begins the
event, between them an event's notes lie below it, and none may be written that the four voices cannot sing. A writer
from left to right runs into corners that way, so many write side by side (a particle filter; Gordon, Salmond and Smith
1993): each is weighed by how likely the model finds what it was led to, and by the rules of part-writing, and behind
every note of the melody those that fit well take the place of those that do not.

The voices stand beside the tokens: who sings what is decided when an event is complete, so no note loses its length.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import RequestError
from core.model import frames
from core.model.bundle import Params
from core.model.frames import AnyListener
from core.model.hearing import START
from core.model.stepping import Floats, Stepper
from core.model.told import Told
from core.music import keys, notation
from core.music.notation import BOUNDARY, INTERVALS, LONGEST_REST, NOTES, RESTS
from core.music.parts import RANGES, PartScore, in_parts

PARTICLES: Final = 40  # that write side by side for one harmonisation
VOICES: Final = 4
SOPRANO, ALTO, TENOR, BASS = range(VOICES)
WIDEST: Final = (12, 12, 24)  # semitones between neighbouring voices, from the top
SURVIVING: Final = 0.9  # share of the particles that count, below which they are drawn anew

# What speaks against a harmonisation, in nats: each about as rare in Bach as a token of that likelihood.
FIFTHS: Final = 5.0  # two voices in fifths that move to fifths
OCTAVES: Final = 8.0  # … in octaves to octaves, which are rarer still
SKIP: Final = 0.5  # a bass that neither holds nor steps nor falls a fifth, as to the tonic
LEAP: Final = 0.15  # a semitone by which a lower voice leaps further than a fourth, but for octaves in the bass
LEADING: Final = 0.8  # a leading note below the soprano that does not rise to the tonic
UNRESOLVED: Final = 1.4  # a dissonant note that is left by a leap; one that was held or is on a beat, upwards
SUDDEN: Final = 1.0  # a dissonant note on a beat that is reached by a leap
TANGLED: Final = 0.4  # a dissonant chord that would still be one without any of its notes
FOREIGN: Final = 1.5  # … in which a note that is foreign to the key is a semitone from another
LOST: Final = 0.3  # a note that sounds by the model's ear and not by the voices, or the other way round
LED: Final = 2  # of so many that write one is led to close from a dominant, whose root is in the bass
CORNER: Final = 30.0  # nothing that may be written
UNSETTLED: Final = 3.0  # a phrase that ends on no triad
INVERTED: Final = 2.0  # … or on one without its root in the bass
PLAGAL: Final = 1.4  # … or on one that the bass does not reach from its fifth
BEGINNING: Final = 2.5  # a first chord that is not the tonic's, or not on its root
ASTRAY: Final = 6.0  # an end on another chord than the tonic's, or not on its root
HOLLOW: Final = 8.0  # … or after another chord than a dominant with its third

_LOWER: Final = tuple(
    movers for count in range(VOICES) for movers in combinations(range(ALTO, VOICES), count)
)  # which of the lower voices move in an event
_LOWER_FROM: Final = tuple(tuple(movers for movers in _LOWER if len(movers) >= count) for count in range(VOICES + 1))
_DISSONANT: Final = frozenset({1, 2, 6, 10, 11})  # semitones between two pitch classes, upwards
_SEMITONES: Final = frozenset({1, 11})
_SEVENTHS: Final = frozenset({10, 11})
_DOMINANT: Final = frozenset({7, 11, 2, 5})  # semitones above the tonic: the dominant and its seventh
_TONICS: Final = (frozenset({0, 4, 7}), frozenset({0, 3, 7}))
_SCALES: Final = (keys.MAJOR, keys.MINOR)
_STEPWISE, _DOWN = 1, 2  # how a dissonant note must go on
_TRIADS: Final = tuple(frozenset(shape) for shape in ((0, 4, 7), (0, 3, 7)))


@dataclass(frozen=True, slots=True)
class Kept:
    """Hold voices that are there already, of which those from `start` until before `end` give way to new ones."""

    parts: PartScore
    start: int
    end: int

    @property
    def events(self) -> Mapping[int, tuple[int, ...]]:
        """Return what begins at each unit outside, the highest first."""
        score = self.parts.score
        return {event.onset: event.pitches[::-1] for event in score.events if not self.start <= event.onset < self.end}

    def sung(self, voice: int, start: int, end: int) -> list[tuple[int, int]]:
        """Return the notes that a voice begins between two units."""
        return [(note.pitch, note.start) for note in self.parts.parts[voice].notes if start <= note.start < end]


@dataclass(frozen=True, slots=True)
class Line:
    """Hold a melody in a model's rest units: `(pitch, start, end)` of each note, and at which notes phrases end."""

    notes: tuple[tuple[int, int, int], ...]
    phrase_ends: frozenset[int]


Voices = tuple[int, ...]  # what the four sing, from the top


@dataclass(slots=True)
class _Writer:
    """Follow one harmonisation that is being written.

    `voices` is what the four sing, -1 before they have begun; `sung` has the notes of each as `(pitch, start)`; `event`
    the pitches of the event that is not complete yet, the soprano's left out; `owed` is how a dissonant note of each
    must go on, 0 for no such; `ahead` is what is counted already of what its end will cost; `weight` is what is left of
    its likelihood since particles were last drawn, `total` all.
    """

    listener: AnyListener
    voices: Voices = (-1,) * VOICES
    sung: tuple[tuple[tuple[int, int], ...], ...] = ((),) * VOICES
    owed: tuple[int, ...] = (0,) * VOICES
    event: tuple[int, ...] = ()
    last: int = BOUNDARY
    time: int = 0  # units that are written
    base: int = START  # the note of the latest event, from which intervals are counted
    ahead: float = 0.0
    weight: float = 0.0
    total: float = 0.0

    def copy(self) -> Self:
        """Return another writer that goes on from here."""
        other = copy(self)
        other.listener = self.listener.copy()
        return other

    def weigh(self, nats: float) -> None:
        self.weight += nats
        self.total += nats


def harmonize(
    model: Stepper,
    line: Line,
    told: Told,
    *,
    seed: int,
    temperature: float = 1.0,
    particles: int = PARTICLES,
    surviving: float = SURVIVING,
    kept: Kept | None = None,
) -> PartScore:
    """Put three voices under a melody. The same arguments give the same voices. Raises RequestError.

    With `surviving` 0 particles are never drawn anew, and the best of them is kept. Where voices are `kept`, those
    between are written to fit what stands before them and what comes after.
    """
    check_model(model.params)
    if not line.notes:
        raise RequestError("There is no note to harmonise.")
    best = _Filter(model, line, told, temperature, seed, particles, surviving, kept).run()
    end = line.notes[-1][2]
    return PartScore(
        in_parts([_ended(notes, line if place == SOPRANO else None, end) for place, notes in enumerate(best.sung)]),
        max(end, told.length or 0),
        told.unit,
        told.metre,
    )


def check_model(params: Params) -> None:
    """Refuse a model that does not write the melody's note first. Raises RequestError."""
    if params.anchor != "highest":
        raise RequestError(
            "This model writes chords from their lowest note up, and cannot be led by a melody. Choose another."
        )


class _Filter:
    """Write many harmonisations side by side, and keep those that fit."""

    def __init__(
        self,
        model: Stepper,
        line: Line,
        told: Told,
        temperature: float,
        seed: int,
        particles: int,
        surviving: float,
        kept: Kept | None,
    ) -> None:
        self.kept, self.given = kept, {} if kept is None else kept.events
        self.onsets = sorted(self.given)
        self.model, self.line, self.told, self.temperature, self.surviving = model, line, told, temperature, surviving
        self.chance = np.random.default_rng([seed, particles])
        self.writers = [_Writer(frames.listener(model.params, told)) for _ in range(particles)]
        self.states = model.silence(particles)
        for token in (BOUNDARY, *notation.rests(line.notes[0][1])):  # up to the melody's first note
            self.logits = self._step([token] * particles, list(range(particles)))
        self.beat = int(told.metre.counted.beat / told.unit)
        self.starts = {start: index for index, (_, start, _) in enumerate(line.notes)}

    def run(self) -> _Writer:
        """Write to the end; return the best."""
        for index in range(len(self.line.notes)):
            self._write(index)
            self._draw_anew(last=index == len(self.line.notes) - 1)
        return max(self.writers, key=lambda writer: (self._is_new(writer), writer.total))

    def _is_new(self, writer: _Writer) -> bool:
        """Tell whether voices are others than those that gave way to them."""
        kept = self.kept
        return kept is None or any(
            [note for note in writer.sung[voice] if kept.start <= note[1] < kept.end]
            != kept.sung(voice, kept.start, kept.end)
            for voice in range(ALTO, VOICES)
        )

    def _write(self, index: int) -> None:
        """Have all write until the next note of the melody may begin, or the piece is complete."""
        goal = self.line.notes[index + 1][1] if index + 1 < len(self.line.notes) else self.line.notes[index][2]
        going = list(range(len(self.writers)))
        while going:
            tokens = self._choose(going, goal)
            self.logits[going] = self._step(tokens, going)
            going = [i for i in going if not (self.writers[i].time >= goal and self.writers[i].last in RESTS)]

    def _step(self, tokens: Sequence[int], rows: Sequence[int]) -> Floats:
        writers = [self.writers[row] for row in rows]
        for writer, token in zip(writers, tokens, strict=True):
            writer.last = token
            writer.time += notation.rest_units(token)
            if token in NOTES:
                writer.base = token - NOTES.start
        heard = frames.hear([writer.listener for writer in writers], tokens)
        if len(rows) == len(self.writers):
            return self.model.step(heard, self.states)
        states = self.states.take(rows, 1)
        logits = self.model.step(heard, states)
        self.states[:, rows] = states
        return logits

    def _choose(self, going: Sequence[int], goal: int) -> list[int]:
        """Draw a token for each, of those that it may write, and weigh it by how likely those are together."""
        scores = self.logits[going].astype(np.float64) / self.temperature
        own = np.full(scores.shape, -np.inf)
        for row, i in enumerate(going):
            writer = self.writers[i]
            allowed = self._allowed(writer, goal)
            if not len(allowed):  # a corner: time goes on, and this one will hardly be kept
                allowed = self._rests(writer, goal)
                writer.weigh(-CORNER)
            if i % LED == 0:
                allowed = self._led(writer, allowed) or allowed
            own[row, allowed] = scores[row, allowed]
        mass, reached = _summed(own)
        drawn = reached[:, -1] * (1 - self.chance.random(len(going)))  # more than nothing
        tokens = [int(token) for token in (reached < drawn[:, None]).sum(1)]
        for i, token, nats in zip(going, tokens, (mass - _summed(scores)[0]).tolist(), strict=True):
            self.writers[i].weigh(nats)
            self._take(self.writers[i], token)
        return tokens

    def _allowed(self, writer: _Writer, goal: int) -> list[int]:
        """Return the tokens that a writer may write next."""
        now, last = writer.time, writer.last
        if self.kept is not None and not self.kept.start <= now < self.kept.end:
            return [self._given(writer)]
        index = self.starts.get(now)
        if last in NOTES or last in INTERVALS:
            soprano, begins = self._soprano(writer), index is not None
            lowest = min(writer.event, default=soprano if begins else writer.base)
            below = _below(writer.voices, soprano, writer.event, lowest)
            tokens = [INTERVALS.start + writer.base - pitch - 1 for pitch in below]
            if _ways(writer.voices, soprano, writer.event):
                tokens += self._rests(writer, goal)
            return tokens
        if index is not None:  # the melody's note begins
            return [NOTES.start + self.line.notes[index][0]]
        tokens = []
        if last in (BOUNDARY, RESTS[-1]):  # a longer rest goes on
            tokens += self._rests(writer, goal)
        if writer.sung[BASS] and now < self._held_from():
            soprano = self._soprano(writer)
            tokens += [NOTES.start + pitch for pitch in _below(writer.voices, soprano, (), soprano)]
        return tokens

    def _led(self, writer: _Writer, allowed: Sequence[int]) -> list[int]:
        """Return those tokens by which the last two notes get a dominant and its tonic; none where that cannot be."""
        if self.told.home is None or (self.kept is not None and self.kept.end < self.line.notes[-1][2]):
            return []
        tonic, mode = self.told.home
        if writer.time == self._held_from():
            chord, root, third = _TONICS[mode], 0, 0
        elif self._approach() <= writer.time < self._held_from() and writer.time in self.starts:
            chord, root, third = _DOMINANT, 7, 11
        else:
            return []

        def closes(sings: Voices) -> bool:
            degrees = [(pitch - tonic) % 12 for pitch in sings]
            return degrees[BASS] == root and third in degrees and chord.issuperset(degrees)

        soprano = self._soprano(writer)

        def closing(event: tuple[int, ...]) -> bool:
            ways = _ways(writer.voices, soprano, event)
            return any(closes(_after(writer.voices, soprano, way, event)) for way in ways)

        def leads(token: int) -> bool:
            if token not in INTERVALS:
                return token in NOTES or closing(writer.event)
            event = (*writer.event, writer.base - (token - INTERVALS.start + 1))
            return (event[-1] - tonic) % 12 in chord and (len(event) < VOICES - 1 or closing(event))

        return list(filter(leads, allowed))

    def _given(self, writer: _Writer) -> int:
        """Return the token by which a writer goes on as the voices that are kept do."""
        now, last = writer.time, writer.last
        pitches = self.given.get(now, ())
        if last in NOTES or last in INTERVALS:
            base = writer.base
            written = last - INTERVALS.start + 1 if last in INTERVALS else 0
            below = [base - pitch for pitch in pitches if base - pitch > written]
            if below:
                return INTERVALS.start + below[0] - 1
        elif pitches:
            return NOTES.start + pitches[0]
        place = bisect_right(self.onsets, now)
        following = self.onsets[place] if place < len(self.onsets) else self.line.notes[-1][2]
        assert self.kept is not None
        if now < self.kept.start:
            following = min(following, self.kept.start)
        return RESTS.start + min(LONGEST_REST, following - now) - 1

    def _held_from(self) -> int:
        """Return the unit from which on nothing new begins: the last note is held."""
        return self.line.notes[-1][1]

    def _approach(self) -> int:
        """Return the unit from which on the melody's last note is approached: a beat before, or the note before."""
        return min(self._held_from() - self.beat, self.line.notes[max(0, len(self.line.notes) - 2)][1])

    def _rests(self, writer: _Writer, goal: int) -> list[int]:
        """Return the rests that lead no further than to the goal; where nothing new begins before it, right to it."""
        if self.kept is not None and writer.time < self.kept.end:
            goal = min(goal, self.kept.end)
        most = min(LONGEST_REST, goal - writer.time)
        least = most if writer.time >= self._held_from() else 1
        return list(range(RESTS.start + least - 1, RESTS.start + most))

    def _soprano(self, writer: _Writer) -> int:
        """Return what the soprano sings at the moment of an event."""
        index = self.starts.get(writer.time)
        return writer.voices[SOPRANO] if index is None else self.line.notes[index][0]

    def _take(self, writer: _Writer, token: int) -> None:
        """Write a token; a rest completes the event, and who sings it is decided."""
        if token in NOTES:
            pitch = token - NOTES.start
            writer.event = () if writer.time in self.starts else (pitch,)
        elif token in INTERVALS:
            writer.event = (*writer.event, writer.base - (token - INTERVALS.start + 1))
        elif writer.last in NOTES or writer.last in INTERVALS:
            self._complete(writer)

    def _complete(self, writer: _Writer) -> None:
        now, before, soprano = writer.time, writer.voices, self._soprano(writer)
        index = self.starts.get(now)
        ways = _ways(before, soprano, writer.event) or [way for way in _LOWER if len(way) == len(writer.event)]
        ear = set(writer.listener.sounding)

        def cost(way: tuple[int, ...]) -> float:
            sings = _after(before, soprano, way, writer.event)
            moves = sum(abs(a - b) for a, b in zip(sings, before, strict=True)) if before[BASS] >= 0 else 0
            return LOST * len(ear ^ set(sings)) + 0.1 * moves + self._faults(writer, before, sings)

        best = min(ways, key=cost) if len(ways) > 1 else ways[0]
        sings = _after(before, soprano, best, writer.event)
        if self.kept is not None and not self.kept.start <= now < self.kept.end:
            begun = {voice: self.kept.sung(voice, now, now + 1) for voice in range(ALTO, VOICES)}
            best = tuple(voice for voice, notes in begun.items() if notes)
            lower = (notes[0][0] if (notes := begun[voice]) else before[voice] for voice in range(ALTO, VOICES))
            sings = (soprano, *lower)
        writer.weigh(-self._faults(writer, before, sings) - LOST * len(ear ^ set(sings)))
        moved = {SOPRANO, *best} if index is not None else set(best)
        writer.voices = sings
        self._resolve(writer, before, sings)
        self._look_ahead(writer, sings)
        writer.sung = tuple(
            (*notes, (sings[voice], now)) if voice in moved else notes for voice, notes in enumerate(writer.sung)
        )
        writer.event = ()
        if index is not None and index in self.line.phrase_ends:
            writer.weigh(-self._unsettled(writer, before, sings, last=index == len(self.line.notes) - 1))

    def _unsettled(self, writer: _Writer, before: Voices, sings: Voices, *, last: bool) -> float:
        """Return what speaks against a phrase that ends on a chord."""
        bass = sings[BASS]
        earlier = [pitch for pitch, _ in writer.sung[BASS] if pitch != bass]
        roots = [root for root in range(12) if _is_triad_on(root, sings)]
        cost = (0.0 if roots else UNSETTLED) + (0.0 if bass % 12 in roots else INVERTED)
        falls = bool(earlier) and (earlier[-1] - bass) % 12 == 7
        cost += 0.0 if falls else PLAGAL
        if last:
            cost += 0.0 if falls and any((pitch - bass) % 12 == 11 for pitch in before) else HOLLOW
        if last and self.told.home is not None:
            tonic, _ = self.told.home
            cost += 0.0 if bass % 12 == tonic and tonic in roots else ASTRAY
        return cost

    def _resolve(self, writer: _Writer, before: Voices, sings: Voices) -> None:
        """Take down which of the voices is dissonant, and how it must go on."""
        moved = [one != other for one, other in zip(before, sings, strict=True)]
        owed = [0 if moves else owes for owes, moves in zip(writer.owed, moved, strict=True)]
        voice = _dissonant(sings)
        if voice is not None:
            on_beat = writer.time % self.beat == 0
            owed[voice] = _DOWN if on_beat or not moved[voice] else max(owed[voice], _STEPWISE)
            if on_beat and before[voice] >= 0 and abs(sings[voice] - before[voice]) > 2:
                writer.weigh(-SUDDEN)
        writer.owed = tuple(owed)

    def _look_ahead(self, writer: _Writer, sings: Voices) -> None:
        """Count it early where an end cannot come from a dominant, while there are other ways to take its place."""
        ahead = 0.0
        if self.told.home is not None and self._approach() <= writer.time < self._held_from():
            tonic, _ = self.told.home
            degrees = [(pitch - tonic) % 12 for pitch in sings]
            fits = degrees[SOPRANO] in _DOMINANT
            ahead = PLAGAL + HOLLOW if fits and (degrees[BASS] != 7 or 11 not in degrees) else 0.0
        writer.weigh(writer.ahead - ahead)
        writer.ahead = ahead

    def _faults(self, writer: _Writer, before: Voices, after: Voices) -> float:
        """Return what speaks against a step of the four voices."""
        cost = _faults(before, after)
        for owes, one, other in zip(writer.owed, before, after, strict=True):
            if owes and one != other and (abs(other - one) > 2 or (owes == _DOWN and other > one)):
                cost += UNRESOLVED
        cost += TANGLED * _is_tangled(after)
        if self.told.home is not None:
            cost += FOREIGN * _is_foreign(after, *self.told.home)
        if self.told.home is not None and before[BASS] < 0:
            tonic, _ = self.told.home
            cost += BEGINNING * (after[BASS] % 12 != tonic or not _is_triad_on(tonic, after))
        elif self.told.home is not None:
            leading = (self.told.home[0] + 11) % 12
            cost += LEADING * sum(
                one % 12 == leading and other not in (one, one + 1)
                for one, other in zip(before[ALTO:], after[ALTO:], strict=True)
            )
        return cost

    def _draw_anew(self, *, last: bool) -> None:
        """Let writers that fit well take the place of those that do not (systematic resampling)."""
        weights = np.array([writer.weight for writer in self.writers])
        shares = np.exp(weights - weights.max())
        shares /= shares.sum()
        count = len(shares)
        if last or 1 / (shares**2).sum() >= self.surviving * count:
            return
        pointers = (np.arange(count) + self.chance.random()) / count
        reached = np.minimum(np.searchsorted(shares.cumsum(), pointers), count - 1)
        drawn = list[_Writer]()
        for place, row in enumerate(reached):
            writer = self.writers[row]
            drawn.append(writer.copy() if place and reached[place - 1] == row else writer)
            drawn[-1].weight = 0.0
        self.writers = drawn
        self.states, self.logits = self.states.take(reached, 1), self.logits[reached]


def _summed(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what scores `(rows, tokens)` come to in each row, as a logarithm, and up to each token, to some scale."""
    peak = scores.max(1, keepdims=True)
    reached = np.exp(scores - peak).cumsum(1)
    return np.log(reached[:, -1]) + peak[:, 0], reached


@lru_cache(maxsize=1 << 16)  # many write the same for a while
def _below(before: Voices, soprano: int, event: tuple[int, ...], lowest: int) -> tuple[int, ...]:
    """List the pitches below `lowest` that may be the event's next, ascending."""
    found, place = set[int](), len(event)
    for movers in _LOWER_FROM[place + 1]:
        if before[BASS] < 0 and len(movers) < VOICES - 1:
            continue
        voice = movers[place]
        sings: list[int | None] = [*_after(before, soprano, movers[:place], event)]
        for at in movers[place:]:
            sings[at] = None
        upper, lower = tuple(sings[1:voice]), tuple(sings[voice + 1 :])
        if not _can_sing(ALTO, soprano, lowest, upper):
            continue
        above = sings[voice - 1]
        assert above is not None
        bottom, top = RANGES[voice]
        for pitch in range(max(bottom, above - WIDEST[voice - 1]), min(top, above, lowest - 1) + 1):
            if pitch not in found and _can_sing(voice + 1, pitch, pitch, lower):
                found.add(pitch)
    return tuple(sorted(found))


@lru_cache(maxsize=1 << 16)
def _ways(before: Voices, soprano: int, event: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """List which of the lower voices may sing an event's pitches, from the top."""
    lowest = event[-1] if event else soprano
    return tuple(
        movers
        for movers in _LOWER
        if len(movers) == len(event)
        and (before[BASS] >= 0 or len(movers) == VOICES - 1)
        and _can_sing(ALTO, soprano, lowest, _after(before, soprano, movers, event)[ALTO:])
    )


def _after(before: Voices, soprano: int, movers: Sequence[int], event: Sequence[int]) -> Voices:
    """Return what four voices sing after an event that some of the lower ones sing, from the top."""
    sings = [soprano, *before[ALTO:]]
    for voice, pitch in zip(movers, event, strict=True):
        sings[voice] = pitch
    return tuple(sings)


@lru_cache(maxsize=1 << 16)
def _can_sing(voice: int, above: int, lowest: int, sings: tuple[int | None, ...]) -> bool:
    """Tell whether voices, from one on, keep their ranges and places; those that are None will sing below `lowest`."""
    highest, reach = above, above
    for place, pitch in enumerate(sings, voice):
        bottom, top = RANGES[place]
        if pitch is None:  # any place that is left for it
            highest = min(highest, lowest - 1, top)
            reach = max(reach - WIDEST[place - 1], bottom)
            if highest < reach:
                return False
            continue
        if not (bottom <= pitch <= top and reach - WIDEST[place - 1] <= pitch <= highest):
            return False
        highest = reach = pitch
    return True


def _is_triad_on(root: int, sings: Voices) -> bool:
    """Tell whether what is sung belongs to the major or the minor triad on a root, which is sung, too."""
    shape = frozenset((pitch - root) % 12 for pitch in sings)
    return 0 in shape and any(shape <= triad for triad in _TRIADS)


@lru_cache(maxsize=1 << 16)
def _dissonant(sings: Voices) -> int | None:
    """Return the voice without which a chord is consonant; of two such the seventh. None if there is no such voice."""
    found = [voice for voice in range(VOICES) if not _clashes((*sings[:voice], *sings[voice + 1 :]))]
    if len(found) == 2:
        one, other = found
        apart = (sings[one] - sings[other]) % 12
        return one if apart in _SEVENTHS else other if 12 - apart in _SEVENTHS else None
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=1 << 16)
def _is_tangled(sings: Voices) -> bool:
    """Tell whether every three voices of a chord are dissonant."""
    return all(_clashes((*sings[:voice], *sings[voice + 1 :])) for voice in range(VOICES))


@lru_cache(maxsize=1 << 16)
def _is_foreign(sings: Voices, tonic: int, mode: int) -> bool:
    """Tell whether two voices are a semitone apart, octaves aside, of which one is foreign to a key."""
    return any(
        (upper - lower) % 12 in _SEMITONES
        and any((pitch - tonic) % 12 not in _SCALES[mode] for pitch in (upper, lower))
        for upper, lower in combinations(sings, 2)
    )


def _clashes(sings: Sequence[int]) -> bool:
    return any((upper - lower) % 12 in _DISSONANT for upper, lower in combinations(sings, 2))


@lru_cache(maxsize=1 << 16)
def _faults(before: Voices, after: Voices) -> float:
    """Return what speaks against a step of the four voices."""
    if before[BASS] < 0:
        return 0.0
    cost = 0.0
    for upper, lower in combinations(range(VOICES), 2):
        moved = after[upper] - before[upper], after[lower] - before[lower]
        if moved[0] and moved[1]:
            was, became = (before[upper] - before[lower]) % 12, (after[upper] - after[lower]) % 12
            if was == became and was in (0, 7):
                cost += FIFTHS if was else OCTAVES
    for voice in range(ALTO, VOICES):
        leap = abs(after[voice] - before[voice])
        if voice != BASS or leap != 12:
            cost += LEAP * max(0, leap - 5)
    bass, fallen = abs(after[BASS] - before[BASS]), (before[BASS] - after[BASS]) % 12
    if bass > 2 and fallen not in (0, 7):
        cost += SKIP
    return cost


def _ended(notes: Sequence[tuple[int, int]], line: Line | None, end: int) -> list[tuple[int, int, int]]:
    """Give notes their ends: where the voice's next one begins, or as the melody has them."""
    if line is not None:
        return list(line.notes)
    ends = [*(start for _, start in notes[1:]), end]
    return [(pitch, start, stop) for (pitch, start), stop in zip(notes, ends, strict=True)]
