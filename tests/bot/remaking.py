"""A process of its own for tests: it makes a piece's MIDI file from its row in the database and nothing else."""

import asyncio
import sys
from dataclasses import replace

from bot.database.store import Store
from core.composing import recipe


async def main(database: str, piece: str, model: str) -> None:
    """Print the MIDI of a piece as hexadecimal digits: rendered, and composed again if there is a model's folder."""
    async with Store(database) as store:
        opus = await store.get(piece)
    request = replace(opus.request, audio=None, picture=False)
    print(recipe.render(request, opus.model, opus.text, opus.given).midi.hex())
    if model:
        print(recipe.compose(replace(request, model=model)).takes[0].midi.hex())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
