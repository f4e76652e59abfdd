"""Tune: a recipe as fields, to be changed and composed again, as often as one likes.

A form of Discord's has room for five fields, and forgets what was typed when something in it is wrong. So Tune is a
message for whoever pressed it: menus for model, instrument, key, metre and mood, and what has room for words behind a
button. The message itself keeps what was chosen and typed, also what is wrong and across a restart.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import discord
from discord import ButtonStyle, Interaction, SelectOption, TextStyle
from discord.ui import ActionRow, Button, LayoutView, Select, TextDisplay, TextInput

from bot.chat import forms, ranges
from bot.chat.components import LastingButton, LastingMenu
from bot.chat.language import _, tell
from bot.chat.titles import title
from bot.composing import choices
from bot.composing.soprano import Soprano
from bot.composing.studio import Studio
from bot.composing.typed import Typed
from bot.database.store import Opus
from bot.models.catalogue import Catalogue
from core.composing import form, moods, reprise
from core.composing.recipe import ComposeRequest
from core.errors import BundleError, CadenzaError, Message, RequestError, check_range, lines, mark
from core.music import keys
from core.performing import ensembles

ID: Final = r"(?P<opus>[a-z0-9]{1,12})"
FORM: Final = re.compile(rf"tune-words:{ID}")
MODELS_SHOWN: Final = 25  # as many as Discord shows
LONGEST_PRIMER: Final = 2_000  # characters: a message holds 4,000 in all
OPEN: Final = "open"  # the choice that leaves something to the model, or as it is
PRIMER, SEED, VALUES, WRONG = 101, 102, 103, 104  # the ids of the texts in the message

Number = tuple[type[float] | type[int], Any]  # its kind and its range
KINDS: Final[Mapping[str, Number | None]] = {  # of the values that have no field of their own; none for words
    "bars": (int, ranges.Bars),
    "tempo": (float, ranges.Tempo),
    "form": None,
    "gravity": (float, ranges.Gravity),
    "expression": (float, ranges.Expression),
    "effort": (int, ranges.Effort),
    "temperature": (float, ranges.Temperature),
    "top_p": (float, ranges.TopP),
}
LEFT_OUT: Final[Mapping[str, Any]] = {  # what a line that is missing leaves to the model
    name: getattr(ComposeRequest(model=""), name) for name in KINDS if name not in ("temperature", "top_p")
}
SUNG: Final = ("tempo", "expression", "effort")  # of these, what is harmonised has
EMPTY: Final = {  # what an empty text means
    PRIMER: mark("none: the model begins"),
    SEED: mark("a new one"),
    VALUES: mark("the model's"),
}
LABELS: Final = {  # of the menus, in their order
    "mood": mark("Mood"),
    "key": mark("Key"),
    "metre": mark("Metre"),
    "instrument": mark("Instrument"),
    "model": mark("Model"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Hold what was chosen and typed, right or wrong; a primer that is None is too long to be shown, and stays."""

    model: str
    instrument: str
    key: str
    metre: str
    mood: str
    primer: str | None
    seed: str
    values: str
    wrong: str = ""

    @classmethod
    def of(cls, opus: Opus, catalogue: Catalogue) -> Self:
        """Fill in the recipe of a piece."""
        request, given = opus.request, opus.request.melody or opus.request.primer
        return cls(
            model=opus.model.name,
            instrument=request.instrument or ensembles.PLAIN,
            key=OPEN if request.key is None else _full(request.key, opus.model.name, catalogue),
            metre=request.metre or OPEN,
            mood=moods.named(request.temperature, request.top_p) or OPEN,
            primer=given if len(given) <= LONGEST_PRIMER else None,
            seed=str(request.seed),
            values=write(request),
        )

    @classmethod
    def shown(cls, message: discord.Message) -> Self:
        """Read what a message keeps."""
        chosen, texts = dict[str, str](), dict[int, str]()
        for component in message.components:
            if isinstance(component, discord.ActionRow):
                for item in component.children:
                    if isinstance(item, discord.SelectMenu):
                        field = item.custom_id.partition(":")[0].removeprefix("tune-")
                        chosen[field] = next(option.value for option in item.options if option.default)
            elif isinstance(component, discord.TextDisplay) and component.id in (PRIMER, SEED, VALUES):
                texts[component.id] = component.content.partition("```")[2].removesuffix("```").strip("\n")
        kept = PRIMER not in texts
        return cls(
            primer=None if kept else texts[PRIMER].strip(), seed=texts[SEED].strip(), values=texts[VALUES], **chosen
        )


