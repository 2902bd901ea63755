"""Yadage specifications, compiled and run as REANA runs them, against a real Rucio server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from reana_rucio_compiler.compiler import compile_file
from tests.engines.yadage_runner import Result, run_yadage
from tests.environments import needs
from tests.rucio.server import Server

BOTH = pytest.mark.parametrize("reana", ["reana-0.9", "reana-0.95"])

STEPS = """\
copy:
  process: {process_type: string-interpolated-cmd, cmd: 'cat {input} > {output}'}
  publisher: {publisher_type: frompar-pub, outputmap: {copied: output}}
  environment: {environment_type: docker-encapsulated, image: docker.io/library/busybox, imagetag: '1.36'}
slow_copy:
  process: {process_type: interpolated-script-cmd, script: 'sleep 1; cat {input} > {output}'}
  publisher: {publisher_type: interpolated-pub, publish: {copied: '{output}'}}
  environment: {environment_type: docker-encapsulated, image: docker.io/library/busybox, imagetag: '1.36'}
"""


def stage(name: str, given: str, step: str = "copy", depends: str = "[init]", more: str = "") -> str:
    """A stage that copies what it is given to a file `out` in its directory."""
    kind = "multistep-stage" if "scatter" in more else "singlestep-stage"
    return f"""\
- name: {name}
  dependencies: {depends}
  scheduler:
    scheduler_type: {kind}
    parameters:
      input: {given}
      output: '{{workdir}}/out'
    step: {{$ref: 'steps.yaml#/{step}'}}
{more}"""


@pytest.fixture(scope="module")
def jdoe(rucio_server_tls: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server that plays `escape`, with two files and a dataset on it."""
    directory = tmp_path_factory.mktemp("jdoe")
    dids = {
        "yadage-a.txt": None,
        "yadage-b.txt": None,
        "yadage-1.csv": "yadage-set",
        "yadage-2.csv": "yadage-set",
    }
    for name, dataset in dids.items():
        (directory / name).write_text(f"{name}\n")
        dataset = dataset and f"user.jdoe:{dataset}"
        rucio_server_tls.upload(directory / name, f"user.jdoe:{name}", "SITE1_SCRATCHDISK", "jdoe", dataset)
    return rucio_server_tls


Run = Callable[..., Result]


@pytest.fixture
def run(jdoe: Server, tmp_path: Path) -> Run:
    """Compile a specification, its workflow and its other files, and run it."""

    def compile_and_run(
        spec: str, workflow: str = "", files: Mapping[str, str] = MappingProxyType({}), **options: object
    ) -> Result:
        project = tmp_path / "project"
        options.setdefault("sidecar_env", jdoe.sidecar(tmp_path / "sidecar", "jdoe"))
        texts = {"reana.yaml": spec, "workflow.yaml": "stages:\n" + workflow, "steps.yaml": STEPS, **files}
        for name, text in texts.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text)
        compiled = compile_file(project / "reana.yaml")
        assert compiled.text, [found.message for found in compiled.diagnostics]
        for name, text in {"reana.out.yaml": compiled.text, **compiled.files}.items():
            (project / name).write_text(text)
        return run_yadage(project / "reana.out.yaml", workspace_base=tmp_path / "reana", **options)

    return compile_and_run


def spec(inputs: str = "", outputs: str = "", files: str = "") -> str:
    """A specification with the lines given under inputs, under inputs.files, and in outputs.files."""
    more = f"outputs:\n  files:\n{outputs}" if outputs else ""
    listed = f"inputs:\n  files:\n  - workflow.yaml\n  - steps.yaml\n{files}"
    return f"{listed}{inputs}workflow: {{type: yadage, file: workflow.yaml}}\n{more}"


PARAMETERS = "  parameters:\n    file: rucio(escape, user.jdoe, yadage-a.txt) -> data/a.txt\n"
ONE = spec(PARAMETERS)


@BOTH
def test_a_staged_file_reaches_a_stage_twice_and_is_fetched_once(reana: str, run: Run, jdoe: Server) -> None:
    needs(reana)
    workflow = stage("one", "{step: init, output: file}")
    result = run(ONE, workflow, reana=reana)
    assert result.status == "finished", result.report()
    assert result.names == ["rucio_stage_in", "one"]
    assert result.warnings == []
    staging = result.jobs[0]
    assert staging.flags == {"voms_proxy": True, "rucio": True}
    assert staging.image == "docker.io/reanahub/reana-auth-rucio:1.1.1"
    # What REANA would run had the file been uploaded.
    assert result.job("one").command == f"cat {result.workspace}/data/a.txt > {result.workspace}/one/out"
    assert (result.workspace / "one/out").read_text() == "yadage-a.txt\n"
    assert json.loads((result.workspace / "rucio-stage-in.escape.json").read_text())["files"]

    jdoe.clear_requests()
    again = run(ONE, workflow, reana=reana, workspace=result.workspace)
    assert again.status == "finished", again.report()
    assert again.job("one").command == result.job("one").command
    assert not [path for method, path in jdoe.requests() if method in ("PUT", "DELETE")]


