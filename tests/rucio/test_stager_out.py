"""stage-out and stage-check: what the server holds afterwards, read back by another client."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.rucio.server import RucioError, Server
from tests.rucio.stager_job import RUN, Job, hashed, put, seen, upload


@pytest.fixture
def name(unique_name) -> str:
    return unique_name("out")


def rules(job: Job, name: str, scope: str = "user.alice") -> list[tuple]:
    """(account, RSE, days to live or None) of each rule on a DID."""
    found = job.server.client().call("list_did_rules", scope, name)
    return [(rule["account"], rule["rse_expression"], bool(rule["expires_at"])) for rule in found]


def states(job: Job, name: str, scope: str = "user.alice") -> dict[str, str]:
    replicas = job.server.client().call("list_replicas", [{"scope": scope, "name": name}], all_states=True)
    return replicas[0]["states"] if replicas else {}


def content(job: Job, name: str) -> list[str]:
    return sorted(row["name"] for row in job.server.client().call("list_content", "user.alice", name))


def exists(job: Job, name: str) -> bool:
    try:
        return bool(job.server.client().call("get_did", "user.alice", name))
    except RucioError as error:
        if error.class_name != "DataIdentifierNotFound":
            raise
        return False


def test_a_file_has_a_replica_and_one_rule(job: Job, name: str) -> None:
    job.write("results/plot.png", "a plot")
    result = job.stage_out(upload(f"user.alice:{name}", "results/plot.png", lifetime=86400))
    assert result.code == 0, result
    assert job.server.replica_path(f"user.alice:{name}", "SITE1_SCRATCHDISK").read_bytes() == b"a plot"
    assert states(job, name) == {"SITE1_SCRATCHDISK": "AVAILABLE"}
    assert rules(job, name) == [("alice", "SITE1_SCRATCHDISK", True)]
    assert result.statuses() == {"results/plot.png": "uploaded"}
    assert f"1/1 user.alice:{name} 6 B " in result.out


def test_a_directory_is_a_dataset_with_one_rule(job: Job, name: str) -> None:
    for letter in "ab":
        job.write(f"ntuples/{name}.{letter}", letter * 100)
    job.write("ntuples/.snakemake_timestamp", "")
    result = job.stage_out(upload(f"user.alice:{name}", "ntuples", kind="directory", lifetime=86400))
    assert result.code == 0, result
    assert content(job, name) == [f"{name}.a", f"{name}.b"]
    assert rules(job, name) == [("alice", "SITE1_SCRATCHDISK", True)]
    assert rules(job, f"{name}.a") == []
    assert job.server.client().call("get_did", "user.alice", name)["open"]


def test_a_file_in_a_dataset_has_no_rule_of_its_own(job: Job, name: str) -> None:
    job.write("a", "a")
    job.write("b", "b")
    result = job.stage_out(
        upload(f"user.alice:{name}.a", "a", dataset=f"{name}.ds", lifetime=86400),
        upload(f"user.alice:{name}.b", "b", dataset=f"user.alice:{name}.ds", lifetime=86400),
    )
    assert result.code == 0, result
    assert content(job, f"{name}.ds") == [f"{name}.a", f"{name}.b"]
    assert rules(job, f"{name}.ds") == [("alice", "SITE1_SCRATCHDISK", True)]
    assert rules(job, f"{name}.a") == []


def test_a_second_run_changes_nothing(job: Job, name: str) -> None:
    job.write("a", "a")
    job.write("d/" + name, "d")
    wanted = (
        upload(f"user.alice:{name}.a", "a", lifetime=86400),
        upload(f"user.alice:{name}.ds", "d", kind="directory", lifetime=86400),
    )
    assert job.stage_out(*wanted).code == 0
    client = job.server.client()
    before = [client.call("list_did_rules", "user.alice", f"{name}.{each}") for each in ("a", "ds")]
    job.server.clear_requests()
    result = job.stage_out(*wanted)
    assert set(result.statuses().values()) == {"present"}
    changing = [request for request in seen(job.server, "POST") if not request.endswith(("/list", "/bulkmeta"))]
    assert changing + seen(job.server, "PUT") + seen(job.server, "DELETE") == []
    assert [client.call("list_did_rules", "user.alice", f"{name}.{each}") for each in ("a", "ds")] == before


def test_run_is_the_uuid_of_the_workflow(job: Job, name: str) -> None:
    job.write("a", "a")
    below = job.workspace / "cwl" / "outdir" / "x1"
    below.mkdir(parents=True)
    (below / "a").write_text("a")
    one = upload(f"user.alice:{name}-{{run}}.a", "a", dataset=f"{name}-{{run}}")
    assert job.stage_out(one).code == 0
    assert content(job, f"{name}-{RUN}") == [f"{name}-{RUN}.a"]
    again = job.run("stage-out", cwd=below, uploads=[one])
    assert again.statuses() == {"a": "present"}


def test_run_from_the_environment_or_not_at_all(job: Job, name: str, tmp_path: Path) -> None:
    job.workspace = tmp_path / "elsewhere"
    job.write("a", "a")
    one = upload(f"user.alice:{name}-{{run}}", "a")
    result = job.stage_out(one)
    assert result.code == 2
    assert "RUCIO_STAGE_RUN" in result.last
    job.environment["RUCIO_STAGE_RUN"] = "try-7"
    assert job.stage_out(one).code == 0
    assert exists(job, f"{name}-try-7")


def test_an_ordinary_account_where_policy_lets_it(rucio_server: Server, tmp_path: Path, name: str) -> None:
    job = Job(tmp_path, rucio_server, account="bob")
    job.write("a", "a")
    job.write("d/" + name, "d")
    result = job.stage_out(
        upload(f"user.bob:{name}.a", "a", rse="SITE1_SCRATCHDISK|SITE2_SCRATCHDISK"),
        upload(f"user.bob:{name}.ds", "d", kind="directory"),
    )
    assert result.code == 0, result
    assert rules(job, f"{name}.a", "user.bob") == [("bob", "SITE1_SCRATCHDISK", False)]


def test_the_same_content_elsewhere_gets_a_replica_and_a_rule(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"same", "SITE2_SCRATCHDISK")
    job.write("a", "same")
    result = job.stage_out(upload(f"user.alice:{name}", "a"))
    assert result.statuses() == {"a": "uploaded"}
    assert states(job, name) == dict.fromkeys(("SITE1_SCRATCHDISK", "SITE2_SCRATCHDISK"), "AVAILABLE")
    assert sorted(rules(job, name)) == [("alice", f"SITE{each}_SCRATCHDISK", False) for each in "12"]


def test_other_content_is_refused_before_anything_is_uploaded(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"old")
    job.write("a", "new")
    job.write("b", "b")
    result = job.stage_out(upload(f"user.alice:{name}.b", "b"), upload(f"user.alice:{name}", "a"))
    assert result.code == 8
    assert f"user.alice:{name}: exists with other content" in result.last
    assert "{run}" in result.last
    assert not exists(job, f"{name}.b")


def test_if_exists_fail(job: Job, name: str) -> None:
    job.write("a", "a")
    one = upload(f"user.alice:{name}", "a", if_exists="fail")
    assert job.stage_out(one).code == 0
    assert job.stage_out(one).code == 8
    assert job.run("stage-check", uploads=[one]).code == 8


@pytest.mark.parametrize("kind", ["closed", "container", "file"])
def test_a_dataset_that_takes_no_files(job: Job, name: str, tmp_path: Path, kind: str) -> None:
    client = job.server.client()
    if kind == "closed":
        client.call("add_dataset", "user.alice", name)
        client.call("close", "user.alice", name)
    elif kind == "container":
        client.call("add_container", "user.alice", name)
    else:
        put(job.server, tmp_path, f"user.alice:{name}", b"x")
    job.write("d/" + name + ".x", "x")
    one = upload(f"user.alice:{name}", "d", kind="directory")
    for action in ("stage-check", "stage-out"):
        result = job.run(action, uploads=[one])
        assert result.code == 8, result
        assert f"user.alice:{name}: is a {kind}" in result.last
    assert not exists(job, f"{name}.x")


def test_a_dataset_in_place_of_a_file(job: Job, name: str) -> None:
    job.server.client().call("add_dataset", "user.alice", name)
    job.write("a", "a")
    assert job.stage_out(upload(f"user.alice:{name}", "a")).code == 8


def test_an_existing_dataset_keeps_its_rule(job: Job, name: str) -> None:
    rule = {"account": "alice", "copies": 1, "rse_expression": "SITE2_SCRATCHDISK", "grouping": "DATASET"}
    job.server.client().call("add_dataset", "user.alice", f"{name}.ds", rules=[{**rule, "lifetime": None}])
    job.write("a", "a")
    one = upload(
        f"user.alice:{name}", "a", rse="SITE1_SCRATCHDISK|SITE2_SCRATCHDISK", dataset=f"{name}.ds", lifetime=99
    )
    result = job.stage_out(one)
    assert result.code == 0, result
    assert rules(job, f"{name}.ds") == [("alice", "SITE2_SCRATCHDISK", False)]
    assert states(job, name) == {"SITE2_SCRATCHDISK": "AVAILABLE"}, "where the dataset has its rule"


@pytest.mark.parametrize(
    "missing",
    ["results/plot.png", "other.txt", "ntuples/", "empty/"],
    ids=["of an upload", "of another instance", "directory", "empty directory"],
)
def test_nothing_is_uploaded_unless_everything_is_there(job: Job, name: str, missing: str) -> None:
    job.write("there", "x")
    (job.workspace / "empty").mkdir()
    uploads, requires = [upload(f"user.alice:{name}", "there")], []
    if missing == "other.txt":
        requires = ["there", missing]
    else:
        kind = "directory" if missing.endswith("/") else "file"
        uploads.append(upload(f"user.alice:{name}.2", missing.rstrip("/"), kind=kind))
    result = job.stage_out(*uploads, requires=requires)
    assert result.code == 9, result
    assert missing in result.last
    assert not exists(job, name)


@pytest.mark.parametrize("what", ["link", "link inside", "directory inside"])
def test_links_and_directories_are_no_outputs(job: Job, name: str, what: str) -> None:
    job.write(f"d/{name}.x", "x")
    if what == "link":
        (job.workspace / "e").symlink_to("d")
    elif what == "link inside":
        (job.workspace / "d" / "link").symlink_to(f"{name}.x")
    else:
        (job.workspace / "d" / "sub").mkdir()
    result = job.stage_out(upload(f"user.alice:{name}", "e" if what == "link" else "d", kind="directory"))
    assert result.code == 9, result
    assert not exists(job, name)


def test_check_finds_everything_right_and_changes_nothing(job: Job, name: str) -> None:
    job.server.clear_requests()
    result = job.run(
        "stage-check",
        uploads=[
            upload(f"user.alice:{name}", "later"),
            upload(f"user.alice:{name}.ds", "later-too", kind="directory"),
        ],
    )
    assert result.code == 0, result
    assert result.receipt["files"] == []
    assert {row["rse"] for row in result.receipt["outputs"]} == {"SITE1_SCRATCHDISK"}
    assert not exists(job, name)
    assert not exists(job, f"{name}.ds")


@pytest.mark.parametrize("action", ["stage-in", "stage-check"])
def test_outputs_are_checked_before_anything_is_fetched(job: Job, name: str, tmp_path: Path, action: str) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"x")
    downloads = [{"scope": "user.alice", "name": name, "type": "file", "path": "f"}]
    result = job.run(action, downloads=downloads, uploads=[upload(f"user.bob:{name}", "x", rse="NO_SUCH")])
    assert result.code == 7, result
    assert job.files() == {}


def test_an_upload_killed_half_way_is_repeated(job: Job, name: str) -> None:
    """SIGKILL while the file is on its way: its name is not burnt, and the next run uploads all."""
    job.write("a", "a")
    job.write("b", os.urandom(200_000_000))
    job.settings["threads"] = 1
    wanted = [upload(f"user.alice:{name}.{each}", each) for each in "ab"]
    manifest = job.manifest("stage-out", uploads=wanted)
    process = job.start(manifest)
    place = job.server.rse_path("SITE1_SCRATCHDISK") / hashed("user.alice", f"{name}.b")
    end = time.monotonic() + 60
    while not place.with_name(f"{name}.b.rucio.upload").exists():  # it is there for a fraction of a second
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert exists(job, f"{name}.a")
    assert not exists(job, f"{name}.b")
    job.forget_credentials()
    job.write("b", "other content, as a new run of the analysis makes it")
    result = job.stage_out(*wanted)
    assert result.code == 0, result
    assert result.statuses() == {"a": "present", "b": "uploaded"}
    assert rules(job, f"{name}.b") == [("alice", "SITE1_SCRATCHDISK", False)]


def test_a_file_left_unregistered_on_the_storage_is_replaced(job: Job, name: str) -> None:
    """A run killed between storing and registering."""
    place = job.server.rse_path("SITE1_SCRATCHDISK") / hashed("user.alice", name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("left over")
    job.write("a", "right")
    assert job.stage_out(upload(f"user.alice:{name}", "a")).code == 0
    assert job.server.replica_path(f"user.alice:{name}", "SITE1_SCRATCHDISK") == place
    assert place.read_text() == "right"


def test_bytes_that_a_killed_run_left_where_the_content_is_known_elsewhere(job: Job, name: str, tmp_path: Path) -> None:
    """The client takes what lies at the site for an upload that is done: nobody has registered it there."""
    put(job.server, tmp_path, f"user.alice:{name}", b"right", "SITE2_SCRATCHDISK")
    place = job.server.rse_path("SITE1_SCRATCHDISK") / hashed("user.alice", name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("left over")
    job.write("a", "right")
    result = job.stage_out(upload(f"user.alice:{name}", "a"))
    assert result.code == 0, result
    assert states(job, name) == dict.fromkeys(("SITE1_SCRATCHDISK", "SITE2_SCRATCHDISK"), "AVAILABLE")
    assert place.read_text() == "right"


def test_a_rule_that_is_missing_is_made(job: Job, name: str) -> None:
    """A run killed between registering and making the rule."""
    path = job.write("a", "a")
    item = {"path": str(path), "did_scope": "user.alice", "did_name": name, "rse": "SITE1_SCRATCHDISK"}
    client = job.server.client()
    client.upload([{**item, "no_register": True}])
    replica = {"scope": "user.alice", "name": name, "bytes": 1, "adler32": "00620062"}
    client.call("add_replicas", "SITE1_SCRATCHDISK", [replica])
    assert rules(job, name) == []
    result = job.stage_out(upload(f"user.alice:{name}", "a"))
    assert result.statuses() == {"a": "present"}
    assert rules(job, name) == [("alice", "SITE1_SCRATCHDISK", False)]


def test_a_replica_that_another_program_left_half_done(job: Job, name: str) -> None:
    """Killed in the client's default mode: registered, its replica COPYING, nothing on the storage."""
    job.write("a", "a")
    replica = {"scope": "user.alice", "name": name, "bytes": 1, "adler32": "00620062", "state": "C"}
    job.server.client().call("add_replicas", "SITE1_SCRATCHDISK", [replica])
    assert states(job, name) == {"SITE1_SCRATCHDISK": "COPYING"}
    result = job.stage_out(upload(f"user.alice:{name}", "a"))
    assert result.code == 0, result
    assert states(job, name) == {"SITE1_SCRATCHDISK": "AVAILABLE"}
    assert job.server.replica_path(f"user.alice:{name}", "SITE1_SCRATCHDISK").read_text() == "a"
