"""Put together what a model for all music hears: `python -m core.corpus.arranging TUNES MIXED`.

Most of what strangers bring has a melody and an accompaniment, and most free music is tunes or choirs. The chords that
go with a tune (`core.music.harmony`), laid out as pianists' left hands do, make of it what a network can learn from.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from core.errors import CadenzaError, CorpusError
from core.model.notes import Entry, Notes, read_notes, write_notes
from core.music import score
from core.music.harmony import Chord, chords
from core.music.score import Event, Score
from core.performing.accompaniment import backing

EVERY: Final = 8  # of the pieces one is arranged
_VOICES: Final = 1.3  # notes an event that a tune has at most
_BARS: Final = 48  # that an arrangement has at most

Struck = dict[int, set[int]]  # the pitches that begin at each unit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 for what the user can mend. Wrong use exits with 2."""
    parser = argparse.ArgumentParser(
        prog="python -m core.corpus.arranging",
        description="Mix parsed notes: tunes, some of them arranged for two hands, and other music several times.",
    )
    parser.add_argument("tunes", metavar="TUNES", type=Path, help="parsed notes")
    parser.add_argument("mixed", metavar="MIXED", type=Path, help="the file to write")
    parser.add_argument("--every", type=int, default=EVERY, help="of the tunes one is arranged (default %(default)s)")
    parser.add_argument("--beside", metavar="NOTES", type=Path, help="parsed notes of the same rest unit and anchor")
    parser.add_argument("--times", type=int, default=1, help="how often those stand beside the tunes")
    options = parser.parse_args(arguments)
    try:
        tunes = read_notes(options.tunes)
        beside = tunes.pieces[:0] if options.beside is None else _alike(read_notes(options.beside), tunes)
        made = tuple(arrange(tunes, options.every))
        write_notes(options.mixed, replace(tunes, pieces=(*tunes.pieces, *options.times * beside, *made)))
    except CadenzaError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(made):,} of {len(tunes.pieces):,} tunes are arranged.", file=sys.stderr)
    return 0


def _alike(notes: Notes, others: Notes) -> tuple[Entry, ...]:
    if (notes.anchor, notes.unit) != (others.anchor, others.unit):
        raise CorpusError("These notes are of another rest unit or anchor. Parse both alike.")
    return notes.pieces


def arrange(notes: Notes, every: int = EVERY) -> Iterator[Entry]:
    """Arrange each tune of which the number is divisible by `every`, in one texture after the other."""
    number = 0
    for entry in notes.pieces[::every]:
        tune = score.from_text(entry.text, notes.anchor, notes.unit, entry.metre)
        if sum(len(event.pitches) for event in tune.events) > _VOICES * len(tune.events) or tune.bars > _BARS:
            continue
        hand = TEXTURES[number % len(TEXTURES)](tune)
        number += 1
        if hand:
            made = _together(tune, hand)
            yield Entry(f"{entry.title}, arranged", score.to_text(made, notes.anchor), entry.metre, entry.phrases)


def _stride(tune: Score) -> Struck:
    """Take turns of bass and chord, as `core.performing.accompaniment` has them."""
    hand: Struck = {}
    for kind in ("basses", "guitar"):
        for struck in backing(tune, kind):
            at = struck.start / tune.unit
            if at.denominator == 1:
                hand.setdefault(int(at), set()).update(struck.pitches)
    return hand


def _alberti(tune: Score) -> Struck:
    """Break each chord in eighths: lowest, highest, middle, highest."""
    return _eighths(tune, lambda chord: [_near(chord, 48)[i] for i in (0, 2, 1, 2)])


def _rolling(tune: Score) -> Struck:
    """Let each chord rise and fall over two octaves, in eighths."""

    def figure(chord: Chord) -> list[int]:
        root, third, fifth = _near(chord, 40)
        return [root, fifth, root + 12, third + 12, fifth + 12, third + 12, root + 12, fifth]

    return _eighths(tune, figure)


def _blocks(tune: Score) -> Struck:
    """Hold each chord full, with its root in octaves below, where it begins and with each bar."""
    hand: Struck = {}
    for chord in chords(tune):
        bar = tune.units_per_bar
        starts = {chord.start, *range(-(-chord.start // bar) * bar, chord.end, bar)}
        for start in starts:
            low = _near(chord, 36)[0]
            hand[start] = {low, low + 12, *_near(chord, 52)}
    return hand


def _octaves(tune: Score) -> Struck:
    """Have the right hand in octaves, and full chords and low octaves on the beats."""
    hand: Struck = {event.onset: {event.pitches[-1] - 12} for event in tune.events}
    beat = tune.metre.beat / tune.unit
    for chord in chords(tune):
        low, at, turn = _near(chord, 36)[0], Fraction(chord.start), 0
        while at < chord.end:
            if at.denominator == 1:
                hand.setdefault(int(at), set()).update(_near(chord, 52) if turn % 2 else {low, low + 12})
            at, turn = at + beat, turn + 1
    return hand


TEXTURES: Final[tuple[Callable[[Score], Struck], ...]] = (_stride, _alberti, _rolling, _blocks, _octaves)


def _eighths(tune: Score, figure: Callable[[Chord], list[int]]) -> Struck:
    eighth = int(Fraction(1, 2) / tune.unit) or 1
    hand: Struck = {}
    for chord in chords(tune):
        notes = figure(chord)
        for number, at in enumerate(range(chord.start, chord.end, eighth)):
            hand[at] = {notes[number % len(notes)]}
    return hand


def _near(chord: Chord, lowest: int) -> tuple[int, int, int]:
    """Return root, third and fifth, ascending, the root at `lowest` or above."""
    root = lowest + (chord.root - lowest) % 12
    third, fifth = ((pitch - chord.root) % 12 for pitch in chord.classes[1:3])
    return root, root + third, root + fifth


def _together(tune: Score, hand: Struck) -> Score:
    for event in tune.events:
        hand.setdefault(event.onset, set()).update(event.pitches)
    events = (Event(at, tuple(sorted(pitches))) for at, pitches in sorted(hand.items()) if at < tune.length)
    return replace(tune, events=tuple(events))


if __name__ == "__main__":
    sys.exit(main())
