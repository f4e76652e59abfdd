"""Voice leading: how long notes sound, and in which voice, from when they begin.

The notation says when notes begin; when they end follows from this. docs/notation.md describes the rule, which hearing,
performing and engraving share.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from core.music.score import Score

_ONE_LINE: Final = 1.15  # notes an event at most, in the mean, of a single line


class Ringing(NamedTuple):
    """Name a note that rings: its pitch, the unit at which it began, and its voice, counted from the top."""

    pitch: int
    start: int
    voice: int


@dataclass(frozen=True, slots=True)
class Note:
    """Name one sounding note.

    It sounds from `start` until before `end`, in units. `voice` counts from the top, 0 upwards; a note that takes over
    from another has its voice.
    """

    pitch: int
    start: int
    end: int
    voice: int


def lead(ringing: tuple[Ringing, ...], pitches: tuple[int, ...], now: int, units_per_bar: int) -> tuple[Ringing, ...]:
    """Return what rings once `pitches`, ascending, have begun at the unit `now`; by pitch, ascending.

    An event with fewer notes than are ringing releases, for each of its notes, the nearest ringing one (the lower, of
    two equally near), and the others go on; an event with as many or more releases all. Nothing rings longer than a
    bar.
    """
    going_on = list(sounding(ringing, now, units_per_bar))
    if len(pitches) >= len(going_on):
        highest = len(pitches) - 1
        return tuple(Ringing(pitch, now, highest - place) for place, pitch in enumerate(pitches))
    begun = []
    for pitch in pitches:
        nearest = min(going_on, key=lambda note: (abs(note.pitch - pitch), note.pitch))
        going_on.remove(nearest)
        begun.append(Ringing(pitch, now, nearest.voice))
    return tuple(sorted(going_on + begun))


def sounding(ringing: tuple[Ringing, ...], now: int, units_per_bar: int) -> tuple[Ringing, ...]:
    """Return what still rings at the unit `now`."""
    return tuple(note for note in ringing if now < note.start + units_per_bar)


def notes(score: Score) -> tuple[Note, ...]:
    """Return the notes of a score as they sound, by start and then by pitch.

    They sound as long as the score says, or else as voices lead: then the last event rings a whole bar. In a single
    line the notes of a double stop sound until the next one.
    """
    if score.lengths is not None:
        return tuple(
            Note(pitch, event.onset, event.onset + length, len(event.pitches) - 1 - place)
            for event, length in zip(score.events, score.lengths, strict=True)
            for place, pitch in enumerate(event.pitches)
        )
    bar = score.units_per_bar
    if is_line(score):
        ends = [event.onset for event in score.events[1:]] + [score.events[-1].onset + bar]
        return tuple(
            Note(pitch, event.onset, min(end, event.onset + bar), len(event.pitches) - 1 - place)
            for event, end in zip(score.events, ends, strict=True)
            for place, pitch in enumerate(event.pitches)
        )
    played: list[Note] = []
    ringing: tuple[Ringing, ...] = ()
    for event in score.events:
        after = lead(ringing, event.pitches, event.onset, bar)
        played += [_until(note, event.onset, bar) for note in ringing if note not in after]
        ringing = after
    played += [_until(note, note.start + bar, bar) for note in ringing]
    return tuple(sorted(played, key=lambda note: (note.start, note.pitch)))


def is_line(score: Score) -> bool:
    """Tell whether a piece is a single line, as a fiddle has it, but for a few double stops."""
    return bool(score.events) and sum(len(event.pitches) for event in score.events) <= _ONE_LINE * len(score.events)


def _until(note: Ringing, end: int, units_per_bar: int) -> Note:
    return Note(note.pitch, note.start, min(end, note.start + units_per_bar), note.voice)
