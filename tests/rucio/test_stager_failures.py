"""Each way to fail, provoked on the real server: the exit code, the last line, and nothing at a target path."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.rucio.server import Server, running
from tests.rucio.stager_job import Job, download, put, upload

SLOW = pytest.mark.slow


@pytest.fixture
def name(unique_name) -> str:
    return unique_name("bad")


def fails(job: Job, code: int, *parts: str, **fields: object) -> str:
    """Stage in, and hold that it fails with this code, these parts in its last line, and an untouched workspace."""
    before = job.files()
    result = job.run("stage-in", **fields)
    assert result.code == code, result
    for part in parts:
        assert part in result.last, result
    assert job.files() == before
    return result.last


# ---- 2: manifest or usage


def change(value: object, *path: object):
    """A change of the example manifest: the value at `path`, or its removal for ..."""

    def apply(manifest: dict) -> None:
        target = manifest
        for step in path[:-1]:
            target = target[step]
        if value is ...:
            del target[path[-1]]
        else:
            target[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    ("located", "apply"),
    [
        ("format: is missing", change(..., "format")),
        ("format", change(2, "format")),
        ("format", change("1", "format")),
        ("action", change("stage", "action")),
        ("instance: is missing", change(..., "instance")),
        ("instance", change([], "instance")),
        ("instance.name", change("../x", "instance", "name")),
        ("instance.auth_type", change("gss", "instance", "auth_type")),
        ("instance.rucio_host", change("http://rucio.example.org", "instance", "rucio_host")),
        ("instance.rucio_host", change("http://127.0.0.1.example.org", "instance", "rucio_host")),
        ("instance.auth_host", change(..., "instance", "auth_host")),
        ("instance.password_env: is missing", change(..., "instance", "password_env")),
        ("instance.colour", change("red", "instance", "colour")),
        ("instance.proxy_file", change("../x", "instance", "proxy_file")),
        ("downloads", change({}, "downloads")),
        ("downloads[1]", change(5, "downloads", 1)),
        ("downloads[1].path: is missing", change(..., "downloads", 1, "path")),
        ("downloads[1].path", change("../x", "downloads", 1, "path")),
        ("downloads[1].path", change("/etc/passwd", "downloads", 1, "path")),
        ("downloads[1].path", change("a/../b", "downloads", 1, "path")),
        ("downloads[1].path", change("a//b", "downloads", 1, "path")),
        ("downloads[1].path", change("a\nb", "downloads", 1, "path")),
        ("downloads[1].path", change("a\n", "downloads", 1, "path")),
        ("downloads[1].path", change("", "downloads", 1, "path")),
        ("downloads[1].name", change("a b", "downloads", 1, "name")),
        ("downloads[1].name", change("a/../b", "downloads", 1, "name")),
        ("downloads[1].scope", change("a:b", "downloads", 1, "scope")),
        ("downloads[1].type", change("dataset", "downloads", 1, "type")),
        ("downloads[1].first", change(0, "downloads", 1, "first")),
        ("downloads[1].first", change(1.5, "downloads", 1, "first")),
        ("downloads[1].first", change(True, "downloads", 1, "first")),
        ("one/two", change("one/two", "downloads", 1, "path")),
        ("one", change("one", "downloads", 1, "path")),
        ("uploads[0].rse: is missing", change(..., "uploads", 0, "rse")),
        ("uploads[0].lifetime", change("30d", "uploads", 0, "lifetime")),
        ("uploads[0].if_exists", change("overwrite", "uploads", 0, "if_exists")),
        ("uploads[0].dataset", change("a:b:c", "uploads", 0, "dataset")),
        ("requires[0]", change(["../x"], "requires")),
        ("receipt", change("../receipt", "receipt")),
        ("settings.attempts", change(0, "settings", "attempts")),
        ("settings.backoff", change(-1, "settings", "backoff")),
        ("settings.retries", change(1, "settings", "retries")),
    ],
)
def test_2_bad_manifest(rucio_server: Server, tmp_path: Path, located: str, apply) -> None:
    job = Job(tmp_path, rucio_server)
    manifest = job.manifest(
        "stage-in",
        downloads=[download("user.alice:a", "one"), download("user.alice:b", "two", "directory")],
        uploads=[upload("user.alice:c", "three")],
        requires=[],
    )
    apply(manifest)
    stale = job.write("rucio-stage-in.vre.json", "{}")
    result = job.finish(job.start(manifest), "rucio-stage-in.vre.json")
    assert result.code == 2, result
    assert result.last.startswith("reana-rucio: error: ")
    assert located in result.last
    assert "Traceback" not in result.err
    assert stale.exists() == (manifest.get("receipt") == "../receipt"), "no receipt of an earlier run stays"
    assert job.files() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '"x"', "{}", '{"receipt": 5}'])
def test_2_no_manifest(rucio_server: Server, tmp_path: Path, text: str) -> None:
    job = Job(tmp_path, rucio_server)
    result = job.finish(job.start(text), "receipt")
    assert (result.code, result.err.count("\n")) == (2, 1), result


def test_2_two_uploads_of_one_name(job: Job, name: str) -> None:
    job.write("a", "a")
    job.write("b", "b")
    result = job.stage_out(upload(f"user.alice:{name}", "a"), upload(f"user.alice:{name}", "b"))
    assert result.code == 2, result
    assert f"user.alice:{name}" in result.last


# ---- 3: secrets, proxy, configuration


def test_3_no_password(job: Job) -> None:
    del job.environment["RUCIO_VRE_PASSWORD"]
    result = job.finish(job.start(job.manifest("stage-in")), "rucio-stage-in.vre.json")
    assert result.code == 3
    assert "reana-client secrets-add --overwrite --env RUCIO_VRE_PASSWORD=" in result.last


def test_3_wrong_password(job: Job) -> None:
    job.environment["RUCIO_VRE_PASSWORD"] = "let-me-in%(x)s"
    fails(job, 3, "account alice: ", downloads=[download("user.alice:x", "f")])


def test_3_no_account(job: Job) -> None:
    del job.instance["account"]
    fails(job, 3, "secrets-add --overwrite --env RUCIO_USERNAME=")


def test_3_unknown_account(job: Job) -> None:
    job.instance["account"] = "nobody"
    fails(job, 3, "account nobody: ")


# ---- 4: server unreachable


@pytest.mark.parametrize("action", ["stage-in", "stage-check", "stage-out"])
def test_4_server_down(tmp_path: Path, rucio_server: Server, action: str) -> None:
    job = Job(tmp_path, rucio_server)
    for host in ("rucio_host", "auth_host"):
        job.instance[host] = "http://127.0.0.1:9"
    result = job.run(action)
    assert result.code == 4, result
    assert result.last.startswith("reana-rucio: error: server http://127.0.0.1:9: ")
    assert result.out.count("again in 0.05 s") == 1, "one more attempt, as the settings say"


@SLOW
def test_4_server_goes_down_and_comes_back(tmp_path: Path) -> None:
    with running(tmp_path / "server") as server:
        put(server, tmp_path, "user.alice:there", b"x")
        job = Job(tmp_path / "job", server)
        job.settings.update(attempts=10, backoff=0.1)  # 50 s, for a busy machine
        server.stop()
        process = job.start(job.manifest("stage-in", downloads=[download("user.alice:there", "f")]))
        for line in process.stdout:
            if "again in" in line:
                break
        server.start()
        result = job.finish(process, "rucio-stage-in.vre.json")
        assert result.code == 0, result
        assert job.files() == {"f": b"x"}


def test_4_storage_fails(job: Job, name: str, tmp_path: Path) -> None:
    """The replica cannot be read for a reason that may pass: tried again, then reported with the cause."""
    put(job.server, tmp_path, f"user.alice:{name}", b"x")
    replica = job.server.replica_path(f"user.alice:{name}", "SITE1_SCRATCHDISK")
    replica.unlink()
    replica.mkdir()
    last = fails(job, 4, f"user.alice:{name}: ", "SITE1_SCRATCHDISK", downloads=[download(f"user.alice:{name}", "f")])
    assert "irectory" in last


# ---- 5: not found, wrong type, no replica


def test_5_missing_dids(job: Job, name: str) -> None:
    wanted = [download(f"user.alice:{name}.{number}", f"f{number}") for number in range(5)]
    fails(
        job, 5, f"user.alice:{name}.0, user.alice:{name}.1, user.alice:{name}.2 and 2 more: not found", downloads=wanted
    )
    fails(job, 5, f"user.alice:{name}: ", downloads=[download(f"user.alice:{name}", "d", "directory")])
    fails(job, 5, f"user.alice:{name}*: ", downloads=[download(f"user.alice:{name}*", "d", "directory")])
    fails(job, 5, f"no.such:{name}: ", downloads=[download(f"no.such:{name}", "d", "directory")])


def test_5_wrong_type(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"x", dataset=f"user.alice:{name}.ds")
    fails(job, 5, f"user.alice:{name}.ds: is a dataset", downloads=[download(f"user.alice:{name}.ds", "f")])
    fails(job, 5, f"user.alice:{name}: is a file", downloads=[download(f"user.alice:{name}", "d", "directory")])


def test_5_empty_dataset(job: Job, name: str) -> None:
    job.server.client().call("add_dataset", "user.alice", name)
    fails(job, 5, f"user.alice:{name}: ", downloads=[download(f"user.alice:{name}", "d", "directory")])


def test_5_two_files_of_one_name(job: Job, name: str, tmp_path: Path) -> None:
    for folder in ("x", "y"):
        put(job.server, tmp_path, f"user.alice:{folder}/{name}/a", folder.encode(), dataset=f"user.alice:{name}")
    wanted = [download(f"user.alice:{name}", "d", "directory")]
    fails(job, 5, f"user.alice:x/{name}/a", f"user.alice:y/{name}/a", downloads=wanted)


@pytest.mark.parametrize("how", ["unavailable", "elsewhere", "lost"])
def test_5_no_replica(job: Job, name: str, tmp_path: Path, how: str) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"x")
    wanted = download(f"user.alice:{name}", "f")
    if how == "unavailable":
        replica = {"scope": "user.alice", "name": name, "state": "U"}
        job.server.client().call("update_replicas_states", "SITE1_SCRATCHDISK", [replica])
        fails(job, 5, f"user.alice:{name}: no available replica", "SITE1_SCRATCHDISK UNAVAILABLE", downloads=[wanted])
    elif how == "elsewhere":
        wanted["rse"] = "SITE2_SCRATCHDISK"
        fails(job, 5, "rse=SITE2_SCRATCHDISK", "SITE1_SCRATCHDISK AVAILABLE", downloads=[wanted])
    else:
        job.server.replica_path(f"user.alice:{name}", "SITE1_SCRATCHDISK").unlink()
        fails(job, 5, f"user.alice:{name}: no available replica", "SITE1_SCRATCHDISK", downloads=[wanted])


def test_5_one_bad_file_of_a_dataset(job: Job, name: str, tmp_path: Path) -> None:
    """The dataset does not come at all; what is complete is not thrown away, but not half of a directory."""
    for letter in "ab":
        put(job.server, tmp_path, f"user.alice:{name}.{letter}", b"x", dataset=f"user.alice:{name}")
    job.server.replica_path(f"user.alice:{name}.b", "SITE1_SCRATCHDISK").unlink()
    fails(job, 5, f"user.alice:{name}.b", downloads=[download(f"user.alice:{name}", "d", "directory")])


# ---- 6: checksum and size


@pytest.mark.parametrize("content", [b"wrong", b"righ", b"", b"right and more"])
def test_6_bad_replica(job: Job, name: str, tmp_path: Path, content: bytes) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"right")
    job.server.replica_path(f"user.alice:{name}", "SITE1_SCRATCHDISK").write_bytes(content)
    fails(job, 6, f"user.alice:{name}: ", "SITE1_SCRATCHDISK", downloads=[download(f"user.alice:{name}", "f")])


def test_6_leaves_the_file_that_was_there(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"right")
    job.server.replica_path(f"user.alice:{name}", "SITE1_SCRATCHDISK").write_bytes(b"wrong")
    job.write("f", "mine")
    fails(job, 6, downloads=[download(f"user.alice:{name}", "f")])


# ---- 7: permission, quota, RSE


@pytest.mark.parametrize(
    ("account", "did", "rse", "part"),
    [
        pytest.param("bob", "user.alice:x", "SITE1_SCRATCHDISK", "scope user.alice", id="scope of another"),
        pytest.param("alice", "no.such:x", "SITE1_SCRATCHDISK", "scope no.such", id="no such scope"),
        pytest.param("bob", "user.bob:x", "SITE2_SCRATCHDISK", "quota", id="no quota here"),
        pytest.param("carol", "user.carol:x", "SITE1_SCRATCHDISK", "quota", id="no quota anywhere"),
        pytest.param("alice", "user.alice:x", "NO_SUCH_RSE", "NO_SUCH_RSE", id="no such RSE"),
        pytest.param("alice", "user.alice:x", "a=b&", "a=b&", id="no expression"),
        pytest.param("alice", "user.alice:x", "SITE4_READONLY", "SITE4_READONLY cannot be written", id="read only"),
    ],
)
@pytest.mark.parametrize("action", ["stage-check", "stage-in", "stage-out"])
def test_7_outputs_that_the_server_will_refuse(
    rucio_server: Server, tmp_path: Path, account: str, did: str, rse: str, part: str, action: str
) -> None:
    job = Job(tmp_path, rucio_server, account=account)
    job.write("a", "a")
    result = job.run(action, uploads=[upload(did, "a", rse=rse)])
    assert result.code == 7, result
    assert part in result.last


def test_7_the_policy_refuses_what_no_check_can_know(tmp_path: Path, unique_name) -> None:
    """The generic policy lets ordinary accounts register replicas at certain RSEs only."""
    from tests.rucio.server import SEED

    seed = json.loads(json.dumps(SEED))
    seed["rses"]["SITE3_ARCHIVE"]["quota"] = ["bob"]
    with running(tmp_path / "server", seed=seed) as server:
        job = Job(tmp_path / "job", server, account="bob")
        job.write("a", "a")
        result = job.stage_out(upload("user.bob:a", "a", rse="SITE3_ARCHIVE"))
        assert result.code == 7, result
        assert result.last.startswith("reana-rucio: error: user.bob:a: ")
        again = job.stage_out(upload("user.bob:a", "a", rse="SITE1_SCRATCHDISK"))
        assert again.code == 0, "the name is not burnt"


def test_7_unknown_rse_of_a_download(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"x")
    fails(job, 7, "rse=NO_SUCH", downloads=[download(f"user.alice:{name}", "f", rse="NO_SUCH")])


# ---- 1: unexpected


def test_1_has_a_traceback_and_a_last_line(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"x")
    (job.workspace / "rucio-stage-in.vre.json").mkdir()
    result = job.finish(
        job.start(job.manifest("stage-in", downloads=[download(f"user.alice:{name}", "f")])), "no-receipt"
    )
    assert result.code == 1, result
    assert "Traceback" in result.err
    assert result.last.startswith("reana-rucio: error: IsADirectoryError: ")
    assert os.listdir(job.workspace) == ["rucio-stage-in.vre.json"] or job.files() == {"f": b"x"}
