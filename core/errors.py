"""The errors of the house.

CadenzaError            anything that a user can mend; str(error) is a finished sentence for them
  NotationError         a text that is not in the notation; it shows the place
  ReadingError          a file that cannot be read as music
  CorpusError           a collection that gives nothing to train on
  BundleError           a model that is missing, damaged or badly named
  RequestError          an option outside its range
  TrainingError         a training that cannot start or go on
    Cancelled           somebody stopped the work
  AudioError            sound that could not be made
  PictureError          a picture that could not be drawn
  LimitError            work that its machine has not the room for, or its process
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self


@dataclass(frozen=True, slots=True)
class Message:
    """Hold a text as its template and what stands in it, so that it can be told in any language.

    `values` fill the {names} of the template; without any it is a finished text. Those that are messages themselves are
    told in the same language, several in a tuple one after the other. With `plural`, the template for more than one,
    the text depends on the value `count`. dataclasses.asdict makes JSON of it.
    """

    template: str
    values: Mapping[str, "Value"] = field(default_factory=dict)
    plural: str = ""

    def __str__(self) -> str:
        """Tell it in English."""
        return self.told(lambda one: one.plural if one.plural and one.values["count"] != 1 else one.template)

    def told(self, translate: Callable[["Message"], str]) -> str:
        """Tell it in the language of `translate`, which gives the template that fits a message."""
        values = {name: _told(value, translate) for name, value in self.values.items()}
        return translate(self).format(**values) if values else translate(self)

    @classmethod
    def parse(cls, kept: Any) -> Self:
        """Take what JSON has made of a message; a finished text, as earlier versions kept it, stays as it is."""
        if isinstance(kept, str):
            return cls(kept)
        return cls(kept["template"], {name: _parsed(value) for name, value in kept["values"].items()}, kept["plural"])


Value = str | int | float | Message | tuple[Message, ...]


def mark(template: str, /, **values: Any) -> Message:
    """Mark a text for translators, and make a message of it; an error among the values stands for its message."""
    return Message(template, {name: _value(value) for name, value in values.items()})


def counted(one: str, several: str, count: float, /, **values: Any) -> Message:
    """Mark a text that depends on a number, which stands in it as {count}."""
    return Message(one, {"count": count, **mark(one, **values).values}, several)


def lines(messages: Iterable[Message]) -> Message:
    """Put texts below one another, in one that has nothing to translate of its own."""
    values: dict[str, Value] = {f"line{number}": message for number, message in enumerate(messages)}
    return Message("\n".join(f"{{{name}}}" for name in values), values)


def reason(error: BaseException) -> Message:
    """Say what the system, or a library, says of an error."""
    return mark(getattr(error, "strerror", None) or "Input/output error")


SYSTEM: Final = (  # what it says most often, for translators
    mark("No space left on device"),
    mark("Disk quota exceeded"),
    mark("Permission denied"),
    mark("Read-only file system"),
    mark("Input/output error"),
    mark("No such file or directory"),
)


def _value(value: object) -> Value:
    if isinstance(value, CadenzaError):
        return value.message
    return value if isinstance(value, str | int | float | Message | tuple) else str(value)


def _told(value: Value, translate: Callable[[Message], str]) -> str | int | float:
    if isinstance(value, Message):
        return value.told(translate)
    return ", ".join(each.told(translate) for each in value) if isinstance(value, tuple) else value


def _parsed(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(Message.parse, value))
    return Message.parse(value) if isinstance(value, dict) else value


class CadenzaError(Exception):
    """Say what is wrong, where, and what to do, in a sentence that is safe to show to a user.

    It takes a template and its values, as `mark` does, or a message.
    """

    def __init__(self, template: str | Message, /, **values: Any) -> None:
        self.message = template if isinstance(template, Message) else mark(template, **values)

    def __str__(self) -> str:
        return str(self.message)


class NotationError(CadenzaError):
    """Point at the place where a text leaves the notation.

    `start` and `end` are the half-open range of characters in `text` that is wrong.
    """

    def __init__(self, template: str, text: str, start: int, end: int, /, **values: Any) -> None:
        super().__init__(template, **values)
        self.text, self.start, self.end = text, start, end

    def __str__(self) -> str:
        return f"{excerpt(self.text, self.start, self.end)} {self.message}"


class ReadingError(CadenzaError):
    """Say why a file cannot be read as music; `kind` sums it up in a word or two, for tables and counts."""

    def __init__(self, template: str | Message, kind: Message | None = None, /, **values: Any) -> None:
        super().__init__(template, **values)
        self.kind = kind or mark("damaged")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReadingError) and (self.message, self.kind) == (other.message, other.kind)

    def __hash__(self) -> int:
        return hash(str(self))

    def as_json(self) -> list[Any]:
        """Return what JSON can take, and `parse` makes the error of again."""
        return [asdict(self.message), asdict(self.kind)]

    @classmethod
    def parse(cls, kept: Sequence[Any]) -> Self:
        """Take what JSON has made of `as_json`."""
        return cls(*map(Message.parse, kept))


class CorpusError(CadenzaError):
    """Say why a collection gives nothing to train on."""


class BundleError(CadenzaError):
    """Say what is wrong with a model on disk, or with its name."""


class RequestError(CadenzaError):
    """Say which option is out of its range, and the range."""


class TrainingError(CadenzaError):
    """Say why a training cannot start or go on."""


class Cancelled(TrainingError):
    """Say that somebody stopped the work."""


class AudioError(CadenzaError):
    """Say why there is no sound, and what to install or change."""


class PictureError(CadenzaError):
    """Say why a picture could not be drawn."""


class LimitError(CadenzaError):
    """Say which limit of the machine, or of a process, the work has met."""


def check_range(
    what: str | Message, value: Any, lowest: float, highest: float, error: type[CadenzaError] = RequestError
) -> None:
    """Raise an error for what is no number, or one outside its range, both ends of which are in it; NaN is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        shown = f"{value:g}" if isinstance(value, float) else repr(value)
        raise error(
            "The {what} is {shown}; it must be from {lowest} to {highest}.",
            what=what,
            shown=shown if len(shown) <= 24 else f"{shown[:23]}…",
            lowest=lowest,
            highest=highest,
        )


def named(path: Path) -> str:
    """Name a file by its folder and itself; where on this machine they are is not for everybody."""
    return str(Path(*path.parts[-2:]))


def excerpt(text: str, start: int, end: int, width: int = 60) -> str:
    """Cut the line around `start` to `width` characters and underline `start` to `end` with carets."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    left = max(0, start - width // 2)
    line = shown[left : left + width]
    before, after = "…" if left else "", "…" if left + width < len(shown) else ""
    carets = "^" * max(1, min(end, left + width) - start)
    return f"{before}{line}{after}\n{' ' * (len(before) + start - left)}{carets}"
