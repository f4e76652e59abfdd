"""/train, as a server meets it: real files, a real small training in its process, real compositions."""

import asyncio
import os
import re
import resource
import sqlite3
from contextlib import closing
from typing import Any

import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Store
from bot.settings import Settings
from core.training.worker import MEMORY
from tests.bot.acting import begin, until
from tests.bot.clicking import filled_in, model_of
from tests.bot.music import files, midi, zipped
from tests.bot.trainings import Scene, newest, train

HOSTILE_NAMES = ("../evil", "a/b", "CON:", "-x", "ünïcode", ".hidden", "a\0b", "%2e%2e", "shared/x")


async def test_trains_a_model_that_everybody_can_try(scene: Scene, bob: simcord.MemberActor) -> None:
    answer = await scene.start(name="Old Scales", **files())
    embed = answer.embeds[0]
    assert embed.title == "old-scales is waiting to be trained"
    assert embed.description == "I can read all 3 pieces."
    assert {field.name for field in embed.fields} == {"Keys", "Place"}
    async with scene.bot.trainer:
        job = await scene.ended()
    assert job.state == "done"
    first, last = scene.channel.history()
    assert first.id == answer.id
    assert first.embeds[0].title == "old-scales is trained"
    assert first.components == []
    assert last.content == scene.admin.mention
    assert [user.id for user in last.mentions] == [scene.admin.id]
    fields = {field.name: str(field.value) for field in last.embeds[0].fields}
    assert str(last.embeds[0].description).startswith("Short tunes in 4/4, mostly in ")
    assert [attachment.filename for attachment in last.attachments] == ["old-scales-first.mp3", "old-scales-first.mid"]
    piece = await scene.bot.store.get(fields["A first piece"].rpartition(" ")[2])
    assert (piece.author, piece.server, piece.model.name) == (scene.admin.id, scene.guild.id, "old-scales")
    details = (await scene.admin.click(last, label="Details")).response
    assert details is not None
    figures = {field.name: str(field.value) for field in details.embeds[0].fields}
    assert re.fullmatch(r"\d+\.\d{3}, after \d+\.\d{3} in the first epoch", figures["Loss on held-out pieces"])
    assert (await details.attachments[0].read()).startswith(b"\x89PNG")
    result = await bob.click(last, label="Try it")
    assert result.response is not None
    assert model_of(result.response) == "old-scales"
    assert len(result.response.attachments) == 3
    report = (await scene.admin.slash(scene.channel, "train report", training=job.id)).response
    assert report is not None
    assert (await report.attachments[0].read()).count(b"\n") == 4


@pytest.mark.usefixtures("hurried")
async def test_shows_how_it_goes_and_who_is_next_until_it_is_thrown_away(
    scene: Scene, alice: simcord.MemberActor
) -> None:
    answer = await scene.start(name="first")
    async with scene.bot.trainer:
        await until(lambda: len(scene.channel.history()[0].attachments) >= 1)
        process = await scene.hold()
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, process) == max(scene.bot.settings.training_nice, ours)
        assert resource.prlimit(process, resource.RLIMIT_AS)[0] == MEMORY
        [shown] = scene.channel.history()
        assert shown.id == answer.id
        assert shown.embeds[0].title == "first is being trained"
        assert re.fullmatch(r"`█*░*` \d+%\nabout .+ left", str(shown.embeds[0].description))
        assert [(field.name, str(field.value).splitlines()[0]) for field in shown.embeds[0].fields] == [
            ("Listen", "after 1 epoch")
        ]
        assert shown.attachments[0].filename == "after-1-epoch.mp3"
        details = (await scene.admin.click(shown, label="Details")).response
        assert details is not None
        assert {field.name for field in details.embeds[0].fields} == {"Epoch", "Loss", "Loss on held-out pieces"}
        assert details.embeds[0].image.url == "attachment://curve.png"

        second = (await train(scene.admin, scene.channel, name="second", **files(2))).response
        assert second is not None
        assert second.embeds[0].fields[-1].value == "1 other training is ahead of it."
        status = (await scene.admin.slash(scene.channel, "train status")).response
        assert status is not None
        assert status.ephemeral
        assert [field.name for field in status.embeds[0].fields] == ["🎓 first", "⏳ second"]
        assert str(status.embeds[0].fields[0].value).startswith("Epoch ")
        assert status.embeds[0].fields[1].value == "1 other training is ahead of it."
        await scene.admin.slash(scene.channel, "train cancel", training="second")

        scene.release()
        piece = (await alice.slash(scene.channel, "compose", bars=8)).response
        assert piece is not None
        assert len(piece.attachments) == 3

        await scene.hold()
        question = await scene.admin.click(answer, label="Cancel")
        assert question.ephemeral
        assert question.response is not None
        assert (await scene.admin.click(question.response, label="Throw it away")).acknowledged
        job = await scene.ended()
        assert scene.bot.trainer.process is None
    assert (job.state, str(job.outcome)) == ("cancelled", "It was cancelled.")
    assert scene.models() == ()
    assert not (scene.bot.trainer.folder(job.id) / "checkpoint.safetensors").exists()


