"""A storage that sends without end: the disk is not filled with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.fault import Fault
from tests.faults.matrix import run
from tests.faults.site import Site, World
from tests.faults.troubled import Handler


def storage_sends_without_end(site: Site) -> Iterator[None]:
    site.settings.update(attempts=2)
    site.get(site.file())
    site.storage.on("GET", endless)
    yield
    site.storage.calm()


def endless(handler: Handler) -> bool:
    handler.read_body()
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    while True:  # a reset connection ends it (Handler.handle)
        handler.wfile.write(b"x" * 65536)


@pytest.mark.parametrize("clients", ["41.5.1", pytest.param("1.30.0", marks=pytest.mark.slow)])
def test_a_file_that_does_not_end(clients: str, world: World) -> None:
    fault = Fault("sends without end", storage_sends_without_end, 4, "does not end")
    record = run(fault, "serial", clients, world)
    assert record.passed, "\n".join(record.problems)
