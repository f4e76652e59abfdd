"""A jam: turns by members and by Cadenza, one at a time, through restarts, to a piece with all names."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import discord
import pytest
import pytest_asyncio
import simcord

from bot.client import ComposerBot
from bot.community import jam
from bot.database.jams import CADENZA, JamError
from bot.database.store import Store
from bot.settings import Settings
from bot.work.workers import Workers
from tests.bot.acting import Gate
from tests.bot.clicking import files, opus_of, refusal, response
from tests.bot.music import midi

Then = Callable[[], Awaitable[None]]
NOTES = "C4 D4 E4 F4 G4 A4 B4 C5"  # two bars


@pytest_asyncio.fixture
async def thread(alice: simcord.MemberActor, channel: simcord.ChannelHandle) -> simcord.ChannelHandle:
    """Begin a jam of Alice's in a thread of its own."""
    started = await alice.slash(channel, "jam start", metre="4/4")
    [thread] = channel.threads
    assert refusal(started) == f"The jam is on: <#{thread.id}>"
    return thread


async def play(actor: simcord.MemberActor, thread: simcord.ChannelHandle, notes: str = NOTES) -> str:
    """Play a turn by the button and its form; return what was said about it."""
    clicked = await actor.click(thread.history()[-1], label="My turn")
    if clicked.modal is None:
        return refusal(clicked)
    result = await actor.submit_modal(clicked, {"notes": notes})
    assert result.acknowledged
    answer = result.response
    assert answer is not None
    return answer.content or str(answer.embeds[0].description)


async def test_members_and_cadenza_take_turns_and_the_piece_grows_and_ends_with_all_names(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    thread: simcord.ChannelHandle,
    store: Store,
    then: Then,
) -> None:
    assert (await play(alice, thread)).startswith(f"{alice.mention} has played. So far: 2 bars, C major.")
    await then()
    before = (await store.jams.get(thread.id)).text
    assert (await alice.click(thread.history()[-1], label="Let Cadenza")).acknowledged
    assert str(thread.history()[-1].embeds[0].description).startswith("Cadenza has played. So far: 4 bars")
    grown = await store.jams.get(thread.id)
    assert grown.text.startswith(before)
    assert {"jam.mid", "jam.mp3", "jam.png"} == set(await files(thread.history()[-1]))
    await then()
    assert "So far: 5 bars" in await play(bob, thread, "G4 E4 C4 C4")  # a shorter turn is a shorter turn
    await bob.click(thread.history()[-1], label="End the jam")
    piece, sheet = thread.history()[-2:]
    opus = await opus_of(store, piece)
    assert opus.author == alice.id
    assert opus.bars == 5
    assert [field.value for field in piece.embeds[0].fields if field.name == "Played by"] == [
        f"{alice.mention}, {bob.mention}, Cadenza"
    ]
    assert {name.rpartition(".")[2] for name in await files(sheet)} >= {"musicxml", "pdf", "png"}
    assert all(not message.components for message in thread.history()[:-2])  # the newest alone has buttons
    with pytest.raises(JamError):
        await store.jams.get(thread.id)


async def test_nobody_plays_twice_in_a_row_and_neither_does_cadenza(
    alice: simcord.MemberActor, bob: simcord.MemberActor, thread: simcord.ChannelHandle, store: Store
) -> None:
    await play(alice, thread)
    assert await play(alice, thread) == "You have just played. The next turn is somebody else's, or Cadenza's."
    await bob.click(thread.history()[-1], label="Let Cadenza")
    answer = refusal(await alice.click(thread.history()[-1], label="Let Cadenza"))
    assert answer == "I have just played. The next turn is one of yours."
    assert (await store.jams.get(thread.id)).turns == 2


