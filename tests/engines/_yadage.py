"""Run a Yadage workflow as REANA's engine does; run by yadage_runner.py under a REANA environment.

    python _yadage.py REQUEST.json

The current directory is the one where the user calls reana-client. Loads the specification as the client does, then the
workflow from the workspace as the server does, then runs it by yadage with a backend whose jobs are processes of this
machine. Writes what happened to the request's ``answer``. Exits with 1, and the reason on standard error, where REANA
rejects the specification.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import ClassVar

LONGEST_ARGUMENT = 131072  # of a command, in bytes (facts/reana.md A.4)
SIDECARS = ("voms_proxy", "rucio")
OURS = "reana-rucio: error:"  # stands in the command of every job that the compiler added, and in no other
TICK = 0.02  # seconds between two looks of the engine at its jobs


class Proxy:
    """A job that was started: what yadage asks its backend about."""

    def __init__(self, process, job, spec, parameters, state) -> None:
        self.process, self.job = process, job
        self.spec, self.parameters, self.state = spec, parameters, state

    def details(self) -> None:
        return None

    def json(self) -> dict:
        return {"proxyname": "PacktivityProxyBase", "proxydetails": None}


class Backend:
    """Starts a process for each step. REANA starts a pod, and looks at it in the same way."""

    request: ClassVar[dict] = {}
    jobs: ClassVar[list[dict]] = []

    def __init__(self) -> None:
        from packtivity.syncbackends import packconfig

        self.config = packconfig()

    def submit(self, spec, parameters, state, metadata) -> Proxy:
        from packtivity.syncbackends import build_job, finalize_inputs

        parameters, state = finalize_inputs(parameters, state)
        built = build_job(spec["process"], parameters, state, self.config)
        state.ensure()
        command = built.get("command")
        if command is None:
            script = base64.b64encode(built["script"].encode()).decode()
            command = f"echo {script}|base64 -d|{built['interpreter']}"
        flags: dict = {}
        for resource in spec["environment"].get("resources", []):
            flags.update(resource if isinstance(resource, dict) else {})
        environment = spec["environment"]
        image = ":".join(filter(None, (environment["image"], environment["imagetag"])))
        job = {
            "name": metadata["name"],
            "command": built.get("command") or built["script"],
            "flags": flags,
            "image": image,
        }
        self.jobs.append(job)
        return Proxy(self._start(command, flags, job), job, spec, parameters, state)

    def _start(self, command: str, flags: dict, job: dict) -> subprocess.Popen | None:
        job["started"] = time.monotonic()
        workspace = self.request["workspace"]
        job["missing"] = [
            path
            for path in self.request.get("staged", [])
            if f"{workspace}/{path}" in job["command"] and not Path(workspace, path).exists()
        ]
        if self.request.get("stub") and OURS not in job["command"]:
            command = "true"
        if len(command) > LONGEST_ARGUMENT:
            job.update(returncode=126, stdout="", stderr="too long")
            return None
        pod = Path(self.request["pods"], str(len(self.jobs)))
        for name in ("home", "tmp", "workdir"):
            (pod / name).mkdir(parents=True)
        variables = dict(self.request["variables"])
        if flags.get("compute_backend", "kubernetes") == "kubernetes":
            for flag in SIDECARS:
                variables.update(self.request["sidecars"][flag] if flags.get(flag) else {})
        job["pod"] = str(pod)
        with (pod / "stdout").open("wb") as out, (pod / "stderr").open("wb") as err:
            return subprocess.Popen(
                ["bash", "-c", command],
                cwd=pod / "workdir",
                env={**variables, "HOME": str(pod / "home"), "TMPDIR": str(pod / "tmp")},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def ready(self, proxy: Proxy) -> bool:
        job = proxy.job
        if "returncode" not in job and proxy.process.poll() is not None:
            pod = Path(job["pod"])
            job.update(
                returncode=proxy.process.returncode,
                ended=time.monotonic(),
                stdout=(pod / "stdout").read_text(errors="replace"),
                stderr=(pod / "stderr").read_text(errors="replace"),
            )
        return "returncode" in job

    def successful(self, proxy: Proxy) -> bool:
        return proxy.job["returncode"] == 0

    def result(self, proxy: Proxy):
        from packtivity.syncbackends import publish

        return publish(proxy.spec["publisher"], proxy.parameters, proxy.state, self.config)

    def fail_info(self, proxy: Proxy) -> str:
        return f"{proxy.job['name']} exited with {proxy.job['returncode']}"


def main(request: dict) -> None:
    try:
        spec = load(request)
    except Exception as error:  # noqa: BLE001 - any is a rejection, whose text the caller shows
        sys.exit(f"{type(error).__name__}: {error}")
    logging.disable(logging.CRITICAL)
    Backend.request = request
    sys.modules["_yadage"] = sys.modules["__main__"]
    os.environ["PACKTIVITY_ASYNCBACKEND"] = "_yadage:Backend:Proxy"
    try:
        run(request, spec)
        status, reason = "finished", ""
    except Exception:  # noqa: BLE001 - the engine's adapter publishes a failure whatever it is
        status, reason = "failed", traceback.format_exc()
    answer = {"status": status, "reason": reason, "jobs": Backend.jobs}
    Path(request["answer"]).write_text(json.dumps(answer))


def load(request: dict) -> dict:
    import yaml
    from reana_commons.yadage import yadage_load_from_workspace

    warn_as_client(request["spec"])
    spec = yaml.safe_load(Path(request["spec"]).read_text())
    workspace = request["workspace"]
    toplevel = (spec.get("inputs") or {}).get("options", {}).get("toplevel", "")
    spec = yadage_load_from_workspace(workspace, spec, toplevel or workspace)
    parameters = (spec.get("inputs") or {}).setdefault("parameters", {})
    parameters.update({key: value for key, value in request["parameters"].items() if key in parameters})
    encoded = (base64.b64encode(json.dumps(part).encode()) for part in (spec["workflow"]["specification"], parameters))
    length = sum(map(len, encoded))
    if length > LONGEST_ARGUMENT - 1000:
        raise ValueError(f"the engine's command has {length} bytes of workflow and parameters: it cannot be started")
    return spec


def warn_as_client(name: str) -> None:
    try:
        from reana_client.utils import load_validate_reana_spec
    except ImportError:
        from reana_commons.specification import load_reana_spec
        from reana_commons.specification_paths import gather_workspace_seed_members
        from reana_commons.validation.report import validate_serialized_spec

        gather_workspace_seed_members(name)
        policies = {"supported_backends": ["kubernetes", "htcondorcern", "slurmcern"]}
        report = validate_serialized_spec(load_reana_spec(name), policies)
        for warning in report["warnings"]:
            print(f"WARNING: {warning['message']} {warning['path']}")
        if not report["valid"]:
            raise ValueError("; ".join(f"{error['message']} {error['path']}" for error in report["errors"])) from None
    else:
        load_validate_reana_spec(name)


def run(request: dict, spec: dict) -> None:
    import yaml
    from yadage.steering_api import steering_ctx
    from yadage.utils import setupbackend_fromstring

    workspace, options = request["workspace"], (spec.get("inputs") or {}).get("options", {})
    initdata: dict = {}
    for name in options.get("initfiles", []):
        initdata.update(yaml.safe_load(Path(workspace, name).read_text()))
    initdata.update(spec["inputs"]["parameters"] if "inputs" in spec else {})
    os.chdir("/")
    os.umask(0o002)
    with steering_ctx(
        dataarg=workspace,
        dataopts={"initdir": str(Path(workspace, options.get("initdir", "")))},
        initdata=initdata,
        workflow_json=spec["workflow"]["specification"],
        backend=setupbackend_fromstring("fromenv"),
        updateinterval=TICK,
        accept_metadir=request["restart"],
        visualize=False,
    ):
        pass


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
