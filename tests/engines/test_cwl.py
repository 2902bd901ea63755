"""CWL specifications, compiled, then loaded and run by REANA's ways and by current cwltool, against a real Rucio server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.engines.cwl_runner import Result, cwltool, load, run_cwltool, run_reana
from tests.engines.test_serial import compile_in, write_project
from tests.environments import needs
from tests.rucio.server import Server

GOLDEN = Path(__file__).parent.parent / "golden" / "cwl"

ANALYSIS = """\
inputs:
  files:
    - code/count.sh
    - data/local.txt
    - rucio(escape, user.jdoe, events.root) -> data/events.root
    - rucio(escape, user.jdoe, calib-v3.db) -> data/deep/calib.db
  directories:
    - rucio(escape, user.jdoe, run2022.aod) -> data/run2022
  parameters:
    input: workflow/job.yml
workflow:
  type: cwl
  file: workflow/main.cwl
outputs:
  files:
    - outputs/report.txt -> rucio(escape, user.jdoe, REPORT, rse=CERN-DISK, dataset=REPORTS)
  directories:
    - outputs/counts -> rucio(escape, user.jdoe, COUNTS, rse=CERN-DISK)
"""
FILES = {
    "code/count.sh": 'wc -l < "$1"\n',
    "data/local.txt": "one\ntwo\n",
    "workflow/job.yml": """\
script: {class: File, path: code/count.sh}
samples:
  - {class: File, path: data/events.root}
  - {class: File, path: data/local.txt}
calibration: {class: File, path: data/deep/calib.db}
run: {class: Directory, path: data/run2022}
prefix: PREFIX
""",
    "workflow/main.cwl": """\
cwlVersion: v1.0
class: Workflow
requirements:
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
  StepInputExpressionRequirement: {}
inputs:
  script: File
  samples: File[]
  calibration: File
  run: Directory
  prefix: string
outputs:
  counts: {type: "File[]", outputSource: each/count}
  report: {type: File, outputSource: summary/report}
steps:
  each:
    run: one.cwl
    scatter: sample
    in: {script: script, sample: samples, prefix: prefix}
    out: [count]
  summary:
    run: report.cwl
    in:
      counts: each/count
      run: run
      calibration: calibration
      name: {source: calibration, valueFrom: $(self.basename)}
    out: [report]
""",
    "workflow/one.cwl": """\
cwlVersion: v1.0
class: Workflow
requirements: {StepInputExpressionRequirement: {}}
inputs: {script: File, sample: File, prefix: string}
outputs:
  count: {type: File, outputSource: wc/count}
steps:
  wc:
    run: count.cwl
    in:
      script: script
      sample: sample
      prefix: prefix
    out: [count]
""",
    "workflow/count.cwl": """\
cwlVersion: v1.0
class: CommandLineTool
baseCommand: sh
inputs:
  script: {type: File, inputBinding: {position: 1}}
  sample: {type: File, inputBinding: {position: 2}}
  prefix: string
stdout: $(inputs.prefix)-$(inputs.sample.nameroot).count
outputs:
  count: stdout
""",
    "workflow/report.cwl": """\
cwlVersion: v1.0
class: CommandLineTool
baseCommand: [sh, -c, 'cat "$@"; cat "$0"/*; test -f "$0"/aod-1.root']
inputs:
  run: {type: Directory, inputBinding: {position: 1}}
  counts: {type: "File[]", inputBinding: {position: 2}}
  calibration: {type: File, inputBinding: {position: 3}}
  name: string
stdout: report.txt
outputs:
  report: stdout
""",
}


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory that is not below /tmp: REANA's engine rewrites paths that are."""
    needs("reana-0.9")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="reana-rucio-cwl-") as directory:
        yield Path(directory)


def project_in(directory: Path, text: str, files: dict[str, str], **words: str) -> Path:
    for old, new in words.items():
        text = text.replace(old, new)
        files = {name: content.replace(old, new) for name, content in files.items()}
    return write_project(directory, text, **files)


def explained(result: Result) -> str:
    return (
        "\n".join(f"[{job.get('job')}: {job.get('status')}]\n{job.get('log')}{job.get('error')}" for job in result.jobs)
        + result.log[-4000:]
    )


