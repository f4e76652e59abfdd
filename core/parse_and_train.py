"""Train on a folder of music: `python -m core.parse_and_train TRAIN_DIR PARSED_NOTES_DIR`."""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

from core.corpus import report
from core.corpus.collect import CollectSettings, RestUnit, collect
from core.errors import CadenzaError, Cancelled
from core.model import bundle
from core.model.bundle import Params
from core.model.notes import Notes, read_notes, write_notes
from core.music.piece import Budget
from core.processes import files, terminal
from core.reading.playing import IN_TWO_AND_FOUR
from core.training import beginning, trial, worker
from core.training.advice import still_improving
from core.training.beginning import Open
from core.training.fit import STOPPED, Hyperparameters, device
from core.training.monitor import ProgressBar, tensorboard
from core.training.progress import Epoch
from core.training.recipe import SIZES, Trained, TrainRequest, require_tensorflow, train

_LIMITS: Final = ("most_minutes", "most_quarters", "most_notes")
_HIGHEST: Final = 1_000_000  # of these limits
_SHAPE: Final = ("size", "units", "layers", "dropout", "weight_drop")
MINUTES: Final = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 for what the user can mend. Wrong use exits with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if idle := _idle(options):
        parser.error(idle)
    try:
        request = _request(options, sys.argv[1:] if arguments is None else arguments)
        notes, on_grid = _parse(options)
        if not options.parsed_only:
            _train(options, replace(request, notes=notes, on_grid=on_grid, params=_paced(options, request, notes)))
    except CadenzaError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        terminal.complain(error, options.parsed)
        return 1
    except KeyboardInterrupt:
        print(
            "Stopped before there was anything to keep; files that were read are remembered for the next run.",
            file=sys.stderr,
        )
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core.parse_and_train",
        description="Read a folder of music into the notation, report on it, and train a model on it.",
    )
    parser.add_argument(
        "music",
        metavar="TRAIN_DIR",
        help="a folder, file or zip of MIDI, MusicXML, ABC or Humdrum; - takes the notes parsed before",
    )
    parser.add_argument(
        "parsed",
        type=Path,
        metavar="PARSED_NOTES_DIR",
        help="where notes.txt, report.csv and all that a training leaves go",
    )
    reading = parser.add_argument_group("reading")
    reading.add_argument(
        "--rest-unit", choices=("auto", "1", "1/2", "1/4"), help="quarters that r1 lasts (default: the base's, or auto)"
    )
    reading.add_argument(
        "--anchor",
        choices=("lowest", "highest"),
        help="the note of a chord that is written first (default: the base's, or highest)",
    )
    reading.add_argument(
        "--metres",
        help="which are read: upper numbers and time signatures, as 2,4,6/8, or all (default 2,4)",
    )
    reading.add_argument("--as-printed", action="store_true", help="leave repeats as they are printed, not played")
    reading.add_argument(
        "--least-on-grid",
        type=float,
        default=0.0,
        help="leave pieces out of which a smaller share falls on the grid, 0 to 1 (default 0)",
    )
    most = Budget()
    for what, limit in (("minutes", most.seconds // 60), ("quarters", most.quarters), ("notes", most.notes)):
        help_text = f"{what} of a piece; what has more is left out (default {limit:,})"
        reading.add_argument(f"--most-{what}", type=_positive, metavar="N", help=help_text)
    reading.add_argument("--parsed-only", action="store_true", help="stop after parsing")
    model = parser.add_argument_group("model")
    model.add_argument("--model", type=Path, help="the folder of the new model (default: PARSED_NOTES_DIR/model)")
    model.add_argument(
        "--base", type=Path, help="the folder of a model to go on from, instead of starting from nothing"
    )
    model.add_argument("--from-nothing", action="store_true", help="do not try whether a model that ships is a start")
    model.add_argument("--size", choices=tuple(SIZES), help="a preset of the four below (default medium)")
    model.add_argument("--units", type=int, help="width of each LSTM")
    model.add_argument("--layers", type=int, help="how many LSTMs stand on each other")
    model.add_argument("--dropout", type=float, help="share of each LSTM's outputs that is left out while training")
    model.add_argument(
        "--weight-drop", type=float, help="share of each LSTM's recurrent weights that is left out while training"
    )
    model.add_argument(
        "--window",
        type=int,
        default=Params.__dataclass_fields__["window"].default,
        help="tokens of one step (default 128)",
    )
    model.add_argument(
        "--plain", action="store_true", help="the textbook network, which sees tokens and hears no pitches"
    )
    model.add_argument(
        "--no-memory", action="store_true", help="hear pitches alone: remember nothing of the piece, be told nothing"
    )
    model.add_argument("--gravity", type=float, help="the model's default when composing (default: measured)")
    model.add_argument("--tempo", type=float, help="the model's default when composing, quarters a minute")
    training = parser.add_argument_group("training")
    for flag, kind, help_text in (
        ("batch", int, "windows of one step"),
        ("epochs", int, "how often the music is gone through at most"),
        ("keys", int, "of its twelve keys, how many each piece is shown in an epoch"),
        ("learning-rate", float, "peak of the cosine"),
        ("weight-decay", float, "of AdamW"),
        ("average", float, "momentum of the moving average of the weights"),
        ("patience", int, "epochs without a better held-out loss before it stops"),
        ("seed", int, "of everything random"),
    ):
        training.add_argument(f"--{flag}", type=kind, help=f"{help_text} (default: what suits the music and the time)")
    training.add_argument(
        "--minutes", type=float, help=f"how long it may take (default {MINUTES:g}, without a limit with --epochs)"
    )
    training.add_argument(
        "--validation-share", type=float, default=0.1, help="share of the pieces that is held out (default 0.1)"
    )
    training.add_argument(
        "--resume", action="store_true", help="go on from the last epoch of a training that was stopped"
    )
    training.add_argument("--no-clips", action="store_true", help="no sample clips from the epochs")
    training.add_argument("--tensorboard", type=Path, metavar="DIR", help="write figures for TensorBoard")
    card = parser.add_argument_group("the model card")
    card.add_argument("--title", help="what the music is")
    card.add_argument("--source", help="where the music is from")
    card.add_argument("--terms", help="the terms of its use")
    return parser


def _idle(options: argparse.Namespace) -> str:
    """Say which options would do nothing; empty if there are none."""
    reading = ("rest_unit", "anchor", "metres", "as_printed", "least_on_grid", "parsed_only", *_LIMITS)
    shaping = ("size", "units", "layers", "plain", "no_memory")
    for names, given, why in (
        (reading, options.music == "-", "the notes are parsed already"),
        (shaping, options.base is not None, "a model keeps the shape of its --base"),
    ):
        if given and (idle := [f"--{name.replace('_', '-')}" for name in names if getattr(options, name)]):
            return f"leave out {', '.join(idle)}: {why}"
    return ""


def _parse(options: argparse.Namespace) -> tuple[Notes, float | None]:
    """Read the collection, or the notes that an earlier run left, and report."""
    path = options.parsed / "notes.txt"
    if options.music == "-":
        return read_notes(path), None
    base = None if options.base is None else bundle.load(options.base).params
    settings = CollectSettings(
        anchor=options.anchor or (base.anchor if base else "highest"),
        rest_unit=cast(RestUnit, options.rest_unit or (base.rest_unit if base else "auto")),
        metres=options.metres or IN_TWO_AND_FOUR,
        as_printed=options.as_printed,
        least_on_grid=options.least_on_grid,
        budget=_budget(options),
    )
    options.parsed.mkdir(parents=True, exist_ok=True)
    collection = collect(Path(options.music), settings, cache=options.parsed / ".cache")
    report.write_report(options.parsed / "report.csv", collection)
    print(*report.summary(collection), sep="\n", file=sys.stderr)
    print(*(f"- {hint}" for hint in report.hints(collection, settings.metres)), sep="\n", file=sys.stderr)
    report.require(collection)
    write_notes(path, collection.notes)
    return read_notes(path), collection.on_grid


def _budget(options: argparse.Namespace) -> Budget:
    """Return the limits on a piece, the size of a file growing with them."""
    given = {name: value for name in _LIMITS if (value := getattr(options, name)) is not None}
    budget = Budget()
    if not given:
        return budget
    seconds = 60 * given.get("most_minutes", budget.seconds // 60)
    notes, quarters = given.get("most_notes", budget.notes), given.get("most_quarters", budget.quarters)
    growth = max(1, -(-notes // budget.notes))
    return replace(
        budget, seconds=seconds, notes=notes, quarters=quarters, file_bytes=min(growth, 64) * budget.file_bytes
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _HIGHEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_HIGHEST:,}")
    return int(text)


def _train(options: argparse.Namespace, request: TrainRequest) -> None:
    options.parsed.mkdir(parents=True, exist_ok=True)
    with terminal.aside(options.parsed / "tensorflow.log"):
        print(f"Training on {device()}.", file=sys.stderr)
        stop = terminal.interrupted()
        if options.resume:
            request = _resumed(options, request)
        elif options.epochs is None:
            request = _planned(options, request, stop)
        training = _watched(options, request, stop)
    _conclude(training, options)


def _planned(options: argparse.Namespace, request: TrainRequest, stop: Callable[[], bool]) -> TrainRequest:
    """Choose what is left open in the first minute, and say so."""
    free = not options.from_nothing and not any(getattr(options, name) is not None for name in _SHAPE)
    leave = Open(
        bases=trial.bases(request.notes) if request.base is None and free and request.params.remembers else (),
        size=free,
        given=_given(options),
    )
    seconds = 60 * (options.minutes or MINUTES)
    return beginning.choose(request, seconds, leave, say=lambda line: print(line, file=sys.stderr), stop=stop)


def _resumed(options: argparse.Namespace, request: TrainRequest) -> TrainRequest:
    """Take up the plan of a training that goes on, for --minutes more; what has had all its epochs gets some more."""
    planned = beginning.kept(request) or request
    hyperparameters = replace(planned.hyperparameters, **_given(options), seconds=None)
    if options.minutes is not None:
        epochs = worker.history(options.parsed)
        spent = sum(epoch.seconds for epoch in epochs)
        hyperparameters = replace(hyperparameters, seconds=spent + options.minutes * 60)
        if epochs and len(epochs) >= hyperparameters.epochs and options.epochs is None:
            more = max(1, round(options.minutes * 60 * len(epochs) / spent))
            hyperparameters = replace(hyperparameters, epochs=len(epochs) + more)
            beginning.keep(replace(planned, hyperparameters=hyperparameters))
    return replace(planned, hyperparameters=hyperparameters)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the hyperparameters that were asked for."""
    names = (f.name for f in fields(Hyperparameters) if f.name != "seconds")
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _watched(options: argparse.Namespace, request: TrainRequest, stop: Callable[[], bool]) -> Trained:
    """Train, with a progress bar on the terminal."""
    bar = ProgressBar()
    board = None if options.tensorboard is None else tensorboard(options.tensorboard)
    begun = False

    def epoch_done(epoch: Epoch, clip: bytes | None) -> None:
        nonlocal begun
        begun = True
        bar.finish(epoch)
        if board is not None:
            board(epoch)

    try:
        return train(request, report=bar.show, epoch_done=epoch_done, stage=bar.say, stop=stop)
    except KeyboardInterrupt:
        if not begun and not options.resume:
            raise
        raise Cancelled("Stopped. Its epochs so far are kept: the same command with --resume goes on.") from None
    finally:
        bar.close()


def _request(options: argparse.Namespace, arguments: Sequence[str]) -> TrainRequest:
    """Ask for all but the notes: what is wrong is refused before they are read."""
    model = options.model or options.parsed / "model"
    bundle.check_name(model.name)
    if not options.parsed_only:
        require_tensorflow()
        files.prepare(model.parent / "params.json")
    given = {
        name: value
        for name in ("units", "layers", "dropout", "weight_drop", "gravity", "tempo")
        if (value := getattr(options, name)) is not None
    }
    seconds = None if options.minutes is None else options.minutes * 60
    facts: dict[str, Any] = {"command": f"python -m core.parse_and_train {shlex.join(arguments)}"}
    facts |= {name: value for name in ("title", "source", "terms") if (value := getattr(options, name)) is not None}
    return TrainRequest(
        notes=Notes("lowest", Fraction(1), ()),
        model=str(model),
        work=str(options.parsed),
        params=Params(
            **{**SIZES[options.size or "medium"], **given},
            window=options.window,
            hears=not options.plain,
            remembers=not options.no_memory,
        ),
        hyperparameters=Hyperparameters(**_given(options), seconds=seconds),
        base=None if options.base is None else str(options.base),
        validation_share=options.validation_share,
        resume=options.resume,
        gravity=options.gravity,
        clips=not options.no_clips,
        facts=facts,
    )


def _paced(options: argparse.Namespace, request: TrainRequest, notes: Notes) -> Params:
    """Take the tempo of the music's own marks, else that of a --base, unless another one was asked for."""
    tempo = notes.tempo
    if tempo is None and request.base is not None:
        tempo = bundle.load(Path(request.base)).params.tempo
    return request.params if tempo is None or options.tempo is not None else replace(request.params, tempo=tempo)


def _conclude(trained: Trained, options: argparse.Namespace) -> None:
    best = trained.best
    print(
        f"Ended: {trained.ended}. Best is epoch {best.epoch}: held-out loss {best.val_loss:.3f} nats a token.",
        file=sys.stderr,
    )
    for sentence in trained.advice:
        print(f"- {sentence}", file=sys.stderr)
    left = "curve.png and history.csv" if options.no_clips else "curve.png, history.csv and clips"
    print(
        f"The model is in {options.model or options.parsed / 'model'}; {left} are in {options.parsed}.", file=sys.stderr
    )
    if still_improving(trained.history):
        print("The same command with --resume --minutes 10 goes on from here.", file=sys.stderr)
    elif trained.ended == STOPPED:
        print("The same command with --resume goes on from here.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
