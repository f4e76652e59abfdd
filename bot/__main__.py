"""Start the bot: on Discord with a token, as the playground without one.

python -m bot [chat] [compose] [train]    what this process does where several share the work; all unless told
"""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from importlib.util import find_spec
from typing import Final

from bot import logs, settings
from bot.settings import Settings
from core.errors import CadenzaError

NO_PLAYGROUND: Final = (
    "There is no token in DISCORD_TOKEN, and the playground needs SimCord, which is not installed here:"
    " pip install 'cadenza[playground]'."
)
NO_SHARING: Final = (
    "Several processes share their work by PgQueuer, which is not installed here: pip install 'cadenza[many]'."
)


def main() -> int:
    """Run until a signal or an error; return 0, or 1 for what this machine lacks, or 2 for wrong settings."""
    try:
        chosen = settings.from_environment(*sys.argv[1:])
    except settings.SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logs.start(chosen.log_level, None if chosen.token is None else chosen.token.get_secret_value())
    if not chosen.alone and find_spec("pgqueuer") is None:
        print(NO_SHARING, file=sys.stderr)
        return 1
    if "chat" in chosen.roles and chosen.token is None and find_spec("simcord") is None:
        print(NO_PLAYGROUND, file=sys.stderr)
        return 1
    try:
        asyncio.run(until_signal(work(chosen)))
    except CadenzaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def work(chosen: Settings) -> None:
    """Do what this process has to do until cancelled. Raises CadenzaError where that is impossible."""
    parts: list[Coroutine[None, None, None]] = []
    if "chat" in chosen.roles and chosen.token is None:
        from bot.playground.page import run  # with its page, which only the playground needs

        parts.append(run(chosen))
    elif "chat" in chosen.roles:
        from bot.online import run as online

        parts.append(online(chosen))
    if "compose" in chosen.roles and not chosen.alone:
        from bot.machine import compose

        parts.append(compose(chosen))
    if "train" in chosen.roles and not chosen.alone:
        from bot.machine import train

        parts.append(train(chosen))
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(_until_over(part))
    except* CadenzaError as errors:
        raise errors.exceptions[0] from None
    except* _Over:
        pass


class _Over(Exception):
    """End the other parts, since one has ended: the playground's page was closed."""


async def _until_over(part: Coroutine[None, None, None]) -> None:
    await part
    raise _Over


async def until_signal(work: Coroutine[None, None, None]) -> None:
    """Do some work until it is done, or until SIGTERM or SIGINT cancels it, which lets it clean up."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, task.cancel)
        except NotImplementedError:  # on Windows, where Ctrl-C raises KeyboardInterrupt instead
            break
    with suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    sys.exit(main())
