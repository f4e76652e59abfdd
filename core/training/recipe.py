"""The recipe for training: from parsed notes to a published model, with its curve, clips and advice beside it."""

import csv
import io
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.composing import form, recipe
from core.composing.critic import critic, critic_of
from core.composing.novelty import Index
from core.composing.recipe import Composer, ComposeRequest
from core.corpus.split import split
from core.drawing.curve import learning_curve
from core.errors import AudioError, CorpusError, Message, TrainingError, check_range, named
from core.evaluation import defaults, figures
from core.evaluation.parsed import Parsed, parse, told
from core.model import bundle, frames
from core.model.bundle import Bundle, Params, Weights
from core.model.hearing import Frames
from core.model.notes import Notes, lines
from core.model.stepping import Stepper
from core.model.told import Told
from core.music.score import from_ids, from_text
from core.performing import audio
from core.processes.files import write_whole
from core.training.advice import advise
from core.training.fit import STOPPED, Fitted, Hyperparameters, device, fit
from core.training.progress import Epoch, Progress

CLIP_BARS: Final = 8
MEASURING: Final = 45  # seconds for what suits a model when it composes
MEASURING_WHEN_STOPPED: Final = 10  # seconds, for somebody who waits
TRIED: Final = 8  # pieces that are looked through for loops and quotes
TRIED_BARS: Final = 16
CLIPS: Final = 4  # epochs that leave a clip, spread over the training