# The others are slow, not in what they show: loading by two releases of REANA and by cwltool takes ten seconds each.
OFTEN = ("file-inputs", "locked", "outputs", "secondary-files", "tool-at-the-top")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(path.name, marks=() if path.name in OFTEN else pytest.mark.slow)
        for path in sorted(GOLDEN.iterdir())
    ],
)
def test_every_golden_case_is_valid_and_is_loaded(case: str, tmp_path: Path) -> None:
    """By current cwltool, by the one that REANA has, and by reana-commons 0.9.11 and 0.95."""
    for environment in ("cwltool", "reana-0.9", "reana-0.95"):
        needs(environment)
    project = shutil.copytree(GOLDEN / case, tmp_path / "project", ignore=shutil.ignore_patterns("expected"))
    spec = compile_in(project)
    data = yaml.safe_load(spec.read_text())
    for file in data["inputs"].get("files", []):
        assert (project / file).is_file()
    workflow = data["workflow"]["file"]
    for environment in ("cwltool", "reana-0.9"):
        valid = cwltool("--validate", "--strict", workflow, cwd=project, environment=environment)
        assert valid.returncode == 0, valid.stderr
    for environment in ("reana-0.9", "reana-0.95"):
        if environment == "reana-0.9" and "#" in workflow:
            continue  # its validator takes the fragment for a part of the file's name
        loaded = load(spec, environment)
        assert "rucio(" not in json.dumps(loaded)


def test_an_analysis_moves_real_data_under_reana_twice(
    jdoe: Server, tmp_path: Path, base: Path, unique_name: Callable[[str], str]
) -> None:
    """Files, an array that is half local, a directory, a scatter over a sub-workflow; outputs checked and uploaded."""
    words = {key: unique_name(key.lower()) for key in ("REPORTS", "REPORT", "COUNTS", "PREFIX")}
    project = project_in(tmp_path / "project", ANALYSIS, FILES, **words)
    spec = compile_in(project)
    sidecar = jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    result = run_reana(spec, base=base, sidecar_env=sidecar)
    assert result.returncode == 0, explained(result)
    order = [job["job"] for job in result.jobs]
    first = min(at for at, name in enumerate(order) if not name.startswith("rucio-"))
    assert "rucio-stage-check" in order[:first]
    assert order[-1] == "rucio-stage-out"
    staging = [job for job in result.jobs if job["job"].startswith("rucio-stage-")]
    assert all(job["flags"]["voms_proxy"] and job["flags"]["rucio"] for job in staging)
    report = (result.workspace / "outputs/report.txt").read_text()
    assert report.splitlines()[:2] == ["100", "2"]
    assert report.count("calib-v3.db\n") == 100
    assert report.count("aod-3.root\n") == 100
    # What is staged is in the workspace, where also a tool finds it that does not ask CWL.
    assert (result.workspace / "data/deep/calib.db").read_text() == "calib-v3.db\n" * 100
    assert (result.workspace / "rucio-stage-out.escape.json").exists()
    assert jdoe.replica_path(f"user.jdoe:{words['REPORT']}", "CERN-DISK").read_text() == report
    content = {each["name"] for each in jdoe.client("jdoe").call("list_content", "user.jdoe", words["COUNTS"])}
    assert content == {f"{words['PREFIX']}-events.count", f"{words['PREFIX']}-local.count"}

    jdoe.clear_requests()
    again = run_reana(spec, base=base, sidecar_env=sidecar, workspace=result.workspace)
    assert again.returncode == 0, explained(again)
    changing = [(method, path) for method, path in jdoe.requests() if method in ("PUT", "DELETE")]
    assert not changing
    receipt = json.loads((result.workspace / "rucio-stage-in.escape.1.json").read_text())
    assert {each["status"] for each in receipt["files"]} == {"present"}


