"""The command line that evaluates a model and writes its card."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core import evaluate
from core.evaluation import card, evaluation
from core.model import bundle
from core.model.bundle import Params
from core.model.notes import Entry, Notes, lines
from core.music.score import from_text
from core.performing.performance import perform
from tests.core.examples import melody

DATA = Path(__file__).parent.parent / "data"
TEXTS = ("60-4-7r262r164r1", "60r162r164r165r4", "48-7-12-16r243-7-16-21r2", "67r165r164r262r1", "72r171r169-3r267r4")
TRAINING = {
    "title": "five made-up pieces",
    "source": "this test",
    "terms": "public domain",
    "command": "python -m core.parse_and_train music parsed",
    "pieces": 5,
    "held_out": [1, 3],
    "epochs": 4,
    "best_epoch": 3,
    "loss": 1.25,
    "val_loss": 1.5,
    "seconds": 125,
    "settings": {"batch": 16, "seed": 11},
    "versions": {"python": "3.11"},
}


def tune(seed: int, shift: int = 0) -> str:
    return "".join(f"{pitch + shift}r1" for pitch in melody(seed))


def write_music(folder: Path, *texts: str) -> Path:
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number}.mid").write_bytes(perform(from_text(text, "lowest", Fraction(1, 2)), tempo=96))
    return folder


def publish(folder: Path, training: dict[str, object], texts: Sequence[str] = TEXTS) -> Path:
    params = Params(rest_unit="1/2", units=8, layers=1, training=training)
    chance = np.random.default_rng(5)
    weights = {name: (chance.standard_normal(shape) * 0.2).astype(np.float32) for name, shape in params.shapes.items()}
    weights["output/bias"][0] += 4.0
    notes = Notes("lowest", params.unit, tuple(Entry(f"piece {i}", text) for i, text in enumerate(texts)))
    bundle.publish(folder, params, weights, "".join(f"{line}\n" for line in lines(notes)))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return publish(tmp_path / "small", TRAINING)


def run(*arguments: object) -> int:
    return evaluate.main([str(argument) for argument in (*arguments, "--samples", 4, "--seeds", 2)])


def test_it_prints_tables_and_ends_with_a_verdict_on_standard_output(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(model) == 0
    printed = capsys.readouterr()
    assert "| nats a token" in printed.out
    assert "| 6-gram of its training pieces" in printed.out
    assert "temperature 1.2" in printed.out
    *tables, verdict = [line for line in printed.out.splitlines() if line]
    assert all(line.startswith("|") for line in tables)
    assert verdict.startswith("Its pieces are most like the real ones at temperature ")
    assert "loop" in verdict
    assert "would help" in verdict  # it has learned nothing
    assert "nan" not in verdict.split()
    assert "seed 2" in printed.err
    assert sorted(path.name for path in model.iterdir()) == ["notes.txt", "params.json", "weights.safetensors"]


def test_all_figures_are_written_as_json(model: Path, tmp_path: Path) -> None:
    assert run(model, "--json") == 0
    assert run(model, "--json", tmp_path / "else.json") == 0
    figures = json.loads((model / "evaluation.json").read_text())
    assert figures == json.loads((tmp_path / "else.json").read_text())
    assert figures["pieces"] == 2
    assert figures["real"]["intervals_area"] is None  # two pieces cannot be halved
    assert figures["samples"][1]["figures"]["scale_consistency"]["mean"] <= 1
    assert figures["real_histograms"]["durations"]["1"] > 0.5
    for samples in figures["samples"]:
        assert samples["histograms"]["intervals"].keys() == figures["real_histograms"]["intervals"].keys()
        assert 0 < sum(samples["histograms"]["intervals"].values()) < 1.001


def test_the_card_tells_where_a_model_comes_from_and_how_good_it_is(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(model, "--card") == 0
    card = (model / "README.md").read_text()
    told = ("title", "source", "terms", "command")
    assert all(str(TRAINING[fact]) in card for fact in told)
    assert "5, 2 of them held out" in card
    assert "trained for 4 epochs. The weights of epoch 3 were kept" in card
    assert "1.500 nats a token" in card
    assert "Seed 11." in card
    assert "nan" not in card.split()
    assert "`python -m core.evaluate small --samples 4 --seeds 2` gives these figures again" in card
    tables = [block for block in capsys.readouterr().out.split("\n\n") if block.startswith("|")]
    tables[-1], _, _ = tables[-1].partition("\nIts pieces")
    assert all(table.strip() in card for table in tables)
    assert bundle.load(model).name == "small"


def test_a_card_names_the_options_that_its_figures_need_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (card, evaluation):  # the defaults, which take their time
        monkeypatch.setattr(module, "TAKES", 4)
        monkeypatch.setattr(module, "SEEDS", (1,))
    ordinary = publish(tmp_path / "ordinary", {"held_out": [0]})
    assert evaluate.main([str(ordinary), "--card"]) == 0
    assert "`python -m core.evaluate ordinary` gives these figures again" in (ordinary / "README.md").read_text()


def test_each_figure_of_samples_has_its_spread_over_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["".join(f"{pitch}r{1 + pitch % (2 + seed % 3)}" for pitch in melody(seed)) for seed in range(10)]
    folder = publish(tmp_path / "ten", {"held_out": list(range(8))}, texts)
    assert evaluate.main([str(folder), "--samples", "16", "--seeds", "2"]) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if "share of the real" in line]
    assert len(rows) == 2
    assert all("±" in cell for row in rows for cell in row[2:])


def test_a_card_leaves_out_what_a_training_does_not_tell(tmp_path: Path) -> None:
    bare = publish(tmp_path / "bare", {"held_out": [0]})
    assert run(bare, "--card") == 0
    card = (bare / "README.md").read_text()
    assert "None" not in card
    assert "## How it was trained" not in card


def test_a_folder_of_other_music_can_be_measured_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unknown = publish(tmp_path / "unknown", {})
    music = tmp_path / "music"
    music.mkdir()
    shutil.copy(DATA / "old_hundredth.mid", music)
    assert run(unknown, music, "--json", tmp_path / "figures.json") == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["pieces"] == 1
    assert figures["ngram"]["nats"]["mean"] > 0
    assert "left out" not in capsys.readouterr().err
    assert not (unknown / "evaluation.json").exists()


def test_what_a_model_has_learned_is_no_test_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scholar = publish(tmp_path / "scholar", {"held_out": [1]}, [tune(1), tune(2), "60r162r164r165r167r169r171r172r1"])
    short_in_another_key = "62r164r166r167r169r171r173r174r1"
    music = write_music(tmp_path / "music", tune(1, 2), tune(2), tune(3), short_in_another_key)
    assert run(scholar, music, "--json", tmp_path / "figures.json") == 0
    assert json.loads((tmp_path / "figures.json").read_text())["pieces"] == 2
    assert "2 of 4 pieces are left out: scholar was trained on them" in capsys.readouterr().err
    assert run(scholar, write_music(tmp_path / "known", tune(1, 5))) == 1
    assert "scholar was trained on every piece in" in capsys.readouterr().err


def test_two_models_are_compared_on_what_neither_was_trained_on(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = publish(tmp_path / "other", {"held_out": [1, 4]}, [*TEXTS[:4], tune(1)])
    shutil.copytree(model, twin := tmp_path / "twin")
    weights = load_file(twin / "weights.safetensors")
    weights["output/bias"][0] -= 4
    save_file(weights, twin / "weights.safetensors")
    assert run(twin, "--beside", model) == 0
    said = capsys.readouterr()
    assert "likelihood of the 2 pieces that neither was trained on" in said.err
    table = {row.split("|")[1].strip(): row.split("|")[2:5] for row in said.out.splitlines()}
    ours, theirs, lower = (float(table[name][0].split("±")[0]) for name in ("twin", "small", "twin is lower by"))
    assert abs(ours - theirs) > 0.1
    assert lower == pytest.approx(theirs - ours, abs=0.0011)
    assert run(model, "--beside", other) == 0
    assert "likelihood of the 1 pieces" in capsys.readouterr().err
    assert run(publish(tmp_path / "heard", {"held_out": [0]}), "--beside", model) == 1
    assert "small was trained on every piece that heard was not" in capsys.readouterr().err


def test_figures_of_other_music_are_never_written_in_the_place_of_a_models_own(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong, sentence in (("--card", "--card goes without FOLDER"), ("--json", "--json needs a FILE")):
        with pytest.raises(SystemExit) as stopped:
            run(model, DATA, wrong)
        assert stopped.value.code == 2
        assert sentence in capsys.readouterr().err
    assert sorted(path.name for path in model.iterdir()) == ["notes.txt", "params.json", "weights.safetensors"]


def test_a_model_is_found_by_its_name(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(model, model.parent / "models" / "named")
    monkeypatch.chdir(model.parent)
    assert evaluate.find("named") == Path("models/named")
    assert evaluate.find(str(model)) == model


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("missing",), "no model in missing"), (("{unknown}",), "name a FOLDER"), (("{model}", "nowhere"), "nowhere")],
)
def test_what_a_user_can_mend_is_a_sentence_and_exits_with_1(
    arguments: tuple[str, ...], sentence: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = publish(tmp_path / "unknown", {})
    assert run(*(argument.format(model=model, unknown=unknown) for argument in arguments)) == 1
    assert sentence in capsys.readouterr().err


def test_wrong_use_exits_with_2(model: Path) -> None:
    beside = (str(model), "--beside", str(model), "--card")
    for wrong in ((), (str(model), "--samples", "3"), (str(model), "--seeds", "many"), beside):
        with pytest.raises(SystemExit) as stopped:
            evaluate.main(wrong)
        assert stopped.value.code == 2


def test_it_needs_no_tensorflow(model: Path) -> None:
    program = (
        "import sys; from core import evaluate; evaluate.main(sys.argv[1:]); sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, model, "--samples", "4", "--seeds", "1"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
