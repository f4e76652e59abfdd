"""What a visitor can do that SimCord's page has no controls for: send files, use a message's menu, change the channel.

`playground.js` draws the controls and posts five more kinds of action; here the viewer's actor does them.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

import discord
import simcord
from discord.ext import commands
from simcord.backend.access import can_access_channel
from simcord.backend.errors import BackendError, SetupError
from simcord.preview import Preview

WRONG: Final = "This could not be done here. Reload the page and try it again."


def receive() -> None:
    """Have every page take these actions from here on."""
    plain = Preview._action

    async def action(preview: Preview, context_id: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
        does = ACTIONS.get(str(body.get("kind"))) if isinstance(body, Mapping) else None
        if does is None:
            return await plain(preview, context_id, body)
        try:
            return await does(preview, preview._get_page(context_id), body)
        except (BackendError, SetupError, KeyError, TypeError, ValueError):
            return {"error": WRONG}

    Preview._action = action  # type: ignore[assignment, method-assign]


async def _say(preview: Preview, page: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    files = [(str(name), bytes(data)) for name, data in body["values"].get("files", [])]
    await page.viewer.send(preview.channel, str(body.get("text", "")), attachments=files)
    preview._publish_message_pages()
    return {}


async def _menu(preview: Preview, page: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    messages = {str(message.id): message for message in preview.channel.history(viewer=page.viewer)}
    shown = await page.viewer.context_menu(preview.channel, str(body["name"]), messages[str(body["message"])])
    if shown.modal is not None:
        page.modal, page.modal_handle = shown, "m_" + secrets.token_urlsafe(12)
    preview._publish_message_pages()
    return {}


async def _menus(preview: Preview, page: Any, _: Mapping[str, Any]) -> dict[str, Any]:
    kind = discord.AppCommandType.message
    names = [command.name for command in cast(commands.Bot, preview.env.bot).tree.get_commands(type=kind)]
    return {"menus": [name for name in names if _may_use(page, name, kind.value)]}


async def _channels(preview: Preview, page: Any, _: Mapping[str, Any]) -> dict[str, Any]:
    """Name the channels that the viewer sees, each before its threads, and say which is shown."""
    found = [
        {"id": str(channel.id), "name": channel.name, "thread": channel.is_thread}
        for channel in _places(preview)
        if can_access_channel(preview.env, channel.id, page.viewer, history=True)
    ]
    return {"channels": found, "shown": str(page.channel_id)}


async def _enter(preview: Preview, page: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    """Show another channel, in every window of the page."""
    channels = {str(channel.id): channel for channel in _places(preview)}
    channel = channels[str(body["channel"])]
    if not can_access_channel(preview.env, channel.id, page.viewer, history=True):
        return {"error": WRONG}
    preview.channel = channel
    for each in preview._pages.values():
        each.channel_id, each.window_end_id = channel.id, None
        each.target_id = preview._initial_target(each.viewer, channel.id)
    preview._publish_message_pages()
    return {}


def _places(preview: Preview) -> list[simcord.ChannelHandle]:
    guild = preview.channel.guild
    channels = [] if guild is None else guild.channels.values()
    return [place for channel in channels if not channel.is_thread for place in (channel, *channel.threads)]


def _may_use(page: Any, name: str, kind: int) -> bool:
    try:
        page.viewer._resolve_root(name, kind, page.channel_id)
    except (BackendError, SetupError):
        return False
    return True


ACTIONS: Final[dict[str, Callable[[Preview, Any, Mapping[str, Any]], Awaitable[dict[str, Any]]]]] = {
    "say": _say,
    "menu": _menu,
    "menus": _menus,
    "channels": _channels,
    "enter": _enter,
}
