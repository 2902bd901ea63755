"""A locked dataset in all four engines: it changes between lock and run; just its locked files; its first ones.

The pods that run are those that `plan` tells.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from reana_rucio_compiler.compiler import compile_file
from reana_rucio_compiler.locking import lock_file
from reana_rucio_compiler.overview.facts import gather
from tests.engines import cwl_runner, serial_runner, snakemake_runner, yadage_runner
from tests.environments import needs, python_of
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS


class Ran(NamedTuple):
    """Whether a run went well, the jobs that it ran, all that they said, and the workspace."""

    good: bool
    jobs: int
    said: str
    workspace: Path


def _serial(spec: Path, base: Path, sidecar: dict[str, str]) -> Ran:
    ran = serial_runner.run_serial(spec, workspace_base=base, sidecar_env=sidecar)
    return Ran(not ran.returncode, len(ran.jobs), "".join(job.stderr for job in ran.jobs), ran.workspace)


def _cwl(spec: Path, base: Path, sidecar: dict[str, str]) -> Ran:
    ran = cwl_runner.run_reana(spec, base=base, sidecar_env=sidecar)
    names = [job["job"] for job in ran.jobs if "status" in job]
    return Ran(not ran.returncode, len(names), str(ran.jobs) + ran.log, ran.workspace)


def _yadage(spec: Path, base: Path, sidecar: dict[str, str]) -> Ran:
    ran = yadage_runner.run_yadage(spec, workspace_base=base, sidecar_env=sidecar)
    return Ran(ran.status == "finished", len(ran.jobs), ran.report(), ran.workspace)


def _snakemake(spec: Path, base: Path, sidecar: dict[str, str]) -> Ran:
    workspace = base / "workspace"
    workspace.mkdir(parents=True)
    document = snakemake_runner.upload(spec.parent, spec.name, workspace)
    environment = {**sidecar, "PATH": f"{python_of(CLIENTS).parent}:/usr/bin:/bin"}
    ran = snakemake_runner.run_snakemake("7.32", workspace, document["workflow"]["file"], {}, environment)
    return Ran(not ran.returncode, len([name for name in ran.jobs if name != "all"]), ran.output, workspace)


RUN = {"serial": _serial, "cwl": _cwl, "yadage": _yadage, "snakemake": _snakemake}

SERIAL = "type: serial, specification: {steps: [{name: list, environment: 'docker.io/library/bash:5.2',"
STAGED = "  directories:\n    - rucio(escape, user.jdoe, NAME, {option}) -> data/set\n"
# Each lists the files of the dataset into a file `names`.
FILES = {
    "serial": {"reana.yaml": f"inputs:\n{STAGED}workflow: {{{SERIAL} commands: [ls data/set > names]}}]}}}}\n"},
    "snakemake": {
        "reana.yaml": f"inputs:\n  files: [Snakefile]\n{STAGED}workflow: {{type: snakemake, file: Snakefile}}\n",
        "Snakefile": "rule all:\n    input: 'names'\n"
        "rule list:\n    input: 'data/set'\n    output: 'names'\n    shell: 'ls {input} > {output}'\n",
    },
    "cwl": {
        "reana.yaml": f"inputs:\n{STAGED}  parameters:\n    set: {{class: Directory, path: data/set}}\n"
        "workflow: {type: cwl, file: main.cwl}\n",
        "main.cwl": "cwlVersion: v1.0\nclass: Workflow\ninputs:\n  set: Directory\n"
        "outputs:\n  names: {type: File, outputSource: list/names}\n"
        "steps:\n  list:\n    in: {set: set}\n    out: [names]\n    run:\n      class: CommandLineTool\n"
        "      requirements: {DockerRequirement: {dockerPull: 'docker.io/library/bash:5.2'}}\n"
        "      baseCommand: ls\n      stdout: names\n"
        "      inputs: {set: {type: Directory, inputBinding: {}}}\n      outputs: {names: stdout}\n",
    },
    "yadage": {
        "reana.yaml": f"inputs:\n  files: [main.yaml]\n{STAGED}  parameters:\n    set: data/set\n"
        "workflow: {type: yadage, file: main.yaml}\n",
        "main.yaml": "stages:\n- name: list\n  dependencies: [init]\n  scheduler:\n"
        "    scheduler_type: singlestep-stage\n"
        "    parameters: {set: {step: init, output: set}, names: '{workdir}/names'}\n    step:\n"
        "      process: {process_type: string-interpolated-cmd, cmd: 'ls {set} > {names}'}\n"
        "      publisher: {publisher_type: frompar-pub, outputmap: {names: names}}\n"
        "      environment: {environment_type: docker-encapsulated, image: docker.io/library/bash, imagetag: '5.2'}\n",
    },
}


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory that is not below /tmp, whose paths REANA's CWL engine rewrites."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="reana-rucio-locks-") as directory:
        yield Path(directory)


@pytest.fixture
def name(jdoe: Server, unique_name: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A dataset of two files, on the server that this machine has a client and a rucio.cfg for."""
    needs("reana-0.9")
    for variable in ("RUCIO_HOME", "VIRTUAL_ENV", "RUCIO_ACCOUNT", "X509_USER_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", f"{needs(CLIENTS).parent}:/usr/bin:/bin")
    monkeypatch.setenv("RUCIO_CONFIG", str(jdoe.config("jdoe")))
    name = unique_name("locked")
    jdoe.client("jdoe").call("add_dataset", "user.jdoe", name, files=_files("events.root", "calib-v3.db"))
    return name


