"""No secret is in anything that we write or print: canaries stand in all of them, and are looked for everywhere."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reana_rucio_compiler.cli import main as cli
from tests.environments import needs
from tests.faults.troubled import Gate, Handler
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, Job, download, put, upload

CANARY = "c4n4ry"  # every secret holds it
PASSWORD = f"{CANARY}-p%(x)s\"'é"
# What REANA gives to every job, or a laptop has, beside the secrets of an instance.
BYSTANDERS = {
    "VOMSPROXY_PASS": f"{CANARY}-voms", "REANA_ACCESS_TOKEN": f"{CANARY}-reana", "BEARER_TOKEN": f"{CANARY}-bearer",
    "RUCIO_OTHER_PASSWORD": f"{CANARY}-other", "AWS_SECRET_ACCESS_KEY": f"{CANARY}-aws",
    "all_proxy": "", "no_proxy": "127.0.0.1,localhost",
}  # fmt: skip


class Telling(Gate):
    """A gate that may say back what it was told."""

    secrets: list[str] = []  # noqa: RUF012 - each gate is given its own


@pytest.fixture
def gate(rucio_server: Server) -> Iterator[Telling]:
    gate = Telling(rucio_server.url.partition("://")[2])
    yield gate
    gate.shutdown()
    gate.server_close()


@pytest.fixture
def job(rucio_server: Server, gate: Telling, tmp_path: Path, unique_name: Callable[[str], str]) -> Job:
    """A job of alice by a password that is a canary, with a proxy, a token and other secrets in reach."""
    identity = unique_name("canary")
    rucio_server.client("root").call(
        "add_identity", "alice", identity, "USERPASS", "alice@localhost", password=PASSWORD
    )
    job = Job(tmp_path, rucio_server)
    job.instance.update(rucio_host=gate.url, auth_host=gate.url)
    job.settings.update(attempts=2, timeout=5)
    job.environment.update(BYSTANDERS, RUCIO_VRE_USERNAME=identity, RUCIO_VRE_PASSWORD=PASSWORD)
    for name in ("x509up", "vre_token"):
        (job.secrets / name).write_text(f"-----BEGIN CERTIFICATE-----\n{CANARY}\n{CANARY} PRIVATE KEY-----\n")
    job.write("x509up_in_the_workspace", (job.secrets / "x509up").read_bytes())
    return job


def _success(job: Job, gate: Telling) -> None:
    job.environment["EXPECTED"] = "0"


def _wrong_password(job: Job, gate: Telling) -> None:
    job.environment["RUCIO_VRE_PASSWORD"] = PASSWORD + "x"


def _token(job: Job, gate: Telling) -> None:
    job.instance.update(auth_type="oidc", token_file="vre_token")


def _proxy(job: Job, gate: Telling) -> None:
    job.instance.update(auth_type="x509_proxy", proxy_file="x509up")


def _host_with_password(job: Job, gate: Telling) -> None:
    job.instance["rucio_host"] = gate.url.replace("://", f"://user:{CANARY}@")


def _sidecar_with_password(job: Job, gate: Telling) -> None:
    job.by_sidecar(rucio_host=f"https://user:{CANARY}@localhost:9")
    (job.directory / "sidecar" / "vomsproxy_cache").mkdir(parents=True, exist_ok=True)


def _damaged_sidecar(job: Job, gate: Telling) -> None:
    job.by_sidecar(config=f"[client]\nrucio_host = x\npassword = {CANARY}\n{CANARY}")


def _http_proxy(job: Job, gate: Telling) -> None:
    """The exceptions of requests name URLs."""
    job.environment.update(http_proxy=f"http://user:{CANARY}@127.0.0.1:9", no_proxy="")


def _bad_http_proxy(job: Job, gate: Telling) -> None:
    job.environment.update(http_proxy=f"http://user:{CANARY}@:x/", no_proxy="")


def _server_down(job: Job, gate: Telling) -> None:
    job.instance.update(rucio_host="http://127.0.0.1:9", auth_host="http://127.0.0.1:9")


def _errors(job: Job, gate: Telling) -> None:
    gate.on("POST /dids/bulkmeta", lambda handler: handler.reply(503, b"busy") or True)


def _echo(job: Job, gate: Telling) -> None:
    """A server that says back what it was told, as error pages of proxies do: here the token."""
    gate.on("POST /dids/bulkmeta", _saying_back("AccessDenied", gate))


def _echo_of_logins(job: Job, gate: Telling) -> None:
    gate.on("GET /auth/userpass", _saying_back("CannotAuthenticate", gate))


def _saying_back(exception: str, gate: Telling) -> Callable[[Handler], bool]:
    """The secrets of a request come first in the answer, which the stager shortens."""

    def act(handler: Handler) -> bool:
        secrets = [handler.headers[f"X-Rucio-{name}"] for name in ("Password", "Auth-Token")]
        gate.secrets = [secret for secret in secrets if secret]
        told = " ".join([*gate.secrets, *str(handler.headers).split()])
        headers = {"ExceptionClass": exception, "ExceptionMessage": told}
        handler.reply(401, told.encode("latin-1"), headers)
        return True

    return act


def _traceback(job: Job, gate: Telling) -> None:
    """Exit 1, which nothing should reach: the receipt cannot be written, as there is a directory."""
    (job.workspace / "rucio-stage-in.vre.json" / "x").mkdir(parents=True)


def _no_header(job: Job, gate: Telling) -> None:
    """requests names a header that it refuses."""
    job.environment["RUCIO_VRE_PASSWORD"] = f" {CANARY}\n'{CANARY}\"\\"


def _no_latin(job: Job, gate: Telling) -> None:
    """What no header can hold at all."""
    job.environment["RUCIO_VRE_PASSWORD"] = f"{CANARY}✓"


def _missing(job: Job, gate: Telling) -> None:
    job.environment["DID"] = "user.alice:no-such-did"


CASES: dict[str, tuple[Callable[[Job, Telling], None], set[int]]] = {
    "success": (_success, {0}), "wrong password": (_wrong_password, {3}), "bad token": (_token, {3}), "bad proxy": (_proxy, {3}),
    "host with a password": (_host_with_password, {2}), "sidecar with a password": (_sidecar_with_password, {3}),
    "damaged sidecar": (_damaged_sidecar, {3}), "proxy of the network": (_http_proxy, {4}),
    "bad proxy of the network": (_bad_http_proxy, {1, 4}), "server down": (_server_down, {4}), "server busy": (_errors, {4}),
    "server that echoes": (_echo, {3, 7}), "login that echoes": (_echo_of_logins, {3}), "traceback": (_traceback, {1}),
    "no such DID": (_missing, {5}), "password that is no header": (_no_header, {3}),
    "password that is not Latin": (_no_latin, {3}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_staging_job_tells_no_secret(
    case: str, job: Job, gate: Telling, tmp_path: Path, unique_name: Callable[[str], str]
) -> None:
    """Whatever happens: not on its output, not in its receipt, not in any file that it leaves."""
    name = unique_name("canary")
    put(job.server, tmp_path, f"user.alice:{name}", b"x")
    arrange, codes = CASES[case]
    arrange(job, gate)
    before = job.files()
    entry = download(job.environment.pop("DID", f"user.alice:{name}"), "f")
    result = job.finish(job.start(job.manifest("stage-in", downloads=[entry])), "no receipt")
    assert result.code in codes, result
    assert CANARY not in result.out + result.err, result
    assert bool(gate.secrets) == ("echoes" in case)
    assert not [secret for secret in gate.secrets if secret in result.out + result.err], (
        "no token of the server's, either"
    )
    for path in job.workspace.rglob("*"):
        if path.is_file() and str(path.relative_to(job.workspace)) not in before:
            assert CANARY.encode() not in path.read_bytes(), path
    job.assert_clean()
    if result.code == 0:
        job.write("out", b"y")
        done = job.finish(
            job.start(job.manifest("stage-out", uploads=[upload(f"user.alice:{name}.o", "out")])), "no receipt"
        )
        assert done.code == 0, done
        receipts = "".join(path.read_text() for path in job.workspace.glob("rucio-stage-*.json"))
        assert receipts
        assert CANARY not in done.out + done.err + receipts


SPEC = """\
inputs:
  files:
    - x509up_in_the_workspace
    - rucio(vre, user.jdoe, events.root)