@pytest.mark.parametrize("command", ["start", "status", "list", "cancel"])
async def test_says_so_when_the_database_fails(
    admin: simcord.MemberActor, channel: simcord.ChannelHandle, settings: Settings, command: str
) -> None:
    with closing(sqlite3.connect(settings.data / "cadenza.db")) as database:
        database.execute("DROP TABLE trainings")
    options: Any = {"start": {"name": "scales", "file": ("a.mid", midi(1))}, "cancel": {"training": "scales"}}.get(
        command, {}
    )
    reply = (await admin.slash(channel, f"train {command}", **options)).response
    assert reply is not None
    assert reply.ephemeral
    assert reply.content.startswith("The database cannot be reached or is full, so nothing has changed.")


async def test_the_same_files_and_settings_twice_are_one_training(
    store: Store, admin: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle
) -> None:
    await train(admin, channel, name="scales", **files())
    [reply] = (await train(admin, channel, name="scales", **files())).followups
    assert reply.ephemeral
    assert reply.content.startswith("There is a training on these files with these settings already. scales is waiting")
    [other] = (await train(admin, channel, name="scales", **files(4))).followups
    assert other.content == "A model called scales is being trained already. Choose another name."
    assert len(await store.jobs.of(guild.id)) == 1


async def test_two_at_the_same_moment_are_one_too(
    env: simcord.Env,
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    for _ in range(2):
        await begin(env, train(admin, channel, name="scales", **zipped()))
    await env.settle()
    assert len(await store.jobs.of(guild.id)) == 1


async def test_a_server_has_so_many_trainings_at_once(
    store: Store, admin: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle
) -> None:
    for number in range(3):
        await train(admin, channel, name=f"scales{number}", **files())
    refused = (await train(admin, channel, name="more", **files())).response
    assert refused is not None
    assert refused.content == "3 trainings of this server have not ended yet. Wait for one, or cancel one."


async def test_trains_on_the_files_of_a_message(
    store: Store,
    admin: simcord.MemberActor,
    alice: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    message = await alice.send(channel, "our tunes", attachments=[(f"{n}.mid", midi(n)) for n in range(3)])
    form = await admin.context_menu(channel, "Train on these", message)
    wrong = await admin.submit_modal(form, filled_in(form, "tunes", "", ["2,4"], "many"))
    assert wrong.response is not None
    assert wrong.response.content == "The minutes must be a whole number from 1 to 1440."
    form = await admin.context_menu(channel, "Train on these", message)
    answer = (await admin.submit_modal(form, filled_in(form, "tunes", "tiny", ["2,4"], "10"))).response
    assert answer is not None
    assert answer.embeds[0].title == "tunes is waiting to be trained"
    job = await newest(store, guild)
    assert (job.name, job.base, job.minutes, job.gathered.kept) == ("tunes", "tiny", 10, 3)


async def test_a_message_without_files_has_nothing_to_train_on(
    admin: simcord.MemberActor, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    message = await alice.send(channel, "hello")
    answer = (await admin.context_menu(channel, "Train on these", message)).response
    assert answer is not None
    assert (answer.ephemeral, answer.content) == (True, "This message has no files.")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"base": "../tiny"}, "There is no model called '../tiny'. There are: tiny."),
        ({"base": "tiny", "from-nothing": True}, "choose base or from-nothing, not both"),
        ({"size": "large"}, "choose a size only with from-nothing"),
        ({"minutes": 241}, "A training may take at most 240 minutes here."),
        ({"name": "tiny"}, "There is a model called tiny already. Choose another name."),
    ],
)
async def test_refuses_what_makes_no_sense(
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    options: dict[str, object],
    says: str,
) -> None:
    result = await train(admin, channel, **{"name": "scales", **files(), **options})
    answer = result.followups[0] if result.response is None else result.response
    assert answer.ephemeral
    assert says in answer.content
    assert await store.jobs.of(guild.id) == ()


@pytest.mark.parametrize("name", HOSTILE_NAMES)
async def test_hostile_names_are_no_names(
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
    name: str,
) -> None:
    result = await train(admin, channel, name=name, **files())
    assert result.response is not None
    assert "cannot be a model's name" in result.response.content
    for command, option in (("train cancel", "training"), ("train delete", "training"), ("train report", "training")):
        result = await admin.slash(channel, command, **{option: name})
        assert result.response is not None
        assert result.response.content.startswith("There is no such training on this server.")
    assert await store.jobs.of(guild.id) == ()
    assert not await asyncio.to_thread((bot.settings.data / "trainings").exists)


async def test_forgets_who_asked_for_a_training(
    store: Store, admin: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle
) -> None:
    await train(admin, channel, name="scales", **files())
    await store.forget(admin.id)
    assert (await newest(store, guild)).user is None
