"""What is done in each cell of the matrix, and what a run of it found."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
from pathlib import Path

from tests.faults.fault import KILLED, Fault
from tests.faults.site import Cwl, Plain, Result, Serial, Site, World, make_directory

# The environments whose clients run; that with Python 3.6 is the one of docker.io/reanahub/reana-auth-rucio:1.1.1.
VERSIONS = ("1.30.0", "32.8.6", "35.9.2", "38.6.4", "41.5.1")
CLIENTS = (*VERSIONS, "1.30.0-py3.6", "32.8.6-py3.9", "41.5.1-py3.13")
CORE = ("1.30.0", "41.5.1")  # the oldest and the newest, on which CI runs every fault
ONE_DIALECT = ("1.30.0", "32.8.6", "35.9.2")
STAGER = ("serial", "cwl")
PLAIN = (
    "plain",
    "legacy",
)  # `rucio download` or `rucio upload`; from 36 on `rucio get` and `rucio --legacy upload` too


@dataclasses.dataclass(frozen=True)
class Record:
    """What was found in a cell. `faults` holds letters: how a plain command misbehaved."""

    fault: str
    how: str
    clients: str
    code: int
    passed: bool
    problems: tuple[str, ...] = ()
    faults: str = ""


def cells(plain: bool = False) -> list[tuple[Fault, str, str]]:
    """All cells: fault, how it is met, clients."""
    from tests.faults.rows import FAULTS

    found = []
    for fault in FAULTS:
        for how in PLAIN if plain else STAGER:
            for clients in CLIENTS:
                if plain and (
                    not fault.plain or clients not in VERSIONS or (how == "legacy" and clients in ONE_DIALECT)
                ):
                    continue
                if how != "cwl" or fault.cwl:
                    found.append((fault, how, clients))
    return found


def run(fault: Fault, how: str, clients: str, world: World) -> Record:
    """Arrange the fault, run, repair it, run again."""
    kinds: dict[str, type[Site]] = {"serial": Serial, "cwl": Cwl}
    directory = make_directory()
    site = kinds.get(how, Plain)(world, directory, f"clients-{clients}")
    if isinstance(site, Plain):
        site.legacy = how == "legacy"
    arranged = fault.arrange(site)
    try:
        next(arranged)
        site.remember()
        return (_plain if isinstance(site, Plain) else _staged)(fault, how, clients, site, arranged)
    finally:
        arranged.close()
        site.close()
        shutil.rmtree(directory, ignore_errors=True)


def _staged(fault: Fault, how: str, clients: str, site: Site, arranged) -> Record:
    problems = []
    result = site.run()
    problems += site.wrong(result)
    if result.done != (fault.code == 0):
        problems.append("succeeds" if result.done else "fails")
    if how == "serial" and fault.code not in (KILLED, result.code):
        problems.append(f"exit {result.code}, not {fault.code}")
    if not re.search(fault.last, result.last):
        problems.append(f'the last line is "{result.last}"')
    if fault.code == 0 and site.missing():
        problems.append(f"lacks {site.missing()}")
    if problems:
        return Record(fault.name, how, clients, result.code, False, (*problems, result.said[-3000:]))
    site.end_pod()
    try:
        next(arranged, None)
    except AssertionError as error:
        return Record(fault.name, how, clients, result.code, False, (f"does not hold: {error}", result.said[-3000:]))
    again = site.run()
    problems += [f"again: {problem}" for problem in site.wrong(again)]
    if not again.done or site.missing():
        problems.append(f"again: exit {again.code}, lacks {site.missing()}")
    if problems:
        problems.append(again.said[-3000:])
    else:
        try:
            next(arranged, None)
        except AssertionError as error:
            problems.append(f"does not hold in the end: {error}")
    return Record(fault.name, how, clients, result.code, not problems, tuple(problems))


def _plain(fault: Fault, how: str, clients: str, site: Site, arranged) -> Record:
    """The truth is all that is asked of a plain command: that it says whether it has done what it should."""
    result = site.run()
    found, problems = "", []
    if result.hangs:
        found += "H"
    elif result.done and site.missing():
        found += "L"
    wrong = site.wrong(result)
    if wrong:
        found += "W"
        problems += wrong
    site.end_pod()
    try:
        next(arranged, None)
    except AssertionError:  # what we hold about the stager
        problems.append("not as we hold it")
    if found or not result.done:  # what is done need not be done again
        again: Result = site.run()
        if again.hangs or not again.done or site.missing():
            found += "R"
    return Record(fault.name, how, clients, result.code, not found, (*problems, result.said[-600:]), found)


def save(record: Record, path: Path) -> None:
    """Add a line to a file, which several processes may write."""
    line = json.dumps(dataclasses.asdict(record)).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def load(path: Path) -> dict[tuple[str, str, str], Record]:
    """The last record of each cell, by fault, how and clients."""
    records = (Record(**json.loads(line)) for line in path.read_text().splitlines())
    return {(record.fault, record.how, record.clients): record for record in records}
