"""/models, and whose a model is: other servers neither see nor use nor delete it, whatever they send."""

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path

import discord
import pytest
import simcord

from bot.client import ComposerBot
from bot.composing import presentation
from bot.database.jobs import Job
from bot.database.store import Server, Store
from bot.settings import Settings
from bot.training import messages
from core.errors import mark
from tests.bot.clicking import Tuner, confirm, model_of, press
from tests.bot.database.test_jobs import job
from tests.bot.music import files
from tests.bot.trainings import train

ELSEWHERE = "There is no model called 'secret'. There are: tiny."


@pytest.fixture
def own(tiny_model: Path, settings: Settings, guild: simcord.GuildHandle) -> Path:
    """Put a model called secret on the server's shelf."""
    return Path(shutil.copytree(tiny_model, settings.data / "models" / str(guild.id) / "secret"))


@pytest.fixture
def other(env: simcord.Env) -> simcord.GuildHandle:
    """Return another server."""
    return env.create_guild("Elsewhere")


@pytest.fixture
def elsewhere(other: simcord.GuildHandle) -> simcord.ChannelHandle:
    """Return a channel of the other server."""
    return other.create_text_channel("music")


@pytest.fixture
def thief(env: simcord.Env, other: simcord.GuildHandle) -> simcord.MemberActor:
    """Return somebody who may manage the other server."""
    role = other.create_role("admin", permissions=discord.Permissions(manage_guild=True))
    return other.add_member(env.create_user("thief"), roles=[role])


def _said(result: simcord.InteractionResult) -> str:
    answer = result.response or result.followups[0]
    assert answer.ephemeral
    return answer.content