async def test_a_turn_is_one_persons_until_it_has_waited_too_long(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    thread: simcord.ChannelHandle,
    store: Store,
    then: Then,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = await alice.click(thread.history()[-1], label="My turn")
    await then()
    said = await play(bob, thread)
    assert said.startswith(f"This turn is {alice.mention}'s, who has until <t:")
    monkeypatch.setattr(jam, "TURN", timedelta(0))
    await alice.click(thread.history()[-1], label="My turn")  # which now passes at once
    assert (await play(bob, thread)).startswith(f"{bob.mention} has played.")
    assert (await store.jams.get(thread.id)).last == bob.id
    late = await alice.submit_modal(taken, {"notes": NOTES})  # the form was still open, and is a turn of its own
    assert late.acknowledged
    assert (await store.jams.get(thread.id)).last == alice.id


async def test_a_turn_that_passes_is_told_once_in_the_servers_language_whoever_sees_it_and_after_a_restart(
    bot: ComposerBot,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    thread: simcord.ChannelHandle,
    settings: Settings,
    workers: Workers,
    store: Store,
    locales: dict[int, str],
    env: simcord.Env,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    locales[alice.id] = "de"
    await alice.click(thread.history()[-1], label="My turn")
    now = datetime.now(UTC)
    await bot.turns.look(now + jam.TURN - timedelta(minutes=1))
    assert len(thread.history()) == 1
    await env.restart_bot(again := ComposerBot(settings, workers, store))
    for watching in (again, bot, again):
        await watching.turns.look(now + jam.TURN + timedelta(minutes=1))
        await env.settle()
    begun, told = thread.history()
    assert (
        told.content == f"⏳ {alice.mention} took too long over this turn, and it has passed. Whoever likes plays next."
    )
    assert (await store.jams.get(thread.id)).holder is None
    monkeypatch.setattr(jam, "TURN", timedelta(0))
    await alice.click(begun, label="My turn")
    await bob.click(begun, label="My turn")  # which sees that hers is late before the clock is looked at
    await again.turns.look(now)
    assert [message.content for message in thread.history()].count(told.content) == 2


async def test_two_who_play_at_once_do_not_lose_a_turn(
    alice: simcord.MemberActor, thread: simcord.ChannelHandle, store: Store
) -> None:
    begun = await store.jams.get(thread.id)
    await store.jams.play(begun, alice.id, "60r4r4")
    with pytest.raises(JamError, match="somebody else has played"):
        await store.jams.play(begun, 7, "62r4r4")
    assert not await store.jams.claim(begun, 7, timedelta(minutes=1))
    assert (await store.jams.get(thread.id)).text == "60r4r4"


async def test_a_turn_is_a_file_too_and_what_is_wrong_is_said_in_private(
    alice: simcord.MemberActor, bob: simcord.MemberActor, thread: simcord.ChannelHandle, store: Store
) -> None:
    played = await alice.slash(thread, "jam play", file=("tune.mid", midi(1)))
    assert "has played" in str(response(played).embeds[0].description)
    assert "'do' is no note that I know" in refusal(await bob.slash(thread, "jam play", notes="C4 do"))
    assert "one of them" in refusal(await bob.slash(thread, "jam play"))
    assert (await store.jams.get(thread.id)).turns == 1
    assert "has played" in str(response(await bob.slash(thread, "jam cadenza")).embeds[0].description)


async def test_only_who_has_played_or_moderates_ends_it(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    moderator: simcord.MemberActor,
    thread: simcord.ChannelHandle,
    store: Store,
) -> None:
    await play(alice, thread)
    assert "Only those who have played in this jam" in refusal(await bob.slash(thread, "jam end"))
    assert (await moderator.slash(thread, "jam end")).acknowledged
    assert len(await store.by_author(alice.id, 5)) == 1
    assert "No jam is going on" in refusal(await alice.slash(thread, "jam end"))


async def test_there_is_one_jam_in_a_thread_and_none_elsewhere(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, thread: simcord.ChannelHandle
) -> None:
    assert "A jam is going on in this thread already." in refusal(await alice.slash(thread, "jam start"))
    assert "No jam is going on in this thread." in refusal(await alice.slash(channel, "jam play", notes="C4"))
    assert "'9/7' is not a metre" in refusal(await alice.slash(channel, "jam start", metre="9/7"))
    assert len(channel.threads) == 1


async def test_it_says_where_it_may_not_begin_a_thread(
    env: simcord.Env, alice: simcord.MemberActor, guild: simcord.GuildHandle
) -> None:
    assert env.bot.user is not None
    locked = discord.PermissionOverwrite(create_public_threads=False)
    channel = guild.create_text_channel("locked", overwrites={env.bot.user: locked})
    assert "I may not begin a thread here." in refusal(await alice.slash(channel, "jam start"))


async def test_it_is_german_and_forgets_whoever_wants_that(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    thread: simcord.ChannelHandle,
    store: Store,
    locales: dict[int, str],
) -> None:
    locales[alice.id] = "de"
    clicked = await alice.click(thread.history()[-1], label="My turn")
    assert clicked.modal is not None
    assert clicked.modal["title"] == "Du bist dran"
    played = await alice.submit_modal(clicked, {"notes": NOTES})
    assert f"{alice.mention} hat gespielt. Bisher: 2 Takte, C-Dur." in str(response(played).embeds[0].description)
    await store.forget(alice.id)
    left = await store.jams.get(thread.id)
    assert (left.starter, left.players, left.turns) == (None, (), 1)
    await bob.click(thread.history()[-1], label="Cadenza spielt")
    assert (await store.jams.get(thread.id)).last == CADENZA


async def test_while_cadenza_plays_nobody_else_does(
    gate: Gate, alice: simcord.MemberActor, bob: simcord.MemberActor, thread: simcord.ChannelHandle
) -> None:
    await play(alice, thread)
    gate.close()
    shown = thread.history()[-1]
    await bob.click(shown, label="Let Cadenza")
    assert gate.waiting == 1
    assert "This turn is Cadenza's" in refusal(await bob.click(shown, label="My turn"))
    await gate.open()
    assert "Cadenza has played." in str(thread.history()[-1].embeds[0].description)
