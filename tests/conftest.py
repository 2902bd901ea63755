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


def _server(tmp_path_factory: pytest.TempPathFactory, name: str, **options: object) -> Iterator[Server]:
    for environment in ("rucio-server", "clients-41.5.1"):
        needs(environment)
    directory: Path = tmp_path_factory.mktemp(name) / "server"
    with running(directory, **options) as server:
        yield server