@pytest.mark.usefixtures("own")
class TestAtHome:
    async def test_everybody_finds_it_and_composes_with_it(
        self, alice: simcord.MemberActor, channel: simcord.ChannelHandle
    ) -> None:
        assert [choice["value"] for choice in await alice.autocomplete(channel, "compose", "model", "")] == [
            "secret",
            "tiny",
        ]
        answer = (await alice.slash(channel, "compose", model="secret", bars=2)).response
        assert answer is not None
        assert model_of(answer) == "secret"
        again = (await alice.click(answer, label="Again")).response
        assert again is not None
        assert model_of(again) == "secret"
        assert "secret" in (await Tuner.on(alice, answer)).offered("model")

    async def test_lists_models_and_what_they_were_trained_on(
        self, alice: simcord.MemberActor, channel: simcord.ChannelHandle
    ) -> None:
        answer = (await alice.slash(channel, "models list")).response
        assert answer is not None
        assert answer.embeds[0].description == (
            "- **secret**: two made-up pieces, this server's own, the default\n- **tiny**: two made-up pieces"
        )

    @pytest.mark.parametrize("damage", ["{}", '{"format": 1, "training": 5}', "not JSON"])
    async def test_lists_the_others_where_one_is_damaged_and_says_which_without_a_path(
        self,
        own: Path,
        alice: simcord.MemberActor,
        channel: simcord.ChannelHandle,
        caplog: pytest.LogCaptureFixture,
        damage: str,
    ) -> None:
        await asyncio.to_thread((own / "params.json").write_text, damage)
        answer = (await alice.slash(channel, "models list")).response
        assert answer is not None
        assert answer.embeds[0].description == "- **tiny**: two made-up pieces"
        assert "The model secret is not listed" in caplog.text
        for command in ("compose", "models info"):
            said = _said(await alice.slash(channel, command, model="secret"))
            assert "secret" in said
            assert str(own.parent) not in said

    @pytest.mark.parametrize("file", ["weights.safetensors", "notes.txt"])
    async def test_says_what_is_missing_without_a_path(
        self, own: Path, alice: simcord.MemberActor, channel: simcord.ChannelHandle, file: str
    ) -> None:
        await asyncio.to_thread((own / file).unlink)
        said = _said(await alice.slash(channel, "compose", model="secret"))
        assert said == f"secret/{file} cannot be read: No such file or directory."

    async def test_shows_the_card_of_a_model_with_its_curve_and_its_settings(
        self, own: Path, alice: simcord.MemberActor, channel: simcord.ChannelHandle
    ) -> None:
        await asyncio.to_thread((own / "curve.png").write_bytes, b"\x89PNG of sorts")
        answer = (await alice.slash(channel, "models info", model="secret")).response
        assert answer is not None
        embed = answer.embeds[0]
        assert "1 LSTM layer of 24 units and hears pitches" in (embed.description or "")
        rows = {field.name: field.value for field in embed.fields}
        assert rows["Notation"] == "rest unit 1/2, lowest note first"
        assert rows["Defaults"] == "gravity 0.5, tempo 300"
        assert embed.image.url == "attachment://curve.png"
        assert await answer.attachments[0].read() == b"\x89PNG of sorts"

    async def test_composes_by_default_if_a_trainer_says_so(
        self, admin: simcord.MemberActor, alice: simcord.MemberActor, channel: simcord.ChannelHandle
    ) -> None:
        assert _said(await alice.slash(channel, "models default", model="tiny")).startswith(
            "Only members with the permission Manage Server"
        )
        await admin.slash(channel, "models default", model="tiny")
        answer = (await alice.slash(channel, "compose", bars=1)).response
        assert answer is not None
        assert model_of(answer) == "tiny"

    async def test_is_deleted_by_trainers_alone_and_no_longer_the_default_then(
        self,
        own: Path,
        store: Store,
        admin: simcord.MemberActor,
        alice: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        await admin.slash(channel, "models default", model="secret")
        assert _said(await alice.slash(channel, "models delete", model="secret")).startswith(
            "Only members with the permission Manage Server"
        )
        assert await asyncio.to_thread(own.is_dir)
        asked = await admin.slash(channel, "models delete", model="secret")
        assert _said(asked) == "Delete secret for good?"
        await confirm(admin, asked)
        assert _said(asked) == "secret is deleted."
        assert await asyncio.to_thread(os.listdir, own.parent) == []
        assert await store.server(guild.id) == Server()
        answer = (await alice.slash(channel, "compose", bars=1)).response
        assert answer is not None
        assert model_of(answer) == "tiny"

    async def test_is_not_deleted_while_another_is_trained_from_it(
        self, store: Store, admin: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle
    ) -> None:
        learner: Job = replace(job("a", guild.id), base="secret", name="apprentice")
        await store.jobs.add(learner)
        said = _said(await admin.slash(channel, "models delete", model="secret"))
        assert said == "apprentice is being trained from secret: wait until that is done, or cancel it."

    @pytest.mark.parametrize("name", ["tiny", "../tiny", "..", ".", " ", "shared", "secret/../../x"])
    async def test_what_is_not_its_own_cannot_be_deleted(
        self, own: Path, tiny_model: Path, admin: simcord.MemberActor, channel: simcord.ChannelHandle, name: str
    ) -> None:
        said = _said(await admin.slash(channel, "models delete", model=name))
        assert said == f"This server has no model of its own called {name!r}. It has: secret."
        assert await asyncio.to_thread((own / "params.json").exists)
        assert await asyncio.to_thread((tiny_model / "params.json").exists)


@pytest.mark.usefixtures("own")
class TestElsewhere:
    async def test_nobody_sees_uses_or_deletes_it(
        self, own: Path, thief: simcord.MemberActor, elsewhere: simcord.ChannelHandle, guild: simcord.GuildHandle
    ) -> None:
        for command in ("compose", "models info", "models default"):
            choices = await thief.autocomplete(elsewhere, command, "model", "")
            assert [choice["value"] for choice in choices] == ["tiny"]
            assert _said(await thief.slash(elsewhere, command, model="secret")) == ELSEWHERE
            for path in (f"../{guild.id}/secret", f"{guild.id}/secret"):
                assert _said(await thief.slash(elsewhere, command, model=path)).startswith("There is no model called")
        assert await thief.autocomplete(elsewhere, "models delete", "model", "") == []
        said = _said(await thief.slash(elsewhere, "models delete", model="secret"))
        assert said == "This server has no model of its own called 'secret'. It has none yet; /train start makes one."
        answer = (await thief.slash(elsewhere, "models list")).response
        assert answer is not None
        assert "secret" not in (answer.embeds[0].description or "")
        assert await thief.autocomplete(elsewhere, "train start", "base", "sec") == []
        assert _said(await train(thief, elsewhere, name="x", base="secret", **files())) == ELSEWHERE
        assert await asyncio.to_thread((own / "params.json").exists)

    async def test_its_buttons_do_not_use_it_there(
        self,
        bot: ComposerBot,
        store: Store,
        alice: simcord.MemberActor,
        thief: simcord.MemberActor,
        channel: simcord.ChannelHandle,
        elsewhere: simcord.ChannelHandle,
    ) -> None:
        await alice.slash(channel, "compose", model="secret", bars=2)
        [opus] = await store.by_author(alice.id, 1)
        place = bot.get_partial_messageable(elsewhere.id)
        stolen = await place.send("a piece", view=presentation.under(opus))
        for label in ("Again", "Vary", "Continue", "Takes"):
            assert _said(await press(thief, stolen, label)) == ELSEWHERE
        assert (await Tuner.on(thief, stolen)).offered("model") == ["tiny"]

    async def test_a_training_of_another_server_cannot_be_tried(
        self,
        bot: ComposerBot,
        store: Store,
        thief: simcord.MemberActor,
        guild: simcord.GuildHandle,
        elsewhere: simcord.ChannelHandle,
    ) -> None:
        await store.jobs.add(replace(job("a", guild.id), name="secret"))
        await store.jobs.end("a", "done", mark("It ended."))
        place = bot.get_partial_messageable(elsewhere.id)
        for view, label, says in (
            (messages.under_model("a", "secret"), "Try it", "There is no model called 'secret'."),
            (messages.under_training("a"), "Cancel", "There is no such training on this server."),
        ):
            stolen = await place.send("a model", view=view)
            assert _said(await thief.click(stolen, label=label)).startswith(says)


@pytest.mark.usefixtures("own")
class TestShared:
    async def test_the_owner_of_the_bot_offers_it_to_all_and_takes_it_back(
        self,
        bot: ComposerBot,
        admin: simcord.MemberActor,
        thief: simcord.MemberActor,
        channel: simcord.ChannelHandle,
        elsewhere: simcord.ChannelHandle,
    ) -> None:
        said = _said(await admin.slash(channel, "models share", model="secret"))
        assert said == "Only the owner of this bot can do that."
        bot.owner_id = admin.id
        said = _said(await admin.slash(channel, "models share", model="secret"))
        assert said == "secret is offered to all servers."
        answer = (await thief.slash(elsewhere, "compose", model="secret", bars=1)).response
        assert answer is not None
        assert model_of(answer) == "secret"
        assert "no model of its own" in _said(await thief.slash(elsewhere, "models delete", model="secret"))
        assert "already" in _said(await admin.slash(channel, "models share", model="secret"))
        await admin.slash(channel, "models delete", model="secret")
        assert await thief.autocomplete(elsewhere, "compose", "model", "sec") != []
        await admin.slash(channel, "models share", model="secret", withdraw=True)
        assert await thief.autocomplete(elsewhere, "compose", "model", "sec") == []


@pytest.mark.usefixtures("own")
class TestLimits:
    @pytest.fixture
    def settings(self, settings: Settings, request: pytest.FixtureRequest) -> Settings:
        return settings.model_copy(update=request.param)

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"server_models": 1}, "A server may keep 1 model. Delete it with /models delete first."),
            ({"server_model_bytes": 1000}, "The models of a server may take up"),
        ],
        indirect=["settings"],
    )
    async def test_a_server_keeps_so_many_models_of_such_a_size(
        self, admin: simcord.MemberActor, channel: simcord.ChannelHandle, says: str
    ) -> None:
        result = await train(admin, channel, name="more", **files())
        assert not result.deferred
        assert says in _said(result)
