"""The serial runner treats a specification as REANA does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engines.serial_runner import Result, SpecRejected, load, run_serial
from tests.environments import needs
from tests.rucio.server import Server

BOTH = pytest.mark.parametrize("reana", ["reana-0.9", "reana-0.95"])

DUMP_ENVIRONMENT = "python3 -c 'import json, os; print(json.dumps(dict(os.environ, CWD=os.getcwd())))'"


@pytest.fixture(autouse=True)
def environments() -> None:
    for name in ("reana-0.9", "reana-0.95", "clients-41.5.1"):
        needs(name)


def write_spec(directory: Path, steps: list[dict], inputs: dict | None = None) -> Path:
    """A specification of these steps, in JSON, which is YAML."""
    directory.mkdir(exist_ok=True)
    steps = [{"environment": "docker.io/library/python:3.11", **step} for step in steps]
    path = directory / "reana.yaml"
    spec = {"inputs": inputs or {}, "workflow": {"type": "serial", "specification": {"steps": steps}}}
    path.write_text(json.dumps(spec))
    return path


def run(tmp_path: Path, steps: list[dict], inputs: dict | None = None, **options) -> Result:
    return run_serial(write_spec(tmp_path / "spec", steps, inputs), workspace_base=tmp_path, **options)


def environment_of(result: Result, job: int = 0) -> dict:
    return json.loads(result.jobs[job].stdout)


@BOTH
def test_parameters_are_substituted_and_double_dollars_undone(tmp_path: Path, reana: str) -> None:
    commands = ["X=kept; echo ${who} $who $$X '$$who'"]
    result = run(tmp_path, [{"commands": commands}], {"parameters": {"who": "world"}}, reana=reana)
    assert result.jobs[0].stdout == "world world kept $who\n"


def test_parameters_given_at_the_start_win(tmp_path: Path) -> None:
    options = {"parameters": {"who": "moon", "unknown": "dropped"}}
    result = run(tmp_path, [{"commands": ["echo $who"]}], {"parameters": {"who": "world"}}, **options)
    assert result.jobs[0].stdout == "moon\n"


@BOTH
@pytest.mark.parametrize(
    ("step", "reason"),
    [
        pytest.param({"commands": ["echo $HOME"]}, "HOME", id="unknown parameter"),
        pytest.param({"commands": ["echo $(date)"]}, "Invalid placeholder", id="bare dollar"),
        pytest.param({"commands": ["true"], "rucio": "true"}, "boolean", id="flag is a string"),
        pytest.param({"commands": ["true" + "\n#" * 50000]}, "cannot be started", id="too long"),
    ],
)
def test_what_reana_refuses_is_refused(tmp_path: Path, reana: str, step: dict, reason: str) -> None:
    with pytest.raises(SpecRejected, match=reason):
        run(tmp_path, [step], reana=reana)


@BOTH
def test_warnings_of_reana_are_reported(tmp_path: Path, reana: str) -> None:
    path = write_spec(tmp_path / "spec", [{"commands": ["true"]}], {"parameters": {"idle": 1}})
    _, warnings = load(path, reana)
    assert len(warnings) == 1
    assert '"idle"' in warnings[0]


def test_a_clean_specification_has_no_warnings(tmp_path: Path) -> None:
    assert run(tmp_path, [{"commands": ["true"]}]).warnings == []


def test_jobs_share_the_workspace_and_nothing_else(tmp_path: Path) -> None:
    steps = [
        {"commands": ["export X=1; touch shared $$HOME/lost $$TMPDIR/lost; umask", DUMP_ENVIRONMENT]},
        {"commands": ["ls shared; ls -A $$HOME $$TMPDIR; echo X=$$X", DUMP_ENVIRONMENT]},
    ]
    result = run(tmp_path, steps)
    assert result.returncode == 0, result.report()
    assert result.jobs[0].stdout == "0002\n"
    later = result.jobs[2].stdout
    assert later.startswith("shared\n")
    assert "lost" not in later
    assert later.endswith("X=\n")
    first, second = environment_of(result, 1), environment_of(result, 3)
    assert first["CWD"] == second["CWD"] == str(result.workspace)
    assert len({first["HOME"], first["TMPDIR"], second["HOME"], second["TMPDIR"], first["CWD"]}) == 5


def test_a_job_is_started_outside_of_the_workspace(tmp_path: Path) -> None:
    # Only the first line is guarded by "cd": what follows a failed one runs in the image's directory.
    result = run(tmp_path, [{"commands": ["pwd; cd -"]}])
    inside, outside = result.jobs[0].stdout.split()
    assert Path(inside) == result.workspace
    assert result.workspace not in [Path(outside), *Path(outside).parents]


def test_the_callers_environment_does_not_reach_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUCIO_ACCOUNT", "of-the-caller")
    known = {"PATH", "HOME", "TMPDIR", "RUCIO_STAGE_SECRETS", "CWD"}
    from_bash = {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}
    result = run(tmp_path, [{"commands": [DUMP_ENVIRONMENT]}])
    assert known <= environment_of(result).keys() <= known | from_bash


def test_secrets_reach_every_job(tmp_path: Path) -> None:
    step = {"commands": ["cat $$RUCIO_STAGE_SECRETS/token; echo $$PASSWORD"]}
    secrets = {"secrets_env": {"PASSWORD": "word"}, "secrets_files": {"token": b"file "}}
    result = run(tmp_path, [step, step], **secrets)
    assert [job.stdout for job in result.jobs] == ["file word\n"] * 2


@pytest.mark.parametrize(
    ("flags", "variables"),
    [
        ({}, set()),
        ({"voms_proxy": True}, {"X509_USER_PROXY"}),
        ({"rucio": True, "voms_proxy": False}, {"RUCIO_CONFIG"}),
        ({"rucio": True, "voms_proxy": True}, {"RUCIO_CONFIG", "X509_USER_PROXY"}),
        ({"rucio": True, "voms_proxy": True, "compute_backend": "htcondorcern"}, set()),
        (
            {"rucio": True, "voms_proxy": True, "compute_backend": "kubernetes"},
            {"RUCIO_CONFIG", "X509_USER_PROXY"},
        ),
    ],
)
def test_a_step_gets_the_sidecars_that_it_asks_for(tmp_path: Path, flags: dict, variables: set[str]) -> None:
    sidecar = {"RUCIO_CONFIG": "config", "X509_USER_PROXY": "proxy", "VONAME": "escape"}
    result = run(tmp_path, [{"commands": [DUMP_ENVIRONMENT], **flags}], sidecar_env=sidecar)
    assert result.jobs[0].environment_flags == {
        "voms_proxy": flags.get("voms_proxy", False),
        "rucio": flags.get("rucio", False),
    }
    environment = environment_of(result)
    assert environment.keys() & {"RUCIO_CONFIG", "X509_USER_PROXY"} == variables
    assert environment["VONAME"] == "escape", "a secret of the user, which every job has"


def test_the_first_failure_stops_the_workflow(tmp_path: Path) -> None:
    steps = [{"name": "bad", "commands": ["true", "exit 6", "touch never"]}, {"commands": ["touch never"]}]
    result = run(tmp_path, steps)
    assert result.returncode == 6
    assert [job.returncode for job in result.jobs] == [0, 6]
    assert result.jobs[-1].step == "bad"
    assert not (result.workspace / "never").exists()


def test_only_the_last_line_of_a_command_decides(tmp_path: Path) -> None:
    assert run(tmp_path, [{"commands": ["false\ntrue"]}]).returncode == 0


def test_a_command_longer_than_linux_allows_does_not_start(tmp_path: Path) -> None:
    # Short in the specification, long when its parameter is in it ten times.
    result = run(tmp_path, [{"commands": ["true " + "$p" * 10]}], {"parameters": {"p": "x" * 20000}})
    assert result.returncode == 126
    assert "too long" in result.jobs[0].stderr


def test_the_workspace_holds_what_the_client_uploads(tmp_path: Path) -> None:
    spec = tmp_path / "spec"
    for name in (
        "code/fit.py",
        "data/a.csv",
        "data/deep/b.csv",
        "data/ignored.tmp",
        "listed.tmp",
        "not-listed",
    ):
        (spec / name).parent.mkdir(parents=True, exist_ok=True)
        (spec / name).write_text(name)
    (spec / "data" / "link").symlink_to("a.csv")
    (spec / ".gitignore").write_text("*.tmp\n")
    result = run(
        tmp_path,
        [{"commands": ["true"]}],
        {"files": ["code/fit.py", "listed.tmp"], "directories": ["data"]},
    )
    uploaded = {str(path.relative_to(result.workspace)) for path in result.workspace.rglob("*") if path.is_file()}
    assert uploaded == {"reana.yaml", "code/fit.py", "listed.tmp", "data/a.csv", "data/deep/b.csv"}
    assert (result.workspace / "code" / "fit.py").read_text() == "code/fit.py"
    users, _, workflows, _ = result.workspace.relative_to(tmp_path).parts
    assert (users, workflows) == ("users", "workflows")


def test_a_restart_finds_the_workspace_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / "counter").write_text("1\n")
    steps, inputs = [{"commands": ["echo again >> counter"]}], {"files": ["counter"]}
    first = run(tmp_path, steps, inputs)
    second = run(tmp_path, steps, inputs, workspace=first.workspace)
    assert second.workspace == first.workspace
    assert (first.workspace / "counter").read_text() == "1\nagain\nagain\n"
    assert run(tmp_path, steps, inputs).workspace != first.workspace


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"FROM": "b"}, ["b", "c"]),
        ({"TARGET": "B"}, ["a", "b"]),
        ({"FROM": "b", "TARGET": "b"}, ["b"]),
        ({"TARGET": "nowhere"}, ["a", "b", "c"]),
    ],
)
def test_operational_options_select_steps(tmp_path: Path, options: dict, expected: list[str]) -> None:
    steps = [{"name": name, "commands": ["true"]} for name in "abc"]
    result = run(tmp_path, steps, {"options": options})
    assert [job.step for job in result.jobs] == expected


def test_selecting_among_steps_without_names_fails(tmp_path: Path) -> None:
    with pytest.raises(SpecRejected, match="without a name"):
        run(tmp_path, [{"commands": ["true"]}], {"options": {"TARGET": "b"}})


@pytest.mark.parametrize("clients", ["clients-41.5.1", "clients-1.30.0-py3.6"])
def test_a_hand_written_staging_step_moves_real_data(
    tmp_path: Path, rucio_server_tls: Server, unique_name, clients: str
) -> None:
    """What people write today, with REANA's sidecars, the clients' own command and the repair of ca_cert."""
    needs(clients)
    name = unique_name("events.txt")
    (tmp_path / "local").write_text("1\n2\n3\n")
    rucio_server_tls.upload(tmp_path / "local", f"user.alice:{name}", "SITE1_SCRATCHDISK")
    repair = 'sed "s#^ca_cert.*#ca_cert = $$(dirname $$RUCIO_CONFIG)/CERN-bundle.pem#" $$RUCIO_CONFIG > $$TMPDIR/cfg'
    steps = [
        {
            "name": "stage-in",
            "voms_proxy": True,
            "rucio": True,
            "commands": [f"{repair} && RUCIO_CONFIG=$$TMPDIR/cfg rucio get --no-subdir user.alice:{name}"],
        },
        {"name": "count", "commands": [f"wc -l < {name} > result; test -z $$RUCIO_CONFIG"]},
    ]
    result = run(tmp_path, steps, clients=clients, sidecar_env=rucio_server_tls.sidecar(tmp_path / "sidecar"))
    assert result.returncode == 0, result.report()
    assert (result.workspace / "result").read_text() == "3\n"
