"""Run a compiled serial specification as REANA does, on this machine.

    result = run_serial(spec, workspace_base=tmp_path, clients="clients-41.5.1", sidecar_env=server.sidecar(tmp_path))
    assert result.returncode == 0, result.report()

REANA's own packages load, validate and expand it (`_reana.py`). A job is `bash -c "cd WORKSPACE && COMMAND"`, one per
command; jobs share the workspace and nothing else. Images are not run: `python3` is the one of a Rucio clients
environment. facts/reana.md A.1 to A.6 say what is measured of REANA here.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

from tests.environments import python_of

# A step's flag, and the variable that its sidecar sets.
SIDECARS = {"voms_proxy": "X509_USER_PROXY", "rucio": "RUCIO_CONFIG"}


class SpecRejected(Exception):
    """REANA's client, server or engine refuses the specification; no job was started."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One command of one step, run."""

    step: str
    command: str
    returncode: int
    stdout: str
    stderr: str
    environment_flags: dict[str, bool]


@dataclasses.dataclass(frozen=True)
class Result:
    """`returncode` is 0, or that of the job that failed, which is the last. `warnings` is what REANA said on loading."""

    returncode: int
    jobs: list[Job]
    workspace: Path
    warnings: list[str]

    def report(self) -> str:
        """All that the jobs said, for the message of a failed assertion."""
        return "\n".join(
            f"--- {job.step!r} exited with {job.returncode}\n{job.stdout}\n--- stderr\n{job.stderr}"
            for job in self.jobs
        )


def run_serial(
    spec_path: Path,
    *,
    workspace_base: Path,
    clients: str = "clients-41.5.1",
    reana: str = "reana-0.9",
    secrets_env: Mapping[str, str] = {},
    secrets_files: Mapping[str, bytes] = {},
    sidecar_env: Mapping[str, str] = {},
    parameters: Mapping[str, str] = {},
    workspace: Path | None = None,
    timeout: float = 600,
) -> Result:
    """Run the workflow in a new workspace below `workspace_base`, with the files that `spec_path` declares.

    `secrets_env` and `secrets_files` reach every job; of `sidecar_env` (see Server.sidecar) what a sidecar sets reaches
    the steps that ask for it. `parameters` are those of `reana-client start -p`. With the `workspace` of an earlier
    result it is a restart: nothing is uploaded again. Raises SpecRejected.
    """
    steps, warnings = load(spec_path, reana, parameters)
    if workspace is None:
        workspace = workspace_base.absolute() / "users" / str(uuid.uuid4()) / "workflows" / str(uuid.uuid4())
        workspace.mkdir(parents=True)
        _reana("reana-0.9", spec_path, "upload", spec_path.name, str(workspace))
    pods = Path(tempfile.mkdtemp(prefix="pods-", dir=workspace_base)).absolute()
    secrets = _write_secrets(pods / "secrets", secrets_files)
    sidecar_only = SIDECARS.values()
    common = {
        "PATH": f"{python_of(clients).parent}:/usr/local/bin:/usr/bin:/bin",
        **secrets_env,
        # The names of these say that they come from the user's secrets, which every job has.
        **{name: value for name, value in sidecar_env.items() if name not in sidecar_only},
        "RUCIO_STAGE_SECRETS": str(secrets),
    }
    jobs: list[Job] = []
    for step in steps:
        variables = {**common, **_sidecar_variables(step, sidecar_env)}
        for command in step["commands"]:
            job = _run_job(step, command, workspace, pod=pods / str(len(jobs)), variables=variables, timeout=timeout)
            jobs.append(job)
            if job.returncode:
                return Result(job.returncode, jobs, workspace, warnings)
    return Result(0, jobs, workspace, warnings)


def load(spec_path: Path, reana: str, parameters: Mapping[str, str] = {}) -> tuple[list[dict], list[str]]:
    """The steps that REANA's engine would run, parameters substituted, and REANA's warnings. Raises SpecRejected."""
    with tempfile.TemporaryDirectory() as directory:
        answer = Path(directory, "answer.json")
        said = _reana(reana, spec_path, "load", str(answer), spec_path.name, json.dumps(dict(parameters)))
        loaded = json.loads(answer.read_text())
    steps = _selected(loaded["steps"], loaded["options"])
    return steps, [line for line in said.splitlines() if "WARNING" in line]


def _reana(environment: str, spec_path: Path, *arguments: str) -> str:
    """Run `_reana.py` in the specification's directory, where its user stands."""
    script = Path(__file__).with_name("_reana.py")
    run = subprocess.run(
        [str(python_of(environment)), str(script), *arguments],
        cwd=spec_path.parent,
        env={"PATH": "/usr/bin:/bin", "HOME": str(spec_path.parent), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise SpecRejected((run.stdout + run.stderr).strip())
    return run.stdout


def _selected(steps: list[dict], options: dict) -> list[dict]:
    """From the step named by the option FROM to the one named by TARGET; an unknown name is no limit."""
    start = _index_of(options.get("FROM"), steps, 0)
    end = _index_of(options.get("TARGET"), steps, len(steps) - 1) + 1
    return steps[start:end] if start <= end else steps


def _index_of(name: str | None, steps: list[dict], otherwise: int) -> int:
    for index, step in enumerate(steps if name else []):
        if "name" not in step:
            raise SpecRejected(f"the engine looks for the step {name!r} and fails on one without a name")
        if step["name"].lower() == name.lower():
            return index
    return otherwise


def _sidecar_variables(step: dict, sidecar_env: Mapping[str, str]) -> dict[str, str]:
    """What the sidecars of a step set. Other backends than Kubernetes have none, whatever the flags say."""
    if step.get("compute_backend", "kubernetes") not in ("", "kubernetes"):
        return {}
    asked = (variable for flag, variable in SIDECARS.items() if step.get(flag))
    return {variable: sidecar_env[variable] for variable in asked if variable in sidecar_env}


def _run_job(step: dict, command: str, workspace: Path, *, pod: Path, variables: dict[str, str], timeout: float) -> Job:
    """Run one command in a pod of its own: its home, temporary and current directory are new and not the workspace."""
    home, temporary, image_workdir = pod / "home", pod / "tmp", pod / "workdir"
    for directory in (home, temporary, image_workdir):
        directory.mkdir(parents=True)
    flags = {flag: bool(step.get(flag)) for flag in SIDECARS}
    try:
        run = subprocess.run(
            ["bash", "-c", f"cd {workspace} && {command}"],
            cwd=image_workdir,
            env={**variables, "HOME": str(home), "TMPDIR": str(temporary)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            umask=0o002,
            check=False,
        )
    except OSError as error:
        if error.errno != errno.E2BIG:
            raise
        return Job(step.get("name", ""), command, 126, "", os.strerror(errno.E2BIG), flags)
    return Job(step.get("name", ""), command, run.returncode, run.stdout, run.stderr, flags)


def _write_secrets(directory: Path, files: Mapping[str, bytes]) -> Path:
    """REANA mounts these at /etc/reana/secrets; the stager looks where RUCIO_STAGE_SECRETS says."""
    directory.mkdir(parents=True)
    for name, content in files.items():
        path = directory / name
        path.touch(mode=0o600)
        path.write_bytes(content)
    return directory