def test_a_parameter_that_names_a_staged_path_would_fail_the_workflow(run: Run, tmp_path: Path) -> None:
    """Why a parameter does not become its landing path: yadage finds two results of one stage. See inputs.py."""
    result = run(ONE, stage("one", "{step: init, output: file}"))
    assert result.status == "finished"
    path = tmp_path / "project/reana.out.yaml"
    assert "file: rucio_stage_in/data/a.txt" in path.read_text()
    path.write_text(path.read_text().replace("rucio_stage_in/data", "data"))
    (tmp_path / "second").mkdir()
    naive = run_yadage(path, workspace_base=tmp_path / "second", sidecar_env={}, secrets_env=_as_in(tmp_path))
    assert naive.jobs[0].returncode == 0, naive.report()
    assert naive.status == "failed"
    assert "prepublished and actual result differ" in naive.reason


def _as_in(tmp_path: Path) -> dict[str, str]:
    """The environment of jobs whose steps would get it from sidecars."""
    directory = tmp_path / "sidecar"
    return {
        "RUCIO_CONFIG": str(directory / "rucio_cache/rucio.cfg"),
        "X509_USER_PROXY": str(directory / "vomsproxy_cache/x509up_proxy"),
        "VONAME": "escape",
        "RUCIO_USERNAME": "jdoe",
    }


def test_a_scatter_over_plain_and_staged_files(run: Run) -> None:
    inputs = """\
  - plain.txt
  parameters:
    files: ['rucio(escape, user.jdoe, yadage-a.txt) -> data/a.txt', plain.txt, 'rucio(escape, user.jdoe, yadage-b.txt)']
"""
    scatter = "    scatter: {method: zip, parameters: [input]}\n"
    workflow = stage("each", "{stages: init, output: files, unwrap: true}", more=scatter)
    workflow += stage("all", "{stages: each, output: copied, flatten: true}", depends="[each]")
    result = run(spec(inputs), workflow, {"plain.txt": "plain\n"})
    assert result.status == "finished", result.report()
    assert sorted(result.names) == ["all", "each_0", "each_1", "each_2", "rucio_stage_in"]
    assert (result.workspace / "all/out").read_text() == "yadage-a.txt\nplain\nyadage-b.txt\n"


@BOTH
def test_a_dataset_is_a_directory_and_a_glob_of_its_files(reana: str, run: Run) -> None:
    needs(reana)
    inputs = """\
  directories:
  - rucio(escape, user.jdoe, yadage-set) -> data/set
  parameters:
    directory: data/set/
    files: data/set/*.csv
"""
    scatter = "    scatter: {method: zip, parameters: [input]}\n"
    workflow = stage("each", "{step: init, output: files}", more=scatter)
    workflow += stage("whole", "{step: init, output: directory}").replace("steps.yaml#/copy", "list.yaml#/list")
    listing = STEPS.replace("copy:", "list:", 1).replace("cat {input}", "ls {input}")
    result = run(spec(inputs, files="  - list.yaml\n"), workflow, {"list.yaml": listing}, reana=reana)
    assert result.status == "finished", result.report()
    assert (result.workspace / "whole/out").read_text() == "yadage-1.csv\nyadage-2.csv\n"
    each = sorted((result.workspace / f"each_{number}/out").read_text() for number in (0, 1))
    assert each == ["yadage-1.csv\n", "yadage-2.csv\n"]


def test_what_is_given_at_the_start_wins(run: Run) -> None:
    one = ONE.replace("  parameters:", "  - plain.txt\n  parameters:")
    files = {"plain.txt": "plain\n"}
    result = run(one, stage("one", "{step: init, output: file}"), files, parameters={"file": "plain.txt"})
    assert result.status == "finished", result.report()
    assert (result.workspace / "one/out").read_text() == "plain\n"


