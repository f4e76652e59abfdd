"""The environment, and the document that describes it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot import settings
from bot.settings import Settings, SettingsError, from_environment

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
DATABASE = "postgresql+asyncpg://me:secret@host/music"

EVERY = {  # variable: its text, its field, its value
    "DISCORD_TOKEN": (" abc.def ", "token", SecretStr("abc.def")),
    "CADENZA_MODELS": ("here", "models", Path("here")),
    "CADENZA_MODEL": ("fiddle", "model", "fiddle"),
    "CADENZA_FILM": ("Always", "film", "always"),
    "CADENZA_SOUNDFONT": ("~/font.sf2", "soundfont", Path.home() / "font.sf2"),
    "CADENZA_DATA": ("there", "data", Path("there")),
    "CADENZA_DATABASE": (DATABASE, "database", SecretStr(DATABASE)),
    "CADENZA_ROLES": ("compose, chat", "roles", "chat compose"),
    "CADENZA_STORAGE": ("s3://music/all", "storage", "s3://music/all"),
    "CADENZA_WORKERS": ("3", "workers", 3),
    "CADENZA_DEADLINE": ("30", "deadline", 30),
    "CADENZA_WAITING": ("7", "waiting", 7),
    "CADENZA_ALLOWANCE": ("100", "allowance", 100),
    "CADENZA_UPLOAD_BYTES": ("1048576", "upload_bytes", 1 << 20),
    "CADENZA_CACHE_BYTES": ("0", "cache_bytes", 0),
    "CADENZA_TRAINING_BYTES": ("2048", "training_bytes", 2048),
    "CADENZA_TRAINING_MINUTES": ("5", "training_minutes", 5),
    "CADENZA_TRAINING_THREADS": ("1", "training_threads", 1),
    "CADENZA_TRAINING_NICE": ("10", "training_nice", 10),
    "CADENZA_TRAININGS": ("4", "trainings", 4),
    "CADENZA_SERVER_MODELS": ("6", "server_models", 6),
    "CADENZA_SERVER_MODEL_BYTES": ("2097152", "server_model_bytes", 2 << 20),
    "CADENZA_SHARDS": ("2", "shards", 2),
    "CADENZA_SHARD_IDS": ("0-1", "shard_ids", "0-1"),
    "CADENZA_PORT": ("0", "port", 0),
    "CADENZA_METRICS_PORT": ("9100", "metrics_port", 9100),
    "CADENZA_METRICS_HOST": ("0.0.0.0", "metrics_host", "0.0.0.0"),
    "CADENZA_LOG_LEVEL": ("debug", "log_level", "DEBUG"),
}


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a way to set variables of the environment."""

    def set_all(**variables: str) -> None:
        for name, text in variables.items():
            monkeypatch.setenv(name, text)

    return set_all


def test_reads_every_variable(setting: Any) -> None:
    setting(**{name: text for name, (text, _, _) in EVERY.items()})
    assert from_environment().model_dump() == {field: value for _, field, value in EVERY.values()}


def test_an_empty_variable_counts_as_unset(setting: Any) -> None:
    unset = Settings()
    setting(**dict.fromkeys(EVERY, ""))
    assert from_environment() == unset
    setting(**dict.fromkeys(EVERY, " "))
    assert from_environment() == unset


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CADENZA_WORKERS", "none", "CADENZA_WORKERS must be a whole number from 1 to 64. 'none' is not."),
        ("CADENZA_SHARDS", "1.5", "CADENZA_SHARDS must be a whole number from 1 to 10000. '1.5' is not."),
        ("CADENZA_PORT", "70000", "CADENZA_PORT must be a whole number from 0 to 65535. '70000' is not."),
        ("CADENZA_ROLES", "sing", "CADENZA_ROLES must be one or several of chat, compose and train. 'sing' is not."),
        (
            "CADENZA_SHARD_IDS",
            "1-",
            "CADENZA_SHARD_IDS must be numbers of shards from 0, as 0-7 or 0,2. '1-' is not.",
        ),
        ("CADENZA_FILM", "sometimes", "CADENZA_FILM must be always, when shared or never. 'sometimes' is not."),
        ("CADENZA_LOG_LEVEL", "loud", "CADENZA_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR. 'loud' is not."),
    ],
)
def test_says_what_a_variable_may_be(name: str, value: str, sentence: str, setting: Any) -> None:
    setting(**{name: value})
    with pytest.raises(SettingsError) as error:
        from_environment()
    assert str(error.value) == sentence


def test_roles_may_be_given_with_the_command_and_need_postgresql(setting: Any) -> None:
    assert from_environment().alone
    with pytest.raises(SettingsError, match="shares its work by PostgreSQL"):
        from_environment("compose")
    setting(CADENZA_DATABASE="postgresql+asyncpg://me@host/music", CADENZA_ROLES="train")
    assert from_environment("compose", "chat").roles == "chat compose"
    assert from_environment().roles == "train"


def test_shards_are_some_of_those_there_are(setting: Any) -> None:
    setting(CADENZA_DATABASE=DATABASE, CADENZA_SHARDS="32", CADENZA_SHARD_IDS="8-10,4")
    assert from_environment("chat").shard_numbers == [4, 8, 9, 10]
    with pytest.raises(SettingsError, match="is not alone"):
        from_environment()
    setting(CADENZA_SHARDS="10")
    with pytest.raises(SettingsError, match="CADENZA_SHARDS must say how many"):
        from_environment("chat")


def test_says_it_of_each_that_is_wrong(setting: Any) -> None:
    setting(CADENZA_PORT="-1", CADENZA_WORKERS="many", CADENZA_DEADLINE="60")
    with pytest.raises(SettingsError) as error:
        from_environment()
    assert str(error.value).splitlines() == [
        "CADENZA_WORKERS must be a whole number from 1 to 64. 'many' is not.",
        "CADENZA_PORT must be a whole number from 0 to 65535. '-1' is not.",
    ]


@pytest.mark.parametrize("port", ["many", "0", "99999"])
def test_says_what_is_wrong_with_a_database_without_showing_it(port: str, setting: Any) -> None:
    setting(CADENZA_DATABASE=f"postgresql+asyncpg://me:secret@host:{port}/music")
    with pytest.raises(SettingsError) as error:
        from_environment()
    assert str(error.value) == "CADENZA_DATABASE must be a URL, its port a number from 1 to 65535."


def test_never_shows_the_token_or_the_database_s_password(setting: Any) -> None:
    setting(DISCORD_TOKEN="secret", CADENZA_DATABASE=DATABASE)
    assert "secret" not in f"{Settings()} {Settings()!r} {Settings().model_dump()}"
    setting(DISCORD_TOKEN="my secret token", CADENZA_DATABASE="mysql://me:secret@host")
    with pytest.raises(SettingsError) as error:
        from_environment()
    assert "secret" not in str(error.value)


def test_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().workers = 3


def test_the_document_has_the_table_of_the_code() -> None:
    assert settings.table() in DOCUMENT.read_text(encoding="utf-8")
