"""The form behind the button Tune: a recipe with all its values, to be changed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from discord import Interaction, SelectOption, TextStyle
from discord.ui import Modal, Select, TextInput

from bot.chat import forms, ranges
from bot.chat.language import _
from bot.chat.ranges import LONGEST_PRIMER
from bot.composing.soprano import Soprano
from bot.composing.studio import Studio
from bot.composing.typed import Typed
from bot.database.store import Opus
from bot.models.catalogue import Catalogue
from core.composing import reprise
from core.composing.drafting import USUAL_EFFORT
from core.composing.recipe import ComposeRequest
from core.errors import RequestError, check_range, lines
from core.model.bundle import Params
from core.performing import ensembles, expression

ID: Final = re.compile(r"tune:(?P<opus>[a-z0-9]{1,12})")
Number = tuple[type[float] | type[int], Any]  # its kind and its range
VALUES: Final[Mapping[str, Number | None]] = {  # none for words
    "temperature": (float, ranges.Temperature),
    "gravity": (float, ranges.Gravity),
    "top_p": (float, ranges.TopP),
    "bars": (int, ranges.Bars),
    "key": None,
    "metre": None,
    "form": None,
    "tempo": (float, ranges.Tempo),
    "expression": (float, ranges.Expression),
    "seed": (int, ranges.Seed),
    "effort": (int, ranges.Effort),
}
SUNG: Final = ("temperature", "key", "tempo", "expression", "seed", "effort")  # of what is harmonised
MODELS_SHOWN: Final = 25  # as many as Discord shows
PLAYERS_SHOWN: Final = 25


def form(catalogue: Catalogue, opus: Opus) -> Modal:
    """Lay out the form with a piece's recipe filled in. Raises BundleError if there is no model to choose."""
    models = sorted(catalogue.names(), key=lambda name: name != opus.model.name)[:MODELS_SHOWN]
    catalogue.path(models[0] if models else None)
    request, given = opus.request, opus.request.melody or opus.request.primer
    fits = len(given) <= LONGEST_PRIMER
    fields: tuple[tuple[str, TextInput[Any] | Select[Any]], ...] = (
        (
            _("Melody") if request.melody else _("Primer"),
            TextInput[Any](
                custom_id="primer",
                style=TextStyle.long,
                default=given if fits else "",
                required=False,
                max_length=LONGEST_PRIMER,
                placeholder="C4 E4 G4, 72r1 76r1"
                if fits
                else _("Too long for this form: left empty, it stays as it is."),
            ),
        ),
        (
            _("Values, one a line; no seed draws a new one"),
            TextInput[Any](
                custom_id="numbers", style=TextStyle.long, default=write(request), required=False, max_length=400
            ),
        ),
        (_("Model"), _choice("model", models, opus.model.name)),
        (_("Instrument"), _choice("instrument", _players(request), _player(request))),
    )
    return forms.lay_out(_("Tune the recipe"), f"tune:{opus.id}", fields)


async def _compose(interaction: Interaction[Any], match: re.Match[str], fields: Mapping[str, Any]) -> None:
    studio = Studio.of(interaction)
    opus = await studio.store.get(match["opus"])
    recipe, catalogue = studio.recipe(opus, missing_ok=True), studio.catalogue.at(interaction.guild_id)
    [model], [instrument] = fields["model"]["values"], fields["instrument"]["values"]
    typed = fields["primer"]["value"].strip()
    given = recipe.melody or recipe.primer
    kept = typed == given or (not typed and (bool(recipe.melody) or len(given) > LONGEST_PRIMER))
    params = catalogue.params(model)
    beginning = _beginning(interaction, typed, params, recipe) if typed and not kept else None
    request = replace(
        recipe,
        primer=reprise.rewritten(recipe.primer, opus.model, params) if kept and recipe.primer else "",
        melody=recipe.melody if kept else "",
        model=str(catalogue.path(model)),
        instrument=instrument,
        paced=False,
        **read(fields["numbers"]["value"]),
    )
    await studio.compose(interaction, request, opus, beginning)


def _beginning(interaction: Interaction, text: str, params: Params, recipe: ComposeRequest) -> Typed | Soprano:
    typed = Typed.by(interaction, text, params)
    return Soprano(typed) if recipe.melody else typed


def _player(request: ComposeRequest) -> str:
    return request.instrument or ensembles.PLAIN


def _players(request: ComposeRequest) -> list[str]:
    """Return who may play, as many as Discord shows, the one of a request among them."""
    names = sorted(ensembles.NAMES, key=lambda name: name != _player(request))[:PLAYERS_SHOWN]
    return [name for name in ensembles.NAMES if name in names]


def _choice(id: str, names: Iterable[str], chosen: str) -> Select[Any]:
    options = [SelectOption(label=name, value=name, default=name == chosen) for name in names]
    return Select[Any](custom_id=id, options=options, required=True)


def write(request: ComposeRequest) -> str:
    """Write a request's values, a line each; a tempo that the model chose is left to it."""
    names = SUNG if request.melody else VALUES
    values = {name: getattr(request, name) for name in names if name != "tempo" or not request.paced}
    return "\n".join(f"{name.replace('_', '-')} {_plain(value)}" for name, value in values.items() if value is not None)


def read(text: str) -> dict[str, Any]:
    """Read values as `write` writes them; one that is left out is left to the model.

    Raises RequestError, which names every line that is wrong.
    """
    values: dict[str, Any] = {
        "temperature": 1.0,
        "gravity": None,
        "top_p": 1.0,
        "bars": None,
        "key": None,
        "metre": None,
        "form": None,
        "tempo": None,
        "expression": expression.USUAL,
        "seed": None,
        "effort": USUAL_EFFORT,
    }
    wrong = list[RequestError]()
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, value = line.replace(":", " ").replace("=", " ").partition(" ")
        field = name.lower().replace("-", "_")
        try:
            values[field] = _value(name, VALUES[field], value.strip())
        except KeyError:
            known = ", ".join(VALUES).replace("_", "-")
            wrong.append(
                RequestError("There is no value called {name!r}. There are: {names}.", name=name[:40], names=known)
            )
        except RequestError as error:
            wrong.append(error)
    if wrong:
        raise RequestError(lines(error.message for error in wrong))
    return values


def _value(name: str, number: Number | None, text: str) -> float | str:
    if number is None:
        return text
    kind, bounds = number
    try:
        value = kind(text)
        check_range(name, value, bounds.min_value, bounds.max_value)
    except (ValueError, RequestError):
        raise RequestError(
            "{text!r} does not fit {name}: give a number from {lowest} to {highest}.",
            text=text[:40],
            name=name,
            lowest=bounds.min_value,
            highest=bounds.max_value,
        ) from None
    return value


def _plain(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


submitted: Final = forms.listener(ID, _compose)  # whichever run of the bot has shown the form
