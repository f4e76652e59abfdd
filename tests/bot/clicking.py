"""What a click brings: the piece it shows, or the refusal that only the one who clicked can see."""

from typing import Any

import discord
import simcord

from bot.database.store import Opus, Store

UNDER_A_PIECE = ("Again", "Vary", "Continue", "Takes", "Tune", "Sheet", "Share", "Delete")


async def opus_of(store: Store, message: discord.Message | simcord.ResponseMessage) -> Opus:
    """Return the piece that a message shows, by the id in its footer."""
    return await store.get(str(message.embeds[0].footer.text).rpartition(" ")[2])


async def opus_in(store: Store, result: simcord.InteractionResult) -> Opus:
    """Return the piece that a click brought, for all to see."""
    return await opus_of(store, response(result))


def model_of(message: discord.Message | simcord.ResponseMessage) -> str:
    """Return the name of the model that composed what a message shows."""
    return str(message.attachments[0].description).rpartition(" ")[2]


def response(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    """Return the public answer."""
    assert result.acknowledged
    assert result.response is not None
    assert not result.response.ephemeral
    return result.response


def refusal(result: simcord.InteractionResult) -> str:
    """Return the private answer."""
    assert result.acknowledged
    answer = result.response or result.followups[0]
    assert answer.ephemeral
    return answer.content


async def files(message: discord.Message | simcord.ResponseMessage) -> dict[str, bytes]:
    """Return a message's files by their names."""
    return {attachment.filename: await attachment.read() for attachment in message.attachments}


def filled_in(form: simcord.InteractionResult, *answers: Any) -> dict[str, Any]:
    """Give each field of a form its answer."""
    assert form.acknowledged
    assert form.modal is not None
    ids = [label["component"]["custom_id"] for label in form.modal["components"]]
    return dict(zip(ids, answers, strict=True))