def _files(*names: str) -> list[dict[str, str]]:
    return [{"scope": "user.jdoe", "name": name} for name in names]


def _compiled(engine: str, option: str, name: str, server: Server, directory: Path) -> tuple[Path, int]:
    """The compiled specification of a dataset that is locked as it is, and the pods that the plan tells."""
    directory.mkdir()
    texts = {file: text.replace("{option}", option).replace(", )", ")") for file, text in FILES[engine].items()}
    for file, text in texts.items():
        (directory / file).write_text(text.replace("NAME", name) if file == "reana.yaml" else text)
    spec = directory / "reana.yaml"
    text = spec.read_text()
    spec.write_text(f"{text}rucio: {{instances: {{escape: {{rucio_host: '{server.url}'}}}}}}\n")
    locked = lock_file(spec)
    assert locked.text, locked.diagnostics
    locked.path.write_text(locked.text)
    spec.write_text(text)
    result = compile_file(spec, locked=True)
    assert result.text, result.diagnostics
    for file, generated in {"reana.out.yaml": result.text, **result.files}.items():
        (directory / file).write_text(generated)
    overview = gather(result, "reana.yaml")
    pods, exact = overview.other_pods
    assert exact
    assert overview.exact_jobs
    return directory / "reana.out.yaml", len(overview.jobs) + pods


@pytest.mark.parametrize("engine", RUN)
def test_a_locked_dataset_that_changes(engine: str, name: str, jdoe: Server, base: Path, tmp_path: Path) -> None:
    sidecar = jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    options = {"grown": "", "pinned": "contents=locked", "first": "first=1"}
    specs = {key: _compiled(engine, option, name, jdoe, tmp_path / key) for key, option in options.items()}
    client, late = jdoe.client("jdoe"), f"z-{name}"
    client.call("add_replicas", "SITE1_SCRATCHDISK", [{**_files(late)[0], "bytes": 1, "adler32": "00790079"}])
    client.call("attach_dids", "user.jdoe", name, _files(late))
    staged = {"pinned": ["calib-v3.db", "events.root"], "first": ["calib-v3.db"]}
    for key, (spec, pods) in specs.items():
        (base / key).mkdir()
        ran = RUN[engine](spec, base / key, sidecar)
        names = list(ran.workspace.rglob("names"))
        if key == "grown":
            assert not ran.good
            assert f"user.jdoe:{name}: is not what was locked: added user.jdoe:{late}; reana-rucio lock" in ran.said
            assert not names
            assert not list(ran.workspace.rglob("events.root"))
        else:
            assert ran.good, ran.said
            assert ran.jobs == pods
            assert {path.read_text() for path in names} == {"".join(f"{each}\n" for each in staged[key])}
