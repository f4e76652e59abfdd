"""Pieces that are there already, taken up again: their opening as a primer, their notes as a sheet."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Final

from core.composing import recipe
from core.composing.novelty import Quote
from core.composing.recipe import ComposeRequest, ModelInfo
from core.drawing import roll, sheet
from core.drawing.sheet import Sheet
from core.errors import AudioError, BundleError, CorpusError, Message
from core.model.bundle import Params
from core.music import score, titles
from core.music.metre import COMMON, Metre
from core.music.parts import PartScore
from core.music.score import Score
from core.performing import audio
from core.reading import melody, names

MAKERS: Final = (
    *("fpdf2", "lameenc", "loudness", "music21", "numpy", "pillow"),
    *("resvg-py", "soundfile", "symusic", "verovio"),
)


def opening(text: str, model: ModelInfo, metre: Metre = COMMON) -> str:
    """Return the first half of a piece, in whole bars, at least one."""
    piece = score.from_text(text, model.anchor, Fraction(model.rest_unit), metre)
    bar = piece.units_per_bar
    end = min(piece.length, max(1, piece.length // (2 * bar)) * bar)
    half = replace(piece, events=tuple(event for event in piece.events if event.onset < end), length=end)
    return score.to_text(half, model.anchor)


def tune(text: str, model: ModelInfo, metre: Metre = COMMON) -> str:
    """Return the highest line of a piece, as note names."""
    line = melody.from_text(f"{model.anchor}: {text}", unit=Fraction(model.rest_unit)).melody
    return names.write_names(replace(line, metre=metre))


def rewritten(text: str, written: ModelInfo, params: Params) -> str:
    """Write a text of one model as another does."""
    if (written.anchor, Fraction(written.rest_unit)) == (params.anchor, params.unit):
        return text
    given = melody.from_text(f"{written.anchor}: {text}", unit=Fraction(written.rest_unit))
    return melody.to_primer(given, params.anchor, params.unit).text


def side_by_side(
    takes: Sequence[tuple[str, str, PartScore | None]], model: ModelInfo, given: int, metre: Metre = COMMON
) -> bytes:
    """Draw takes in one picture, each by its notation, or its parts where it has some, under its caption.

    The first `given` events of each were given.
    """
    unit = Fraction(model.rest_unit)
    pieces = [parts or score.from_text(text, model.anchor, unit, metre, open_end=True) for text, _, parts in takes]
    return roll.side_by_side(pieces, [caption for _, caption, _ in takes], primer_events=given)


def engrave(
    text: str,
    model: ModelInfo,
    tempo: float,
    title: str,
    metre: Metre = COMMON,
    composer: str = "",
    parts: PartScore | None = None,
    *,
    numerals: bool = False,
) -> Sheet:
    """Engrave a piece of notation, or its parts where it has some. Raises PictureError for one without notes."""
    piece = parts or score.from_text(text, model.anchor, Fraction(model.rest_unit), metre)
    return sheet.sheet(piece, title=title, composer=composer, tempo=tempo, numerals=numerals, folds=parts is None)


@lru_cache(maxsize=1024)  # of which a list of pieces asks for many at once
def title(request: ComposeRequest, model: ModelInfo, text: str) -> Message:
    """Name a piece."""
    piece = _score(request, model, text)
    return titles.title(piece, recipe.tempo_of(request, piece))


def tempo(request: ComposeRequest, model: ModelInfo, text: str) -> float:
    """Return the tempo at which a piece is played, in quarters a minute."""
    return recipe.tempo_of(request, _score(request, model, text))


def _score(request: ComposeRequest, model: ModelInfo, text: str) -> Score:
    return score.from_text(text, model.anchor, Fraction(model.rest_unit), recipe.metre_of(request), open_end=True)


def quote(text: str, given: int, model: ModelInfo, folder: str) -> Quote | None:
    """Return what a piece quotes from the pieces that its model was trained on, if the model is still the same."""
    try:
        composer = recipe.open_model(folder)
    except (BundleError, CorpusError):
        return None
    return composer.index.longest_quote(text, given) if composer.bundle.version == model.version else None


def fingerprint(
    request: ComposeRequest, model: ModelInfo, text: str, given: int, parts: PartScore | None = None
) -> str:
    """Sum up all that a piece's files are made from, this program and its soundfont among them."""
    font = None if request.soundfont is None else Path(request.soundfont)
    try:
        players = [_stamp(audio.find_soundfont(font)), _stamp(Path(shutil.which("fluidsynth") or ""))]
    except AudioError:
        players = []
    whole = (request, model, text, given, parts, players, _makers())
    return hashlib.sha256(repr(whole).encode()).hexdigest()[:32]


def _stamp(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


@lru_cache(maxsize=1)
def _makers() -> str:
    """Sum up the program and the libraries that draw and play."""
    sources = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        sources.update(path.read_bytes())
    return " ".join((sources.hexdigest(), *(f"{name} {metadata.version(name)}" for name in MAKERS)))
