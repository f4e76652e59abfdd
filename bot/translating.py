"""Keep the catalogues in step with what the bot says: python -m bot.translating [LANGUAGE …]

It adds the texts that a catalogue lacks, drops those that are said no more, and names what waits for a translator.
A language that has no catalogue yet gets one.
"""

import ast
import asyncio
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_keywords
from babel.messages.pofile import write_po
from discord import AppCommandType, app_commands

from bot.chat import language
from bot.chat.language import NAME, TEMPLATE
from bot.client import ComposerBot
from bot.composing.presentation import UNDER_A_PIECE
from bot.database.store import Store
from bot.settings import Settings
from bot.work.workers import Workers
from core.composing.recipe import ComposeRequest

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final = "Cadenza"
HEADER: Final = "# What Cadenza says. python -m bot.translating brings this file up to date."
KEYWORDS: Final = {"_": None, "mark": None, "ngettext": (1, 2), "counted": (1, 2)}
SENTENCE: Final = re.compile(r"\w [\w{].*[.!?}]$", re.DOTALL)  # and not a key, or a kind of refusal
WORDS: Final = re.compile(r"[a-z]{2}")
NAMED: Final = frozenset({"kind", "reason", "where"})
UNHEARD: Final = frozenset({"settings", "online", "page"})


def main(names: Sequence[str]) -> int:
    """Bring the catalogues up to date; return 0, or 1 if one of them waits for a translator."""
    template, waiting = asyncio.run(collect()), 0
    for name in names or sorted(path.name for path in language.FOLDER.iterdir()):
        catalogue = language.read(name) or Catalog(name, project=PROJECT, header_comment=HEADER, fuzzy=False)
        created = catalogue.creation_date
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.creation_date = created
        path = language.file_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalogue, width=120, ignore_obsolete=True, include_lineno=False)
        for message in untranslated(catalogue):
            print(f"{path}: {message.id!r}")
            waiting = 1
    return waiting


def untranslated(catalogue: Catalog) -> list[Message]:
    """Return what a catalogue has no translation of."""
    return [message for message in catalogue if message.id and not all(_strings(message))]


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string or "",) if isinstance(message.string, str | None) else tuple(message.string)


async def collect() -> Catalog:
    """Return all that the bot says, without translations."""
    catalogue = Catalog(project=PROJECT)
    for context, text in sorted(await _commands(), key=str):
        catalogue.add(text, context=context)
    for file, line, said, _, _ in extract_from_dir(ROOT / "bot", [("**.py", "python")], keywords=KEYWORDS):
        catalogue.add(said, locations=[(f"bot/{file}", line)])
    [core] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [(pattern, "python") for pattern in core["pattern"]]
    for _, _, said, _, _ in extract_from_dir(ROOT, methods, keywords=parse_keywords(core["keywords"])):
        catalogue.add(said)
    for template in sorted({*labels(), *_sentences()}):
        catalogue.add(template, context=TEMPLATE)
    return catalogue


async def _commands() -> set[tuple[str | None, str]]:
    """Return the names and the texts of all commands, options and choices."""
    bot = ComposerBot(Settings(), Workers(1, 1, ComposeRequest(model="")), Store("sqlite+aiosqlite://"))
    await bot.add_commands()
    found: set[tuple[str | None, str]] = set()
    found.update((NAME, menu.name) for menu in bot.tree.get_commands(type=AppCommandType.message))
    for command in bot.tree.walk_commands():
        found |= {(NAME, command.name), (None, command.description)}
        for option in command.parameters if isinstance(command, app_commands.Command) else ():
            found |= {(NAME, option.display_name), (None, str(option.description))}
            found.update((None, choice.name) for choice in option.choices)
    return found


def labels() -> Iterator[str]:
    """Return what stands on the buttons under messages."""
    yield from (label for _, label, _, _ in UNDER_A_PIECE)
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "components.button":
                yield from filter(re.compile(r"[A-Za-z]").search, filter(None, map(_template, node.args[1:2])))


def _sentences() -> Iterator[str]:
    """Return the templates of all sentences of core and of errors that somebody in a chat can meet, and their parts."""
    for path in (ROOT / "bot").rglob("*.py"):
        if path.stem not in UNHEARD:
            yield from _of_module(ast.parse(path.read_text(encoding="utf-8")))


def _of_module(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Call) and called.endswith("Error"):
            yield from _said(*node.args, whole=True)


def _said(*nodes: ast.expr | None, whole: bool = False) -> Iterator[str]:
    """Return the templates that an expression may come to: whole sentences, or any words; and the parts in them."""
    for node in nodes:
        if isinstance(node, ast.IfExp):
            yield from _said(node.body, node.orelse, whole=whole)
        elif isinstance(node, ast.BoolOp):
            yield from _said(*node.values, whole=whole)
        elif (text := _template(node)) is not None:
            if (SENTENCE if whole else WORDS).search(text):
                yield text
            if isinstance(node, ast.JoinedStr):
                parts = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
                yield from _said(*(part for part in parts if isinstance(part, ast.IfExp | ast.BoolOp)))


def _template(node: ast.expr | None) -> str | None:
    """Write a text of the source with {0}, {1} … where values stand; None for what is no sentence."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        parts: list[ast.expr] = [node]
    elif isinstance(node, ast.JoinedStr):
        parts = node.values
    else:
        return None
    text, places = "", 0
    for part in parts:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            text += f"{{{places}}}"
            places += 1
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
