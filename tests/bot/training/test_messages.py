"""What the chat is told of a training, in words of the chat."""

from dataclasses import replace
from pathlib import Path

import simcord

from bot.client import ComposerBot
from bot.training.messages import EDIT_EVERY, Messages, Status
from core.training.progress import Progress
from tests.bot.database.test_jobs import job


async def test_a_message_is_edited_at_most_every_five_seconds_and_only_if_there_is_news(
    env: simcord.Env, bot: ComposerBot, guild: simcord.GuildHandle, channel: simcord.ChannelHandle, tmp_path: Path
) -> None:
    message = await bot.get_partial_messageable(channel.id).send("a training")
    training = replace(job("a", guild.id), channel=channel.id, message=message.id, state="running")
    now = 1000.0
    telling = Messages(bot, bot.studio, lambda: now)
    telling.answered(training, 1)

    async def edited(seconds: float, step: int) -> bool:
        nonlocal now
        now, before = 1000.0 + seconds, len(env.http_requests)
        await telling.progress(training, Status(Progress(1, 2, step, 10, 4.0, 0.2, 900.0, 60.0, None)), tmp_path)
        return len(env.http_requests) > before

    assert EDIT_EVERY == 5
    assert [await edited(second, step=round(second)) for second in (4.9, 5, 9.9, 10)] == [False, True, False, True]
    assert str(channel.history()[0].embeds[0].description).splitlines()[0].endswith(" 50%")
    assert not await edited(20, step=10)
    assert await edited(20, step=11)