def test_a_failed_stage_in_fails_the_workflow(run: Run) -> None:
    one = ONE.replace("yadage-a.txt", "no-such-file")
    result = run(one, stage("one", "{step: init, output: file}"))
    assert result.status == "failed"
    assert result.names == ["rucio_stage_in"]
    assert result.jobs[0].returncode == 5
    last = result.jobs[0].stderr.strip().splitlines()[-1]
    assert last.startswith("reana-rucio: error: user.jdoe:no-such-file")
    assert not (result.workspace / "data").exists()


def test_stages_that_name_a_staged_path_wait_for_it_without_parameters(run: Run) -> None:
    files = "  - rucio(escape, user.jdoe, yadage-b.txt) -> data/b.txt\n"
    workflow = stage("by_parameter", "'{workdir}/../data/b.txt'", depends="[]")
    workflow += stage("unrelated", "/dev/null", depends="[]")
    nested = "stages:\n" + stage("inner", "'{workdir}/../../data/b.txt'", depends="[]")
    workflow += """\
- name: nested
  scheduler:
    scheduler_type: singlestep-stage
    parameters: {some: thing}
    workflow: {$ref: nested.yaml}
"""
    result = run(spec(files=files + "  - nested.yaml\n"), workflow, {"nested.yaml": nested})
    assert result.status == "finished", result.report()
    assert (result.workspace / "by_parameter/out").read_text() == "yadage-b.txt\n"
    assert (result.workspace / "nested/inner/out").read_text() == "yadage-b.txt\n"
    assert result.job("unrelated").started < result.job("rucio_stage_in").ended


def test_everything_waits_for_what_nothing_names(run: Run) -> None:
    files = "  - rucio(escape, user.jdoe, yadage-b.txt) -> hidden/b.txt\n"
    workflow = stage("first", "/dev/null", depends="[]") + stage("second", "/dev/null", depends="[]")
    result = run(spec(files=files), workflow)
    assert result.status == "finished", result.report()
    assert {job.name for job in result.jobs if job.started > result.jobs[0].ended} == {"first", "second"}


@BOTH
def test_outputs_are_uploaded_once_they_are_written(reana: str, run: Run, jdoe: Server, unique_name) -> None:
    """Also where yadage takes the results of the stages for known before these have run."""
    needs(reana)
    names = {path: unique_name("out.txt") for path in ("plain/out", "each_1/out", "nested/inner/out")}
    dataset, member = unique_name("set"), unique_name("member.txt")
    outputs = "".join(
        f"  - {path} -> rucio(escape, user.jdoe, {name}, rse=CERN-DISK)\n" for path, name in names.items()
    )
    outputs += f"  directories:\n  - quick -> rucio(escape, user.jdoe, {dataset}, rse=CERN-DISK)\n"
    scatter = "    scatter: {method: zip, parameters: [input]}\n"
    workflow = stage("plain", "{step: init, output: file}", "slow_copy")
    workflow += stage("each", "['{workdir}/../steps.yaml', '{workdir}/../workflow.yaml']", "slow_copy", "[]", scatter)
    workflow += stage("quick", "{step: init, output: file}").replace("{workdir}/out", f"{{workdir}}/{member}")
    workflow += """\
- name: nested
  dependencies: [init]
  scheduler:
    scheduler_type: singlestep-stage
    parameters:
      file: {step: init, output: file}
    workflow: {$ref: nested.yaml}
"""
    nested = "stages:\n" + stage("inner", "{step: init, output: file}", "slow_copy")
    result = run(spec(PARAMETERS, outputs, "  - nested.yaml\n"), workflow, {"nested.yaml": nested}, reana=reana)
    assert result.status == "finished", result.report()
    assert not [warning for warning in result.warnings if "rucio" in warning]
    upload = result.job("rucio_stage_out")
    assert all(job.ended < upload.started for job in result.jobs if job is not upload)
    for path, name in names.items():
        stored = jdoe.replica_path(f"user.jdoe:{name}", "CERN-DISK")
        assert stored.read_bytes() == (result.workspace / path).read_bytes()
    content = jdoe.client("jdoe").call("list_content", "user.jdoe", dataset)
    assert [each["name"] for each in content] == [member]


def test_outputs_are_checked_before_anything_is_computed(run: Run) -> None:
    outputs = "  - other/out -> rucio(escape, user.jdoe, 'o-{run}', rse=NO-SUCH-RSE)\n"
    workflow = stage("one", "{step: init, output: file}") + stage("other", "/dev/null", depends="[]")
    result = run(spec(PARAMETERS, outputs), workflow)
    assert result.status == "failed"
    assert "other" not in result.names
    assert "one" not in result.names
    assert result.job("rucio_stage_check").returncode == 7, result.report()


