"""The hooks for pre-commit, the GitHub action and the GitLab template: each is run as its host runs it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.examples import environment

ROOT = Path(__file__).parent.parent
GOOD = (ROOT / "tests/golden/serial/design-example/reana.yaml").read_text()
BAD = GOOD.replace("escape", "escpae")
WARNED = GOOD + "inptus: {}\n"
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
JOB = yaml.safe_load((ROOT / "templates/gitlab-ci.yml").read_text())["reana-rucio"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An analysis under git, with its compiled specification; nothing is committed yet."""
    directory = tmp_path / "analysis"
    directory.mkdir()
    _git(directory, "init", "--quiet")
    (directory / "reana.yaml").write_text(GOOD)
    compile_command = ["reana-rucio", "compile", "-o", "reana.out.yaml"]
    subprocess.run(compile_command, cwd=directory, env=environment(directory), check=True, capture_output=True)
    return directory


def _git(directory: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=directory, check=True, capture_output=True)


# --- pre-commit


@pytest.fixture
def pre_commit(repository: Path) -> Any:
    """Runs pre-commit on the repository with all its files staged; gives exit code and output."""
    if importlib.util.find_spec("pre_commit") is None:
        if os.environ.get("REANA_RUCIO_TESTS_REQUIRE_ALL"):
            pytest.fail("pre-commit is not installed", pytrace=False)
        pytest.skip("pre-commit is not installed")

    def run(*args: str) -> tuple[int, str]:
        _git(repository, "add", "--all")
        variables = {key: value for key, value in environment(repository).items() if not key.startswith("GIT_")}
        ran = subprocess.run(
            [sys.executable, "-m", "pre_commit", *args],
            cwd=repository,
            env={**variables, "PRE_COMMIT_HOME": str(repository.parent / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return ran.returncode, ran.stdout

    return run


def test_hooks_say_what_pre_commit_says(repository: Path, pre_commit: Any) -> None:
    """The hooks as they are published, but for how they are installed: here by nobody."""
    local = [{**hook, "language": "system"} for hook in HOOKS]
    config = {"repos": [{"repo": "local", "hooks": local}]}
    (repository / ".pre-commit-config.yaml").write_text(json.dumps(config))
    status, said = pre_commit("run", "--verbose")
    assert status == 0, said
    assert said.count("Passed") == 2
    assert "checked 2 specifications: 2 notes" in said

    (repository / "reana.yaml").write_text(BAD)
    status, said = pre_commit("run")
    assert status == 1
    assert said.count("Failed") == 2
    assert re.search(r"^reana\.yaml:6:13: error\[RR205\]: ", said, re.MULTILINE), said

    (repository / "reana.yaml").write_text(GOOD.replace("events.root", "others.root"))
    status, said = pre_commit("run")
    assert (status, said.count("Passed"), said.count("Failed")) == (1, 1, 1)
    assert "run reana-rucio compile reana.yaml -o reana.out.yaml" in said


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reana.yaml", True),
        ("sub/reana-cwl.yml", True),
        ("reana.src.yaml", True),
        ("reana.yaml.orig", False),
        ("reanalysis.yaml", False),
        ("my-reana.yaml", False),
        (".pre-commit-config.yaml", False),
    ],
)
def test_check_hook_looks_at_specifications_only(name: str, expected: bool) -> None:
    assert bool(re.search(HOOKS[0]["files"], name)) == expected


@pytest.mark.slow
def test_hooks_install_from_this_repository(repository: Path, pre_commit: Any) -> None:
    """pre-commit clones the repository, installs it into an environment of its own, and runs it."""
    (repository / "reana.yaml").write_text(BAD)
    status, said = pre_commit("try-repo", str(ROOT), "--all-files")
    assert status == 1
    assert "error[RR205]" in said
    (repository / "reana.yaml").write_text(GOOD)
    status, said = pre_commit("try-repo", str(ROOT), "--all-files")
    assert status == 0, said


# --- GitHub


def _run_action(repository: Path, inputs: dict[str, str], install: bool = False) -> tuple[int, str]:
    """Run the steps of the action as the runner does, up to the first that fails; gives exit code and output."""
    given = {key: value["default"] for key, value in ACTION["inputs"].items()}
    assert set(inputs) <= set(given)
    given.update(inputs)
    temporary = repository.parent / "runner"
    variables = {**environment(repository), "RUNNER_TEMP": str(temporary), "GITHUB_ACTION_PATH": str(ROOT)}
    if not install:
        programs = temporary / "reana-rucio" / "bin"
        programs.mkdir(parents=True, exist_ok=True)
        shutil.copy(shutil.which("reana-rucio", path=variables["PATH"]) or "", programs)
    said = ""
    for step in ACTION["runs"]["steps"]:
        if step["name"] == "install" and not install:
            continue
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        values = {
            key: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], value)
            for key, value in step.get("env", {}).items()
        }
        script = repository.parent / "step.sh"
        script.write_text(step["run"])
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=repository,
            env={**variables, **values},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said += ran.stdout
        if ran.returncode:
            return ran.returncode, said
    return 0, said


