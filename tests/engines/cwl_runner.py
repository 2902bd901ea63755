"""Run compiled CWL specifications: as REANA 0.9 does, from the client's loading to the last job, and by current cwltool."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.engines.serial_runner import SIDECARS, SpecRejected
from tests.environments import python_of


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a run: `outputs` are those of the workflow, `jobs` what REANA ran, in order."""

    returncode: int
    outputs: dict[str, Any]
    log: str
    workspace: Path
    jobs: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def job(self, name: str) -> dict[str, Any]:
        return next(job for job in self.jobs if job["job"] == name and "status" in job)


def run_reana(spec: Path, *, base: Path, sidecar_env: Mapping[str, str], secrets_env: Mapping[str, str] = {},
              workspace: Path | None = None, clients: str = "clients-41.5.1", programs: Path | None = None) -> Result:  # fmt: skip
    """Load, validate and upload with REANA 0.9's client, then run as its engine does, in a workspace below `base`.

    `base` must not be below /tmp, whose paths the engine rewrites. With the `workspace` of an earlier result it is a
    restart. `programs` is a directory whose python3 the jobs take. Raises SpecRejected.
    """
    scripts = Path(__file__).parent
    if workspace is None:
        workspace = base / "users" / "1" / "workflows" / str(uuid.uuid4())
        workspace.mkdir(parents=True)
        _reana("reana-0.9", spec, [str(scripts / "_reana.py"), "upload", spec.name, str(workspace)])
    loaded = load(spec, "reana-0.9")
    (workspace / "workflow.json").write_text(json.dumps(loaded["workflow"]))
    (workspace / "inputs.json").write_text(json.dumps(loaded["parameters"]))
    common = {name: value for name, value in sidecar_env.items() if name not in SIDECARS.values()}
    sidecars = {flag: {name: sidecar_env[name]} for flag, name in SIDECARS.items() if name in sidecar_env}
    with tempfile.TemporaryDirectory(dir=base) as image:
        log = Path(image, "jobs")
        (Path(image) / "workdir").mkdir()
        run = subprocess.run(
            [str(python_of("reana-0.9")), str(scripts / "_cwl_reana.py"), str(workspace), str(log), f"{image}/workdir"],
            env={
                "PATH": f"{programs or python_of(clients).parent}:/usr/local/bin:/usr/bin:/bin",
                "JOB_VARIABLES": json.dumps({**common, **secrets_env}),
                "JOB_SIDECARS": json.dumps(sidecars),
            },
            capture_output=True,
            text=True,
        )
        jobs = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return Result(run.returncode, _json(run.stdout), run.stderr, workspace, jobs)


def load(spec: Path, environment: str) -> dict[str, Any]:
    """What REANA makes of a specification: the packed `workflow` and its `parameters`. Raises SpecRejected."""
    with tempfile.TemporaryDirectory() as directory:
        answer = Path(directory, "answer.json")
        _reana(environment, spec, [str(Path(__file__).with_name("_cwl_load.py")), str(answer), spec.name])
        found: dict[str, Any] = json.loads(answer.read_text())
    return found


def _reana(environment: str, spec: Path, arguments: list[str]) -> None:
    python = python_of(environment)
    run = subprocess.run(
        [str(python), *arguments],
        cwd=spec.parent,
        env={"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(spec.parent), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise SpecRejected((run.stdout + run.stderr).strip())


def cwltool(
    *arguments: str, cwd: Path, environment: str = "cwltool", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run cwltool, the current one or that of "reana-0.9"."""
    return subprocess.run(
        [str(python_of(environment).parent / "cwltool"), *arguments],
        cwd=cwd,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(cwd), **variables},
        capture_output=True,
        text=True,
    )


def run_cwltool(spec: Path, outdir: Path, variables: Mapping[str, str], clients: str = "clients-41.5.1",
                programs: Path | None = None) -> Result:  # fmt: skip
    """Run the workflow of a specification with current cwltool, without containers, and with its files where they are.

    `programs` is a directory whose python3 the jobs take.
    """
    data = yaml.safe_load(spec.read_text())
    parameters = data["inputs"].get("parameters", {})
    order = spec.parent / "job-order.json"
    given = yaml.safe_load((spec.parent / parameters["input"]).read_text()) if "input" in parameters else parameters
    order.write_text(json.dumps(given))
    path = f"{programs or python_of(clients).parent}:/usr/local/bin:{os.defpath}"
    run = cwltool(
        "--no-container", "--preserve-entire-environment", "--outdir", str(outdir), data["workflow"]["file"], order.name,
        cwd=spec.parent, **{**variables, "PATH": path, "RUCIO_STAGE_RUN": str(uuid.uuid4())},
    )  # fmt: skip
    return Result(run.returncode, _json(run.stdout), run.stderr, spec.parent)


def _json(text: str) -> dict[str, Any]:
    start = text.find("{")
    try:
        found: dict[str, Any] = json.loads(text[start:])
    except ValueError:
        return {}
    return found
