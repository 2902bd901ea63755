"""stage-in: what lands where, and what happens the second time."""

from __future__ import annotations

import hashlib
import os
import signal
import time
import zlib
from pathlib import Path

import pytest

from tests.rucio.stager_job import Job, download, hashed, put, seen


@pytest.fixture
def name(unique_name) -> str:
    return unique_name("data")


def test_a_file_lands_at_its_path(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"events\n" * 1000)
    result = job.stage_in(download(f"user.alice:{name}", "data/here.root"))
    assert result.code == 0, result
    assert job.files() == {"data/here.root": b"events\n" * 1000}
    assert result.out.splitlines()[1].startswith(f"1/1 user.alice:{name} 7 kB ")
    assert result.out.splitlines()[1].endswith("/s SITE1_SCRATCHDISK")
    (row,) = result.receipt["files"]
    assert row.pop("seconds") >= 0
    assert row == {
        "did": f"user.alice:{name}",
        "path": "data/here.root",
        "bytes": 7000,
        "adler32": row["adler32"],
        "md5": row["md5"],
        "rse": "SITE1_SCRATCHDISK",
        "status": "fetched",
    }
    assert (result.receipt["instance"], result.receipt["account"]) == ("vre", "alice")


def test_a_second_run_transfers_nothing(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"1")
    put(job.server, tmp_path, f"user.alice:{name}.2", b"2", dataset=f"user.alice:{name}.ds")
    wanted = (download(f"user.alice:{name}", "f"), download(f"user.alice:{name}.ds", "d", "directory"))
    assert job.stage_in(*wanted).code == 0
    before = {path: (job.workspace / path).stat().st_mtime_ns for path in job.files()}
    job.server.clear_requests()
    result = job.stage_in(*wanted)
    assert set(result.statuses().values()) == {"present"}
    assert not seen(job.server, "POST /replicas/list")
    assert {path: (job.workspace / path).stat().st_mtime_ns for path in job.files()} == before


def test_a_dataset_a_container_and_overlaps(job: Job, name: str, tmp_path: Path) -> None:
    client = job.server.client()
    for number, dataset in (("1", "a"), ("2", "a"), ("3", "b")):
        did = f"user.alice:{name}.{number}"
        put(job.server, tmp_path, did, number.encode() * 500, dataset=f"user.alice:{name}.{dataset}")
    client.call("attach_dids", "user.alice", f"{name}.b", [{"scope": "user.alice", "name": f"{name}.1"}])
    for box, content in (("inner", ["a", "b"]), ("outer", ["inner"])):
        client.call("add_container", "user.alice", f"{name}.{box}")
        dids = [{"scope": "user.alice", "name": f"{name}.{each}"} for each in content]
        client.call("attach_dids", "user.alice", f"{name}.{box}", dids)
    result = job.stage_in(
        download(f"user.alice:{name}.a", "data/a", "directory"),
        download(f"user.alice:{name}.outer", "data/all", "directory"),
        download(f"user.alice:{name}.1", "one"),
    )
    assert result.code == 0, result
    content = {f"{name}.{number}": number.encode() * 500 for number in "123"}
    assert job.files() == {
        **{f"data/a/{file}": content[file] for file in list(content)[:2]},
        **{f"data/all/{file}": content[file] for file in content},
        "one": content[f"{name}.1"],
    }
    assert "3/3" in result.out, "each file is fetched once"


def test_the_first_files_of_a_dataset_in_name_order(job: Job, name: str, tmp_path: Path) -> None:
    for number in (3, 1, 2):
        put(job.server, tmp_path, f"user.alice:{name}.{number}", b"%d" % number, dataset=f"user.alice:{name}.ds")
    assert job.stage_in(download(f"user.alice:{name}.ds", "d", "directory", first=2)).code == 0
    assert job.files() == {f"d/{name}.1": b"1", f"d/{name}.2": b"2"}


def test_a_wildcard_is_files_and_files_of_datasets_each_once(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}.1", b"1", dataset=f"user.alice:{name}.ds")
    put(job.server, tmp_path, f"user.alice:other-{name}", b"2", dataset=f"user.alice:{name}.ds")
    put(job.server, tmp_path, f"user.alice:{name.upper()}.3", b"3")
    assert job.stage_in(download(f"user.alice:{name}*", "d", "directory")).code == 0
    assert job.files() == {f"d/{name}.1": b"1", f"d/other-{name}": b"2"}


