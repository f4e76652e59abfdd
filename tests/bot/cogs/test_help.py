"""/help and the welcome: what a newcomer reads, hears and presses."""

import io

import discord
import pytest
import simcord
import soundfile

from bot.client import ComposerBot
from bot.cogs.help import TYPED, Help
from bot.database.store import Store
from tests.bot.clicking import custom_ids, files, opus_in, refusal


async def test_help_is_private_with_a_piece_to_hear_and_what_to_type(
    alice: simcord.MemberActor, admin: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store
) -> None:
    shown = (await alice.slash(channel, "help")).response
    assert shown is not None
    assert shown.ephemeral
    [embed] = shown.embeds
    assert len(str(embed.description).splitlines()) == 3
    assert str(embed.fields[0].value) == "\n".join(f"`{each}`" for each in TYPED)
    heard = await files(shown)
    assert soundfile.info(io.BytesIO(heard["cadenza.mp3"])).duration > 3
    assert custom_ids(shown) == ["begin:now"]
    opus = await opus_in(store, await alice.click(shown, label="Compose"))
    assert (opus.author, opus.bars) == (alice.id, 16)
    again = (await admin.slash(channel, "help")).response
    assert again is not None
    assert await files(again) == heard
    assert custom_ids(again) == ["begin:now", "welcome:setup"]


@pytest.mark.parametrize("command", [str(typed) for typed in TYPED])
async def test_what_help_says_to_type_works(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, store: Store, command: str
) -> None:
    name, _, option = command.removeprefix("/").partition(" ")
    options = dict([option.split(":", 1)]) if option else {}
    opus = await opus_in(store, await alice.slash(channel, name, **options))
    assert opus.text.startswith("60r264r267r272r" if option else opus.request.primer)


async def _join(bot: ComposerBot, guild: discord.Guild) -> None:
    cog = bot.get_cog("Help")
    assert isinstance(cog, Help)
    await cog.on_guild_join(guild)


async def test_a_server_is_welcomed_once_in_its_language(
    bot: ComposerBot, guild: simcord.GuildHandle, channel: simcord.ChannelHandle
) -> None:
    joined = bot.get_guild(guild.id)
    assert joined is not None
    joined._system_channel_id = channel.id
    joined.preferred_locale = discord.Locale.german
    await _join(bot, joined)
    [welcome] = channel.history()
    assert welcome.embeds[0].title == "Hallo, ich bin Cadenza"
    assert welcome.embeds[0].image.url == "attachment://cadenza.png"
    assert len(welcome.attachments) == 2
    assert custom_ids(welcome) == ["begin:now", "welcome:setup"]


async def test_where_it_may_not_write_the_owner_is_welcomed(bot: ComposerBot, guild: simcord.GuildHandle) -> None:
    joined = bot.get_guild(guild.id)
    assert joined is not None
    assert joined.owner_id is not None
    await _join(bot, joined)
    owner = await bot.fetch_user(joined.owner_id)
    letters = [message async for message in (await owner.create_dm()).history()]
    assert [letter.embeds[0].title for letter in letters] == ["Hello, I am Cadenza"]


async def test_the_welcome_offers_setting_up_to_those_who_manage_the_server(
    alice: simcord.MemberActor,
    admin: simcord.MemberActor,
    bot: ComposerBot,
    guild: simcord.GuildHandle,
    channel: simcord.ChannelHandle,
) -> None:
    joined = bot.get_guild(guild.id)
    assert joined is not None
    joined._system_channel_id = channel.id
    await _join(bot, joined)
    [welcome] = channel.history()
    said = refusal(await alice.click(welcome, label="Set up"))
    assert said == "Only members with the permission Manage Server can do that."
    assert (await admin.click(welcome, label="Set up")).modal is not None
