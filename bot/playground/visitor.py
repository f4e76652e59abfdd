"""What a visitor can do that SimCord's page has no controls for: send files, and choose from a message's menu.

`playground.js` draws the controls and posts three more kinds of action; here the viewer's actor does them.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

import discord
from discord.ext import commands
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
}
