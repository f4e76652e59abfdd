"""Tune: a recipe as fields, to be changed and composed again, as often as one likes.

A form of Discord's has room for five fields, and forgets what was typed when something in it is wrong. So Tune is a
message for whoever pressed it: menus for model, instrument, key, metre and mood, and what has to be typed behind a
button. The message itself keeps what was chosen and typed, also what is wrong and across a restart. What it has no
field for stays as it was.
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
WRONG: Final = 104  # the id of the text in the message that says what is wrong

Number = tuple[type[float] | type[int], Any]  # its kind and its range


@dataclass(frozen=True, slots=True)
class Written:
    """Describe what is typed: the id of its text in the message, what it is called there and asked for in the form.

    `empty` is what it means to leave it empty; a number has its kind and range. `sung` tells whether what is
    harmonised has it.
    """

    id: int
    label: Message
    asks: Message
    empty: Message
    number: Number | None = None
    sung: bool = True


WRITTEN: Final[Mapping[str, Written]] = {
    "bars": Written(
        105, mark("Bars"), mark("How many bars"), mark("as many as it likes"), (int, ranges.Bars), sung=False
    ),
    "tempo": Written(
        106,
        mark("Tempo"),
        mark("Tempo, in quarter notes a minute"),
        mark("as the music is played"),
        (float, ranges.Tempo),
    ),
    "form": Written(107, mark("Form"), mark("Form: AABB, AABA, ABAC"), mark("as in the music it knows"), sung=False),
    "primer": Written(101, mark("Begins with"), mark("Notes that it begins with"), mark("whatever the model likes")),
    "seed": Written(
        102,
        mark("Seed"),
        mark("Seed: the same number, the same piece"),
        mark("a new one"),
        (int, ranges.Seed),
    ),
}
HARMONISED: Final = mark("Melody")  # in the place of what a piece begins with
LABELS: Final = {  # of the menus, in their order
    "mood": mark("Mood"),
    "key": mark("Key"),
    "metre": mark("Metre"),
    "instrument": mark("Instrument"),
    "model": mark("Model"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Hold what was chosen and typed, right or wrong; what is None is not shown, and stays as it is.

    That is a primer that is too long, and what the piece has not.
    """

    model: str
    instrument: str
    key: str
    metre: str
    mood: str
    bars: str | None
    tempo: str | None
    form: str | None
    primer: str | None
    seed: str | None
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
            bars=None if request.melody else _plain(request.bars),
            tempo="" if request.paced else _plain(request.tempo),
            form=None if request.melody else request.form or "",
            primer=given if len(given) <= LONGEST_PRIMER else None,
            seed=_plain(request.seed),
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
            elif isinstance(component, discord.TextDisplay) and component.id is not None:
                texts[component.id] = component.content.partition("`")[2].strip("`\n ")
        kept: dict[str, Any] = {name: texts.get(written.id) for name, written in WRITTEN.items()}
        return cls(**chosen, **kept)


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
    as_it_is = _("as it was: temperature {temperature:g}, top-p {top_p:g}").format(
        temperature=opus.request.temperature, top_p=opus.request.top_p
    )
    if moods.named(opus.request.temperature, opus.request.top_p) is None:
        offered["mood"].insert(0, (OPEN, as_it_is))
    offered["key"].insert(0, (OPEN, _("any key, or that of its first notes")))
    offered["metre"].insert(0, (OPEN, _("any metre, or that of its first notes")))
    view = LayoutView(timeout=None)
    heading = _("Tune {title}").format(title=title(opus))
    how = _("Change what you like, then press Compose. All else stays as it was, the seed too.")
    view.add_item(TextDisplay(f"### {heading}\n{how}"))
    for field, label in LABELS.items():
        view.add_item(TextDisplay(f"-# {tell(label)}"))
        view.add_item(ActionRow(_menu(f"tune-{field}:{opus.id}", offered[field], getattr(tuning, field))))
    for field, written in WRITTEN.items():
        text, name = getattr(tuning, field), tell(_called(field, opus))
        if text is not None:
            view.add_item(TextDisplay(f"{name}: {_quoted(text) or tell(written.empty)}", id=written.id))
        elif field == "primer":
            known = len(opus.request.melody or opus.request.primer)
            view.add_item(TextDisplay(f"{name}: " + _("as it is: {count} characters").format(count=known)))
    if tuning.wrong:
        view.add_item(TextDisplay(f"⚠️ {tuning.wrong}"[:600], id=WRONG))
    write_words, compose = _("Length, tempo, notes"), _("Compose")
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
        sung = tuning.bars is None  # whatever has become of the piece
        fields = [
            (tell(HARMONISED if field == "primer" and sung else written.asks), _input(field, tuning))
            for field, written in WRITTEN.items()
            if written.sung or not sung
        ]
        await interaction.response.send_modal(
            forms.lay_out(_("Length, tempo, notes"), f"tune-words:{self._opus}", fields)
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
    tuning = _shown(interaction)
    typed = {name: str(fields[name]["value"]).strip() for name in WRITTEN if name in fields}
    if tuning.primer is None and not typed.get("primer"):
        typed.pop("primer", None)
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
            wrong.append(mark("{name}: {error}", name=_called("primer", opus), error=error))
    values = dict[str, Any]()
    for field, written in WRITTEN.items():
        text = getattr(tuning, field)
        if field == "primer" or text is None:
            continue
        try:
            values[field] = _value(written, text) if text else None
        except RequestError as error:
            wrong.append(error.message)
    if wrong:
        raise RequestError(lines(wrong))
    if tuning.mood != OPEN:
        mood = moods.mood(tuning.mood)
        values |= {"temperature": mood.temperature, "top_p": mood.top_p}
    if tuning.model != opus.model.name:
        values["gravity"] = None  # which is the model's
    if "tempo" in values:
        values["paced"] = False
    request = replace(
        recipe,
        primer=reprise.rewritten(recipe.primer, opus.model, params) if kept and recipe.primer else "",
        melody=recipe.melody if kept else "",
        model=str(catalogue.path(tuning.model)),
        instrument=tuning.instrument,
        key=None if tuning.key == OPEN else tuning.key,
        metre=None if tuning.metre == OPEN else tuning.metre,
        **values,
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


def _called(field: str, opus: Opus) -> Message:
    return HARMONISED if field == "primer" and opus.request.melody else WRITTEN[field].label


def _quoted(text: str) -> str:
    """Show what was typed so that it can be read again, in lines of its own if it has several."""
    plain = text.replace("`", "’")
    return f"```\n{plain}\n```" if "\n" in plain else f"`{plain}`" if plain else ""


def _input(field: str, tuning: Tuning) -> TextInput[Any]:
    """Make the field of a form."""
    text = getattr(tuning, field)
    if field != "primer":
        hint = _("empty: {means}").format(means=tell(WRITTEN[field].empty))
        return TextInput[Any](custom_id=field, default=text or "", required=False, max_length=40, placeholder=hint)
    return TextInput[Any](
        custom_id=field,
        style=TextStyle.long,
        default=text or "",
        required=False,
        max_length=LONGEST_PRIMER,
        placeholder=_("Too long for this form: left empty, it stays as it is.") if text is None else "C4 E4 G4",
    )


def _value(written: Written, text: str) -> Any:
    if written.number is None:
        return text
    kind, bounds = written.number
    try:
        value = kind(text)
        check_range(written.label, value, bounds.min_value, bounds.max_value)
    except (ValueError, RequestError):
        raise RequestError(
            "{text!r} does not fit {name}: give a number from {lowest} to {highest}.",
            text=text[:40],
            name=written.label,
            lowest=bounds.min_value,
            highest=bounds.max_value,
        ) from None
    return value


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


submitted: Final = forms.listener(FORM, _typed)  # whichever run of the bot has shown the form
