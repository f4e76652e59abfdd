"""The walk of a request: a turn in the queue, the studio, and the answer in the chat."""

from functools import partial

from discord import Interaction

from bot import delivery
from bot.client import ComposerBot
from core.pipeline import ComposeRequest


async def compose(interaction: Interaction[ComposerBot], request: ComposeRequest) -> None:
    """Answer an interaction with a composition. Raises CadenzaError for anything that the user can mend."""
    bot = interaction.client
    server = interaction.guild_id or interaction.user.id
    bot.queue.admit(interaction.user.id, server)
    await interaction.response.defer(thinking=True)
    async with bot.queue.turn(interaction.user.id, server, partial(delivery.wait, interaction)):
        composition = await bot.studio.compose(request)
    answer = delivery.present(composition, composition.takes[0])
    await delivery.deliver(interaction, answer, bot.settings.upload_bytes)
