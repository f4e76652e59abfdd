"""Files on their way to parsed notes: one collection at a time, each file under a name of its own."""

import simcord

from bot.client import ComposerBot
from bot.database.jobs import JobError
from bot.database.store import Store
from bot.training.attachments import LINE
from tests.bot.acting import begin, until
from tests.bot.music import files, midi, named, zipped
from tests.bot.trainings import newest, train


async def test_reads_one_collection_of_a_server_at_a_time(
    env: simcord.Env,
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    def reading() -> bool:
        try:
            with bot.trainings.reading.place(guild.id):
                return False
        except JobError:
            return True

    with bot.trainings.reading.place(1) as turn:
        async with turn:
            await begin(env, train(admin, channel, name="first", **zipped()))
            await until(reading)
        await env.settle()
    with bot.trainings.reading.place(guild.id):
        second = await train(admin, channel, name="second", **files(first=3))
        assert not second.deferred
        assert second.response is not None
        assert (
            second.response.content
            == "Files from this server are being read already. Wait until that is done, then try again."
        )
    assert [job.name for job in await store.jobs.of(guild.id)] == ["first"]
    third = (await train(admin, channel, name="third", **files(first=3))).response
    assert third is not None
    assert third.embeds[0].title == "third is waiting to be trained"


async def test_the_machine_reads_one_collection_at_a_time_and_the_next_is_not_even_fetched(
    env: simcord.Env,
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    with bot.trainings.reading.place(1) as turn:
        async with turn:
            await begin(env, train(admin, channel, name="scales", **zipped()))
            assert not bot.trainer.uploads.exists()
            assert await store.jobs.of(guild.id) == ()
        await env.settle()
    assert (await newest(store, guild)).gathered.kept == 3


async def test_few_servers_wait(
    bot: ComposerBot,
    store: Store,
    admin: simcord.MemberActor,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    with bot.trainings.reading.place(1), bot.trainings.reading.place(2), bot.trainings.reading.place(3):
        assert LINE == 3
        result = await train(admin, channel, name="scales", **files())
        assert not result.deferred
        assert result.response is not None
        assert (
            result.response.content
            == "Files from other servers are being read at the moment. Try again in a few minutes."
        )
    assert await store.jobs.of(guild.id) == ()


async def test_files_of_one_name_are_all_read(
    store: Store, admin: simcord.MemberActor, guild: simcord.GuildHandle, channel: simcord.ChannelHandle
) -> None:
    names = ("a.mid", "a (2).mid", "a (3).mid", "a.mid", "a.mid")
    uploads = named(*((name, midi(seed)) for seed, name in enumerate(names)))
    answer = (await train(admin, channel, name="scales", **uploads)).response
    assert answer is not None
    assert (await newest(store, guild)).gathered.kept == len(names)
