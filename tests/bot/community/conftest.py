"""What the tests of a community share."""

import pytest_asyncio
import simcord

from bot.database.store import Server, Store


@pytest_asyncio.fixture
async def showcase(guild: simcord.GuildHandle, store: Store) -> simcord.ChannelHandle:
    """Return the channel that a server has chosen as its showcase."""
    channel = guild.create_text_channel("showcase")
    await store.choose(guild.id, Server(showcase=channel.id))
    return channel
