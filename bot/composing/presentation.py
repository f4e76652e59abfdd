"""How a piece, its takes, its sheet or a primer is shown: words, files and buttons."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from discord import Embed
from discord.ui import View
from discord.utils import escape_markdown

from bot.chat import components
from bot.chat.answer import COLOUR, Answer, Enclosure
from bot.chat.language import _, ngettext, tell
from bot.chat.titles import stem, title
from bot.composing import more
from bot.database.store import Opus
from core.composing.recipe import ModelInfo, Take
from core.composing.tune import Shown
from core.drawing.sheet import Sheet
from core.errors import Message, mark
from core.music import titles
from core.music.score import whole_bars
from core.performing import ensembles
from core.reading.melody import Given, Primer

PRIMER_SHOWN: Final = 100  # characters
DESCRIPTION: Final = 3500  # characters of notation that an embed has room for
NOTATION: Final = 1000  # and a field of it
PAGES_OF_A_PRIMER: Final = 4
PAGES_SHOWN: Final = 7  # which, with MusicXML, PDF and ABC, are as many files as a message can have
ALL_NAMED: Final = 6  # bars of a tune, at most, whose notes a message names all
NAMED: Final = 4  # bars of a longer one
NOTES: Final = "tune.notes"  # has all of its notes, for the buttons; of a text file Discord would show the text
NOTE_VALUES: Final = {"1": mark("a quarter"), "1/2": mark("an eighth"), "1/4": mark("a sixteenth")}  # of a rest unit
UNDER_A_PIECE: Final = (  # action, label, symbol; the rest is in the menu below them
    ("again", mark("Again"), "🎲"),
    ("vary", mark("Vary"), "🔀"),
    ("continue", mark("Continue"), "⏩"),
    ("share", mark("Share"), "📣"),
)
UNDER_A_MELODY: Final = (  # action, label, symbol
    ("melody-harmonize", mark("Harmonise"), "🎼"),
    ("melody-continue", mark("Continue"), "⏩"),
    ("melody-tune", mark("Make a tune of it"), "🎶"),
    ("melody-correct", mark("Correct"), "✏️"),
)


def length(bars: float) -> str:
    """Say how long a piece is."""
    return ngettext("{bars:g} bar", "{bars:g} bars", 1 if bars == 1 else 2).format(bars=whole_bars(bars))


def present(
    opus: Opus, take: Take, view: View | None, words: Sequence[Message] = (), sheet: Sheet | None = None
) -> Answer:
    """Write the message that shows a piece; `words` say how its primer was read. A `sheet` takes its roll's place."""
    name = title(opus)
    embed = Embed(title=name, description=line(opus, take), colour=COLOUR)
    if words:
        embed.set_footer(text=" ".join(map(tell, words)))
    if sheet is None:
        return Answer(opus.id, embed, enclose(opus, take, stem(name)), view)
    score = Enclosure(
        f"{stem(name)}.musicxml", sheet.musicxml, _("MusicXML file: {what}").format(what=_describe(opus, opus.bars))
    )
    sounding = enclose(opus, replace(take, picture=None), stem(name))
    return Answer(opus.id, embed, (*sounding, score, *_pages(opus, sheet, PAGES_OF_A_PRIMER)), view)


def line(opus: Opus, take: Take) -> str:
    """Say in a line what a piece is: its model, key, length and instrument, and what it quotes."""
    facts = [opus.model.name, _(take.key), _bars(take), _(opus.request.instrument or ensembles.PLAIN)]
    if take.quote is not None:
        quote = _("quotes {count} notes of {title}")
        facts.append(quote.format(count=take.quote.events, title=escape_markdown(titles.readable(take.quote.title))))
    return " · ".join(filter(None, facts))


def present_recipe(opus: Opus) -> Answer:
    """Write the message that says how a piece was made, and how to make it again."""
    request, model = opus.request, opus.model
    fits = len(opus.text) <= NOTATION
    shown = f"```\n{opus.text}\n```" if fits else _("It is in the file notation.txt.")
    embed = Embed(title=_("{title}: recipe").format(title=title(opus)), colour=COLOUR)
    embed.add_field(name=_("Model"), value=f"{model.name}\n{_grammar(model)}")
    begun = request.melody or request.primer
    primer = f"`{_shortened(begun, PRIMER_SHOWN)}`" if begun else _("none: the model began")
    embed.add_field(name=_("Melody") if request.melody else _("Primer"), value=primer)
    embed.add_field(name=_("Seed"), value=f"`{request.seed}`")
    narrowed = f", top-p {request.top_p:g}" if request.top_p < 1 else ""
    gravity = _("gravity {gravity:g}").format(gravity=request.gravity)
    temperature = f"{request.temperature:g}" if request.melody else f"{request.temperature:g}, {gravity}{narrowed}"
    embed.add_field(name=_("Temperature"), value=temperature)
    told = [value for value in (request.key, request.metre, request.form) if value]
    embed.add_field(name=_("Length"), value=", ".join((length(opus.bars), *told)))
    tempo = request.tempo or 0.0
    played = _("{instrument}, {tempo:g} quarters a minute").format(
        instrument=_(request.instrument or ensembles.PLAIN), tempo=tempo
    )
    embed.add_field(name=_("Played"), value=played)
    embed.add_field(name=_("Effort"), value=_("the best of {count}").format(count=request.effort))
    if request.taste:
        embed.add_field(name=_("The server's taste"), value=request.taste[:1024], inline=False)
    if opus.parent is not None:
        embed.add_field(name=_("Made from"), value=_("Piece {id}").format(id=opus.parent))
    embed.add_field(name=_("Notation"), value=shown, inline=False)
    embed.set_footer(text=_("Piece {id}. /piece show {id} brings it back.").format(id=opus.id))
    notation = () if fits else (Enclosure("notation.txt", opus.text.encode(), _("The notation of the piece")),)
    return Answer(opus.id, embed, notation)


