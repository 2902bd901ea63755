"""Make docs/faults.md from the records of a run:  python -m tests.faults.publish RECORDS [COMMIT DATE]"""

from __future__ import annotations

import datetime
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.fault import KILLED, Fault
from tests.faults.matrix import CLIENTS, PLAIN, STAGER, Record, cells, load
from tests.faults.rows import ROWS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
Records = dict[tuple[str, str, str], Record]

HEAD = """\
# What happens when things fail

`tests/faults` runs the [stager](stager.md) against a real Rucio server behind a proxy that fails as it is told, with a
storage that does, on each client that images have, as a command of a serial workflow and as a job wrapped as REANA's CWL
engine wraps it. For each fault it holds the exit code and the last line; that no path of the workspace has wrong or partial
content, that no upload is registered without its bytes, that nothing else is left; and that once the cause is repaired, the
same job run again completes. Then the plain commands of the same client meet the same fault.

Measured on {date}, commit `{commit}`, with Python {python} where no other is named.{part}

| | {heads} |
|---|{lines}|
{sums}

"serial" and "CWL" are the stager; "exit" is its exit code (it cannot be seen in CWL, where success is the receipt). For it,
✓ is: all of the above, on every client; a client is named that fails. The other columns are plain commands: `rucio download`
and `rucio upload`, and for "legacy" `rucio get` and `rucio --legacy upload`, all that version 1.30 to 35 have. They pass, ✓,
where they say truly whether they have done what was asked, leave nothing wrong, and complete after the repair. Beside the exit
code is what is wrong otherwise: **L** it exits with 0 though something is missing (a file; an upload, its rule, its place in a
dataset); **W** wrong or partial content is at the path (of a dataset: some of its files), or a DID registered without its
bytes; **R** run again after the repair, it does not complete; **H** it takes longer than {patience} seconds, though it is
told the same time-outs. They are helped where no command would work otherwise: with the authorities that REANA's sidecar has
but does not name, and for an ordinary account with `--register-after-upload`. A `-` stands where there is nothing to
compare, a `.` where it was not run.

To make this page again: `tox -e matrix`.
"""


def columns() -> list[tuple[str, str]]:
    """How and client of each column of plain commands."""
    there = {(how, clients) for _, how, clients in cells(plain=True)}
    return [(how, clients) for clients in CLIENTS for how in PLAIN if (how, clients) in there]


def _heads() -> list[str]:
    return ["serial", "CWL", *(f"{clients}{' legacy' if how == 'legacy' else ''}" for how, clients in columns())]


def _ours(fault: Fault, how: str, records: Records) -> str:
    mine = {clients: records.get((fault.name, how, clients)) for clients in CLIENTS}
    if how == "cwl" and not fault.cwl:
        return "-"
    if not any(mine.values()):
        return "."
    bad = [clients for clients, record in mine.items() if record and not record.passed]
    lacks = [clients for clients, record in mine.items() if not record]
    said = "✗ " + ", ".join(bad) if bad else "✓"
    return said + (f" ({len(mine) - len(lacks)} of {len(mine)})" if lacks else "")


def _plain(fault: Fault, how: str, clients: str, records: Records) -> str:
    if not fault.plain:
        return "-"
    record = records.get((fault.name, how, clients))
    if not record:
        return "."
    code = record.code if record.code >= 0 else 128 - record.code
    return "✓" if record.passed else f"{'' if 'H' in record.faults else code} **{record.faults}**".strip()


def _section(title: str, faults: tuple[Fault, ...], records: Records) -> Iterator[str]:
    yield f"\n## {title}\n\n| | exit | {' | '.join(_heads())} |\n|---|---|{'---|' * len(_heads())}\n"
    for fault in faults:
        row = [_ours(fault, how, records) for how in STAGER]
        row += [_plain(fault, how, clients, records) for how, clients in columns()]
        yield f"| {fault.title} | {'killed' if fault.code == KILLED else fault.code} | {' | '.join(row)} |\n"


def _sums(records: Records) -> Iterator[str]:
    def count(some: list[Record]) -> str:
        return f"{sum(record.passed for record in some)} / {len(some)}" if some else "."

    for clients in CLIENTS:
        row = [count([r for r in records.values() if r.how == how and r.clients == clients]) for how in STAGER]
        for column in columns():
            row.append(
                count([r for r in records.values() if (r.how, r.clients) == column]) if column[1] == clients else ""
            )
        yield f"| {clients.replace('-py', ', Python ')} | {' | '.join(row)} |"


def page(records: Records, commit: str, date: str) -> str:
    from tests.faults.site import PATIENCE

    known = {(fault.name, how, clients) for plain in (False, True) for fault, how, clients in cells(plain)}
    records = {cell: record for cell, record in records.items() if cell in known}
    part = "" if len(records) == len(known) else f" {len(records)} of {len(known)} cells were run."
    text = HEAD.format(
        date=date, commit=commit, part=part, python=platform.python_version().rpartition(".")[0], heads=" | ".join(_heads()), lines="|".join(["---"] * len(_heads())),
        sums="\n".join(_sums(records)), patience=PATIENCE,
    )  # fmt: skip
    return text + "".join("".join(_section(title, faults, records)) for title, faults in ROWS.items())


def main(path: str, *given: str) -> None:
    ran = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    commit, date = given or (ran.stdout.strip(), today)
    PAGE.write_text(page(load(Path(path)), commit, date))


if __name__ == "__main__":
    main(*sys.argv[1:])
