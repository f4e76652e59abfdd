"""What goes between machines: all that the bot asks of its workers, and nothing else."""

import re
from pathlib import Path

import bot
from bot.work.parcels import FUNCTIONS, Parcels
from core.reading import melody
from core.reading.melody import Given

CALL = re.compile(r"workers\.run\(\s*(?:[a-z_]+\.)?([a-z_]+),", re.IGNORECASE)
FORWARDS = {"function"}  # what passes a call on


def test_whatever_the_bot_asks_of_workers_is_known_to_other_machines() -> None:
    asked = {name for path in Path(bot.__file__).parent.rglob("*.py") for name in CALL.findall(path.read_text())}
    assert len(asked) > 6
    assert asked - FORWARDS <= {function.__name__ for function in FUNCTIONS.values()}


def test_a_call_and_its_tune_arrive_as_they_were_sent() -> None:
    parcels = Parcels({})
    function, text = parcels.unpack(parcels.pack((melody.from_text, "C4 E4 G4")))
    assert function is melody.from_text
    given = function(text)
    assert isinstance(given, Given)
    assert parcels.unpack(parcels.pack(given)) == given
