"""The store, on SQLite and on PostgreSQL."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from bot.database.engine import StoreError, engine, migrate
from bot.database.store import Opus, Server, Showing, Store
from bot.database.tables import METADATA
from core.composing.recipe import ComposeRequest, ModelInfo


def _opus(id: str, author: int = 1, minute: int = 0) -> Opus:
    return Opus(
        id=id,
        author=author,
        server=2**62,
        parent=None,
        created=datetime(2026, 1, 1, 12, minute, tzinfo=UTC),
        model=ModelInfo("tiny", "abc", "1/2", "lowest"),
        request=ComposeRequest(
            model="tiny", primer="72r1", temperature=1.1, gravity=0.5, seed=2**53 - 1, tempo=96.0, bars=4
        ),
        text="72r174r1",
        given=1,
        bars=0.25,
        seconds=1.25,
        ended=False,
    )


async def test_gives_back_what_it_was_given(store: Store) -> None:
    opus = _opus("a")
    await store.add(opus)
    assert await store.get("a") == opus


async def test_keeps_it_over_a_restart(store: Store, url: str) -> None:
    await store.add(_opus("a"))
    async with Store(url) as again:
        assert await again.get("a") == _opus("a")


async def test_leaves_out_what_belongs_to_the_machine(store: Store) -> None:
    opus = _opus("a")
    await store.add(replace(opus, request=replace(opus.request, audio="wav", picture=False, soundfont="/here.sf2")))
    assert await store.get("a") == opus


async def test_says_what_is_no_longer_there(store: Store) -> None:
    await store.add(_opus("a"))
    await store.delete("a")
    with pytest.raises(StoreError, match="no longer kept"):
        await store.get("a")


@pytest.mark.parametrize("id", ["a\0", "\ud800", "", "A", "a" * 13])
async def test_what_cannot_be_an_id_is_no_piece(store: Store, id: str) -> None:
    with pytest.raises(StoreError, match="no longer kept"):
        await store.get(id)


async def test_finds_those_that_are_still_there(store: Store) -> None:
    await store.add(_opus("a"), _opus("b"))
    await store.delete("a")
    assert [opus.id for opus in await store.find("a", "b")] == ["b"]


async def test_what_is_gone_can_neither_be_shown_nor_rated(store: Store) -> None:
    with pytest.raises(StoreError, match="no longer kept"):
        await store.show("a", Showing(7, 70, 700))
    with pytest.raises(StoreError, match="no longer kept"):
        await store.rate("a", 1)


async def test_lists_a_users_pieces_newest_first(store: Store) -> None:
    await store.add(*(_opus(name, minute=minute) for minute, name in enumerate("abc")), _opus("x", author=2))
    assert [opus.id for opus in await store.by_author(1, 2)] == ["c", "b"]


async def test_lists_them_page_by_page(store: Store) -> None:
    await store.add(*(_opus(name, minute=minute) for minute, name in enumerate("abcde")))
    pages = [[opus.id for opus in await store.by_author(1, 2, offset)] for offset in (0, 2, 4, 6)]
    assert pages == [["e", "d"], ["c", "b"], ["a"], []]
    assert sorted(await store.ids(1)) == list("abcde")
    assert await store.ids(2) == ()


async def test_counts_who_likes_what_and_knows_where_it_is_shown(store: Store) -> None:
    await store.add(_opus("a"), _opus("b"), _opus("x", author=2))
    for name in "ax":
        await store.show(name, Showing(7, 70, ord(name)))
    for user in (1, 2, 3):
        await store.rate("a", user)
    await store.rate("x", 1)
    assert await store.likes("a", "b") == {"a": 3}
    assert await store.likes() == {}
    assert await store.showings(1) == (Showing(7, 70, ord("a")),)
    assert Showing(7, 70, 700).link == "https://discord.com/channels/7/70/700"


async def test_ranks_a_showcase_by_its_ratings(store: Store) -> None:
    await store.add(*(_opus(name, minute=minute) for minute, name in enumerate("abcd")))
    for name, server in (("a", 7), ("b", 7), ("c", 7), ("d", 8)):
        await store.show(name, Showing(server, 70, 700))
    assert [await store.rate("b", user) for user in (1, 2)] == [1, 2]
    assert await store.rate("a", 1) == 1
    assert [(opus.id, count) for opus, count in await store.favourites(7, 10)] == [("b", 2), ("a", 1), ("c", 0)]


async def test_a_second_rating_takes_the_first_back(store: Store) -> None:
    await store.add(_opus("a"))
    assert [await store.rate("a", 1) for _ in range(3)] == [1, 0, 1]


async def test_a_piece_that_is_withdrawn_or_deleted_leaves_no_trace_in_the_showcase(store: Store) -> None:
    await store.add(_opus("a"), _opus("b"))
    for name in "ab":
        await store.show(name, Showing(7, 70, 700))
        await store.rate(name, 1)
    await store.withdraw("a")
    await store.delete("b")
    assert await store.showing("a") is None
    assert await store.showing("b") is None
    assert await store.favourites(7, 10) == ()


async def test_keeps_what_a_server_chooses(store: Store) -> None:
    assert await store.server(7) == Server()
    await store.choose(7, Server(model="fiddle", bars=8))
    await store.choose(7, Server(model="fiddle", showcase=2**62))
    assert await store.server(7) == Server(model="fiddle", showcase=2**62)
    assert await store.server(None) == Server()


async def test_forgets_a_user(store: Store) -> None:
    await store.add(_opus("a"), _opus("b"), _opus("x", author=2))
    await store.show("x", Showing(7, 70, 700))
    await store.rate("x", 1)
    assert await store.forget(1) == 2
    assert await store.by_author(1, 10) == ()
    assert [count for _, count in await store.favourites(7, 10)] == [0]


async def test_keeps_nothing_that_a_user_asked_for_before_they_were_forgotten(store: Store) -> None:
    before = time.monotonic()
    await store.forget(1)
    with pytest.raises(StoreError, match="asked me to forget you"):
        await store.add(_opus("a"), _opus("b"), asked=before)
    await store.add(_opus("x", author=2), asked=before)
    await store.add(_opus("c"), asked=time.monotonic())
    assert await store.ids(1) == ("c",)


async def test_a_server_can_choose_for_the_first_time_twice_at_once(store: Store) -> None:
    await asyncio.gather(*(store.choose(7, Server(bars=bars)) for bars in range(1, 20)))
    assert (await store.server(7)).bars in range(1, 20)


async def test_many_write_at_once(store: Store) -> None:
    await asyncio.gather(*(store.add(_opus(f"id{n}", minute=n)) for n in range(40)))
    assert len(await store.by_author(1, 100)) == 40


async def test_many_rate_at_once(store: Store) -> None:
    await store.add(_opus("a"))
    assert max(await asyncio.gather(*(store.rate("a", user) for user in range(20)))) <= 20
    assert await store.rate("a", 99) == 21


async def test_the_migrations_make_the_tables_of_the_code(url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        migrate(connection)
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    database = engine(url)
    async with database.connect() as connection:
        assert await connection.run_sync(differences) == []
    await database.dispose()


async def test_sqlite_is_safe_against_a_crash(tmp_path: Path) -> None:
    database = engine(f"sqlite+aiosqlite:///{tmp_path / 'cadenza.db'}")
    async with database.connect() as connection:
        modes = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar_one() for name in ("journal_mode", "synchronous")
        ]
    await database.dispose()
    assert modes == ["wal", 2]


async def test_says_when_there_is_no_database() -> None:
    with pytest.raises(StoreError, match="The database cannot be opened"):
        async with Store("postgresql+asyncpg://nobody@127.0.0.1:9/nothing"):
            pass
