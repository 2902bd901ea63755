"""Locks: made from what a real server holds, and held against by the stager when that has changed."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

import reana_rucio_compiler
from reana_rucio_compiler import locks
from reana_rucio_compiler.diagnostics import Report
from reana_rucio_compiler.locks import lock_path, read_lock
from reana_rucio_compiler.staging import stage_in_jobs
from tests import command
from tests.environments import needs
from tests.examples import ROOT
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, Job, Result, hashed, put

WORKFLOW = """workflow:
  type: serial
  specification:
    steps:
      - environment: a:1
        commands:
          - ls
"""
SCHEMA = json.loads((ROOT / "schemas" / "lock.json").read_text())


@pytest.fixture
def server(rucio_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    """The http server, whose client and rucio.cfg this machine has; the current directory is an empty one."""
    for name in ("RUCIO_HOME", "VIRTUAL_ENV", "RUCIO_ACCOUNT", "X509_USER_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{needs(CLIENTS).parent}:/usr/bin:/bin")
    monkeypatch.setenv("RUCIO_CONFIG", str(rucio_server.config("alice")))
    analysis = tmp_path / "analysis"
    analysis.mkdir()
    monkeypatch.chdir(analysis)
    return rucio_server


@pytest.fixture
def name(unique_name: Callable[[str], str]) -> str:
    return unique_name("data")


@pytest.fixture
def dataset(server: Server, name: str, tmp_path: Path) -> str:
    """The DID of a dataset of the files NAME.1 and NAME.2."""
    for number in "12":
        put(server, tmp_path, f"user.alice:{name}.{number}", number.encode() * 9, dataset=f"user.alice:{name}")
    return f"user.alice:{name}"


def _write(server: Server, files: str = "", directories: str = "", workflow: str = WORKFLOW) -> Path:
    lines = [f"rucio: {{instances: {{vre: {{rucio_host: '{server.url}'}}}}}}", "inputs:"]
    for section, text in (("files", files), ("directories", directories)):
        lines += [f"  {section}:", *(f"    - {line}" for line in text.splitlines())] if text else []
    path = Path("reana.yaml")
    path.write_text("\n".join(lines) + "\n" + workflow)
    return path


def _locked() -> dict[str, Any]:
    """The lock, which fits its schema."""
    lock: dict[str, Any] = json.loads(Path("reana.rucio-lock.json").read_text())
    Draft7Validator(SCHEMA).validate(lock)
    return lock


def _lock(*args: str) -> command.Result:
    return command.run("lock", *args)


def _stage(server: Server, directory: Path) -> tuple[Result, Job]:
    """What the staging job of the compiled specification does."""
    plan = reana_rucio_compiler.compile("reana.yaml").plan
    assert plan
    (job,) = stage_in_jobs(plan)
    run = Job(directory / "run", server)
    return run.stage_in(*job.manifest()["downloads"]), run


def _grow(server: Server, name: str, tmp_path: Path) -> None:
    put(server, tmp_path, f"user.alice:{name}.3", b"333", dataset=f"user.alice:{name}")


def test_a_lock_is_what_rucio_holds(server: Server, dataset: str, name: str) -> None:
    _write(server, f"rucio(vre, {dataset}.1)", f"rucio(vre, {dataset}) -> d\nrucio(vre, {dataset}, first=1) -> one")
    result = _lock()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "reana-rucio: wrote reana.rucio-lock.json: 3 DIDs, 4 files, 36 bytes\n"
    digests = [entry.pop("digest") for entry in _locked()["dids"] if "digest" in entry]
    assert len(set(digests)) == 2
    text = Path("reana.rucio-lock.json").read_text()
    assert (
        text.replace(name, "N")
        == f"""{{
 "format": 1,
 "dids": [
  {{"instance": "vre", "did": "user.alice:N", "type": "dataset", "open": true, "monotonic": false, "length": 2, \
"bytes": 18, "digest": "{digests[0]}", "files": [
   "user.alice:N.1 9 adler32:08a601ba",
   "user.alice:N.2 9 adler32:08d301c3"
  ]}},
  {{"instance": "vre", "did": "user.alice:N", "type": "dataset", "first": 1, "open": true, "monotonic": false, \
"length": 1, "bytes": 9, "digest": "{digests[1]}", "files": [
   "user.alice:N.1 9 adler32:08a601ba"
  ]}},
  {{"instance": "vre", "did": "user.alice:N.1", "type": "file", "bytes": 9, "checksum": "adler32:08a601ba"}}
 ]
}}
"""
    )
    assert _lock().stderr.startswith("reana-rucio: nothing has changed in reana.rucio-lock.json: 3 DIDs")
    assert Path("reana.rucio-lock.json").read_text() == text


def test_check_says_what_has_changed(server: Server, dataset: str, name: str, tmp_path: Path) -> None:
    _write(server, "", f"rucio(vre, {dataset}) -> d")
    assert _lock().exit_code == 0
    result = _lock("--check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "reana-rucio: Rucio agrees with reana.rucio-lock.json: 1 DID, 2 files, 18 bytes\n"
    _grow(server, name, tmp_path)
    server.client().call("detach_dids", "user.alice", name, [{"scope": "user.alice", "name": f"{name}.1"}])
    before = Path("reana.rucio-lock.json").read_text()
    Path("reana.rucio-lock.json").write_text(before)
    result = _lock("--check")
    assert result.exit_code == 1
    assert result.stdout.replace(name, "N") == (
        "vre user.alice:N: dataset of 2 files, 18 bytes -> dataset of 2 files, 12 bytes\n"
        "  removed user.alice:N.1 9 adler32:08a601ba\n"
        "  added user.alice:N.3 3 adler32:0135009a\n"
    )
    assert (
        result.stderr == "reana-rucio: reana.rucio-lock.json is not what Rucio holds; run reana-rucio lock reana.yaml\n"
    )
    said = _lock("--check", "-p", "x=1 2", "--instances", "reana.yaml").stderr
    assert said.endswith("run reana-rucio lock reana.yaml -p 'x=1 2' --instances reana.yaml\n")
    assert Path("reana.rucio-lock.json").read_text() == before
    assert _lock().exit_code == _lock("--check").exit_code == 0


def test_check_knows_what_the_specification_has(server: Server, dataset: str) -> None:
    _write(server, f"rucio(vre, {dataset}.1)")
    assert _lock("--check").stdout == f"vre {dataset}.1 is not locked\n"
    assert not Path("reana.rucio-lock.json").exists()
    assert _lock().exit_code == 0
    _write(server, f"rucio(vre, {dataset}.2)")
    result = _lock("--check")
    assert result.stdout == (
        f"vre {dataset}.1 is locked, and the specification does not have it\nvre {dataset}.2 is not locked\n"
    )
    assert result.exit_code == 1


def test_update_leaves_the_others_as_they_were(server: Server, dataset: str, name: str, tmp_path: Path) -> None:
    put(server, tmp_path, f"user.alice:{name}.a", b"a", dataset=f"{dataset}.ds")
    _write(server, "", f"rucio(vre, {dataset}) -> d\nrucio(vre, {dataset}.ds) -> e")
    assert _lock().exit_code == 0
    before = {entry["did"]: entry["length"] for entry in _locked()["dids"]}
    _grow(server, name, tmp_path)
    put(server, tmp_path, f"user.alice:{name}.b", b"b", dataset=f"{dataset}.ds")
    assert _lock("--update", f"{dataset}.ds").exit_code == 0
    assert {entry["did"]: entry["length"] for entry in _locked()["dids"]} == {**before, f"{dataset}.ds": 2}
    result = _lock("--update", f"{dataset}.d")
    assert result.exit_code == 2
    assert f'no input is "{dataset}.d"; did you mean "{dataset}.ds"?' in result.stderr


def test_a_dataset_that_changed_stops_the_run(server: Server, dataset: str, name: str, tmp_path: Path) -> None:
    _write(server, "", f"rucio(vre, {dataset}) -> d")
    assert _lock().exit_code == 0
    _grow(server, name, tmp_path)
    server.client().call("detach_dids", "user.alice", name, [{"scope": "user.alice", "name": f"{name}.1"}])
    result, job = _stage(server, tmp_path)
    assert result.code == 6
    assert result.last == (
        f"reana-rucio: error: {dataset}: is not what was locked: added {dataset}.3, removed {dataset}.1; "
        "reana-rucio lock and compile take it as it is"
    )
    assert job.files() == {}
    assert "to fetch" not in result.out
    assert _lock().exit_code == 0
    result, job = _stage(server, tmp_path)
    assert result.code == 0, result
    assert job.files() == {f"d/{name}.2": b"2" * 9, f"d/{name}.3": b"333"}


def test_contents_locked_stages_what_was_locked(server: Server, dataset: str, name: str, tmp_path: Path) -> None:
    _write(server, "", f"rucio(vre, {dataset}, contents=locked) -> d")
    assert _lock().exit_code == 0
    _grow(server, name, tmp_path)
    server.client().call("detach_dids", "user.alice", name, [{"scope": "user.alice", "name": f"{name}.1"}])
    result, job = _stage(server, tmp_path)
    assert result.code == 0, result
    assert job.files() == {f"d/{name}.1": b"1" * 9, f"d/{name}.2": b"2" * 9}


def test_the_first_files_need_no_lock_of_the_rest(server: Server, dataset: str, name: str, tmp_path: Path) -> None:
    _write(server, "", f"rucio(vre, {dataset}, first=2) -> d")
    assert _lock().exit_code == 0
    _grow(server, name, tmp_path)
    assert _lock("--check").exit_code == 0
    result, _ = _stage(server, tmp_path)
    assert result.code == 0, result
    put(server, tmp_path, f"user.alice:{name}.0", b"0", dataset=dataset)
    result, _ = _stage(server, tmp_path)
    assert result.code == 6
    assert f"added {dataset}.0, removed {dataset}.2;" in result.last


@pytest.mark.parametrize("change", [("9 adler32", "8 adler32"), ("adler32:0", "adler32:1")], ids=["size", "checksum"])
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_another_size_or_checksum_stops_the_run(
    server: Server, dataset: str, kind: str, change: tuple[str, str], tmp_path: Path
) -> None:
    """A DID keeps its content in Rucio, so that it is the lock that is changed here."""
    _write(server, f"rucio(vre, {dataset}.1)" * (kind == "file"), f"rucio(vre, {dataset}) -> d" * (kind != "file"))
    assert _lock().exit_code == 0
    lock = read_lock(lock_path(Path("reana.yaml")), Report())
    assert lock
    changed = {
        key: locks.locked(entry.type, [line.replace(*change) if ".1 " in line else line for line in entry.files or ()])
        for key, entry in lock.items()
    }
    Path("reana.rucio-lock.json").write_text(locks.render(changed))
    result, job = _stage(server, tmp_path)
    assert result.code == 6
    assert f"is not what was locked: changed {dataset}.1;" in result.last
    assert job.files() == {}


def test_too_many_files_are_locked_by_their_digest(
    server: Server, dataset: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "MOST_FILES", 1)
    _write(server, "", f"rucio(vre, {dataset}) -> d")
    assert _lock().exit_code == 0
    (entry,) = _locked()["dids"]
    assert "files" not in entry
    result, _ = _stage(server, tmp_path)
    assert result.code == 0, result
    _grow(server, name, tmp_path)
    assert _lock("--check").stdout == f"vre {dataset}: dataset of 2 files, 18 bytes -> dataset of 3 files, 21 bytes\n"
    result, _ = _stage(server, tmp_path)
    assert result.code == 6
    assert "is not what was locked: its 3 files are not the 2 of then;" in result.last


def test_a_container_and_a_wildcard(server: Server, dataset: str, name: str, tmp_path: Path) -> None:
    client = server.client()
    client.call("add_container", "user.alice", f"{name}.box")
    client.call("attach_dids", "user.alice", f"{name}.box", [{"scope": "user.alice", "name": name}])
    put(server, tmp_path, f"user.alice:{name}.x", b"x", dataset=f"{dataset}.ds")
    client.call("attach_dids", "user.alice", f"{name}.box", [{"scope": "user.alice", "name": f"{name}.ds"}])
    _write(server, "", f"rucio(vre, {dataset}.box) -> box\nrucio(vre, {dataset}.*) -> star")
    assert _lock().exit_code == 0
    assert [(entry["type"], entry["length"]) for entry in _locked()["dids"]] == [("wildcard", 3), ("container", 3)]
    result, _ = _stage(server, tmp_path)
    assert result.code == 0, result
    _grow(server, name, tmp_path)
    result, _ = _stage(server, tmp_path)
    assert result.code == 6


def test_what_rucio_does_not_have_is_said_where_it_is_asked_for(server: Server, dataset: str) -> None:
    _write(
        server,
        f"rucio(vre, {dataset}.1)\nrucio(vre, {dataset}.9)\nrucio(vre, {dataset})",
        f"rucio(vre, {dataset}.2) -> d",
    )
    result = _lock()
    assert result.exit_code == 1
    said = [line for line in result.stderr.splitlines() if line.startswith("reana.yaml:")]
    assert [line.replace(dataset, "N").split(": ", 1) for line in said] == [
        ["reana.yaml:5:29", "error[RR511]: N.9 is not in Rucio (vre)"],
        ["reana.yaml:6:29", "error[RR512]: N is a dataset, and is staged as a file"],
        ["reana.yaml:8:29", "error[RR512]: N.2 is a file, and is staged as a directory"],
    ]
    assert not Path("reana.rucio-lock.json").exists()


def test_a_rucio_that_does_not_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Path("rucio.cfg")
    config.write_text(server.config("alice").read_text().replace(server.url, "http://127.0.0.1:9"))
    monkeypatch.setenv("RUCIO_CONFIG", str(config.absolute()))
    monkeypatch.setattr("reana_rucio_compiler.catalogue.SETTINGS", {"attempts": 1, "backoff": 0, "timeout": 5})
    Path("reana.yaml").write_text("inputs: {files: ['rucio(default, a, b)']}\n" + WORKFLOW)
    for args in ([], ["--check"]):
        result = _lock(*args)
        assert result.exit_code == 3
        assert result.stderr.startswith("reana-rucio: error: default: server http://127.0.0.1:9: ")


def test_a_password_that_rucio_does_not_take(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the code of a Rucio that does not answer: to wait for it would be of no use."""
    config = Path("rucio.cfg").absolute()
    config.write_text(server.config("alice").read_text().replace("alicepw", "guess"))
    monkeypatch.setenv("RUCIO_CONFIG", str(config))
    _write(server, "rucio(vre, user.alice, x)")
    for words in (["lock"], ["check", "--online"]):
        result = command.run(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("reana-rucio: error: vre: account alice: ")
        assert "guess" not in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PATH", "/usr/bin:/bin", 'no Python here has the Rucio client; pip install "reana-rucio[rucio]"'),
        ("RUCIO_CONFIG", "", '"vre": nothing says your Rucio account there; export RUCIO_ACCOUNT=...'),
    ],
)
def test_a_machine_that_cannot_ask(
    server: Server, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    _write(server, "rucio(vre, user.alice, x)")
    result = _lock()
    assert (result.exit_code, result.stderr) == (2, f"reana-rucio: error: {message}\n")


def test_the_lock_of_a_source_stands_beside_it(server: Server, dataset: str) -> None:
    _write(server, f"rucio(vre, {dataset}.1)").rename("reana.src.yaml")
    assert command.run("compile", "reana.src.yaml", "-o", "reana.yaml").exit_code == 0
    result = _lock("reana.yaml")
    assert result.stderr.startswith("reana-rucio: wrote reana.src.rucio-lock.json: 1 DID")
    assert command.run("compile", "--check", "reana.src.yaml").exit_code == 1, "the lock changes what is compiled"


def test_a_lock_that_cannot_be_read_is_made_anew(server: Server, dataset: str) -> None:
    _write(server, f"rucio(vre, {dataset}.1)")
    path = Path("reana.rucio-lock.json")
    path.write_text('<<<<<<< HEAD\n{"dids": []}')
    for args in (["--check"], ["--update", f"{dataset}.1"]):
        result = _lock(*args)
        assert result.exit_code == 1
        assert "reana.rucio-lock.json:1:1: error[RR501]: this lock is not JSON" in result.stderr
    assert _lock().exit_code == 0
    assert len(_locked()["dids"]) == 1
    path.unlink()
    path.symlink_to("elsewhere")
    assert "is in the way of the lock" in _lock().stderr
    assert not Path("elsewhere").exists()


def test_nothing_to_lock(server: Server) -> None:
    Path("reana.yaml").write_text(WORKFLOW)
    assert _lock().stderr == "reana-rucio: wrote reana.rucio-lock.json: 0 DIDs, 0 files, 0 bytes\n"
    assert command.run("compile", "--locked").stdout == WORKFLOW
    assert _lock("-").exit_code == 2


def test_names_that_snakemake_makes(server: Server, name: str, tmp_path: Path) -> None:
    for end in ("hists_a.root", "hists_b.root", "other.root"):
        put(server, tmp_path, f"user.alice:{name}_{end}", end.encode())
    Path("Snakefile").write_text("rule all:\n    input: expand('{x}.root', x=config['names'])\n")
    text = f'\'rucio(vre, user.alice, "{name}_hists_{{sample}}.root") -> "d/{{sample}}.root"\''
    _write(server, text, "", "workflow: {type: snakemake, file: Snakefile}\n")
    assert _lock().exit_code == 0
    (entry,) = _locked()["dids"]
    assert (entry["did"], entry["type"]) == (f"user.alice:{name}_hists_{{sample}}.root", "wildcard")
    assert [line.split(" ")[0] for line in entry["files"]] == [f"user.alice:{name}_hists_{x}.root" for x in "ab"]
    put(server, tmp_path, f"user.alice:{name}_hists_c.root", b"new")
    plan = reana_rucio_compiler.compile("reana.yaml", locked=True).plan
    assert plan
    job = Job(tmp_path / "run", server)
    manifest = {**job.manifest("stage-in"), "downloads": stage_in_jobs(plan)[0].manifest()["downloads"]}
    result = job.finish(job.start(manifest, words=("sample=a",)), manifest["receipt"])
    assert result.code == 0, result
    assert job.files() == {"d/a.root": b"hists_a.root"}
    result = job.finish(job.start(manifest, words=("sample=c",)), manifest["receipt"])
    assert result.code == 6
    assert f"added user.alice:{name}_hists_c.root;" in result.last


def test_a_terminal_shows_how_far_it_is(server: Server, dataset: str, tmp_path: Path) -> None:
    _write(server, f"rucio(vre, {dataset}.1)\nrucio(vre, {dataset}.2)")
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "reana_rucio_compiler", "lock"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while piece := os.read(ours, 4096):
                said += piece
    os.close(ours)
    assert process.returncode == 0
    lines = said.decode().split("\r\x1b[K")
    assert lines[:3] == [
        "",
        *(f"[{bar:20}] Rucio has told of {n} of 2 DIDs" for n, bar in ((1, "=" * 10), (2, "=" * 20))),
    ]
    assert lines[3].strip() == "reana-rucio: wrote reana.rucio-lock.json: 2 DIDs, 2 files, 18 bytes"


def test_a_signal_ends_those_who_ask(server: Server) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"rucio_host: 'http://127.0.0.1:{silent.getsockname()[1]}', auth_type: userpass, account: me"
        names = "username_env: SILENT_NAME, password_env: SILENT_PASSWORD"
        Path("reana.yaml").write_text(
            f"rucio: {{instances: {{vre: {{{address}, {names}}}}}}}\ninputs: {{files: ['rucio(vre, u, a)']}}\n{WORKFLOW}"
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SILENT_NAME": "me", "SILENT_PASSWORD": "mine"}
        with subprocess.Popen([sys.executable, "-m", "reana_rucio_compiler", "lock"], env=environment) as process:
            silent.settimeout(60)
            connection, _ = silent.accept()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 143
            connection.settimeout(30)
            with connection:
                while connection.recv(4096):  # until the other end is closed, as its process has ended
                    pass


def test_the_lock_in_python(server: Server, dataset: str) -> None:
    _write(server, f"rucio(vre, {dataset}.1)")
    made = reana_rucio_compiler.lock("reana.yaml")
    assert made.text
    assert made.differences == (f"vre {dataset}.1 is not locked",)
    assert not made.path.exists()
    made.path.write_text(made.text)
    assert reana_rucio_compiler.lock("reana.yaml").differences == ()


@pytest.mark.slow
def test_five_thousand_files(server: Server, name: str, tmp_path: Path) -> None:
    client = server.client()
    rows = []
    for number in range(5000):
        file = f"{name}.{number:05}"
        rows.append({"scope": "user.alice", "name": file, "bytes": 1, "adler32": "00310031"})
    for start in range(0, 5000, 500):
        client.call("add_replicas", "SITE1_SCRATCHDISK", rows[start : start + 500])
    client.call("add_dataset", "user.alice", name)
    for start in range(0, 5000, 500):
        client.call("attach_dids", "user.alice", name, rows[start : start + 500])
    _write(server, "", f"rucio(vre, user.alice, {name}) -> d")
    result = _lock()
    assert result.stderr.endswith("1 DID, 5000 files, 5000 bytes\n")
    compiled = command.run("compile", "-o", "reana.out.yaml")
    assert compiled.exit_code == 0, compiled.stderr
    assert len(Path("reana.out.yaml").read_bytes()) < 64 * 1024
    manifest = json.loads(Path("rucio-stage-in.vre.manifest.json").read_text())
    assert len(manifest["downloads"][0]["lock"]["files"]) == 5000
    assert "rucio-stage-in.vre.manifest.json" in Path("reana.out.yaml").read_text()
    for row in rows[:3]:
        place = server.rse_path("SITE1_SCRATCHDISK") / hashed("user.alice", row["name"])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"1")
    client.call("detach_dids", "user.alice", name, [{"scope": "user.alice", "name": rows[7]["name"]}])
    result, _ = _stage(server, tmp_path)
    assert result.code == 6
    assert f"is not what was locked: removed user.alice:{name}.00007;" in result.last
