"""Trainings in the database: turns between servers, and states that change only as they may."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.database.jobs import Job, in_turns
from bot.database.store import Store
from core.corpus.worker import Gathered
from core.errors import mark

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GATHERED = Gathered(
    kept=2,
    found=3,
    tokens=90,
    on_grid=1.0,
    rest_unit="1/2",
    keys=(("C major", 2),),
    skipped=(("a", mark("It has {count} events.", count=3)),),
    summary=(mark("Left out: {reasons}.", reasons=(mark("too short"),)),),
)


def job(id: str, server: int = 1, minute: int = 0) -> Job:
    return Job(
        id=id,
        server=server,
        user=2**62,
        channel=5,
        name=f"model-{id}",
        fingerprint=f"print of {id}",
        created=NOON + timedelta(minutes=minute),
        base="tiny",
        size="medium",
        minutes=30,
        gathered=GATHERED,
    )


async def test_gives_back_what_it_was_given(store: Store) -> None:
    assert await store.jobs.add(job("a")) == job("a")
    assert await store.jobs.get("a", 1) == job("a")


async def test_the_same_fingerprint_is_the_same_training(store: Store) -> None:
    await store.jobs.add(job("a"))
    assert await store.jobs.add(replace(job("b"), fingerprint="print of a")) == job("a")
    assert await store.jobs.all_ids() == {"a"}


def test_servers_take_turns_and_the_one_whose_turn_is_longest_ago_is_first() -> None:
    queued = [job("a", 1, 0), job("b", 1, 1), job("c", 1, 2), job("d", 2, 3), job("e", 3, 4)]
    order = in_turns(queued, {1: NOON, 2: NOON - timedelta(hours=1)})
    assert [each.id for each in order] == ["e", "d", "a", "b", "c"]


async def test_what_runs_comes_first(store: Store) -> None:
    for minute, (name, server) in enumerate((("a", 1), ("b", 1), ("c", 2))):
        await store.jobs.add(job(name, server, minute))
    await store.jobs.begin("b")
    assert [each.id for each in await store.jobs.live()] == ["b", "c", "a"]
    assert (await store.jobs.get("b", 1)).starts == 1


async def test_a_training_ends_once_and_is_announced_until_it_was_told(store: Store) -> None:
    await store.jobs.add(job("a"))
    assert await store.jobs.end("a", "failed", mark("It failed."))
    assert not await store.jobs.end("a", "done", mark("It ended."))
    assert not await store.jobs.cancel_queued("a", mark("It was cancelled."))
    [ended] = await store.jobs.unannounced()
    assert (ended.state, ended.outcome, ended.fingerprint) == ("failed", mark("It failed."), None)
    await store.jobs.note("a", told=True)
    assert await store.jobs.unannounced() == ()


async def test_one_that_runs_is_neither_deleted_nor_cancelled_as_if_it_waited(store: Store) -> None:
    await store.jobs.add(job("a"))
    await store.jobs.begin("a")
    assert not await store.jobs.cancel_queued("a", mark("It was cancelled."))
    await store.jobs.delete("a")
    assert (await store.jobs.get("a", 1)).state == "running"


async def test_files_may_be_trained_on_again_when_their_model_is_gone(store: Store) -> None:
    await store.jobs.add(job("a"))
    await store.jobs.end("a", "done", mark("It ended."))
    assert await store.jobs.same("print of a") is not None
    await store.jobs.release(1, "model-a")
    assert await store.jobs.same("print of a") is None