def test_names_with_slashes(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:/store/{name}/a.root", b"a", dataset=f"user.alice:/store/{name}/ds")
    put(job.server, tmp_path, f"user.alice:x/{name}/b.root", b"b", dataset=f"user.alice:/store/{name}/ds")
    result = job.stage_in(
        download(f"user.alice:/store/{name}/a.root", "store/a.root"),
        download(f"user.alice:/store/{name}/ds", "flat", "directory"),
    )
    assert result.code == 0, result
    assert job.files() == {"store/a.root": b"a", "flat/a.root": b"a", "flat/b.root": b"b"}


def test_an_empty_file(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"")
    result = job.stage_in(download(f"user.alice:{name}", "empty"))
    assert result.code == 0, result
    assert job.files() == {"empty": b""}


def test_an_rse_expression_chooses_the_source(job: Job, name: str, tmp_path: Path) -> None:
    for rse in ("SITE1_SCRATCHDISK", "SITE2_SCRATCHDISK"):
        put(job.server, tmp_path, f"user.alice:{name}", b"x", rse)
    for rse in ("SITE2_SCRATCHDISK", r"*\SITE2_SCRATCHDISK"):
        result = job.stage_in(download(f"user.alice:{name}", "f", rse=rse))
        assert result.receipt["files"][0]["rse"] == ("SITE1_SCRATCHDISK" if "*" in rse else rse)
        (job.workspace / "f").unlink()


def test_a_lost_replica_falls_back_on_another(job: Job, name: str, tmp_path: Path) -> None:
    for rse in ("SITE1_SCRATCHDISK", "SITE2_SCRATCHDISK"):
        put(job.server, tmp_path, f"user.alice:{name}", b"right", rse)
    job.server.replica_path(f"user.alice:{name}", "SITE1_SCRATCHDISK").write_bytes(b"wrong")
    result = job.stage_in(download(f"user.alice:{name}", "f"))
    assert result.code == 0, result
    assert job.files() == {"f": b"right"}


def _register(job: Job, name: str, content: bytes, rse: str = "SITE1_SCRATCHDISK", **known: object) -> dict:
    """A file DID with a replica of which Rucio knows the size and what is given; the download of it."""
    place = job.server.rse_path(rse) / hashed("user.alice", name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    replica = {"scope": "user.alice", "name": name, "bytes": 5, **known}
    job.server.client().call("add_replicas", rse, [replica])
    return download(f"user.alice:{name}", f"data/{name}")


@pytest.mark.parametrize("known", ["md5", "nothing"])
def test_files_without_an_adler32(job: Job, name: str, known: str) -> None:
    """MD5 is compared where Rucio has that, else the size, which is all there is."""
    sums = {"md5": hashlib.md5(b"right").hexdigest()} if known == "md5" else {}
    good = _register(job, f"{name}.good", b"right", **sums)
    assert job.stage_in(good).code == 0
    assert job.stage_in(good).statuses() == {good["path"]: "present"}
    job.write(good["path"], "wrong")
    assert job.stage_in(good).statuses() == {good["path"]: "fetched" if known == "md5" else "present"}
    for number, content in enumerate([b"righ", b"right!"] + [b"wrong"] * (known == "md5")):
        bad = _register(job, f"{name}.{number}", content, **sums)
        result = job.stage_in(bad)
        assert result.code == 6, result
        assert not (job.workspace / bad["path"]).exists()


def test_nothing_is_fetched_from_tape(job: Job, name: str) -> None:
    """A job would wait for days, or fail: a copy on disk is taken, or asked for."""
    known = {"adler32": f"{zlib.adler32(b'right'):08x}"}
    tape = _register(job, name, b"right", "SITE5_TAPE", **known)
    result = job.stage_in(tape)
    assert result.code == 5, result
    assert "no available replica (there is: SITE5_TAPE AVAILABLE); `rucio add-rule` makes one on disk" in result.last
    _register(job, name, b"right", "SITE2_SCRATCHDISK", **known)
    assert job.stage_in(tape).receipt["files"][0]["rse"] == "SITE2_SCRATCHDISK"


def test_a_damaged_file_is_fetched_again(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"right", dataset=f"user.alice:{name}.ds")
    wanted = (download(f"user.alice:{name}", "f"), download(f"user.alice:{name}.ds", "d", "directory"))
    job.write("f", b"wrong")
    job.write(f"d/{name}", b"righ")
    result = job.stage_in(*wanted)
    assert result.code == 0, result
    assert job.files() == {"f": b"right", f"d/{name}": b"right"}


def test_a_dataset_that_grew_is_brought_up_to_date(job: Job, name: str, tmp_path: Path) -> None:
    did = f"user.alice:{name}.ds"
    put(job.server, tmp_path, f"user.alice:{name}.1", b"1", dataset=did)
    wanted = download(did, "d", "directory")
    assert job.stage_in(wanted).code == 0
    put(job.server, tmp_path, f"user.alice:{name}.2", b"2", dataset=did)
    before = (job.workspace / f"d/{name}.1").stat().st_ino
    result = job.stage_in(wanted)
    assert (job.workspace / f"d/{name}.1").stat().st_ino == before, "what is there already is not copied"
    assert result.statuses() == {f"d/{name}.1": "present", f"d/{name}.2": "fetched"}
    assert job.files() == {f"d/{name}.1": b"1", f"d/{name}.2": b"2"}


def test_a_directory_with_files_that_are_not_ours_is_left_alone(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"1", dataset=f"user.alice:{name}.ds")
    job.write("d/mine.txt", "precious")
    result = job.stage_in(download(f"user.alice:{name}.ds", "d", "directory"))
    assert result.code == 6
    assert "d/mine.txt" in result.last
    assert job.files() == {"d/mine.txt": b"precious"}


@pytest.mark.parametrize("path", ["link", "link/below", "a-file/below", "a-directory"])
def test_nothing_is_staged_through_a_link_or_over_something_else(
    job: Job, name: str, tmp_path: Path, path: str
) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"1")
    outside = tmp_path / "outside"
    outside.mkdir()
    (job.workspace / "link").symlink_to(outside)
    job.write("a-file", "x")
    (job.workspace / "a-directory").mkdir()
    result = job.stage_in(download(f"user.alice:{name}", path))
    assert result.code == 2, result
    assert path.split("/", maxsplit=1)[0] in result.last
    assert not list(outside.iterdir())


def test_words_replace_wildcards(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}.mu", b"muons")
    manifest = job.manifest("stage-in", downloads=[download(f"user.alice:{name}.{{what}}", "d/{what}.root")])
    manifest["receipt"] = "rucio-stage-in.{what}.json"
    result = job.finish(job.start(manifest, words=("what=mu",)), "rucio-stage-in.mu.json")
    assert result.statuses() == {"d/mu.root": "fetched"}, result
    result = job.finish(job.start(manifest, words=('what=../"x',)), "none")
    assert result.code == 2, result
    assert "downloads[0].path" in result.last or "downloads[0].name" in result.last or "receipt" in result.last


def test_many_files_come_in_several_batches(job: Job, name: str) -> None:
    files = [(f"{name}.{number:03d}", b"%d" % number) for number in range(230)]
    replicas = []
    for file, content in files:
        place = job.server.rse_path("SITE1_SCRATCHDISK") / hashed("user.alice", file)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        adler32 = f"{zlib.adler32(content):08x}"
        replicas.append({"scope": "user.alice", "name": file, "bytes": len(content), "adler32": adler32})
    client = job.server.client()
    client.call("add_replicas", "SITE1_SCRATCHDISK", replicas)
    client.call("add_dataset", "user.alice", f"{name}.ds", files=replicas)
    job.server.clear_requests()
    result = job.stage_in(download(f"user.alice:{name}.ds", "d", "directory"))
    assert result.code == 0, result
    assert job.files() == {f"d/{file}": content for file, content in files}
    lines = [line for line in result.out.splitlines() if "/230 " in line]
    assert [line.split("/")[0] for line in lines] == [str(number) for number in range(1, 231)]
    assert len({line.split()[1] for line in lines}) == 230
    assert len(seen(job.server, "POST /replicas/list")) == 2


def _slow_replica(job: Job, did: str) -> Path:
    """Make the replica a file without blocks that takes seconds to copy; returns it."""
    path = job.server.replica_path(did, "SITE1_SCRATCHDISK")
    os.truncate(path, 8_000_000_000)
    return path


def _wait_for(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("files", [1, 2], ids=["in the main thread", "while threads download"])
def test_a_signal_leaves_nothing(job: Job, name: str, tmp_path: Path, number: int, code: int, files: int) -> None:
    dids = [f"user.alice:{name}.{each}" for each in range(files)]
    for did in dids:
        put(job.server, tmp_path, did, b"1")
        _slow_replica(job, did)
    manifest = job.manifest("stage-in", downloads=[download(did, did[-1]) for did in dids])
    process = job.start(manifest)
    _wait_for(lambda: list(job.workspace.glob(".rucio-stage-vre-*/get/user.alice/*.part")))
    process.send_signal(number)
    result = job.finish(process, manifest["receipt"])
    assert result.code == code
    assert result.last == f"reana-rucio: error: stopped by signal {int(number)}; run it again"
    assert result.receipt is None
    assert job.files() == {}
    job.assert_clean()


def test_a_killed_run_is_taken_up(job: Job, name: str, tmp_path: Path) -> None:
    for letter in "ab":
        put(job.server, tmp_path, f"user.alice:{name}.{letter}", letter.encode(), dataset=f"user.alice:{name}.ds")
    replica = _slow_replica(job, f"user.alice:{name}.b")
    job.settings["threads"] = 1
    manifest = job.manifest("stage-in", downloads=[download(f"user.alice:{name}.ds", "d", "directory")])
    process = job.start(manifest)
    _wait_for(lambda: list(job.workspace.glob(f".rucio-stage-vre-*/get/user.alice/{name}.b.part")))
    process.kill()
    process.communicate()
    assert not (job.workspace / "d").exists()
    replica.write_bytes(b"b")
    job.forget_credentials()
    result = job.finish(job.start(manifest), manifest["receipt"])
    assert result.code == 0, result
    assert job.files() == {f"d/{name}.a": b"a", f"d/{name}.b": b"b"}
    assert f"1/1 user.alice:{name}.b " in result.out, "the file that was there is not fetched again"
    job.assert_clean()


def test_what_is_complete_stays_when_something_else_fails(job: Job, name: str, tmp_path: Path) -> None:
    for letter in "abc":
        dataset = {"dataset": f"user.alice:{name}.ds"} if letter != "a" else {}
        put(job.server, tmp_path, f"user.alice:{name}.{letter}", letter.encode(), **dataset)
    job.server.replica_path(f"user.alice:{name}.c", "SITE1_SCRATCHDISK").unlink()
    wanted = (download(f"user.alice:{name}.a", "a"), download(f"user.alice:{name}.ds", "d", "directory"))
    assert job.stage_in(*wanted).code == 5
    assert job.files() == {"a": b"a"}


def test_a_lock_holds_for_files_datasets_and_members(job: Job, name: str, tmp_path: Path) -> None:
    for number in "12":
        put(job.server, tmp_path, f"user.alice:{name}.{number}", number.encode(), dataset=f"user.alice:{name}.ds")
    lines = [f"user.alice:{name}.{number} 1 adler32:{zlib.adler32(number.encode()):08x}" for number in "12"]
    text = "".join(line + "\n" for line in lines)
    by_digest = {"length": 2, "bytes": 2, "digest": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"}
    wanted = [
        download(f"user.alice:{name}.1", "f", lock={"files": lines}),
        download(f"user.alice:{name}.ds", "d", "directory", lock={"files": lines}),
        download(f"user.alice:{name}.ds", "first", "directory", lock={"files": lines[:1]}, first=1),
        download(f"user.alice:{name}.ds", f"m/{name}.2", "member", lock={"files": lines}),
        download(f"user.alice:{name}.ds", "digest", "directory", lock=by_digest),
        download(f"user.alice:{name}.ds", "kept", "directory", lock={"files": lines[1:]}, contents="locked"),
    ]
    result = job.stage_in(*wanted)
    assert result.code == 0, result
    assert len(job.files()) == 8
    assert job.files()[f"kept/{name}.2"] == b"2"
    for number, entry in enumerate(wanted[:5]):
        lock = entry["lock"]
        if number == 4:
            wrong = {**lock, "digest": "sha256:" + "0" * 64}
        else:
            wrong = {"files": [line.replace(" 1 ", " 2 ") for line in lock["files"]]}
        result = job.stage_in({**entry, "path": "new/" + entry["path"], "lock": wrong})
        assert result.code == 6, result
        assert "is not what was locked" in result.last
    assert not (job.workspace / "new").exists()


def test_what_another_job_left_goes_when_it_is_a_day_old(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"1")
    old, young = (job.workspace / f".rucio-stage-vre-{mark}" for mark in ("0123456789ab", "ba9876543210"))
    for each in (old, young):
        (each / "get").mkdir(parents=True)
    for each in (old / "get", old, young):  # in the young one, something is new further down
        os.utime(each, (1, 1))
    manifest = job.manifest("stage-in", downloads=[download(f"user.alice:{name}", "f")])
    assert job.finish(job.start(manifest), manifest["receipt"]).code == 0
    assert not old.exists()
    assert young.exists()
