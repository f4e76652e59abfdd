"""What a bot that is alone pays for the ones that share their work: `python -m bench.alone COMMIT`.

The same start and the same /compose, in a Discord of SimCord's, with the code as it is and as it was at a commit, in
turns, each in processes of its own. It prints the ratio of both, which is 1 if nothing is paid: of the processor's
seconds that the bot's own process needs to start, and of those that a piece takes; of several rounds the least, to
which what else runs on the machine has added least.
"""

import asyncio
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Final

ROUNDS: Final = 5
PIECES: Final = 3  # in each round
BARS: Final = 4


async def side() -> tuple[float, float]:
    """Return the processor's seconds until a bot is ready, and the median of the seconds that a piece takes."""
    import simcord

    from bot.client import ready
    from bot.settings import Settings

    with tempfile.TemporaryDirectory() as data:
        async with ready(Settings(data=Path(data), workers=1, shards=1)) as bot:
            begun = time.process_time()
            async with simcord.run(bot, settle_timeout=240) as env:
                server = env.create_guild()
                channel, alice = server.create_text_channel("music"), server.add_member(env.create_user("alice"))
                seconds = []
                for seed in range(PIECES):
                    start = time.perf_counter()
                    await alice.slash(channel, "compose", bars=BARS, seed=seed)
                    seconds.append(time.perf_counter() - start)
    return begun, statistics.median(seconds)


def main() -> int:
    """Print a table of both sides."""
    if sys.argv[1:] == ["--side"]:
        print(*asyncio.run(side()))
        return 0
    [commit] = sys.argv[1:]
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as before:
        archive = subprocess.run(["git", "-C", root, "archive", commit], check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(before, filter="data")
        models = Path(before) / "models"
        pairs = [[_measure(Path(tree), models) for tree in (root, before)] for _ in range(ROUNDS)]
    print(f"| | now, s | at {commit}, s | ratio |\n|---|---|---|---|")
    for number, name in enumerate(("start", "`/compose`")):
        now, then = ([pair[which][number] for pair in pairs] for which in (0, 1))
        print(f"| {name} | {min(now):.2f} | {min(then):.2f} | {min(now) / min(then):.2f} |")
    return 0


def _measure(tree: Path, models: Path) -> tuple[float, float]:
    """Run a side with the code of a tree; the models are those of the commit for both."""
    done = subprocess.run(
        [sys.executable, __file__, "--side"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "CADENZA_MODELS": str(models)},
    )
    begun, piece = map(float, done.stdout.split())
    return begun, piece


if __name__ == "__main__":
    sys.exit(main())
