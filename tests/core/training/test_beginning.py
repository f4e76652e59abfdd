"""The first minute: what fares best is begun from, and what was chosen is taken up again."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, Message
from core.model import bundle
from core.model.bundle import Params
from core.model.notes import Entry, Notes, write_notes
from core.music.notation import Anchor
from core.training import beginning, plan, trial, worker
from core.training.beginning import Open
from core.training.fit import Hyperparameters
from core.training.recipe import SIZES, TrainRequest, train
from core.training.worker import TrainJob

SMALL = Params(units=8, layers=1, window=16, dropout=0, weight_drop=0)


def walks(anchor: Anchor = "lowest", pieces: int = 8) -> Notes:
    """Write melodies that go up and down one scale, in quarters."""
    chance = np.random.default_rng(7)
    scale = (60, 62, 64, 65, 67, 69, 71, 72)
    entries = []
    for number in range(pieces):
        places = np.clip(np.cumsum(chance.choice((-1, 1), 64)) % 14, 0, 13)
        entries.append(Entry(f"walk {number}", "".join(f"{scale[min(p, 13 - p)]}r2" for p in places)))
    return Notes(anchor, Fraction(1, 2), tuple(entries))


def ask(folder: Path, notes: Notes) -> TrainRequest:
    return TrainRequest(
        notes=notes,
        model=str(folder / "model"),
        work=str(folder),
        params=SMALL,
        hyperparameters=Hyperparameters(batch=2, epochs=6, keys=2, learning_rate=1e-2, seed=4),
        gravity=0,
        clips=False,
    )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three models: one that knows the walks, one that writes otherwise, one that does not hear."""
    folder = tmp_path_factory.mktemp("shelf")
    train(replace(ask(folder, walks()), model=str(folder / "walker")))
    made = bundle.load(folder / "walker")
    text = (folder / "walker" / "notes.txt").read_text()
    bundle.publish(folder / "upside", replace(made.params, anchor="highest"), made.weights, text)
    plain = Params(units=8, layers=1, hears=False, remembers=False)
    nothing = {name: np.zeros(shape, np.float32) for name, shape in plain.shapes.items()}
    bundle.publish(folder / "plain", plain, nothing, text)
    return folder


def test_only_models_that_hear_and_write_alike_are_tried(shelf: Path) -> None:
    assert trial.bases(walks(), shelf) == (str(shelf / "walker"),)
    assert trial.bases(walks("highest"), shelf) == (str(shelf / "upside"),)


def test_the_best_of_the_first_minute_is_begun_from_and_said(shelf: Path, tmp_path: Path) -> None:
    said = list[Message]()
    leave = Open(bases=[str(shelf / "walker")], given={"seed": 4})
    chosen = beginning.choose(ask(tmp_path, walks(pieces=6)), 20, leave, say=said.append)
    assert chosen.base == str(shelf / "walker")
    assert chosen.hyperparameters.seed == 4
    trying, begins, epoch = map(str, said)
    assert trying == "Trying what to begin from, for 2 seconds …"
    assert begins.startswith("Begins from walker. Held-out nats a token after the try: walker ")
    assert ", nothing " in begins
    assert f"An epoch shows each piece in {chosen.hyperparameters.keys} of its twelve keys" in epoch


def test_a_base_that_cannot_be_begun_from_is_left_out(shelf: Path, tmp_path: Path) -> None:
    request = replace(ask(tmp_path, walks()), base=None)
    tried = trial.try_out(request, [str(shelf / "upside"), None], seconds=0.1)
    assert [one.name for one in tried] == ["nothing"]
    assert tried[0].tokens_per_second > 0


def test_a_small_network_is_chosen_and_said_where_there_is_little_time(tmp_path: Path) -> None:
    said = list[Message]()
    chosen = beginning.choose(ask(tmp_path, walks()), 0.01, Open(size=True, given={}), say=said.append)
    assert {name: getattr(chosen.params, name) for name in SIZES["small"]} == SIZES["small"]
    assert str(said[1]).startswith("A small network it is")


def test_a_trial_that_is_stopped_leaves_no_plan(tmp_path: Path) -> None:
    request = ask(tmp_path, walks())
    with pytest.raises(Cancelled, match="before there was anything to keep"):
        beginning.choose(request, 60, Open(given={}), stop=lambda: True)
    assert beginning.kept(request) is None


@pytest.mark.slow
def test_a_job_that_leaves_its_beginning_open_goes_on_as_it_was_planned(shelf: Path, tmp_path: Path) -> None:
    write_notes(tmp_path / "notes.txt", walks())
    job = TrainJob(work=str(tmp_path), name="new", base=None, size="small", seconds=30, threads=1, shelf=str(shelf))
    said = list[Message]()
    first = worker.request(job, say=said.append)
    assert len(said) == 3
    assert first.base in (str(shelf / "walker"), None)
    again = worker.request(job, say=said.append)
    assert len(said) == 3  # nothing is tried twice
    assert (again.base, again.params) == (first.base, first.params)
    assert replace(again.hyperparameters, seconds=None) == replace(first.hyperparameters, seconds=None)


def test_a_job_with_time_enough_for_its_music_tries_nothing(shelf: Path, tmp_path: Path) -> None:
    write_notes(tmp_path / "notes.txt", replace(walks(), tempo=180.0))
    job = TrainJob(work=str(tmp_path), name="new", base=str(shelf / "walker"), size="small", seconds=1800, threads=1)
    said = list[Message]()
    request = worker.request(job, say=said.append)
    assert said == []
    assert request.params.tempo == 180  # of the music's own marks
    tokens = beginning.count(request.notes)
    assert request.hyperparameters == plan.plan(tokens, 1800, based=True, window=request.params.window)
    assert json.loads((tmp_path / beginning.PLAN).read_text())["base"] == str(shelf / "walker")