def present_takes(opera: Sequence[Opus], takes: Sequence[Take], picture: bytes, view: View) -> Answer:
    """Write the message that shows several takes side by side: one picture, a player each in its order."""
    first = opera[0]
    lines = [
        f"**{number}** · {caption(opus)}, {_clock(take.seconds)}"
        for number, (opus, take) in enumerate(zip(opera, takes, strict=True), 1)
    ]
    heading = _("{count} takes by {model}").format(count=len(takes), model=first.model.name)
    embed = Embed(title=heading, description="\n".join(lines), colour=COLOUR)
    whole = _("A number shows that take by itself.") if _is_whole(first) else _("A number goes on with that take.")
    embed.set_footer(text=whole)
    sounds = [
        Enclosure(f"take-{number}.{opus.request.audio}", take.audio, _("Sound: {what}").format(what=what))
        for number, (opus, take) in enumerate(zip(opera, takes, strict=True), 1)
        if take.audio is not None and (what := _describe(opus, take.bars))
    ]
    drawn = Enclosure("takes.png", picture, _("Piano rolls of {count} takes").format(count=len(takes)))
    return Answer(first.id, embed, (*sounds, drawn), view)


def caption(opus: Opus) -> str:
    """Say in a few words what a take is."""
    return f"{title(opus)} · {length(opus.bars)}"


def present_sheet(opus: Opus, sheet: Sheet) -> Answer:
    """Write the message that shows a piece as sheet music, its first pages at least."""
    name = title(opus)
    embed = Embed(title=_("{title}: sheet music").format(title=name), colour=COLOUR)
    called, what, pages = stem(name), _describe(opus, opus.bars), _pages(opus, sheet, PAGES_SHOWN)
    score = Enclosure(f"{called}.musicxml", sheet.musicxml, _("MusicXML file: {what}").format(what=what))
    printed = Enclosure(f"{called}.pdf", sheet.pdf, _("PDF file, to print: {what}").format(what=what))
    files = [score, printed]
    if sheet.abc is not None:
        files.append(Enclosure(f"{called}.abc", sheet.abc, _("ABC file: {what}").format(what=what)))
    return Answer(opus.id, embed, (*files, *pages))


def _pages(opus: Opus, sheet: Sheet, most: int) -> tuple[Enclosure, ...]:
    """Wrap the first pages of a sheet."""
    what, last = _describe(opus, opus.bars), len(sheet.pages)
    description = _("Sheet music, page {number} of {last}: {what}")
    return tuple(
        Enclosure(f"{stem(title(opus))}-{number}.png", page, description.format(number=number, last=last, what=what))
        for number, page in enumerate(sheet.pages[:most], 1)
    )


def present_primer(primer: Primer, model: str, take: Take, sheet: Sheet) -> Answer:
    """Write the message that shows a primer: how it was read, its notation, its sound and its notes."""
    text = primer.text
    shown = f"```\n{text}\n```" if len(text) <= DESCRIPTION else _("It is in the file primer.txt.")
    embed = Embed(title=_("A primer for {model}").format(model=model), description=shown, colour=COLOUR)
    embed.add_field(name=_("Length"), value=_bars(take))
    if take.key:
        embed.add_field(name=_("Key"), value=_(take.key))
    embed.add_field(name=_("Notation"), value=_("{count} characters").format(count=len(text)))
    if not primer.as_typed:
        embed.add_field(name=_("Read as"), value="\n".join(map(tell, primer.words)), inline=False)
    embed.set_footer(text=_("/compose takes it as its primer."))
    what = ngettext("a primer of {bars:g} bar", "a primer of {bars:g} bars", 1 if take.bars == 1 else 2)
    what = what.format(bars=whole_bars(take.bars))
    enclosures = [Enclosure("primer.txt", text.encode(), what)] if len(text) > DESCRIPTION else []
    enclosures.append(Enclosure("primer.mid", take.midi, what))
    if take.audio is not None:
        enclosures.append(Enclosure("primer.mp3", take.audio, what))
    description = _("Sheet music, page {number} of {last}: {what}")
    enclosures += [
        Enclosure(f"primer-{number}.png", page, description.format(number=number, last=len(sheet.pages), what=what))
        for number, page in enumerate(sheet.pages[:PAGES_OF_A_PRIMER], 1)
    ]
    return Answer(None, embed, tuple(enclosures))


