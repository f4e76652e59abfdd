"""Measure on the command line: `python -m bench [parsing] [training] [sampling] [beside]`."""

import argparse
import sys
from collections.abc import Sequence

from bench import beside, parsing, sampling, training
from bench.table import write_table

PARTS = {"parsing": parsing.rows, "training": training.rows, "sampling": sampling.rows, "beside": beside.rows}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one table of what was asked for, or of everything."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", metavar="PART", nargs="*", help=f"of: {', '.join(PARTS)} (default: all)")
    chosen = parser.parse_args(arguments).parts
    if unknown := sorted(set(chosen) - set(PARTS)):
        parser.error(f"there is no part called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    rows = []
    for part in chosen or PARTS:
        print(f"{part} …", file=sys.stderr, flush=True)
        rows += PARTS[part]()
    print(write_table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
