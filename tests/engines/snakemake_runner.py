"""Run a Snakefile with real Snakemake, and load its specification as REANA's client does.

    run = run_snakemake("7.32", workspace, "Snakefile.rucio", {"events": "a.root"}, environment)
    assert run.returncode == 0, run.output
    assert run.jobs == ["rucio_stage_in_escape", "fit", "all"]

Snakemake runs the jobs itself, in the workspace and without containers; `environment` is what they get. REANA's engine
does the same with pods (facts/reana.md A.4).
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.environments import needs

# Version, and the environment that has it: what reana-commons 0.9.11 pins, and the newest.
SNAKEMAKES = {"7.32": "reana-0.9", "9": "reana-0.95"}


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run did: the rules of its jobs in order of their start, and all that it said."""

    returncode: int
    jobs: list[str]
    output: str


def run_snakemake(
    version: str,
    workspace: Path,
    snakefile: str,
    parameters: Mapping[str, object] = {},
    environment: Mapping[str, str] = {},
    arguments: tuple[str, ...] = (),
) -> Run:
    """Run the default target of a Snakefile in the workspace, with the parameters as REANA gives them."""
    config = workspace.parent / "parameters.json"
    config.write_text(json.dumps(dict(parameters)))
    command = [str(needs(SNAKEMAKES[version]).parent / "snakemake"), "-s", snakefile, "-c", "2", *arguments]
    run = subprocess.run(
        [*command, *(["--configfile", str(config)] if parameters else [])],
        cwd=workspace,
        env={"PATH": "/usr/bin:/bin", "HOME": str(workspace.parent), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    jobs = re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):$", run.stdout, re.MULTILINE)
    return Run(run.returncode, jobs, run.stdout)


def upload(project: Path, spec: str, workspace: Path) -> dict:
    """Copy to the workspace what the specification lists, which is returned with its parameters."""
    document = yaml.safe_load((project / spec).read_text())
    inputs = document.get("inputs", {})
    for name in inputs.get("files", []):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project / name, workspace / name)
    for name in inputs.get("directories", []):
        shutil.copytree(project / name, workspace / name, dirs_exist_ok=True)
    parameters = inputs.get("parameters", {})
    if set(parameters) == {"input"}:
        document["inputs"]["parameters"] = yaml.safe_load((project / parameters["input"]).read_text())
    return document


def load(version: str, project: Path, spec: str) -> dict:
    """The specification as REANA's client loads it, with a dry run of the workflow; it is JSON on the way to the server.

    Raises AssertionError with what REANA says where it is refused.
    """
    code = (
        "import inspect, json, sys\n"
        "from reana_commons.specification import load_reana_spec\n"
        "from reana_commons.validation.utils import validate_reana_yaml\n"
        "more = {'workspace_path': '.'} if 'workspace_path' in inspect.signature(load_reana_spec).parameters else {}\n"
        "document = load_reana_spec(sys.argv[1], **more)\n"
        "validate_reana_yaml(document)\n"
        "open(sys.argv[2], 'w').write(json.dumps(document))\n"
    )
    answer = project.parent / "loaded.json"
    run = subprocess.run(
        [str(needs(SNAKEMAKES[version])), "-c", code, spec, str(answer)],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "HOME": str(project.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return json.loads(answer.read_text())
