"""The environment as one frozen Settings; docs/settings.md is its table."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from core.errors import CadenzaError
from core.model import bundle

MIB: Final = 1 << 20


class SettingsError(CadenzaError):
    """Say which variable of the environment is wrong, and what it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hold all that whoever runs the bot can choose. Sizes are in bytes, times in seconds."""

    token: str | None = field(default=None, repr=False)
    models: Path = bundle.SHIPPED
    data: Path = Path("data")
    database: str | None = field(default=None, repr=False)
    model: str | None = None
    soundfont: Path | None = None
    workers: int = 2
    deadline: int = 60
    waiting: int = 20
    allowance: int = 1024
    upload_bytes: int = 8 * MIB
    cache_bytes: int = 256 * MIB
    training_bytes: int = 16 * MIB
    training_minutes: int = 240
    training_threads: int = 2
    trainings: int = 3
    server_models: int = 10
    server_model_bytes: int = 100 * MIB
    shards: int | None = None
    port: int = 8765
    log_level: str = "INFO"


@dataclass(frozen=True, slots=True)
class Variable:
    """Describe a variable of the environment: the field it fills, how its text is read, and what it means."""

    name: str
    field: str
    read: Callable[[str], Any]
    meaning: str


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return value

    return read


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _level(text: str) -> str:
    level = text.upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("DEBUG, INFO, WARNING or ERROR")
    return level


def _token(text: str) -> str:
    token = text.strip()
    if not token.isascii() or any(character.isspace() for character in token):
        raise ValueError("the bot's token as Discord's developer portal shows it, without blanks")
    return token


def _database(text: str) -> str:
    if not text.startswith(("postgresql+asyncpg://", "sqlite+aiosqlite:///")):
        raise ValueError("a URL that begins with postgresql+asyncpg:// or sqlite+aiosqlite:///")
    try:
        port = make_url(text).port
    except (ArgumentError, ValueError):
        port = 0
    if port is not None and not 1 <= port <= 65_535:
        raise ValueError("a URL, its port a number from 1 to 65535")
    return text


VARIABLES: Final = (
    Variable("DISCORD_TOKEN", "token", _token, "The bot's token. Without one the playground opens instead of Discord."),
    Variable("CADENZA_MODELS", "models", _path, "The folder of the models, one folder each. Unset: those that ship."),
    Variable(
        "CADENZA_MODEL",
        "model",
        str,
        "The model that composes when none is chosen. Unset: `chorales`, or else the first.",
    ),
    Variable(
        "CADENZA_SOUNDFONT", "soundfont", _path, "The soundfont to play with. Unset: the first that is installed."
    ),
    Variable("CADENZA_DATA", "data", _path, "The folder for what the bot keeps."),
    Variable(
        "CADENZA_DATABASE",
        "database",
        _database,
        "The database, as `postgresql+asyncpg://user:password@host/name`. Unset: SQLite in the data folder.",
    ),
    Variable("CADENZA_WORKERS", "workers", _number(1, 64), "How many processes compose at the same time."),
    Variable("CADENZA_DEADLINE", "deadline", _number(5, 600), "Seconds after which a request is given up."),
    Variable("CADENZA_WAITING", "waiting", _number(1, 1000), "How many requests of one server may wait."),
    Variable(
        "CADENZA_ALLOWANCE",
        "allowance",
        _number(1, 1_000_000),
        "How many bars a user may have composed in ten minutes; each take counts.",
    ),
    Variable(
        "CADENZA_UPLOAD_BYTES", "upload_bytes", _number(1024, 500 * MIB), "The most that one message's files may weigh."
    ),
    Variable(
        "CADENZA_CACHE_BYTES",
        "cache_bytes",
        _number(0, 1 << 40),
        "The most that sound and pictures kept in the data folder may weigh; they are made again when needed.",
    ),
    Variable(
        "CADENZA_TRAINING_BYTES",
        "training_bytes",
        _number(1024, 500 * MIB),
        "The most that the files for one training may weigh.",
    ),
    Variable(
        "CADENZA_TRAINING_MINUTES", "training_minutes", _number(1, 1440), "The most minutes that one training may take."
    ),
    Variable(
        "CADENZA_TRAINING_THREADS",
        "training_threads",
        _number(1, 64),
        "With how many threads a training works, at the lowest priority.",
    ),
    Variable("CADENZA_TRAININGS", "trainings", _number(1, 100), "How many trainings of one server may wait or run."),
    Variable("CADENZA_SERVER_MODELS", "server_models", _number(1, 1000), "How many models a server may keep."),
    Variable(
        "CADENZA_SERVER_MODEL_BYTES",
        "server_model_bytes",
        _number(MIB, 1 << 40),
        "The most that the models a server keeps may weigh.",
    ),
    Variable(
        "CADENZA_SHARDS", "shards", _number(1, 10_000), "How many shards to open. Unset: as many as Discord advises."
    ),
    Variable(
        "CADENZA_PORT", "port", _number(0, 65_535), "The playground's port on this machine; 0 takes any free one."
    ),
    Variable("CADENZA_LOG_LEVEL", "log_level", _level, "How much is logged: DEBUG, INFO, WARNING or ERROR."),
)


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; a variable that is empty counts as unset. Raises SettingsError."""
    values: dict[str, Any] = {}
    for variable in VARIABLES:
        if text := environment.get(variable.name, "").strip():
            try:
                values[variable.field] = variable.read(text)
            except ValueError as error:
                secret = variable.field in ("token", "database")
                shown = "" if secret else f" {text[:60]!r} is not."
                raise SettingsError(f"{variable.name} must be {error}.{shown}") from None
    return Settings(**values)


def default(variable: Variable) -> str:
    """Write a variable's default as the table shows it."""
    value = getattr(Settings(), variable.field)
    return "" if value in (None, bundle.SHIPPED) else f"`{value}`"
