"""Collections: what is kept, what is left out and why, and that nothing in a folder stops the others."""

import csv
import os
import struct
import zipfile
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from symusic import Note, Score, TimeSignature, Track

from core.corpus import files
from core.corpus.collect import CollectSettings, collect
from core.corpus.report import Collection, ReportLine, require, summary, write_report
from core.errors import CorpusError
from core.model.notes import read_notes, write_notes
from core.music.keys import find_key
from core.reading.pool import Readers
from tests.core.examples import DATA, melody

SETTINGS = CollectSettings(workers=1, rest_unit="1/2")


def midi(
    pitches: list[int],
    *,
    ticks: int = 240,
    metre: tuple[int, int] = (4, 4),
    drums: bool = False,
    at: list[int] | None = None,
) -> bytes:
    """Write a melody as MIDI, a note every `ticks` of a quarter's 480, or at the ticks `at`."""
    score: Any = Score(480)
    score.time_signatures.append(TimeSignature(0, *metre))
    track: Any = Track("", 0, drums)
    for place, pitch in enumerate(pitches):
        track.notes.append(Note(place * ticks if at is None else at[place], ticks, pitch, 80))
    score.tracks.append(track)
    written: bytes = score.dumps_midi()
    return written


def quiet(done: int, total: int) -> None:
    """Stand in for the progress bar."""


def gather(folder: Path, settings: CollectSettings = SETTINGS, cache: Path | None = None) -> Collection:
    return collect(folder, settings, cache=cache, progress=quiet)


def lines(collection: Collection) -> dict[str, ReportLine]:
    return {line.file: line for line in collection.report}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder of three MIDI files, one of them a waltz."""
    music = tmp_path / "small"
    music.mkdir()
    for number in range(2):
        (music / f"{number}.mid").write_bytes(midi(melody(number)))
    (music / "waltz.mid").write_bytes(midi(melody(2), metre=(3, 4)))
    return music


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder such as people have."""
    music = tmp_path / "music"
    (music / "sub").mkdir(parents=True)
    (music / "a.mid").write_bytes(midi(melody(1)))
    (music / "copy of a.mid").write_bytes(midi(melody(1)))
    (music / "sub" / "a in another key.mid").write_bytes(midi([pitch + 5 for pitch in melody(1)]))
    (music / "sub" / "a, ornamented.mid").write_bytes(midi([*melody(1)[:20], 61, *melody(1)[20:]]))
    (music / "waltz.mid").write_bytes(midi(melody(2), metre=(3, 4)))
    (music / "drums.mid").write_bytes(midi([38] * 20, drums=True))
    (music / "short.mid").write_bytes(midi(melody(3, 7)))
    (music / "cut.mid").write_bytes(midi(melody(4))[:-20])
    (music / "empty.mid").touch()
    (music / "renamed.mid").write_text("not MIDI at all")
    (music / "notes.txt").write_text("to do: practise")
    (music / "long.mid").write_bytes(midi(melody(5), ticks=480 * 110))
    (music / "tunes.abc").write_bytes((DATA / "tunes.abc").read_bytes())
    (music / ".hidden.mid").write_bytes(midi(melody(6)))
    os.mkfifo(music / "pipe.mid")
    (music / "dangling.mid").symlink_to(music / "nowhere.mid")
    return music


def test_a_folder_gives_the_right_report(folder: Path, tmp_path: Path) -> None:
    collection = gather(folder)
    report = lines(collection)
    assert {name: line.kind for name, line in report.items() if name != "tunes.abc"} == {
        "a.mid": "",
        "copy of a.mid": "duplicate",
        "cut.mid": "damaged",
        "dangling.mid": "cannot be opened",
        "drums.mid": "only percussion",
        "empty.mid": "empty",
        "long.mid": "too long",
        "notes.txt": "not music",
        "pipe.mid": "not a file",
        "renamed.mid": "damaged",
        "short.mid": "too short",
        "sub/a in another key.mid": "duplicate",
        "sub/a, ornamented.mid": "version",
        "waltz.mid": "metre 3/4",
    }
    tunes = [(line.title, line.kind) for line in collection.report if line.file == "tunes.abc"]
    assert tunes[:2] == [("Old Hundredth", ""), ("A Reel in the Old Style", "")]
    assert tunes[-2:] == [("A Jig", "metre 6/8"), ("A Waltz that Begins as a March", "metre 3/4")]
    kept = report["a.mid"]
    assert (kept.notes, kept.events, kept.bars, kept.on_grid) == (40, 40, 5.0, 1.0)
    assert "a (a.mid)" in report["copy of a.mid"].reason
    assert all(line.reason.endswith(".") for line in collection.report if not line.kept)

    write_report(tmp_path / "report.csv", collection)
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(collection.report)
    assert table[0]["file"] == "a.mid"
    assert table[0]["kept"] == "True"
    assert table[0]["range"].startswith(("C", "D", "E"))
    said = "\n".join(map(str, summary(collection)))
    assert "2 duplicate" in said
    assert "Rest unit 1/2" in said


