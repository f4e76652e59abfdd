"""Files and folders that are there whole, as they were before, or not at all."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from core.processes import files


def test_a_file_takes_the_place_of_another_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    for content in ("bêtes\n", b"\x00\xff"):
        files.write_whole(path, content)
        assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("parent", "number"), [("nowhere", errno.ENOENT), ("file", errno.ENOTDIR)])
def test_an_error_names_what_is_in_the_way(tmp_path: Path, parent: str, number: int) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match=parent) as caught:
        files.write_whole(tmp_path / parent / "piece.mid", b"x")
    assert caught.value.errno == number
    assert ".part" not in str(caught.value)


def test_a_disk_without_room_keeps_the_old_file_and_no_part_of_the_new(tmp_path: Path) -> None:
    path = tmp_path / "piece.mid"
    path.write_bytes(b"old")
    code = (
        f"from pathlib import Path; from core.processes import files; files.write_whole(Path({str(path)!r}), b'x' * 99)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)),
        capture_output=True,
        text=True,
    )
    assert os.strerror(errno.EFBIG) in done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_the_place_of_another_when_it_is_full(tmp_path: Path) -> None:
    path = tmp_path / "models" / "tiny"
    for content in ("old", "new"):
        with files.folder_whole(path) as coming:
            (coming / "inner").mkdir()
            (coming / "inner" / "file").write_text(content)
            assert not path.exists() or content == "new"
        assert (path / "inner" / "file").read_text() == content
    with pytest.raises(RuntimeError), files.folder_whole(path) as coming:
        raise RuntimeError("half-way")
    with pytest.raises(OSError, match=os.strerror(errno.ENOTEMPTY)), files.folder_whole(path, replace=False) as coming:
        (coming / "file").write_text("another")
    assert (path / "inner" / "file").read_text() == "new"
    assert list(path.parent.iterdir()) == [path]