workflow:
  type: serial
  specification:
    steps:
      - environment: a:1
        commands: [ls]
rucio:
  instances:
    vre: {rucio_host: URL, account: jdoe, auth_type: userpass, username_env: MY_NAME, password_env: MY_PASSWORD}
"""

COMMANDS = {
    "compile": ["compile"], "compile to a file": ["compile", "-o", "reana.out.yaml"], "check": ["check"],
    "check online": ["check", "--online"], "check as sarif": ["check", "--format", "sarif"], "plan": ["plan"],
    "plan as json": ["plan", "--format", "json"], "plan as a page": ["plan", "--format", "html"],
    "check as json": ["check", "--format", "json"], "check as github": ["check", "--format", "github"],
    "check as gitlab": ["check", "--format", "gitlab"], "check online as json": ["check", "--online", "--format", "json"],
    "plan as mermaid": ["plan", "--format", "mermaid"], "compile as diff": ["compile", "--diff"],
    "compile as check": ["compile", "--check"], "lock as check": ["lock", "--check"],
    "lock": ["lock"], "fetch": ["fetch"], "secrets": ["secrets"], "instances": ["instances"],
    "run": ["run", "reana.yaml", "-w", "analysis"],
}  # fmt: skip


OFFLINE = ("compile", "plan", "secrets", "instances", "run")
RUNS = [
    pytest.param(name, host, marks=[pytest.mark.slow] if " as " in name or host == "wrong password" else [])
    for name, words in COMMANDS.items()
    for host in ("right", "password in the URL", "wrong password", "down")
    if words[0] in cli.commands
    and (host in ("right", "password in the URL") or not (words[0] in OFFLINE or words == ["check"] or "sarif" in name))
]


@pytest.mark.parametrize(("command", "host"), RUNS)
def test_a_command_tells_no_secret(
    command: str,
    host: str,
    rucio_server: Server,
    example_dids: object,
    tmp_path: Path,
    unique_name: Callable[[str], str],
) -> None:
    """Whatever it prints or writes, with what it finds on the user's machine, and where it fails."""
    url = {"down": "http://127.0.0.1:9", "password in the URL": f"https://user:{CANARY}@localhost:9"}.get(
        host, rucio_server.url
    )
    identity = unique_name("canary")
    rucio_server.client("root").call("add_identity", "jdoe", identity, "USERPASS", "jdoe@localhost", password=PASSWORD)
    project = tmp_path / "project"
    project.mkdir()
    (project / "reana.yaml").write_text(SPEC.replace("URL", url))
    (project / "x509up_in_the_workspace").write_text(f"{CANARY} PRIVATE KEY")
    config = tmp_path / "rucio.cfg"
    config.write_text(f"[client]\nrucio_host = {url}\nauth_host = {url}\naccount = jdoe\npassword = {CANARY}\n")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "reana-client").write_text('#!/bin/sh\necho "$@"\nexit 1\n')
    (bin_ / "reana-client").chmod(0o755)
    environment = {
        **BYSTANDERS, "PATH": f"{bin_}:{needs(CLIENTS).parent}:{os.defpath}", "HOME": str(tmp_path), "RUCIO_CONFIG": str(config),
        "REANA_SERVER_URL": f"https://user:{CANARY}@127.0.0.1:9", "MY_NAME": identity,
        "MY_PASSWORD": PASSWORD + ("x" if host == "wrong password" else ""), "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).parents[2]), "REANA_RUCIO_CLIENT_PYTHON": str(needs(CLIENTS)),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "reana_rucio_compiler", *COMMANDS[command]],
        cwd=project, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    if host == "right" and command not in ("run", "compile as check", "lock as check"):
        assert done.returncode == 0, done
    assert CANARY not in done.stdout + done.stderr
    for path in project.rglob("*"):
        if path.is_file() and path.name not in ("reana.yaml", "x509up_in_the_workspace"):
            assert CANARY.encode() not in path.read_bytes(), path
    assert json.dumps(CANARY) not in done.stdout


# ---- a proxy in use, and the key and the password that it was made with


VOMS_PASSWORD = f"{CANARY}-of-the-key"


@pytest.fixture
def tls(rucio_server_tls: Server, tmp_path: Path) -> Job:
    """A job of alice by the sidecars; the secrets that her proxy is made of are there, as REANA gives them to each job."""
    job = Job(tmp_path, rucio_server_tls).by_sidecar()
    key = tmp_path / "alice.key"
    key.write_bytes(b"".join(re.findall(KEY, rucio_server_tls.proxy.read_bytes(), re.DOTALL)))
    encrypted = job.secrets / "userkey.pem"
    subprocess.run(
        ["openssl", "rsa", "-aes256", "-in", str(key), "-out", str(encrypted), "-passout", f"pass:{VOMS_PASSWORD}"],
        check=True, capture_output=True,
    )  # fmt: skip
    certificates = re.findall(CERTIFICATE, rucio_server_tls.proxy.read_bytes(), re.DOTALL)
    (job.secrets / "usercert.pem").write_bytes(b"\n".join(certificates) + b"\n")
    encoded = base64.b64encode(VOMS_PASSWORD.encode()).decode()
    job.environment.update(BYSTANDERS, VOMSPROXY_PASS=encoded, VOMSPROXY_FILE="x509up")
    return job


KEY = rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n"
CERTIFICATE = rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n"


def _right(job: Job) -> None:
    pass


def _expired(job: Job) -> None:
    job.by_sidecar(proxy=job.server.expired_proxy)


def _key_with_password(job: Job) -> None:
    """What somebody may upload in place of a proxy: nobody asks for its password, which a job would wait for."""
    whole = (job.secrets / "usercert.pem").read_bytes() + (job.secrets / "userkey.pem").read_bytes()
    (job.secrets / "x509up").write_bytes(whole)
    job.by_sidecar(proxy=job.secrets / "x509up")


def _half(job: Job) -> None:
    (job.secrets / "x509up").write_bytes(job.server.proxy.read_bytes()[:-300].replace(b"END RSA", b"END R"))
    job.by_sidecar(proxy=job.secrets / "x509up")


def _other_authority(job: Job) -> None:
    job.by_sidecar(ca_bundle=None)


def _nobody_there(job: Job) -> None:
    job.by_sidecar(rucio_host="https://localhost:9", auth_host="https://localhost:9")


def _directory_for_a_receipt(job: Job) -> None:
    (job.workspace / "rucio-stage-check.escape.json" / "x").mkdir(parents=True)


PROXIES = {
    "right": (_right, 0), "expired": (_expired, 3), "key with a password": (_key_with_password, 3), "half": (_half, 3),
    "other authority": (_other_authority, 3), "nobody there": (_nobody_there, 4), "traceback": (_directory_for_a_receipt, 1),
}  # fmt: skip


@pytest.mark.parametrize("clients", [CLIENTS, pytest.param("clients-1.30.0", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", PROXIES)
def test_no_proxy_and_no_password_of_a_key_is_told(case: str, clients: str, tls: Job) -> None:
    arrange, code = PROXIES[case]
    arrange(tls)
    tls.python = str(needs(clients))
    result = tls.finish(tls.start(tls.manifest("stage-check")), "no receipt")
    assert result.code == code, result
    told = (
        result.out + result.err + "".join(path.read_text() for path in tls.workspace.glob("*.json") if path.is_file())
    )
    pems = [*tls.secrets.iterdir(), tls.server.proxy, Path(tls.environment["X509_USER_PROXY"])]
    lines = {line for path in pems if path.exists() for line in path.read_text().splitlines() if len(line) > 40}
    assert len(lines) > 20
    assert not [line for line in lines if line in told], result
    assert tls.environment["VOMSPROXY_PASS"] not in told
    assert CANARY not in told
    assert "PRIVATE KEY" not in told
    tls.assert_clean()
