"""Outputs are missing, or cannot go where they shall: the rows of the exit codes of `rucio upload`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from tests.faults.fault import Fault
from tests.faults.site import Site, parts
from tests.faults.troubled import call

ELSEWHERE = "DAV2_SCRATCHDISK"


def _take(site: Site, did: str, content: bytes = b"of somebody else", rse: str = ELSEWHERE) -> None:
    """Somebody else registers the DID, with this content."""
    site.place(did, rse).write_bytes(content)
    row = {**parts(did), "bytes": len(content), "adler32": f"{zlib.adler32(content):08x}"}
    site.root.call("add_replicas", rse, [row])
    if content != site.content[did][row["name"]]:
        site.taken.add(did)


def rename(site: Site, name: str) -> None:
    """The user gives the (first) output another name."""
    entry = site.uploads[0]
    (content,) = site.content[f"{entry['scope']}:{entry['name']}"].values()
    entry["name"] = site.name(name)
    site.content[f"{entry['scope']}:{entry['name']}"] = {entry["name"]: content}


def same_content_is_there(site: Site) -> Iterator[None]:
    did = site.put()
    _take(site, did, site.content[did][parts(did)["name"]], "DAV1_SCRATCHDISK")
    yield


def same_content_is_elsewhere(site: Site) -> Iterator[None]:
    did = site.put()
    _take(site, did, site.content[did][parts(did)["name"]])
    yield


def other_content_is_there(site: Site) -> Iterator[None]:
    _take(site, site.put())
    yield
    rename(site, "another")


def taken_in_mid_upload(site: Site) -> Iterator[None]:
    """Somebody else registers other content under the name when all checks are passed."""
    did = site.put()
    site.storage.on("PUT", call(lambda: _take(site, did)), times=1)
    yield
    rename(site, "another")


def unknown_scope(site: Site) -> Iterator[None]:
    site.put(scope="user.nobody")
    yield
    content = site.content[f"user.nobody:{site.name('plot')}"]
    site.uploads[0]["scope"] = "user.alice"
    site.content[f"user.alice:{site.name('plot')}"] = content


def scope_of_another(site: Site) -> Iterator[None]:
    site.account = "bob"
    site.put(scope="user.alice")
    yield
    content = site.content[f"user.alice:{site.name('plot')}"]
    site.uploads[0]["scope"] = "user.bob"
    site.content[f"user.bob:{site.name('plot')}"] = content


def output_missing(site: Site) -> Iterator[None]:
    site.put()
    path = site.workspace / "results" / "plot"
    content = path.read_bytes()
    path.unlink()
    yield
    site.write("results/plot", content)


def one_of_two_outputs_missing(site: Site) -> Iterator[None]:
    """Nothing is uploaded."""
    one = site.put("one")
    site.put("two", b"second")
    path = site.workspace / "results" / "two"
    path.unlink()
    yield
    uploaded = site.root.call("list_replicas", [parts(one)])
    site.write("results/two", b"second")
    assert not uploaded


def directory_is_empty(site: Site) -> Iterator[None]:
    site.put_all("ntuples")
    files = {path: path.read_bytes() for path in (site.workspace / "results" / "ntuples").iterdir()}
    for path in files:
        path.unlink()
    yield
    for path, content in files.items():
        site.write(f"results/ntuples/{path.name}", content)


def no_permission_at_the_rse(site: Site) -> Iterator[None]:
    """The policy of the server, which no check can know, forbids ordinary accounts to register replicas there."""
    site.account = "bob"
    site.put(rse="CERN-DISK")
    site.root.call("set_local_account_limit", "bob", "CERN-DISK", 10**12)
    yield
    site.uploads[0]["rse"] = "DAV1_SCRATCHDISK"


def no_permission_to_change_states(site: Site) -> Iterator[None]:
    """An ordinary account may add replicas, but not say later that they are available."""
    site.account, site.without_states = "bob", False
    site.put()
    yield


def no_quota(site: Site) -> Iterator[None]:
    site.account = "bob"
    site.put()
    site.root.call("set_local_account_limit", "bob", "DAV1_SCRATCHDISK", 10)
    try:
        yield
    finally:
        site.root.call("set_local_account_limit", "bob", "DAV1_SCRATCHDISK", 10**12)


def no_global_quota(site: Site) -> Iterator[None]:
    site.account = "bob"
    site.put()
    site.root.call("set_global_account_limit", "bob", "DAV1_SCRATCHDISK|DAV2_SCRATCHDISK", 10)
    try:
        yield
    finally:
        site.root.call("delete_global_account_limit", "bob", "DAV1_SCRATCHDISK|DAV2_SCRATCHDISK")


def quota_for_one_of_two(site: Site) -> Iterator[None]:
    """Each would fit, but not both. Nothing is uploaded."""
    site.account = "bob"
    one = site.put("one", b"1" * 6000)
    site.put("two", b"2" * 6000)
    (usage,) = site.root.call("get_local_account_usage", "bob", "DAV1_SCRATCHDISK")
    site.root.call("set_local_account_limit", "bob", "DAV1_SCRATCHDISK", usage["bytes"] + 10000)
    try:
        yield
        assert not site.root.call("list_replicas", [parts(one)])
    finally:
        site.root.call("set_local_account_limit", "bob", "DAV1_SCRATCHDISK", 10**12)


def read_only_rse(site: Site) -> Iterator[None]:
    site.put(rse="SITE4_READONLY")
    yield
    site.uploads[0]["rse"] = "DAV1_SCRATCHDISK"


def no_such_rse_to_upload(site: Site) -> Iterator[None]:
    site.put(rse="NO_SUCH_RSE")
    yield
    site.uploads[0]["rse"] = "DAV1_SCRATCHDISK"


def name_against_the_schema(site: Site) -> Iterator[None]:
    site.put("plot#1")
    yield
    rename(site, "plot-1")


def dataset_is_there(site: Site) -> Iterator[None]:
    did = site.put_all("ntuples")
    site.root.call("add_dataset", *did.split(":"))
    yield


def dataset_is_closed(site: Site) -> Iterator[None]:
    did = site.put_all("ntuples")
    site.root.call("add_dataset", *did.split(":"))
    site.root.call("close", *did.split(":"))
    yield
    content = site.content[did]
    site.uploads[0]["name"] = site.name("another")
    site.content[f"user.alice:{site.name('another')}"] = content


def dataset_with_a_lifetime(site: Site) -> Iterator[None]:
    """A second upload into the dataset, with a lifetime, as a re-run is."""
    did = site.put_all("ntuples", lifetime=86400)
    rule = {"account": "alice", "copies": 1, "rse_expression": "DAV1_SCRATCHDISK", "grouping": "DATASET", "lifetime": 9}
    site.root.call("add_dataset", *did.split(":"), rules=[rule])
    yield
    yield
    assert len(site.root.call("list_did_rules", *did.split(":"))) == 1


FAULTS: tuple[Fault, ...] = (
    Fault("the same content is there already", same_content_is_there),
    Fault("the same content is at another RSE", same_content_is_elsewhere),
    Fault("the DID exists with other content", other_content_is_there, 8, "plot-.*: exists with other content"),
    Fault("the DID is taken in mid-upload", taken_in_mid_upload, 8, "plot-"),
    Fault("the scope does not exist", unknown_scope, 7, "scope user.nobody"),
    Fault("the scope is another's", scope_of_another, 7, "scope user.alice"),
    Fault("the output does not exist", output_missing, 9, "results/plot: no such output"),
    Fault("one of two outputs does not exist", one_of_two_outputs_missing, 9, "results/two: no such output"),
    Fault("the directory of outputs is empty", directory_is_empty, 9, "results/ntuples/: no such output, or empty"),
    Fault("no permission for the RSE", no_permission_at_the_rse, 7, "bob can ?not add file replicas on CERN-DISK"),
    Fault("no permission to change the state of a replica", no_permission_to_change_states),
    Fault("no quota", no_quota, 7, "DAV1_SCRATCHDISK has 10 B of quota left|quota left"),
    Fault("no global quota", no_global_quota, 7, "quota left"),
    Fault("quota for one of two outputs", quota_for_one_of_two, 7, "quota left"),
    Fault("the RSE is read-only", read_only_rse, 7, "SITE4_READONLY cannot be written"),
    Fault("the RSE does not exist", no_such_rse_to_upload, 7, "rse=NO_SUCH_RSE"),
    Fault("the name is against the schema of the server", name_against_the_schema, 2, "plot#1"),
    Fault("the dataset exists", dataset_is_there),
    Fault("the dataset is closed", dataset_is_closed, 8, "is a closed dataset"),
    Fault("the dataset exists, and a lifetime is given", dataset_with_a_lifetime),
)
