"""Every fault, on every client that images have, as a serial command and as a job of REANA's CWL engine.

With --faults-record FILE the outcome of each cell is added to FILE, and plain `rucio` commands meet the same faults
(test_plain_commands.py), which is what docs/faults.md is made from.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.faults.fault import Fault
from tests.faults.matrix import CORE, Record, cells
from tests.faults.publish import HEAD, PAGE, columns
from tests.faults.rows import FAULTS, ROWS


def parameters(plain: bool = False) -> list:
    """The cells as parameters of a test; CI runs those marked `faults` each time, and of the rest a share."""
    found = []
    for fault, how, clients in cells(plain):
        marks = [pytest.mark.slow]
        if how == "serial" and clients in CORE:
            marks.append(pytest.mark.faults)
        found.append(pytest.param(fault, how, clients, marks=marks, id=f"{fault.name}-{how}-{clients}"))
    return found


@pytest.mark.parametrize(("fault", "how", "clients"), parameters())
def test_fault(fault: Fault, how: str, clients: str, cell: Callable[[Fault, str, str], Record]) -> None:
    record = cell(fault, how, clients)
    assert record.passed, "\n".join(record.problems)


def test_names_are_unique() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names))


def test_the_page_has_a_row_for_each_fault() -> None:
    """The published table has the shape of the matrix; `python -m tests.faults.publish` makes it."""
    text = PAGE.read_text()
    heads = re.findall(r"^## (.*)$", text, re.M)
    assert [head for head in heads if head in ROWS] == list(ROWS)
    for head, faults in ROWS.items():
        section = text.partition(f"\n## {head}\n")[2].partition("\n## ")[0]
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")]
        assert {len(row) for row in rows} == {len(columns()) + 4}
        assert [row[0][2:] for row in rows[1:]] == [fault.title for fault in faults]
    assert re.search(r"Measured on \d{4}-\d\d-\d\d, commit `[0-9a-f]{7,40}`", text)


def test_the_sums_of_the_page_are_those_of_its_rows() -> None:
    """And its words are those of the program that makes it."""
    text = PAGE.read_text()
    for part in re.split(r"\{\w+\}", HEAD):
        assert part.strip() in text
    top, *sections = text.split("\n## ")
    tables = [
        [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")] for part in sections
    ]
    rows = [row for table in tables for row in table[1:]]
    sums = {
        line.split(" | ")[0].strip("| "): line.split("|")[2:-1] for line in top.splitlines() if line.startswith("| ")
    }
    for number, (how, clients) in enumerate(columns(), start=2):
        cells_ = [row[number + 2].strip("| ") for row in rows]
        passed, met = cells_.count("\u2713"), len(cells_) - cells_.count("-") - cells_.count(".")
        assert sums[clients][number].strip() == f"{passed} / {met}", (how, clients)
    for number in (0, 1):
        cells_ = [row[number + 2] for row in rows if row[number + 2] != "-"]
        if set(cells_) == {"\u2713"}:
            assert {row[number].strip() for name, row in sums.items() if name} == {f"{len(cells_)} / {len(cells_)}"}
