"""The way of an answer into the chat, and the detours: too large, too late, not allowed."""

from dataclasses import replace

import pytest
import simcord

from bot.settings import Settings

ORIGINAL = "/webhooks/*/messages/@original"


def _names(message: simcord.ResponseMessage) -> list[str]:
    return [attachment.filename for attachment in message.attachments]


class TestWithLittleRoom:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, upload_bytes=120_000)

    async def test_leaves_out_what_is_too_large_and_says_so(
        self, alice: simcord.MemberActor, channel: simcord.ChannelHandle
    ) -> None:
        answer = (await alice.slash(channel, "compose", seed=4, bars=16)).response
        assert answer is not None
        assert _names(answer) == ["tiny-4.mid", "tiny-4.png"]
        assert (
            str(answer.embeds[0].footer.text).splitlines()[0]
            == "Too large for an upload here, and left out: tiny-4.mp3"
        )
        assert answer.embeds[0].image.url == "attachment://tiny-4.png"


async def test_sends_the_midi_alone_when_discord_finds_the_files_too_large(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=413, code=40005, message="Request entity too large")
    answer = (await alice.slash(channel, "compose", seed=4, bars=2)).response
    assert answer is not None
    assert _names(answer) == ["tiny-4.mid"]
    assert (
        str(answer.embeds[0].footer.text).splitlines()[0]
        == "Too large for an upload here, and left out: tiny-4.mp3, tiny-4.png"
    )
    assert not answer.embeds[0].image


@pytest.mark.parametrize(("status", "code"), [(401, 50027), (404, 10015)])
async def test_posts_in_the_channel_when_the_interaction_has_expired(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle, status: int, code: int
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=status, code=code, message="Invalid Webhook Token", times=None)
    await alice.slash(channel, "compose", seed=4, bars=2)
    late = channel.history()[-1]
    assert late.content == alice.mention
    assert len(late.attachments) == 3


async def test_writes_to_the_user_when_the_channel_is_closed_to_it(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=404, code=10015, message="Unknown Webhook", times=None)
    env.inject_error(
        "POST", f"/channels/{channel.id}/messages", status=403, code=50013, message="Missing Permissions", times=None
    )
    await alice.slash(channel, "compose", seed=4, bars=2)
    [letter] = alice.user.dm_channel.history()
    assert len(letter.attachments) == 3


async def test_explains_what_it_may_not_do(
    env: simcord.Env, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    env.inject_error("PATCH", ORIGINAL, status=403, code=50013, message="Missing Permissions", times=1)
    result = await alice.slash(channel, "compose", seed=4, bars=2)
    [reply] = result.followups
    assert reply.ephemeral
    assert reply.content.startswith("I may not do that here. Ask a moderator")
