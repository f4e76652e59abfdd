"""Training: it learns, it can be stopped and killed, and it goes on as if nothing had happened."""

import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import Cancelled, TrainingError
from core.model import frames as columns
from core.model import hearing
from core.model.bundle import Params
from core.model.hearing import ID, Frames
from core.music import notation
from core.training.batches import in_key
from core.training.fit import Fitted, Hyperparameters, Run, fit
from core.training.progress import Progress

PARAMS = Params(rest_unit="1/2", units=16, layers=1, dropout=0.2, weight_drop=0.1, window=16)
PLAIN = replace(PARAMS, hears=False, remembers=False)  # whose graph is made in a fifth of the time
HYPERPARAMETERS = Hyperparameters(batch=4, epochs=3, keys=4, learning_rate=0.02, patience=5, seed=3)
NOTHING = {name: np.zeros(shape, np.float32) for name, shape in PLAIN.shapes.items()}
SCALES = ["60r162r164r165r167r169r171r172r4", "72r171r169r167r165r164r162r160r4", "60-4-7r265-4-9r267-4-7r260-4-7r4"]


def frames(params: Params = PARAMS) -> list[Frames]:
    return [columns.listen(notation.parse(text * 4), params) for text in SCALES]


def train(hyperparameters: Hyperparameters = HYPERPARAMETERS, params: Params = PARAMS, **arguments: Any) -> Fitted:
    return fit(params, frames(params), frames(params)[:1], hyperparameters, **arguments)


@pytest.fixture(scope="module")
def undisturbed() -> Fitted:
    return train()


def test_it_learns(undisturbed: Fitted) -> None:
    losses = [epoch.val_loss for epoch in undisturbed.history]
    assert losses[0] > losses[-1]
    assert losses[-1] < np.log(notation.SIZE) * 0.6
    assert undisturbed.best == int(np.argmin(losses)) + 1
    assert {name: tensor.shape for name, tensor in undisturbed.weights.items()} == PARAMS.shapes