def panel(tuning: Tuning, opus: Opus, catalogue: Catalogue) -> LayoutView:
    """Lay out the message. Raises BundleError if there is no model to choose."""
    models = sorted(catalogue.names(), key=lambda name: name != tuning.model)[:MODELS_SHOWN]
    if not models:
        catalogue.path(None)
    if tuning.model not in models:
        tuning = replace(tuning, model=models[0])
    metres = dict.fromkeys((*choices.METRES, *([] if tuning.metre == OPEN else [tuning.metre])))
    offered: dict[str, list[tuple[str, str]]] = {
        "mood": [(name, tell(word)) for name, word in choices.MOOD_NAMES.items()],
        "key": [(key, _(key)) for key in keys.KEYS],
        "metre": [(metre, metre) for metre in metres],
        "instrument": [(name, _(name)) for name in choices.players(tuning.instrument)],
        "model": [(name, name) for name in models],
    }
    as_it_is = _("temperature {temperature:g}, top-p {top_p:g}").format(
        temperature=opus.request.temperature, top_p=opus.request.top_p
    )
    if moods.named(opus.request.temperature, opus.request.top_p) is None:
        offered["mood"].insert(0, (OPEN, as_it_is))
    offered["key"].insert(0, (OPEN, _("any key, or the primer's")))
    offered["metre"].insert(0, (OPEN, _("any metre, or the primer's")))
    view = LayoutView(timeout=None)
    heading = _("Tune {title}").format(title=title(opus))
    view.add_item(TextDisplay(f"### {heading}\n" + _("Change what you like, then compose. The seed stays the same.")))
    for field, label in LABELS.items():
        view.add_item(TextDisplay(f"-# {tell(label)}"))
        view.add_item(ActionRow(_menu(f"tune-{field}:{opus.id}", offered[field], getattr(tuning, field))))
    for place, name, text in (
        (PRIMER, _("Melody") if opus.request.melody else _("Primer"), tuning.primer),
        (SEED, _("Seed"), tuning.seed),
        (VALUES, _("Values"), tuning.values),
    ):
        if text is None:
            known = len(opus.request.melody or opus.request.primer)
            kept = _("as it is: {count} characters").format(count=known)
            view.add_item(TextDisplay(f"-# {name}\n{kept}"))
        else:
            shown = f"```\n{text.replace('`', '’')}\n```" if text.strip() else tell(EMPTY[place])
            view.add_item(TextDisplay(f"-# {name}\n{shown}", id=place))
    if tuning.wrong:
        view.add_item(TextDisplay(f"⚠️ {tuning.wrong}"[:600], id=WRONG))
    write_words, compose = _("Primer, seed, values"), _("Compose")
    view.add_item(
        ActionRow(
            Button(style=ButtonStyle.primary, label=compose, emoji="🎵", custom_id=f"tune-compose:{opus.id}"),
            Button(style=ButtonStyle.secondary, label=write_words, emoji="✏️", custom_id=f"tune-edit:{opus.id}"),
        )
    )
    view.stop()  # clicks are told apart by id, so discord.py need not remember this view
    return view


async def show(interaction: Interaction, opus: Opus) -> None:
    """Show somebody the fields of a piece's recipe."""
    catalogue = Studio.of(interaction).catalogue.at(interaction.guild_id)
    view = panel(Tuning.of(opus, catalogue), opus, catalogue)
    await interaction.response.send_message(view=view, ephemeral=True)


class Choose(LastingMenu, template=rf"tune-(?P<field>model|instrument|key|metre|mood):{ID}"):
    """Keep what was chosen."""

    def __init__(self, custom_id: str, values: Sequence[str], field: str, opus: str) -> None:
        super().__init__(custom_id, values)
        self._field, self._opus = field, opus

    async def work(self, interaction: Interaction) -> None:
        """Do what was chosen."""
        opus = await Studio.of(interaction).store.get(self._opus)
        await _show_again(interaction, opus, replace(_shown(interaction), **{self._field: self.values[0]}))


class Edit(LastingButton, template=rf"tune-edit:{ID}"):
    """Ask for what has to be typed."""

    def __init__(self, custom_id: str, opus: str) -> None:
        super().__init__(custom_id)
        self._opus = opus

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        tuning = _shown(interaction)
        fits = tuning.primer is not None
        primer = TextInput[Any](
            custom_id="primer",
            style=TextStyle.long,
            default=tuning.primer or "",
            required=False,
            max_length=LONGEST_PRIMER,
            placeholder="C4 E4 G4, 72r1 76r1" if fits else _("Too long for this form: left empty, it stays as it is."),
        )
        seed = TextInput[Any](
            custom_id="seed", default=tuning.seed, required=False, max_length=40, placeholder=_("empty: a new one")
        )
        values = TextInput[Any](
            custom_id="values",
            style=TextStyle.long,
            default=tuning.values,
            required=False,
            max_length=400,
            placeholder=", ".join(KINDS).replace("_", "-"),
        )
        fields = ((_("Primer"), primer), (_("Seed"), seed), (_("Values, one a line"), values))
        await interaction.response.send_modal(
            forms.lay_out(_("Primer, seed, values"), f"tune-words:{self._opus}", fields)
        )


class Compose(LastingButton, template=rf"tune-compose:{ID}"):
    """Compose by what was chosen and typed."""

    def __init__(self, custom_id: str, opus: str) -> None:
        super().__init__(custom_id)
        self._opus = opus

    async def work(self, interaction: Interaction) -> None:
        """Do what the button says."""
        studio = Studio.of(interaction)
        opus = await studio.store.get(self._opus)
        request, beginning = _asked(interaction, opus, _shown(interaction))
        await studio.compose(interaction, request, opus, beginning)


