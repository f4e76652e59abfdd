"""Films in the chat: behind the answer, in the showcase, and only where they are wished."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import av
import discord
import pytest
import simcord

from bot.client import ComposerBot
from bot.composing import film
from bot.database.films import OwedFilm
from bot.database.store import Server, Store
from bot.settings import Settings
from tests.bot.acting import until
from tests.bot.clicking import files, opus_of, refusal

PIECE = {"primer": "60r2 64r2", "bars": 1, "seed": 11, "tempo": 200}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"film": "when shared"})


@pytest.fixture
def showcase(guild: simcord.GuildHandle) -> simcord.ChannelHandle:
    return guild.create_text_channel("showcase")


def endings(message: discord.Message) -> set[str]:
    return {attachment.filename.rpartition(".")[2] for attachment in message.attachments}


async def test_it_takes_the_place_of_picture_and_player_some_time_later(
    bot: ComposerBot,
    store: Store,
    guild: simcord.GuildHandle,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
) -> None:
    await store.choose(guild.id, Server(film="always"))
    result = await alice.slash(channel, "compose", **PIECE)
    assert result.response is not None
    first = {attachment.filename.rpartition(".")[2] for attachment in result.response.attachments}
    await until(lambda: not bot.studio.films.busy)
    [message] = channel.history()
    assert first >= {"mid"}
    assert endings(message) == {"mp4", "mid"}
    assert message.embeds[0].title == result.response.embeds[0].title
    assert message.embeds[0].image.url is None
    assert {label for row in message.components for label in _labels(row)} >= {"Again", "Share"}
    shown = await files(message)
    [name] = [name for name in shown if name.endswith(".mp4")]
    with av.open(BytesIO(shown[name])) as opened:
        assert opened.duration / 1e6 > 1
    again = await alice.slash(channel, "piece show", id=(await opus_of(store, message)).id)
    assert again.acknowledged


async def test_unless_it_is_wished_a_piece_is_filmed_when_it_is_shared_alone(
    bot: ComposerBot,
    store: Store,
    guild: simcord.GuildHandle,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    showcase: simcord.ChannelHandle,
) -> None:
    await store.choose(guild.id, Server(showcase=showcase.id))
    await alice.slash(channel, "compose", **PIECE)
    [message] = channel.history()
    assert not bot.studio.films.busy
    assert endings(message) == {"mid", "mp3", "png"}
    await alice.click(message, label="Share")
    [shared] = showcase.history()
    assert endings(shared) == {"mp4", "mid"}
    assert endings(channel.history()[0]) == {"mid", "mp3", "png"}


async def test_what_is_shared_before_its_film_is_made_gets_it_later(
    bot: ComposerBot,
    store: Store,
    guild: simcord.GuildHandle,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    showcase: simcord.ChannelHandle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(film, "SHARING", 0.0)
    await store.choose(guild.id, Server(showcase=showcase.id))
    await alice.slash(channel, "compose", **PIECE)
    [message] = channel.history()
    assert "It is in the showcase." in refusal(await alice.click(message, label="Share"))
    await until(lambda: not bot.studio.films.busy)
    assert endings(showcase.history()[0]) == {"mp4", "mid"}


async def test_with_too_much_to_do_or_too_little_room_the_message_stays_as_it_is(
    bot: ComposerBot,
    store: Store,
    guild: simcord.GuildHandle,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await store.choose(guild.id, Server(film="always"))
    monkeypatch.setattr(film, "MOST", 0)
    await alice.slash(channel, "compose", **PIECE)
    assert not bot.studio.films.busy
    monkeypatch.undo()
    monkeypatch.setattr(bot.studio.films, "_upload_bytes", 20_000)
    await alice.slash(channel, "compose", **PIECE)
    await until(lambda: not bot.studio.films.busy)
    assert [endings(message) for message in channel.history()] == [{"mid", "mp3", "png"}] * 2


async def test_a_piece_that_is_deleted_meanwhile_leaves_no_film(
    bot: ComposerBot,
    store: Store,
    guild: simcord.GuildHandle,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
) -> None:
    await alice.slash(channel, "compose", **PIECE)
    [message] = channel.history()
    opus = await opus_of(store, message)
    take = await bot.studio.revive(opus)
    await store.choose(guild.id, Server(film="always"))
    answer = await bot.studio.present(opus, take, None)
    await store.delete(opus.id)
    await bot.studio.films.follow(message, answer, opus, take)
    await until(lambda: not bot.studio.films.busy)
    assert not [path for path in (bot.settings.data / "cache").iterdir() if path.name.startswith(f"{opus.id}.film")]
    assert endings(channel.history()[0]) == {"mid", "mp3", "png"}


async def test_a_film_that_is_owed_at_the_end_is_shown_after_the_next_start(
    bot: ComposerBot,
    store: Store,
    guild: simcord.GuildHandle,
    alice: simcord.MemberActor,
    channel: simcord.ChannelHandle,
) -> None:
    await alice.slash(channel, "compose", **PIECE)
    [message] = channel.history()
    opus = await opus_of(store, message)
    take = await bot.studio.revive(opus)
    await store.choose(guild.id, Server(film="always"))
    await bot.studio.films.follow(message, await bot.studio.present(opus, take, None), opus, take)
    await bot.studio.films.close()
    await until(lambda: not bot.studio.films.busy)
    assert endings(channel.history()[0]) == {"mid", "mp3", "png"}
    bot.studio.films.open(bot, alone=True)
    await until(lambda: endings(channel.history()[0]) == {"mp4", "mid"})
    [shown] = channel.history()
    assert shown.embeds[0].title == message.embeds[0].title
    assert shown.embeds[0].image.url is None
    await until(lambda: not bot.studio.films.busy)
    assert not await store.films.claim(datetime.now(UTC), timedelta(0))


async def test_a_film_that_another_process_makes_is_left_to_it_until_that_has_had_its_time(
    store: Store, alice: simcord.MemberActor, channel: simcord.ChannelHandle
) -> None:
    await alice.slash(channel, "compose", **PIECE)
    [message] = channel.history()
    owed = OwedFilm(message=message.id, channel=channel.id, server=None, opus=(await opus_of(store, message)).id)
    now = datetime.now(UTC)
    await store.films.owe(owed, now)
    assert await store.films.claim(now, film.LEASE) == ()
    assert await store.films.claim(now + film.LEASE, film.LEASE) == (owed,)
    assert await store.films.claim(now + film.LEASE, film.LEASE) == ()
    await store.delete(owed.opus)
    assert await store.films.claim(now + 3 * film.LEASE, film.LEASE) == ()


def _labels(row: discord.Component) -> list[str]:
    return [child.label or "" for child in getattr(row, "children", []) if isinstance(child, discord.Button)]
