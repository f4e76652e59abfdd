"""Several processes: a piece composed by one and delivered by another, whatever happens to either."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import simcord
from pydantic import SecretStr
from sqlalchemy import text

from bot.client import ComposerBot
from bot.database import requests
from bot.database.store import Server
from bot.settings import Settings
from bot.work import shared
from bot.work.shared import SharedQueue
from tests.bot.acting import begin, until
from tests.bot.machines import Machine, chatting, clear, machine

HELD: dict[str, Any] = {"primer": "60r2 64r2", "bars": 4, "seed": 11, "tempo": 120}


@pytest.fixture(scope="module")
def composing(cluster: str, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine("compose", cluster, tiny_model.parent, tmp_path_factory.mktemp("composing")) as started:
        yield started


@pytest.fixture
def settings(settings: Settings, cluster: str) -> Settings:
    return settings.model_copy(update={"database": SecretStr(cluster), "roles": "chat", "film": "when shared"})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chat processes for dead soon."""
    monkeypatch.setattr(shared, "BEAT", 0.1)
    monkeypatch.setattr(shared, "DEAD_AFTER", timedelta(seconds=1))
    monkeypatch.setattr(requests, "DEAD_AFTER", timedelta(seconds=1))


@pytest_asyncio.fixture
async def bot(settings: Settings, composing: Machine, cluster: str) -> AsyncIterator[ComposerBot]:
    async with chatting(settings) as bot:
        await until(lambda: _none(bot, "pgqueuer"))  # or a machine that was frozen leaves what it did to this test
        await clear(cluster)
        yield bot


