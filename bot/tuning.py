"""The form behind the button Tune: a recipe with all its values, to be changed."""

from dataclasses import replace
from typing import Any, Final

from discord import Interaction, SelectOption, TextStyle
from discord.ui import Label, Modal, Select, TextInput

from bot import composing, replies
from bot.catalogue import Catalogue
from bot.store import Opus
from core import pipeline
from core.errors import RequestError
from core.performing import INSTRUMENTS
from core.pipeline import ComposeRequest

NUMBERS: Final = {"temperature": float, "gravity": float, "top_p": float, "bars": int, "tempo": float, "seed": int}
MODELS_SHOWN: Final = 25  # as many as Discord shows
LONGEST_PRIMER: Final = 4000  # characters that fit into a form


class Tuning(Modal):
    """Show a recipe, and compose by what becomes of it."""

    def __init__(self, catalogue: Catalogue, opus: Opus) -> None:
        super().__init__(title="Tune the recipe", timeout=3600)
        self._opus, request = opus, opus.request
        primer = request.primer if len(request.primer) <= LONGEST_PRIMER else ""
        self.primer = TextInput[Any](
            style=TextStyle.long, default=primer, required=False, max_length=LONGEST_PRIMER, placeholder="72r1 76r1"
        )
        self.numbers = TextInput[Any](style=TextStyle.long, default=write(request), required=False, max_length=400)
        names = catalogue.names()[:MODELS_SHOWN]
        self.model = Select[Any](
            options=[SelectOption(label=name, value=name, default=name == opus.model.name) for name in names]
        )
        self.instrument = Select[Any](
            options=[SelectOption(label=name, value=name, default=name == request.instrument) for name in INSTRUMENTS]
        )
        for text, component in (
            ("Primer", self.primer),
            ("Values, a line each; no seed draws one", self.numbers),
            ("Model", self.model),
            ("Instrument", self.instrument),
        ):
            self.add_item(Label(text=text, component=component))

    async def on_submit(self, interaction: Interaction[Any], /) -> None:
        """Compose by the form."""
        async with replies.answering(interaction):
            bot = interaction.client
            request = replace(
                composing.recipe(bot, self._opus, missing_ok=True),
                primer=self.primer.value,
                model=str(bot.catalogue.path(self.model.values[0])),
                instrument=self.instrument.values[0],
                **read(self.numbers.value),
            )
            pipeline.check_primer(request.primer, bot.catalogue.params(self.model.values[0]).anchor)
            await composing.compose(interaction, request, self._opus)

    async def on_error(self, interaction: Interaction[Any], error: Exception, _: Any = None, /) -> None:
        """Apologise."""
        await replies.apologise(interaction, error)


def write(request: ComposeRequest) -> str:
    """Write a request's numbers, a line each."""
    return "\n".join(
        f"{name.replace('_', '-')} {_plain(value)}" for name in NUMBERS if (value := getattr(request, name)) is not None
    )


def read(text: str) -> dict[str, Any]:
    """Read numbers as `write` writes them; one that is left out is left to the model. Raises RequestError."""
    values: dict[str, Any] = {
        "temperature": 1.0,
        "gravity": None,
        "top_p": 1.0,
        "bars": None,
        "tempo": None,
        "seed": None,
    }
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, number = line.replace(":", " ").replace("=", " ").partition(" ")
        field = name.lower().replace("-", "_")
        try:
            values[field] = NUMBERS[field](number)
        except KeyError:
            known = ", ".join(NUMBERS).replace("_", "-")
            raise RequestError(f"There is no value called {name[:40]!r}. There are: {known}.") from None
        except ValueError:
            raise RequestError(f"{number.strip()[:40]!r} is not a number that {name} can have.") from None
    return values


def _plain(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
