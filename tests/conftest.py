"""Fixtures that several kinds of tests share: real Rucio servers, one of each kind per session."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.environments import needs
from tests.rucio.server import SECOND_SEED, Server, running


@pytest.fixture(scope="session")
def rucio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Rucio server over http. Its content is shared: name what you upload with `unique_name`."""
    yield from _server(tmp_path_factory, "rucio")


@pytest.fixture(scope="session")
def rucio_server_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Rucio server over https, which takes X.509 proxies; shared like `rucio_server`."""
    yield from _server(tmp_path_factory, "rucio-tls", tls=True)


@pytest.fixture(scope="session")
def second_rucio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another experiment's Rucio server over http: other scopes, RSEs and passwords."""
    yield from _server(tmp_path_factory, "rucio-second", seed=SECOND_SEED)


@pytest.fixture
def unique_name() -> Callable[[str], str]:
    """`unique_name("events.root")` is a DID name that no other test uses: Rucio never frees a name."""

    def unique(name: str) -> str:
        stem, dot, suffix = name.partition(".")
        return f"{stem}-{uuid.uuid4().hex[:8]}{dot}{suffix}"

    return unique


@pytest.fixture(scope="session")
def example_dids(rucio_server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The DIDs of the documentation's example, on `rucio_server`: the content of each file of each DID."""
    dids = {
        "user.jdoe:events.root": {"events.root": b"events\n" * 1000},
        "user.jdoe:calib-v3.db": {"calib-v3.db": b"calibration\n"},
        "user.jdoe:run2022.aod": {f"aod-{number}.root": b"%d\n" % number * 500 for number in (1, 2, 3)},
    }
    directory = tmp_path_factory.mktemp("example")
    for did, files in dids.items():
        for name, content in files.items():
            path = directory / name
            path.write_bytes(content)
            dataset = None if did.endswith(f":{name}") else did
            rucio_server.upload(path, f"user.jdoe:{name}", "SITE1_SCRATCHDISK", "jdoe", dataset)
    return dids


def _server(tmp_path_factory: pytest.TempPathFactory, name: str, **options: object) -> Iterator[Server]:
    for environment in ("rucio-server", "clients-41.5.1"):
        needs(environment)
    directory: Path = tmp_path_factory.mktemp(name) / "server"
    with running(directory, **options) as server:
        yield server
