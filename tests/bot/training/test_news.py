"""What the chat is told of a training, in words of the chat."""

import pytest

from bot.training import news


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 seconds"), (1.2, "1 second"), (59, "59 seconds"), (89, "89 seconds"), (100, "2 minutes")],
)
def test_a_clock_knows_one_from_several(seconds: float, text: str) -> None:
    assert news.clock(seconds) == text
