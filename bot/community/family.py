"""Families of pieces: which came from which, by whom, and who may know of it."""

from collections.abc import Iterable, Sequence
from typing import Final

from discord import Embed

from bot.chat.answer import COLOUR, Answer, Enclosure
from bot.chat.language import _, ngettext
from bot.chat.titles import stem, title
from bot.composing import presentation
from bot.composing.studio import Studio
from bot.database.store import Opus, Store
from core.drawing import family as drawing
from core.drawing.family import Member

MOST: Final = 40  # pieces of a family that are shown
OLDEST: Final = 12  # generations back
NAMED: Final = 3  # forebears that a message in the showcase names
DESCRIBED: Final = 3800  # characters of a message

Reader = tuple[int, int | None]  # a user's id, and the server's in which they read


async def forebears(store: Store, opus: Opus, reader: Reader) -> list[Opus]:
    """Return what a piece came from, the nearest first, as far as it is kept and the reader may see it."""
    found, seen = list[Opus](), {opus.id}
    while opus.parent is not None and opus.parent not in seen and len(found) < OLDEST:
        before = await _visible(store, await store.find(opus.parent), reader)
        if not before:
            break
        [opus] = before
        seen.add(opus.id)
        found.append(opus)
    return found


async def after(store: Store, opus: Opus, server: int) -> str:
    """Say whose pieces a shared piece descends from; empty where they are all of its own author."""
    others = dict[int, Opus]()
    for before in await forebears(store, opus, (opus.author, server)):
        if before.author != opus.author and await _visible(store, [before], (0, server)):
            others.setdefault(before.author, before)
    named = [
        _("*{title}* by {author}").format(title=title(each), author=f"<@{each.author}>")
        for each in list(others.values())[:NAMED]
    ]
    return _("after {pieces}").format(pieces=", ".join(named)) if named else ""


async def show(studio: Studio, opus: Opus, reader: Reader) -> Answer:
    """Draw the family of a piece, as far as the reader may see it."""
    store = studio.store
    line = [*reversed(await forebears(store, opus, reader)), opus]
    members = {each.id: each for each in line}
    generation = [line[0]]
    while generation and len(members) < MOST:
        children = await _visible(store, await store.children(*(each.id for each in generation)), reader)
        for child in children[: MOST - len(members)]:
            members.setdefault(child.id, child)
        generation = [child for child in children if child.id in members]
    ordered, likes = _in_order(members.values()), await store.likes(*members)
    drawn = [Member(each.id, each.parent, title(each), _facts(each, likes.get(each.id, 0))) for each in ordered]
    name = _("The family of {title}").format(title=title(opus))
    picture = await studio.workers.run(drawing.tree, drawn, name, opus.id)
    embed = Embed(title=name, colour=COLOUR, description=_list(ordered, likes))
    embed.set_footer(text=_("/piece show brings a piece back."))
    count = ngettext("{count} piece", "{count} pieces", len(ordered)).format(count=len(ordered))
    enclosure = Enclosure(f"{stem(name)}.png", picture, _("A family tree of {count}").format(count=count))
    return Answer(None, embed, (enclosure,))


async def _visible(store: Store, opera: Sequence[Opus], reader: Reader) -> list[Opus]:
    """Return what a reader may see: their own, and what was made or is shown on the server they are in."""
    user, server = reader
    shown = frozenset[str]() if server is None else await store.shown_on(server, *(opus.id for opus in opera))
    return [
        opus
        for opus in opera
        if opus.author == user or (server is not None and opus.server == server) or opus.id in shown
    ]


def _in_order(members: Iterable[Opus]) -> list[Opus]:
    """Put each piece behind the one that it came from, as the tree is read from the top."""
    known = {opus.id: opus for opus in members}
    children = dict[str | None, list[Opus]]()
    for opus in sorted(known.values(), key=lambda opus: (opus.created, opus.id)):
        children.setdefault(opus.parent if opus.parent in known else None, []).append(opus)
    ordered, waiting = list[Opus](), list(reversed(children.get(None, [])))
    while waiting:
        opus = waiting.pop()
        ordered.append(opus)
        waiting += reversed(children.get(opus.id, []))
    return ordered


def _facts(opus: Opus, likes: int) -> str:
    liked = ngettext("{count} like", "{count} likes", likes).format(count=likes)
    parts = [opus.model.name, presentation.length(opus.bars), *([liked] if likes else [])]
    return " · ".join(parts)


def _list(ordered: Sequence[Opus], likes: dict[str, int]) -> str:
    """Name the pieces and their authors, by the numbers in the picture, as many as a message has room for."""
    lines, room = list[str](), DESCRIBED
    for number, opus in enumerate(ordered, 1):
        liked = f" · ❤️ {likes[opus.id]}" if opus.id in likes else ""
        line = f"{number}. **{title(opus)}** · <@{opus.author}> · `{opus.id}`{liked}"
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join(lines)
