"""Start the bot: on Discord with a token, as the playground without one."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from importlib.util import find_spec
from typing import Final

from bot import logs, settings
from core.errors import CadenzaError

NO_PLAYGROUND: Final = (
    "There is no token in DISCORD_TOKEN, and the playground needs SimCord, which is not installed here:"
    " pip install 'cadenza[playground]'."
)


def main() -> int:
    """Run until a signal or an error; return 0, or 1 for what this machine lacks, or 2 for wrong settings."""
    try:
        chosen = settings.from_environment()
    except settings.SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logs.start(chosen.log_level, None if chosen.token is None else chosen.token.get_secret_value())
    if chosen.token is None:
        if find_spec("simcord") is None:
            print(NO_PLAYGROUND, file=sys.stderr)
            return 1
        from bot.playground.page import run  # with its page, which only the playground needs
    else:
        from bot.online import run
    try:
        asyncio.run(until_signal(run(chosen)))
    except CadenzaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


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