@pytest.mark.slow  # the command line and the bot resume what was stopped and killed, too
def test_killed_stopped_and_resumed_it_reaches_the_same_weights(undisturbed: Fitted, tmp_path: Path) -> None:
    """SIGKILL comes in the middle of the second epoch, from within the process; then it is stopped there politely."""
    checkpoint = tmp_path / "checkpoint"
    program = f"""
        import os, signal
        from pathlib import Path
        from tests.core.training.test_fit import train
        def report(progress):
            if progress.epoch == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        train(checkpoint=Path({str(checkpoint)!r}), report=report)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], stderr=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]

    seen = list[Progress]()
    stopped = train(checkpoint=checkpoint, report=seen.append, stop=lambda: bool(seen))
    assert str(stopped.ended) == "stopped"
    assert stopped.history[0].val_loss == undisturbed.history[0].val_loss
    assert {progress.epoch for progress in seen} == {2}

    resumed = train(checkpoint=checkpoint)
    assert [epoch.val_loss for epoch in resumed.history] == [epoch.val_loss for epoch in undisturbed.history]
    for name, tensor in undisturbed.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], tensor)

    with pytest.raises(TrainingError, match="belongs to another training"):
        train(replace(HYPERPARAMETERS, seed=99), checkpoint=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="cannot be read"):
        train(checkpoint=checkpoint)


@pytest.mark.slow  # a job that is late is stopped so, and the command line by Ctrl-C
def test_stopped_in_its_first_epoch_it_keeps_what_it_has_and_goes_on_from_there(
    undisturbed: Fitted, tmp_path: Path
) -> None:
    checkpoint, seen = tmp_path / "checkpoint", list[Progress]()
    stopped = train(checkpoint=checkpoint, report=seen.append, stop=lambda: bool(seen))
    assert (str(stopped.ended), stopped.best, len(stopped.history)) == ("stopped", 1, 1)
    assert undisturbed.history[0].val_loss < stopped.history[0].val_loss < np.log(notation.SIZE)
    steps = list[int]()
    resumed = train(checkpoint=checkpoint, report=lambda progress: steps.append(progress.step))
    assert steps[0] > seen[-1].step
    assert [epoch.val_loss for epoch in resumed.history] == [epoch.val_loss for epoch in undisturbed.history]


def test_time_that_is_over_ends_it_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**6, 100))  # seconds; each look at the clock takes long
    monkeypatch.setattr("core.training.fit.time.monotonic", lambda: next(clock))
    fitted = train(replace(HYPERPARAMETERS, seconds=3_000), PLAIN)
    assert (str(fitted.ended), fitted.best, len(fitted.history)) == ("out of time", 1, 1)


def test_more_epochs_can_be_asked_for_when_it_goes_on_and_fewer_cannot(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    train(replace(HYPERPARAMETERS, epochs=1), PLAIN, checkpoint=checkpoint)
    longer = train(replace(HYPERPARAMETERS, epochs=2), PLAIN, checkpoint=checkpoint)
    assert len(longer.history) == 2
    with pytest.raises(TrainingError, match="belongs to another training"):
        train(replace(HYPERPARAMETERS, epochs=1), PLAIN, checkpoint=checkpoint)


@pytest.mark.slow  # test_beginning.py begins from one, too
def test_it_begins_from_a_base(undisturbed: Fitted) -> None:
    based = train(replace(HYPERPARAMETERS, epochs=1, learning_rate=1e-4), start=undisturbed.weights)
    assert based.history[0].val_loss < undisturbed.history[0].val_loss


def test_it_stops_early_when_it_no_longer_gets_better_and_does_not_go_on_when_resumed(tmp_path: Path) -> None:
    hopeless = replace(HYPERPARAMETERS, epochs=20, patience=2, learning_rate=0.5)
    early = train(hopeless, PLAIN, checkpoint=tmp_path / "checkpoint")
    assert len(early.history) < 20
    assert str(early.ended) == f"no better since epoch {early.best}"
    assert early.best == len(early.history) - 2
    resumed = train(hopeless, PLAIN, checkpoint=tmp_path / "checkpoint")
    assert (resumed.best, resumed.history, resumed.ended) == (early.best, early.history, early.ended)
    patient = train(replace(hopeless, patience=3), PLAIN, checkpoint=tmp_path / "checkpoint")
    assert len(patient.history) > len(early.history)


def test_a_checkpoint_belongs_to_its_music(tmp_path: Path) -> None:
    hyperparameters = replace(HYPERPARAMETERS, epochs=1)
    train(hyperparameters, PLAIN, checkpoint=tmp_path / "checkpoint")
    first, second, third = frames(PLAIN)
    for trained_on, held_out in (([first, second, second], [first]), ([first, second, third], [second])):
        with pytest.raises(TrainingError, match="belongs to another training"):
            fit(PLAIN, trained_on, held_out, hyperparameters, checkpoint=tmp_path / "checkpoint")


def test_the_order_of_the_first_weights_does_not_matter(tmp_path: Path) -> None:
    hyperparameters, chance = replace(HYPERPARAMETERS, epochs=1), np.random.default_rng(1)
    weights = {name: chance.standard_normal(shape).astype(np.float32) for name, shape in PLAIN.shapes.items()}
    first = train(hyperparameters, PLAIN, start=weights, checkpoint=tmp_path / "checkpoint")
    turned = dict(reversed(weights.items()))
    assert train(hyperparameters, PLAIN, start=turned, checkpoint=tmp_path / "checkpoint").history == first.history


def test_what_there_was_before_the_loss_broke_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    epoch = Run.epoch

    def broken(self: Run, *arguments: Any) -> bool:
        if len(self.history) == 1:
            self.variables[0].assign(self.variables[0] * np.nan)
        return epoch(self, *arguments)

    monkeypatch.setattr(Run, "epoch", broken)
    kept = train(params=PLAIN)
    assert str(kept.ended) == "the loss was no longer a number"
    assert (kept.best, len(kept.history)) == (1, 1)
    assert all(np.isfinite(tensor).all() for tensor in kept.weights.values())


def test_nothing_to_train_on_and_nothing_to_keep_are_sentences() -> None:
    with pytest.raises(TrainingError, match="at least two pieces"):
        fit(PLAIN, frames(PLAIN), [], HYPERPARAMETERS)
    with pytest.raises(Cancelled, match="no model yet"):
        train(params=PLAIN, stop=lambda: True)
    with pytest.raises(TrainingError, match=r"too little music for steps of 1000 windows"):
        train(replace(HYPERPARAMETERS, batch=1000), PLAIN)
    with pytest.raises(TrainingError, match="learning rate is too high"):
        train(
            replace(HYPERPARAMETERS, learning_rate=1, weight_decay=1),
            PLAIN,
            start={name: tensor * np.nan for name, tensor in NOTHING.items()},
        )


def test_each_piece_is_seen_in_all_twelve_keys() -> None:
    piece = frames()[0]
    firsts = {int(in_key(piece, semitones)[1, ID]) - notation.NOTES.start for semitones in notation.TRANSPOSITIONS}
    assert firsts == {60 + semitones for semitones in notation.TRANSPOSITIONS}
    assert len(notation.TRANSPOSITIONS) == 12


def test_a_piece_at_the_edge_moves_by_an_octave() -> None:
    high = columns.listen(notation.parse("127r1120-5r1"), PARAMS)
    assert in_key(high, 5)[1, hearing.PITCH] == 127 + 5 - 12
