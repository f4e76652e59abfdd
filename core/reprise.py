"""Pieces that are there already, taken up again: their opening as a primer, their notes as a sheet."""

from fractions import Fraction

from core import engraving, score
from core.engraving import Sheet
from core.pipeline import ModelInfo
from core.score import QUARTERS_PER_BAR, Score


def opening(text: str, model: ModelInfo) -> str:
    """Return the first half of a piece, in whole bars, at least one."""
    unit = Fraction(model.rest_unit)
    piece = score.from_text(text, model.anchor, unit)
    bar = int(QUARTERS_PER_BAR / unit)
    end = min(piece.length, max(1, piece.length // (2 * bar)) * bar)
    half = Score(tuple(event for event in piece.events if event.onset < end), end, unit)
    return score.to_text(half, model.anchor)


def engrave(text: str, model: ModelInfo, tempo: float, title: str) -> Sheet:
    """Engrave a piece of notation. Raises PictureError for one without notes."""
    return engraving.sheet(score.from_text(text, model.anchor, Fraction(model.rest_unit)), title=title, tempo=tempo)
