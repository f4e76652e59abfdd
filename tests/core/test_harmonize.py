"""The command line that harmonises, as a user calls it, with the model that ships."""

import io
from pathlib import Path

import pytest
import soundfile
from symusic.core import ScoreTick

from core import harmonize

MODEL = "models/chorales"
TUNE = "c d e f | g2 g2 | a a a a | g4 | f f f f | e2 e2 | d d d d | c4"


def run(*arguments: str | Path | int) -> int:
    return harmonize.main([str(argument) for argument in arguments])


def test_writes_four_tracks_the_sheet_and_the_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "ducks.mid"
    assert run(MODEL, TUNE, output, "--seed", 1, "--effort", 4, "--audio", "--film", "--numerals") == 0
    tracks = [track for track in ScoreTick.from_midi(output.read_bytes()).tracks if len(track.notes)]
    assert [note.pitch for note in sorted(tracks[0].notes, key=lambda note: note.time)] == [
        *(72, 74, 76, 77, 79, 79, 81, 81, 81, 81, 79, 77, 77, 77, 77, 76, 76, 74, 74, 74, 74, 72)
    ]
    assert len(tracks) == 4
    assert (tmp_path / "ducks.musicxml").read_bytes().count(b"<score-part ") == 4
    assert (tmp_path / "ducks.sheet-1.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "ducks.pdf").read_bytes().startswith(b"%PDF")
    assert b"ftyp" in (tmp_path / "ducks.mp4").read_bytes()[:12]
    sound, rate = soundfile.read(io.BytesIO((tmp_path / "ducks.mp3").read_bytes()))
    assert len(sound) / rate > 8
    assert abs(sound).max() > 0.1
    assert "C major" in capsys.readouterr().err


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "other"):
        assert run(MODEL, TUNE, tmp_path / name / "a.mid", "--seed", 5, "--effort", 2, "--takes", 2) == 0
    for file in ("a.mid", "a-2.mid"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()
    assert (tmp_path / "one/a.mid").read_bytes() != (tmp_path / "one/a-2.mid").read_bytes()


def test_a_file_gives_its_highest_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(MODEL, TUNE, tmp_path / "a.mid", "--seed", 1, "--effort", 2) == 0
    assert run(MODEL, tmp_path / "a.mid", tmp_path / "b.mid", "--seed", 1, "--effort", 2, "--bars", 2) == 0
    [first, *_] = ScoreTick.from_midi((tmp_path / "b.mid").read_bytes()).tracks
    assert [note.pitch for note in first.notes] == [72, 74, 76, 77, 79, 79]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((MODEL, "c d e ?", "a.mid"), "?"),
        ((MODEL, "c", "a.mid"), "two notes at least"),
        ((MODEL, TUNE, "a.wav"), "must end with .mid"),
        ((MODEL, TUNE, "a.mid", "--instrument", "kazoo"), "kazoo"),
        ((MODEL, TUNE, "a.mid", "--key", "H"), "is not a key"),
        ((MODEL, TUNE, "a.mid", "--effort", "0"), "effort"),
        (("models/nobody", TUNE, "a.mid"), "There is no model"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], complaint: str
) -> None:
    model, tune, output, *options = arguments
    assert run(model, tune, tmp_path / output, *options) == 1
    said = capsys.readouterr().err
    assert complaint in said
    assert "Traceback" not in said
    assert not list(tmp_path.glob("a*"))
