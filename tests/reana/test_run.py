"""`run` with the real reana-client, 0.9.6 and 0.95.0a6, against a server that keeps what it is sent."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from reana_rucio_compiler import compile  # noqa: A004 - the name of the command
from reana_rucio_compiler.launch import cut_off, parse
from tests.environments import needs
from tests.examples import ROOT
from tests.reana.server import RestServer, serving

CLIENTS = {"0.9": "reana-0.9", "0.95": "reana-client-0.95"}
EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir())
CASES = [
    pytest.param(
        version, name, marks=[] if name == "serial-two-instances" else [pytest.mark.slow], id=f"{version}-{name}"
    )
    for version in CLIENTS
    for name in EXAMPLES
]


def _workspace(name: str, directory: Path) -> Path:
    """An example without what it compiles to."""
    workspace = directory / name
    shutil.copytree(ROOT / "examples" / name, workspace)
    for path in [*workspace.rglob("*rucio*"), workspace / "reana.out.yaml"]:
        path.unlink()
    return workspace


def _environment(directory: Path, version: str | None, **variables: str) -> dict[str, str]:
    """With reana-client of a version, or without; what is put into the directory ``programs`` is found before."""
    for name in ("programs", "home"):
        (directory / name).mkdir(exist_ok=True)
    places = [
        str(directory / "programs"),
        *([str(needs(CLIENTS[version]).parent)] if version else []),
        "/usr/bin",
        "/bin",
    ]
    return {"PATH": os.pathsep.join(places), "HOME": str(directory / "home"), **variables}


# Not by PYTHONPATH: reana-client would inherit it, and must not find our libraries.
PROGRAM = [
    sys.executable,
    "-c",
    f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}\n"
    "from reana_rucio_compiler.cli import main\n"
    "main(sys.argv[1:], prog_name='reana-rucio')",
    "run",
]


def _run(*words: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *words], cwd=cwd, env=environment, capture_output=True, text=True)


def _listed(workspace: Path, spec: dict) -> set[str]:
    inputs = spec["inputs"]
    files = set(inputs.get("files") or [])
    for folder in inputs.get("directories") or []:
        files |= {path.relative_to(workspace).as_posix() for path in (workspace / folder).rglob("*") if path.is_file()}
    return files


@pytest.mark.parametrize(("version", "name"), CASES)
def test_what_is_sent_is_the_compiled_specification_and_all_that_it_lists(
    version: str, name: str, tmp_path: Path
) -> None:
    workspace = _workspace(name, tmp_path)
    with serving(version) as server:
        ran = _run(cwd=workspace, environment=_environment(tmp_path, version, **server.environment(tmp_path)))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    expected = ROOT / "examples" / name
    compiled = (workspace / "reana.out.yaml").read_bytes()
    assert compiled == (expected / "reana.out.yaml").read_bytes()
    spec = yaml.safe_load(compiled)
    uploaded = _listed(workspace, spec) | {"reana.out.yaml" if version == "0.9" else "reana.yaml"}
    assert server.files == {
        path: (workspace / ("reana.out.yaml" if path == "reana.yaml" else path)).read_bytes() for path in uploaded
    }
    for part in ("files", "directories"):
        assert server.specification["inputs"].get(part) == spec["inputs"].get(part)
    if version == "0.95":
        assert set(server.bundle) >= {"reana.yaml", *([spec["workflow"]["file"]] if "file" in spec["workflow"] else [])}
    elif spec["workflow"]["type"] == "serial":
        assert server.specification["workflow"]["specification"]["steps"] == spec["workflow"]["specification"]["steps"]
    assert server.started == {"input_parameters": {}, "operational_options": {}}
    starts = [each for each in server.requests if each.split()[0] != "GET"]
    assert (starts[0], starts[-1]) == ("POST /api/workflows", "POST /api/workflows/NAME/start")


@pytest.fixture
def server() -> RestServer:
    with serving("0.9") as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path, server: RestServer) -> dict[str, str]:
    return _environment(tmp_path, "0.9", **server.environment(tmp_path))


def test_other_arguments_reach_the_client(tmp_path: Path, server: RestServer, environment: dict[str, str]) -> None:
    workspace = _workspace("serial-dimuon-mass", tmp_path)
    spec = (workspace / "reana.yaml").read_text()
    (workspace / "mass.yaml").write_text(spec.replace("user.jdoe, ", "user.${who}, "))
    words = ("-w", "mass", "mass.yaml", "-p", "who=me", "-oCACHE=off", "--skip-validation")
    ran = _run(*words, cwd=workspace, environment=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert server.name == "mass.1"
    assert server.started["operational_options"] == {"CACHE": "off"}
    compiled = (workspace / "mass.out.yaml").read_text()
    assert '"scope": "user.me"' in compiled
    assert "user.jdoe" not in compiled


def test_from_another_directory(tmp_path: Path, server: RestServer, environment: dict[str, str]) -> None:
    _workspace("serial-two-instances", tmp_path)
    ran = _run("serial-two-instances/reana.yaml", cwd=tmp_path, environment=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {"reana.out.yaml", "code/fit.awk"} <= set(server.files)


def test_specification_without_expressions_is_run_as_it_is(
    tmp_path: Path, server: RestServer, environment: dict[str, str]
) -> None:
    spec = "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [ls]}]}}\n"
    (tmp_path / "reana.yaml").write_text(spec)
    ran = _run(cwd=tmp_path, environment=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert server.files == {"reana.yaml": spec.encode()}
    assert not (tmp_path / "reana.out.yaml").exists()


def test_status_of_the_client_is_ours(tmp_path: Path, environment: dict[str, str]) -> None:
    workspace = _workspace("serial-two-instances", tmp_path)
    ran = _run(cwd=workspace, environment={**environment, "REANA_ACCESS_TOKEN": "another"})
    assert ran.returncode == 1
    assert "Cannot create workflow" in ran.stdout + ran.stderr
    ran = _run("--no-such-option", cwd=workspace, environment=environment)
    assert ran.returncode == 2
    assert "--no-such-option" in ran.stderr


def test_signal_reaches_the_client(tmp_path: Path, environment: dict[str, str]) -> None:
    workspace = _workspace("serial-two-instances", tmp_path)
    program = tmp_path / "programs" / "reana-client"
    program.write_text("#!/bin/sh\ntrap 'exit 7' TERM\ntouch started\nwhile :; do sleep 0.05; done\n")
    program.chmod(0o755)
    running = subprocess.Popen(PROGRAM, cwd=workspace, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (workspace / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=30) == 7


def test_variables_that_are_missing_are_named(tmp_path: Path, environment: dict[str, str]) -> None:
    workspace = _workspace("serial-two-instances", tmp_path)
    del environment["REANA_SERVER_URL"]
    ran = _run("-t", "token", cwd=workspace, environment=environment)
    assert ran.returncode == 2
    remedy = "your REANA profile page says it: export REANA_SERVER_URL=https://reana.cern.ch"
    assert ran.stderr == f"reana-rucio: error: REANA_SERVER_URL is not set; {remedy}\n"
    del environment["REANA_ACCESS_TOKEN"]
    ran = _run(cwd=workspace, environment=environment)
    assert "REANA_SERVER_URL and REANA_ACCESS_TOKEN are not set" in ran.stderr
    assert not (workspace / "reana.out.yaml").exists()


def test_client_of_0_95_says_itself_that_nobody_is_logged_in(tmp_path: Path) -> None:
    workspace = _workspace("serial-two-instances", tmp_path)
    ran = _run(cwd=workspace, environment=_environment(tmp_path, "0.95"))
    assert ran.returncode == 1
    assert "reana-client login" in ran.stdout + ran.stderr


def test_client_that_is_missing(tmp_path: Path) -> None:
    workspace = _workspace("serial-two-instances", tmp_path)
    program = [*PROGRAM]
    program[2] = f"import sys; sys.executable = {str(tmp_path / 'python')!r}\n{program[2]}"
    ran = subprocess.run(program, cwd=workspace, env=_environment(tmp_path, None), capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stderr == "reana-rucio: error: there is no reana-client here; install it: pip install reana-client\n"


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        (["-o", "TARGET=fit"], "rucio-stage-out"),
        (["-o", "FROM=FIT"], "rucio-stage-in"),
        (["--option=FROM=rucio-stage-out"], "rucio-stage-in"),
    ],
)
def test_selection_that_cuts_off_staging_is_refused(
    words: list[str], lost: str, tmp_path: Path, server: RestServer, environment: dict[str, str]
) -> None:
    workspace = _workspace("serial-two-instances", tmp_path)
    ran = _run(*words, cwd=workspace, environment=environment)
    assert ran.returncode == 2
    assert ran.stderr.endswith(f"error: FROM or TARGET leaves out {lost}; run it without the two\n")
    assert not (workspace / "reana.out.yaml").exists()
    assert server.requests == []


def test_selection_in_the_specification_counts_too(tmp_path: Path) -> None:
    workspace = _workspace("serial-two-instances", tmp_path)
    spec = workspace / "reana.yaml"
    spec.write_text(spec.read_text().replace("inputs:\n", "inputs:\n  options: {TARGET: fit}\n"))
    result = compile(spec)
    assert cut_off(result, {}) == ("rucio-stage-out",)
    assert cut_off(result, {"TARGET": "rucio-stage-out"}) == ()
    assert cut_off(result, {"TARGET": "", "FROM": "fit"}) == ("rucio-stage-in",)
    assert cut_off(result, {"TARGET": "rucio-stage-in", "FROM": "rucio-stage-out"}) == ()  # the engine runs all
    assert cut_off(result, {"TARGET": "no such step"}) == ()


def test_selection_of_cwl() -> None:
    result = compile(ROOT / "examples/cwl-dimuon-scatter/reana.yaml")
    assert cut_off(result, {"TARGET": "rucio-stage-in"}) == ()
    assert cut_off(result, {"TARGET": "measure"}) == ("rucio-stage-in",)
    assert cut_off(result, {"TARGET": "spectrum"}) == ("rucio-stage-out",)
    assert cut_off(result, {"FROM": "measure"}) == ()  # which CWL's engine does not know: reana-client refuses it


def test_arguments_are_told_apart() -> None:
    given = parse(["-w", "a.yaml", "-t", "x", "b.yaml", "-pk=v", "--parameter", "l=w=x", "--follow", "-n"])
    assert given.spec == "b.yaml"
    assert given.rest == ("-w", "a.yaml", "-t", "x", "-pk=v", "--parameter", "l=w=x", "--follow", "-n")
    assert given.parameters == {"k": "v", "l": "w=x"}
    assert given.token
    assert not parse(["--follow"]).token


@pytest.mark.parametrize("word", ["-f", "--file=x", "-fx"])
def test_file_is_not_for_the_user_to_say(word: str, tmp_path: Path) -> None:
    ran = _run(word, "reana.yaml", cwd=tmp_path, environment=_environment(tmp_path, None))
    assert ran.returncode == 2
    assert "name the specification without it" in ran.stderr


def test_standard_input_is_refused(tmp_path: Path) -> None:
    ran = _run("-", cwd=tmp_path, environment=_environment(tmp_path, None))
    assert ran.returncode == 2
    assert "name the specification" in ran.stderr
