"""Logging without secrets."""

import logging
import sys
from typing import Final

BESIDE_THE_POINT: Final = (
    "logging in using static token",  # a playground has none
    "voice will NOT be supported",  # the bot never speaks
    "Guilds intent seems to be disabled",  # of a client without any, with which SimCord probes discord.py
)


class Redaction(logging.Formatter):
    """Write log lines with a secret blotted out, tracebacks included."""

    def __init__(self, secret: str | None) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", "%Y-%m-%d %H:%M:%S", style="{")
        self._secret = secret

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        line = super().format(record)
        return line.replace(self._secret, "[token]") if self._secret else line


def start(level: str, secret: str | None) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redaction(secret))
    handler.addFilter(lambda record: not any(text in record.getMessage() for text in BESIDE_THE_POINT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(max(logging.WARNING, logging.getLogger().level))  # it tells all it loads
