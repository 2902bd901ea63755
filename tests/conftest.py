"""Fixtures that several kinds of tests share: real Rucio servers, one of each kind per session."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.environments import needs
from tests.rucio.server import SECOND_SEED, Server, running
from tests.sampling import current_commit, sample, share_of


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("slow tests")
    group.addoption("--slow-sample", metavar="N/M", help="run this share of the slow tests, which the commit selects")
    group.addoption("--slow-seed", metavar="COMMIT", help="the share of this commit, not of the one checked out")
    faults = parser.getgroup("faults")
    faults.addoption("--faults-record", metavar="FILE", help="add what each cell of the matrix of faults found to FILE")


def pytest_report_header(config: pytest.Config) -> str | None:
    share, seed = config.getoption("--slow-sample"), config.getoption("--slow-seed") or current_commit()
    return f"slow tests: {share} of each file; to repeat: --slow-sample {share} --slow-seed {seed}" if share else None


@pytest.hookimpl(trylast=True)  # -k and -m have made their choice
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow-sample"):
        return
    try:
        share = share_of(config.getoption("--slow-sample"))
    except ValueError as error:
        raise pytest.UsageError(f"--slow-sample: {error}") from None
    seed = config.getoption("--slow-seed") or current_commit()
    slow = [item for item in items if item.get_closest_marker("slow")]
    chosen = sample([item.nodeid for item in slow], share, seed)
    left_out = {item for item in slow if item.nodeid not in chosen}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


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


# The data of the documentation's example: the content of each file of each DID.
EXAMPLE: dict[str, dict[str, bytes]] = {
    "user.jdoe:events.root": {"events.root": b"events.root\n" * 100},
    "user.jdoe:calib-v3.db": {"calib-v3.db": b"calib-v3.db\n" * 100},
    "user.jdoe:run2022.aod": {f"aod-{number}.root": b"aod-%d.root\n" % number * 100 for number in (1, 2, 3)},
}


@pytest.fixture(scope="session")
def jdoe(rucio_server_tls: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The https server, which plays `escape`, with the data of the documentation's example on it."""
    _upload(EXAMPLE, rucio_server_tls, tmp_path_factory.mktemp("jdoe"))
    return rucio_server_tls


@pytest.fixture(scope="session")
def example_dids(rucio_server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The same data on the http server: the content of each file of each DID."""
    _upload(EXAMPLE, rucio_server, tmp_path_factory.mktemp("example"))
    return EXAMPLE


def _upload(dids: dict[str, dict[str, bytes]], server: Server, directory: Path) -> None:
    for did, files in dids.items():
        for name, content in files.items():
            (directory / name).write_bytes(content)
            dataset = None if did.endswith(f":{name}") else did
            server.upload(directory / name, f"user.jdoe:{name}", "SITE1_SCRATCHDISK", "jdoe", dataset)


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
