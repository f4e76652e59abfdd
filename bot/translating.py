"""Keep the catalogues in step with what the bot says: python -m bot.translating [LANGUAGE …]

It adds the texts that a catalogue lacks, drops those that are said no more, and names what waits for a translator.
A language that has no catalogue yet gets one.
"""

import asyncio
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
from bot.chat.language import NAME
from bot.client import ComposerBot
from bot.database.store import Store
from bot.settings import Settings
from bot.work.workers import Workers
from core.composing.recipe import ComposeRequest
from core.music import titles
from core.performing import ensembles

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final = "Cadenza"
HEADER: Final = "# What Cadenza says. python -m bot.translating brings this file up to date."


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
    for said in [*ensembles.NAMES, *titles.words(), *extracted()]:
        catalogue.add(said)
    return catalogue


def extracted() -> Iterator[str | tuple[str, ...]]:
    """Find the texts of the source, as `pybabel extract -F pyproject.toml .` does; those with a plural in pairs."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["babel"]
    [mapping] = configuration["mappings"]
    methods = [(pattern, mapping["method"]) for pattern in mapping["pattern"]]
    for _, _, text, _, _ in extract_from_dir(ROOT, methods, keywords=parse_keywords(mapping["keywords"])):
        yield text


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
