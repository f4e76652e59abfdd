"""A jam: a piece that grows turn by turn, each a few bars of somebody's or of a model's."""

from dataclasses import replace
from fractions import Fraction
from typing import Final

from core.composing import recipe
from core.composing.recipe import ModelInfo
from core.composing.sampling import LONGEST_PIECE
from core.errors import RequestError
from core.music import score
from core.music.metre import Metre
from core.music.score import Event, Score
from core.reading import melody
from core.reading.melody import Given

AHEAD: Final = 8  # bars that a model is told of beyond its turn, so that no turn is an ending


def player(folder: str) -> ModelInfo:
    """Name the model that plays along. Raises BundleError and CorpusError."""
    bundle = recipe.open_model(folder).bundle
    return ModelInfo(bundle.name, bundle.version, bundle.params.rest_unit, bundle.params.anchor)


def length(text: str, model: ModelInfo, metre: Metre) -> int:
    """Count the bars that have been played."""
    return int(_piece(text, model, metre).bars)


def play(text: str, given: Given, model: ModelInfo, metre: Metre, bars: int) -> str:
    """Let a turn of so many bars at most follow what has been played: whole bars. Raises RequestError without notes."""
    piece = _piece(text, model, metre)
    primer = melody.to_primer(given, model.anchor, piece.unit)
    turn = score.from_text(primer.text, model.anchor, piece.unit, metre)
    bar = turn.units_per_bar
    whole = min(bars, LONGEST_PIECE - int(piece.bars), -(-turn.length // bar)) * bar
    events = tuple(Event(piece.length + event.onset, event.pitches) for event in turn.events if event.onset < whole)
    if not events:
        raise RequestError("There are no notes in the first {bars} bars of this. Play some.", bars=bars)
    return score.to_text(replace(piece, events=piece.events + events, length=piece.length + whole), model.anchor)


def answer(text: str, composed: str, model: ModelInfo, metre: Metre, bars: int) -> str:
    """Keep so many bars of what a model has composed behind what has been played."""
    before, after = _piece(text, model, metre), _piece(composed, model, metre)
    end = before.length + min(bars, LONGEST_PIECE - int(before.bars)) * before.units_per_bar
    new = tuple(event for event in after.events if before.length <= event.onset < end)
    return score.to_text(replace(before, events=before.events + new, length=end), model.anchor)


def events(text: str, model: ModelInfo) -> int:
    """Count the events that have been played."""
    return len(score.from_text(text, model.anchor, Fraction(model.rest_unit)).events) if text else 0


def _piece(text: str, model: ModelInfo, metre: Metre) -> Score:
    unit = Fraction(model.rest_unit)
    return score.from_text(text, model.anchor, unit, metre, open_end=True) if text else Score((), 0, unit, metre)
