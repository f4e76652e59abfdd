"""What holds for every button: it answers whatever happens."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import discord
import pytest
import simcord

from bot.chat import components
from bot.client import ComposerBot
from bot.community import deletion, showcase
from bot.composing import buttons, melodies, presentation, rewriting
from bot.composing.buttons import PieceButton
from bot.database.store import Server, Store
from bot.settings import Settings
from tests.bot.acting import PATIENCE, Gate
from tests.bot.clicking import (
    BUTTONS,
    MENU,
    UNDER_A_PIECE,
    Tuner,
    files,
    model_of,
    opus_of,
    press,
    refusal,
    response,
)

GONE = "This piece is no longer kept: it has been deleted."


def test_all_that_is_shown_under_a_piece_has_its_action(bot: ComposerBot) -> None:
    items = (*buttons.ITEMS, *melodies.ITEMS, *rewriting.ITEMS, *showcase.ITEMS, *deletion.ITEMS)
    known = {item.__discord_ui_compiled_template__.pattern.partition(":")[0] for item in items}
    shown = [action for action, *_ in presentation.UNDER_A_PIECE] + list(MENU.values())
    assert known >= {"more", *shown}
    assert set(PieceButton.actions) >= set(shown)
    assert tuple(str(label) for _, label, *_ in presentation.UNDER_A_PIECE) == BUTTONS


async def test_all_that_is_under_a_piece_says_when_it_is_gone(
    anybody: simcord.MemberActor, old_piece: discord.Message, store: Store
) -> None:
    await store.delete((await opus_of(store, old_piece)).id)
    for label in UNDER_A_PIECE:
        assert refusal(await press(anybody, old_piece, label)) == GONE, label


async def test_the_buttons_of_earlier_messages_go_on_working(
    bot: ComposerBot, alice: simcord.MemberActor, channel: simcord.ChannelHandle, piece: discord.Message, store: Store
) -> None:
    opus = await opus_of(store, piece)
    earlier = ("again", "vary", "continue", "takes", "tune", "sheet", "share", "delete")
    view = components.lay_out(
        components.button(action, action, "🎵", n // 4, opus.id) for n, action in enumerate(earlier)
    )
    old = await bot.get_partial_messageable(channel.id).send("an old piece", view=view)
    for action in ("again", "vary", "continue", "takes", "sheet"):
        assert response(await alice.click(old, label=action)).attachments, action
    assert (await alice.click(old, label="tune")).response is not None
    assert "showcase" in (await alice.click(old, label="share")).followups[0].content
    [question] = (await alice.click(old, label="delete")).followups
    done = await alice.click(question, label="Delete")
    assert done.acknowledged
    assert await store.find(opus.id) == ()
    assert old.id not in {message.id for message in channel.history()}


async def test_the_form_says_when_its_piece_is_gone(
    alice: simcord.MemberActor, piece: discord.Message, store: Store
) -> None:
    tuner = await Tuner.on(alice, piece)
    await store.delete((await opus_of(store, piece)).id)
    assert refusal(await tuner.compose()) == GONE
    assert refusal(await tuner.type(primer="67r4")) == GONE


@pytest.mark.parametrize("label", ["Again", "Takes", "Sheet", "Share"])
async def test_a_second_click_says_that_the_first_is_being_worked_on(
    gate: Gate,
    bot: ComposerBot,
    guild: simcord.GuildHandle,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    store: Store,
    label: str,
) -> None:
    showcase = guild.create_text_channel("showcase")
    await store.choose(guild.id, Server(showcase=showcase.id))
    message = response(await alice.slash(channel, "compose", bars=1, seed=3))
    await bot.cache.drop((await opus_of(store, message)).id)  # so that Share has files to make
    gate.close()
    await press(alice, message, label)
    assert gate.waiting == 1
    second = await press(alice, message, label)
    assert refusal(second) == "Your last click on this button is still being worked on."
    await gate.open()
    place = showcase if label == "Share" else channel
    assert len(place.history()) == (1 if label == "Share" else 2)  # the first click had its answer


async def test_clicks_of_several_people_do_not_get_in_each_others_way(
    gate: Gate,
    alice: simcord.MemberActor,
    bob: simcord.MemberActor,
    channel: simcord.ChannelHandle,
) -> None:
    message = response(await alice.slash(channel, "compose", bars=1, seed=3))
    gate.close()
    for actor in (alice, bob):
        await actor.click(message, label="Again")
    assert gate.waiting == 2
    await gate.open()
    assert len(channel.history()) == 3


async def test_every_button_answers_for_errors_that_nobody_expected(
    bot: ComposerBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with simcord.run(bot, settle_timeout=PATIENCE, check_errors=False) as env:
        guild = env.create_guild()
        alice = guild.add_member(env.create_user("alice"))
        message = response(await alice.slash(guild.create_text_channel("music"), "compose", bars=1))
        tuner = await Tuner.on(alice, message)
        monkeypatch.setattr(bot.store, "find", None)
        for label in UNDER_A_PIECE:
            assert "It is in the log as" in refusal(await press(alice, message, label))
            assert caplog.messages[-1].endswith(f", in the button {MENU.get(label, label.lower())}")
        for result, what in (
            (await tuner.type(), "the form tune-words"),
            (await tuner.compose(), "the button tune-compose"),
        ):
            assert "It is in the log as" in refusal(result)
            assert f", in {what}" in caplog.text


class TestWithAModelThatGoes:
    @pytest.fixture
    def settings(self, settings: Settings, tiny_model: Path, tmp_path: Path) -> Settings:
        for name in ("fleeting", "tiny"):
            shutil.copytree(tiny_model, tmp_path / "models" / name)
        return settings.model_copy(update={"models": tmp_path / "models", "model": "fleeting"})

    @pytest.fixture
    def without_model(self, piece: discord.Message, settings: Settings) -> discord.Message:
        shutil.rmtree(settings.models / "fleeting")
        return piece

    @pytest.mark.parametrize("label", ["Again", "Vary", "Continue", "Takes"])
    async def test_says_so_where_the_model_would_compose(
        self,
        alice: simcord.MemberActor,
        without_model: discord.Message,
        then: Callable[[], Awaitable[None]],
        label: str,
    ) -> None:
        await then()
        sentence = refusal(await press(alice, without_model, label))
        assert sentence == "There is no model called 'fleeting'. There are: tiny."

    async def test_the_sheet_and_the_files_are_made_all_the_same(
        self,
        alice: simcord.MemberActor,
        guild: simcord.GuildHandle,
        without_model: discord.Message,
        store: Store,
        then: Callable[[], Awaitable[None]],
    ) -> None:
        showcase = guild.create_text_channel("showcase")
        await store.choose(guild.id, Server(showcase=showcase.id))
        await then()
        assert len(response(await press(alice, without_model, "Sheet")).attachments) == 3
        refusal(await alice.click(without_model, label="Share"))
        [shown] = showcase.history()
        assert await files(shown) == await files(without_model)

    async def test_the_form_offers_the_models_that_are_left(
        self, alice: simcord.MemberActor, without_model: discord.Message, settings: Settings
    ) -> None:
        tuner = await Tuner.on(alice, without_model)
        assert (tuner.shown().model, tuner.offered("model")) == ("tiny", ["tiny"])
        assert model_of(response(await tuner.compose())) == "tiny"
        shutil.rmtree(settings.models / "tiny")
        assert "There is no model in" in refusal(await press(alice, without_model, "Tune"))
