"""How soon a server's taste is known, and what it costs in variety: on tastes that are simulated.

python -m bench.taste [MODEL ...] [--tastes N] [--pieces N]

A simulated taste likes one to three figures, more of some and less of others; whoever has it chooses by chance, with
the odds of Bradley and Terry, so that about one choice in five goes the other way. Pieces are composed, some to vote on
and others to be told apart: of two, which is liked better? Then ten pieces are composed with what was learned and ten
without, by the same seeds. Their variety is the mean distance of two of them, by the critic's figures and by the runs
of four intervals in their melodies that they share.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, islice
from pathlib import Path
from typing import Final

import numpy as np

from bot.composing.studio import TAKES
from bot.composing.tastes import SEEN, WEIGHTS
from core.composing import critic, recipe
from core.composing.critic import FIGURES, Critic, Floats
from core.composing.recipe import Composer, ComposeRequest
from core.composing.taste import Taste, Vote, centred, fit
from core.music import counterpoint, score
from core.music.score import Score

VOTES: Final = (0, 1, 2, 3, 5, 8, 12, 20, 30, 50, 100)
TWO, FOUR, LIKES = "one of two", "one of four takes", "likes"  # what is chosen
GOAL: Final = 0.7
BARS: Final = 16
SHARPNESS: Final = 2.0  # standard deviation of what is liked, in the logarithm of odds
AT_ONCE: Final = 32
TEN: Final = 10
LEARNED: Final = 40  # votes behind the taste that ten pieces are composed with


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.taste", description=__doc__)
    parser.add_argument("models", nargs="*", default=["models/chorales", "models/fiddle"], metavar="MODEL")
    parser.add_argument("--tastes", type=int, default=200, help="how many are simulated")
    parser.add_argument("--pieces", type=int, default=192, help="how many are composed to vote on and to tell apart")
    parser.add_argument("--leaning", type=int, default=8, help="with how many of the tastes ten pieces are composed")
    options = parser.parse_args(arguments)
    for folder in options.models:
        composer = recipe.open_model(folder)
        if composer.judge is None:
            parser.error(f"{folder} does not know what its pieces are like")
        name, judge = Path(folder).name, composer.judge
        pool = judge.standard(np.array([critic.measure(piece) for piece in _pool(composer, name, options.pieces)]))
        _knows(name, pool, options.tastes)
        _varies(folder, composer, judge, pool, options.leaning)
    return 0


def _knows(name: str, pool: Floats, tastes: int) -> None:
    """Print how often the liked one of two is told after so many votes."""
    right = {kind: _accuracy(pool, tastes, kind) for kind in (TWO, FOUR, LIKES)}
    print(f"\n{name}: how often the liked one of two is told, {tastes} tastes\n")
    print(
        "| after so many choices | "
        + " | ".join(map(str, VOTES))
        + f" | for {GOAL:.0%} |\n|---"
        + "|---" * (len(VOTES) + 1)
        + "|"
    )
    for kind, shares in right.items():
        first = next((votes for votes, share in zip(VOTES, shares, strict=True) if share >= GOAL), None)
        print(f"| {kind} | " + " | ".join(f"{share:.2f}" for share in shares) + f" | {first or '–'} |")


def _accuracy(pool: Floats, tastes: int, kind: str) -> list[float]:
    half = len(pool) // 2
    shares = []
    for number in range(tastes):
        chance = np.random.default_rng(number)
        taste = _taste(pool, chance)
        choices = list(islice(_choices(pool[:half], taste, chance, kind), max(VOTES)))
        pairs = chance.integers(half, len(pool), (200, 2))
        truth = taste.strength(pool[pairs[:, 0]]) - taste.strength(pool[pairs[:, 1]])
        told = []
        for known in VOTES:
            learned = fit(centred([vote for choice in choices[:known] for vote in choice]))
            guess = learned.strength(pool[pairs[:, 0]]) - learned.strength(pool[pairs[:, 1]])
            told.append(float(np.mean(np.where(guess == 0, 0.5, np.sign(guess) == np.sign(truth))[truth != 0])))
        shares.append(told)
    return [float(each) for each in np.mean(shares, axis=0)]


def _taste(pool: Floats, chance: np.random.Generator) -> Taste:
    """Draw a taste for figures in which composed pieces differ."""
    differing = np.flatnonzero(pool.std(axis=0) > 0.3)
    chosen = chance.choice(differing, chance.integers(1, 4), replace=False)
    weights = np.zeros(len(FIGURES))
    weights[chosen] = chance.choice([-1.0, 1.0], len(chosen)) * chance.uniform(0.5, 1.5, len(chosen))
    weights *= SHARPNESS / (pool @ weights).std()
    return Taste(tuple(zip(FIGURES, weights.tolist(), strict=True)))


def _choices(pool: Floats, taste: Taste, chance: np.random.Generator, kind: str) -> Iterator[list[Vote]]:
    """Choose one of two or four, or like what is better than usual, beside the last three that were passed over."""
    strength = taste.strength(pool)
    usual, passed = float(np.median(strength)), list[int]()
    while True:
        if kind == LIKES:
            one = int(chance.integers(0, len(pool)))
            if chance.random() >= 1 / (1 + np.exp(usual - strength[one])):
                passed.append(one)
            elif others := passed[-SEEN:]:
                yield [Vote(pool[one], pool[each], WEIGHTS["like"] / len(others)) for each in others]
            continue
        among = chance.choice(len(pool), 2 if kind == TWO else TAKES, replace=False)
        odds = np.exp(strength[among])
        one = int(chance.choice(among, p=odds / odds.sum()))
        weight = 1.0 if kind == TWO else WEIGHTS["pick"] / (TAKES - 1)
        yield [Vote(pool[one], pool[each], weight) for each in among if each != one]


def _varies(folder: str, composer: Composer, judge: Critic, pool: Floats, tastes: int) -> None:
    """Print how far ten pieces are from each other with a taste and without, and how much better they are liked."""
    plain = _ten(folder, composer, "")
    measured = judge.standard(np.array([critic.measure(piece) for piece in plain]))
    print(f"\n{Path(folder).name}: ten pieces with a taste after {LEARNED} choices, beside ten without\n")
    print("| taste | figures' distance | melodies' distance | liked better | by |\n|---|---|---|---|---|")
    rows = []
    for number in range(tastes):
        chance = np.random.default_rng([number, 7])
        taste = _taste(pool, chance)
        choices = islice(_choices(pool, taste, chance, FOUR), LEARNED)
        learned = fit(centred([vote for choice in choices for vote in choice]))
        ours = _ten(folder, composer, str(learned))
        figures = judge.standard(np.array([critic.measure(piece) for piece in ours]))
        gained = taste.strength(figures) - taste.strength(measured)
        changed = gained[gained != 0]
        row = [
            _apart(figures) / _apart(measured),
            _differ(ours) / _differ(plain),
            float(np.mean(changed > 0)) if len(changed) else 0.5,
            float(gained.mean()) / SHARPNESS,
        ]
        rows.append(row)
        liked = ", ".join(f"{name} {weight:+.1f}" for name, weight in taste.weights if weight)
        print(f"| {liked} | {row[0]:.2f} | {row[1]:.2f} | {row[2]:.0%} of those that changed | {row[3]:+.2f} sd |")
    mean = np.mean(rows, axis=0)
    print(f"| **mean** | **{mean[0]:.2f}** | **{mean[1]:.2f}** | **{mean[2]:.0%}** | **{mean[3]:+.2f} sd** |")


def _ten(folder: str, composer: Composer, taste: str) -> list[Score]:
    request = ComposeRequest(model=folder, bars=BARS, taste=taste)
    return [
        _read(composer, sample.ids)
        for seed in range(TEN)
        for sample in recipe.write(replace(request, seed=seed), composer)
    ]


def _pool(composer: Composer, name: str, count: int) -> list[Score]:
    request = ComposeRequest(model=name, bars=BARS, takes=AT_ONCE, effort=1)
    return [
        _read(composer, sample.ids)
        for seed in range(-(-count // AT_ONCE))
        for sample in recipe.write(replace(request, seed=seed), composer)
    ][:count]


def _read(composer: Composer, ids: Sequence[int]) -> Score:
    params = composer.bundle.params
    return score.from_ids(ids, params.anchor, params.unit)


def _apart(figures: Floats) -> float:
    return float(np.mean([np.sqrt(np.mean((one - other) ** 2)) for one, other in combinations(figures, 2)]))


def _differ(pieces: Sequence[Score]) -> float:
    """Return the mean share of two melodies' runs of four intervals that only one of them has."""
    runs = []
    for piece in pieces:
        steps = np.diff(counterpoint.upper_line(piece)).tolist()
        runs.append({tuple(steps[at : at + 4]) for at in range(len(steps) - 3)})
    return float(np.mean([1 - len(one & other) / max(1, len(one | other)) for one, other in combinations(runs, 2)]))


if __name__ == "__main__":
    sys.exit(main())
