"""Collections read apart: in a model's own units where they suffice, with limits, and nothing left but notes."""

import zipfile
from pathlib import Path

import pytest

from core.corpus import worker
from core.corpus.worker import BOUNDS, CollectJob, Gathered, gather
from core.errors import CorpusError
from core.model.notes import read_notes
from core.processes.child import Pool
from tests.core.corpus.test_collect import midi
from tests.core.examples import melody


def _music(folder: Path, ticks: int) -> Path:
    music = folder / "music"
    music.mkdir()
    for seed in range(3):
        (music / f"{seed}.mid").write_bytes(midi(melody(seed), ticks=ticks))
    return music


def test_writes_as_a_model_does_where_that_is_fine_enough(tmp_path: Path) -> None:
    music = _music(tmp_path, ticks=480)  # quarters
    for base, unit in ((None, "1"), ("1", "1"), ("1/2", "1/2"), ("1/4", "1/4")):
        assert gather(CollectJob(music=str(music), work=str(tmp_path), rest_unit=base)).rest_unit == unit
        assert str(read_notes(tmp_path / "notes.txt").unit) == unit


def test_takes_a_finer_unit_where_the_music_needs_it(tmp_path: Path) -> None:
    gathered = gather(CollectJob(music=str(_music(tmp_path, ticks=120)), work=str(tmp_path), rest_unit="1/2"))
    assert (gathered.rest_unit, gathered.on_grid, gathered.kept) == ("1/4", 1.0, 3)
    assert sum(count for _, count in gathered.keys) == 3


def test_an_archive_has_its_bounds_and_only_notes_and_report_stay(tmp_path: Path) -> None:
    music, work = tmp_path / "music", tmp_path / "work"
    music.mkdir()
    work.mkdir()
    with zipfile.ZipFile(music / "many.zip", "w") as archive:
        for number in range(BOUNDS.members + 1):
            archive.writestr(f"{number}.mid", b"")
    (music / "good.mid").write_bytes(midi(melody(1)))
    done = _ask(CollectJob(music=str(music), work=str(work)))
    assert done.kept == 1
    assert str(done.skipped[0][1]) == "The archive holds 1,001 files; at most 1,000 are read. Split it."
    assert sorted(path.name for path in work.iterdir()) == ["notes.txt", "report.csv"]


def test_what_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"does not exist. Name a folder of music files, or a zip archive of them.$"):
        _ask(CollectJob(music=str(tmp_path / "nowhere"), work=str(tmp_path)))


def _ask(job: CollectJob) -> Gathered:
    """Have a process of its own read a collection, and return its answer."""
    with Pool(1, worker.LIMITS, deadline=100) as pool:
        return pool.call(worker.gather_once, job)
