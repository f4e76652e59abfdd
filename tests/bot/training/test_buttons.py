"""The buttons of a training, when the training itself is no longer kept."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Store
from bot.settings import Settings
from bot.training import messages
from core.errors import mark
from tests.bot.clicking import confirm, opus_in, refusal
from tests.bot.database.test_jobs import job


@pytest.fixture
def own(tiny_model: Path, settings: Settings, guild: simcord.GuildHandle) -> None:
    """Put a model called scales on the server's shelf."""
    shutil.copytree(tiny_model, settings.data / "models" / str(guild.id) / "scales")


@pytest.mark.usefixtures("own")
async def test_a_model_can_be_tried_after_its_training_is_forgotten(
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    await store.jobs.add(job("a", guild.id))
    await store.jobs.end("a", "done", mark("It ended."))
    place = bot.get_partial_messageable(channel.id)
    message = await place.send("a model", view=messages.under_model("a", "scales"))
    await admin.slash(channel, "train delete", training="a")
    assert await store.jobs.of(guild.id) == ()
    assert (await opus_in(store, await alice.click(message, label="Try it"))).model.name == "scales"
    await confirm(admin, await admin.slash(channel, "models delete", model="scales"))
    assert refusal(await alice.click(message, label="Try it")) == "There is no model called 'scales'. There are: tiny."


@pytest.mark.usefixtures("own")
async def test_a_button_of_an_earlier_version_finds_its_model_by_the_training(
    bot: ComposerBot,
    store: Store,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    await store.jobs.add(replace(job("a", guild.id), name="scales"))
    view = messages.under_model("a", "scales")
    view.children[0].custom_id = "train-try:a"  # type: ignore[attr-defined]
    message = await bot.get_partial_messageable(channel.id).send("a model", view=view)
    assert (await opus_in(store, await alice.click(message, label="Try it"))).model.name == "scales"


async def test_one_that_gets_ready_is_said_to_by_its_message_by_status_and_by_cancel(
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    begun = await store.jobs.add(job("a", guild.id))
    await store.jobs.begin("a")
    embed = messages.present_progress(begun, bot.trainer.status("a"), ()).embed
    message = await bot.get_partial_messageable(channel.id).send(embed=embed, view=messages.under_training("a"))
    status = (await admin.slash(channel, "train status")).response
    question = (await admin.click(message, label="Cancel")).response
    assert status is not None
    assert question is not None
    assert embed.description == "Getting ready …"
    assert status.embeds[0].fields[0].value == "Getting ready … `a`"
    assert question.content == "model-a is about to be trained. Getting ready …\nThere is nothing to keep yet."