def test_action_annotates_and_fails(repository: Path) -> None:
    status, said = _run_action(repository, {})
    assert status == 0, said
    assert said.startswith("::notice file=reana.yaml,line=")
    (repository / "reana.yaml").write_text(BAD)
    status, said = _run_action(repository, {})
    assert status == 1
    assert "::error file=reana.yaml,line=6,endLine=6,col=13,endColumn=18,title=RR205 unknown-instance::" in said


def test_action_does_what_its_inputs_say(repository: Path) -> None:
    (repository / "reana.yaml").write_text(WARNED)
    assert _run_action(repository, {})[0] == 0
    assert _run_action(repository, {"strict": "true"})[0] == 1
    assert _run_action(repository, {"compiled": "true"})[0] == 1
    (repository / "sub").mkdir()
    (repository / "sub/reana.yaml").write_text(BAD)
    status, said = _run_action(repository, {"specs": "reana.yaml\nsub/reana.yaml"})
    assert (status, said.count("file=sub/reana.yaml") > 0) == (1, True)
    status, said = _run_action(repository, {"specs": "$(touch hacked) `touch hacked`; touch hacked"})
    assert status == 1
    assert not (repository / "hacked").exists()


@pytest.mark.slow
def test_action_installs_itself(repository: Path) -> None:
    status, said = _run_action(repository, {"compiled": "true"}, install=True)
    assert status == 0, said
    assert "::notice" in said


# --- GitLab


def _run_job(repository: Path, variables: dict[str, str], install: bool = False) -> tuple[int, str]:
    """Run the job as the runner does: all lines in one shell that stops at the first failure."""
    assert set(variables) <= set(JOB["variables"])
    lines = [*(JOB["before_script"] if install else []), *JOB["script"]]
    ran = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(lines).replace("/tmp/", f"{repository.parent}/")],
        cwd=repository,
        env={**environment(repository), **JOB["variables"], **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return ran.returncode, ran.stdout


def _report(repository: Path) -> list[tuple[str, int, str]]:
    entries = json.loads((repository / JOB["artifacts"]["reports"]["codequality"]).read_text())
    return [(each["location"]["path"], each["location"]["lines"]["begin"], each["check_name"][:5]) for each in entries]


def test_gitlab_job_leaves_a_report_and_fails(repository: Path) -> None:
    status, said = _run_job(repository, {})
    assert status == 0, said
    assert {code for _, _, code in _report(repository)} == {"RR210"}
    (repository / "reana.yaml").write_text(BAD)
    status, said = _run_job(repository, {})
    assert status == 1
    assert "error[RR205]" in said
    assert ("reana.yaml", 6, "RR205") in _report(repository)


def test_gitlab_job_does_what_its_variables_say(repository: Path) -> None:
    (repository / "reana.yaml").write_text(WARNED)
    assert _run_job(repository, {})[0] == 0
    assert _run_job(repository, {"REANA_RUCIO_STRICT": "true"})[0] == 1
    assert _run_job(repository, {"REANA_RUCIO_COMPILED": "true"})[0] == 1
    (repository / "reana.yaml").write_text(GOOD)
    assert _run_job(repository, {"REANA_RUCIO_COMPILED": "true"})[0] == 0
    (repository / "sub").mkdir()
    (repository / "sub/reana.yaml").write_text(BAD)
    assert _run_job(repository, {"REANA_RUCIO_SPECS": "reana.yaml sub/reana.yaml"})[0] == 1


@pytest.mark.slow
def test_gitlab_job_installs_the_package(repository: Path) -> None:
    status, said = _run_job(repository, {"REANA_RUCIO_PACKAGE": str(ROOT)}, install=True)
    assert status == 0, said
    assert Path(repository.parent / "reana-rucio/bin/reana-rucio").exists()
