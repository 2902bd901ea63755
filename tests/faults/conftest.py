"""The world that the faults share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
