"""`python -m bench [--rounds N] [TABLE ...]`: measure, and print Markdown tables."""

from __future__ import annotations

import argparse
import platform
from importlib import import_module

TABLES = ("start", "many", "growth", "roundtrip", "lock", "transfers")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"which, of: {', '.join(TABLES)}; else all")
    parser.add_argument("--rounds", type=int, default=7, help="how often each process is run (default: 7)")
    options = parser.parse_args()
    if set(options.tables) - set(TABLES):
        parser.error(f"there are the tables {', '.join(TABLES)}")
    print(f"Python {platform.python_version()}, {platform.machine()}, {options.rounds} rounds\n")
    for name in options.tables or TABLES:
        print(import_module(f".{name}", __package__).table(options.rounds).markdown(), flush=True)


main()
