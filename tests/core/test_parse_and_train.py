"""The command line for training, on real files: the report, the model, stopping, resuming, going on from a base."""

import csv
import os
import re
import subprocess
import sys
import textwrap
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core import parse_and_train
from core.composing import recipe
from core.composing.recipe import ComposeRequest
from core.model import bundle
from core.music import score
from core.performing import performance
from core.training import monitor

MANNER = ["--window=16", "--batch=2", "--epochs=2", "--keys=1", "--seed=4"]
QUICK = ["--units=8", "--layers=1", *MANNER]


def midi(seed: int, semitones: int = 0) -> bytes:
    chance = np.random.default_rng(seed)
    scale = (60, 62, 64, 65, 67, 69, 71, 72)
    text = "".join(f"{chance.choice(scale) + semitones}r{chance.integers(1, 5)}" for _ in range(40))
    return performance.perform(score.from_text(text, "lowest", Fraction(1, 2)))


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for seed in range(6):
        (folder / f"good {seed}.mid").write_bytes(midi(seed))
    (folder / "deep").mkdir()
    (folder / "deep" / "again.mid").write_bytes(midi(0, semitones=3))
    (folder / "damaged.mid").write_bytes(midi(1)[:60])
    (folder / "words.mid").write_text("These are words.")
    (folder / "empty.mid").write_bytes(b"")
    (folder / "notes.txt").write_text("buy milk")
    (folder / "waltz.abc").write_text("X:1\nT:A waltz\nM:3/4\nL:1/4\nK:C\nCDE|FGA|Bcd|efg|abc|\n")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("inside/good 7.mid", midi(7))
    return folder


