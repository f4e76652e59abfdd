"""The command line for composing: real processes, their files and their exit codes."""

import io
import subprocess
import sys
from pathlib import Path

import av
import pytest
import soundfile
from PIL import Image

from core import generate_music
from core.composing import recipe
from core.performing import performance
from tests.core.examples import DATA


def model_files(folder: Path) -> list[str]:
    return [str(folder / name) for name in ("weights.safetensors", "params.json", "notes.txt")]


def test_it_writes_what_is_asked_for_and_prints_the_notation_again_with_the_same_seed(
    tiny_model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out" / "piece.mid"
    command = [sys.executable, "-m", "core.generate_music", *model_files(tiny_model), str(output), "72r1"]
    command += ["--temperature", "1.1", "--seed", "7", "--bars", "4", "--audio", "--picture", "--film"]
    first = subprocess.run(command, capture_output=True, text=True)
    files = {path.name: path.read_bytes() for path in output.parent.iterdir()}
    second = subprocess.run(command, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("72r1")
    assert first.stdout.count("\n") == 1
    assert first.stdout == second.stdout
    assert sorted(files) == ["piece.mid", "piece.mp3", "piece.mp4", "piece.png"]
    assert files == {path.name: path.read_bytes() for path in output.parent.iterdir()}
    length = performance.duration(files["piece.mid"])
    assert soundfile.info(output.with_suffix(".mp3")).duration == pytest.approx(length, abs=0.5)
    with av.open(io.BytesIO(files["piece.mp4"])) as film:
        assert film.duration / 1e6 == pytest.approx(length, abs=0.1)
    assert Image.open(io.BytesIO(files["piece.png"])).size[0] > 500
    assert "seed 7" in first.stderr


@pytest.mark.parametrize(
    ("primer", "options", "begins", "said"),
    [
        ("C4 E4 G4", [], "60r264r267r2", "Primer: Note names with octaves: C4 is middle C."),
        ("c/d/ e | f g |", [], "72r174r176r2", "Primer: Note names as in ABC"),
        (
            "72r177r179r181-12-40r2",
            [],
            "72r177r179r141-28-40r2",
            "Primer: The notation, chords from their highest note.",
        ),
        ("old_hundredth.krn", ["--track=melody", "--from-bar=2", "--primer-bars=1"], "67r269r271r4", "bars 2 to 2."),
        ("old_hundredth.mid", ["--primer-bars=1"], "r4r255-12r2", "its 2 parts, bars 1 to 1."),
    ],
)
def test_a_primer_may_be_names_or_a_file_and_it_says_how_it_was_read(
    primer: str,
    options: list[str],
    begins: str,
    said: str,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = str(DATA / primer) if (DATA / primer).exists() else primer
    arguments = [*model_files(tiny_model), str(tmp_path / "piece.mid"), given, "--bars=4", "--seed=1", *options]
    assert generate_music.main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(begins)
    assert said in captured.err


def test_takes_are_numbered(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "piece.mid"
    assert (
        generate_music.main([*model_files(tiny_model), str(output), "", "--takes", "3", "--bars", "2", "--seed", "1"])
        == 0
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["piece-2.mid", "piece-3.mid", "piece.mid"]
    captured = capsys.readouterr()
    assert len(set(captured.out.splitlines())) == 3
    assert captured.err.count("2 bars, ") == 3


def test_bars_of_a_piece_are_rewritten(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    piece = "60r264r267r272r2" * 4
    options = ["--rewrite", "2-3", "--seed", "3", "--effort", "1", "--takes", "2"]
    assert generate_music.main([*model_files(tiny_model), str(tmp_path / "a.mid"), piece, *options]) == 0
    for line in capsys.readouterr().out.splitlines():
        assert line.startswith(piece[:16])
        assert line.endswith(piece[:16])
        assert line != piece
    assert (tmp_path / "a-2.mid").exists()
    assert generate_music.main([*model_files(tiny_model), str(tmp_path / "a.mid"), piece, "--rewrite", "9"]) == 1
    assert "bars 1 to 4" in capsys.readouterr().err


def test_a_single_bar_is_a_bar(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*model_files(tiny_model), str(tmp_path / "piece.mid"), "72r1", "--bars=1"]
    assert generate_music.main(arguments) == 0
    assert ", 1 bar, " in capsys.readouterr().err


def test_a_mood_is_a_temperature_and_a_top_p(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for options in (["--mood=bold"], ["--temperature=1.35", "--top-p=0.98"], ["--mood=careful"]):
        arguments = [*model_files(tiny_model), str(tmp_path / "piece.mid"), "72r1", "--bars=4", "--seed=1", *options]
        assert generate_music.main(arguments) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1] != told[2]


@pytest.mark.parametrize("sound", ["wav", "flac", "ogg"])
def test_other_formats_are_what_they_are_called(sound: str, tiny_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "piece.mid"
    assert generate_music.main([*model_files(tiny_model), str(output), "60r1", "--bars", "1", "--audio", sound]) == 0
    assert soundfile.info(output.with_suffix(f".{sound}")).format == sound.upper()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({4: "7276r1"}, "7276 is not a MIDI note"),
        ({4: "C4 do"}, "   ^^ 'do' is no note that I know"),
        ({4: "120-9-20r1 3-60-80r1"}, "from its lowest note or from its highest?"),
        ({3: "piece.wav"}, "must end with .mid"),
        ({0: "nothing.safetensors"}, "cannot be read"),
        ({2: "nothing.txt"}, "cannot be read"),
        ({5: "--bars=0"}, "The number of bars is 0; it must be from 1 to 64."),
        ({5: "--temperature=0"}, "temperature is 0"),
        ({5: "--mood=wild"}, "There is no mood called 'wild'."),
        ({5: "--instrument=spoons"}, "no instrument or ensemble called"),
    ],
)
def test_what_the_user_can_mend_exits_with_1_and_a_sentence(
    change: dict[int, str], sentence: str, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*model_files(tiny_model), str(tmp_path / "piece.mid"), "72r1", "--seed=1"]
    for place, value in change.items():
        arguments[place] = value
    assert generate_music.main(arguments) == 1
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("line", "other", "difference"),
    [
        ("# anchor: lowest", "# anchor: highest", "its anchor is highest, and the model's lowest"),
        ("# rest unit: 1/2", "# rest unit: 1", "its rest unit is 1, and the model's 1/2"),
    ],
)
def test_notes_of_another_model_are_refused(
    line: str, other: str, difference: str, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = model_files(tiny_model)
    notes = tmp_path / "notes.txt"
    notes.write_text(Path(files[2]).read_text().replace(line, other))
    assert generate_music.main([*files[:2], str(notes), str(tmp_path / "piece.mid"), "72r1"]) == 1
    assert f"{tmp_path.name}/notes.txt does not belong to the model tiny: {difference}." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("file/piece.mid", "{folder}/file is not a folder"),
        ("file/deep/piece.mid", "{folder}/file is not a folder"),
        ("folder.mid", "{folder}/folder.mid is a folder"),
        ("/proc/piece.mid", "/proc/piece.mid cannot be written"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    output: str,
    sentence: str,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recipe, "compose", None)  # what is called nevertheless raises
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.mid").mkdir()
    assert generate_music.main([*model_files(tiny_model), str(tmp_path / output), "72r1", "--bars", "1"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(sentence.format(folder=tmp_path))
    assert captured.out == ""


def test_what_cannot_be_written_whole_is_not_written_at_all(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "piece.png").mkdir()
    arguments = [*model_files(tiny_model), str(tmp_path / "piece.mid"), "72r1", "--bars=1", "--picture"]
    assert generate_music.main(arguments) == 1
    captured = capsys.readouterr()
    assert f"{tmp_path / 'piece.png'} is a folder" in captured.err
    assert captured.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["piece.mid", "piece.png"]


def test_a_full_disk_leaves_what_was_there(tiny_model: Path, tmp_path: Path) -> None:
    piece = tmp_path / "piece.mid"
    piece.write_bytes(b"an older piece")
    command = [sys.executable, "-m", "core.generate_music", *model_files(tiny_model), str(piece), "72r1", "--bars=4"]
    full = ["bash", "-c", 'trap "" XFSZ; ulimit -f 0; "$@"', "bash", *command]
    done = subprocess.run(full, capture_output=True, text=True)
    assert f"{piece} cannot be written: File too large." in done.stderr
    assert done.returncode == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"piece.mid": b"an older piece"}


@pytest.mark.parametrize("arguments", [[], ["--bars", "many"], ["a", "b", "c", "d", "e", "--colour"]])
def test_wrong_use_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        generate_music.main(arguments)
    assert caught.value.code == 2


def test_sheet_music_stands_beside_the_piece(tiny_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "air.mid"
    arguments = [*model_files(tiny_model), str(output), "72r1", "--seed", "7", "--bars", "4", "--sheet", "--pdf"]
    assert generate_music.main(arguments) == 0
    assert {"air.mid", "air.musicxml", "air.pdf", "air.sheet-1.png"} == {path.name for path in tmp_path.iterdir()}
    assert b"Cadenza, " in (tmp_path / "air.musicxml").read_bytes()
    assert (tmp_path / "air.pdf").read_bytes().startswith(b"%PDF-")
