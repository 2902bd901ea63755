"""`fetch` on this machine from real servers: what it brings, what it leaves when it stops, whose credentials it takes."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from reana_rucio_compiler import compile, stager  # noqa: A004 - the name of the command
from reana_rucio_compiler.fetching import Bar, here, plan_fetches
from tests.command import run
from tests.environments import needs
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, credentials_left, put

WORKFLOW = "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [ls]}]}}\n"
PROGRAM = f"import sys; sys.path[:0] = {sys.path!r}; from reana_rucio_compiler.cli import main; main(['fetch'])"
INSTANCE = "{rucio_host: %s, auth_type: userpass, username_env: %s_USERNAME, password_env: %s_PASSWORD, account: %s}"


@pytest.fixture
def analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, which is the current one, on a machine with a Rucio client and no configuration of it."""
    for name in ("RUCIO_HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "RUCIO_ACCOUNT", "RUCIO_CONFIG", "X509_USER_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{needs(CLIENTS).parent}:/usr/bin:/bin")
    directory = tmp_path / "analysis"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def vre(rucio_server: Server, analysis: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The http server, as the instance `vre`, with alice's password in the variables that it names."""
    monkeypatch.setenv("VRE_USERNAME", "alice")
    monkeypatch.setenv("VRE_PASSWORD", rucio_server.accounts["alice"])
    return rucio_server


@pytest.fixture
def name(unique_name: Callable[[str], str]) -> str:
    return unique_name("data")


def _spec(servers: dict[str, Server], files: Sequence[str] = (), directories: Sequence[str] = ()) -> None:
    instances = ", ".join(
        f"{name}: {INSTANCE % (server.url, name.upper(), name.upper(), 'alice')}" for name, server in servers.items()
    )
    Path("reana.yaml").write_text(
        f"inputs:\n  files: {json.dumps(list(files))}\n  directories: {json.dumps(list(directories))}\n"
        f"rucio: {{instances: {{{instances}}}}}\n"
        "outputs:\n  files:\n    - results/plot.png -> rucio(escape, user.jdoe, 'plot-{run}.png', rse=X)\n" + WORKFLOW
    )


def _put(server: Server, directory: Path, name: str, letters: str) -> None:
    for letter in letters:
        put(server, directory, f"user.alice:{name}.{letter}", letter.encode() * 9, dataset=f"user.alice:{name}")


def _files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name not in ("reana.yaml", "reana.rucio-lock.json")
    }


def test_brings_the_inputs_and_then_only_what_is_missing(
    vre: Server, analysis: Path, tmp_path: Path, name: str
) -> None:
    _put(vre, tmp_path, name, "ab")
    _spec(
        {"vre": vre}, [f"rucio(vre, user.alice, {name}.a) -> a.root"], [f"rucio(vre, user.alice, {name}) -> data/all"]
    )
    result = run("fetch")
    assert result.exit_code == 0, result.stderr
    files = _files(analysis)
    receipt = json.loads(files.pop("rucio-stage-in.vre.json"))
    expected = {"a.root": b"a" * 9, f"data/all/{name}.a": b"a" * 9, f"data/all/{name}.b": b"b" * 9}
    assert files == expected
    assert {row["path"]: row["status"] for row in receipt["files"]} == dict.fromkeys(expected, "fetched")
    assert result.stdout == ""
    assert "2 files to fetch, 18 B" in result.stderr
    assert vre.accounts["alice"] not in result.stderr

    assert "0 files to fetch, 0 B" in run("fetch").stderr
    (analysis / "a.root").write_bytes(b"broken")
    (analysis / "data/all" / f"{name}.b").unlink()
    again = run("fetch")
    assert "2 files to fetch, 18 B" in again.stderr
    assert f" user.alice:{name}.b " in again.stderr
    assert {path: data for path, data in _files(analysis).items() if "stage-in" not in path} == expected


def test_what_a_fetch_of_something_else_left_is_told(vre: Server, analysis: Path, tmp_path: Path, name: str) -> None:
    _put(vre, tmp_path, name, "a")
    _spec({"vre": vre}, [f"rucio(vre, user.alice, {name}.a) -> a.root"])
    for each in (".rucio-stage-vre-0123456789ab", ".rucio-stage-vre-2-0123456789ab"):
        Path(each).mkdir()
    said = run("fetch").stderr
    assert ".rucio-stage-vre-0123456789ab is left of a fetch of something else, and can be removed" in said
    assert "vre-2" not in said


def test_into_another_directory(vre: Server, analysis: Path, tmp_path: Path, name: str) -> None:
    _put(vre, tmp_path, name, "a")
    _spec({"vre": vre}, [f"rucio(vre, user.alice, {name}.a) -> a.root"])
    result = run("fetch", "--into", "elsewhere/deep")
    assert result.exit_code == 0, result.stderr
    assert set(_files(analysis)) == {"elsewhere/deep/a.root", "elsewhere/deep/rucio-stage-in.vre.json"}


def test_into_what_is_no_directory(vre: Server, analysis: Path) -> None:
    _spec({"vre": vre}, ["rucio(vre, user.alice, a) -> a.root"])
    for place, why in (("reana.yaml", "File exists"), ("reana.yaml/x", "Not a directory")):
        result = run("fetch", "--into", place)
        assert result.exit_code == 2
        assert f'--into "{place}": {why}; name a directory' in result.stderr


def test_from_another_directory_into_that_of_the_specification(
    vre: Server, analysis: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(vre, tmp_path, name, "a")
    _spec({"vre": vre}, [f"rucio(vre, user.alice, {name}.a) -> a.root"])
    monkeypatch.chdir(tmp_path)
    assert run("fetch", "analysis/reana.yaml").exit_code == 0
    assert (analysis / "a.root").read_bytes() == b"a" * 9


def test_two_instances_with_their_own_passwords(
    vre: Server, second_rucio_server: Server, analysis: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(vre, tmp_path, name, "a")
    put(second_rucio_server, tmp_path, f"group.other:{name}", b"other", rse="OTHER1_SCRATCHDISK")
    monkeypatch.setenv("OTHER_USERNAME", "alice")
    monkeypatch.setenv("OTHER_PASSWORD", second_rucio_server.accounts["alice"])
    files = [f"rucio(vre, user.alice, {name}.a) -> a.root", f"rucio(other, group.other, {name}) -> b.root"]
    _spec({"vre": vre, "other": second_rucio_server}, files)
    result = run("fetch")
    assert result.exit_code == 0, result.stderr
    files = _files(analysis)
    assert (files["a.root"], files["b.root"]) == (b"a" * 9, b"other")
    assert {"rucio-stage-in.vre.json", "rucio-stage-in.other.json"} <= set(files)


def test_one_instance_that_fails_does_not_keep_the_other_from_its_files(
    vre: Server, second_rucio_server: Server, analysis: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(vre, tmp_path, name, "a")
    monkeypatch.setenv("OTHER_USERNAME", "alice")
    monkeypatch.setenv("OTHER_PASSWORD", "wrong")
    files = [f"rucio(vre, user.alice, {name}.a) -> a.root", "rucio(other, group.other, x) -> b.root"]
    _spec({"vre": vre, "other": second_rucio_server}, files)
    result = run("fetch")
    assert result.exit_code == 3
    assert "reana-rucio: error: other: account alice: " in result.stderr
    assert not list(analysis.glob(".rucio-stage-*"))
    assert set(_files(analysis)) == {"a.root", "rucio-stage-in.vre.json"}


def test_missing_credentials_are_named_before_anything_is_asked(
    vre: Server, analysis: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VRE_PASSWORD")
    vre.clear_requests()
    _spec({"vre": vre}, ["rucio(vre, user.alice, a.root)"])
    result = run("fetch")
    assert result.exit_code == 3
    assert result.stderr == (
        'reana-rucio: error: "vre": no username and password; export VRE_USERNAME=... VRE_PASSWORD=...\n'
    )
    assert vre.requests() == []
    assert _files(analysis) == {}


def test_missing_client_is_named(vre: Server, analysis: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(analysis))
    _spec({"vre": vre}, ["rucio(vre, user.alice, a.root)"])
    result = run("fetch")
    assert result.exit_code == 3
    assert result.stderr == (
        'reana-rucio: error: vre: no Python here has the Rucio client; pip install "reana-rucio[rucio]"\n'
    )


def test_codes_are_those_of_the_stager(vre: Server, analysis: Path, name: str) -> None:
    _spec({"vre": vre}, [f"rucio(vre, user.alice, {name}) -> a.root"])
    result = run("fetch")
    assert result.exit_code == 5
    last = f"user.alice:{name}: not found; `rucio list-dids` shows what there is"
    assert result.stderr.splitlines()[-1] == f"reana-rucio: error: vre: {last}"
    assert not list(analysis.glob(".rucio-stage-*")), "nothing has arrived that the next could go on from"


def test_lock_is_held_to(vre: Server, analysis: Path, tmp_path: Path, name: str) -> None:
    _put(vre, tmp_path, name, "a")
    _spec({"vre": vre}, directories=[f"rucio(vre, user.alice, {name}) -> d"])
    locked = run("lock")
    assert locked.exit_code == 0, locked.stderr
    _put(vre, tmp_path, name, "b")
    result = run("fetch")
    assert result.exit_code == 6
    assert f"is not what was locked: added user.alice:{name}.b" in result.stderr
    assert not (analysis / "d").exists()


def _wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_what_has_arrived_is_kept_when_it_is_stopped(
    vre: Server, analysis: Path, tmp_path: Path, name: str, number: int, code: int
) -> None:
    _put(vre, tmp_path, name, "ab")
    replica = vre.replica_path(f"user.alice:{name}.b", "SITE1_SCRATCHDISK")
    os.truncate(replica, 8_000_000_000)  # takes seconds to copy
    _spec({"vre": vre}, directories=[f"rucio(vre, user.alice, {name}) -> d"])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    arrived = f".rucio-stage-vre-*/get/user.alice/{name}"
    _wait_for(lambda: list(analysis.glob(f"{arrived}.a")) and list(analysis.glob(f"{arrived}.b.part")))
    if number == signal.SIGKILL:  # of the machine, say: of both processes
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert not (analysis / "d").exists()
    if number != signal.SIGKILL:
        assert f"stopped by signal {int(number)}; run it again" in said
        assert "the next fetch goes on from there" in said
    else:
        for folder in credentials_left(vre):  # what a killed process cannot remove
            shutil.rmtree(folder)

    replica.write_bytes(b"b" * 9)
    again = run("fetch")
    assert again.exit_code == 0, again.stderr
    assert "1 files to fetch, 9 B" in again.stderr
    files = _files(analysis)
    assert {path: data for path, data in files.items() if "stage-in" not in path} == {
        f"d/{name}.a": b"a" * 9,
        f"d/{name}.b": b"b" * 9,
    }
    assert not list(analysis.glob(".rucio-stage-*"))


def test_bar_on_a_terminal(vre: Server, analysis: Path, tmp_path: Path, name: str) -> None:
    _put(vre, tmp_path, name, "ab")
    _spec({"vre": vre}, directories=[f"rucio(vre, user.alice, {name}) -> d"])
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100"}
    ran = subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=theirs, env=environment)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux, once nobody has the other side open
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert ran.wait() == 0
    assert b"\r\x1b[K[##########----------] 1/2 user.alice:" in said
    assert b"\r\x1b[K[####################] 2/2 user.alice:" in said
    assert said.rstrip().endswith(b" s")


def test_bar_on_a_terminal_while_one_file_takes_seconds(vre: Server, analysis: Path, tmp_path: Path, name: str) -> None:
    _put(vre, tmp_path, name, "a")
    os.truncate(vre.replica_path(f"user.alice:{name}.a", "SITE1_SCRATCHDISK"), 8_000_000_000)  # takes seconds to copy
    _spec({"vre": vre}, [f"rucio(vre, user.alice, {name}.a) -> a"])
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=theirs, start_new_session=True) as ran:
        os.close(theirs)
        said = b""
        while not re.search(rb"[MG]B of 9 B", said) and len(said) < 10_000:
            said += os.read(ours, 4096)
        ran.send_signal(signal.SIGINT)
    os.close(ours)
    assert re.search(rb"\r\x1b\[K\[#+\] 0/1 [\d.]+ [MG]B of 9 B", said), said


def test_bar_is_as_wide_as_the_terminal() -> None:
    assert Bar(200).line("1/4 user.a:b 1 B 2 B/s X") == "[#####---------------] 1/4 user.a:b 1 B 2 B/s X"
    assert Bar(40).line("1/4 user.a:b 1 B 2 B/s X") == "[#####---------------] 1/4 user.a:b 1 B"
    assert Bar(80).line("4 files to fetch, 1 GB") is None


def test_bar_moves_while_a_large_file_arrives() -> None:
    bar = Bar(200)
    assert bar.arriving(5) is None
    bar.line("2 files to fetch, 8 GB")
    assert bar.arriving(2_000_000_000) == "[#####---------------] 0/2 2 GB of 8 GB"
    assert bar.line("1/2 user.a:b 2 GB 2 B/s X") == "[##########----------] 1/2 user.a:b 2 GB 2 B/s X"
    assert bar.arriving(2_000_000_000) == "[##########----------] 1/2 2 GB of 8 GB"
    assert bar.arriving(9_000_000_000) == "[####################] 1/2 9 GB of 8 GB"
    for empty in ("0 files to fetch, 0 B", "1 files to fetch, 0 B", "3 files to fetch, 1e+03 TB"):
        bar = Bar(80)
        assert bar.line(empty) is None
        bar.arriving(1)


def test_nothing_to_fetch(analysis: Path) -> None:
    Path("reana.yaml").write_text(WORKFLOW)
    result = run("fetch")
    assert (result.exit_code, result.stderr) == (0, "reana-rucio: reana.yaml has no rucio(...): nothing to fetch\n")


def test_what_only_snakemake_knows(analysis: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUCIO_ESCAPE_USERNAME", "RUCIO_ESCAPE_PASSWORD"):
        monkeypatch.setenv(name, "me")
    Path("Snakefile").write_text('rule all:\n    input: "h/z.csv", "d/a.root"\n')
    Path("reana.yaml").write_text(
        "inputs:\n  files:\n    - Snakefile\n    - rucio(escape, user.j, 'h-{sample,[a-z]{1,3}}.csv') -> h/{sample}.csv\n"
        "  directories:\n    - rucio(escape, user.j, ds) -> d/{name}\n"
        "rucio: {instances: {escape: {auth_type: userpass, account: me}}}\nworkflow: {type: snakemake, file: Snakefile}\n"
    )
    result = compile("reana.yaml")
    assert result.plan, result.diagnostics
    (fetch,), left_out = plan_fetches(result.plan)
    assert [(each.did, each.path, each.type) for each in fetch.job.downloads] == [("user.j:ds", "d", "directory")]
    assert [each.path for each in left_out] == ["h/{sample}.csv"]
    (fetch,), left_out = plan_fetches(result.plan, {"sample": "zmm", "name": "a.root"})
    assert sorted((each.did, each.path, each.type) for each in fetch.job.downloads) == [
        ("user.j:ds", "d/a.root", "member"),
        ("user.j:h-zmm.csv", "h/zmm.csv", "file"),
    ]
    assert left_out == ()


def test_remedies_are_those_of_this_machine() -> None:
    """Nobody chooses an image here."""
    assert here("a: b; " + stager.IMAGE % "gfal2 and xrootd") == (
        "a: b; gfal2 and xrootd come from conda-forge, or from the system's packages"
    )
    assert here("rucio: no Python here has the client; " + stager.IMAGE % "rucio-clients") == (
        'no Python here has the Rucio client; pip install "reana-rucio[rucio]"'
    )