def test_no_data_is_left_where_later_jobs_copy_it(jdoe: Server, tmp_path: Path, base: Path) -> None:
    """REANA copies all of the jobs' common directory to the output directory of each job that ends."""
    text = ANALYSIS.partition("outputs:")[0]
    spec = compile_in(project_in(tmp_path / "project", text, FILES, PREFIX="p"))
    result = run_reana(spec, base=base, sidecar_env=jdoe.sidecar(tmp_path / "sidecar", "jdoe"))
    assert result.returncode == 0, explained(result)
    copies = list(result.workspace.glob("cwl/outdir/*/**/calib.db"))
    assert {path.stat().st_ino for path in copies} == {(result.workspace / "data/deep/calib.db").stat().st_ino}
    assert len(list(result.workspace.glob("cwl/outdir/*/cwl.output.json"))) == len(
        [job for job in result.jobs if job["job"].startswith("rucio-stage-in")]
    )


def test_the_same_analysis_under_current_cwltool(
    jdoe: Server, tmp_path: Path, unique_name: Callable[[str], str]
) -> None:
    needs("cwltool")
    words = {key: unique_name(key.lower()) for key in ("REPORTS", "REPORT", "COUNTS", "PREFIX")}
    # Without REANA, the files of a job order are sought from where it is.
    project = project_in(tmp_path / "project", ANALYSIS, FILES, **words)
    result = run_cwltool(compile_in(project), tmp_path / "outputs", jdoe.sidecar(tmp_path / "sidecar", "jdoe"))
    assert result.returncode == 0, result.log[-4000:]
    report = (tmp_path / "outputs/report.txt").read_text()
    assert report.count("calib-v3.db\n") == 100
    assert jdoe.replica_path(f"user.jdoe:{words['REPORT']}", "CERN-DISK").read_text() == report


@pytest.mark.parametrize("missing", ["events.root", "calib-v3.db", "run2022.aod"])
def test_a_did_that_cannot_be_staged_fails_the_workflow(missing: str, jdoe: Server, tmp_path: Path, base: Path) -> None:
    """Although REANA sees only the status of a copy, and other jobs have left files to be copied."""
    text = ANALYSIS.partition("outputs:")[0].replace(missing + ")", f"no-such-{missing})")
    spec = compile_in(project_in(tmp_path / "project", text, FILES, PREFIX="p"))
    result = run_reana(spec, base=base, sidecar_env=jdoe.sidecar(tmp_path / "sidecar", "jdoe"))
    assert result.returncode != 0
    assert not (result.workspace / "outputs/report.txt").exists()
    failed = [job for job in result.jobs if f"no-such-{missing}" in job.get("log", "")]
    assert len(failed) == 1
    ours = [line for line in failed[0]["log"].splitlines() if line.startswith("reana-rucio: ")]
    assert ours[-1].startswith(f"reana-rucio: error: user.jdoe:no-such-{missing}")
    assert not [job for job in result.jobs if job["job"] == "summary"]


def test_an_upload_that_is_refused_is_found_before_anything_is_computed(
    jdoe: Server, tmp_path: Path, base: Path
) -> None:
    text = ANALYSIS.replace("rse=CERN-DISK", "rse=SITE4_READONLY")
    spec = compile_in(
        project_in(tmp_path / "project", text, FILES, REPORTS="r-{run}", REPORT="s-{run}", COUNTS="c-{run}", PREFIX="p")
    )
    result = run_reana(spec, base=base, sidecar_env=jdoe.sidecar(tmp_path / "sidecar", "jdoe"))
    assert result.returncode != 0
    assert "SITE4_READONLY" in result.job("rucio-stage-check")["log"]
    assert {job["job"].partition("-in")[0] for job in result.jobs if "status" in job} <= {
        "rucio-stage-check",
        "rucio-stage",
    }


GRAPH = """\
cwlVersion: v1.2
$graph:
- id: sort
  class: CommandLineTool
  baseCommand: sort
  inputs: {events: {type: File, inputBinding: {}}}
  stdout: sorted.txt
  outputs: {sorted: stdout}
- id: main
  class: Workflow
  inputs: {events: File}
  outputs: {sorted: {type: File, outputSource: sort/sorted}}
  steps:
    sort: {run: '#sort', in: {events: events}, out: [sorted]}
"""
TOOL = """\
cwlVersion: v1.0
class: CommandLineTool
baseCommand: sort
inputs: {events: {type: File, inputBinding: {}}}
stdout: sorted.txt
outputs: {sorted: stdout}
"""
SMALL = """\
inputs:
  parameters:
    events: rucio(escape, user.jdoe, events.root) -> data/events.root
workflow: {type: cwl, file: main.cwl}
outputs:
  files:
    - outputs/sorted.txt -> rucio(escape, user.jdoe, SORTED, rse=CERN-DISK)
"""


