"""The world that the faults share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.fault import Fault
from tests.faults.matrix import Record, run, save
from tests.faults.site import World
from tests.rucio.server import Server


@pytest.fixture(scope="session")
def world(rucio_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The http server behind a gate."""
    world = World(rucio_server, tmp_path_factory.mktemp("world"))
    yield world
    world.close()


@pytest.fixture(scope="session")
def tls_world(rucio_server_tls: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The https server, which takes proxies; its gate is not used."""
    world = World(rucio_server_tls, tmp_path_factory.mktemp("world"))
    yield world
    world.close()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path.name == "test_plain_commands.py" and not config.getoption("--faults-record"):
        return True
    return None


@pytest.fixture
def cell(request: pytest.FixtureRequest) -> Callable[[Fault, str, str], Record]:
    """Runs a cell of the matrix, and records what it found if that is wanted."""

    def found(fault: Fault, how: str, clients: str) -> Record:
        record = run(fault, how, clients, request.getfixturevalue("tls_world" if fault.tls else "world"))
        if request.config.getoption("--faults-record"):
            save(record, Path(request.config.getoption("--faults-record")))
        return record

    return found