def test_late_swung_and_free_music_is_told_and_what_is_late_or_swings_is_put_right(tmp_path: Path) -> None:
    even = [240 * place for place in range(40)]
    swung = [480 * (place // 2) + 320 * (place % 2) for place in range(40)]
    free = np.cumsum(np.random.default_rng(3).uniform(150, 400, 60)).astype(int).tolist()
    made = {"even": even, "late": [at + 67 for at in even], "swing": swung, "free": free}
    for seed, (name, at) in enumerate(made.items()):
        (tmp_path / f"{name}.mid").write_bytes(midi(melody(seed, len(at)), at=at))
    collection = gather(tmp_path, CollectSettings(workers=1))
    report = lines(collection)
    assert (collection.notes.unit, collection.on_grid) == (Fraction(1, 2), 1.0)
    assert [entry.text.count("r1") for entry in collection.notes.pieces] == [40, 40, 40]
    assert {name: (line.late, line.swing) for name, line in report.items()} == {
        "even.mid": (0, 0),
        "free.mid": (0, 0),
        "late.mid": (round(67 / 480, 4), 0),
        "swing.mid": (0, 0.67),
    }
    assert report["free.mid"].kind == "performance without a beat"
    assert "quantise" in report["free.mid"].reason
    said = list(map(str, summary(collection)))
    assert "1 of them was early or late as a whole, and was moved onto its beats." in said
    assert "1 of them swings: its off-beats are written as even eighths." in said
    assert any(line.endswith("Metres: 3 in 4/4.") for line in said)
    assert any(line.startswith("Texture: one voice, 1.0 notes at a time, 8.0 times a bar") for line in said)
    assert said[-1] == "Left out: 1 performance without a beat."


def test_triplets_are_told_and_do_not_count_as_on_the_grid(tmp_path: Path) -> None:
    (tmp_path / "triplets.mid").write_bytes(midi(melody(1, 60), ticks=160))
    collection = gather(tmp_path, CollectSettings(workers=1))
    assert collection.notes.unit == Fraction(1, 4)
    assert collection.on_grid == pytest.approx(1 / 3)
    assert any(line.startswith("Triplets: 67% of the onsets") for line in map(str, summary(collection)))


def test_what_is_notated_is_no_performance_whatever_tuplets_it_is_made_of(tmp_path: Path) -> None:
    quintuplets = "|".join(["(5cdefg (5agfed (5cdefg (5agfec"] * 4)
    (tmp_path / "fives.abc").write_text(f"X:1\nT:Fives\nM:4/4\nL:1/8\nK:C\n{quintuplets}|]\n")
    assert [(line.kept, line.on_grid) for line in gather(tmp_path).report] == [(True, 0.2)]


def test_parsed_notes_are_read_back(folder: Path, tmp_path: Path) -> None:
    collection = gather(folder)
    write_notes(tmp_path / "notes.txt", collection.notes)
    assert read_notes(tmp_path / "notes.txt") == collection.notes
    assert collection.notes.pieces[0].title == "a"
    assert collection.notes.unit == Fraction(1, 2)


def test_several_processes_give_the_same_in_the_same_order(small: Path) -> None:
    one = gather(small)
    two = gather(small, CollectSettings(workers=2, rest_unit="1/2"))
    assert one == two


def test_a_second_run_reads_only_what_is_new(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = gather(small, cache=tmp_path / "cache")
    read: list[str] = []
    submit = Readers.submit

    def record(self: Readers, data: bytes, name: str) -> "Future[bytes]":
        read.append(name)
        return submit(self, data, name)

    monkeypatch.setattr(Readers, "submit", record)
    assert gather(small, cache=tmp_path / "cache") == first
    assert not read
    (small / "new.mid").write_bytes(midi(melody(9)))
    gather(small, cache=tmp_path / "cache")
    assert read == ["new.mid"]


@pytest.mark.parametrize("damage", [b"this is no database", b""])
def test_a_damaged_cache_costs_a_new_reading_and_nothing_else(small: Path, tmp_path: Path, damage: bytes) -> None:
    first = gather(small, cache=tmp_path / "cache")
    (cache,) = (tmp_path / "cache").iterdir()
    cache.write_bytes(damage or cache.read_bytes()[:5000] + b"\xff" * 3000)
    assert gather(small, cache=tmp_path / "cache") == first


def test_the_rest_unit_is_the_coarsest_that_95_percent_fall_on(tmp_path: Path) -> None:
    def choose(**settings: Any) -> tuple[str, float]:
        collection = gather(tmp_path, CollectSettings(workers=1, **settings))
        return str(collection.notes.unit), round(collection.on_grid, 3)

    (tmp_path / "quarters.mid").write_bytes(midi(melody(1, 97), ticks=480))
    assert choose() == ("1", 1.0)
    (tmp_path / "eighths.mid").write_bytes(midi(melody(2, 40), ticks=240))
    assert choose() == ("1/2", 1.0)
    (tmp_path / "triplets.mid").write_bytes(midi(melody(3, 90), ticks=160))
    assert choose() == ("1/4", 0.736)  # the finest, where none is fine enough
    assert choose(rest_unit="1") == ("1", 0.648)
    assert choose(rest_unit="1", least_on_grid=0.9) == ("1", 1.0)  # of what is kept


def test_a_link_to_a_folder_is_named_and_not_followed(small: Path, tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "album").symlink_to(small)
    [line] = gather(tmp_path / "music").report
    assert (line.file, line.kind) == ("album", "link")
    assert "not followed" in line.reason


def test_highest_anchors_write_the_melody_first(tmp_path: Path) -> None:
    (tmp_path / "a.krn").write_bytes((DATA / "old_hundredth.krn").read_bytes())
    collection = gather(tmp_path, CollectSettings(workers=1, anchor="highest"))
    assert collection.notes.anchor == "highest"
    assert "67-12r1" in collection.notes.pieces[0].text


# --- archives -------------------------------------------------------------------------------------------------------


def pack(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_archives_are_read_where_they_lie(tmp_path: Path) -> None:
    members = {
        "good.mid": midi(melody(1)),
        "../../up.mid": midi(melody(2)),
        "/etc/absolute.mid": midi(melody(3)),
        "back\\slash.mid": midi(melody(4)),
        "line\nbreak.mid": midi(melody(5)),
        "inner.zip": b"PK",
        "readme.txt": b"hello",
        "__MACOSX/._good.mid": b"junk",
        "big.mid": b"MThd" + bytes(2 << 20),
    }
    music = tmp_path / "music"
    music.mkdir()
    pack(music / "all.zip", **members)
    (music / "broken.zip").write_bytes((music / "all.zip").read_bytes()[:-40])
    before = set(tmp_path.rglob("*"))
    report = lines(gather(music))
    assert {name: line.kind for name, line in report.items()} == {
        "all.zip/good.mid": "",
        "all.zip/../../up.mid": "",
        "all.zip//etc/absolute.mid": "",
        "all.zip/back/slash.mid": "",
        "all.zip/line break.mid": "",
        "all.zip/inner.zip": "nested archive",
        "all.zip/readme.txt": "not music",
        "all.zip/big.mid": "file too large",
        "broken.zip": "damaged archive",
    }
    assert set(tmp_path.rglob("*")) == before
    assert len(gather(music / "all.zip").notes.pieces) == 5  # an archive by itself


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "locked.zip"
    pack(path, **{"a.mid": midi(melody(1))})
    data = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(header) + flags
        data[place : place + 2] = struct.pack("<H", struct.unpack_from("<H", data, place)[0] | 1)
    path.write_bytes(data)
    assert lines(gather(tmp_path))["locked.zip/a.mid"].kind == "encrypted"


def test_archives_with_too_many_files_or_bytes_are_refused(tmp_path: Path) -> None:
    pack(tmp_path / "many.zip", **{f"{number}.mid": b"" for number in range(6)})
    pack(tmp_path / "swelling.zip", **{f"{number}.mid": midi(melody(number)) + bytes(90_000) for number in range(4)})
    bounds = files.Bounds(members=5, unpacked_bytes=250_000)
    report = lines(gather(tmp_path, replace(SETTINGS, bounds=bounds)))
    assert report.pop("many.zip").kind == "archive too large"
    assert [line.kind for line in report.values()] == ["", "", "", "archive too large"]


# --- nothing there --------------------------------------------------------------------------------------------------


def test_an_empty_collection_says_why(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        gather(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="No music files"):
        require(gather(tmp_path))
    for number in range(3):
        (tmp_path / f"{number}.mid").write_bytes(midi(melody(number), metre=(3, 4)))
    (tmp_path / "x.txt").touch()
    with pytest.raises(CorpusError, match=r"no piece was kept\. Left out: 3 metre 3/4, 1 not music"):
        require(gather(tmp_path))


def test_progress_is_told_up_to_the_end(small: Path) -> None:
    heard: list[tuple[int, int]] = []
    collect(small, SETTINGS, progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (3, 3)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


@pytest.mark.parametrize(
    ("transform", "key"),
    [(lambda p: p, "C major"), (lambda p: p + 7, "G major"), (lambda p: p + 1, "D♭ major")],
)
def test_the_key_is_found(transform: Callable[[int], int], key: str) -> None:
    scale = [60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60, 60, 67]
    assert find_key(np.array([transform(pitch) for pitch in scale])) == key
    assert find_key(np.array([69, 71, 72, 74, 76, 77, 80, 81, 76, 72, 69, 69, 76])) == "A minor"