async def test_a_piece_is_composed_by_one_process_and_delivered_by_another(
    bot: ComposerBot, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    answers = [(await alice.slash(channel, "compose", **HELD)).response for _ in range(2)]
    first, second = [[await file.read() for file in answer.attachments] for answer in answers if answer is not None]
    assert len(first) == 3
    assert first == second
    assert bot.studio.workers.playing == 0
    await until(lambda: _none(bot, "requests", "results", "pgqueuer"))


async def test_a_film_is_made_by_one_process_and_shown_by_another(
    bot: ComposerBot, guild: simcord.GuildHandle, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    await bot.store.choose(guild.id, Server(film="always"))
    await alice.slash(channel, "compose", **{**HELD, "bars": 1})
    await until(lambda: not bot.studio.films.busy)
    [message] = channel.history()
    assert sorted(attachment.filename.rpartition(".")[2] for attachment in message.attachments) == ["mid", "mp4"]


async def test_what_a_machine_finds_wrong_is_told_to_who_asked(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    result = await alice.slash(channel, "compose", file=("noise.mid", b"no music at all"))
    [told] = result.followups
    assert "ends in .mid but holds nothing of the kind" in told.content


async def test_a_chat_process_killed_before_it_answers_is_replaced_by_another(
    env: simcord.Env,
    bot: ComposerBot,
    settings: Settings,
    composing: Machine,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
) -> None:
    composing.freeze()
    try:
        await begin(env, alice.slash(channel, "compose", **HELD))
        await until(lambda: _some(bot, "pgqueuer"))
        await _kill(bot)
        async with chatting(settings) as other:
            await env.restart_bot(other)
            composing.thaw()
            await _answered_once(other, alice, channel)
    finally:
        composing.thaw()


@pytest.mark.parametrize("sent", [False, True], ids=["before it sends", "after it has sent"])
async def test_an_answer_that_was_claimed_is_sent_once(
    sent: bool,
    env: simcord.Env,
    bot: ComposerBot,
    settings: Settings,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bot.chat import delivery

    deliver = delivery.deliver

    async def cut(*args: Any, **options: Any) -> None:
        if sent:
            await deliver(*args, **options)
        await _kill(bot)
        await asyncio.sleep(0)

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "deliver", cut)
        await begin(env, alice.slash(channel, "compose", **HELD))
        await until(lambda: _dead(bot))
    async with chatting(settings) as other:
        await env.restart_bot(other)
        await _answered_once(other, alice, channel)


async def test_a_request_that_left_nothing_to_go_on_with_ends_in_a_sentence(
    env: simcord.Env,
    bot: ComposerBot,
    settings: Settings,
    composing: Machine,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
) -> None:
    composing.freeze()
    try:
        await begin(env, alice.slash(channel, "compose", file=("noise.mid", b"no music at all")))
        await until(lambda: _some(bot, "pgqueuer"))
        await _kill(bot)
        async with chatting(settings) as other:
            await env.restart_bot(other)
            await until(lambda: _none(other, "requests"))
        [message] = channel.history(viewer=alice)
        assert message.flags.ephemeral
        assert message.content == "The bot was restarted while it worked on this. Ask again."
    finally:
        composing.thaw()


async def test_what_was_promised_in_private_stays_so_when_another_answers_too_late(
    env: simcord.Env,
    bot: ComposerBot,
    settings: Settings,
    composing: Machine,
    guild: simcord.GuildHandle,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
) -> None:
    showcase = guild.create_text_channel("showcase")
    await bot.store.choose(guild.id, Server(showcase=showcase.id, film="always"))
    piece = (await alice.slash(channel, "compose", **{**HELD, "bars": 1})).response
    assert piece is not None
    await alice.click(piece, label="Share")
    await until(lambda: not bot.studio.films.busy)
    [shown] = showcase.history()
    composing.freeze()
    try:
        await begin(env, bob.click(shown, label="Vary"))
        await until(lambda: _some(bot, "pgqueuer"))
        await _kill(bot)
        env.backend.advance_clock(15 * 60 + 1)
        async with chatting(settings) as other:
            await env.restart_bot(other)
            composing.thaw()
            await until(lambda: _none(other, "requests"))
            assert not other.studio.films.busy
        assert [message.id for message in showcase.history()] == [shown.id]
        [letter] = bob.user.dm_channel.history()
        assert letter.content == f"{bob.mention} This took longer than Discord waits for an answer."
        assert letter.attachments
    finally:
        composing.thaw()


@pytest.mark.slow  # test_faults.py kills one, too
async def test_a_composing_machine_killed_in_mid_piece_costs_a_second_run(
    env: simcord.Env,
    bot: ComposerBot,
    cluster: str,
    tiny_model: Path,
    tmp_path: Path,
    composing: Machine,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
) -> None:
    composing.freeze()  # until the other one has been killed
    try:
        with machine("compose", cluster, tiny_model.parent, tmp_path / "other") as other:
            await begin(env, alice.slash(channel, "compose", bars=64, seed=3))
            await until(lambda: _some(bot, "requests WHERE begun IS NOT NULL"))
            other.kill()
            composing.thaw()
            await _answered_once(bot, alice, channel)
            assert "Traceback" not in composing.log.read_text()
    finally:
        composing.thaw()


async def _answered_once(bot: ComposerBot, user: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    await until(lambda: _none(bot, "requests"))
    [answer] = channel.history()
    assert len([file for file in answer.attachments if file.filename.endswith(".mid")]) == 1
    assert len(await bot.store.by_author(user.id, 10)) == 1


async def _kill(bot: ComposerBot) -> None:
    """Have a chat process do nothing any more, and clean nothing up."""
    assert isinstance(bot.line, SharedQueue)
    bot.line._ending = True
    tasks = [task for task in asyncio.all_tasks() if _answers(task)] + bot.line._tasks
    for task in tasks:
        task.cancel()


def _dead(bot: ComposerBot) -> bool:
    assert isinstance(bot.line, SharedQueue)
    return bot.line._ending and not any(map(_answers, asyncio.all_tasks()))


def _answers(task: "asyncio.Task[Any]") -> bool:
    """Tell whether a task of discord.py's works on a command or a click."""
    return "CommandTree" in task.get_name() or "discord-ui" in task.get_name()


async def _some(bot: ComposerBot, table: str) -> bool:
    async with bot.store.engine.begin() as connection:
        return bool((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def _none(bot: ComposerBot, *tables: str) -> bool:
    return not any([await _some(bot, table) for table in tables])