ITEMS: Final = (Choose, Edit, Compose)


async def _typed(interaction: Interaction[Any], match: re.Match[str], fields: Mapping[str, Any]) -> None:
    """Keep what was typed, and say what is wrong with it, all at once."""
    opus = await Studio.of(interaction).store.get(match["opus"])
    tuning, typed = _shown(interaction), {name: str(fields[name]["value"]) for name in ("primer", "seed", "values")}
    if tuning.primer is None and not typed["primer"].strip():
        del typed["primer"]
    tuning = replace(tuning, **typed)
    try:
        _asked(interaction, opus, tuning)
    except BundleError:
        pass  # which is for Compose to say
    except CadenzaError as error:
        tuning = replace(tuning, wrong=tell(error))
    await _show_again(interaction, opus, tuning)


def _shown(interaction: Interaction[Any]) -> Tuning:
    assert interaction.message is not None
    return Tuning.shown(interaction.message)


async def _show_again(interaction: Interaction[Any], opus: Opus, tuning: Tuning) -> None:
    view = panel(tuning, opus, Studio.of(interaction).catalogue.at(interaction.guild_id))
    await interaction.response.edit_message(view=view)


def _asked(interaction: Interaction[Any], opus: Opus, tuning: Tuning) -> tuple[ComposeRequest, Typed | Soprano | None]:
    """Make a request of what was chosen and typed. Raises RequestError, which names all that is wrong."""
    studio, wrong = Studio.of(interaction), list[Message]()
    recipe, catalogue = studio.recipe(opus, missing_ok=True), studio.catalogue.at(interaction.guild_id)
    params = catalogue.params(tuning.model)
    typed = "" if tuning.primer is None else tuning.primer.strip()
    kept = tuning.primer is None or typed == (recipe.melody or recipe.primer) or (not typed and bool(recipe.melody))
    beginning: Typed | Soprano | None = None
    if typed and not kept:
        beginning = Typed.by(interaction, typed, params)
        beginning = Soprano(beginning) if recipe.melody else beginning
        try:
            beginning.check()
        except CadenzaError as error:
            wrong.append(mark("Primer: {error}", error=error))
    seed, values = None, dict[str, Any]()
    try:
        seed = _value("seed", (int, ranges.Seed), tuning.seed) if tuning.seed.strip() else None
    except RequestError as error:
        wrong.append(error.message)
    try:
        values = read(tuning.values)
    except RequestError as error:
        wrong.append(error.message)
    if wrong:
        raise RequestError(lines(wrong))
    if tuning.mood != OPEN:
        mood = moods.mood(tuning.mood)
        values = {"temperature": mood.temperature, "top_p": mood.top_p, **values}
    request = replace(
        recipe,
        primer=reprise.rewritten(recipe.primer, opus.model, params) if kept and recipe.primer else "",
        melody=recipe.melody if kept else "",
        model=str(catalogue.path(tuning.model)),
        instrument=tuning.instrument,
        key=None if tuning.key == OPEN else tuning.key,
        metre=None if tuning.metre == OPEN else tuning.metre,
        seed=seed,
        paced=False,
        **{**LEFT_OUT, **values},
    )
    return request, beginning


def _menu(id: str, offered: Iterable[tuple[str, str]], chosen: str) -> Select[Any]:
    options = [SelectOption(label=label, value=value, default=value == chosen) for value, label in offered]
    return Select[Any](custom_id=id, options=options)


def _full(key: str, model: str, catalogue: Catalogue) -> str:
    """Return how KEYS name a key; without a mode it has that which its model's music has more often."""
    try:
        habits = form.habits(catalogue.params(model).habits)
    except BundleError:  # it is gone
        habits = form.habits({})
    tonic, mode = form.named(key, habits)
    return keys.KEYS[tonic + len(keys.KEYS) // 2 * mode]


def write(request: ComposeRequest) -> str:
    """Write the values of a request that have no field of their own, a line each.

    A tempo that the model chose is left to it, and so is a temperature.
    """
    names = SUNG if request.melody else LEFT_OUT
    values = {name: getattr(request, name) for name in names if name != "tempo" or not request.paced}
    return "\n".join(f"{name.replace('_', '-')} {_plain(value)}" for name, value in values.items() if value is not None)


def read(text: str) -> dict[str, Any]:
    """Read values as `write` writes them. Raises RequestError, which names every line that is wrong."""
    values, wrong = dict[str, Any](), list[RequestError]()
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, value = line.replace(":", " ").replace("=", " ").partition(" ")
        field = name.lower().replace("-", "_")
        try:
            values[field] = _value(name, KINDS[field], value.strip())
        except KeyError:
            known = ", ".join(KINDS).replace("_", "-")
            wrong.append(
                RequestError("There is no value called {name!r}. There are: {names}.", name=name[:40], names=known)
            )
        except RequestError as error:
            wrong.append(error)
    if wrong:
        raise RequestError(lines(error.message for error in wrong))
    return values


def _value(name: str, number: Number | None, text: str) -> Any:
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


submitted: Final = forms.listener(FORM, _typed)  # whichever run of the bot has shown the form
