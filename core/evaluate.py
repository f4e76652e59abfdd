"""Evaluate on the command line: `python -m core.evaluate MODEL [FOLDER]`."""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast

from core.errors import BundleError, CadenzaError, CorpusError
from core.evaluation import card, evaluation, likelihood, parsed
from core.evaluation.evaluation import Evaluation
from core.evaluation.parsed import Parsed
from core.model import bundle
from core.model.bundle import Bundle
from core.model.notes import read_notes
from core.model.stepping import Stepper
from core.processes import files, terminal

MODELS: Final = Path("models")  # where a model that is named without its folder stands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 for what the user can mend. Wrong use exits with 2."""
    options = _options(arguments)
    try:
        directory = find(options.model)
        model = bundle.load(directory)
        if options.beside is not None:
            terminal.say(_compare(model, directory, find(options.beside)))
            return 0
        measured = _measure(model, directory, options)
        if options.json is not None:
            _write(Path(options.json or directory / "evaluation.json"), as_json(measured))
        if options.card:
            _write(directory / "README.md", card.model_card(model, measured))
        terminal.say(card.tables(measured))
        terminal.say(card.verdict(measured))
    except CadenzaError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        terminal.complain(error, Path(options.model))
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 1
    return 0


def find(model: str) -> Path:
    """Return the folder of a model that is given by its path or its name. Raises BundleError."""
    for directory in (Path(model), bundle.shipped(MODELS / model)):
        if (directory / "params.json").is_file():
            return directory
    known = ", ".join(sorted({*bundle.names(MODELS), *bundle.names(bundle.SHIPPED)}))
    raise BundleError(
        "There is no model in {model}, nor one of that name in {folder}, which has: {known}.",
        model=model,
        folder=MODELS,
        known=known,
    )


def as_json(measured: Evaluation) -> str:
    """Write an evaluation as JSON, where null stands for a figure that does not exist."""
    return json.dumps(_finite(asdict(measured)), indent=2, ensure_ascii=False) + "\n"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.folder is not None and options.card:
        parser.error("a card is about the pieces that the training held out: --card goes without FOLDER")
    if options.beside is not None and (options.folder is not None or options.card or options.json is not None):
        parser.error("--beside compares two models on what neither was trained on, and goes without the rest")
    if options.folder is not None and options.json == "":
        parser.error("evaluation.json beside the model is about its held-out pieces: with FOLDER, --json needs a FILE")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core.evaluate",
        description="Tell how good a model is: how likely real pieces are to it, and how its own compare with them.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model's name, as in models/, or its folder")
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        type=Path,
        nargs="?",
        help="music to measure it on, without what it was trained on (default: its held-out pieces)",
    )
    parser.add_argument(
        "--samples",
        type=_count(4, 1000),
        default=evaluation.TAKES,
        help="pieces to sample for each temperature and seed (default %(default)s)",
    )
    parser.add_argument(
        "--seeds",
        type=_count(1, 100),
        default=len(evaluation.SEEDS),
        help="how many seeds to sample with (default %(default)s)",
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        nargs="?",
        const="",
        help="write all figures as JSON (default without FOLDER: MODEL/evaluation.json)",
    )
    parser.add_argument(
        "--beside",
        metavar="OTHER",
        help="only compare how likely the held-out pieces that OTHER was not trained on either are to both models",
    )
    parser.add_argument("--card", action="store_true", help="write the model card, README.md in the model's folder")
    return parser


def _count(lowest: int, highest: int) -> Any:
    def count(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {lowest} to {highest}")
        return value

    return count


def _measure(model: Bundle, directory: Path, options: argparse.Namespace) -> Evaluation:
    notes = read_notes(directory / "notes.txt")
    real: Sequence[Parsed]
    if options.folder is None:
        real, trained_on = parsed.held_out(model, notes)
    else:
        trained_on = parsed.held_out(model, notes)[1] if "held_out" in model.params.training else parsed.parse(notes)
        real = _unseen(options.folder, model, trained_on)
    seeds = range(1, options.seeds + 1)
    return evaluation.evaluate(model, real, trained_on, takes=options.samples, seeds=seeds, report=_say)


def _compare(model: Bundle, directory: Path, other: Path) -> str:
    """Compare two models on the held-out pieces of the first that the other was not trained on either."""
    one, theirs = model.params, bundle.load(other)
    if (one.anchor, one.rest_unit) != (theirs.params.anchor, theirs.params.rest_unit):
        raise BundleError(
            "{model} and {other} write music differently, in anchor or rest unit, so their nats do not compare.",
            model=model.name,
            other=theirs.name,
        )
    real, _ = parsed.held_out(model, read_notes(directory / "notes.txt"))
    _, trained_on = parsed.held_out(theirs, read_notes(other / "notes.txt"))
    pieces = [piece for piece in parsed.unseen(real, trained_on, one.anchor) if piece.ids]
    if not pieces:
        raise CorpusError(
            "{other} was trained on every piece that {model} was not, so none can tell which of them is better.",
            model=model.name,
            other=theirs.name,
        )
    names = (str(directory), str(other)) if model.name == theirs.name else (model.name, theirs.name)
    _say(f"likelihood of the {len(pieces)} pieces that neither was trained on")
    compared = likelihood.compare(Stepper(model, exact=True), Stepper(theirs, exact=True), pieces)
    return card.comparison(names, compared)


def _say(stage: str) -> None:
    print(f"{stage} …", file=sys.stderr, flush=True)


def _unseen(folder: Path, model: Bundle, trained_on: Sequence[Parsed]) -> list[Parsed]:
    """Read a folder, and leave out what would be no test: what the model was trained on, or versions of it."""
    pieces = _read(folder, model)
    others = parsed.unseen(pieces, trained_on, model.params.anchor)
    if not others:
        raise CorpusError(
            "{model} was trained on every piece in {folder}, or on a version of it, so none of them can test it. Name a"
            " FOLDER of other music, or none for the pieces that its training held out.",
            model=model.name,
            folder=folder,
        )
    if known := len(pieces) - len(others):
        print(
            f"{known:,} of {len(pieces):,} pieces are left out:"
            f" {model.name} was trained on them, or on versions of them.",
            file=sys.stderr,
        )
    return others


def _read(folder: Path, model: Bundle) -> list[Parsed]:
    from core.corpus.collect import CollectSettings, RestUnit, collect

    params = model.params
    settings = CollectSettings(anchor=params.anchor, rest_unit=cast(RestUnit, params.rest_unit))  # checked by Params
    collection = collect(folder, settings)
    if not collection.notes.pieces:
        raise CorpusError(
            "No piece in {folder} could be read: python -m core.parse_and_train {folder} parsed"
            " --parsed-only says why.",
            folder=folder,
        )
    return parsed.parse(collection.notes)


def _finite(value: Any) -> Any:
    """Replace NaN, which JSON does not know, by None."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(path: Path, content: str) -> None:
    files.write_whole(path, content)
    print(f"{path} is written.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
