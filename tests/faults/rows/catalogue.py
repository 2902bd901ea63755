"""What is asked for is not there, or not what was thought: the rows of the exit codes of `rucio download`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.fault import Fault
from tests.faults.site import Site, parts
from tests.faults.troubled import call


def no_such_did(site: Site) -> Iterator[None]:
    site.get(f"user.alice:{site.name('events.root')}")
    yield
    site.file()


def no_available_replica(site: Site) -> Iterator[None]:
    did = site.file()
    site.get(did)
    site.root.call("update_replicas_states", "DAV1_SCRATCHDISK", [{**parts(did), "state": "U"}])
    yield
    site.root.call("update_replicas_states", "DAV1_SCRATCHDISK", [{**parts(did), "state": "A"}])


def replica_lost(site: Site) -> Iterator[None]:
    did = site.file()
    site.get(did)
    content = site.place(did).read_bytes()
    site.place(did).unlink()
    yield
    site.place(did).write_bytes(content)


def replica_corrupt(site: Site) -> Iterator[None]:
    did = site.file()
    site.get(did)
    content = site.place(did).read_bytes()
    site.place(did).write_bytes(b"wrong" * 1000)
    yield
    site.place(did).write_bytes(content)


def replica_truncated(site: Site) -> Iterator[None]:
    did = site.file()
    site.get(did)
    content = site.place(did).read_bytes()
    site.place(did).write_bytes(content[:-1])
    yield
    site.place(did).write_bytes(content)


def replica_empty(site: Site) -> Iterator[None]:
    did = site.file()
    site.get(did)
    content = site.place(did).read_bytes()
    site.place(did).write_bytes(b"")
    yield
    site.place(did).write_bytes(content)


def part_of_a_dataset_is_bad(site: Site) -> Iterator[None]:
    dataset, dids = site.dataset()
    site.get(dataset, "data", "directory")
    content = site.place(dids[1]).read_bytes()
    site.place(dids[1]).write_bytes(b"wrong")
    yield
    site.place(dids[1]).write_bytes(content)


def one_of_two_is_missing(site: Site) -> Iterator[None]:
    site.get(site.file("there"), "data/a")
    site.get(f"user.alice:{site.name('not-there')}", "data/b")
    yield
    site.file("not-there")


def empty_dataset(site: Site) -> Iterator[None]:
    did = site.file()
    dataset = f"user.alice:{site.name('empty')}"
    site.root.call("add_dataset", *dataset.split(":"))
    site.get(dataset, "data", "directory")
    yield
    site.root.call("attach_dids", *dataset.split(":"), [parts(did)])
    site.content[dataset] = site.content[did]


def wildcard_fits_nothing(site: Site) -> Iterator[None]:
    site.get(f"user.alice:zzz*{site.id}", "data", "directory")
    yield
    did = site.file("zzz")
    site.content[f"user.alice:zzz*{site.id}"] = site.content[did]


def no_such_rse(site: Site) -> Iterator[None]:
    site.get(site.file(), rse="NO_SUCH_RSE")
    yield
    site.downloads[0]["rse"] = "DAV1_SCRATCHDISK"


def bad_expression(site: Site) -> Iterator[None]:
    site.get(site.file(), rse="a=b&")
    yield
    site.downloads[0]["rse"] = "DAV1_SCRATCHDISK"


def two_files_of_one_name(site: Site) -> Iterator[None]:
    """Names with a slash: both files would have the same path."""
    one, two = site.file("x/same"), site.file("y/same")
    dataset = f"user.alice:{site.name('both')}"
    site.root.call("add_dataset", *dataset.split(":"), files=[parts(one), parts(two)])
    site.get(dataset, "data", "directory")
    yield
    site.downloads.clear()
    site.get(one, "data/one")
    site.get(two, "data/two")


def dataset_grows(site: Site) -> Iterator[None]:
    """What is staged is the dataset as it was; the next run brings it up to date."""
    dataset, _ = site.dataset()
    new = site.file("run2022.new", b"new")
    site.get(dataset, "data", "directory")
    site.storage.on("GET", call(lambda: site.root.call("attach_dids", *dataset.split(":"), [parts(new)])), times=1)
    yield
    site.content[dataset] |= site.content[new]


def dataset_shrinks(site: Site) -> Iterator[None]:
    """The next run says that a file does not belong to it; the user removes that."""
    dataset, dids = site.dataset()
    site.get(dataset, "data", "directory")
    site.storage.on("GET", call(lambda: site.root.call("detach_dids", *dataset.split(":"), [parts(dids[0])])), times=1)
    yield
    name = parts(dids[0])["name"]
    site.content[dataset] = {each: content for each, content in site.content[dataset].items() if each != name}
    site.before.clear()
    for path in site.workspace.glob(f"data*/{name}"):
        path.unlink()


def replica_deleted_in_mid_download(site: Site) -> Iterator[None]:
    dataset, dids = site.dataset(files=6)
    site.get(dataset, "data", "directory")
    content = site.place(dids[-1]).read_bytes()
    site.storage.on("GET", call(lambda: site.place(dids[-1]).unlink()), times=1)
    yield
    site.place(dids[-1]).write_bytes(content)


FAULTS: tuple[Fault, ...] = (
    Fault("the DID does not exist", no_such_did, 5, "events.root-.*: not found"),
    Fault("a file has no available replica", no_available_replica, 5, "no available replica.*UNAVAILABLE"),
    Fault("a replica is registered, the file gone", replica_lost, 5, "no available replica.*lost it"),
    Fault("a replica is corrupt", replica_corrupt, 6, "not what was registered"),
    Fault("a replica lacks its last byte", replica_truncated, 6, "not what was registered"),
    Fault("a replica is empty", replica_empty, 6, "not what was registered"),
    Fault("one file of a dataset is corrupt", part_of_a_dataset_is_bad, 6, "run2022.1-.*not what was registered"),
    Fault("one of two DIDs does not exist", one_of_two_is_missing, 5, "not-there-.*: not found"),
    Fault("a dataset is empty", empty_dataset, 5, "has no files"),
    Fault("a wildcard fits nothing", wildcard_fits_nothing, 5, "has no files"),
    Fault("the RSE does not exist", no_such_rse, 7, "rse=NO_SUCH_RSE"),
    Fault("the RSE expression has a syntax error", bad_expression, 7, "rse=a=b&"),
    Fault("two files of one name in a dataset", two_files_of_one_name, 5, "cannot be in one directory"),
    Fault("a dataset grows in mid-download", dataset_grows),
    Fault("a dataset shrinks in mid-download", dataset_shrinks),
    Fault("a replica is deleted in mid-download", replica_deleted_in_mid_download, 5, "lost it"),
)
