"""What locking costs against a loop that asks the same Rucio client about one DID after the other.

The server is a real one on this machine (tests/rucio/server.py), so that a request costs little: over a network, where
each takes longer, the loop loses more.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from unittest import mock

from tests.environments import python_of
from tests.rucio.server import Server, running

from .frame import OURS, Command, Cost, Table, run

FILES, MEMBERS = 1_000, 5_000
CLIENTS = "clients-41.5.1"
MOST_ROUNDS = 3  # the loops take up to a minute

LOOP = """
import sys
from rucio.client import Client
client = Client()
for line in open(sys.argv[1]):
    scope, name = line.split()
    if client.get_did(scope, name)["type"] == "FILE":
        client.get_metadata(scope, name)
    else:
        for file in client.list_files(scope, name):
            client.get_metadata(file["scope"], file["name"])
"""


def table(rounds: int) -> Table:
    """`lock` and `lock --check`, of many files and of one large dataset."""
    rounds = min(rounds, MOST_ROUNDS)
    with tempfile.TemporaryDirectory() as name, running(Path(name, "server")) as server, _machine(server):
        _fill(server)
        every = {
            f"{FILES} single files": _analysis(server, Path(name, "files"), "files", _names("file", FILES)),
            f"a dataset of {MEMBERS} files": _analysis(server, Path(name, "dataset"), "directories", ["dataset"]),
        }
        rows = [_row(what, folder, rounds) for what, folder in every.items()]
    columns = ("`lock` of", "against a loop over DIDs", "seconds", "`lock --check`", "memory")
    return Table(
        "Locking", columns, rows, ("Wall clock, as most of it is waiting. Memory is that of the largest process.",)
    )


def _row(what: str, folder: Path, rounds: int) -> tuple[str, ...]:
    ours, loop = Command([*OURS, "lock"], folder), Command([python_of(CLIENTS), "-c", LOOP, "dids"], folder)
    check = Command([*OURS, "lock", "--check"], folder)
    run(ours)
    costs = [(run(ours), run(loop), run(check)) for _ in range(rounds)]
    ratio = median(one.wall / other.wall for one, other, _ in costs)
    locks, loops, checks = (list(each) for each in zip(*costs))
    seconds = f"{_wall(locks):.1f} s, {_wall(loops):.1f} s"
    return (what, f"{ratio:.3f}", seconds, f"{_wall(checks):.1f} s", f"{median(cost.peak for cost in checks):.0f} MiB")


def _wall(costs: list[Cost]) -> float:
    return median(cost.wall for cost in costs)


@contextmanager
def _machine(server: Server) -> Iterator[None]:
    """A machine with the client in PATH, and a rucio.cfg of the server."""
    found = {"PATH": f"{python_of(CLIENTS).parent}:{os.environ['PATH']}", "RUCIO_CONFIG": str(server.config("alice"))}
    with mock.patch.dict(os.environ, found):
        yield


def _names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number:05}.root" for number in range(count)]


def _fill(server: Server) -> None:
    client = server.client()
    files = [
        {"scope": "user.alice", "name": name, "bytes": 1_000_000 + number, "adler32": f"{number:08x}"}
        for number, name in enumerate([*_names("file", FILES), *_names("member", MEMBERS)])
    ]
    for start in range(0, len(files), 500):
        client.call("add_replicas", "SITE1_SCRATCHDISK", files[start : start + 500])
    client.call("add_dataset", "user.alice", "dataset")
    for start in range(FILES, FILES + MEMBERS, 500):
        client.call("attach_dids", "user.alice", "dataset", files[start : start + 500])


def _analysis(server: Server, folder: Path, section: str, names: list[str]) -> Path:
    folder.mkdir()
    lines = [f"rucio: {{instances: {{vre: {{rucio_host: '{server.url}'}}}}}}\ninputs:\n  {section}:\n"]
    lines += [f"    - rucio(vre, user.alice, {name}) -> data/{name}\n" for name in names]
    lines.append("workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [ls]}]}}\n")
    (folder / "reana.yaml").write_text("".join(lines))
    (folder / "dids").write_text("".join(f"user.alice {name}\n" for name in names))
    return folder
