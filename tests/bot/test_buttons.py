"""The buttons under a composition: by author, stranger and moderator, before and after a restart."""

from xml.etree import ElementTree

import discord
import pytest
import pytest_asyncio
import simcord

from bot.buttons import ITEMS
from bot.client import ComposerBot
from bot.settings import Settings
from bot.store import Opus, Server, Store, StoreError
from bot.studio import Studio
from core import notation
from tests.bot.acting import begin, until


@pytest.fixture
def moderator(env: simcord.Env, guild: simcord.GuildHandle) -> simcord.MemberActor:
    role = guild.create_role("moderator", permissions=discord.Permissions(manage_messages=True))
    return guild.add_member(env.create_user("mod"), roles=[role])


@pytest_asyncio.fixture(params=["before a restart", "after a restart"])
async def piece(
    request: pytest.FixtureRequest,
    env: simcord.Env,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    settings: Settings,
    studio: Studio,
    store: Store,
) -> discord.Message:
    """Return the message with a composition of Alice's, as a bot shows it that has composed it, or one that has not."""
    await alice.slash(channel, "compose", primer="60r2 64r2", bars=4, seed=11, tempo=120)
    if request.param == "after a restart":
        await env.restart_bot(ComposerBot(settings, studio, store))
    [message] = channel.history()
    return message


async def _opus(store: Store, message: discord.Message | simcord.ResponseMessage) -> Opus:
    return await store.get(str(message.embeds[0].footer.text).rpartition(" ")[2])


async def _answer(store: Store, result: simcord.InteractionResult) -> Opus:
    assert result.acknowledged
    assert result.response is not None
    assert not result.response.ephemeral
    return await _opus(store, result.response)


def _refusal(result: simcord.InteractionResult) -> str:
    assert result.acknowledged
    answer = result.response or result.followups[0]
    assert answer.ephemeral
    return answer.content


@pytest.fixture(params=["alice", "bob", "moderator"])
def anybody(request: pytest.FixtureRequest) -> simcord.MemberActor:
    actor = request.getfixturevalue(request.param)
    assert isinstance(actor, simcord.MemberActor)
    return actor