SIZES: Final[Mapping[str, Mapping[str, Any]]] = {
    "small": {"units": 128, "layers": 1, "dropout": 0.3, "weight_drop": 0.1},
    "medium": {"units": 256, "layers": 2, "dropout": 0.5, "weight_drop": 0.4},
    "large": {"units": 384, "layers": 2, "dropout": 0.6, "weight_drop": 0.5},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """Ask for a model.

    `model` is the folder to publish it to, `work` the one for what a training leaves on its way. `base` is the folder
    of a model to begin from, whose shape then holds. `resume` goes on from the checkpoint in `work`; without it a
    checkpoint there is overwritten. `gravity` is the model's default when composing; None measures on the held-out
    pieces which one suits it. `on_grid` is the share of the collection's onsets that lay on the grid. `facts` are
    kept in params.json: title, source, terms and command. Raises RequestError for a `validation_share` that is none.
    """

    notes: Notes
    model: str
    work: str
    params: Params = field(default_factory=Params)
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    base: str | None = None
    validation_share: float = 0.1
    resume: bool = False
    gravity: float | None = None
    on_grid: float | None = None
    clips: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_range("validation share", self.validation_share, 0, 1)


@dataclass(frozen=True, slots=True)
class Trained:
    """Answer a request: the model's name and version, figures, why it ended, advice, and the learning curve as PNG.

    `quoted` are the shares of what the model composes, and of the held-out pieces, that stand in its training pieces.
    """

    name: str
    version: str
    history: tuple[Epoch, ...]
    best: Epoch
    ended: Message
    advice: tuple[Message, ...]
    curve: bytes
    quoted: tuple[float, float]


def require_tensorflow() -> None:
    """Raise TrainingError where the one package is missing that only a training needs."""
    if find_spec("tensorflow") is None:
        raise TrainingError("Training needs TensorFlow, which is not installed here: pip install 'cadenza[train]'.")


def train(
    request: TrainRequest,
    *,
    report: Callable[[Progress], None] = lambda progress: None,
    epoch_done: Callable[[Epoch, bytes | None], None] = lambda epoch, clip: None,
    stage: Callable[[str], None] = lambda sentence: None,
    stop: Callable[[], bool] = lambda: False,
    measuring: float | None = None,
) -> Trained:
    """Train a model and publish it.

    `epoch_done` gets each epoch's figures and, for some, a clip of what the model composes by then (MP3), `stage` what
    else there is to know. When `stop` says so, the best epoch so far is published. `measuring` seconds, MEASURING if
    it is None, are spent at most on what suits the model when it composes. Raises CadenzaError for anything that the
    user can mend.
    """
    work = Path(request.work)
    (work / "clips" if request.clips else work).mkdir(parents=True, exist_ok=True)
    bundle.check_name(Path(request.model).name)
    made = prepare(request)
    params, parsed, pieces = made.params, made.parsed, made.pieces
    trained_on, held_out = made.trained_on, made.held_out
    checkpoint = work / "checkpoint.safetensors"
    if not request.resume:
        checkpoint.unlink(missing_ok=True)
    elif not checkpoint.exists():
        raise TrainingError(
            "There is no checkpoint in {work} to resume from; leave --resume out to begin.", work=named(work)
        )

    def done(epoch: Epoch, weights: Weights) -> None:
        every = max(1, request.hyperparameters.epochs // CLIPS)
        wanted = request.clips and (epoch.epoch == 1 or epoch.epoch % every == 0)
        clip = _clip(work / "clips", params, weights, epoch.epoch, stage) if wanted else None
        epoch_done(epoch, clip)

    fitted = fit(
        params,
        [pieces[i] for i in trained_on],
        [pieces[i] for i in held_out],
        request.hyperparameters,
        start=made.start,
        checkpoint=checkpoint,
        report=report,
        epoch_done=done,
        stop=stop,
    )
    if params.remembers:
        habits = form.habits_of([made.told[i] for i in trained_on]).as_json()
        judge = critic_of([from_ids(parsed[i].ids, params.anchor, params.unit, parsed[i].metre) for i in trained_on])
        params = replace(params, habits=habits | judge.as_json())
    if request.gravity is None:
        params = _with_defaults(params, fitted, parsed, MEASURING if measuring is None else measuring, stage, stop)
    else:
        params = replace(params, gravity=request.gravity)
    params = replace(params, training=_facts(request, params, fitted, trained_on, held_out, sum(map(len, pieces))))
    bundle.publish(Path(request.model), params, fitted.weights, "".join(line + "\n" for line in lines(request.notes)))
    curve = learning_curve(fitted.history)
    write_whole(work / "curve.png", curve)
    write_whole(work / "history.csv", _history(fitted.history))
    published = bundle.load(Path(request.model))
    takes = _tried(published)
    known = [request.notes.pieces[i].text for i in held_out]
    advice = advise(
        fitted.history,
        stuck=_stuck(takes, params) - _stuck(known, params),
        tokens=sum(len(pieces[i]) for i in trained_on),
        pieces=len(trained_on),
        unit=request.notes.unit,
        on_grid=request.on_grid,
        based=request.base is not None,
    )
    best = fitted.history[fitted.best - 1]
    quoted = _quoted(takes, known, request.notes, trained_on)
    return Trained(published.name, published.version, fitted.history, best, fitted.ended, advice, curve, quoted)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Hold what a training begins with; `trained_on` and `held_out` are places among the pieces."""

    params: Params
    start: Weights | None
    parsed: Sequence[Parsed]
    told: Sequence[Told]
    pieces: Sequence[Frames]
    trained_on: Sequence[int]
    held_out: Sequence[int]


def prepare(request: TrainRequest) -> Prepared:
    """Parse the notes of a request, hear them, and choose what to hold out. Raises CadenzaError."""
    params, start = _beginning(request)
    parsed, whats, pieces = _heard(request.notes, params.hears, params.remembers)
    trained_on, held_out = _split(request.notes, request.validation_share, request.hyperparameters.seed)
    if not trained_on or not held_out:
        raise CorpusError("At least two pieces are needed: one to train on and one to test with.")
    return Prepared(params, start, parsed, whats, pieces, trained_on, held_out)


def _with_defaults(
    params: Params,
    fitted: Fitted,
    real: Sequence[Parsed],
    most: float,
    stage: Callable[[str], None],
    stop: Callable[[], bool],
) -> Params:
    """Measure how the model is to compose by default, for some seconds, or until somebody asks to stop in them."""
    stopped = fitted.ended == STOPPED
    seconds = min(most, MEASURING_WHEN_STOPPED) if stopped else most
    stage(
        "Measuring how strongly it must keep to its key, and which tokens are too unlikely, to be like the real pieces:"
        f" {seconds:g} seconds at most …"
    )
    until = time.monotonic() + seconds
    chosen = defaults.choose(
        Bundle("new", params, fitted.weights, ""),
        real,
        over=lambda: time.monotonic() > until or (not stopped and stop()),
    )
    if not chosen.finished:
        stage("There was no time to measure all of it; what was measured until then decides.")
    return replace(params, gravity=chosen.gravity, top_p=chosen.top_p)


@lru_cache(maxsize=1)  # a training is prepared once for each beginning that is tried, and once more
def _heard(notes: Notes, hears: bool, remembers: bool) -> tuple[list[Parsed], list[Told], list[Frames]]:
    """Parse notes, and hear them; whatever network it is for, what they sound is the same."""
    params = Params(anchor=notes.anchor, rest_unit=str(notes.unit), hears=hears, remembers=remembers)
    parsed = parse(notes)
    whats = [told(piece, params) for piece in parsed]
    return parsed, whats, [frames.listen(piece.ids, params, what) for piece, what in zip(parsed, whats, strict=True)]


_split = lru_cache(maxsize=1)(split)


def _beginning(request: TrainRequest) -> tuple[Params, Weights | None]:
    """Return the parameters of the model to be, and the weights that it begins from."""
    notes = request.notes
    if request.base is None:
        return replace(request.params, anchor=notes.anchor, rest_unit=str(notes.unit), training={}), None
    base = bundle.load(Path(request.base))
    if base.params.anchor != notes.anchor:
        raise TrainingError(
            "{base} writes the {anchor} note of a chord first, and these notes the {other}: parse them with --anchor"
            " {anchor}.",
            base=base.name,
            anchor=base.params.anchor,
            other=notes.anchor,
        )
    shape = {name: getattr(base.params, name) for name in ("units", "layers", "hears")}
    params = replace(request.params, anchor=notes.anchor, rest_unit=str(notes.unit), training={}, **shape)
    return params, base.weights if base.params.remembers == params.remembers else with_memory(base)


def with_memory(base: Bundle) -> Weights:
    """Return the weights of a model that hears, with those of a memory beside them, which are zero at first."""
    params, weights = replace(base.params, remembers=True), dict(base.weights)
    for name in ("lstm0/kernel", "output/kernel", "output/bias"):
        axis = 0 if name == "lstm0/kernel" else -1  # the memory's rows and columns come last
        known = weights[name]
        new = params.shapes[name][axis] - known.shape[axis]
        around = [(0, 0)] * known.ndim
        around[axis] = (0, new)
        weights[name] = np.pad(known, around)
    return weights


def _clip(folder: Path, params: Params, weights: Weights, epoch: int, stage: Callable[[str], None]) -> bytes | None:
    """Compose a clip with the weights of an epoch and keep it in a folder; without a synthesizer there is no sound."""
    made = Bundle("clip", params, weights, str(epoch))
    composer = Composer(made, Stepper(made), Index(()))
    request = ComposeRequest(model="clip", seed=epoch, bars=CLIP_BARS, audio=None, picture=False)
    clip = recipe.compose(request, composer).takes[0]
    write_whole(folder / f"epoch-{epoch:03}.mid", clip.midi)
    try:
        sound = audio.render(clip.midi)
    except AudioError as error:
        stage(f"The clip of epoch {epoch} has notes and no sound. {error}")
        return None
    write_whole(folder / f"epoch-{epoch:03}.mp3", sound)
    return sound


def _tried(made: Bundle) -> list[str]:
    """Compose some pieces with a model, as it does when it is asked, the critic's choice included."""
    ask = ComposeRequest(model=made.name, seed=1, bars=TRIED_BARS, takes=TRIED, audio=None, picture=False)
    composer = Composer(made, Stepper(made), Index(()), critic(made.params.habits))
    return [take.text for take in recipe.compose(ask, composer).takes]


def _stuck(texts: Sequence[str], params: Params) -> float:
    """Return the share of pieces that repeat one note, or one chord, over and over."""
    return float(np.mean([figures.one_note_loop(from_text(text, params.anchor, params.unit)) for text in texts]))


def _quoted(takes: Sequence[str], real: Sequence[str], notes: Notes, trained_on: Sequence[int]) -> tuple[float, float]:
    """Return which share of some pieces of a model, and of its held-out pieces, its training pieces have too."""
    index = Index([(notes.pieces[i].title, notes.pieces[i].text) for i in trained_on])
    own, others = ([index.quoted(text) for text in texts] for texts in (takes, real[:TRIED]))
    return float(np.mean(own)), float(np.mean(others))


def _facts(
    request: TrainRequest,
    params: Params,
    fitted: Fitted,
    trained_on: Sequence[int],
    held_out: Sequence[int],
    tokens: int,
) -> dict[str, Any]:
    best = fitted.history[fitted.best - 1]
    return {
        **request.facts,
        "base": None if request.base is None else Path(request.base).name,
        "pieces": len(trained_on) + len(held_out),
        "held_out": list(held_out),
        "tokens": tokens,
        "parameters": sum(_size(shape) for shape in params.shapes.values()),
        "epochs": len(fitted.history),
        "best_epoch": fitted.best,
        "ended": str(fitted.ended),
        "loss": round(best.loss, 4),
        "val_loss": round(best.val_loss, 4),
        "val_accuracy": round(best.val_accuracy, 4),
        "seconds": round(sum(epoch.seconds for epoch in fitted.history)),
        "device": device(),
        "settings": asdict(request.hyperparameters),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy")},
        },
    }


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for width in shape:
        size *= width
    return size


def _history(history: Sequence[Epoch]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(f.name for f in fields(Epoch))
    writer.writerows(asdict(epoch).values() for epoch in history)
    return text.getvalue()
