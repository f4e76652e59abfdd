"""The first minute of a training: a short one from each possible beginning, on this machine and this music."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.errors import CadenzaError, Cancelled
from core.model import bundle
from core.model.bundle import Params
from core.model.notes import Notes
from core.training import fit, recipe
from core.training.fit import Hyperparameters
from core.training.progress import Progress
from core.training.recipe import TrainRequest

SECONDS: Final = 15.0  # for each beginning
HELD_OUT: Final = 16  # pieces that are predicted
FEW_TURNS: Final = 3  # times that the music could be heard in the time, under which a small network comes further
SMALL_IS_FASTER: Final = 3  # times, than one of medium size


@dataclass(frozen=True, slots=True)
class Trial:
    """Tell how a beginning fared: the base's folder, None for nothing; nats a token on held-out pieces; its speed."""

    base: str | None
    val_loss: float
    tokens_per_second: float

    @property
    def name(self) -> str:
        """Name the beginning."""
        return "nothing" if self.base is None else Path(self.base).name


def bases(notes: Notes, shelf: Path = bundle.SHIPPED) -> tuple[str, ...]:
    """Return the folders of those models on a shelf from which these notes could go on: they hear, and write alike."""
    found = (str(shelf / name) for name in bundle.names(shelf))
    return tuple(folder for folder in found if _fits(bundle.load(Path(folder)).params, notes))


def _fits(params: Params, notes: Notes) -> bool:
    return params.hears and params.anchor == notes.anchor


def try_out(
    request: TrainRequest,
    beginnings: Sequence[str | None],
    *,
    seconds: float = SECONDS,
    stop: Callable[[], bool] = lambda: False,
) -> list[Trial]:
    """Train from each beginning for some seconds, and return how they fared, the best first.

    One that cannot be begun from is left out. Raises Cancelled where it was stopped.
    """
    trials = []
    for base in beginnings:
        if stop():
            raise Cancelled("Stopped before there was anything to keep.")
        try:
            trials.append(_try(replace(request, base=base), seconds, stop))
        except Cancelled:
            raise
        except CadenzaError:
            if base is None:
                raise
    return sorted(trials, key=lambda trial: trial.val_loss)


def _try(request: TrainRequest, seconds: float, stop: Callable[[], bool]) -> Trial:
    made = recipe.prepare(request)
    seen = list[tuple[float, Progress]]()

    def over() -> bool:
        return stop() or (len(seen) > 1 and seen[-1][0] - seen[0][0] > seconds)

    fitted = fit.fit(
        made.params,
        [made.pieces[place] for place in made.trained_on],
        [made.pieces[place] for place in made.held_out[:HELD_OUT]],
        _short(request.hyperparameters, based=request.base is not None),
        start=made.start,
        report=lambda progress: seen.append((time.monotonic(), progress)),
        stop=over,
    )
    tokens = request.hyperparameters.batch * made.params.window
    speed = fitted.history[-1].tokens_per_second
    if len(seen) > 1 and seen[-1][0] > seen[0][0]:  # the first steps make the graph
        speed = (seen[-1][1].step - seen[0][1].step) * tokens / (seen[-1][0] - seen[0][0])
    return Trial(request.base, fitted.history[fitted.best - 1].val_loss, speed)


def _short(hyperparameters: Hyperparameters, *, based: bool) -> Hyperparameters:
    return replace(hyperparameters, epochs=1, seconds=None, learning_rate=1e-3 if based else 3e-3, average=0.9)
