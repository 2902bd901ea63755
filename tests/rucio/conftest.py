"""What the tests of the stager share: a job on the http server, on the newest client always, on the others if slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, Job, put

OTHERS = ("clients-1.30.0-py3.6", "clients-1.30.0", "clients-32.8.6", "clients-35.9.2", "clients-38.6.4")


@pytest.fixture(params=[CLIENTS, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def job(request: pytest.FixtureRequest, rucio_server: Server, tmp_path: Path) -> Job:
    return Job(tmp_path, rucio_server, clients=request.param)


@pytest.fixture(scope="session")
def escape(rucio_server: Server, example_dids: object, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server that plays `escape`, with what the cases of golden/ and the examples of the rules need on it."""
    client, directory = rucio_server.client("jdoe"), tmp_path_factory.mktemp("escape")

    def registered(name: str, rse: str, **known: object) -> dict[str, str]:
        did = {"scope": "user.jdoe", "name": name}
        checksum = {} if name.startswith("bare") else {"adler32": "00790079"}
        client.call("add_replicas", rse, [{**did, "bytes": 1, **checksum, **known}])
        return did

    files = [
        {"scope": "user.jdoe", "name": "events.root"},
        registered("copying.root", "SITE1_SCRATCHDISK", state="C"),
        registered("bare.root", "SITE1_SCRATCHDISK"),
    ]
    registered("lost.root", "SITE2_SCRATCHDISK", state="U")
    tape = registered("tape.root", "SITE5_TAPE")
    registered("both.root", "SITE5_TAPE")
    registered("both.root", "SITE1_SCRATCHDISK")
    client.call("add_dataset", "user.jdoe", "run2024.aod")
    client.call("add_dataset", "user.jdoe", "partly", files=files)
    client.call("add_dataset", "user.jdoe", "archived", files=[files[0], tape])
    client.call("add_dataset", "user.jdoe", "closed", files=files[:1])
    client.call("close", "user.jdoe", "closed")
    for scope in ("user.jdoe", "test"):
        put(rucio_server, directory, f"{scope}:twin.root", b"x", account="jdoe", dataset="user.jdoe:twins")
    return rucio_server
