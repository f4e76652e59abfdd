"""Discord is told what commands there are, when they are others than the last time."""

import asyncio
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from discord import app_commands

from bot.database.gateway import Gateway
from core.processes.files import write_whole
from core.processes.kept import Kept


@dataclass(frozen=True, slots=True)
class Synced:
    """Hold digests of the commands that Discord has been told, by the ids of the bot's applications."""

    digests: dict[str, str]


SYNCED: Final = Kept(Synced, lambda digests: {"digests": digests})

_log = logging.getLogger(__name__)


async def sync(tree: app_commands.CommandTree[Any], record: Path, gateway: Gateway | None = None) -> None:
    """Send the commands to Discord if they are others than those of the last time, which `record` knows.

    Where several processes chat, the `gateway` that they share knows instead, and one of them sends.
    """
    told = _digest(
        [await command.get_translated_payload(tree, tree.translator) for command in tree.get_commands()]
        if tree.translator
        else [command.to_dict(tree) for command in tree.get_commands()]
    )
    if gateway is not None:
        async with gateway.syncing(tree.client.application_id or 0, told) as new:
            if new:
                await tree.sync()
                _log.info("The commands are new to Discord and have been sent.")
        return
    bot = str(tree.client.application_id)
    known = await asyncio.to_thread(_read, record)
    if known.digests.get(bot) == told:
        return
    await tree.sync()
    await asyncio.to_thread(write_whole, record, _text(Synced({**known.digests, bot: told})))
    _log.info("The commands are new to Discord and have been sent.")


def _digest(commands: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(commands, sort_keys=True, default=str).encode()).hexdigest()


def _read(record: Path) -> Synced:
    return SYNCED.read(json.loads(record.read_text())) if record.exists() else Synced({})


def _text(told: Synced) -> str:
    return json.dumps(SYNCED.write(told), indent=1) + "\n"
