"""/privacy and /forget: everything of a user goes, and nothing of anybody else."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Server, Store
from bot.settings import Settings
from bot.work.workers import Workers
from core.errors import mark
from core.model.notes import read_notes
from core.training.worker import Result
from tests.bot.acting import PATIENCE, Gate, until
from tests.bot.database.test_jobs import job
from tests.bot.music import midi, named
from tests.bot.trainings import train


@pytest.fixture
def showcase(guild: simcord.GuildHandle) -> simcord.ChannelHandle:
    return guild.create_text_channel("showcase")


async def _share(
    author: simcord.MemberActor, channel: simcord.ChannelHandle, showcase: simcord.ChannelHandle, store: Store
) -> None:
    await store.choose(author.guild.id, Server(showcase=showcase.id))
    await author.slash(channel, "compose", bars=1)
    await author.click(channel.history()[-1], label="Share")


async def test_says_what_is_kept(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> None:
    for result in (await alice.slash(channel, "privacy"), await alice.user.slash("privacy")):
        assert result.response is not None
        assert result.response.ephemeral
        [embed] = result.response.embeds
        assert "`/forget me` deletes all of them at once." in str(embed.description)
        text = " ".join(f"{field.name} {field.value}" for field in embed.fields)
        for promise in (
            "/forget me deletes all your pieces, likes and votes, and removes your number from your trainings",
            "/train delete and /models delete",
            "the names of the files and pieces with what became of each",
            "The settings that /server choose has made, and its taste, which never leaves it",
            "a vote on the server's taste",
            "only their names, titles and parsed notes stay",
            "Until you delete it; of trainings that have ended, the last 25 of a server",
        ):
            assert promise in text


async def test_takes_a_user_off_their_trainings_whose_rest_belongs_to_the_server(
    bot: ComposerBot,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
) -> None:
    await store.choose(guild.id, Server(bars=4))
    await train(admin, channel, name="scales", **named(("a.mid", midi(1)), ("b.mid", midi(2))))
    [before] = await store.jobs.of(guild.id)
    question = (await admin.slash(channel, "forget me")).response
    assert question is not None
    await admin.click(question, label="Delete everything")
    assert await store.jobs.of(guild.id) == (replace(before, user=None),)
    assert await store.server(guild.id) == Server(bars=4)
    folder = bot.trainer.folder(before.id)
    assert "a.mid" in (folder / "report.csv").read_text()
    assert read_notes(folder / "notes.txt").pieces[0].title == "a"
    await bot.trainer.cancel(before, "drop")
    await admin.slash(channel, "train delete", training=before.id)
    assert not folder.exists()


@pytest.mark.parametrize("restart", [False, True])
async def test_forgets_a_user_and_nobody_else(
    env: simcord.Env,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    showcase: simcord.ChannelHandle,
    settings: Settings,
    workers: Workers,
    store: Store,
    restart: bool,
) -> None:
    await _share(alice, channel, showcase, store)
    await _share(bob, channel, showcase, store)
    await alice.slash(channel, "compose", bars=1)
    await alice.click(showcase.history()[1], label="0")
    await bob.click(showcase.history()[1], label="1")
    question = (await alice.slash(channel, "forget me")).response
    assert question is not None
    assert question.ephemeral
    assert question.content.startswith("Shall I delete your 2 pieces, your likes, and your messages")
    assert question.content.endswith("showcases (1)? This cannot be undone.")
    if restart:
        await env.restart_bot(ComposerBot(settings, workers, store))
    await alice.click(question, label="Delete everything")
    assert question.content == "Done: I have deleted your 2 pieces and forgotten you."
    assert question.components == []
    assert await store.by_author(alice.id, 10) == ()
    [message] = showcase.history()
    assert message.content == f"By {bob.mention}"
    [(opus, likes)] = await store.favourites(alice.guild.id, 10)
    assert (opus.author, likes) == (bob.id, 1)


async def test_forgets_nothing_without_the_second_word(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    await alice.slash(channel, "compose", bars=1)
    question = (await alice.slash(channel, "forget me")).response
    assert question is not None
    assert re.match(r"Shall I delete your piece, .* \(0\)\?", question.content)
    assert len(await store.by_author(alice.id, 10)) == 1
    await alice.click(question, label="Keep it")
    assert question.content == "Everything stays as it is."
    assert question.components == []
    assert len(await store.by_author(alice.id, 10)) == 1


async def test_names_the_messages_that_it_cannot_delete(
    env: simcord.Env,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    showcase: simcord.ChannelHandle,
    store: Store,
) -> None:
    await _share(alice, channel, showcase, store)
    [message] = showcase.history()
    env.inject_error("DELETE", f"/channels/{showcase.id}/messages/*", status=403, code=50001, message="Missing Access")
    question = (await alice.slash(channel, "forget me")).response
    assert question is not None
    await alice.click(question, label="Delete everything")
    assert question.content.endswith(f"ask a moderator: {message.jump_url}")
    assert await store.by_author(alice.id, 10) == ()


async def test_a_piece_that_was_being_composed_is_not_kept(
    gate: Gate, alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    question = (await alice.slash(channel, "forget me")).response
    assert question is not None
    gate.close()
    await alice.slash(channel, "compose", bars=1)
    assert gate.waiting == 1
    await alice.click(question, label="Delete everything")
    await gate.open()
    assert question.content.startswith("Done:")
    assert await store.ids(alice.id) == ()
    assert [message.attachments for message in channel.history()] == []


async def test_neither_is_the_first_piece_of_a_model(
    gate: Gate,
    bot: ComposerBot,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
    tmp_path: Path,
) -> None:
    done = replace(job("a", guild.id), name="tiny", user=alice.id, channel=channel.id, state="done")
    losses: Any = {"loss": 1.0, "val_loss": 1.0, "first_val_loss": 1.0}
    result = Result(epochs=1, best=1, **losses, seconds=1.0, ended=mark("the best is known"), advice=())
    gate.close()
    telling = asyncio.create_task(bot.messages.ended(done, result, tmp_path))
    await until(lambda: gate.waiting == 1)
    await store.forget(alice.id)
    await gate.open()
    await telling
    assert await store.ids(alice.id) == ()


async def test_answers_for_errors_that_nobody_expected(bot: ComposerBot, monkeypatch: pytest.MonkeyPatch) -> None:
    async with simcord.run(bot, settle_timeout=PATIENCE, check_errors=False) as env:
        guild = env.create_guild()
        alice = guild.add_member(env.create_user("alice"))
        question = (await alice.slash(guild.create_text_channel("music"), "forget me")).response
        assert question is not None
        monkeypatch.setattr(bot.store, "forget", None)
        result = await alice.click(question, label="Delete everything")
        assert "It is in the log as" in result.followups[0].content