@pytest.fixture(scope="module")
def trained(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    parsed = tmp_path_factory.mktemp("parsed")
    assert parse_and_train.main([str(music), str(parsed), *QUICK, "--title=Made-up scales"]) == 0
    return parsed


def test_the_report_says_what_became_of_every_file(trained: Path) -> None:
    with (trained / "report.csv").open(newline="") as file:
        lines = {line["file"]: line for line in csv.DictReader(file)}
    kept = {name for name, line in lines.items() if line["kept"] == "True"}
    reasons = {name.split("/")[-1]: line["reason"] for name, line in lines.items() if name not in kept}
    assert len(kept) == 7
    assert set(reasons) == {"again.mid", "damaged.mid", "words.mid", "empty.mid", "notes.txt", "waltz.abc"} or set(
        reasons
    ) == {"good 0.mid", "damaged.mid", "words.mid", "empty.mid", "notes.txt", "waltz.abc"}
    assert all(reason.endswith(".") for reason in reasons.values())
    assert "3/4" in reasons["waltz.abc"]


def test_the_model_composes_and_its_training_can_be_looked_at(trained: Path) -> None:
    params = bundle.load(trained / "model").params
    assert params.training["title"] == "Made-up scales"
    assert params.training["pieces"] == 7
    assert len(params.training["held_out"]) == 1
    assert "core.parse_and_train" in params.training["command"]
    (take,) = recipe.compose(ComposeRequest(model=str(trained / "model"), bars=2, seed=1, audio=None)).takes
    assert take.bars == 2
    assert (trained / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert (trained / "history.csv").read_text().count("\n") == 3
    assert {path.suffix for path in (trained / "clips").iterdir()} == {".mid", ".mp3"}


def test_limits_are_raised_and_hints_say_what_would_keep_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    slow = "".join(f"{60 + step}r4r4r4r4" for step in range(12)) * 60  # 5,760 quarters
    (folder / "long.mid").write_bytes(performance.perform(score.from_text(slow, "lowest", Fraction(1, 2))))
    (folder / "waltz.abc").write_text("X:1\nM:3/4\nL:1/4\nK:C\nCDE|FGA|Bcd|efg|abc|\n")
    (folder / "short.mid").write_bytes(midi(1))
    arguments = [str(folder), str(tmp_path / "parsed"), "--parsed-only"]
    assert parse_and_train.main(arguments) == 0
    said = capsys.readouterr().err
    assert "Kept 1 of 3" in said
    assert "- --metres all reads" in said
    assert "- --most-minutes and --most-quarters raise the limits that kept one piece out." in said
    assert parse_and_train.main([*arguments, "--most-minutes=60", "--most-quarters=9000", "--metres=all"]) == 0
    said = capsys.readouterr().err
    assert "Kept 3 of 3" in said
    assert "--m" not in said
    with pytest.raises(SystemExit, match="2"):
        parse_and_train.main([*arguments, "--most-notes=0"])


def test_a_later_run_trains_from_the_parsed_notes_alone_and_from_a_base(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_bytes((trained / "notes.txt").read_bytes())
    arguments = [
        "-",
        str(tmp_path),
        *MANNER,
        "--no-clips",
        "--epochs=1",
        f"--base={trained / 'model'}",
        "--learning-rate=1e-5",
    ]
    assert parse_and_train.main(arguments) == 0
    assert f"curve.png and history.csv are in {tmp_path}." in capsys.readouterr().err
    params = bundle.load(tmp_path / "model").params
    before = bundle.load(trained / "model").params.training
    assert params.training["base"] == "model"
    assert params.training["val_loss"] == pytest.approx(before["val_loss"], abs=0.05)


def test_ctrl_c_twice_stops_at_once_once_keeps_the_best_so_far_and_resume_goes_on(
    trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_bytes((trained / "notes.txt").read_bytes())
    arguments = ["-", str(tmp_path), *QUICK, "--plain", "--no-clips", "--patience=99"]

    twice = interrupted(["epoch   2", "Measuring"], *arguments, "--epochs=22")
    assert twice.returncode == 1, twice.stderr
    assert "Its epochs so far are kept: the same command with --resume goes on." in twice.stderr
    assert "Traceback" not in twice.stderr
    assert not (tmp_path / "model").exists()

    assert parse_and_train.main([*arguments, "--epochs=2", "--resume"]) == 1  # another plan is another training

    once = interrupted(["epoch   3"], *arguments, "--epochs=22", "--resume")
    assert once.returncode == 0, once.stderr
    assert "Training on the" in once.stderr
    assert re.search(
        r"epoch 3/22: .*loss \d\.\d+, held-out \d.*, accuracy 0\.\d+, [\d,]+ tokens/s, \d+:\d\d left", once.stderr
    )
    assert "epoch   2" not in once.stderr
    assert "Ended: stopped" in once.stderr
    assert "--resume" in once.stderr
    assert "Traceback" not in once.stderr
    assert bundle.load(tmp_path / "model").params.training["epochs"] == 3
    assert (tmp_path / "checkpoint.safetensors").exists()

    assert "executor.cc" not in once.stderr  # what TensorFlow has to say is in its own log
    assert "executor.cc" in (tmp_path / "tensorflow.log").read_text()


def interrupted(moments: list[str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a process that presses Ctrl-C as soon as it has said a line that begins so."""
    program = f"""
        import signal, sys
        from core import parse_and_train
        from core.training.monitor import ProgressBar
        say, moments = ProgressBar.say, {moments}
        def say_and_press(bar, line):
            say(bar, line)
            if moments and line.startswith(moments[0]):
                moments.pop(0)
                signal.raise_signal(signal.SIGINT)
        ProgressBar.say = say_and_press
        sys.exit(parse_and_train.main({list(arguments)}))
    """
    talkative = {**os.environ, "TQDM_MININTERVAL": "0", "TF_CPP_VMODULE": "executor=1"}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, env=talkative)


@pytest.mark.slow  # test_beginning.py looks at the plans themselves
def test_without_epochs_it_plans_for_the_time_says_so_and_goes_on_when_asked(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_bytes((trained / "notes.txt").read_bytes())
    arguments = ["-", str(tmp_path), "--units=8", "--layers=1", "--window=16", "--seed=4", "--no-clips"]
    assert parse_and_train.main([*arguments, "--minutes=0.02"]) == 0
    said = capsys.readouterr().err
    assert re.search(r"An epoch shows each piece in \d+ of its twelve keys and takes about \d+:\d\d min here", said)
    assert "goes on from here" in said
    before = bundle.load(tmp_path / "model").params.training
    assert parse_and_train.main([*arguments, "--resume", "--minutes=0.02"]) == 0
    after = bundle.load(tmp_path / "model").params.training
    assert after["settings"]["epochs"] >= before["settings"]["epochs"]
    assert after["val_loss"] <= before["val_loss"]


def test_a_folder_without_music_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "words.mid").write_text("These are words.")
    assert parse_and_train.main([str(tmp_path / "in"), str(tmp_path / "out"), *QUICK]) == 1
    assert "nothing to train on" in capsys.readouterr().err
    assert parse_and_train.main([str(tmp_path / "absent"), str(tmp_path / "out"), *QUICK]) == 1
    assert parse_and_train.main(["-", str(tmp_path / "out"), *QUICK]) == 1


@pytest.mark.parametrize(
    "wrong",
    ["--units=0", "--dropout=2", "--batch=0", "--epochs=0", "--keys=13", "--learning-rate=0", "--validation-share=nan"],
)
def test_settings_out_of_range_are_sentences(wrong: str, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_and_train.main(["-", str(trained), *QUICK, "--no-clips", wrong]) == 1
    assert "must be" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        "--units=0",
        "--dropout=2",
        "--batch=0",
        "--epochs=0",
        "--keys=13",
        "--learning-rate=0",
        "--minutes=nan",
        "--minutes=-5",
        "--validation-share=5",
        "--gravity=99",
        "--tempo=1",
        "--model=Not A Name",
        "--model=/proc/nowhere/model",
    ],
)
def test_what_is_wrong_is_a_sentence_before_any_music_is_read(
    wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parse_and_train.main([str(tmp_path / "absent"), str(tmp_path / "parsed"), *QUICK, wrong]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "absent" not in said


@pytest.mark.parametrize(
    ("arguments", "idle"),
    [
        (["-", "--rest-unit=1", "--anchor=highest"], "--rest-unit, --anchor: the notes are parsed already"),
        (["-", "--parsed-only"], "--parsed-only"),
        (["music", "--base=model", "--size=small", "--no-memory"], "--size, --no-memory: a model keeps the shape"),
    ],
)
def test_options_that_would_do_nothing_are_wrong_use(
    arguments: list[str], idle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse_and_train.main([*arguments, str(tmp_path)])
    assert f"leave out {idle}" in capsys.readouterr().err


def test_a_machine_without_a_synthesizer_trains_without_sound_and_figures_go_to_tensorboard(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_bytes((trained / "notes.txt").read_bytes())
    monkeypatch.setenv("PATH", str(tmp_path))
    board = tmp_path / "board"
    arguments = ["-", str(tmp_path), *QUICK, "--no-memory", "--epochs=1", f"--tensorboard={board}"]
    assert parse_and_train.main(arguments) == 0
    params = bundle.load(tmp_path / "model").params
    assert (params.hears, params.remembers) == (True, False)
    said = capsys.readouterr().err
    assert "The clip of epoch 1 has notes and no sound. FluidSynth" in said
    assert "Measuring how strongly" in said
    assert [path.name for path in (tmp_path / "clips").iterdir()] == ["epoch-001.mid"]
    [events] = board.iterdir()
    assert b"val_loss" in events.read_bytes()

    (tmp_path / "file").touch()
    arguments = ["-", str(tmp_path), *QUICK, f"--tensorboard={tmp_path / 'file' / 'in it'}"]
    assert parse_and_train.main(arguments) == 1
    assert "TensorBoard's files cannot be written" in capsys.readouterr().err
    monkeypatch.setattr(monitor, "find_spec", lambda name: None)
    assert parse_and_train.main(arguments) == 1
    assert "pip install tensorboard" in capsys.readouterr().err
