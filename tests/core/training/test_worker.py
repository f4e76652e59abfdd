"""What a training's process says, and what it leaves, as later versions find it."""

import json
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from core.errors import Message, mark
from core.processes.messages import Parent
from core.training.worker import RESULT, RESULTS, EpochDone, Result, work
from tests.core.training.jobs import train_job

ENDED = Result(
    epochs=3,
    best=2,
    loss=1.5,
    val_loss=1.6,
    first_val_loss=2.0,
    seconds=9.5,
    ended=Message("no better since epoch 2"),
    advice=(Message("Give it more pieces."),),
)
BEFORE_VERSIONS = (
    '{"epochs": 3, "best": 2, "loss": 1.5, "val_loss": 1.6, "first_val_loss": 2.0, "seconds": 9.5,'
    ' "ended": "no better since epoch 2", "advice": ["Give it more pieces."]}'
)


def test_a_result_is_read_with_and_without_a_version(tmp_path: Path) -> None:
    assert Result.read(tmp_path) is None
    for written in (BEFORE_VERSIONS, json.dumps(RESULTS.write(ENDED))):
        (tmp_path / RESULT).write_text(written)
        assert Result.read(tmp_path) == ENDED


def test_a_result_keeps_what_its_messages_are_made_of(tmp_path: Path) -> None:
    ended = replace(
        ENDED,
        ended=mark("no better since epoch {best}", best=2),
        advice=(mark("Left out: {all}.", all=(mark("lost"),)),),
    )
    (tmp_path / RESULT).write_text(json.dumps(RESULTS.write(ended)))
    assert Result.read(tmp_path) == ended


@pytest.mark.slow
def test_no_epoch_takes_longer_than_agreed_and_what_there_is_of_it_is_kept(tiny_model: Path, tmp_path: Path) -> None:
    said: list[object] = []
    work(Parent(said.append, Event()), replace(train_job(tiny_model, tmp_path, pieces=40), seconds=0.06))
    assert isinstance(said[-1], EpochDone)
    result = Result.read(tmp_path)
    assert result is not None
    assert (result.epochs, str(result.ended)) == (1, "out of time")
