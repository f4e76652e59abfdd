"""Harmonise a melody on the command line.

python -m core.harmonize MODEL MELODY OUTPUT [options]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from core.composing import harmonizing, recipe
from core.composing.harmonizing import Harmonization, HarmonizeRequest
from core.composing.particles import PARTICLES
from core.drawing import film, sheet
from core.errors import RequestError
from core.model import bundle
from core.music import titles
from core.music.parts import PartScore
from core.performing import audio, ensembles, expression, performance
from core.processes import files, terminal
from core.reading import formats, melody
from core.reading.melody import HIGHEST_LINE, Given, Passage

USUAL: Final = "choir"  # who sings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 for what the user can mend. Wrong use exits with 2."""
    options = _parser().parse_args(arguments)
    return terminal.attempt(lambda: _run(options), options.output)


def _run(options: argparse.Namespace) -> None:
    if options.output.suffix.lower() not in (".mid", ".midi"):
        raise RequestError(
            "OUTPUT is {path}; it must end with .mid, since a MIDI file is written there.", path=options.output
        )
    ensembles.ensemble(options.instrument)
    if options.film:
        film.check()
    composer = recipe.open_model(str(bundle.shipped(options.model)))
    files.prepare(options.output)  # before the work, which would be lost
    given = _given(options)
    print("Melody:", *given.words, file=sys.stderr)
    made = harmonizing.compose(_request(given, options), composer.stepper)
    tempo = float(options.tempo or given.melody.tempo or composer.bundle.params.tempo)
    _write(made, tempo, composer.bundle.name, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core.harmonize",
        description="Put three voices under a melody. Their MIDI, a track for each voice, goes to OUTPUT, and the sheet"
        " beside it.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="the folder of a model that writes the melody first")
    parser.add_argument(
        "melody", metavar="MELODY", help="C4 E4 G4 by names, an ABC tune, 72r1 in the notation, or a music file"
    )
    parser.add_argument("output", type=Path, metavar="OUTPUT", help="the .mid file to write")
    parser.add_argument("--track", help=f"of a file: the number or name of a track (default: {HIGHEST_LINE!r})")
    parser.add_argument("--from-bar", type=int, help="of a file: the first bar (default: where the music begins)")
    parser.add_argument("--bars", type=int, help="of a file: how many bars (default: all)")
    parser.add_argument("--key", help="the key to harmonise in, as G or 'E minor' (default: the melody's)")
    parser.add_argument(
        "--temperature",
        type=float,
        default=harmonizing.USUAL_TEMPERATURE,
        help=f"how adventurous (default {harmonizing.USUAL_TEMPERATURE:g})",
    )
    parser.add_argument("--seed", type=int, help="the same seed gives the same voices (default: a new one)")
    parser.add_argument("--takes", type=int, default=1, help="how many to write: hymn.mid, hymn-2.mid … (default 1)")
    parser.add_argument(
        "--effort", type=int, default=PARTICLES, help=f"how many are written side by side (default {PARTICLES})"
    )
    parser.add_argument("--tempo", type=float, help="quarters a minute (default: the melody's, or the model's)")
    parser.add_argument("--instrument", default=USUAL, help=f"one of: {', '.join(ensembles.NAMES)} (default {USUAL})")
    parser.add_argument("--expression", type=float, default=expression.USUAL, help="how freely, 0 to 2 (default 1)")
    parser.add_argument("--numerals", action="store_true", help="write roman numerals under the sheet")
    parser.add_argument(
        "--audio", nargs="?", const="mp3", choices=get_args(audio.Format), help="write the sound (mp3 if none is named)"
    )
    parser.add_argument("--film", action="store_true", help="write a film beside OUTPUT as MP4")
    parser.add_argument("--soundfont", type=Path, help="what to play with (default: the first that is installed)")
    return parser


def _given(options: argparse.Namespace) -> Given:
    path = Path(options.melody)
    if path.suffix.lower() in formats.ENDINGS and path.is_file():
        passage = Passage(options.track or HIGHEST_LINE, options.from_bar, options.bars)
        return melody.from_file(path.read_bytes(), path.name, passage)
    return melody.from_text(options.melody, anchor="highest")


def _request(given: Given, options: argparse.Namespace) -> HarmonizeRequest:
    return HarmonizeRequest(
        melody=given.melody,
        key=options.key,
        temperature=options.temperature,
        seed=options.seed,
        takes=options.takes,
        effort=options.effort,
    )


def _write(made: Harmonization, tempo: float, model: str, options: argparse.Namespace) -> None:
    request = made.request
    moved = (
        ""
        if not made.octaves
        else f", moved by {made.octaves:+d} octaves"
        if abs(made.octaves) > 1
        else (", moved by an octave")
    )
    print(f"{model}, seed {request.seed}, {request.key}{moved}", file=sys.stderr)
    for number, piece in enumerate(made.takes, 1):
        path = options.output if number == 1 else options.output.with_stem(f"{options.output.stem}-{number}")
        composer = f"Cadenza, {model}, seed {request.seed}"
        contents = _files(piece, tempo, path, model, composer, options)
        for target, content in contents.items():
            files.write_whole(target, content)
        print(", ".join(map(str, contents)), file=sys.stderr)


def _files(
    piece: PartScore, tempo: float, path: Path, model: str, composer: str, options: argparse.Namespace
) -> dict[Path, bytes]:
    title = str(titles.title(piece.score, tempo))
    played = performance.prepare(
        piece, tempo=tempo, instrument=options.instrument, expression=options.expression, title=title
    )
    engraved = sheet.sheet(piece, title=title, composer=composer, tempo=tempo, numerals=options.numerals, folds=False)
    contents = {path: played.midi(), path.with_suffix(".musicxml"): engraved.musicxml}
    for number, page in enumerate(engraved.pages, 1):
        contents[path.with_suffix(f".sheet-{number}.png")] = page
    contents[path.with_suffix(".pdf")] = engraved.pdf
    if options.audio is not None:
        sound = audio.render(played.midi(by_hand=True), format=options.audio, soundfont=options.soundfont)
        contents[path.with_suffix(f".{options.audio}")] = sound
    if options.film:
        sound = audio.render(played.midi(by_hand=True), format="wav", soundfont=options.soundfont)
        contents[path.with_suffix(".mp4")] = film.film(played, sound, title=title, credit=f"Cadenza · {model}")
    return contents


if __name__ == "__main__":
    sys.exit(main())
