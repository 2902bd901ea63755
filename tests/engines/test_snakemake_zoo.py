"""Snakefiles of every kind keep their meaning: what runs is what ran before, and staging.

No Rucio is needed to see that: the program of the staging rules is a small one here, which makes the files and the
receipt that its manifest names. test_snakemake.py runs the real one.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from reana_rucio_compiler import staging
from reana_rucio_compiler.compiler import compile_file
from tests.engines.snakemake_runner import SNAKEMAKES, Run, load, run_snakemake, upload

ZOO = Path(__file__).with_name("snakemake_zoo")
CASES = sorted(path.name for path in ZOO.iterdir())

PROGRAM = '''#!/usr/bin/env python3
"""Move data between Rucio and a REANA workspace: this one makes them up."""
import json, os, sys
text = open(sys.argv[1]).read()
for word in sys.argv[2:]:
    text = text.replace("{%s}" % word.partition("=")[0], word.partition("=")[2])
manifest = json.loads(text)
for entry in manifest.get("downloads", []):
    path = entry["path"] + "/file.txt" * (entry["type"] == "directory")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    open(path, "w").write(entry["name"] + "\\n")
for entry in manifest.get("requires", []):
    assert os.path.exists(entry), entry
open(manifest["receipt"], "w").write("{}")
'''

SPEC = """\
rucio:
  instances:
    lab:
      rucio_host: https://rucio.example.org
      auth_type: userpass
inputs:
  files:
{files}  parameters:
    input: parameters.yaml
workflow:
  type: snakemake
  file: Snakefile
"""
OUTPUTS = """\
outputs:
  files:
    - plot.txt -> rucio(lab, user.jdoe, "plot-{run}.txt", rse=CERN-DISK)
"""
EVENTS = "rucio(lab, user.jdoe, events.txt) -> data/events.txt"
ENVIRONMENT = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}


@pytest.fixture(autouse=True)
def _small_stager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "program", lambda manifests: PROGRAM)


def _runs(quick: dict[str, set[str]]) -> list[object]:
    """Every case with every version; what is not among the quick ones of a version is slow."""
    return [
        pytest.param(case, version, marks=[] if case in quick[version] else [pytest.mark.slow], id=f"{case}-{version}")
        for version in SNAKEMAKES
        for case in CASES
    ]


def _project(case: str, directory: Path, events: str, outputs: str = "") -> Path:
    project = Path(shutil.copytree(ZOO / case, directory / "project"))
    files = sorted(path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file())
    spec = SPEC.format(files="".join(f"    - {name}\n" for name in files)) + outputs
    (project / "reana.yaml").write_text(spec)
    (project / "parameters.yaml").write_text(f"events: {events}  # where they are\n")
    return project


def _plain(case: str, directory: Path, version: str) -> tuple[Run, Path]:
    """The user's own workflow, with the file where it is staged to otherwise."""
    project = _project(case, directory / "plain", "data/events.txt")
    (project / "data").mkdir()
    (project / "data" / "events.txt").write_text("events.txt\n")
    run = run_snakemake(version, project, "Snakefile", {"events": "data/events.txt"})
    assert run.returncode == 0, run.output
    return run, project


def _compiled(case: str, directory: Path, version: str, outputs: str = "") -> tuple[Run, Run, Path]:
    """Two runs of what REANA gets: only what the compiled specification lists."""
    project = _project(case, directory / "compiled", EVENTS, outputs)
    result = compile_file(project / "reana.yaml")
    assert result.text is not None, [found.message for found in result.diagnostics]
    (project / "out.yaml").write_text(result.text)
    for name, text in result.files.items():
        (project / name).write_text(text)
    workspace = directory / "reana" / "workspace"
    workspace.mkdir(parents=True)
    document = upload(project, "out.yaml", workspace)
    load(version, project, "out.yaml")
    snakefile, parameters = document["workflow"]["file"], document["inputs"]["parameters"]
    runs = [run_snakemake(version, workspace, snakefile, parameters, ENVIRONMENT) for _ in range(2)]
    assert runs[0].returncode == runs[1].returncode == 0, runs[0].output + runs[1].output
    return runs[0], runs[1], workspace


def _ours(run: Run, case: str) -> list[str]:
    """The jobs of staging; their rules have numbers where the user has rules of these names."""
    own = ["rucio_stage_in_lab", "rucio_stage_all"] if case == "names-like-ours" else []
    return [job for job in run.jobs if job.startswith("rucio_stage") and job not in own]