async def test_again_composes_by_the_same_recipe(
    anybody: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    first, second = await _opus(store, piece), await _answer(store, await anybody.click(piece, label="Again"))
    assert second.parent == first.id
    assert second.author == anybody.id
    assert second.request.seed != first.request.seed
    assert second.text.startswith("60r264r2")
    assert (second.bars, second.request.tempo) == (4, 120)


async def test_vary_keeps_the_first_half(anybody: simcord.MemberActor, piece: discord.Message, store: Store) -> None:
    first, second = await _opus(store, piece), await _answer(store, await anybody.click(piece, label="Vary"))
    half = notation.text(notation.parse(second.request.primer))
    assert first.text.startswith(half[:-2])
    assert second.text.startswith(half[:-2])
    assert second.text != first.text
    assert second.bars == first.bars


async def test_continue_goes_on_from_the_end(
    anybody: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    first, second = await _opus(store, piece), await _answer(store, await anybody.click(piece, label="Continue"))
    assert second.text.startswith(first.text[:-2])
    assert second.bars == 20


async def test_continue_stops_at_64_bars(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    result = await alice.slash(channel, "compose", bars=60)
    assert result.response is not None
    longer = await alice.click(result.response, label="Continue")
    assert (await _answer(store, longer)).bars == 64
    assert longer.response is not None
    assert "64 are the most" in _refusal(await alice.click(longer.response, label="Continue"))


async def test_takes_brings_four_and_a_button_for_each(
    anybody: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    result = await anybody.click(piece, label="Takes")
    assert result.response is not None
    names = [attachment.filename for attachment in result.response.attachments]
    assert sorted(names) == sorted(f"take-{n}.{end}" for n in range(1, 5) for end in ("mid", "mp3"))
    third = str(result.response.embeds[0].fields[2].value).rpartition("```")[2]
    further = await _answer(store, await anybody.click(result.response, label="Go on with 3"))
    assert further.parent == third
    assert further.text.startswith((await store.get(third)).text[:-2])
    assert further.bars == 24


async def test_tune_asks_with_all_values_filled_in_and_composes_by_the_answers(
    anybody: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    form = await anybody.click(piece, label="Tune")
    assert form.modal is not None
    fields = [label["component"] for label in form.modal["components"]]
    assert fields[0]["value"] == "60r264r2"
    assert fields[1]["value"] == "temperature 1\ngravity 0.5\ntop-p 1\nbars 4\ntempo 120\nseed 11"
    chosen = [[option["value"] for option in field["options"] if option.get("default")] for field in fields[2:]]
    assert chosen == [["tiny"], ["piano"]]
    ids = [field["custom_id"] for field in fields]
    values = dict(zip(ids, ("67r4", "temperature: 0.8\nbars=2\nseed 5", ["tiny"], ["harp"]), strict=True))
    opus = await _answer(store, await anybody.submit_modal(form, values))
    assert opus.text.startswith("67r4")
    assert opus.bars == 2
    assert (opus.request.temperature, opus.request.seed, opus.request.instrument) == (0.8, 5, "harp")


@pytest.mark.parametrize(
    ("primer", "numbers", "complaint"),
    [
        ("67x", "", "is not part of the notation"),
        ("67r4", "volume 11", "There is no value called 'volume'"),
        ("67r4", "bars many", "'many' is not a number that bars can have"),
    ],
)
async def test_tune_refuses_what_makes_no_sense(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, primer: str, numbers: str, complaint: str
) -> None:
    result = await alice.slash(channel, "compose", bars=1)
    assert result.response is not None
    form = await alice.click(result.response, label="Tune")
    assert form.modal is not None
    ids = [label["component"]["custom_id"] for label in form.modal["components"]]
    values = dict(zip(ids, (primer, numbers, ["tiny"], ["piano"]), strict=True))
    assert complaint in _refusal(await alice.submit_modal(form, values))


async def test_sheet_engraves_the_piece(anybody: simcord.MemberActor, piece: discord.Message, store: Store) -> None:
    opus = await _opus(store, piece)
    result = await anybody.click(piece, label="Sheet")
    assert result.response is not None
    files = {attachment.filename: await attachment.read() for attachment in result.response.attachments}
    assert files[f"{opus.id}-1.png"].startswith(b"\x89PNG")
    assert ElementTree.fromstring(files[f"{opus.id}.musicxml"]).tag == "score-partwise"
    assert result.response.embeds[0].image.url == f"attachment://{opus.id}-1.png"


async def test_share_explains_that_there_is_no_showcase(alice: simcord.MemberActor, piece: discord.Message) -> None:
    assert "This server has no showcase." in _refusal(await alice.click(piece, label="Share"))


async def test_share_is_for_the_author_alone(
    bob: simcord.MemberActor, moderator: simcord.MemberActor, piece: discord.Message
) -> None:
    for actor in (bob, moderator):
        assert "Only the one who had this piece composed" in _refusal(await actor.click(piece, label="Share"))


async def test_shares_a_piece_that_others_like_until_it_is_withdrawn(
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    guild: simcord.GuildHandle,
    piece: discord.Message,
    store: Store,
) -> None:
    showcase = guild.create_text_channel("showcase")
    await store.choose(guild.id, Server(showcase=showcase.id))
    assert "It is in the showcase" in _refusal(await alice.click(piece, label="Share"))
    assert "in a showcase already" in _refusal(await alice.click(piece, label="Share"))
    [shown] = showcase.history()
    assert shown.content == f"By {alice.mention}"
    composed = {a.filename: await a.read() for a in piece.attachments}
    assert {a.filename: await a.read() for a in shown.attachments} == composed
    await bob.click(shown, label="0")
    await alice.click(showcase.history()[0], label="1")
    [(opus, likes)] = await store.favourites(guild.id, 5)
    assert (opus.id, likes) == ((await _opus(store, piece)).id, 2)
    assert "Only the one" in _refusal(await bob.click(showcase.history()[0], label="Withdraw"))
    await alice.click(showcase.history()[0], label="Withdraw")
    assert showcase.history() == []
    assert await store.favourites(guild.id, 5) == ()


async def test_delete_is_for_the_author_and_for_moderators(
    bob: simcord.MemberActor,
    anybody: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    piece: discord.Message,
    store: Store,
) -> None:
    opus = await _opus(store, piece)
    result = await anybody.click(piece, label="Delete")
    if anybody is bob:
        assert "or a moderator, can do that" in _refusal(result)
        assert await store.get(opus.id) == opus
    else:
        assert result.acknowledged
        assert channel.history() == []
        with pytest.raises(StoreError):
            await store.get(opus.id)


@pytest.mark.parametrize("label", ["Again", "Vary", "Continue", "Takes", "Tune", "Sheet", "Share", "Delete"])
async def test_a_button_says_when_its_piece_is_gone(
    alice: simcord.MemberActor, piece: discord.Message, store: Store, label: str
) -> None:
    await store.delete((await _opus(store, piece)).id)
    assert _refusal(await alice.click(piece, label=label)) == "This piece is no longer kept: it has been deleted."


async def test_a_second_click_says_that_the_first_is_being_worked_on(
    env: simcord.Env,
    bot: ComposerBot,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
) -> None:
    result = await alice.slash(channel, "compose", bars=48)
    assert result.response is not None
    await begin(env, alice.click(result.response, label="Again"))
    await until(lambda: bot.studio.playing > 0)
    assert "still being worked on" in _refusal(await alice.click(result.response, label="Again"))


async def test_every_button_answers_for_errors_that_nobody_expected(
    bot: ComposerBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simcord.run(bot, settle_timeout=60, check_errors=False) as env:
        guild = env.create_guild()
        alice = guild.add_member(env.create_user("alice"))
        result = await alice.slash(guild.create_text_channel("music"), "compose", bars=1)
        assert result.response is not None
        monkeypatch.setattr(bot.store, "get", None)
        for label in ("Again", "Vary", "Continue", "Takes", "Tune", "Sheet", "Share", "Delete"):
            assert "It is in the log as" in _refusal(await alice.click(result.response, label=label))


def test_every_button_has_its_action() -> None:
    actions = {item.__discord_ui_compiled_template__.pattern.partition(":")[0] for item in ITEMS}
    assert len(actions) == len(ITEMS)
