"""The environment, and the document that describes it."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from bot import settings
from bot.settings import VARIABLES, Settings, SettingsError, from_environment

TABLE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_reads_every_variable() -> None:
    found = from_environment(
        {
            "DISCORD_TOKEN": " abc.def ",
            "CADENZA_MODELS": "here",
            "CADENZA_MODEL": "fiddle",
            "CADENZA_SOUNDFONT": "/font.sf2",
            "CADENZA_DATA": "there",
            "CADENZA_DATABASE": "postgresql+asyncpg://me:word@host/music",
            "CADENZA_WORKERS": "3",
            "CADENZA_DEADLINE": "30",
            "CADENZA_WAITING": "7",
            "CADENZA_ALLOWANCE": "100",
            "CADENZA_UPLOAD_BYTES": "1048576",
            "CADENZA_CACHE_BYTES": "0",
            "CADENZA_TRAINING_BYTES": "2048",
            "CADENZA_TRAINING_MINUTES": "5",
            "CADENZA_TRAINING_THREADS": "1",
            "CADENZA_TRAININGS": "4",
            "CADENZA_SERVER_MODELS": "6",
            "CADENZA_SERVER_MODEL_BYTES": "2097152",
            "CADENZA_SHARDS": "2",
            "CADENZA_PORT": "0",
            "CADENZA_LOG_LEVEL": "debug",
        }
    )
    assert found == Settings(
        token="abc.def",
        models=Path("here"),
        model="fiddle",
        soundfont=Path("/font.sf2"),
        data=Path("there"),
        database="postgresql+asyncpg://me:word@host/music",
        workers=3,
        deadline=30,
        waiting=7,
        allowance=100,
        upload_bytes=1 << 20,
        cache_bytes=0,
        training_bytes=2048,
        training_minutes=5,
        training_threads=1,
        trainings=4,
        server_models=6,
        server_model_bytes=2 << 20,
        shards=2,
        port=0,
        log_level="DEBUG",
    )


def test_an_empty_variable_counts_as_unset() -> None:
    assert from_environment({"DISCORD_TOKEN": "", "CADENZA_PORT": " "}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CADENZA_WORKERS", "none", "CADENZA_WORKERS must be a whole number from 1 to 64. 'none' is not."),
        ("CADENZA_PORT", "70000", "CADENZA_PORT must be a whole number from 0 to 65535. '70000' is not."),
        ("CADENZA_LOG_LEVEL", "loud", "CADENZA_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR. 'loud' is not."),
    ],
)
def test_says_what_a_variable_may_be(name: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as error:
        from_environment({name: value})
    assert str(error.value) == sentence


@pytest.mark.parametrize("port", ["many", "0", "99999"])
def test_says_what_is_wrong_with_a_database_without_showing_it(port: str) -> None:
    with pytest.raises(SettingsError) as error:
        from_environment({"CADENZA_DATABASE": f"postgresql+asyncpg://me:secret@host:{port}/music"})
    assert str(error.value) == "CADENZA_DATABASE must be a URL, its port a number from 1 to 65535."


def test_never_shows_the_token_or_the_database_s_password() -> None:
    assert "secret" not in repr(Settings(token="secret", database="postgresql+asyncpg://me:secret@host/music"))
    with pytest.raises(SettingsError) as error:
        from_environment({"DISCORD_TOKEN": "my secret token"})
    assert "secret" not in str(error.value)


def test_every_field_has_its_variable() -> None:
    assert sorted(variable.field for variable in VARIABLES) == sorted(field.name for field in fields(Settings))


def test_the_document_has_the_table_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(v.name, settings.default(v), v.meaning) for v in VARIABLES]
