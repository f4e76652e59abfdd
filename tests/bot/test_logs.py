"""What is written into the log, and what never is."""

import logging
import re

import discord
import pytest
import simcord

from bot import logs
from tests.bot.clicking import refusal, response

TOKEN = "MTIz.not.real"
SPENT = r"waited \d+\.\d s, took \d+\.\d s"


def test_the_log_never_shows_the_token() -> None:
    form = logs.Redaction(TOKEN)
    try:
        raise RuntimeError(f"Authorization: Bot {TOKEN}")
    except RuntimeError as error:
        record = logging.LogRecord(
            "bot", logging.ERROR, __file__, 1, "with %s", (TOKEN,), (type(error), error, error.__traceback__)
        )
    line = form.format(record)
    assert TOKEN not in line
    assert "with [token]" in line
    assert "Bot [token]" in line


def test_a_line_begins_with_its_date_and_level() -> None:
    record = logging.LogRecord("bot", logging.WARNING, __file__, 1, "Beware", (), None)
    line = logs.Redaction(None).format(record)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d WARNING bot: Beware", line)


async def test_each_request_leaves_a_line_with_its_kind_wait_and_seconds_and_no_names(
    alice: simcord.MemberActor, channel: simcord.ChannelHandle, piece: discord.Message, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.composing")
    await alice.slash(channel, "compose", bars=1)
    response(await alice.click(piece, label="Vary"))
    refusal(await alice.slash(channel, "compose", file=("empty.mid", b"")))
    lines = [line for line in caplog.messages if "waited" in line]
    assert re.fullmatch(
        rf"/compose: {SPENT}, done\n"
        rf"the button vary: {SPENT}, done\n"
        rf"/compose: {SPENT}, ReadingError",
        "\n".join(lines),
    )
