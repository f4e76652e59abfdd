import json
import pickle
from dataclasses import asdict

import pytest

from core.errors import CadenzaError, Message, NotationError, ReadingError, counted, mark

GERMAN = {
    "There are {count:,} {what}.": "Es sind {count:,} {what}.",
    "notes": "Noten",
    "Left out: {reasons}.": "Ausgelassen: {reasons}.",
    "{count} file": "{count} Datei",
    "{count} files": "{count} Dateien",
}


def german(message: Message) -> str:
    text = message.plural if message.plural and message.values["count"] != 1 else message.template
    return GERMAN.get(text, text)


MANY = mark("There are {count:,} {what}.", count=1200, what=mark("notes"))
SEVERAL = mark("Left out: {reasons}.", reasons=(counted("{count} file", "{count} files", 1), MANY))


@pytest.mark.parametrize(
    ("message", "english", "translated"),
    [
        (MANY, "There are 1,200 notes.", "Es sind 1,200 Noten."),
        (counted("{count} file", "{count} files", 1), "1 file", "1 Datei"),
        (counted("{count} file", "{count} files", 3), "3 files", "3 Dateien"),
        (SEVERAL, "Left out: 1 file, There are 1,200 notes..", "Ausgelassen: 1 Datei, Es sind 1,200 Noten.."),
        (Message("As it was {kept} before."), "As it was {kept} before.", "As it was {kept} before."),
    ],
)
def test_a_message_is_told_in_any_language_with_its_parts(message: Message, english: str, translated: str) -> None:
    assert str(message) == english
    assert message.told(german) == translated
    assert Message.parse(json.loads(json.dumps(asdict(message)))) == message


def test_a_text_that_earlier_versions_kept_stays_as_it_is() -> None:
    assert str(Message.parse("Kept 1 of {2}.")) == "Kept 1 of {2}."


@pytest.mark.parametrize(
    "error",
    [
        CadenzaError("There is no model called {name!r}.", name="jazz"),
        CadenzaError(MANY),
        ReadingError("The file is empty."),
        ReadingError("There are {count:,} {what}.", mark("too many"), count=3, what=mark("notes")),
        NotationError("{word} is not a note.", "72r1 299r1", 5, 8, word="299"),
    ],
)
def test_an_error_comes_whole_out_of_another_process(error: CadenzaError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_an_error_in_another_is_told_with_it() -> None:
    inner = ReadingError("There are {count:,} {what}.", count=2, what=mark("notes"))
    outer = CadenzaError("The first: {reason}", reason=inner)
    assert str(outer) == "The first: There are 2 notes."
    assert outer.message.told(german) == "The first: Es sind 2 Noten."
    assert ReadingError.parse(json.loads(json.dumps(inner.as_json()))) == inner


def test_an_error_of_the_notation_shows_the_place() -> None:
    error = NotationError("{word} is not a note.", "72r1 299r1", 5, 8, word="299")
    assert str(error) == "72r1 299r1\n     ^^^ 299 is not a note."
