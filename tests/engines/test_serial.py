"""Serial specifications, compiled and run as REANA runs them, against a real Rucio server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conftest import EXAMPLE as DATA
from tests.engines.serial_runner import Result, run_serial
from tests.environments import needs
from tests.rucio.server import Server

EXAMPLE = """\
version: 0.9.0
inputs:
  files:
    - code/fit.sh
    - rucio(escape, user.jdoe, events.root)                      # staged to ./events.root
    - rucio(escape, user.jdoe, calib-v3.db) -> data/calib.db     # staged to data/calib.db
  directories:
    - rucio(escape, user.jdoe, run2022.aod) -> data/run2022      # a dataset: all its files
  parameters:
    events: rucio(escape, user.jdoe, events.root)                # the value becomes events.root
workflow:
  type: serial
  specification:
    steps:
      - name: fit
        environment: docker.io/library/bash:5.2
        commands:
          - sh code/fit.sh ${events} data/calib.db data/run2022
outputs:
  files:
    - results/plot.png -> rucio(escape, user.jdoe, PLOT, rse=CERN-DISK, dataset=PLOTS)
  directories:
    - results/ntuples -> rucio(escape, user.jdoe, NTUPLES, rse=CERN-DISK)   # a dataset of the files in it
"""
EVENTS = DATA["user.jdoe:events.root"]["events.root"]
FIT = """\
mkdir -p results/ntuples
cat "$1" "$2" "$3"/* > results/plot.png
for f in "$3"/*; do cp "$f" "results/ntuples/RUN-$(basename "$f")"; done
"""


@pytest.fixture
def workspace_base(tmp_path: Path) -> Path:
    return tmp_path / "reana"


def write_project(directory: Path, text: str, **files: str) -> Path:
    for name, content in {"reana.yaml": text, **files}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content)
    return directory


def compile_in(directory: Path, *args: str) -> Path:
    """Compile reana.yaml in a directory with the installed command, as a user does."""
    program = [sys.executable, "-m", "reana_rucio_compiler", "compile", "reana.yaml", "-o", "reana.out.yaml", *args]
    done = subprocess.run(program, cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return directory / "reana.out.yaml"


def explained(result: Result) -> str:
    return "\n".join(f"[{job.step}: {job.returncode}]\n{job.stdout}{job.stderr}" for job in result.jobs)


@pytest.mark.parametrize(
    ("reana", "clients"),
    [
        ("reana-0.9", "clients-41.5.1"),
        ("reana-0.95", "clients-1.30.0-py3.6"),  # what the default image holds
        pytest.param("reana-0.9", "clients-35.9.2", marks=pytest.mark.slow),
        pytest.param("reana-0.9", "clients-38.6.4", marks=pytest.mark.slow),
    ],
)
def test_the_example_of_the_documentation_moves_real_data_twice(
    reana: str, clients: str, jdoe: Server, tmp_path: Path, workspace_base: Path, unique_name: Callable[[str], str]
) -> None:
    needs(reana)
    needs(clients)
    plot, plots, ntuples = unique_name("plot.png"), unique_name("plots"), unique_name("ntuples")
    text = EXAMPLE.replace("PLOTS", plots).replace("PLOT", plot).replace("NTUPLES", ntuples)
    project = write_project(tmp_path / "project", text, **{"code/fit.sh": FIT.replace("RUN", ntuples)})
    sidecar = jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    spec = compile_in(project)
    result = run_serial(spec, workspace_base=workspace_base, sidecar_env=sidecar, reana=reana, clients=clients)
    assert result.returncode == 0, explained(result)
    assert [job.step for job in result.jobs] == ["rucio-stage-in", "fit", "rucio-stage-out"]
    ws = result.workspace
    assert (ws / "events.root").read_bytes() == EVENTS
    assert (ws / "data/calib.db").read_bytes() == DATA["user.jdoe:calib-v3.db"]["calib-v3.db"]
    staged = {path.name: path.read_bytes() for path in (ws / "data/run2022").iterdir()}
    assert staged == DATA["user.jdoe:run2022.aod"]
    receipt = json.loads((ws / "rucio-stage-in.escape.json").read_text())
    assert {each["did"] for each in receipt["files"]} >= {"user.jdoe:events.root", "user.jdoe:aod-2.root"}

    # What the analysis wrote is what anyone reads back from Rucio.
    uploaded = {f"user.jdoe:{plot}": ws / "results/plot.png"}
    uploaded.update((f"user.jdoe:{path.name}", path) for path in (ws / "results/ntuples").iterdir())
    for did, path in uploaded.items():
        assert jdoe.replica_path(did, "CERN-DISK").read_bytes() == path.read_bytes()
    client = jdoe.client("jdoe")
    content = {each["name"] for each in client.call("list_content", "user.jdoe", ntuples)}
    assert content == {path.name for path in (ws / "results/ntuples").iterdir()}
    assert [each["name"] for each in client.call("list_content", "user.jdoe", plots)] == [plot]

    # A restart in the same workspace moves nothing and succeeds.
    jdoe.clear_requests()
    again = run_serial(
        spec, workspace_base=workspace_base, sidecar_env=sidecar, reana=reana, clients=clients, workspace=ws
    )
    assert again.returncode == 0, explained(again)
    changing = [(method, path) for method, path in jdoe.requests() if method in ("PUT", "DELETE")]
    assert not changing
    assert not [
        path for method, path in jdoe.requests() if method == "POST" and path.endswith(("/replicas", "/rules/"))
    ]


def test_a_failed_stage_in_stops_the_workflow(jdoe: Server, tmp_path: Path, workspace_base: Path) -> None:
    text = (
        EXAMPLE.replace("events.root)  ", "no-such-events.root)  ")
        .replace("PLOT", "p-{run}")
        .replace("NTUPLES", "n-{run}")
    )
    project = write_project(tmp_path / "project", text, **{"code/fit.sh": FIT})
    result = run_serial(
        compile_in(project), workspace_base=workspace_base, sidecar_env=jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    )
    assert [job.step for job in result.jobs] == ["rucio-stage-in"]
    assert result.jobs[0].returncode == 5
    last = result.jobs[0].stderr.strip().splitlines()[-1]
    assert last.startswith("reana-rucio: error: user.jdoe:no-such-events.root")


def test_outputs_are_checked_before_anything_is_computed(jdoe: Server, tmp_path: Path, workspace_base: Path) -> None:
    text = EXAMPLE.replace("CERN-DISK", "NO-SUCH-RSE").replace("PLOT", "p-{run}").replace("NTUPLES", "n-{run}")
    project = write_project(tmp_path / "project", text, **{"code/fit.sh": FIT})
    result = run_serial(
        compile_in(project), workspace_base=workspace_base, sidecar_env=jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    )
    assert [job.step for job in result.jobs] == ["rucio-stage-in"]
    assert result.jobs[0].returncode == 7, explained(result)
    assert not (result.workspace / "events.root").exists()


def test_with_run_in_the_names_of_outputs_an_analysis_runs_as_often_as_one_likes(
    jdoe: Server, tmp_path: Path, workspace_base: Path, unique_name: Callable[[str], str]
) -> None:
    """`{run}` becomes the UUID of the workflow, so that a second run with other content uploads it too."""
    stem = unique_name("plot")
    text = EXAMPLE.replace("PLOTS", f"{stem}s-{{run}}").replace("PLOT", f"{stem}-{{run}}")
    text = text.replace("NTUPLES, ", f"{stem}n-{{run}}, prefix={{run}}-{stem}-, ")
    project = write_project(tmp_path / "project", text, **{"code/fit.sh": FIT.replace("RUN", "n")})
    spec, sidecar = compile_in(project), jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    for number in range(2):
        (project / "code/fit.sh").write_text(
            FIT.replace("RUN", "n") + f"for f in results/*.png results/ntuples/*; do echo {number} >> $f; done\n"
        )
        result = run_serial(spec, workspace_base=workspace_base, sidecar_env=sidecar)
        assert result.returncode == 0, explained(result)
        run = result.workspace.name
        stored = jdoe.replica_path(f"user.jdoe:{stem}-{run}", "CERN-DISK").read_text()
        assert stored.endswith(f"\n{number}\n")
        content = {each["name"] for each in jdoe.client("jdoe").call("list_content", "user.jdoe", f"{stem}n-{run}")}
        assert content == {f"{run}-{stem}-n-aod-{n}.root" for n in (1, 2, 3)}


def test_two_instances_with_their_own_credentials(
    jdoe: Server, second_rucio_server: Server, tmp_path: Path, workspace_base: Path, unique_name: Callable[[str], str]
) -> None:
    other, result_name = unique_name("resolution.csv"), unique_name("fit.txt")
    (tmp_path / other).write_text("resolution\n")
    second_rucio_server.upload(tmp_path / other, f"group.other:{other}", "OTHER1_SCRATCHDISK", "alice")
    text = f"""\
inputs:
  files:
    - rucio(escape, user.jdoe, events.root)
    - rucio(other, group.other, {other}) -> data/resolution.csv
rucio:
  instances:
    other:
      rucio_host: {second_rucio_server.url}
      auth_type: userpass
      account: alice
      rse: OTHER1_SCRATCHDISK
workflow:
  type: serial
  specification:
    steps:
      - environment: docker.io/library/bash:5.2
        commands:
          - cat events.root data/resolution.csv > fit.txt
outputs:
  files:
    - fit.txt -> rucio(other, group.other, {result_name})
"""
    spec = compile_in(write_project(tmp_path / "project", text))
    secrets = {"RUCIO_OTHER_USERNAME": "alice", "RUCIO_OTHER_PASSWORD": second_rucio_server.accounts["alice"]}
    result = run_serial(
        spec, workspace_base=workspace_base, sidecar_env=jdoe.sidecar(tmp_path / "sidecar", "jdoe"), secrets_env=secrets
    )
    assert result.returncode == 0, explained(result)
    assert [job.step for job in result.jobs] == ["rucio-stage-in", "rucio-stage-in", "", "rucio-stage-out"]
    stored = second_rucio_server.replica_path(f"group.other:{result_name}", "OTHER1_SCRATCHDISK")
    assert stored.read_bytes() == EVENTS + b"resolution\n"
    for path in [*result.workspace.rglob("*"), spec]:
        if path.is_file():
            assert b"alicepw2" not in path.read_bytes()


def test_a_program_in_a_side_file_is_run_only_unchanged(jdoe: Server, tmp_path: Path, workspace_base: Path) -> None:
    text = "inputs:\n  files:\n" + "".join(
        f'    - rucio(escape, user.jdoe, events.root, rse="{"|".join(["SITE1_SCRATCHDISK"] * 200)}") -> data/{n}.root\n'
        for n in range(20)
    )
    text += "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [cat data/*.root]}]}}\n"
    spec = compile_in(write_project(tmp_path / "project", text))
    files = yaml.safe_load(spec.read_text())["inputs"]["files"]
    assert files == ["rucio-stage-in.escape.manifest.json", "rucio-stager.py"]
    sidecar = jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    result = run_serial(spec, workspace_base=workspace_base, sidecar_env=sidecar)
    assert result.returncode == 0, explained(result)

    for name in files:
        changed = tmp_path / f"changed-{name}"
        shutil.copytree(spec.parent, changed)
        (changed / name).write_text((changed / name).read_text() + "\n")
        result = run_serial(changed / spec.name, workspace_base=tmp_path / f"reana-{name}", sidecar_env=sidecar)
        assert result.jobs[-1].returncode == 2
        assert result.jobs[-1].stderr.strip().splitlines()[-1].startswith(f"reana-rucio: error: {name}")