@pytest.mark.parametrize(("name", "text"), [("graph", GRAPH), ("tool", TOOL)])
def test_a_graph_and_a_tool_at_the_top(
    name: str, text: str, jdoe: Server, tmp_path: Path, base: Path, unique_name: Callable[[str], str]
) -> None:
    did = unique_name(f"{name}-sorted.txt")
    spec = compile_in(project_in(tmp_path / "project", SMALL, {"main.cwl": text}, SORTED=did))
    sidecar = jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    result = run_reana(spec, base=base, sidecar_env=sidecar)
    assert result.returncode == 0, explained(result)
    assert (result.workspace / "outputs/sorted.txt").read_text() == "events.root\n" * 100
    assert jdoe.replica_path(f"user.jdoe:{did}", "CERN-DISK").read_text() == "events.root\n" * 100
    other = run_cwltool(spec, tmp_path / "outputs", sidecar)
    assert other.returncode == 0, other.log[-3000:]


CONTENTS = """\
cwlVersion: v1.0
class: Workflow
requirements: {StepInputExpressionRequirement: {}}
inputs:
  events: {type: File, secondaryFiles: [$(self.nameroot).db]}
  tag: {type: File, inputBinding: {loadContents: true}}
outputs: {joined: {type: File, outputSource: join/joined}}
steps:
  join:
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'echo "$1"; cat "$0" `dirname "$0"`/events.db']
      inputs:
        events: {type: File, secondaryFiles: [^.db], inputBinding: {position: 1}}
        tag: {type: string, inputBinding: {position: 2}}
      stdout: joined.txt
      outputs: {joined: stdout}
    in: {events: events, tag: {source: tag, valueFrom: $(self.contents)}}
    out: [joined]
"""


def test_what_cwl_reads_at_an_input_is_there(jdoe: Server, tmp_path: Path, base: Path) -> None:
    """The contents of a staged file, and a secondary file whose name an expression says."""
    text = """\
inputs:
  files:
    - rucio(escape, user.jdoe, events.root) -> data/events.root
    - rucio(escape, user.jdoe, calib-v3.db) -> data/events.db
    - rucio(escape, user.jdoe, aod-1.root) -> data/tag.txt
  parameters:
    events: {class: File, path: data/events.root}
    tag: {class: File, path: data/tag.txt}
workflow: {type: cwl, file: main.cwl}
"""
    wanted = "aod-1.root\n" * 100 + "\n" + "events.root\n" * 100 + "calib-v3.db\n" * 100
    spec = compile_in(project_in(tmp_path / "project", text, {"main.cwl": CONTENTS}))
    sidecar = jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    result = run_reana(spec, base=base, sidecar_env=sidecar)
    assert result.returncode == 0, explained(result)
    assert (result.workspace / "outputs/joined.txt").read_text() == wanted
    other = run_cwltool(spec, tmp_path / "outputs", sidecar)
    assert other.returncode == 0, other.log[-3000:]
    assert (tmp_path / "outputs/joined.txt").read_text() == wanted


def test_an_output_that_is_empty_says_so(jdoe: Server, tmp_path: Path, base: Path) -> None:
    """CWL leaves an empty array out of a command: the job must know what it was to upload."""
    tool = TOOL.replace(
        "outputs: {sorted: stdout}", 'outputs: {parts: {type: "File[]", outputBinding: {glob: "no-*"}}}'
    )
    text = (
        SMALL.partition("outputs:")[0]
        + "outputs:\n  directories:\n    - parts -> rucio(escape, user.jdoe, no-parts, rse=CERN-DISK)\n"
    )
    spec = compile_in(project_in(tmp_path / "project", text, {"main.cwl": tool}))
    result = run_reana(spec, base=base, sidecar_env=jdoe.sidecar(tmp_path / "sidecar", "jdoe"))
    assert result.returncode != 0
    lines = result.job("rucio-stage-out")["log"].splitlines()
    assert "reana-rucio: error: parts: the workflow made no such output; nothing was uploaded" in lines


