"""How trainings end before their time when somebody says so."""

from pathlib import Path

import pytest
import simcord

from bot.client import ComposerBot
from bot.database.store import Store
from tests.bot.acting import until
from tests.bot.trainings import ended, learning, models, newest, start

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("hurried")


class TestCancelled:
    async def test_before_its_turn(
        self,
        bot: ComposerBot,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        answer = await start(admin, channel)
        await admin.click(answer, label="Cancel")
        job = await ended(store, guild)
        assert (job.state, str(job.outcome)) == ("cancelled", "It was cancelled before it began.")
        first, last = channel.history()
        assert [message.embeds[0].title for message in (first, last)] == ["scales was cancelled"] * 2
        assert first.components == []
        assert last.content == admin.mention

    async def test_with_nothing_kept(
        self,
        bot: ComposerBot,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        answer = await start(admin, channel)
        async with bot.trainer:
            job = await newest(store, guild)
            await learning(bot.trainer, job)
            question = await admin.click(answer, label="Cancel")
            assert question.ephemeral
            assert question.response is not None
            assert (await admin.click(question.response, label="Throw it away")).acknowledged
            job = await ended(store, guild)
            assert bot.trainer.process is None
        assert (job.state, str(job.outcome)) == ("cancelled", "It was cancelled.")
        assert models(bot, guild) == ()
        assert not (bot.trainer.folder(job.id) / "checkpoint.safetensors").exists()

    async def test_with_the_best_so_far_kept(
        self,
        bot: ComposerBot,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        answer = await start(admin, channel)
        async with bot.trainer:
            job = await newest(store, guild)
            await learning(bot.trainer, job)
            question = await admin.click(answer, label="Cancel")
            assert question.response is not None
            await admin.click(question.response, label="Keep the best so far")
            job = await ended(store, guild)
        assert job.state == "done"
        assert models(bot, guild) == ("scales",)
        assert bot.catalogue.at(guild.id).params("scales").training["ended"] == "stopped"

    async def test_before_there_is_anything_to_keep(
        self,
        bot: ComposerBot,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        await start(admin, channel)
        async with bot.trainer:
            await until(lambda: bot.trainer.process is not None)
            await admin.slash(channel, "train cancel", training="scales", keep=True)
            job = await ended(store, guild)
        assert job.state == "cancelled"
        assert "before its first epoch was done" in str(job.outcome)
        assert models(bot, guild) == ()

    async def test_twice(
        self,
        bot: ComposerBot,
        store: Store,
        admin: simcord.MemberActor,
        guild: simcord.GuildHandle,
        channel: simcord.ChannelHandle,
    ) -> None:
        await start(admin, channel)
        await admin.slash(channel, "train cancel", training="scales")
        await ended(store, guild)
        [reply] = (await admin.slash(channel, "train cancel", training="scales")).followups
        assert reply.content == "This training has ended already."
