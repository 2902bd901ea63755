"""In every golden case the user's jobs are those that run where all data are uploaded: the same commands, no earlier.

What the case would be with its data uploaded is the specification with the shared edits alone: expressions are paths.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reana_rucio_compiler import documents
from reana_rucio_compiler.compiler import compile_file
from reana_rucio_compiler.diagnostics import Report
from reana_rucio_compiler.edits import apply
from reana_rucio_compiler.instances import known_instances
from reana_rucio_compiler.model import Plan
from reana_rucio_compiler.plan import make_plan
from reana_rucio_compiler.references import find_references
from reana_rucio_compiler.specification import edit_specification
from reana_rucio_compiler.task import Graft
from tests.engines._yadage import OURS
from tests.engines.serial_runner import SpecRejected
from tests.engines.yadage_runner import Result, run_stubbed
from tests.environments import needs

GOLDEN = Path(__file__).parents[1] / "golden" / "yadage"
CASES = sorted(path.parent for path in GOLDEN.glob("*/reana.yaml"))

# What REANA itself refuses, and why: yadage runs it, but REANA's check of parameters looks for some.
REFUSED = {"a-jq-stage": "KeyError: 'parameters'"}


def _plain(path: Path) -> tuple[str, Plan]:
    """The specification with a path for each expression, and what it stages."""
    report = Report()
    document = documents.load(path, report)
    assert document
    instances = known_instances((document,), report)
    plan = make_plan(document, find_references(document, report), instances, {}, report)
    assert not report.failed
    return apply(document, edit_specification(document, plan, Graft())), plan


def _upload(workspace: Path, plan: Plan) -> None:
    """Put there what the stub of the stager writes."""
    for transfer in plan.inputs:
        folder = transfer.type == "directory"
        for path in (workspace / transfer.path / name for name in (("1.root", "2.root") if folder else ("",))):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(transfer.name)


def _commands(result: Result) -> list[tuple[str, str]]:
    return sorted(
        (job.name, job.command.replace(str(result.workspace), "WORKSPACE"))
        for job in result.jobs
        if OURS not in job.command
    )


@pytest.mark.parametrize("reana", ["reana-0.9", pytest.param("reana-0.95", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_jobs_are_those_of_uploaded_data(case: Path, reana: str, tmp_path: Path) -> None:
    needs(reana)
    uploaded, compiled = (Path(shutil.copytree(case, tmp_path / name)) for name in ("uploaded", "compiled"))
    text, plan = _plain(case / "reana.yaml")
    (uploaded / "plain.yaml").write_text(text)
    _upload(uploaded, plan)
    if case.name in REFUSED:
        with pytest.raises(SpecRejected, match=REFUSED[case.name]):
            run_stubbed(uploaded / "plain.yaml", uploaded, reana=reana)
        return
    expected = run_stubbed(uploaded / "plain.yaml", uploaded, reana=reana)
    assert expected.status == "finished", expected.report()

    result = compile_file(compiled / "reana.yaml")
    assert result.text
    for name, content in {"reana.out.yaml": result.text, **result.files}.items():
        (compiled / name).write_text(content)
    found = run_stubbed(compiled / "reana.out.yaml", compiled, [each.path for each in plan.inputs], reana)
    assert found.status == "finished", found.report()
    assert _commands(found) == _commands(expected)
    assert not [(job.name, job.missing) for job in found.jobs if job.missing]
    assert {path for each in plan.inputs for path in [each.path] if not (compiled / path).exists()} == set()
    assert not [warning for warning in found.warnings if "rucio" in warning]


def _run_compiled(project: Path, reana: str) -> Result:
    needs(reana)
    result = compile_file(project / "reana.yaml")
    assert result.text, [found.message for found in result.diagnostics]
    for name, content in {"reana.out.yaml": result.text, **result.files}.items():
        (project / name).write_text(content)
    return run_stubbed(project / "reana.out.yaml", project, reana=reana)


@pytest.mark.parametrize("reana", ["reana-0.9", "reana-0.95"])
def test_a_glob_that_no_staged_file_matches_fails_the_workflow(reana: str, tmp_path: Path) -> None:
    """Yadage takes such a glob for a string, and scatters over its letters."""
    project = Path(shutil.copytree(GOLDEN / "scatter-over-a-dataset", tmp_path / "project"))
    spec = project / "reana.yaml"
    spec.write_text(spec.read_text().replace("*.root", "*.csv"))
    result = _run_compiled(project, reana)
    assert result.status == "failed"
    assert [(job.name, job.returncode) for job in result.jobs] == [("rucio_stage_in", 5)]
    assert result.jobs[0].stderr.startswith("reana-rucio: error: a parameter names data/run2022/*.csv")


ONE_CASE = """\
stages:
- name: fit
  dependencies: [init]
  scheduler:
    scheduler_type: singlestep-stage
    parameters: {kind: {step: init, output: kind}, output: '{workdir}/out.json'}
    cases:
    - if: .kind == "quick"
      step:
        process: {process_type: string-interpolated-cmd, cmd: 'fit {output}'}
        publisher: {publisher_type: frompar-pub, outputmap: {result: output}}
        environment: {environment_type: docker-encapsulated, image: docker.io/library/busybox, imagetag: '1.36'}
"""


@pytest.mark.parametrize(("kind", "names"), [("quick", ["fit", "rucio_stage_out"]), ("slow", [])])
def test_an_upload_after_no_case_is_left_out_in_silence(kind: str, names: list[str], tmp_path: Path) -> None:
    """Why there is the warning RR442: REANA says "finished" all the same. (REANA 0.95 refuses cases.)"""
    project = tmp_path / "project"
    project.mkdir()
    (project / "workflow.yaml").write_text(ONE_CASE)
    (project / "reana.yaml").write_text(f"""\
inputs: {{files: [workflow.yaml], parameters: {{kind: {kind}}}}}
workflow: {{type: yadage, file: workflow.yaml}}
outputs:
  files:
  - fit/out.json -> rucio(escape, user.jdoe, fit.json, rse=CERN-DISK)
""")
    result = _run_compiled(project, "reana-0.9")
    assert result.status == "finished", result.report()
    assert result.names == ["rucio_stage_check", *names]
