"""What a compilation says of the workflow that results: the steps, what they wait for, and who takes what is staged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reana_rucio_compiler import compile  # noqa: A004 - the name of the command
from reana_rucio_compiler.compiler import Compilation
from tests.examples import ROOT

CASES = sorted(path for path in (ROOT / "tests/golden").glob("*/*/reana.yaml") if (path.parent / "expected").is_dir())


def _compiled(path: Path, monkeypatch: pytest.MonkeyPatch) -> Compilation:
    monkeypatch.chdir(path.parent)
    return compile(path.name)


def _texts(result: Compilation) -> str:
    return "\n".join([result.text or "", *result.files.values()])


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parts[-3]}-{path.parts[-2]}")
def test_steps_run_the_jobs_that_are_compiled_and_wait_for_steps(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _compiled(path, monkeypatch)
    assert bool(result.steps) == bool(result.plan) == ("rucio-stage-" in _texts(result))
    names = [step.name for step in result.steps]
    assert len(names) == len(set(names))
    assert {name for step in result.steps for name in step.after} <= set(names)
    jobs = [job for step in result.steps for job in step.jobs]
    plain = _texts(result).replace('\\"', '"').replace("{{", "{").replace("}}", "}")
    assert not [job.receipt for job in jobs if json.dumps(job.receipt) not in plain]
    plan = result.plan
    if plan:
        moved = {
            (job.instance.name, each.did, each.path)
            for job in jobs
            if job.action == "stage-out"
            for each in job.uploads
        }
        assert moved == {(each.instance, each.did, each.path) for each in plan.outputs}
        assert len({each.did for job in jobs for each in job.downloads}) == len({each.did for each in plan.inputs})


EXAMPLES = {
    "serial-two-instances": [
        ("rucio-stage-in", (), (), 2),
        ("fit", ("rucio-stage-in",), ("data/drift-times.csv", "data/resolution.csv"), 2),
        ("rucio-stage-out", ("fit",), (), 1),
    ],
    "cwl-dimuon-scatter": [
        ("rucio-stage-in", (), (), 1),
        ("measure", ("rucio-stage-in",), ("calibration/muons.json", "data/dimuons"), None),
        ("add", ("measure",), (), 1),
        ("rucio-stage-out", ("add",), (), 1),
    ],
    "yadage-scattered-selection": [
        ("rucio_stage_in", (), (), 1),
        ("select", ("rucio_stage_in",), ("data/events",), None),
        ("cutflow", ("rucio_stage_in", "select"), ("data/events",), 1),
        ("rucio_stage_out", ("cutflow",), (), 1),
    ],
    "snakemake-data-and-simulation": [
        ("rucio_stage_check_escape", (), (), 1),
        ("rucio_stage_in_escape", ("rucio_stage_check_escape",), (), 1),
        ("rucio_stage_in_escape_histograms_sample_csv", ("rucio_stage_check_escape",), (), None),
        (
            "normalise",
            ("rucio_stage_in_escape", "rucio_stage_in_escape_histograms_sample_csv"),
            ("histograms/{sample}.csv", "luminosity.json"),
            None,
        ),
        (
            "compare",
            ("rucio_stage_in_escape_histograms_sample_csv", "normalise"),
            ("histograms/{sample}.csv",),
            1,
        ),
        ("all", ("compare",), (), 0),
        ("rucio_stage_out_escape", ("rucio_stage_check_escape", "compare"), (), 1),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_steps_of_the_examples(name: str) -> None:
    steps = compile(ROOT / "examples" / name / "reana.yaml").steps
    assert [(step.name, step.after, step.takes, step.pods) for step in steps] == EXAMPLES[name]