def _second(case: str) -> list[str]:
    """What a second run does: a rule without an output always runs."""
    return {"first-rule-has-a-command": ["publish"], "empty-first-rule": ["nothing"]}.get(case, [])


@pytest.mark.parametrize(
    ("case", "version"),
    _runs({"7.32": {*CASES} - {"localrules", "flagged-files", "checkpoint"}, "9": {"default-target", "configfile"}}),
)
def test_the_same_jobs_run_and_staging(case: str, version: str, tmp_path: Path) -> None:
    """Without stage-out the job list is the user's own plus staging, and a second run does nothing."""
    plain, project = _plain(case, tmp_path, version)
    run, again, workspace = _compiled(case, tmp_path, version)
    ours = _ours(run, case)
    number = "_2" if case == "names-like-ours" else ""
    assert ours == ([] if case == "empty-first-rule" else [f"rucio_stage_in_lab{number}"])
    assert sorted(run.jobs) == sorted([*plain.jobs, *ours])
    assert again.jobs == _second(case)
    if case != "empty-first-rule":
        assert (workspace / "plot.txt").read_text() == (project / "plot.txt").read_text()


@pytest.mark.parametrize(
    ("case", "version"),
    _runs(
        {
            "7.32": {"unpacked-input-functions", "names-like-ours", "empty-first-rule"},
            "9": {"first-rule-makes-a-file"},
        }
    ),
)
def test_the_same_jobs_run_and_stage_out(case: str, version: str, tmp_path: Path) -> None:
    """With stage-out the default target is what it was, and the receipts."""
    run, again, workspace = _compiled(case, tmp_path, version, OUTPUTS)
    ours = _ours(run, case)
    number = "_2" if case == "names-like-ours" else ""
    wanted = ["rucio_stage_check_lab", f"rucio_stage_in_lab{number}", "rucio_stage_out_lab"]
    if case.startswith("first-rule-makes"):
        wanted.append("rucio_stage_all")
    assert ours == wanted
    assert run.jobs[0] == "rucio_stage_check_lab"
    assert {"module-and-use-rule": "plots_plot", "names-like-ours": "rucio_stage_all"}.get(case, "plot") in run.jobs
    assert again.jobs == (_second(case) if case != "empty-first-rule" else [])
    assert (workspace / "plot.txt").read_text()
    assert (workspace / "rucio-stage-out.lab.json").exists()


@pytest.mark.parametrize("version", SNAKEMAKES)
@pytest.mark.parametrize(
    ("case", "path"),
    [("first-rule-makes-flagged-files", "plots/a.txt"), ("flagged-files", "skims/one.txt")],
    ids=["of the default target", "of another rule"],
)
def test_a_file_in_a_directory_is_uploaded_once_the_default_target_is_made(
    case: str, path: str, version: str, tmp_path: Path
) -> None:
    """No rule says that it makes the file: one makes the directory that it is in."""
    run, _, workspace = _compiled(case, tmp_path, version, OUTPUTS.replace("plot.txt ->", f"{path} ->"))
    assert (workspace / path).exists()
    assert run.jobs.index("plot") < run.jobs.index("rucio_stage_out_lab")
    assert (workspace / "rucio-stage-out.lab.json").exists()


@pytest.mark.parametrize("version", SNAKEMAKES)
def test_another_check_computes_nothing_again(version: str, tmp_path: Path) -> None:
    """Where only the outputs are said otherwise, they are checked and uploaded again; no rule of the user's runs."""
    _, _, workspace = _compiled("all-by-another-name", tmp_path, version, OUTPUTS)
    project = tmp_path / "compiled" / "project"
    spec = (project / "reana.yaml").read_text().replace("rse=CERN-DISK", "rse=CERN-DISK, lifetime=30d")
    (project / "reana.yaml").write_text(spec)
    for name, text in compile_file(project / "reana.yaml").files.items():
        (workspace / name).write_text(text)
    run = run_snakemake(version, workspace, "Snakefile.rucio", {"events": "data/events.txt"}, ENVIRONMENT)
    assert run.returncode == 0, run.output
    assert run.jobs == ["rucio_stage_check_lab", "rucio_stage_out_lab", "everything"]
