"""What the rules of expression do to real pieces, each alone and all together: `python -m bench.performance`.

Pieces are those that the shipped models learned from. Phrases are held against the fermatas in Bach's chorales, in
which each line of the hymn ends.
"""

import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from core.model import bundle, notes
from core.music import dances, score
from core.music.parts import PartScore, four_parts, is_choral
from core.music.phrases import phrases
from core.music.score import Score
from core.performing import performance
from core.performing.expression import RULES, Interpretation, interpret

PIECES: Final = 40
PUBLISHED: Final = (  # what, where, the figure, and how it is measured here on a piece made for it
    ("tempo at the end of a phrase, k = 1", "Friberg 1995, Director Musices", "1 / 1.2 = 0.83", "arch"),
    (
        "last tempo of a ritard before the final note",
        "Friberg & Sundberg 1999, w = 1/4, q = 3",
        "0.25 in the end, 0.53 over its last eighth",
        "ritard",
    ),
    ("an octave higher", "Friberg 1991: 3 dB", "3", "high"),
    ("a note of 200 ms", "Friberg 1991: -16.5 ms", "-16.5", "contrast"),
    ("the last note of a phrase", "Friberg 1991: +40 ms", "40", "cadence"),
    ("a repeated note is let go at", "Bresin & Battel 2000", "0.85", "repeated"),
)

Figures = tuple[float, float, float, float]


def main() -> int:
    """Print the tables."""
    for model in ("chorales", "fiddle"):
        pieces = list(_pieces(model))
        tempo = bundle.load(bundle.SHIPPED / model).params.tempo
        print(f"\n{model}: {len(pieces)} pieces, medians\n")
        print("| rule | tempo in phrases, sd % | level in phrases, sd dB | tempo at phrase ends | at the very end |")
        print("|---|---|---|---|---|")
        for name, rules in [*((rule, [rule]) for rule in RULES), ("all", list(RULES))]:
            rows = [_figures(interpret(_in_parts(piece), dances.paced(piece, tempo), 1, rules)) for piece in pieces]
            spread, level, end, last = (statistics.median(column) for column in zip(*rows, strict=True))
            print(f"| {name} | {100 * spread:.1f} | {level:.2f} | {end:.2f} | {last:.2f} |")
        tempos = sorted(dances.paced(piece, tempo) for piece in pieces)
        middle = statistics.median(tempos)
        print(f"\nplayed at {tempos[0]:g} to {tempos[-1]:g} quarters a minute, in the middle {middle:g}")
    _against_published()
    _phrases()
    return 0


