"""How well bars are rewritten: what stands behind them, once they are new.

python -m bench.rewriting [MODEL] [--pieces N] [--bars 5-8]

Of pieces that the model has not been trained on some bars are taken out and written anew. What a token of the four bars
behind them costs, in nats, is set beside what it costs behind the real ones, behind the first sample alone, and behind
the best of as many as are written in all, without leading the best over. Pieces that repeat these bars are left out.
Where the break could be told, by parallels, leaps or a jump from key to key, the seams of the passage are set beside
those of the real one and beside all bar lines of the piece.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.composing import rewriting
from core.composing.drafting import USUAL_EFFORT
from core.composing.sampling import Options
from core.errors import RequestError
from core.evaluation import parsed, part_writing
from core.model import bundle, notes
from core.model.stepping import Stepper
from core.music import bars
from core.music.bars import Bars
from core.music.parts import four_parts
from core.music.score import Score

SEED: Final = 1

Floats = NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.rewriting", description=__doc__)
    parser.add_argument("model", nargs="?", default="models/chorales", help="the folder of a model")
    parser.add_argument("--pieces", type=int, default=30, help="how many pieces at most")
    parser.add_argument("--bars", type=bars.parse, default=Bars(5, 8), help="which bars are taken out")
    options = parser.parse_args(arguments)
    model = bundle.load(Path(options.model))
    held_out, _ = parsed.held_out(model, notes.read_notes(Path(options.model, "notes.txt")))
    stepper, what = Stepper(model), options.bars
    usual = rewriting.CANDIDATES * USUAL_EFFORT
    ways = {"the first sample": 1, f"the best of {usual}": usual, f"the best of {3 * usual}": 3 * usual, "ours": None}
    seams = defaultdict[str, list[Floats]](list)
    rows, spent = list[list[float]](), dict.fromkeys(ways, 0.0)
    for each in held_out:
        piece = parsed.score_of(each, stepper.params)
        try:
            bars.place(piece, Bars(what.first, what.last + rewriting.HORIZON))
        except RequestError:  # it is too short
            continue
        if rewriting.is_repeated(piece, what):
            continue
        seams["the real bars"].append(_seams(piece, what))
        lines = range(2, bars.count(piece))
        seams["all bar lines"].append(np.nanmean([_seams(piece, Bars(line, line)) for line in lines], axis=0))
        row = [rewriting.cost(stepper, piece, what, each.phrases)]
        for name, candidates in ways.items():
            begun = time.perf_counter()
            [take] = rewriting.rewrite(
                stepper, piece, what, Options(seed=SEED), USUAL_EFFORT, each.phrases, candidates=candidates
            )
            row.append(take.nats)
            seams[name].append(_seams(take.piece, what))
            spent[name] += time.perf_counter() - begun
        rows.append(row)
        if len(rows) == options.pieces:
            break
    table = np.array(rows)
    _print_seams(seams)
    print(f"{len(rows)} pieces that {model.name} was not trained on, bars {what}\n")
    print("| behind | nats a token | less than behind the real bars | seconds |\n|---|---|---|---|")
    print(f"| the real bars | {table[:, 0].mean():.3f} | | |")
    for place, name in enumerate(ways, 1):
        less = (table[:, place] < table[:, 0]).mean()
        print(f"| {name} | {table[:, place].mean():.3f} | {less:.2f} | {spent[name] / len(rows):.2f} |")
    return 0


def _seams(piece: Score, what: Bars) -> Floats:
    """Measure the two seams of a passage: parallels, semitones that a voice moves, fifths between the bars around."""
    parts, bar = four_parts(piece), piece.units_per_bar
    found = []
    for seam in bars.place(piece, what):
        parallels, moved = part_writing.across(parts, seam)
        apart = abs(_fifths(piece, seam - bar, seam) - _fifths(piece, seam, seam + bar)) % 12
        found.append((parallels, moved, min(apart, 12 - apart)))
    return np.array(np.nanmean(found, axis=0))


def _fifths(piece: Score, start: int, end: int) -> float:
    """Return where on the circle of fifths the notes of a passage lie: their fifth Fourier coefficient (Quinn 2006)."""
    pitches = [pitch for event in piece.events if start <= event.onset < end for pitch in event.pitches]
    return float(np.angle(np.exp(2j * np.pi * 7 * np.array(pitches) / 12).sum())) * 12 / (2 * np.pi)


def _print_seams(seams: Mapping[str, Sequence[Floats]]) -> None:
    print("| seams of | parallels | semitones a voice moves | fifths from bar to bar |\n|---|---|---|---|")
    for name, figures in seams.items():
        parallels, moved, apart = np.nanmean(figures, axis=0)
        print(f"| {name} | {parallels:.3f} | {moved:.2f} | {apart:.2f} |")
    print()


if __name__ == "__main__":
    sys.exit(main())
