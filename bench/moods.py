"""What the moods do: pieces composed in each of them by the same seeds, beside real ones that were held out.

python -m bench.moods [MODEL ...] [--pieces N] [--also TEMPERATURE,TOP-P ...]

Figures are means over pieces, as `core.evaluation` defines them. The nats are what a token of the piece costs the model
at temperature 1, whatever it was drawn at: how surprising the piece is to a model that knows the style.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from core.composing import form, recipe
from core.composing.moods import MOODS, Mood
from core.composing.novelty import Index
from core.composing.recipe import Composer, ComposeRequest
from core.evaluation import figures
from core.evaluation.likelihood import likelihood
from core.evaluation.parsed import Parsed, held_out, score_of
from core.model.notes import read_notes
from core.model.stepping import Stepper
from core.music import notation

BARS: Final = 16
FIRST: Final = 1001  # seed; those before it are the cards'
FIGURES: Final = {
    "windows_at_home": "windows at home",
    "scale_consistency": "scale consistency",
    "returning_bars": "bars that return",
    "upper_range": "range",
    "pitch_classes": "pitch classes",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each model."""
    parser = argparse.ArgumentParser(prog="python -m bench.moods", description=__doc__)
    parser.add_argument("models", nargs="*", default=["models/fiddle", "models/chorales"], metavar="MODEL")
    parser.add_argument("--pieces", type=int, default=20, help="how many are composed in each mood")
    parser.add_argument("--also", nargs="*", default=[], metavar="T,P", help="other temperatures and top-ps to try")
    options = parser.parse_args(arguments)
    tried = [Mood(*map(float, each.split(","))) for each in options.also]
    for folder in options.models:
        opened = recipe.open_model(folder)
        apart, trained_on = held_out(opened.bundle, read_notes(Path(folder) / "notes.txt"))
        composer = replace(opened, index=Index([("", notation.text(piece.ids)) for piece in trained_on]))
        print(f"\n{Path(folder).name}: {options.pieces} pieces of {BARS} bars in each mood\n")
        print("| mood | temperature | top-p | nats a token | " + " | ".join(FIGURES.values()) + " | longest quote |")
        print("|---" * (len(FIGURES) + 5) + "|")
        for name, mood, pieces in _rows(composer, apart, options.pieces, tried):
            values = _measured(composer, pieces)
            drawn = "– | –" if mood is None else f"{mood.temperature:g} | {mood.top_p:g}"
            print(f"| {name} | {drawn} | " + " | ".join(f"{value:.2f}" for value in values) + " |", flush=True)
    return 0


def _rows(
    composer: Composer, apart: Sequence[Parsed], count: int, tried: Sequence[Mood]
) -> Iterator[tuple[str, Mood | None, list[Parsed]]]:
    """Compose in each mood, and take as many real pieces of about the length."""
    params = composer.bundle.params
    metre = form.habits(params.habits).metre
    for name, mood in [*MOODS.items(), *(("tried", mood) for mood in tried)]:
        asked = ComposeRequest(model="", bars=BARS, seed=0, temperature=mood.temperature, top_p=mood.top_p)
        made = [recipe.write(replace(asked, seed=FIRST + place), composer)[0] for place in range(count)]
        yield name, mood, [Parsed(each.ids, metre, each.told.phrases) for each in made]
    real = [piece for piece in apart if piece.metre.counted == metre.counted]
    yield "real pieces", None, sorted(real, key=lambda piece: abs(float(score_of(piece, params).bars) - BARS))[:count]


def _measured(composer: Composer, pieces: Sequence[Parsed]) -> list[float]:
    params = composer.bundle.params
    [plain] = likelihood(Stepper(composer.bundle, exact=True), pieces)
    means = figures.means([score_of(piece, params) for piece in pieces])
    quotes = [composer.index.longest_quote(notation.text(piece.ids)) for piece in pieces]
    quoted = float(np.mean([0 if quote is None else quote.events for quote in quotes]))
    return [plain.nats.mean, *(means[name] for name in FIGURES), quoted]


if __name__ == "__main__":
    sys.exit(main())
