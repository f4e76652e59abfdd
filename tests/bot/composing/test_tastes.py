"""A server's taste: what counts as a vote, what it does, and who may see it, switch it off and have it forgotten."""

from dataclasses import replace
from pathlib import Path

import pytest
import simcord

from bot.composing.tastes import FEWEST, MOST_OF_ONE, learned
from bot.database.store import Server, Store
from bot.database.votes import Choice
from bot.settings import Settings
from core.composing import critic, recipe
from core.composing.taste import Taste
from core.model import bundle
from tests.bot.clicking import delete, opus_in, opus_of, press, response
from tests.conftest import NOTES
from tests.core.composing.test_critic import tune


@pytest.fixture
def judged(tiny_model: Path, settings: Settings, guild: simcord.GuildHandle) -> str:
    """Put a model that knows what real pieces are like on the server's shelf."""
    loaded = bundle.load(tiny_model)
    habits = critic.critic_of([tune(seed, spread=1 + seed % 5) for seed in range(30)]).as_json()
    folder = settings.data / "models" / str(guild.id) / "judged"
    folder.parent.mkdir(parents=True)
    bundle.publish(folder, replace(loaded.params, habits=habits), loaded.weights, NOTES)
    return folder.name


def choice(number: int, server: int, *, user: int = 1, leaps: float = 1.0) -> Choice:
    """Return somebody's vote for leaps, or against them."""
    other = {"leaps": -leaps}
    return Choice(server=server, user=user, kind="like", opus=f"piece{number}", liked={"leaps": leaps}, others=[other])


async def teach(store: Store, server: int, count: int = 12) -> None:
    for number in range(count):
        await store.votes.add(choice(number, server))


async def test_likes_picks_agains_and_deletes_are_votes(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
    judged: str,
) -> None:
    showcase = guild.create_text_channel("showcase")
    await store.choose(guild.id, Server(showcase=showcase.id))
    piece = response(await alice.slash(channel, "compose", model=judged, bars=4))
    opus = await opus_of(store, piece)
    await alice.click(piece, label="Share")
    await bob.click(showcase.history()[0], label="0")
    [vote] = await store.votes.of(guild.id)
    assert (vote.user, vote.kind, vote.opus, list(vote.others)) == (bob.id, "like", opus.id, [])
    assert vote.liked is not None
    assert set(vote.liked) == set(critic.FIGURES)
    await bob.click(showcase.history()[0], label="1")  # and takes it back
    assert await store.votes.of(guild.id) == ()
    for _ in range(2):  # which counts once
        await alice.click(piece, label="Again")
    takes = response(await press(alice, piece, "Takes"))
    await alice.click(takes, label="2")
    await alice.click(piece, label="Continue")  # of a piece that stood alone
    await delete(alice, piece)
    votes = {vote.kind: vote for vote in await store.votes.of(guild.id)}
    assert sorted(votes) == ["again", "delete", "pick"]
    assert (votes["again"].liked, len(votes["again"].others)) == (None, 1)
    assert votes["pick"].liked is not None
    assert len(votes["pick"].others) == 3
    assert votes["pick"].opus != opus.id


async def test_nothing_is_noted_of_direct_messages_nor_of_models_that_know_no_real_pieces(
    alice: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle, store: Store
) -> None:
    piece = response(await alice.slash(channel, "compose", bars=1))
    assert (await alice.click(piece, label="Again")).acknowledged
    direct = response(await alice.user.slash("compose", bars=1))
    assert (await alice.user.click(direct, label="Again")).acknowledged
    assert await store.votes.of(guild.id) == ()


async def test_it_leans_on_what_is_composed_without_a_seed_and_the_recipe_says_so(
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
    judged: str,
    settings: Settings,
) -> None:
    await teach(store, guild.id, FEWEST - 1)
    before = await opus_in(store, await alice.slash(channel, "compose", model=judged, bars=2))
    await teach(store, guild.id)
    leaning = await opus_in(store, await alice.slash(channel, "compose", model=judged, bars=2))
    given = await opus_in(store, await alice.slash(channel, "compose", model=judged, bars=2, seed=7))
    assert (before.request.taste, given.request.taste) == ("", "")
    assert dict(Taste.parse(leaning.request.taste).weights)["leaps"] > 0
    folder = settings.data / "models" / str(guild.id) / judged
    again = recipe.compose(replace(leaning.request, model=str(folder), audio=None, picture=False, takes=1))
    assert again.takes[0].text == leaning.text
    message = channel.history()[-2]
    further = await opus_in(store, await alice.click(message, label="Vary"))
    assert further.request.taste == leaning.request.taste


async def test_managers_see_it_switch_it_off_and_have_it_forgotten(
    alice: simcord.MemberActor,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    store: Store,
    judged: str,
    locales: dict[int, str],
) -> None:
    assert "I do not know it yet" in _said(await admin.slash(channel, "server taste"))
    await teach(store, guild.id)
    assert _said(await admin.slash(channel, "server taste")) == "So far you like: more leaps."
    locales[admin.id] = "de"
    assert _said(await admin.slash(channel, "server taste")) == "Bisher gefallen euch: mehr Sprünge."
    locales[admin.id] = "en-US"
    assert "switched off" in _said(await admin.slash(channel, "server taste", change="off"))
    piece = response(await alice.slash(channel, "compose", model=judged, bars=2))
    assert (await opus_of(store, piece)).request.taste == ""
    await alice.click(piece, label="Again")
    assert len(await store.votes.of(guild.id)) == 12
    assert "more leaps" in _said(await admin.slash(channel, "server taste", change="on"))
    assert "I do not know it yet" in _said(await admin.slash(channel, "server taste", change="forget"))
    assert await store.votes.of(guild.id) == ()


async def test_a_taste_stays_on_its_server_and_loses_who_is_forgotten(
    env: simcord.Env, alice: simcord.MemberActor, guild: simcord.GuildHandle, store: Store
) -> None:
    await teach(store, guild.id)
    await store.votes.add(choice(1, guild.id, user=alice.id, leaps=-1.0))
    await store.votes.add(choice(1, guild.id + 1, user=alice.id))
    await store.forget(alice.id)
    assert {vote.user for vote in await store.votes.of(guild.id)} == {1}
    assert await store.votes.of(guild.id + 1) == ()


def test_one_member_is_not_the_taste_of_all() -> None:
    zealous = [choice(number, 7, user=1) for number in range(300)]
    others = [choice(number, 7, user=user, leaps=-1.0) for user in range(2, 5) for number in range(int(MOST_OF_ONE))]
    assert [str(word) for word in learned(zealous + others).words()] == ["fewer leaps"]


def _said(result: simcord.InteractionResult) -> str:
    assert result.response is not None
    assert result.response.ephemeral
    return str(result.response.embeds[0].description)
