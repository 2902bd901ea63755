"""How the stager gets in: sidecars, proxies, tokens, interpreters, and what it keeps to itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reana_rucio_compiler.stager import write_private
from tests.environments import needs
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, STAGER, Job, download, put, upload

SLOW = pytest.mark.slow
VERSIONS = [
    CLIENTS,
    *(
        pytest.param(name, marks=SLOW)
        for name in ("clients-1.30.0-py3.6", "clients-1.30.0", "clients-32.8.6", "clients-35.9.2", "clients-38.6.4")
    ),
]


@pytest.fixture(params=VERSIONS)
def job(request, rucio_server: Server, tmp_path: Path) -> Job:
    return Job(tmp_path, rucio_server, clients=request.param)


@pytest.fixture(params=VERSIONS)
def tls(request, rucio_server_tls: Server, tmp_path: Path) -> Job:
    return Job(tmp_path, rucio_server_tls, clients=request.param)


@pytest.fixture
def name(unique_name) -> str:
    return unique_name("access")


# ---- X.509 proxies, as REANA's sidecars leave them


def test_proxy_of_the_sidecars(tls: Job, name: str) -> None:
    tls.by_sidecar()
    tls.write("a", "a")
    assert tls.stage_out(upload(f"user.alice:{name}", "a")).code == 0
    result = tls.stage_in(download(f"user.alice:{name}", "f"))
    assert result.code == 0, result
    assert tls.files()["f"] == b"a"
    assert result.receipt["rucio_host"] == tls.server.url


def test_hosts_of_the_instance_beside_another_sidecar(tls: Job, name: str, tmp_path: Path) -> None:
    """VONAME is another VO: hosts come from the manifest, the proxy from a secret of its own."""
    put(tls.server, tmp_path, f"user.alice:{name}", b"x")
    tls.by_sidecar(voname="atlas", rucio_host="https://localhost:9", auth_host="https://localhost:9", proxy=None)
    tls.instance.update(rucio_host=tls.server.url, auth_host=tls.server.url, proxy_file="x509up_vre", account="alice")
    shutil.copy(tls.server.proxy, tls.secrets / "x509up_vre")
    (tls.secrets / "x509up_vre").chmod(0o644)
    result = tls.stage_in(download(f"user.alice:{name}", "f"))
    assert result.code == 0, result


def test_an_instance_with_its_own_proxy_needs_no_secrets_of_the_sidecar(tls: Job) -> None:
    tls.by_sidecar(config=None, proxy=None)
    tls.instance.update(rucio_host=tls.server.url, auth_host=tls.server.url, proxy_file="x509up_vre", account="alice")
    shutil.copy(tls.server.proxy, tls.secrets / "x509up_vre")
    assert tls.run("stage-check").code == 0


def test_hosts_of_the_sidecar_win_where_it_is_of_this_instance(tls: Job, name: str, tmp_path: Path) -> None:
    put(tls.server, tmp_path, f"user.alice:{name}", b"x")
    tls.by_sidecar()
    tls.instance.update(rucio_host="https://localhost:9", auth_host="https://localhost:9")
    assert tls.stage_in(download(f"user.alice:{name}", "f")).code == 0


def _fails(job: Job, code: int, *parts: str) -> None:
    result = job.run("stage-check")
    assert result.code == code, result
    for part in parts:
        assert part in result.last, result


def test_3_sidecar_without_configuration(tls: Job) -> None:
    tls.by_sidecar(config=None)
    _fails(tls, 3, "RUCIO_CONFIG", "secrets-add --overwrite --env VONAME=... --env RUCIO_USERNAME=...")


def test_3_no_sidecar(tls: Job) -> None:
    tls.by_sidecar()
    del tls.environment["RUCIO_CONFIG"]
    _fails(tls, 3, "RUCIO_CONFIG: is not set")


def test_3_damaged_configuration(tls: Job) -> None:
    tls.by_sidecar(config="[client\nx")
    _fails(tls, 3, "RUCIO_CONFIG")


@pytest.mark.parametrize("config", ["[client]\n", "[client]\nrucio_host = http://rucio.example.org\n"])
def test_3_useless_configuration(tls: Job, config: str) -> None:
    tls.by_sidecar(config=config)
    _fails(tls, 3, "RUCIO_CONFIG.rucio_host: ")


def test_3_no_proxy(tls: Job) -> None:
    tls.by_sidecar(proxy=None)
    _fails(tls, 3, "X509_USER_PROXY", "reana-client secrets-add --overwrite --file")


def test_3_no_proxy_of_this_name(tls: Job) -> None:
    tls.by_sidecar()
    tls.instance["proxy_file"] = "x509up_vre"
    _fails(tls, 3, "x509up_vre", "secrets-add --overwrite --file x509up_vre")


def test_3_expired_proxy(tls: Job) -> None:
    tls.by_sidecar(proxy=tls.server.expired_proxy)
    tls.server.clear_requests()
    _fails(tls, 3, "has expired on ", "voms-proxy-init", "secrets-add")
    assert tls.server.requests() == [], "found without the server"


def test_3_proxy_of_nobody(tls: Job) -> None:
    tls.by_sidecar(proxy=tls.server.unknown_proxy)
    _fails(tls, 3, "account alice: ")


@pytest.mark.parametrize("how", ["text", "no key", "cut"])
def test_3_bad_proxy(tls: Job, tmp_path: Path, how: str) -> None:
    whole = tls.server.proxy.read_text()
    bad = tmp_path / "bad"
    if how == "text":
        bad.write_text("not a proxy\n")
    elif how == "no key":
        bad.write_text(whole[: whole.index("-----END CERTIFICATE-----") + 26])
    else:
        lines = whole.splitlines(keepends=True)
        bad.write_text("".join(lines[:3] + lines[5:]))
    tls.by_sidecar(proxy=bad)
    _fails(tls, 3, "proxy ")


def test_3_server_of_an_unknown_authority(tls: Job) -> None:
    tls.by_sidecar(ca_bundle=None)
    _fails(tls, 3, f"server {tls.server.url}: ", "certificate")


# ---- user name and password, token


def test_password_with_percent_sign(rucio_server: Server, tmp_path: Path, name: str) -> None:
    """configparser would interpolate it."""
    job = Job(tmp_path, rucio_server, account="carol")
    job.server.client("root").call(
        "add_identity", "carol", f"carol-{name}", "USERPASS", "carol@localhost", password="p%(x)s%%#;="
    )
    job.environment.update(RUCIO_VRE_USERNAME=f"carol-{name}", RUCIO_VRE_PASSWORD="p%(x)s%%#;=")
    assert job.run("stage-check").code == 0


def test_token_of_a_secret(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"x")
    job.server.client().call("whoami")
    token = job.server.config("alice").with_name("token").read_text()
    (job.secrets / "vre_token").write_text(token + "\n")
    job.instance.update(auth_type="oidc", token_file="vre_token")
    job.environment["BEARER_TOKEN"] = "another"
    result = job.stage_in(download(f"user.alice:{name}", "f"))
    assert result.code == 0, result
    assert token not in result.out


@pytest.mark.parametrize("token", ["", "\n", "wrong"])
def test_3_bad_token(job: Job, token: str) -> None:
    (job.secrets / "vre_token").write_text(token)
    job.instance.update(auth_type="oidc", token_file="vre_token")
    _fails(job, 3, "account alice: " if token.strip() else "secret vre_token: ")


def test_two_instances_in_one_workspace(
    rucio_server: Server, second_rucio_server: Server, tmp_path: Path, unique_name
) -> None:
    name = unique_name("two")
    put(rucio_server, tmp_path, f"user.alice:{name}", b"one")
    put(second_rucio_server, tmp_path, f"group.other:{name}", b"two", "OTHER1_SCRATCHDISK")
    one, two = Job(tmp_path, rucio_server), Job(tmp_path, second_rucio_server)
    two.instance["name"] = "other"
    manifests = [
        one.manifest("stage-in", downloads=[download(f"user.alice:{name}", "one")]),
        two.manifest("stage-in", downloads=[download(f"group.other:{name}", "two")]),
    ]
    for job, manifest in zip((one, two), manifests):
        result = job.finish(job.start(manifest), manifest["receipt"])
        assert result.code == 0, result
        assert result.receipt["rucio_host"] == job.server.url
    assert one.files() == {"one": b"one", "two": b"two"}


# ---- surroundings


def test_what_would_override_the_configuration_is_ignored(job: Job, name: str, tmp_path: Path) -> None:
    put(job.server, tmp_path, f"user.alice:{name}", b"x")
    job.environment.update(
        RUCIO_CONFIG="/nonexistent",
        RUCIO_ACCOUNT="nobody",
        RUCIO_AUTH_TYPE="ssh",
        RUCIO_VO="xyz",
        RUCIO_HOME="/nonexistent",
        X509_CERT_DIR="/nonexistent",
        X509_USER_PROXY="/nonexistent",
    )
    assert job.stage_in(download(f"user.alice:{name}", "f")).code == 0


@pytest.mark.parametrize("home", ["inside", "unset"])
def test_credentials_stay_out_of_the_workspace(job: Job, name: str, tmp_path: Path, home: str) -> None:
    """REANA's CWL engine sets TMPDIR and HOME to places inside, and the uid need not be in passwd."""
    put(job.server, tmp_path, f"user.alice:{name}", b"x")
    inside, work = job.workspace / "cwl" / "tmpdir", job.workspace / "cwl" / "outdir" / "x"
    for path in (inside, work):
        path.mkdir(parents=True)
    job.environment.update({"TMPDIR": str(inside), **({"HOME": str(work)} if home == "inside" else {})})
    manifest = job.manifest("stage-in", downloads=[download(f"user.alice:{name}", "f")])
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    run = subprocess.run(
        [job.python, "-c", _AUDIT, str(STAGER), str(tmp_path / "manifest.json")],
        cwd=work,
        env=job.environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert (work / "f").read_bytes() == b"x"
    assert sorted(path.name for path in work.iterdir()) == ["f", "rucio-stage-in.vre.json"]
    assert list(inside.iterdir()) == []


# Runs the stager as a user without a name; each private directory must be outside of the workspace, and private.
_AUDIT = """
import os, pwd, sys, tempfile
def getpwuid(uid):
    raise KeyError(uid)
pwd.getpwuid = getpwuid
make = tempfile.mkdtemp
def audited(*args, **kwargs):
    path = make(*args, **kwargs)
    assert not os.path.realpath(path).startswith(os.getcwd().split("/workflows/")[0]), path
    assert os.stat(path).st_mode & 0o777 == 0o700, path
    return path
tempfile.mkdtemp = audited
sys.argv[0:1] = []
sys.path.insert(0, "")
__file__ = sys.argv[0]
exec(compile(open(sys.argv[0]).read(), sys.argv[0], "exec"))
"""


def test_a_module_in_the_workspace_is_not_imported(job: Job) -> None:
    for module in ("random", "calendar", "ssl", "rucio", "requests"):
        job.write(f"{module}.py", "raise SystemExit('imported from the workspace')")
    shutil.copy(STAGER, job.workspace / "stager.py")
    (job.directory / "manifest.json").write_text(json.dumps(job.manifest("stage-check")))
    run = subprocess.run(
        [job.python, "stager.py", str(job.directory / "manifest.json")],
        cwd=job.workspace,
        env=job.environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


# ---- the interpreter


HEADS = {
    "path": "#!{python}\n",
    "path and option": "#!{python} -s\n",
    "env": "#!/usr/bin/env python-of-rucio\n",
    "pip": "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
    "pip, bare": "#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n",
}


@pytest.mark.parametrize("head", HEADS)
def test_the_interpreter_of_the_rucio_executable(job: Job, head: str) -> None:
    places = job.directory / "bin"
    places.mkdir()
    (places / "python-of-rucio").write_text(f'#!/bin/sh\nexec {job.python} "$@"\n')
    (places / "python-of-rucio").chmod(0o755)
    (places / "rucio").write_text(HEADS[head].format(python=job.python) + "import sys\n")
    job.environment["PATH"] = f"/nonexistent:{places}:/usr/bin:/bin"
    job.python = _bare_python(job.directory)
    assert job.run("stage-check").code == 0


def test_3_no_client_anywhere(rucio_server: Server, tmp_path: Path) -> None:
    job = Job(tmp_path, rucio_server)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "rucio").write_text("#!/bin/bash\necho no python here\n")
    job.environment.update(PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin", HOME=str(tmp_path))
    job.python = _bare_python(tmp_path)
    job.write("rucio-stage-check.vre.json", "{}")
    _fails(job, 3, "rucio-clients")


@pytest.mark.parametrize("impl", ["gfal", "xrootd"])
def test_3_a_protocol_that_the_image_has_no_library_for(job: Job, name: str, impl: str) -> None:
    """As what pip installs: neither gfal2 nor xrootd. It is no use to try again, and no permission is missing."""
    rse, root = f"{impl.upper()}-{name.partition('-')[2].upper()}_SCRATCHDISK", job.server.client("root")
    allowed = {"read": 1, "write": 1, "delete": 1}
    protocol = {"scheme": "root", "hostname": "localhost", "port": 1, "prefix": "/x/"}
    domains = {"lan": allowed, "wan": {**allowed, "third_party_copy_read": 0, "third_party_copy_write": 0}}
    root.call("add_rse", rse)
    root.call("add_protocol", rse, {**protocol, "impl": f"rucio.rse.protocols.{impl}.Default", "domains": domains})
    root.call("set_local_account_limit", "alice", rse, 10**12)
    root.call("add_replicas", rse, [{"scope": "user.alice", "name": name, "bytes": 1, "adler32": "00790079"}])
    job.write("a", "y")
    for result in (
        job.stage_in(download(f"user.alice:{name}", "f")),
        job.stage_out(upload(f"user.alice:{name}.out", "a", rse=rse)),
    ):
        assert result.code == 3, result
        assert result.last.startswith(f"reana-rucio: error: user.alice:{name}")
        assert "; use an image with gfal2 and xrootd, such as docker.io/reanahub/reana-auth-rucio:" in result.last
        assert "again in" not in result.out


def _bare_python(directory: Path) -> str:
    """An interpreter without the Rucio client."""
    home = directory / "bare"
    subprocess.run([str(needs(CLIENTS)), "-m", "venv", "--without-pip", str(home)], check=True)
    return str(home / "bin" / "python")


def test_what_holds_a_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert Path(write_private(str(tmp_path / "token"), b"secret")).stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
