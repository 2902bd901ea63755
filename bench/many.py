"""What many specifications in one call cost, as pre-commit passes them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from . import analyses
from .frame import OURS, Command, Table, measure

NUMBER, FEW = 200, 20


def table(rounds: int) -> Table:
    """`check` of 200 specifications against start-up and 200 times the cost of one more."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [f"{number:03}.yaml" for number in range(NUMBER)]
        for each in names:
            (folder / each).write_text(analyses.serial(5, 5)["reana.yaml"].replace("events", f"events-{each}"))
        commands = {
            "one": Command([*OURS, "check", names[-1]], folder),
            "few": Command([*OURS, "check", *names[-FEW:]], folder),
            "all": Command([*OURS, "check", *names], folder),
        }
        found = measure(commands, rounds)
    one, few, every = found["one"], found["few"], found["all"]
    more = few.more(one) / (FEW - 1)
    ratio = every.cpu / (one.cpu + (NUMBER - 1) * more)
    against = f"start-up and {NUMBER} times the cost of one more"
    rows = [(f"`check` of {NUMBER} specifications in one call", against, "1.2", f"{ratio:.2f}")]
    note = f"CPU time: one {1e3 * one.cpu:.0f} ms, one more {1e3 * more:.1f} ms, {NUMBER} {1e3 * every.cpu:.0f} ms."
    return Table("Many specifications", ("work", "against", "reach", "measured"), rows, (note,))
