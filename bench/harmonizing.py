"""How well melodies are harmonised: ours beside Bach's own settings, and beside other ways to do it.

python -m bench.harmonizing [MODEL] [--pieces N]

The melodies of chorales that the model has not been trained on are harmonised and set beside Bach's. `Best of all` is
the same without particles drawn anew, as many of them; `rules` chooses triads and their voicings by dynamic
programming. Roots agree where the chords on a beat have the same; how far they can is seen where Bach himself set one
melody twice. The chorales with four parts come from music21's corpus.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, product
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.composing import harmonizing, particles
from core.composing.harmonizing import USUAL_TEMPERATURE
from core.composing.particles import SURVIVING, Line
from core.evaluation import part_writing
from core.model import bundle, notes
from core.model.stepping import Stepper
from core.music.keys import key_of, parse_key
from core.music.metre import Metre
from core.music.parts import RANGES, PartScore, in_parts

ALIKE: Final = 0.9  # share of beats on which two melodies are the same, to count as one

_FINEST: Final = 16  # of a quarter, to which the encoding's times are exact


@dataclass(frozen=True, slots=True)
class _Chorale:
    title: str
    piece: PartScore


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.harmonizing", description=__doc__)
    parser.add_argument("model", nargs="?", default="models/chorales", help="a model that writes the melody first")
    parser.add_argument("--pieces", type=int, default=40, help="how many chorales at most")
    options = parser.parse_args(arguments)
    model = bundle.load(Path(options.model))
    titles = [entry.title for entry in notes.read_notes(Path(options.model, "notes.txt")).pieces]
    held_out = [titles[place] for place in model.params.training["held_out"]]
    real = [
        each
        for each in _chorales(held_out, model.params.unit)
        if each.piece.length > 4 * each.piece.score.units_per_bar
    ][: options.pieces]
    stepper = Stepper(model)
    columns = {
        "Bach": [each.piece for each in real],
        "ours": [_ours(stepper, each.piece, SURVIVING) for each in real],
        "best of all": [_ours(stepper, each.piece, 0) for each in real],
        "rules": [_by_rules(each.piece) for each in real],
    }
    figures = {name: [part_writing.measure(piece) for piece in pieces] for name, pieces in columns.items()}
    print(f"{len(real)} chorales that {model.name} was not trained on\n")
    print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for name, style in part_writing.FIGURES.items():
        values = [float(np.nanmean([each[name] for each in figures[column]])) for column in columns]
        print(f"| {name} | " + " | ".join(style.format(value) for value in values) + " |")
    agreed = [
        np.nanmean([part_writing.agreement(one, other) for one, other in zip(pieces, columns["Bach"], strict=True)])
        for pieces in columns.values()
    ]
    print("| roots as Bach's | | " + " | ".join(f"{value:.2f}" for value in agreed[1:]) + " |")
    ceiling = list(_settings(list(_chorales(titles, model.params.unit))))
    print(f"\nBach's own second settings, {len(ceiling)} pairs: roots agree on {np.nanmean(ceiling):.2f} of beats.")
    return 0


def _ours(stepper: Stepper, piece: PartScore, surviving: float) -> PartScore:
    line = _line(piece)
    told = harmonizing.tell(line, piece.unit, piece.metre, piece.key)
    made = particles.harmonize(stepper, line, told, seed=1, temperature=USUAL_TEMPERATURE, surviving=surviving)
    return replace(made, metre=piece.metre, key=piece.key, fermatas=piece.fermatas)


def _line(piece: PartScore) -> Line:
    soprano = piece.parts[0].notes
    ends = frozenset(index for index, note in enumerate(soprano) if note.start in piece.fermatas)
    return Line(tuple((note.pitch, note.start, note.end) for note in soprano), ends)


def _by_rules(piece: PartScore) -> PartScore:
    """Choose a triad of the key for each note of the melody, and its voicing (Viterbi)."""
    tonic, mode = parse_key(piece.key)
    thirds = {"major": {0: 4, 2: 3, 4: 3, 5: 4, 7: 4, 9: 3}, "minor": {0: 3, 3: 4, 5: 3, 7: 4, 8: 4}}[mode]
    triads = [
        ((tonic + degree) % 12, {(tonic + degree + part) % 12 for part in (0, third, 7)})
        for degree, third in thirds.items()
    ]
    soprano = piece.parts[0].notes
    layers: list[list[tuple[tuple[int, ...], float, int]]] = []
    for note in soprano:
        voicings = list(_voicings(note.pitch, triads)) or [
            (note.pitch, note.pitch - 4, note.pitch - 9, note.pitch - 16)
        ]
        ends = note.start in piece.fermatas
        layer = []
        for voicing in voicings:
            own = 0.0 if (voicing[3] - tonic) % 12 in (0, 5, 7) else 2.0 + 4.0 * ends
            before = layers[-1] if layers else [(voicing, 0.0, -1)]
            costs = [spent + _moved(past, voicing) for past, spent, _ in before]
            best = int(np.argmin(costs))
            layer.append((voicing, costs[best] + own, best if layers else -1))
        layers.append(layer)
    path, at = [], int(np.argmin([spent for _, spent, _ in layers[-1]]))
    for layer in reversed(layers):
        voicing, _, came_from = layer[at]
        path.append(voicing)
        at = came_from
    path.reverse()
    lines = [
        [(voicing[voice], note.start, note.end) for voicing, note in zip(path, soprano, strict=True)]
        for voice in range(4)
    ]
    return replace(piece, parts=in_parts(lines))


def _voicings(soprano: int, triads: Iterable[tuple[int, set[int]]]) -> Iterable[tuple[int, ...]]:
    for root, triad in triads:
        if soprano % 12 not in triad:
            continue
        lower = [[pitch for pitch in range(*limits) if pitch % 12 in triad] for limits in RANGES[1:3]]
        basses = [pitch for pitch in range(*RANGES[3]) if pitch % 12 == root]
        for alto, tenor, bass in product(*lower, basses):
            whole = {pitch % 12 for pitch in (soprano, alto, tenor, bass)} == triad
            if whole and bass <= tenor <= alto <= soprano and soprano - alto <= 12 and alto - tenor <= 12:
                yield soprano, alto, tenor, bass


def _moved(before: Sequence[int], after: Sequence[int]) -> float:
    cost = 0.2 * sum(abs(one - other) for one, other in zip(before[1:], after[1:], strict=True))
    for upper, lower in combinations(range(4), 2):
        if before[upper] != after[upper] and before[lower] != after[lower]:
            was, became = (before[upper] - before[lower]) % 12, (after[upper] - after[lower]) % 12
            cost += 10.0 * (was == became and was in (0, 7))
    return cost


def _settings(chorales: Sequence[_Chorale]) -> Iterable[float]:
    """Return, for each pair of settings of one melody, on what share of the beats their chords have the same root."""
    for one, other in combinations(chorales, 2):
        a, b = one.piece, other.piece
        if a.metre != b.metre or a.unit != b.unit:
            continue
        lines = [_on_beats(piece) for piece in (a, b)]
        size = min(map(len, lines))
        moved = lines[0][0] - lines[1][0]
        same = np.mean([x == y + moved for x, y in zip(lines[0][:size], lines[1][:size], strict=True)])
        if size > 16 and same >= ALIKE:
            pairs = list(zip(part_writing.roots(a)[:size], part_writing.roots(b)[:size], strict=True))
            yield float(np.mean([x == (y + moved) % 12 for x, y in pairs if x is not None and y is not None]))


def _on_beats(piece: PartScore) -> list[int]:
    beat = int(piece.metre.counted.beat / piece.unit)
    grid = {unit: note.pitch for note in piece.parts[0].notes for unit in range(note.start, note.end)}
    return [grid.get(unit, -1) for unit in range(piece.parts[0].notes[0].start, piece.length, beat)]


def _chorales(titles: Iterable[str], unit: Fraction) -> Iterable[_Chorale]:
    """Read those chorales that the corpus has in just four parts and one metre."""
    for title in titles:
        if (piece := _read(title, unit)) is not None:
            yield _Chorale(title, piece)


def _read(title: str, unit: Fraction) -> PartScore | None:
    import music21

    path = Path(music21.__file__).parent / "corpus" / "bach" / f"{title.split(maxsplit=1)[0]}.mxl"
    if not path.exists():
        return None
    whole: Any = music21.converter.parse(path)
    signatures = {signature.ratioString for signature in whole.recurse().getElementsByClass("TimeSignature")}
    if len(whole.parts) != 4 or len(signatures) != 1:
        return None
    metre = Metre(*map(int, signatures.pop().split("/")))
    first = whole.parts[0].getElementsByClass("Measure")[0]
    missing = metre.bar - Fraction(first.duration.quarterLength).limit_denominator(_FINEST)
    pickup = missing if 0 < missing < metre.bar else Fraction(0)
    lines, held = [], set()
    for place, part in enumerate(whole.parts):
        line: list[tuple[int, int, int]] = []
        for element in part.flatten().notes:
            if element.isChord:
                return None
            start, end = (
                int((Fraction(time).limit_denominator(_FINEST) + pickup) / unit + Fraction(1, 2))
                for time in (element.offset, element.offset + element.duration.quarterLength)
            )
            if line and element.tie is not None and element.tie.type != "start":
                line[-1] = (*line[-1][:2], max(line[-1][2], end))
            elif end > start and (not line or start > line[-1][1]):
                line.append((element.pitch.midi, start, end))
            if place == 0 and line and any("Fermata" in mark.classes for mark in element.expressions):
                held.add(line[-1][1])
        ends = [*(start for _, start, _ in line[1:]), line[-1][2]]
        lines.append([(pitch, start, min(end, stop)) for (pitch, start, end), stop in zip(line, ends, strict=True)])
    length = max(line[-1][2] for line in lines)
    piece = PartScore(in_parts(lines), length, unit, metre, tuple(sorted(held | {lines[0][-1][1]})))
    return replace(piece, key=key_of(piece.score))


if __name__ == "__main__":
    sys.exit(main())
