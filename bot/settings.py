"""The environment as one frozen Settings; docs/settings.md is its table."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from core.errors import CadenzaError
from core.model import bundle

MIB: Final = 1 << 20
PREFIX: Final = "CADENZA_"
TOKEN: Final = "DISCORD_TOKEN"  # noqa: S105  # the name of the one variable without the prefix

SECRETS: Final = ("token", "database")
FILMS: Final = ("always", "when shared", "never")
ROLES: Final = ("chat", "compose", "train")


class SettingsError(CadenzaError):
    """Say which variables of the environment are wrong, and what they may be."""


def _token(secret: SecretStr) -> SecretStr:
    token = secret.get_secret_value()
    if not token.isascii() or any(character.isspace() for character in token):
        raise ValueError("the bot's token as Discord's developer portal shows it, without blanks")
    return secret


def _database(secret: SecretStr) -> SecretStr:
    url = secret.get_secret_value()
    if not url.startswith(("postgresql+asyncpg://", "sqlite+aiosqlite:///")):
        raise ValueError("a URL that begins with postgresql+asyncpg:// or sqlite+aiosqlite:///")
    try:
        port = make_url(url).port
    except (ArgumentError, ValueError):
        port = 0
    if port is not None and not 1 <= port <= 65_535:
        raise ValueError("a URL, its port a number from 1 to 65535")
    return secret


def _level(text: str) -> str:
    level = text.upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("DEBUG, INFO, WARNING or ERROR")
    return level


def _film(text: str) -> str:
    choice = " ".join(text.lower().replace("-", " ").split())
    if choice not in FILMS:
        raise ValueError("always, when shared or never")
    return choice


def _roles(text: str) -> str:
    roles = text.replace(",", " ").split()
    if not roles or not set(roles) <= set(ROLES):
        raise ValueError("one or several of chat, compose and train")
    return " ".join(role for role in ROLES if role in roles)


def _shard_ids(text: str) -> str:
    if re.fullmatch(r"\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*", text) is None or not _numbers(text):
        raise ValueError("numbers of shards from 0, as 0-7 or 0,2")
    return text


def _numbers(text: str) -> list[int]:
    """Return the numbers in ranges such as 0-7,9."""
    ranges = (part.partition("-") for part in text.split(","))
    return sorted({number for first, _, last in ranges for number in range(int(first), int(last or first) + 1)})


Folder = Annotated[Path, AfterValidator(Path.expanduser)]


class Settings(BaseSettings):
    """Hold all that whoever runs the bot can choose, from the environment where it is not given.

    Sizes are in bytes, times in seconds. Raises ValidationError; `from_environment` says it in sentences.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, populate_by_name=True)

    token: Annotated[
        Annotated[SecretStr, AfterValidator(_token)] | None,
        Field(
            validation_alias=TOKEN,
            description="The bot's token. Without one the playground opens instead of Discord.",
        ),
    ] = None
    models: Annotated[
        Folder, Field(description="The folder of the models, one folder each. Unset: those that ship.")
    ] = bundle.SHIPPED
    model: Annotated[
        str | None,
        Field(description="The model that composes when none is chosen. Unset: `chorales`, or else the first."),
    ] = None
    soundfont: Annotated[
        Folder | None, Field(description="The soundfont to play with. Unset: the first that is installed.")
    ] = None
    film: Annotated[
        Annotated[str, AfterValidator(_film)],
        Field(
            description="When pieces are filmed: `always`, `when shared`, or `never`. A server may choose otherwise,"
            " unless it is never."
        ),
    ] = "when shared"
    data: Annotated[Folder, Field(description="The folder for what the bot keeps.")] = Path("data")
    database: Annotated[
        Annotated[SecretStr, AfterValidator(_database)] | None,
        Field(
            description="The database, as `postgresql+asyncpg://user:password@host/name`."
            " Unset: SQLite in the data folder."
        ),
    ] = None
    roles: Annotated[
        Annotated[str, AfterValidator(_roles)],
        Field(
            description="What this process does, if it is not alone: `chat`, `compose`, `train`, or several of them;"
            " also as `python -m bot compose`. Anything but all needs PostgreSQL."
        ),
    ] = " ".join(ROLES)
    storage: Annotated[
        str | None,
        Field(
            description="Where several processes keep models and trainings: a folder that all of them see, or"
            " `s3://bucket/prefix`, with credentials as AWS has them. Unset: a folder in the data folder."
        ),
    ] = None
    workers: Annotated[int, Field(ge=1, le=64, description="How many processes compose at the same time.")] = 2
    deadline: Annotated[int, Field(ge=5, le=600, description="Seconds after which a request is given up.")] = 60
    waiting: Annotated[int, Field(ge=1, le=1000, description="How many requests of one server may wait.")] = 20
    allowance: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="How many bars a user may have composed in ten minutes; each take counts, and more effort than"
            " usual as much more.",
        ),
    ] = 1024
    upload_bytes: Annotated[
        int, Field(ge=1024, le=500 * MIB, description="The most that one message's files may weigh.")
    ] = 8 * MIB
    cache_bytes: Annotated[
        int,
        Field(
            ge=0,
            le=1 << 40,
            description="The most that sound and pictures kept in the data folder may weigh;"
            " they are made again when needed.",
        ),
    ] = 256 * MIB
    training_bytes: Annotated[
        int, Field(ge=1024, le=500 * MIB, description="The most that the files for one training may weigh.")
    ] = 16 * MIB
    training_minutes: Annotated[
        int, Field(ge=1, le=1440, description="The most minutes that one training may take.")
    ] = 240
    training_threads: Annotated[int, Field(ge=1, le=64, description="With how many threads a training works.")] = 2
    training_nice: Annotated[
        int,
        Field(
            ge=0,
            le=19,
            description="How far trainings, the reading of files for them, and films stand back for whatever else"
            " the machine does: from 0, not at all, to 19, as far as the system knows.",
        ),
    ] = 19
    trainings: Annotated[int, Field(ge=1, le=100, description="How many trainings of one server may wait or run.")] = 3
    server_models: Annotated[int, Field(ge=1, le=1000, description="How many models a server may keep.")] = 10
    server_model_bytes: Annotated[
        int, Field(ge=MIB, le=1 << 40, description="The most that the models a server keeps may weigh.")
    ] = 100 * MIB
    shards: Annotated[
        int | None,
        Field(ge=1, le=10_000, description="How many shards to open. Unset: as many as Discord advises."),
    ] = None
    shard_ids: Annotated[
        Annotated[str, AfterValidator(_shard_ids)] | None,
        Field(description="Which of the shards this process opens, as `0-7` or `0,2`. Unset: all of them."),
    ] = None
    port: Annotated[
        int, Field(ge=0, le=65_535, description="The playground's port on this machine; 0 takes any free one.")
    ] = 8765
    metrics_port: Annotated[
        int | None,
        Field(
            ge=0,
            le=65_535,
            description="The port for `/metrics`, in Prometheus' format, and `/health`; 0 takes any free one."
            " Unset: there are none.",
        ),
    ] = None
    metrics_host: Annotated[
        str, Field(description="The address for them. Not all should see them: this machine alone, unless told.")
    ] = "127.0.0.1"
    log_level: Annotated[
        str, AfterValidator(_level), Field(description="How much is logged: DEBUG, INFO, WARNING or ERROR.")
    ] = "INFO"

    @property
    def alone(self) -> bool:
        """Tell whether this process does everything, and shares its work with none."""
        return self.roles == " ".join(ROLES)

    @property
    def shard_numbers(self) -> list[int] | None:
        """Return the numbers of the shards that this process opens, None for all."""
        return None if self.shard_ids is None else _numbers(self.shard_ids)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Count what is empty as unset."""
        texts = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in texts.items() if value != ""}


def from_environment(*roles: str) -> Settings:
    """Read the settings, where none are given the roles too.

    Raises SettingsError, with a sentence for each variable that is wrong.
    """
    try:
        chosen = Settings(roles=" ".join(roles)) if roles else Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(map(_sentence, error.errors()))) from None
    if not chosen.alone and (
        chosen.database is None or not chosen.database.get_secret_value().startswith("postgresql")
    ):
        raise SettingsError(
            "A process that does not do everything shares its work by PostgreSQL:"
            " set CADENZA_DATABASE to postgresql+asyncpg://user:password@host/name."
        )
    if chosen.shard_numbers is not None and chosen.shard_numbers[-1] >= (chosen.shards or 0):
        raise SettingsError("CADENZA_SHARDS must say how many shards there are, more than CADENZA_SHARD_IDS names.")
    if chosen.alone and chosen.shard_numbers not in (None, list(range(chosen.shards or 0))):
        raise SettingsError("A process with some of the shards is not alone: give it roles, as python -m bot chat.")
    return chosen


def table() -> str:
    """Write the variables as the Markdown table of docs/settings.md."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, bundle.SHIPPED) else f"`{field.default}`"
        rows.append(f"| `{_variable(name)}` | {default} | {field.description} |")
    return "\n".join(rows)


def _sentence(error: ErrorDetails) -> str:
    place = str(error["loc"][0])
    name = "token" if place == TOKEN else place
    if error["type"] == "value_error":
        needed = str(error["ctx"]["error"])
    else:
        lowest, highest = Settings.model_fields[name].metadata
        needed = f"a whole number from {lowest.ge} to {highest.le}"
    shown = "" if name in SECRETS else f" {str(error['input'])[:60]!r} is not."
    return f"{_variable(name)} must be {needed}.{shown}"


def _variable(name: str) -> str:
    """Return what the environment calls a setting."""
    return TOKEN if name == "token" else f"{PREFIX}{name.upper()}"
