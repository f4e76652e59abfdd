"""Pieces that are there already, filmed: their roll, their sound and their title."""

from fractions import Fraction
from pathlib import Path

from core.composing import recipe
from core.composing.recipe import ComposeRequest, ModelInfo
from core.drawing import film
from core.errors import Message
from core.music import score
from core.music.parts import PartScore
from core.performing import audio


def shoot(
    request: ComposeRequest,
    model: ModelInfo,
    text: str,
    given: int,
    title: Message | str,
    parts: PartScore | None = None,
) -> bytes:
    """Film a piece of notation, or its parts, as a request has it played: an MP4. The first `given` events are grey."""
    piece = score.from_text(text, model.anchor, Fraction(model.rest_unit), recipe.metre_of(request), open_end=True)
    played = recipe.prepare(request, piece, parts)
    font = None if request.soundfont is None else Path(request.soundfont)
    sound = audio.render(played.midi(by_hand=True), format="wav", soundfont=font)
    return film.film(played, sound, primer_events=given, title=str(title), credit=f"Cadenza · {model.name}")
