"""Outputs go up side by side, and each for itself: what fails does not take others with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.faults.fault import Fault
from tests.faults.matrix import run
from tests.faults.rows.outputs import rename
from tests.faults.site import Site, World
from tests.faults.troubled import Handler, call, status

CLIENTS = ["41.5.1", pytest.param("1.30.0", marks=pytest.mark.slow)]


def passes(fault: Fault, clients: str, world: World) -> None:
    record = run(fault, "serial", clients, world)
    assert record.passed, "\n".join(record.problems)


@pytest.mark.parametrize("clients", CLIENTS)
def test_several_files_are_on_their_way_at_once(clients: str, world: World) -> None:
    """The first waits until another is there: one by one it would wait in vain."""
    begun: set[str] = set()
    met: list[bool] = []
    another = threading.Condition()

    def wait(handler: Handler) -> None:
        with another:
            begun.add(handler.path)
            another.notify_all()
            met.append(another.wait_for(lambda: len(begun) > 1, timeout=25))

    def several_files(site: Site) -> Iterator[None]:
        site.settings["timeout"] = 30
        site.put_all("ntuples", files=4)
        site.storage.on("PUT", wait)
        yield
        assert len(begun) == 4
        assert all(met)

    passes(Fault("holds each file until another comes", several_files), clients, world)


@pytest.mark.parametrize("clients", CLIENTS)
def test_one_of_two_files_is_refused(clients: str, world: World) -> None:
    """The other is complete: registered, with its rule."""

    def one_is_refused(site: Site) -> Iterator[None]:
        refused, taken = site.put("refused"), site.put("taken", b"another result")
        site.storage.on("PUT .*refused", status(503))
        yield
        site.storage.calm()
        assert len(site.root.call("list_did_rules", *taken.split(":"))) == 1
        assert not site.root.call("list_replicas", [dict(zip(("scope", "name"), refused.split(":")))])

    passes(Fault("refuses one of two files", one_is_refused, 4, "refused-.*was not taken"), clients, world)


@pytest.mark.parametrize("clients", CLIENTS)
def test_an_output_changes_while_it_is_uploaded(clients: str, world: World) -> None:
    """The client registers what it was and sends what it is; as the storage has no checksums, only we see it."""

    def output_changes(site: Site) -> Iterator[None]:
        did = site.put()
        (content,) = site.content[did].values()
        site.storage.on("PUT", call(lambda: site.write("results/plot", bytes(reversed(content)))), times=1)
        site.taken.add(did)
        yield
        site.write("results/plot", content)
        rename(site, "another")

    passes(Fault("sees the output change", output_changes, 6, "is registered with other content than"), clients, world)
