"""The printed commands, run by a shell with the real reana-client, store what the stager asks for; and say no secret."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.command import run
from tests.environments import needs
from tests.reana.server import serving

WORKFLOW = "workflow: {type: serial, specification: {steps: [{environment: 'a:1', commands: [cat *.root]}]}}\n"

HOSTS = "rucio_host: https://rucio.example.org"
CASES = {
    "x509_proxy": ("inputs: {files: ['rucio(escape, u, a.root)']}", ""),
    "default": ("inputs: {files: ['rucio(default, u, a.root)']}", ""),
    "userpass": ("inputs: {files: ['rucio(vre, u, a.root)']}", f"vre: {{auth_type: userpass, {HOSTS}, account: jdoe}}"),
    "userpass-nameless": (
        "inputs: {files: ['rucio(vre, u, a.root)']}",
        f"vre: {{auth_type: userpass, {HOSTS}, username_env: ME, password_env: MINE}}",
    ),
    "oidc": ("inputs: {files: ['rucio(my-vo, u, a.root)']}", f"my-vo: {{auth_type: oidc, {HOSTS}, account: jdoe}}"),
    "proxy_file": ("inputs: {files: ['rucio(vre, u, a.root)']}", f"vre: {{{HOSTS}, proxy_file: x509up_vre, account: j}}"),
    "several": (
        "inputs: {files: ['rucio(atlas, u, a.root)', 'rucio(cms, u, b.root)', 'rucio(vre, u, c.root)']}",
        f"vre: {{auth_type: userpass, {HOSTS}}}",
    ),
}  # fmt: skip

# What is stored: the names of variables, and of files.
STORED = {
    "x509_proxy": {"VONAME", "RUCIO_USERNAME", "VOMSPROXY_PASS", "userkey.pem", "usercert.pem"},
    "default": {"VONAME", "RUCIO_USERNAME", "VOMSPROXY_PASS", "userkey.pem", "usercert.pem"},
    "userpass": {"RUCIO_VRE_USERNAME", "RUCIO_VRE_PASSWORD"},
    "userpass-nameless": {"RUCIO_USERNAME", "ME", "MINE"},
    "oidc": {"RUCIO_MY_VO_TOKEN"},
    "proxy_file": {"x509up_vre"},
    "several": {
        "VONAME", "RUCIO_USERNAME", "VOMSPROXY_PASS", "userkey.pem", "usercert.pem",
        "RUCIO_VRE_USERNAME", "RUCIO_VRE_PASSWORD",
    },
}  # fmt: skip
VALUE = "s3cret with 'quotes', $HOME and = signs"


def _printed(case: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    inputs, instances = CASES[case]
    block = f"rucio: {{instances: {{{instances}}}}}\n" if instances else ""
    (directory / "reana.yaml").write_text(f"{inputs}\n{block}{WORKFLOW}")
    monkeypatch.chdir(directory)
    for name in STORED[case]:
        monkeypatch.setenv(name, VALUE)
    result = run("secrets")
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def _shell(text: str, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{needs('reana-0.9').parent}{os.pathsep}{os.environ['PATH']}", **variables}
    return subprocess.run(["sh", "-c", text], cwd=directory, env=environment, capture_output=True, text=True)


ALWAYS = ("x509_proxy", "oidc", "several")  # reana-client takes its seconds


@pytest.mark.parametrize(
    "case", [case if case in ALWAYS else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
)
def test_commands_store_what_the_jobs_need(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _printed(case, tmp_path, monkeypatch)
    assert VALUE not in printed
    files = set(re.findall(r"--file (\S+)", printed))
    for name in files:
        (tmp_path / name).write_text(f"content of {name}")
    with serving("0.9") as server:
        ran = _shell(printed, tmp_path, **dict.fromkeys(STORED[case], VALUE), **server.environment(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert set(server.secrets) == STORED[case]
    for name, (kind, value) in server.secrets.items():
        assert kind == ("file" if name in files else "env")
        known = {"VONAME": b"escape"} if case == "x509_proxy" else {}
        assert value == known.get(name, f"content of {name}".encode() if name in files else VALUE.encode())


def test_alternative_of_a_proxy_is_a_command_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _printed("x509_proxy", tmp_path, monkeypatch)
    (command,) = re.findall(r"^#   (reana-client .*)$", printed, re.MULTILINE)
    (tmp_path / "x509up").write_text("proxy")
    with serving("0.9") as server:
        server.secrets["x509up"] = ("file", b"that of yesterday")
        ran = _shell(command, tmp_path, **server.environment(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert server.secrets == {"x509up": ("file", b"proxy"), "VOMSPROXY_FILE": ("env", b"x509up")}


def test_nothing_is_stored_while_a_value_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _printed("userpass", tmp_path, monkeypatch)
    with serving("0.9") as server:
        ran = _shell(printed, tmp_path, RUCIO_VRE_USERNAME="jdoe", **server.environment(tmp_path))
    assert ran.returncode != 0
    assert "RUCIO_VRE_PASSWORD: its password: read -rs RUCIO_VRE_PASSWORD" in ran.stderr
    assert server.requests == []


def test_one_proxy_for_two_organisations_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _printed("several", tmp_path, monkeypatch)
    assert "one proxy for atlas and cms" in printed
    assert '--env VONAME="${VONAME:?the VO of your certificate: atlas or cms}"' in printed


def test_specification_without_expressions_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reana.yaml").write_text(WORKFLOW)
    assert run("secrets").stdout == "# reana.yaml has no rucio(...), and needs no secrets for one.\n"


def test_compiled_specification_stands_for_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = _printed("oidc", tmp_path, monkeypatch)
    assert run("compile", "-o", "reana.out.yaml").exit_code == 0
    assert run("secrets", "reana.out.yaml").stdout == printed


def test_error_in_the_specification_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reana.yaml").write_text("inputs: {files: ['rucio(nowhere, u, a.root)']}\n" + WORKFLOW)
    result = run("secrets")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "RR205" in result.stderr
