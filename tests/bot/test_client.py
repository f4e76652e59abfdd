"""The bot's wiring: what it asks of Discord, and when it tells Discord its commands."""

import json

import discord
import simcord
from discord import app_commands

from bot.client import ComposerBot
from bot.database.store import Store
from bot.settings import Settings
from bot.work.workers import Workers


def _syncs(env: simcord.Env) -> int:
    return sum(request.method == "PUT" and request.path.endswith("/commands") for request in env.http_requests)


def test_asks_for_no_more_than_it_needs(bot: ComposerBot) -> None:
    assert bot.intents == discord.Intents(guilds=True)
    assert bot.allowed_mentions is not None
    assert bot.allowed_mentions.to_dict() == discord.AllowedMentions.none().to_dict()
    assert isinstance(bot, discord.AutoShardedClient)


async def test_sends_its_commands_once(env: simcord.Env, settings: Settings, workers: Workers, store: Store) -> None:
    assert _syncs(env) == 1
    await env.restart_bot(ComposerBot(settings, workers, store))
    assert _syncs(env) == 1


async def test_knows_its_commands_from_a_record_that_had_no_version(
    env: simcord.Env, settings: Settings, workers: Workers, store: Store
) -> None:
    record = settings.data / "commands.json"
    record.write_text(json.dumps(json.loads(record.read_text())["digests"], indent=1) + "\n")
    await env.restart_bot(ComposerBot(settings, workers, store))
    assert _syncs(env) == 1


async def test_sends_its_commands_again_when_they_have_changed(
    env: simcord.Env, settings: Settings, workers: Workers, store: Store
) -> None:
    class Richer(ComposerBot):
        async def setup_hook(self) -> None:
            @app_commands.command(description="Something new.")
            async def novelty(interaction: discord.Interaction) -> None:
                await interaction.response.send_message("new")

            self.tree.add_command(novelty)
            await super().setup_hook()

    await env.restart_bot(Richer(settings, workers, store))
    assert _syncs(env) == 2