def test_the_log_says_that_an_image_has_no_python(tmp_path: Path) -> None:
    """REANA's log holds standard output: standard error is a file, by which a job knows its output directory."""
    compile_in(project_in(tmp_path / "project", SMALL.partition("outputs:")[0], {"main.cwl": TOOL}))
    tool = yaml.safe_load((tmp_path / "project" / "main.rucio-stage-in.escape.cwl").read_text())
    (tmp_path / "bin").mkdir()
    for name in ("cat", "mktemp", "rm"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    with (tmp_path / "stderr").open("w") as stream:
        run = subprocess.run(
            [str(shutil.which("bash")), "-c", *tool["arguments"]],
            env={"PATH": str(tmp_path / "bin")}, stdout=subprocess.PIPE, stderr=stream, text=True,
        )  # fmt: skip
    assert run.returncode == 3
    assert "reana-rucio: error: this image has no python3" in run.stdout


def test_a_tool_that_reads_the_workspace_itself_waits(jdoe: Server, tmp_path: Path, base: Path) -> None:
    """A path that no File takes is staged to the workspace, and all steps wait for it."""
    tool = TOOL.replace("inputs: {events: {type: File, inputBinding: {}}}", "inputs: []")
    tool = tool.replace("sort\n", "[sort, ../../../data/events.root]\n")
    text = SMALL.partition("outputs:")[0].replace("  parameters:\n    events:", "  files:\n    -")
    spec = compile_in(project_in(tmp_path / "project", text, {"main.cwl": tool}))
    result = run_reana(spec, base=base, sidecar_env=jdoe.sidecar(tmp_path / "sidecar", "jdoe"))
    assert result.returncode == 0, explained(result)
    assert (result.workspace / "outputs/sorted.txt").read_text() == "events.root\n" * 100


def test_the_example_adds_the_spectra_of_a_dataset(
    jdoe: Server, tmp_path: Path, base: Path, unique_name: Callable[[str], str]
) -> None:
    """examples/cwl-dimuon-scatter: a job for each file of a dataset; the sum peaks at the mass of the Z."""
    example = Path(__file__).parent.parent.parent / "examples" / "cwl-dimuon-scatter"
    project = shutil.copytree(example, tmp_path / "project")
    dataset, calibration = unique_name("dimuons"), unique_name("calibration.json")
    (tmp_path / calibration).write_text('{"scale": 2.0}\n')
    jdoe.upload(tmp_path / calibration, f"user.jdoe:{calibration}", "SITE1_SCRATCHDISK", "jdoe")
    for number in range(3):
        path = tmp_path / f"{dataset}-{number}.csv"
        # Back to back, at 91.19 GeV once scaled.
        path.write_text(
            "".join(f"22.7975,0,{phi / 10},22.7975,0,{phi / 10 + 3.1415926}\n" for phi in range(20 + number))
        )
        jdoe.upload(path, f"user.jdoe:{path.name}", "SITE2_SCRATCHDISK", "jdoe", f"user.jdoe:{dataset}")
    for name in ("reana.yaml", "workflow/job.yml"):
        text = (project / name).read_text().replace("muon-calibration-v3.json", calibration)
        (project / name).write_text(text.replace("dimuons-2022", dataset).replace("CERN-EOS", "CERN-DISK"))
    result = run_reana(compile_in(project), base=base, sidecar_env=jdoe.sidecar(tmp_path / "sidecar", "jdoe"))
    assert result.returncode == 0, explained(result)
    assert [job["job"] for job in result.jobs if "status" in job] == [
        "rucio-stage-in", "measure", "measure_2", "measure_3", "add", "rucio-stage-out",
    ]  # fmt: skip
    spectrum = (result.workspace / "outputs/spectrum.csv").read_text()
    counts = {float(mass): int(count) for mass, count in (line.split(",") for line in spectrum.splitlines())}
    assert counts[max(counts, key=lambda mass: counts[mass])] == 20 + 21 + 22
    assert abs(max(counts, key=lambda mass: counts[mass]) - 91.19) < 1
    stored = jdoe.replica_path(f"user.jdoe:dimuon-sum-{result.workspace.name}.csv", "CERN-DISK")
    assert stored.read_text() == spectrum
