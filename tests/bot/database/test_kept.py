"""Rows of older versions, as they stand in databases, are read; what is kept from now on has a version."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest
from sqlalchemy import select, update

from bot.database.engine import engine, migrate
from bot.database.jobs import Job
from bot.database.store import Opus, Store
from bot.database.tables import OPERA, TRAININGS
from core.composing.recipe import ComposeRequest, ModelInfo
from core.corpus.worker import Gathered
from core.errors import Message

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
OPUS: Final = Opus(
    id="a",
    author=1,
    server=2**62,
    parent=None,
    created=NOON,
    model=ModelInfo("tiny", "abc", "1/2", "lowest"),
    request=ComposeRequest(
        model="tiny",
        primer="72r1",
        temperature=1.1,
        gravity=0.5,
        seed=2**53 - 1,
        tempo=96.0,
        bars=4,
        instrument="piano",
    ),
    text="72r174r1",
    given=1,
    bars=0.25,
    seconds=1.25,
    ended=False,
)
JOB: Final = Job(
    id="a",
    server=1,
    user=2**62,
    channel=5,
    name="model-a",
    fingerprint="print of a",
    created=NOON,
    base="tiny",
    size="medium",
    minutes=30,
    gathered=Gathered(
        kept=2,
        found=3,
        tokens=90,
        on_grid=1.0,
        rest_unit="1/2",
        keys=(("C major", 2),),
        skipped=(("a", Message("b.")),),
        summary=(Message("Kept."),),
    ),
    outcome=Message("It was {cancelled}."),
)

# What Cadenza wrote before its JSON had versions, to the letter.
BEFORE_VERSIONS: Final = (
    """INSERT INTO opera (id, author, server, parent, created, model, version, rest_unit, anchor, request, text, given,
    bars, seconds, ended) VALUES ('a', 1, 4611686018427387904, NULL, '2026-01-01 12:00:00.000000+00:00', 'tiny', 'abc',
    '1/2', 'lowest', '{"primer": "72r1", "temperature": 1.1, "gravity": 0.5, "top_p": 1.0, "seed": 9007199254740991,
    "bars": 4, "takes": 1, "key": null, "tempo": 96.0, "instrument": "piano"}', '72r174r1', 1, 0.25, 1.25, false)""",
    """INSERT INTO trainings (id, server, "user", channel, message, name, fingerprint, state, created, started, ended,
    base, size, minutes, gathered, starts, wish, outcome, told, locale) VALUES ('a', 1, 4611686018427387904, 5, NULL,
    'model-a', 'print of a', 'queued', '2026-01-01 12:00:00.000000+00:00', NULL, NULL, 'tiny', 'medium', 30,
    '{"kept": 2, "found": 3, "tokens": 90, "on_grid": 1.0, "rest_unit": "1/2", "keys": [["C major", 2]],
    "skipped": [["a", "b."]], "summary": "Kept."}', 0, NULL, 'It was {cancelled}.', false, 'en-US')""",
)


# The same as it is written since.
WITH_VERSIONS: Final = (
    BEFORE_VERSIONS[0].replace('{"primer"', '{"format": 1, "effort": 8, "form": null, "metre": null, "primer"'),
    BEFORE_VERSIONS[1]
    .replace('{"kept"', '{"format": 2, "kept"')
    .replace('"b."', '{"template": "b.", "values": {}, "plural": ""}')
    .replace('"Kept."', '[{"template": "Kept.", "values": {}, "plural": ""}]'),
)


@pytest.mark.parametrize("rows", [BEFORE_VERSIONS, WITH_VERSIONS], ids=["before versions", "with versions"])
async def test_reads_rows_as_they_stand_in_databases(url: str, rows: tuple[str, ...]) -> None:
    database = engine(url)
    async with database.begin() as connection:
        await connection.run_sync(migrate, "0011")
        for row in rows:
            await connection.exec_driver_sql(row)
    await database.dispose()
    async with Store(url) as store:
        assert await store.get("a") == OPUS
        assert await store.jobs.get("a", 1) == JOB


async def test_writes_rows_with_a_version_and_reads_them(store: Store, url: str) -> None:
    await store.add(OPUS)
    await store.jobs.add(JOB)
    database = engine(url)
    async with database.begin() as connection:
        request = (await connection.execute(select(OPERA.c.request))).scalar_one()
        gathered = (await connection.execute(select(TRAININGS.c.gathered))).scalar_one()
    await database.dispose()
    assert "format" in request
    assert "format" in gathered
    assert not {"model", "audio", "picture", "soundfont"} & set(request)
    assert (await store.get("a"), await store.jobs.get("a", 1)) == (OPUS, JOB)


async def test_reads_what_a_newer_version_has_written_as_far_as_it_knows_it(store: Store, url: str) -> None:
    await store.add(OPUS)
    newer = {"format": 9, "primer": "72r1", "seed": 3, "weather": "mild"}
    database = engine(url)
    async with database.begin() as connection:
        await connection.execute(update(OPERA).values(request=newer))
    await database.dispose()
    assert await store.get("a") == replace(OPUS, request=ComposeRequest(model="tiny", primer="72r1", seed=3))
