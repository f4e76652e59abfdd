"""The cache of files that can be made again: bounded, and never seen in what they are."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import discord
import pytest
import simcord

from bot.chat import titles
from bot.client import ComposerBot
from bot.database.store import Store
from bot.settings import Settings
from bot.work.cache import Cache
from bot.work.workers import WorkError, Workers
from core.composing.recipe import ComposeRequest
from tests.bot.clicking import delete, files, opus_of, press, response


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _weight(folder: Path) -> int:
    return sum(path.stat().st_size for path in _entries(folder))


def _date(folder: Path, owner: str, second: int) -> None:
    for path in folder.glob(f"{owner}.*"):
        os.utime(path, (second, second))


async def test_gives_back_what_it_was_given(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 10_000)
    await cache.put("a", "key", {"one": b"1" * 300, "two": b""})
    assert await cache.get("a", "key") == {"one": b"1" * 300, "two": b""}
    assert await cache.get("a", "other") is None
    assert await Cache(tmp_path / "cache", 10_000).get("a", "key") == {"one": b"1" * 300, "two": b""}


async def test_stays_within_its_bounds_and_lets_go_what_was_not_asked_for(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 20_000)
    for second in range(100):
        await cache.put(f"id{second}", "key", {"file": bytes(1000)})
        assert await cache.get("id0", "key") is not None
        assert _weight(tmp_path) <= 20_000
        for owner in ("id0", f"id{second}"):
            _date(tmp_path, owner, second)
    assert await cache.get("id99", "key") is not None
    assert await cache.get("id1", "key") is None


async def test_keeps_nothing_that_would_fill_it(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 10_000)
    await cache.put("a", "key", {"file": bytes(5000)})
    assert await cache.get("a", "key") is None


async def test_a_damaged_entry_counts_as_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 100_000)
    await cache.put("a", "key", {"file": b"music" * 100})
    [path] = _entries(tmp_path)
    whole = path.read_bytes()
    for damaged in (
        whole.replace(b"music" * 100, b"noise" * 100),
        whole[:50],
        whole[32:],
        b"",
        *(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))),
    ):
        path.write_bytes(damaged)
        assert await cache.get("a", "key") is None
        await cache.put("a", "key", {"file": b"music" * 100})
        assert await cache.get("a", "key") == {"file": b"music" * 100}


async def test_does_without_a_disk(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = Cache(tmp_path / "cache", 10_000)
    await cache.put("a", "key", {"file": b"1"})
    assert await cache.get("a", "key") is None
    await cache.drop("a")


async def test_files_are_the_same_bytes_with_and_without_it(
    bot: ComposerBot,
    alice: simcord.MemberActor,
    piece: discord.Message,
    settings: Settings,
    workers: Workers,
    store: Store,
) -> None:
    opus, composed = await opus_of(store, piece), await files(piece)
    bare = ComposerBot(settings.model_copy(update={"cache_bytes": 0}), workers, store)
    fresh = ComposerBot(settings.model_copy(update={"data": settings.data / "elsewhere"}), workers, store)
    kept = await bot.studio.revive(opus)
    takes = [await each.studio.revive(opus) for each in (bare, fresh, fresh)]
    assert takes == [kept, kept, kept]
    assert sorted(composed.values()) == sorted(filter(None, (kept.midi, kept.audio, kept.picture)))
    sheets = [await each.studio.files.sheet(opus, titles.title(opus)) for each in (bare, fresh, fresh)]
    assert sheets[0] == sheets[1] == sheets[2]
    shown = await files(response(await press(alice, piece, "Sheet")))
    tune = [sheets[0].abc] if sheets[0].abc else []
    assert list(shown.values()) == [sheets[0].musicxml, sheets[0].pdf, *tune, *sheets[0].pages]


async def test_needs_no_worker_for_what_is_there(
    piece: discord.Message, settings: Settings, store: Store, tiny_model: Path
) -> None:
    closed = Workers(1, 60, ComposeRequest(model=str(tiny_model)))
    closed.stop()
    opus, bot = await opus_of(store, piece), ComposerBot(settings, closed, store)
    assert (await bot.studio.revive(opus)).midi in (await files(piece)).values()
    await bot.cache.drop(opus.id)
    with pytest.raises(WorkError):
        await bot.studio.revive(opus)


async def test_a_piece_with_a_damaged_entry_is_made_again(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, piece: discord.Message, settings: Settings, store: Store
) -> None:
    opus, composed = await opus_of(store, piece), await files(piece)
    [entry] = _entries(settings.data / "cache")
    content = bytearray(await asyncio.to_thread(entry.read_bytes))
    content[content.index(b"PK\1\2") + 8] |= 1  # as if it were encrypted
    await asyncio.to_thread(entry.write_bytes, content)
    assert await files(response(await alice.slash(channel, "piece show", id=opus.id))) == composed


async def test_another_soundfont_or_instrument_makes_other_files(bot: ComposerBot, piece: discord.Message) -> None:
    opus = await opus_of(bot.store, piece)
    harp = replace(opus, request=replace(opus.request, instrument="harp"))
    assert (await bot.studio.revive(harp)).midi != (await bot.studio.revive(opus)).midi


async def test_says_again_what_a_piece_quotes(
    bot: ComposerBot, piece: discord.Message, settings: Settings, workers: Workers
) -> None:
    opus = await opus_of(bot.store, piece)
    line = replace(opus, id="line", given=1, text="60r262r264r265r267r269r271r272r4")  # a piece that the model knows
    bare = ComposerBot(settings.model_copy(update={"cache_bytes": 0}), workers, bot.store)
    for each in (bot, bot, bare):
        quote = (await each.studio.revive(line)).quote
        assert quote is not None
        assert (quote.title, quote.start, quote.events) == ("A rising line", 1, 7)
    retrained = replace(line, id="other", model=replace(line.model, version="another"))
    assert (await bot.studio.revive(retrained)).quote is None


async def test_what_is_deleted_leaves_it(
    alice: simcord.MemberActor, piece: discord.Message, settings: Settings
) -> None:
    assert len(_entries(settings.data / "cache")) == 1
    await delete(alice, piece)
    assert _entries(settings.data / "cache") == []
