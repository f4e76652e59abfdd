"""The storage: a folder or a bucket, through short cuts; and models from it, kept by their content."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from bot.work import storage
from bot.work.storage import Fetched, Storage, StorageError


@pytest.fixture(scope="module")
def bucket() -> Iterator[ThreadedMotoServer]:
    """Run an S3 of the tests' own, with a bucket called music."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import boto3

        boto3.client("s3").create_bucket(Bucket="music")
        yield server
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Return each kind of storage."""
    if request.param == "folder":
        return Storage(str(tmp_path / "storage"))
    request.getfixturevalue("bucket")
    return Storage(f"s3://music/{tmp_path.name}")


async def test_keeps_objects_by_their_keys(shared: Storage) -> None:
    assert await shared.get("a/b.txt") is None
    assert await shared.under("a") == {}
    await shared.put("a/b.txt", b"first")
    await shared.put("a/b.txt", b"second")
    await shared.put("a/c/d.txt", b"third")
    await shared.put("ab.txt", b"another's")
    assert await shared.get("a/b.txt") == b"second"
    assert await shared.under("a") == {"b.txt": b"second", "c/d.txt": b"third"}
    await shared.delete("a")
    await shared.delete("a")
    assert await shared.under("a") == {}
    assert await shared.get("ab.txt") == b"another's"


async def test_waits_for_a_storage_that_is_cut_off_for_a_while(
    bucket: ThreadedMotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Storage("s3://music/cut")
    await files.put("before.txt", b"before")
    failures = 0
    put = files._put

    def cut(key: str, content: bytes) -> None:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise ConnectionError("the cable was pulled")
        put(key, content)

    monkeypatch.setattr(files, "_put", cut)
    monkeypatch.setattr(storage, "TRIES", (0.0, 0.0, 0.0))
    await files.put("after.txt", b"after")
    assert await files.get("after.txt") == b"after"
    failures = -10
    with pytest.raises(StorageError, match="cannot be reached, or has no room left"):
        await files.put("never.txt", b"never")


async def test_a_model_comes_back_as_it_was_and_the_oldest_go_when_there_is_no_room(
    shared: Storage, tiny_model: Path, tmp_path: Path
) -> None:
    packed = storage.pack(tiny_model)
    assert packed == storage.pack(tiny_model)
    digests = []
    for copy in range(3):
        content = packed + bytes([copy])  # which a zip file may have behind it
        digests.append(hashlib.sha256(content).hexdigest())
        await shared.put(storage.key(digests[-1]), content)
    files = _files(tiny_model)
    weight = sum(map(len, files.values()))
    fetched = Fetched(shared, tmp_path / "fetched", int(weight * 2.5))
    for digest in digests:
        place = await asyncio.to_thread(fetched.path, "7", "tiny", digest)
        assert _files(place) == files
    assert _names(fetched.folder) == set(digests[1:])
    assert await asyncio.to_thread(fetched.path, "7", "tiny", digests[0])


async def test_a_model_that_is_gone_or_damaged_is_not_taken(shared: Storage, tmp_path: Path) -> None:
    fetched = Fetched(shared, tmp_path / "fetched", 1 << 20)
    with pytest.raises(StorageError, match="The model tiny is not in the storage any more"):
        await asyncio.to_thread(fetched.path, "7", "tiny", "0" * 64)
    await shared.put(storage.key("0" * 64), b"something else")
    with pytest.raises(StorageError):
        await asyncio.to_thread(fetched.path, "7", "tiny", "0" * 64)
    assert not fetched.folder.exists()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
