"""Run a compiled Yadage specification as REANA does, on this machine.

    result = run_yadage(spec, workspace_base=tmp_path, clients="clients-41.5.1", sidecar_env=server.sidecar(tmp_path))
    assert result.status == "finished", result.report()

REANA's own packages upload, load and validate it, and the yadage that they pin runs it (`_yadage.py`). A job is
`bash -c COMMAND` in an image's directory that is not the workspace. Images are not run: `python3` is the one of a
Rucio clients environment. Jobs run at the same time wherever yadage lets them.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.engines.serial_runner import SIDECARS, SpecRejected
from tests.environments import python_of


@dataclasses.dataclass(frozen=True)
class Job:
    """One job, run; `started` and `ended` are seconds of one clock.

    `missing` are the staged paths that its command named and that did not exist at its start, where those are given.
    """

    name: str
    command: str
    flags: dict
    image: str
    returncode: int | None
    stdout: str
    stderr: str
    started: float
    ended: float
    missing: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Result:
    """`status` is what REANA shows, `reason` why it is "failed"; `warnings` is what REANA said on loading."""

    status: str
    reason: str
    jobs: list[Job]
    workspace: Path
    warnings: list[str]

    @property
    def names(self) -> list[str]:
        """The names of the jobs in order of their start."""
        return [job.name for job in self.jobs]

    def job(self, name: str) -> Job:
        return next(job for job in self.jobs if job.name == name)

    def report(self) -> str:
        """All that the jobs and the engine said, for the message of a failed assertion."""
        said = (f"--- {job.name} exited with {job.returncode}\n{job.stdout}{job.stderr}" for job in self.jobs)
        return "\n".join([*said, self.reason])


STUB = """\
#!/bin/sh
exec {python} -c '
import json, os, sys
manifest = json.load(open(sys.argv[2]))
for each in manifest.get("downloads", []):
    folder = each["type"] == "directory"
    for path in [each["path"] + "/" + name for name in ("1.root", "2.root")] if folder else [each["path"]]:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        open(path, "w").write(each["name"])
json.dump(manifest, open(manifest["receipt"], "w"))
' "$@"
"""


def run_stubbed(spec_path: Path, workspace: Path, staged: Sequence[str] = (), reana: str = "reana-0.9") -> Result:
    """Run the workflow in a workspace that holds its files, its jobs only recorded; those of ours write their
    manifest to the receipt, and files that hold their DID's name.

    `staged` are the paths that the jobs' commands are searched for.
    """
    pods = workspace.parent / f"{workspace.name}-pods"
    (pods / "bin").mkdir(parents=True)
    stub = pods / "bin" / "python3"
    stub.write_text(STUB.format(python=sys.executable))
    stub.chmod(0o755)
    variables = {"PATH": f"{stub.parent}:/usr/bin:/bin"}
    options = {"variables": variables, "staged": list(staged), "stub": True}
    return _run(spec_path, workspace, pods, reana, 300, **options)


def run_yadage(
    spec_path: Path,
    *,
    workspace_base: Path,
    clients: str = "clients-41.5.1",
    reana: str = "reana-0.9",
    secrets_env: Mapping[str, str] = {},
    sidecar_env: Mapping[str, str] = {},
    parameters: Mapping[str, str] = {},
    workspace: Path | None = None,
    timeout: float = 300,
) -> Result:
    """Run the workflow in a new workspace below `workspace_base`, with the files that `spec_path` declares.

    `secrets_env` reach every job; of `sidecar_env` (see Server.sidecar) what a sidecar sets reaches the steps that ask
    for it. `parameters` are those of `reana-client start -p`. With the `workspace` of an earlier result it is a
    restart: nothing is uploaded again. Raises SpecRejected.
    """
    restart = workspace is not None
    if workspace is None:
        workspace = workspace_base.absolute() / "users" / str(uuid.uuid4()) / "workflows" / str(uuid.uuid4())
        workspace.mkdir(parents=True)
        _reana("reana-0.9", spec_path, "_reana.py", "upload", spec_path.name, str(workspace))
    pods = Path(tempfile.mkdtemp(prefix="pods-", dir=workspace_base)).absolute()
    secrets = pods / "secrets"
    secrets.mkdir()
    only_sidecars = {flag: {name: sidecar_env[name]} for flag, name in SIDECARS.items() if name in sidecar_env}
    options = {
        "parameters": dict(parameters),
        "restart": restart,
        "sidecars": {flag: only_sidecars.get(flag, {}) for flag in SIDECARS},
        "variables": {
            "PATH": f"{python_of(clients).parent}:/usr/local/bin:/usr/bin:/bin",
            **secrets_env,
            # The names of these say that they come from the user's secrets, which every job has.
            **{name: value for name, value in sidecar_env.items() if name not in SIDECARS.values()},
            "RUCIO_STAGE_SECRETS": str(secrets),
        },
    }
    return _run(spec_path, workspace, pods, reana, timeout, **options)


def _run(spec_path: Path, workspace: Path, pods: Path, reana: str, timeout: float, **options: object) -> Result:
    request = {
        "spec": spec_path.name,
        "workspace": str(workspace),
        "pods": str(pods),
        "answer": str(pods / "answer.json"),
        "parameters": {},
        "restart": False,
        "sidecars": {flag: {} for flag in SIDECARS},
        **options,
    }
    (pods / "request.json").write_text(json.dumps(request))
    said = _reana(reana, spec_path, "_yadage.py", str(pods / "request.json"), timeout=timeout)
    answer = json.loads((pods / "answer.json").read_text())
    jobs = [_job(each) for each in answer["jobs"]]
    warnings = [line for line in said.splitlines() if "WARNING" in line]
    return Result(answer["status"], answer["reason"], jobs, workspace, warnings)


def _job(said: dict) -> Job:
    """A job; one that still ran when the engine stopped has no return code, and no end."""
    fields = [field.name for field in dataclasses.fields(Job)]
    unfinished = {"returncode": None, "stdout": "", "stderr": "", "ended": float("inf")}
    return Job(**{**unfinished, **{name: said[name] for name in fields if name in said}})


def _reana(environment: str, spec_path: Path, script: str, *arguments: str, timeout: float = 300) -> str:
    """Run a script beside this file under a REANA environment, in the specification's directory."""
    run = subprocess.run(
        [str(python_of(environment)), str(Path(__file__).with_name(script)), *arguments],
        cwd=spec_path.parent,
        env={"PATH": "/usr/bin:/bin", "HOME": str(spec_path.parent), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if run.returncode:
        raise SpecRejected((run.stdout + run.stderr).strip())
    return run.stdout
