"""The stager against `rucio get` and `rucio upload` on the same DIDs: bytes per second, and memory.

Server and storage are of this machine (tests/rucio/server.py), so that what is compared is the work of the programs, not
a network: starting, asking the server, copying, checksums.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.environments import python_of
from tests.rucio.server import Server, running
from tests.rucio.stager_job import STAGER, hashed

from .frame import Command, Series, Table, measure, median

CLIENTS = ("clients-41.5.1", "clients-1.30.0")
RSE = "SITE1_SCRATCHDISK"
MB = 1_000_000
WORK = {"1 file of 500 MB": [500 * MB], "1 file of 2 GB": [2000 * MB], "200 files of 1 MB": [MB] * 200}
REACH = "0.9"


def table(rounds: int) -> Table:
    """Bytes per second as a multiple of the plain client's, and the peaks of memory of both."""
    with tempfile.TemporaryDirectory() as name, running(Path(name) / "server") as server:
        rows = list(_rows(Path(name), server, rounds))
    columns = (
        "transfer",
        "threads",
        "client",
        "times the bytes per second of `rucio`",
        "reach",
        "peak, MB",
        "of `rucio`",
    )
    return Table("Transfers", columns, rows)


def _rows(home: Path, server: Server, rounds: int) -> Iterator[tuple[str, ...]]:
    for number, (title, sizes) in enumerate(WORK.items()):
        did = _dataset(server, f"bench{number}", sizes)
        for threads in (1, 4) if len(sizes) > 1 else (4,):
            for clients in CLIENTS:
                folder = home / f"{number}-{threads}-{clients}"
                commands = {
                    "ours": _stager(folder / "ours", server, clients, threads, did),
                    "rucio": _rucio(folder / "rucio", server, clients, threads, did),
                }
                found = measure(commands, min(rounds, 3) if sizes[0] > 1000 * MB else rounds)
                yield _row(f"download, {title}", threads, clients, found)
    folder = home / "outputs"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number:03}").write_bytes(os.urandom(MB))
    for clients in CLIENTS:
        commands = {
            "ours": _stage_out(home / clients / "ours", server, clients, folder),
            "rucio": _upload(home / clients / "rucio", server, clients, folder),
        }
        yield _row("upload, 50 files of 1 MB", 4, clients, measure(commands, rounds))


def _row(title: str, threads: int, clients: str, found: dict[str, Series]) -> tuple[str, ...]:
    ratio = median(theirs.wall / mine.wall for mine, theirs in zip(found["ours"].costs, found["rucio"].costs))
    peaks = (f"{found[who].peak:.0f}" for who in ("ours", "rucio"))
    return (title, str(threads), clients.partition("-")[2], f"{ratio:.2f}", REACH, *peaks)


def _dataset(server: Server, name: str, sizes: list[int]) -> str:
    """A dataset of files of these sizes, without blocks on the disk: only reading them takes time."""
    rows = []
    for number, size in enumerate(sizes):
        path = server.rse_path(RSE) / hashed("user.alice", f"{name}.{number:03}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.truncate(path, size)
        rows.append({"scope": "user.alice", "name": f"{name}.{number:03}", "bytes": size, "adler32": _adler32(size)})
    client = server.client()
    client.call("add_replicas", RSE, rows)
    client.call("add_dataset", "user.alice", name, files=rows)
    return f"user.alice:{name}"


def _adler32(size: int) -> str:
    block, value = bytes(MB), 1
    for _ in range(size // MB):
        value = zlib.adler32(block, value)
    return f"{value:08x}"


def _shell(folder: Path, words: list[str], again: str = "rm -rf d") -> Command:
    """The words in the folder, in which nothing is left of the round before."""
    folder.mkdir(parents=True, exist_ok=True)
    return Command(["/bin/sh", "-c", f"{again}; exec {shlex.join(words)}"], folder)


def _manifest(folder: Path, server: Server, action: str, threads: int, **fields: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    instance = {
        "name": "vre", "rucio_host": server.url, "auth_host": server.url, "account": "alice", "auth_type": "userpass",
        "username_env": "NAME", "password_env": "WORD",
    }  # fmt: skip
    manifest = {"format": 1, "action": action, "instance": instance, "receipt": "receipt.json", **fields}
    path = folder / "manifest.json"
    path.write_text(json.dumps({**manifest, "settings": {"threads": threads}}))
    return path


def _stager(folder: Path, server: Server, clients: str, threads: int, did: str) -> Command:
    scope, name = did.split(":")
    entry = {"scope": scope, "name": name, "type": "directory", "path": "d"}
    manifest = _manifest(folder, server, "stage-in", threads, downloads=[entry])
    words = ["env", "NAME=alice", f"WORD={server.accounts['alice']}", str(python_of(clients)), str(STAGER)]
    return _shell(folder, [*words, str(manifest)])


def _rucio(folder: Path, server: Server, clients: str, threads: int, did: str) -> Command:
    rucio = python_of(clients).with_name("rucio")
    words = ["env", f"RUCIO_CONFIG={server.config('alice')}", str(rucio), "get", "--ndownloader", str(threads)]
    return _shell(folder, [*words, "--no-subdir", "--dir", "./d", did])


def _stage_out(folder: Path, server: Server, clients: str, outputs: Path) -> Command:
    entry = {
        "scope": "user.alice",
        "name": "out-{run}",
        "prefix": "{run}-",
        "type": "directory",
        "path": "d",
        "rse": RSE,
    }
    manifest = _manifest(folder, server, "stage-out", 4, uploads=[entry])
    words = ["env", "NAME=alice", f"WORD={server.accounts['alice']}", str(python_of(clients)), str(STAGER)]
    command = _shell(folder, [*words, str(manifest)], f"rm -rf d; cp -r {outputs} d")
    run = "export RUCIO_STAGE_RUN=`od -An -N8 -tx8 /dev/urandom | tr -d ' '`; "
    return Command(["/bin/sh", "-c", run + str(command.args[2])], folder)


def _upload(folder: Path, server: Server, clients: str, outputs: Path) -> Command:
    """The old spelling, which raises no questions of exit codes: a dataset, its files under new names."""
    rucio = python_of(clients).with_name("rucio")
    words = ["env", f"RUCIO_CONFIG={server.config('alice')}", str(rucio), *["--legacy"] * ("41" in clients), "upload"]
    again = (
        f"rm -rf d; mkdir d; run=`od -An -N8 -tx8 /dev/urandom | tr -d ' '`;"
        f" for f in {outputs}/*; do cp $f d/$run-`basename $f`; done"
    )
    folder.mkdir(parents=True, exist_ok=True)
    line = shlex.join([*words, "--rse", RSE, "--scope", "user.alice"])
    return Command(["/bin/sh", "-c", f"{again}; exec {line} user.alice:out-$run d/*"], folder)
