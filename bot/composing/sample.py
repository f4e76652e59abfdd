"""The piece that newcomers hear first: a tune with a theme that returns, so that one could hum it."""

from dataclasses import replace
from typing import Any, Final

from bot.composing.studio import Studio
from core.composing.recipe import ComposeRequest, Take

TUNES: Final = "fiddle"  # the model for it, where it is there
FORM: Final = "AABB"
BARS: Final = 16
SEED: Final = 1

_heard: Final[dict[tuple[str, str | None], Take]] = {}  # by model and soundfont: it is the same each time


def recipe(studio: Studio, server: int | None) -> ComposeRequest:
    """Return how such a piece is asked for; each time it is another one. Raises BundleError if there is no model."""
    catalogue = studio.catalogue.at(server)
    model = TUNES if TUNES in catalogue.names() else None
    params = catalogue.params(catalogue.path(model).name)
    form: dict[str, Any] = {"form": FORM} if params.remembers else {}
    return ComposeRequest(model=str(catalogue.path(model)), bars=BARS, **form)


async def hear(studio: Studio, server: int | None) -> Take:
    """Have one composed, the same each time. Raises CadenzaError."""
    font = await studio.soundfont(server)
    request = replace(recipe(studio, server), seed=SEED, soundfont=font)
    key = request.model, font
    if key not in _heard:
        [_heard[key]] = (await studio.workers.compose(request)).takes
    return _heard[key]
