"""`check --online`: every format, what it exits with, and that a job agrees with what it says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import reana_rucio_compiler
from reana_rucio_compiler import catalogue
from reana_rucio_compiler.diagnostics import Severity
from reana_rucio_compiler.locks import digest
from reana_rucio_compiler.render import FORMATS
from reana_rucio_compiler.staging import stage_in_jobs
from tests.command import run
from tests.environments import needs
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, Job
from tests.rucio.test_golden import CASES

ONLINE = [case for case in CASES if "--online" in (case / "command").read_text()]


def _enter(case: Path, server: Server, directory: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make the case the current directory; the account that it is for."""
    account = (case / "account").read_text().strip() if (case / "account").exists() else "jdoe"
    monkeypatch.setenv("RUCIO_CONFIG", str(server.config(account)))
    monkeypatch.setenv("PATH", f"{needs(CLIENTS).parent}:/usr/bin:/bin")
    shutil.copytree(case, directory / "analysis")
    monkeypatch.chdir(directory / "analysis")
    with Path("reana.yaml").open("a") as specification:
        specification.write(f"rucio: {{instances: {{escape: {{rucio_host: '{server.url}'}}}}}}\n")
    return account


@pytest.mark.parametrize("form", FORMATS)
def test_it_is_said_in_every_format(form: str, escape: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _enter(next(case for case in ONLINE if case.name == "RR523-closed"), escape, tmp_path, monkeypatch)
    result = run("check", "--online", "--format", form)
    assert result.exit_code == 1
    assert "RR523" in result.stdout
    assert "user.jdoe:closed is a closed dataset" in result.stdout
    if form == "json":
        (found,) = json.loads(result.stdout)["diagnostics"]
        assert (found["code"], found["start"]["line"]) == ("RR523", 6)
    assert result.stderr == "reana-rucio: checked reana.yaml with Rucio: 1 error\n"


@pytest.mark.parametrize("case", ONLINE, ids=lambda case: case.name)
def test_a_job_agrees(case: Path, escape: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job stops where this is an error; for outputs it passes where it is none."""
    account = _enter(case, escape, tmp_path, monkeypatch)
    found = reana_rucio_compiler.check("reana.yaml", online=True)
    wrong = any(each.severity is Severity.ERROR for each in found)
    plan = reana_rucio_compiler.compile("reana.yaml").plan
    assert plan
    (staging,) = stage_in_jobs(plan)
    job = Job(tmp_path / "job", escape, account)
    given = staging.manifest()
    if plan.outputs:
        result = job.run("stage-check", uploads=given["uploads"])
        refused = {each.rule.code for each in found} & {"RR518", "RR519", "RR520", "RR521", "RR523"}
        taken = any("if_exists=fail" in each.message for each in found)
        assert (result.code in (7, 8)) == bool(refused or taken), (result, found)
    elif wrong:
        result = job.stage_in(*given["downloads"])
        assert result.code in (5, 6, 7), result


def test_rucio_is_not_asked_about_what_cannot_be_compiled(
    escape: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _enter(next(case for case in ONLINE if case.name == "RR523-closed"), escape, tmp_path, monkeypatch)
    specification = Path("reana.yaml")
    specification.write_text(specification.read_text().replace("dataset=", "datset="))
    escape.clear_requests()
    result = run("check", "--online")
    assert result.exit_code == 1
    assert result.stderr == "reana-rucio: checked reana.yaml, without Rucio: 1 error\n"
    assert escape.requests() == []


def test_what_is_locked_is_asked_about_where_just_that_is_staged(
    escape: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unique_name: Callable[[str], str]
) -> None:
    """Files that a dataset has lost are staged by contents=locked, and so is a dataset that is gone."""
    _enter(next(case for case in CASES if case.name == "RR513-empty"), escape, tmp_path, monkeypatch)
    client, name = escape.client("jdoe"), unique_name("pinned")
    files = [{"scope": "user.jdoe", "name": each} for each in ("events.root", "lost.root")]
    client.call("add_dataset", "user.jdoe", name, files=files)
    specification = Path("reana.yaml")
    text = specification.read_text()
    (before,) = re.findall(r"rucio\(escape, .*\) -> ", text)
    specification.write_text(text.replace(before, f"rucio(escape, user.jdoe, {name}, contents=locked) -> "))
    assert run("lock").exit_code == 0
    client.call("detach_dids", "user.jdoe", name, files[1:])
    result = run("check", "--online")
    assert result.exit_code == 1, "a job fails"
    assert (
        f"error[RR514]: no copy can be read of 1 of 2 files of user.jdoe:{name}: user.jdoe:lost.root" in result.stdout
    )
    lock = Path("reana.rucio-lock.json")
    lock.write_text(lock.read_text().replace(name, "gone"))
    specification.write_text(specification.read_text().replace(name, "gone"))
    result = run("check", "--online")
    assert "RR511" not in result.stdout, "a job does not ask for it"
    assert "of 1 of 2 files of user.jdoe:gone: user.jdoe:lost.root" in result.stdout
    lock.write_text(lock.read_text().replace(":lost.root 1 adler32:00790079", ":never.root 1 adler32:00790079"))
    changed = json.loads(lock.read_text())
    changed["dids"][0]["digest"] = digest(changed["dids"][0]["files"])
    lock.write_text(json.dumps(changed))
    assert "error[RR513]: user.jdoe:never.root was locked and not in Rucio" in run("check", "--online").stdout


def test_a_rucio_that_does_not_answer(escape: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _enter(next(case for case in ONLINE if case.name == "RR523-closed"), escape, tmp_path, monkeypatch)
    monkeypatch.setattr(catalogue, "SETTINGS", {"attempts": 1, "backoff": 0, "timeout": 5})
    specification = Path("reana.yaml")
    specification.write_text(specification.read_text().replace(escape.url, "http://127.0.0.1:9"))
    config = Path("rucio.cfg").absolute()
    config.write_text(escape.config("jdoe").read_text().replace(escape.url, "http://127.0.0.1:9"))
    monkeypatch.setenv("RUCIO_CONFIG", str(config))
    result = run("check", "--online")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("reana-rucio: error: escape: server http://127.0.0.1:9: ")
    with pytest.raises(catalogue.Unanswered):
        reana_rucio_compiler.check("reana.yaml", online=True)
