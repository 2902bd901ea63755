"""The rows of the fault matrix. Each is a function that arranges a `Site` and yields; what follows repairs it.

After the repair the same job runs again and must succeed. What stands after a second `yield` is looked at in the end.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable, Iterator

from tests.faults.site import Site
from tests.faults.troubled import call, garbled, half, lose, reset, shortened, stall, status

Arrange = Callable[[Site], Iterator[None]]


@dataclasses.dataclass(frozen=True)
class Fault:
    """A row: how it is arranged, the exit code, and a pattern of the last line; its name is the function's."""

    title: str
    arrange: Arrange
    code: int = 0
    last: str = ""
    plain: bool = True  # whether a plain command meets the same fault

    @property
    def name(self) -> str:
        return self.arrange.__name__.replace("_", "-")


# ---- the server


def server_down(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.gate.on(".*", reset)
    yield
    site.gate.calm()


def server_503_once(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.gate.on(".*", status(503), times=2)
    yield


def server_503_always(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.gate.on("(?!.*auth).*", status(503, "overloaded"))
    yield
    site.gate.calm()


# ---- the storage


def replica_garbled(site: Site) -> Iterator[None]:
    did = site.file()
    site.get(did)
    site.storage.on("GET", garbled)
    yield
    site.storage.calm()


def storage_cuts_once(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on("GET", half(reset), times=2)
    yield


def storage_stalls_once(site: Site) -> Iterator[None]:
    site.settings["timeout"] = 1
    site.get(site.file())
    site.storage.on("GET", half(stall), times=1)
    yield


def storage_shortens(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on("GET", shortened)
    yield
    site.storage.calm()


# ---- the process


def killed_in_mid_download(site: Site) -> Iterator[None]:
    dataset, _ = site.dataset()
    site.get(dataset, "data", "directory")
    site.storage.on("GET", half(call(lambda: site.signal(signal.SIGKILL))), times=1)
    yield


def upload_reset(site: Site) -> Iterator[None]:
    site.put()
    site.storage.on("PUT", reset, times=1)
    yield


def registration_lost(site: Site) -> Iterator[None]:
    site.put()
    site.gate.on("POST /replicas$", lose, times=1)
    yield


FAULTS: tuple[Fault, ...] = (
    Fault("the server resets each connection", server_down, 4, "server http://.*reset"),
    Fault("the server answers 503, then well", server_503_once),
    Fault("the server answers 503 to all but logins", server_503_always, 4, "503"),
    Fault("the storage sends other bytes", replica_garbled, 6, "not what was registered"),
    Fault("the storage sends half of the file, as if it was all", storage_shortens, 6, "not what was registered"),
    Fault("the storage resets the connection in mid-file, then sends well", storage_cuts_once),
    Fault("the storage stalls in mid-file, then sends well", storage_stalls_once),
    Fault("SIGKILL in mid-download", killed_in_mid_download, 137),
    Fault("the storage resets an upload, then takes it", upload_reset),
    Fault("the server registers an upload, but its answer is lost", registration_lost),
)
