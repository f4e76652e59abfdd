"""The errors of the house.

CadenzaError            anything that a user can mend; str(error) is a finished sentence for them
  NotationError         a text that is not in the notation; it shows the place
  ReadingError          a file that cannot be read as music
  CorpusError           a collection that gives nothing to learn from
  BundleError           a model that is missing, damaged or badly named
  RequestError          an option outside its range
  TrainingError         a training that cannot start or go on
    Cancelled           somebody stopped the work
  AudioError            sound that could not be made
  PictureError          a picture that could not be drawn
  LimitError            work that its machine has not the room for, or its process
"""

from pathlib import Path


class CadenzaError(Exception):
    """Say what is wrong, where, and what to do, in a sentence that is safe to show to a user."""


class NotationError(CadenzaError):
    """Point at the place where a text leaves the notation.

    `start` and `end` are the half-open range of characters in `text` that is wrong.
    """

    def __init__(self, text: str, start: int, end: int, advice: str) -> None:
        self.text, self.start, self.end, self.advice = text, start, end, advice
        super().__init__(f"{excerpt(text, start, end)} {advice}")

    def __reduce__(self) -> tuple[type["NotationError"], tuple[str, int, int, str]]:
        return NotationError, (self.text, self.start, self.end, self.advice)


class ReadingError(CadenzaError):
    """Say why a file cannot be read as music; `kind` sums it up in a word or two, for tables and counts."""

    def __init__(self, sentence: str, kind: str = "damaged") -> None:
        super().__init__(sentence, kind)
        self.sentence, self.kind = sentence, kind

    def __str__(self) -> str:
        return self.sentence


class CorpusError(CadenzaError):
    """Say why a collection gives nothing to learn from."""


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


def check_range(what: str, value: float, lowest: float, highest: float) -> None:
    """Raise RequestError for a number outside its range, both ends of which are in it, and for NaN."""
    if not lowest <= value <= highest:
        shown = str(value) if isinstance(value, int) else f"{value:g}"
        shown = shown if len(shown) <= 24 else f"{shown[:23]}…"
        raise RequestError(f"The {what} is {shown}; it must be from {lowest} to {highest}.")


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
