"""Compose on the command line.

python -m core.generate_music MODEL_WEIGHTS MODEL_PARAMS PARSED_NOTES OUTPUT PRIMER [options]
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args

from core.composing import filming, moods, recipe, reprise
from core.composing.drafting import USUAL_EFFORT
from core.composing.form import FORMS
from core.composing.novelty import NOTABLE
from core.composing.options import MEANS
from core.composing.recipe import ComposeRequest, Composition, Take
from core.drawing import film
from core.errors import RequestError
from core.model import bundle
from core.model.bundle import Params
from core.music.metre import COMMON
from core.music.score import whole_bars
from core.music.tempo import DEFAULT_TEMPO
from core.performing import audio, ensembles, expression
from core.processes import files, terminal
from core.reading import formats, melody, sounds
from core.reading.melody import HIGHEST_LINE, Passage

BARS: Final = 4  # of a file, where nobody says how many


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 for what the user can mend. Wrong use exits with 2."""
    options = _parser().parse_args(arguments)
    return terminal.attempt(lambda: _run(options), options.output)


def _run(options: argparse.Namespace) -> None:
    request = _request(options)
    if options.film:
        film.check()
    composer = recipe.open_files(*map(bundle.shipped, (options.weights, options.params, options.notes)))
    files.prepare(options.output)  # before the work, which would be lost
    request = _begun(request, options, composer.bundle.params)
    composition = recipe.compose(request, composer)
    _write(composition, options.output, options)
    terminal.say("".join(f"{take.text}\n" for take in composition.takes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core.generate_music",
        description="Compose a piece with a trained model. Its notation goes to standard output, its MIDI to OUTPUT.",
    )
    parser.add_argument("weights", type=Path, metavar="MODEL_WEIGHTS", help="the model's weights.safetensors")
    parser.add_argument("params", type=Path, metavar="MODEL_PARAMS", help="the model's params.json")
    parser.add_argument(
        "notes", type=Path, metavar="PARSED_NOTES", help="the model's notes.txt: quotes from it are reported"
    )
    parser.add_argument("output", type=Path, metavar="OUTPUT", help="the .mid file to write")
    parser.add_argument(
        "primer",
        metavar="PRIMER",
        help="how the piece begins: 72r1 in the notation, C4 E4 G4 by names, an ABC tune, a music file or a hum; "
        '"" lets the model begin',
    )
    parser.add_argument(
        "--track",
        help=f"of a file: the number or name of a track, {HIGHEST_LINE!r} for the highest line (default: all)",
    )
    parser.add_argument("--from-bar", type=int, help="of a file: the first bar (default: where the music begins)")
    parser.add_argument("--primer-bars", type=int, help="of a file: how many bars (default: 4)")
    parser.add_argument("--mood", default=moods.USUAL, help=f"{MEANS['mood']} One of: {', '.join(moods.MOODS)}.")
    parser.add_argument("--key", help=MEANS["key"])
    parser.add_argument("--metre", help=MEANS["metre"])
    parser.add_argument("--bars", type=int, help=f"{MEANS['bars']} Left out: until the model ends.")
    parser.add_argument("--instrument", help=f"{MEANS['instrument']} One of: {', '.join(ensembles.NAMES)}.")
    parser.add_argument("--form", help=f"{MEANS['form']} One of: {', '.join(FORMS)}, or other letters.")
    parser.add_argument("--tempo", type=float, help=MEANS["tempo"])
    parser.add_argument("--takes", type=int, default=1, help=f"{MEANS['takes']} They are piece.mid, piece-2.mid …")
    parser.add_argument("--seed", type=int, help=MEANS["seed"])
    parser.add_argument("--temperature", type=float, help=MEANS["temperature"])
    parser.add_argument("--gravity", type=float, help=MEANS["gravity"])
    parser.add_argument("--top-p", type=float, help=MEANS["top_p"])
    parser.add_argument("--expression", type=float, default=expression.USUAL, help=MEANS["expression"])
    parser.add_argument("--effort", type=int, default=USUAL_EFFORT, help=f"{MEANS['effort']} Left out: {USUAL_EFFORT}.")
    parser.add_argument(
        "--rewrite", metavar="BARS", help="write bars of PRIMER, a whole piece, anew, as 5-8: the others stay"
    )
    parser.add_argument("--taste", default="", help="what listeners like, as a server's recipes have it: 'leaps +0.4'")
    parser.add_argument(
        "--audio",
        nargs="?",
        const="mp3",
        choices=get_args(audio.Format),
        help="write the sound beside OUTPUT (mp3 if no format is named)",
    )
    parser.add_argument("--soundfont", help="what to play with (default: the first that is installed)")
    parser.add_argument("--picture", action="store_true", help="write the piano roll beside OUTPUT as PNG")
    parser.add_argument(
        "--film", action="store_true", help="write a film beside OUTPUT as MP4: the roll, and the sound"
    )
    parser.add_argument("--sheet", action="store_true", help="write sheet music beside OUTPUT as MusicXML and PNG")
    parser.add_argument("--pdf", action="store_true", help="write sheet music beside OUTPUT as PDF")
    parser.add_argument("--abc", action="store_true", help="write a tune beside OUTPUT as ABC")
    return parser


def _request(options: argparse.Namespace) -> ComposeRequest:
    if options.output.suffix.lower() not in (".mid", ".midi"):
        raise RequestError(
            "OUTPUT is {path}; it must end with .mid, since a MIDI file is written there.", path=options.output
        )
    mood = moods.mood(options.mood)
    return ComposeRequest(
        model=str(options.weights.parent),
        primer=options.primer,
        temperature=mood.temperature if options.temperature is None else options.temperature,
        gravity=options.gravity,
        top_p=mood.top_p if options.top_p is None else options.top_p,
        seed=options.seed,
        bars=options.bars,
        key=options.key,
        metre=options.metre,
        form=options.form,
        takes=options.takes,
        effort=options.effort,
        tempo=options.tempo,
        instrument=options.instrument,
        expression=options.expression,
        taste=options.taste,
        audio=options.audio,
        soundfont=options.soundfont,
        picture=options.picture,
        rewrite=options.rewrite or "",
    )


def _begun(request: ComposeRequest, options: argparse.Namespace, params: Params) -> ComposeRequest:
    """Write a request's primer as the model does, and say how it was read."""
    if not options.primer:
        return request
    path = Path(options.primer)
    if path.suffix.lower() in (*formats.ENDINGS, *sounds.ENDINGS) and path.is_file():
        passage = Passage(options.track, options.from_bar, options.primer_bars or (None if options.rewrite else BARS))
        given = melody.from_file(path.read_bytes(), path.name, passage)
    else:
        given = melody.from_text(options.primer, anchor=params.anchor, unit=params.unit)
    primer = melody.to_primer(given, params.anchor, params.unit)
    print("Primer:", *primer.words, file=sys.stderr)
    metre = str(primer.metre) if params.remembers and primer.metre != COMMON else None
    return replace(request, primer=primer.begun, metre=request.metre or metre)


def _write(composition: Composition, output: Path, options: argparse.Namespace) -> None:
    request = composition.request
    print(
        f"{composition.model.name}, seed {request.seed}, gravity {request.gravity:g}, {request.instrument}",
        file=sys.stderr,
    )
    for number, take in enumerate(composition.takes, 1):
        path = output if number == 1 else output.with_stem(f"{output.stem}-{number}")
        written = _write_take(take, path, request.audio) + _write_sheet(composition, take, path, options)
        title = reprise.title(request, composition.model, take.text)
        if options.film:
            shot = filming.shoot(request, composition.model, take.text, take.primer_events, title)
            written.append(path.with_suffix(".mp4"))
            files.write_whole(written[-1], shot)
        print(f"{title}, {_facts(take)}: {', '.join(map(str, written))}", file=sys.stderr)


def _write_take(take: Take, path: Path, sound: str | None) -> list[Path]:
    contents = {path: take.midi, path.with_suffix(f".{sound}"): take.audio, path.with_suffix(".png"): take.picture}
    written = [target for target, content in contents.items() if content is not None]
    for target in written:
        files.write_whole(target, contents[target] or b"")
    return written


def _write_sheet(composition: Composition, take: Take, path: Path, options: argparse.Namespace) -> list[Path]:
    if not (options.sheet or options.pdf or options.abc):
        return []
    request, model = composition.request, composition.model
    composer = f"Cadenza, {model.name}, seed {request.seed}"
    metre, tempo = recipe.metre_of(request), take.tempo or request.tempo or DEFAULT_TEMPO
    title = str(reprise.title(request, model, take.text))
    engraved = reprise.engrave(take.text, model, tempo, title, metre, composer)
    contents = {}
    if options.sheet:
        contents[path.with_suffix(".musicxml")] = engraved.musicxml
        for number, page in enumerate(engraved.pages, 1):
            contents[path.with_suffix(f".sheet-{number}.png")] = page
    if options.pdf:
        contents[path.with_suffix(".pdf")] = engraved.pdf
    if options.abc:
        if engraved.abc is None:
            raise RequestError(
                "ABC is for tunes of one voice, and {name} has more: leave out --abc, or take --sheet.", name=path.stem
            )
        contents[path.with_suffix(".abc")] = engraved.abc
    for target, content in contents.items():
        files.write_whole(target, content)
    return list(contents)


def _facts(take: Take) -> str:
    bars = whole_bars(take.bars)
    facts = f"{bars:g} bar{'' if bars == 1 else 's'}, tempo {take.tempo:g}, {take.seconds:.0f} s"
    if take.quote and take.quote.events >= NOTABLE:
        facts += f", {take.quote.events} of {take.events} events as in {take.quote.title}"
    return facts


if __name__ == "__main__":
    sys.exit(main())