def _pieces(model: str) -> Iterable[Score]:
    learned = notes.read_notes(bundle.SHIPPED / model / "notes.txt")
    step = max(1, len(learned.pieces) // PIECES)
    for entry in learned.pieces[::step][:PIECES]:
        piece = score.from_text(entry.text, learned.anchor, learned.unit, entry.metre)
        if len(piece.events) > 16:
            yield piece


def _in_parts(piece: Score) -> Score | PartScore:
    return four_parts(piece) if is_choral(piece) else piece


def _figures(reading: Interpretation) -> Figures:
    """Return the spread of tempo and level within phrases, the tempo of their last notes, and the last of all."""
    tempo = float(np.median(reading.pace)) / reading.pace
    spans = [slice(p.start - reading.opening, p.end - reading.opening) for p in reading.phrases]
    inner = [span for span in spans if span.stop - span.start > 2][:-1] or spans
    ends = [float(tempo[phrase.last - reading.opening]) for phrase in reading.phrases[:-1]]
    last = reading.score.events[-1].onset - reading.opening
    return (
        statistics.mean(float(tempo[span].std()) for span in inner),
        statistics.mean(_spread(reading, span) for span in inner),
        statistics.mean(ends) if ends else 1.0,
        float(tempo[max(0, last - 1)]),
    )


def _spread(reading: Interpretation, span: slice) -> float:
    """Return the spread of the levels of the line that leads, within a span."""
    line, mean = reading.line, statistics.mean(reading.line.pitches)
    levels = [
        reading.level(onset, pitch, mean, leads=True)
        for onset, pitch in zip(line.onsets, line.pitches, strict=True)
        if span.start <= onset - reading.opening < span.stop
    ]
    return statistics.pstdev(levels)


def _against_published() -> None:
    """Print what rules do on a piece made for it, beside what was published."""
    half = Fraction(1, 2)
    song = score.from_text("60-7r264-7r267-4r265-7r264-7r262-7r260-7r4r2" * 4, "lowest", half)
    short = score.from_text("60-7r162-7r4" * 8, "lowest", half / 2)

    def alone(piece: Score, rule: str, tempo: float) -> Interpretation:
        return interpret(piece, tempo, 1, [rule])

    arch, ritard, held = (alone(song, rule, 100) for rule in ("phrase arch", "final ritard", "cadences"))
    last = song.events[-1].onset
    usual = float(np.median(held.pace))
    loud = alone(song, "high loud", 100)
    contrast = interpret(short, 75, 1, ["duration contrast"])
    repeated = performance.prepare(score.from_text("60r260r262r4", "lowest", half)).tracks[0].notes[0]
    measured: dict[str, str] = {
        "arch": f"{float(arch.pace[:18].min() / arch.pace[17]):.2f}",
        "ritard": f"{float(np.median(ritard.pace) / ritard.pace[last - 1]):.2f}",
        "high": f"{loud.level(0, 72, 60, leads=False) - loud.level(0, 60, 60, leads=False):.1f}",
        "contrast": f"{200 * (contrast.pace[0] / contrast.pace[1] - 1):.1f}",
        "cadence": f"{held.milliseconds(12, 18) - 6000 * usual:.0f}",
        "repeated": f"{(repeated.end - repeated.start) / 2:.2f}",
    }
    print("\n| what | published | figure | measured |\n|---|---|---|---|")
    for what, where, figure, key in PUBLISHED:
        print(f"| {what} | {where} | {figure} | {measured[key]} |")


def _phrases() -> None:
    """Print how well phrases are found, and what counting bars would find."""
    hymns = list(_hymns())
    methods: dict[str, Callable[[Sequence[int], int, int], set[int]]] = {
        "found": lambda onsets, length, bar: {phrase.last for phrase in phrases(onsets, length, bar)},
        "every two bars": lambda onsets, length, bar: _counted(onsets, length, 2 * bar),
        "every four bars": lambda onsets, length, bar: _counted(onsets, length, 4 * bar),
    }
    print(f"\nphrases of {len(hymns)} chorales against {sum(len(held) for *_, held in hymns)} fermatas\n")
    print("| phrases | precision | recall | F1 |\n|---|---|---|---|")
    for name, method in methods.items():
        hits = given = wanted = 0
        for onsets, length, bar, held in hymns:
            found = method(onsets, length, bar)
            hits, given, wanted = hits + len(found & held), given + len(found), wanted + len(held)
        print(f"| {name} | {hits / given:.2f} | {hits / wanted:.2f} | {2 * hits / (given + wanted):.2f} |")


def _counted(onsets: Sequence[int], length: int, step: int) -> set[int]:
    start = onsets[0]
    return {
        max((onset for onset in onsets if onset < end), default=start)
        for end in range(start + step, length + step, step)
    }


def _hymns() -> Iterable[tuple[list[int], int, int, set[int]]]:
    """Yield the soprano of chorales: onsets, length and bar in sixteenths, and where fermatas are."""
    import music21

    paths = sorted((Path(music21.__file__).parent / "corpus" / "bach").glob("bwv*.mxl"))
    for path in paths[::4]:
        piece = music21.converter.parse(path)
        if len(piece.parts) < 4:
            continue
        flat = piece.parts[0].flatten()
        sung = [note for note in flat.notes if note.tie is None or note.tie.type == "start"]
        held = {
            int(4 * note.offset)
            for note in sung
            if any(isinstance(sign, music21.expressions.Fermata) for sign in note.expressions)
        }
        if len(held) >= 3:
            bar = int(4 * flat.getElementsByClass("TimeSignature")[0].barDuration.quarterLength)
            yield [int(4 * note.offset) for note in sung], int(4 * flat.highestTime), bar, held


if __name__ == "__main__":
    sys.exit(main())
