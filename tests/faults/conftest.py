"""The world that the faults share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.site import World
from tests.rucio.server import Server


@pytest.fixture(scope="session")
def world(rucio_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(rucio_server, tmp_path_factory.mktemp("world"))
    yield world
    world.close()