def present_melody(given: Given, names: str, shown: Shown, language: str) -> Answer:
    """Write the message that shows what was heard of a tune: its names in a `language`, its sheet and its sound."""
    tune = given.melody
    bars, whole = names.split(" | "), f"```\n{names}\n```"
    further = len(bars) - NAMED if len(bars) > ALL_NAMED else 0
    if further:
        more_bars = ngettext("… and {count} bar more", "… and {count} bars more", further).format(count=further)
        whole = f"```\n{' | '.join(bars[:NAMED])}\n```\n{more_bars}"
    heading = _("What I heard") if given.source in ("file", "hum") else _("What I read")
    embed = Embed(title=heading, description=whole, colour=COLOUR)
    embed.add_field(name=_("Length"), value=length(float(tune.bars)))
    embed.add_field(name=_("Key"), value=_("leans on {key}").format(key=_(tune.key)))
    embed.add_field(name=_("Read as"), value="\n".join(map(tell, given.words)), inline=False)
    embed.set_footer(text=_("Is a note wrong? Correct has all of them as text."))
    what = ngettext("a tune of {count} note", "a tune of {count} notes", len(tune.notes)).format(count=len(tune.notes))
    description, pages = _("Sheet music, page {number} of {last}: {what}"), shown.sheet.pages
    enclosures = [
        Enclosure("tune.mp3", shown.audio, _("Sound: {what}").format(what=what)),
        Enclosure("tune.mid", shown.midi, _("MIDI file: {what}").format(what=what)),
        *(
            Enclosure(f"tune-{number}.png", page, description.format(number=number, last=len(pages), what=what))
            for number, page in enumerate(pages[:PAGES_OF_A_PRIMER], 1)
        ),
        Enclosure("tune.musicxml", shown.sheet.musicxml, _("MusicXML file: {what}").format(what=what)),
        *([Enclosure(NOTES, names.encode(), _("All notes by their names"))] if further else []),
    ]
    buttons = [components.button(action, label, symbol, 0, language) for action, label, symbol in UNDER_A_MELODY]
    return Answer(None, embed, tuple(enclosures), components.lay_out(buttons))


def under(opus: Opus) -> View:
    """Lay out the buttons of a composition, and the menu below them.

    The first half of what was harmonised has no other second half.
    """
    buttons = [
        components.button(action, label, symbol, 0, opus.id)
        for action, label, symbol in UNDER_A_PIECE
        if action != "vary" or not opus.request.melody
    ]
    return components.lay_out((*buttons, more.menu(opus.id)))


def under_takes(opera: Sequence[Opus]) -> View:
    """Lay out a button for each of several takes, to go on with it or see it whole, and one that deletes them all."""
    action, symbol = ("show", "🔎") if _is_whole(opera[0]) else ("continue", "⏩")
    further = [components.button(action, str(number), symbol, 0, opus.id) for number, opus in enumerate(opera, 1)]
    every = ".".join(opus.id for opus in opera)
    return components.lay_out([*further, components.button("delete", mark("Delete"), "🗑️", 0, every)])


def _is_whole(opus: Opus) -> bool:
    """Tell whether a take is no beginning that one goes on with."""
    return opus.parts is not None or bool(opus.request.rewrite)


def enclose(opus: Opus, take: Take, stem: str) -> tuple[Enclosure, ...]:
    """Wrap the files of a take."""
    what = _describe(opus, take.bars)
    enclosures = [Enclosure(f"{stem}.mid", take.midi, _("MIDI file: {what}").format(what=what))]
    if take.audio is not None:  # first, where it is seen
        sound = Enclosure(f"{stem}.{opus.request.audio}", take.audio, _("Sound: {what}").format(what=what))
        enclosures.insert(0, sound)
    if take.picture is not None:
        description = _("Piano roll: {what}, in {key}, {count} chords and notes")
        picture = description.format(what=what, key=_(take.key), count=take.events)
        enclosures.append(Enclosure(f"{stem}.png", take.picture, picture))
    return tuple(enclosures)


def _describe(opus: Opus, bars: float) -> str:
    return _("{length} for {instrument} by the model {model}").format(
        length=length(bars), instrument=_(opus.request.instrument or ensembles.PLAIN), model=opus.model.name
    )


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _bars(take: Take) -> str:
    return f"{length(take.bars)}, {_clock(take.seconds)}"


def _grammar(model: ModelInfo) -> str:
    anchor = _("lowest note first") if model.anchor == "lowest" else _("highest note first")
    return _("r1 is {unit}, {anchor}").format(unit=tell(NOTE_VALUES[model.rest_unit]), anchor=anchor)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
