"""The bot where no server has installed it: in direct messages, and in servers that it has not joined."""

from pathlib import Path

import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Store
from tests.bot.clicking import delete, press

HYMN = ("old_hundredth.mid", (Path(__file__).parents[1] / "data" / "old_hundredth.mid").read_bytes())


@pytest.fixture
def not_joined(bot: ComposerBot, guild: simcord.GuildHandle, channel: simcord.ChannelHandle) -> simcord.ChannelHandle:
    """Return a channel of a server that the bot knows from interactions alone."""
    joined = bot.get_guild(guild.id)
    assert joined is not None
    bot._connection._remove_guild(joined)
    return channel


def _refusal(result: simcord.InteractionResult) -> str:
    assert result.response is not None
    assert result.response.ephemeral
    return result.response.content


@pytest.mark.parametrize(
    ("name", "kind", "users"),
    [
        ("compose", 1, True),
        ("Continue this music", 3, True),
        ("primer", 1, True),
        ("piece", 1, True),
        ("privacy", 1, True),
        ("forget", 1, True),
        ("models", 1, True),
        ("server", 1, False),
        ("train", 1, False),
        ("Train on these", 3, False),
    ],
)
async def test_commands_can_be_installed_by_users_but_for_the_server_s_own(
    env: simcord.Env, name: str, kind: int, users: bool
) -> None:
    registered = env.backend.find_command(name, None, type=kind)
    assert registered is not None
    assert sorted(registered["integration_types"]) == ([0, 1] if users else [0])
    assert sorted(registered["contexts"]) == ([0, 1, 2] if users else [0])


async def test_all_works_in_a_direct_message(alice: simcord.MemberActor, store: Store) -> None:
    user = alice.user
    result = await user.slash("compose", file=HYMN, bars=5)
    assert result.response is not None
    assert len(result.response.attachments) == 3
    for label in ("Again", "Vary", "Continue", "Takes", "Sheet"):
        answer = (await press(user, result.response, label)).response
        assert answer is not None
        assert answer.attachments, label
        assert all(attachment.description for attachment in answer.attachments)
    assert (await press(user, result.response, "Tune")).response is not None
    assert _refusal(await user.click(result.response, label="Share")).startswith("There is no showcase here.")
    pieces = await store.by_author(alice.id, 20)
    assert len(pieces) == 8
    assert {piece.server for piece in pieces} == {None}
    await delete(user, result.response)
    assert len(await store.by_author(alice.id, 20)) == 7


async def test_all_works_in_a_server_that_it_has_not_joined(
    alice: simcord.MemberActor, bob: simcord.MemberActor, not_joined: simcord.ChannelHandle, store: Store
) -> None:
    await alice.slash(not_joined, "compose", file=HYMN, bars=5)
    [message] = not_joined.history()
    assert len(message.attachments) == 3
    for label in ("Again", "Takes", "Sheet"):
        answer = (await press(bob, message, label)).response
        assert answer is not None
        assert answer.attachments, label
    shared = await alice.click(message, label="Share")
    assert shared.response is not None
    assert len(shared.response.attachments) == 3
    assert [each.content[:25] for each in shared.followups] == ["There is no showcase here"]
    assert (await alice.context_menu(not_joined, "Continue this music", message)).response is not None
    [opus] = [piece for piece in await store.by_author(alice.id, 9) if piece.bars == 5]
    assert opus.server == alice.guild.id
    assert (await bob.slash(not_joined, "piece show", id=opus.id)).response is not None
    await delete(alice, message)
    assert message.id not in {each.id for each in not_joined.history()}


async def test_a_late_answer_comes_as_a_direct_message_where_it_may_not_post(
    env: simcord.Env, alice: simcord.MemberActor, not_joined: simcord.ChannelHandle
) -> None:
    original = "/webhooks/*/messages/@original"
    env.inject_error("PATCH", original, status=401, code=50027, message="Invalid Webhook Token", times=None)
    path = f"/channels/{not_joined.id}/messages"
    env.inject_error("POST", path, status=403, code=50001, message="Missing Access", times=None)
    await alice.slash(not_joined, "compose", bars=1)
    [letter] = alice.user.dm_channel.history()
    assert len(letter.attachments) == 3
