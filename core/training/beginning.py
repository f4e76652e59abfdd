"""The first minute of a training that is left open: what it begins from, how large it is, and how long an epoch takes.

What was chosen stands in plan.json in the work folder, so that the training can be taken up again.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from core.errors import Message, mark
from core.model.notes import Notes
from core.music import notation
from core.processes import files
from core.training import plan, trial
from core.training.fit import Hyperparameters
from core.training.recipe import SIZES, TrainRequest

PLAN: Final = "plan.json"
SMALLEST_SHARE: Final = 0.5  # of the time that is left for the training, however long the trials took


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Say what is left open.

    `bases` are the folders of models to begin from, which are tried beside what is asked for; `size` whether a small
    network may take the place of the one asked for, and how much is left out while training; `given` are the
    hyperparameters that were asked for.
    """

    bases: Sequence[str] = ()
    size: bool = False
    given: Mapping[str, Any]


def choose(
    request: TrainRequest,
    seconds: float,
    leave: Open,
    *,
    say: Callable[[Message], None] = lambda sentence: None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainRequest:
    """Try what to begin from, choose how to train in the seconds there are, and say so.

    Raises CadenzaError; Cancelled where it was stopped.
    """
    began, tokens = time.monotonic(), count(request.notes)
    beginnings: list[str | None] = [request.base, *leave.bases]
    guess = plan.plan(tokens, seconds, based=request.base is not None, window=request.params.window)
    request = replace(request, hyperparameters=replace(guess, **leave.given))
    each = min(trial.SECONDS, seconds / 10 / len(beginnings))
    say(mark("Trying what to begin from, for {seconds:.0f} seconds …", seconds=each * len(beginnings)))
    trials = trial.try_out(request, beginnings, seconds=each, stop=stop)
    best = trials[0]
    if len(trials) > 1:
        fared = tuple(mark("{name} {loss:.2f}", name=one.name, loss=one.val_loss) for one in trials)
        say(mark("Begins from {name}. Held-out nats a token after the try: {fared}.", name=best.name, fared=fared))
    left = max(seconds - (time.monotonic() - began), SMALLEST_SHARE * seconds)
    speed, shape = best.tokens_per_second, dict[str, Any]()
    if best.base is None and leave.size and speed * left < trial.FEW_TURNS * tokens:
        shape, speed = dict(SIZES["small"]), speed * trial.SMALL_IS_FASTER
        say(mark("A small network it is: a larger one would hear this music too seldom in the time."))
    chosen = plan.plan(tokens, left, based=best.base is not None, window=request.params.window, speed=speed)
    hyperparameters = replace(chosen, **leave.given)
    if leave.size and not shape:
        shape = plan.left_out(hyperparameters.keys * hyperparameters.epochs)
    epoch = tokens * hyperparameters.keys / speed
    say(
        mark(
            "An epoch shows each piece in {keys} of its twelve keys and takes about {epoch} here: {epochs} of them in"
            " {all}.",
            keys=hyperparameters.keys,
            epoch=clock(epoch),
            epochs=hyperparameters.epochs,
            all=clock(hyperparameters.epochs * epoch),
        )
    )
    planned = replace(request, base=best.base, params=replace(request.params, **shape), hyperparameters=hyperparameters)
    keep(planned)
    return planned


def keep(request: TrainRequest) -> None:
    """Write down what was chosen: the base, the shape, and how it is trained."""
    shape = {name: getattr(request.params, name) for name in SIZES["small"]}
    settings = {**asdict(request.hyperparameters), "seconds": None}
    made = {"version": 2, "base": request.base, "shape": shape, "settings": settings}
    files.write_whole(Path(request.work) / PLAN, json.dumps(made))


def kept(request: TrainRequest, shelf: Path | None = None) -> TrainRequest | None:
    """Return a request with what was chosen for it before, maybe on another machine; None if that is not known.

    A base that is not where it was is the one that is asked for, or the one of that name on the shelf.
    """
    try:
        made = json.loads((Path(request.work) / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    shape = made["shape"] if made["version"] > 1 else SIZES.get(made["size"], {})
    params, base = replace(request.params, **shape), made["base"]
    if base is not None and not Path(base).exists():
        base = request.base or (base if shelf is None else str(shelf / Path(base).name))
    return replace(request, base=base, params=params, hyperparameters=Hyperparameters(**made["settings"]))


def count(notes: Notes) -> int:
    """Count the tokens of parsed pieces."""
    return sum(len(notation.parse(entry.text, notes.anchor)) for entry in notes.pieces)


def clock(seconds: float) -> str:
    """Write seconds as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02} min"
