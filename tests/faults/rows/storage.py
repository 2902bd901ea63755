"""The storage of a site is slow, broken or wrong."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.fault import Fault
from tests.faults.site import Site
from tests.faults.troubled import garbled, half, halved, reset, shortened, stall, status, swallow_half, trickle


def storage_garbles(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on("GET", garbled)
    yield
    site.storage.calm()


def storage_garbles_once(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on("GET", garbled, times=1)
    yield


def storage_shortens(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on("GET", shortened)
    yield
    site.storage.calm()


def storage_cuts_once(site: Site) -> Iterator[None]:
    dataset, _ = site.dataset()
    site.get(dataset, "data", "directory")
    site.storage.on("GET", half(reset), times=3)
    yield


def storage_cuts(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on("GET", half(reset))
    yield
    site.storage.calm()


def storage_stalls_once(site: Site) -> Iterator[None]:
    site.settings["timeout"] = 1.5
    site.get(site.file())
    site.storage.on("GET", half(stall), times=1)
    yield
    site.settings["timeout"] = 10


def storage_stalls(site: Site) -> Iterator[None]:
    site.settings["timeout"] = 1
    site.get(site.file())
    site.storage.on("GET", half(stall))
    yield
    site.storage.calm()
    site.settings["timeout"] = 10


def storage_trickles(site: Site) -> Iterator[None]:
    """No single read ever times out."""
    site.settings["timeout"] = 1
    site.get(site.file())
    site.storage.on("GET", trickle)
    yield
    site.storage.calm()
    site.settings["timeout"] = 10


def storage_503_once(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on("GET", status(503), times=2)
    yield


def storage_503(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on("GET", status(503))
    yield
    site.storage.calm()


def storage_down(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on(".*", reset)
    yield
    site.storage.calm()


def storage_refuses(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.storage.on("GET", status(403))
    yield
    site.storage.calm()


def first_of_two_is_bad(site: Site) -> Iterator[None]:
    """One source sends other bytes, the other is good; the order is the client's."""
    site.get(site.file(rses="DAV1_SCRATCHDISK,DAV2_SCRATCHDISK"))
    site.storage.on("GET .*/one/", garbled)
    yield
    site.storage.calm()


def upload_reset_once(site: Site) -> Iterator[None]:
    site.put()
    site.storage.on("PUT", reset, times=1)
    yield


def upload_cut_once(site: Site) -> Iterator[None]:
    site.put()
    site.storage.on("PUT", swallow_half(reset), times=1)
    yield


def upload_503_once(site: Site) -> Iterator[None]:
    site.put()
    site.storage.on("PUT", status(503), times=2)
    yield


def upload_503(site: Site) -> Iterator[None]:
    site.put()
    site.storage.on("PUT", status(503))
    yield
    site.storage.calm()


def upload_stalls(site: Site) -> Iterator[None]:
    site.settings["timeout"] = 1
    site.put()
    site.storage.on("PUT", stall)
    yield
    site.storage.calm()
    site.settings["timeout"] = 10


def upload_halved(site: Site) -> Iterator[None]:
    site.put()
    site.storage.on("PUT", halved)
    yield
    site.storage.calm()


def storage_full(site: Site) -> Iterator[None]:
    site.put()
    site.storage.on("PUT", status(507, "Insufficient Storage"))
    yield
    site.storage.calm()


def upload_refused(site: Site) -> Iterator[None]:
    site.put()
    site.storage.on("PUT|MKCOL", status(401))
    yield
    site.storage.calm()


def rename_fails_once(site: Site) -> Iterator[None]:
    site.put()
    site.storage.on("MOVE", reset, times=1)
    yield


def part_of_a_dataset_fails(site: Site) -> Iterator[None]:
    """The others are uploaded and registered; the dataset gets its files when all are there."""
    dataset = site.put_all("ntuples")
    site.storage.on("PUT .*ntuples.1-", status(503))
    yield
    site.storage.calm()
    assert not site.names(dataset)


def leftover_of_a_killed_upload(site: Site) -> Iterator[None]:
    """Other bytes, unregistered, lie where the upload is to go."""
    did = site.put()
    site.place(did).write_bytes(b"of an earlier run")
    site.place(did).with_name(site.place(did).name + ".rucio.upload").write_bytes(b"of an earlier run")
    yield


FAULTS: tuple[Fault, ...] = (
    Fault("sends other bytes", storage_garbles, 6, "not what was registered"),
    Fault("sends other bytes once", storage_garbles_once),
    Fault("sends half of a file as if it was all", storage_shortens, 6, "not what was registered"),
    Fault("resets the connection in mid-file, some times", storage_cuts_once),
    Fault("resets the connection in mid-file, always", storage_cuts, 4, "no transfer from DAV1_SCRATCHDISK"),
    Fault("stalls in mid-file, once", storage_stalls_once),
    Fault("stalls in mid-file, always", storage_stalls, 4, "no transfer from DAV1_SCRATCHDISK"),
    Fault("sends a byte now and then", storage_trickles, 4, "too slow"),
    Fault("answers 503, then sends", storage_503_once),
    Fault("answers 503, always", storage_503, 4, "no transfer from DAV1_SCRATCHDISK"),
    Fault("resets every connection", storage_down, 4, "no transfer from DAV1_SCRATCHDISK"),
    Fault("answers 403 to downloads", storage_refuses, 7, "DAV1_SCRATCHDISK"),
    Fault("one of two sources sends other bytes", first_of_two_is_bad),
    Fault("resets an upload, then takes it", upload_reset_once),
    Fault("resets an upload half-way, then takes it", upload_cut_once),
    Fault("answers 503 to an upload, then takes it", upload_503_once),
    Fault("answers 503 to uploads, always", upload_503, 4, "was not taken by DAV1_SCRATCHDISK"),
    Fault("stalls uploads", upload_stalls, 4, "DAV1_SCRATCHDISK"),
    Fault("keeps half of an upload and says that all is well", upload_halved, 4, "was not taken by DAV1_SCRATCHDISK"),
    Fault("is full", storage_full, 7, "was not taken by DAV1_SCRATCHDISK.*507"),
    Fault("answers 401 to uploads", upload_refused, 7, "DAV1_SCRATCHDISK"),
    Fault("resets the renaming of an upload, once", rename_fails_once),
    Fault("refuses one file of a dataset", part_of_a_dataset_fails, 4, "ntuples.1-.*was not taken"),
    Fault("holds leftovers of a killed upload", leftover_of_a_killed_upload),
)