def test_an_upload_that_has_nothing_to_upload_fails_the_workflow(run: Run) -> None:
    outputs = "  - one/other -> rucio(escape, user.jdoe, 'o-{run}', rse=CERN-DISK)\n"
    workflow = stage("one", "{step: init, output: file}")
    result = run(spec(PARAMETERS, outputs), workflow)
    assert result.status == "failed"
    assert result.job("one").returncode == 0
    assert result.job("rucio_stage_out").returncode == 9, result.report()


def test_two_instances_fill_one_list(run: Run, second_rucio_server: Server, tmp_path: Path, unique_name) -> None:
    other = unique_name("other.txt")
    (tmp_path / other).write_text("other\n")
    second_rucio_server.upload(tmp_path / other, f"group.other:{other}", "OTHER1_SCRATCHDISK", "alice")
    instances = f"""\
rucio:
  instances:
    other:
      rucio_host: {second_rucio_server.url}
      auth_type: userpass
      account: alice
"""
    inputs = f"""\
  parameters:
    files:
    - rucio(escape, user.jdoe, yadage-a.txt)
    - rucio(other, group.other, {other}) -> data/other.txt
"""
    secrets = {"RUCIO_OTHER_USERNAME": "alice", "RUCIO_OTHER_PASSWORD": second_rucio_server.accounts["alice"]}
    result = run(instances + spec(inputs), stage("one", "{step: init, output: files}"), secrets_env=secrets)
    assert result.status == "finished", result.report()
    assert set(result.names[:2]) == {"rucio_stage_in_escape", "rucio_stage_in_other"}
    assert result.job("rucio_stage_in_other").flags == {}
    assert (result.workspace / "one/out").read_text() == "yadage-a.txt\nother\n"


EXAMPLES = Path(__file__).parents[2] / "examples"


def _run_example(name: str, jdoe: Server, tmp_path: Path, **files: str) -> Result:
    """Upload the files to Rucio, into a dataset where their names say one, and run what the example compiles to."""
    for did, content in files.items():
        dataset, _, file = did.rpartition("/")
        (tmp_path / file).write_text(content)
        into = f"user.jdoe:{dataset}" if dataset else None
        jdoe.upload(tmp_path / file, f"user.jdoe:{file}", "SITE1_SCRATCHDISK", "jdoe", into)
    project = Path(shutil.copytree(EXAMPLES / name, tmp_path / "project"))
    for path in project.rglob("*.yaml"):
        path.write_text(path.read_text().replace("CERN-EOS", "CERN-DISK"))
    sidecar = jdoe.sidecar(tmp_path / "sidecar", "jdoe")
    result = run_yadage(project / "reana.out.yaml", workspace_base=tmp_path / "reana", sidecar_env=sidecar)
    assert result.status == "finished", result.report()
    return result


def test_the_example_that_scatters_over_a_dataset(jdoe: Server, tmp_path: Path) -> None:
    """Of each file one event of two has electrons hard enough; two files make a job."""
    events = "1,30,1,28,-1\n1,30,1,20,-1\n"
    files = {f"dielectrons-2023/dielectrons-{number}.csv": events for number in range(5)}
    result = _run_example("yadage-scattered-selection", jdoe, tmp_path, **files)
    assert sorted(result.names) == [
        "cutflow",
        "rucio_stage_in",
        "rucio_stage_out",
        "select_0",
        "select_1",
        "select_2",
    ]
    stored = jdoe.replica_path(f"user.jdoe:dielectron-cutflow-{result.workspace.name}.csv", "CERN-DISK")
    assert stored.read_text() == "all,10\nselected,5\n"


def test_the_example_with_a_sub_workflow_for_each_signal(jdoe: Server, tmp_path: Path) -> None:
    files = {
        "zprime-2tev.csv": "1.5,0.1\n2.0,0.2\n",
        "zprime-3tev.csv": "2.0,0.01\n2.5,0.02\n",
        "background-v2.csv": "1.5,99\n2.0,48\n2.5,8\n",
    }
    result = _run_example("yadage-limit-per-signal", jdoe, tmp_path, **files)
    limits = (result.workspace / "summary/limits.txt").read_text()
    # 1.96 * sqrt(48 + 1) / (0.05 * 140), and likewise.
    assert limits == "1.9600\n0.4900\n2.1000\n"
    run = result.workspace.name
    assert jdoe.replica_path(f"user.jdoe:limits-{run}.txt", "CERN-DISK").read_text() == limits
    assert jdoe.replica_path(f"user.jdoe:limit-zprime-2tev-{run}.txt", "CERN-DISK").read_text() == "0.4900\n"
