"""The way of an answer into the chat, and the detours: too large, too late, not allowed."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord
import pytest
import simcord

from bot.chat.titles import stem
from bot.database.store import Store
from bot.settings import Settings
from bot.work import queue
from tests.bot.acting import Gate, begin, until
from tests.bot.clicking import ids_of, opus_of, press, refusal, response

ORIGINAL = "/webhooks/*/messages/@original"

Asking = Callable[[simcord.ChannelHandle], Awaitable[None]]


def _edits(env: simcord.Env) -> list[Any]:
    """Return all edits of messages so far."""
    return [request for request in env.http_requests if request.method == "PATCH"]


def _names(message: simcord.ResponseMessage) -> list[str]:
    return [attachment.filename for attachment in message.attachments]


class TestWithLittleRoom:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"upload_bytes": 120_000})

    async def test_leaves_out_what_is_too_large_and_says_so(
        self, alice: simcord.MemberActor, channel: simcord.ChannelHandle
    ) -> None:
        answer = (await alice.slash(channel, "compose", seed=4, bars=16)).response
        assert answer is not None
        called = stem(str(answer.embeds[0].title))
        assert _names(answer) == [f"{called}.mid", f"{called}.png"]
        assert (
            str(answer.embeds[0].footer.text).splitlines()[0]
            == f"Too large for an upload here, and left out: {called}.mp3"
        )
        assert answer.embeds[0].image.url == f"attachment://{called}.png"


async def test_sends_the_midi_alone_when_discord_finds_the_files_too_large(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=413, code=40005, message="Request entity too large")
    answer = (await alice.slash(channel, "compose", seed=4, bars=2)).response
    assert answer is not None
    called = stem(str(answer.embeds[0].title))
    assert _names(answer) == [f"{called}.mid"]
    assert (
        str(answer.embeds[0].footer.text).splitlines()[0]
        == f"Too large for an upload here, and left out: {called}.mp3, {called}.png"
    )
    assert not answer.embeds[0].image


async def test_takes_that_are_too_large_can_still_be_gone_on_with(
    env: simcord.Env, alice: simcord.MemberActor, piece: discord.Message
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=413)
    takes = response(await press(alice, piece, "Takes"))
    assert _names(takes) == []
    assert "left out: take-1.mp3, take-2.mp3, take-3.mp3, take-4.mp3, takes.png" in str(takes.embeds[0].footer.text)
    assert len(ids_of(takes)) == 4


class TestAfterFifteenMinutes:
    """The answer comes when Discord has forgotten the question."""

    @pytest.fixture
    def asking(self, env: simcord.Env, gate: Gate, alice: simcord.MemberActor) -> Asking:
        async def ask(channel: simcord.ChannelHandle) -> None:
            gate.close()
            await alice.slash(channel, "compose", seed=4, bars=2)
            assert gate.waiting == 1
            env.backend.advance_clock(15 * 60 + 1)
            await gate.open()

        return ask

    async def test_posts_in_the_channel(
        self, asking: Asking, alice: simcord.MemberActor, channel: simcord.ChannelHandle
    ) -> None:
        await asking(channel)
        late = channel.history()[-1]
        assert late.content == f"{alice.mention} This took longer than Discord waits for an answer."
        assert len(late.attachments) == 3
        assert response(await press(alice, late, "Sheet"))

    async def test_writes_to_the_user_where_the_channel_is_closed_to_it(
        self,
        env: simcord.Env,
        asking: Asking,
        alice: simcord.MemberActor,
        guild: simcord.GuildHandle,
        store: Store,
    ) -> None:
        assert env.bot.user is not None
        silence = discord.PermissionOverwrite(send_messages=False)
        await asking(guild.create_text_channel("closed", overwrites={env.bot.user: silence}))
        [letter] = alice.user.dm_channel.history()
        assert letter.content.endswith("I may not write where you asked for it.")
        assert len(letter.attachments) == 3
        assert (await opus_of(store, letter)).author == alice.id

    async def test_logs_how_to_get_at_a_piece_that_reached_nobody(
        self,
        env: simcord.Env,
        asking: Asking,
        alice: simcord.MemberActor,
        channel: simcord.ChannelHandle,
        store: Store,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=None)
        await asking(channel)
        [opus] = await store.by_author(alice.id, 5)
        assert f"An answer reached nobody, but it is kept: /piece show {opus.id}" in caplog.text

    async def test_leaves_out_what_is_too_large_for_the_channel(
        self, env: simcord.Env, asking: Asking, channel: simcord.ChannelHandle
    ) -> None:
        env.inject_error("POST", f"/channels/{channel.id}/messages", status=413, code=40005)
        await asking(channel)
        late = channel.history()[-1]
        assert [each.filename for each in late.attachments] == [f"{stem(str(late.embeds[0].title))}.mid"]


async def test_what_was_to_be_private_goes_to_the_user_when_it_is_late(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=401, code=50027, message="Invalid Webhook Token", times=None)
    await alice.slash(channel, "primer check", primer="60r1")
    assert channel.history() == []
    [letter] = alice.user.dm_channel.history()
    assert letter.content == f"{alice.mention} This took longer than Discord waits for an answer."
    assert letter.embeds[0].title == "A primer for tiny"


@pytest.mark.parametrize(("status", "code"), [(401, 50027), (404, 10015), (404, 10008)])
async def test_knows_each_way_in_which_discord_says_that_it_is_too_late(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle, status: int, code: int
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=status, code=code, message="Invalid Webhook Token", times=None)
    await alice.slash(channel, "compose", seed=4, bars=2)
    late = channel.history()[-1]
    assert late.content.startswith(alice.mention)
    assert len(late.attachments) == 3


async def test_says_where_the_piece_is_when_discord_fails(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=400, code=50035, message="Invalid Form Body", times=1)
    sentence = refusal(await alice.slash(channel, "compose", seed=4, bars=2))
    [opus] = await store.by_author(alice.id, 5)
    assert sentence == f"Discord did not take the answer (400). The piece is kept: `/piece show {opus.id}`."


class TestWithOneWorker:
    @pytest.fixture
    def settings(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
        monkeypatch.setattr(queue, "TYPICAL", 1.0)
        return settings.model_copy(update={"workers": 1})

    async def test_shows_the_place_and_an_estimate_and_edits_only_when_the_place_changes(
        self,
        env: simcord.Env,
        gate: Gate,
        alice: simcord.MemberActor,
        bob: simcord.MemberActor,
        moderator: simcord.MemberActor,
        channel: simcord.ChannelHandle,
    ) -> None:
        gate.close()
        await alice.slash(channel, "compose", bars=1)
        for actor in (bob, moderator):
            told = len(_edits(env))
            await begin(env, actor.slash(channel, "compose", bars=1))
            await until(lambda told=told: len(_edits(env)) > told)  # type: ignore[misc]
        assert gate.waiting == 1
        await gate.open()
        contents = [
            str(request.json["content"]) for request in _edits(env) if request.json and request.json.get("content")
        ]
        assert len(contents) == 3
        assert contents[0] == "You are next: about 1 second."
        assert contents[1] == "1 request is ahead of you: about 2 seconds."
        assert contents[2].startswith("You are next: about ")
        assert [len(message.attachments) for message in channel.history()] == [3, 3, 3]

    async def test_a_wait_that_cannot_be_shown_loses_nothing(
        self,
        env: simcord.Env,
        gate: Gate,
        alice: simcord.MemberActor,
        bob: simcord.MemberActor,
        channel: simcord.ChannelHandle,
    ) -> None:
        gate.close()
        await alice.slash(channel, "compose", bars=1)
        env.inject_error("PATCH", ORIGINAL, status=500)
        await begin(env, bob.slash(channel, "compose", bars=1))
        await until(lambda: bool(_edits(env)))
        assert gate.waiting == 1
        await gate.open()
        assert [len(message.attachments) for message in channel.history()] == [3, 3]


async def test_explains_what_it_may_not_do(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=403, code=50013, message="Missing Permissions", times=1)
    result = await alice.slash(channel, "compose", seed=4, bars=2)
    [reply] = result.followups
    assert reply.ephemeral
    assert reply.content.startswith("I may not do that here. Ask a moderator")
