"""Credentials of the user's own machine: what is found, that the stager takes it, and what is said where it is missing.

Every case stages a file from a real server with what was found, in a process that has nothing else.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from reana_rucio_compiler.credentials import Missing, find_credentials
from reana_rucio_compiler.model import Instance
from tests.environments import needs
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, STAGER, download

BASE = {"PATH": "/usr/bin:/bin"}


def _instance(server: Server, **changes: str) -> Instance:
    return Instance("vre", server.url, server.url)._replace(**changes)


def _config(directory: Path, **client: str) -> Path:
    path = directory / "rucio.cfg"
    path.write_text("[client]\n" + "".join(f"{key} = {value}\n" for key, value in client.items()))
    return path


def _stage(instance: Instance, environ: dict[str, str], directory: Path) -> str:
    """Stage a file with the credentials that are found; the account of the receipt."""
    found = find_credentials(instance, environ)
    manifest = {"format": 1, "action": "stage-in", "instance": found.instance, "receipt": "receipt.json"}
    manifest["downloads"] = [download("user.jdoe:events.root", "events.root")]
    manifest["settings"] = {"attempts": 1, "backoff": 0}
    workspace = directory / "workspace"
    workspace.mkdir()
    (directory / "manifest.json").write_text(json.dumps(manifest))
    command = [str(needs(CLIENTS)), str(STAGER), str(directory / "manifest.json")]
    ran = subprocess.run(command, cwd=workspace, env=found.environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads((workspace / "receipt.json").read_text())["account"]


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("https://rucio.example.org:443", True),
        ("https://Rucio.example.org/", True),
        ("https://rucio.example.org:8443", False),
        ("http://rucio.example.org:443", False),
        ("https://rucio.example.org/other", False),
        ("https://rucio.example.org.evil.example", False),
        ("https://rucio.example.org@evil.example", False),
        ("https://rucio.example.org:no", False),
    ],
)
def test_the_server_of_a_rucio_cfg_however_its_address_is_written(written: str, same: bool, tmp_path: Path) -> None:
    config = _config(
        tmp_path, rucio_host=written, auth_type="userpass", username="jdoe", password="canary", account="j"
    )
    url = "https://rucio.example.org"
    instance = Instance("vre", url, url)
    environ = {**BASE, "RUCIO_CONFIG": str(config), "X509_USER_PROXY": "/no"}
    if same:
        assert "canary" in find_credentials(instance, environ).environment.values()
        return
    with pytest.raises(Missing):
        find_credentials(instance, environ)


@pytest.mark.parametrize("written", ["$X509_USER_PROXY", "${PROXIES}/x509up", "~/x509up", "$NOBODY_SETS_THIS"])
def test_paths_of_a_rucio_cfg_are_those_of_the_client(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration that comes with Rucio says ``client_x509_proxy = $X509_USER_PROXY``."""
    monkeypatch.setenv("HOME", str(tmp_path))
    url, proxy = "https://rucio.example.org", tmp_path / "x509up"
    proxy.touch()
    config = _config(
        tmp_path, rucio_host=url, account="j", auth_type="x509_proxy", client_x509_proxy=written, ca_cert="$PROXIES/ca.pem"
    )  # fmt: skip
    environ = {**BASE, "RUCIO_CONFIG": str(config), "X509_USER_PROXY": str(proxy), "PROXIES": str(tmp_path)}
    found = find_credentials(Instance("vre", url, url), environ)
    assert found.instance["proxy_file"] == "x509up"
    assert found.environment["RUCIO_STAGE_SECRETS"] == str(tmp_path)
    assert found.environment["X509_CERT_DIR"] == f"{tmp_path}/ca.pem"


@pytest.mark.parametrize("where", ["RUCIO_CONFIG", "RUCIO_HOME", "VIRTUAL_ENV"])
def test_the_password_of_the_users_rucio_cfg(
    rucio_server: Server, example_dids: object, where: str, tmp_path: Path
) -> None:
    home = tmp_path / "etc"
    home.mkdir()
    config = _config(
        home, rucio_host=rucio_server.url + "/", auth_host=rucio_server.url, account="jdoe", auth_type="userpass",
        username="jdoe", password="jdoepw",
    )  # fmt: skip
    environ = {**BASE, where: str(config if where == "RUCIO_CONFIG" else tmp_path)}
    assert _stage(_instance(rucio_server), environ, tmp_path) == "jdoe"


def test_the_servers_of_the_users_rucio_cfg_are_those_of_default(
    rucio_server: Server, example_dids: object, tmp_path: Path
) -> None:
    environ = {**BASE, "RUCIO_CONFIG": str(rucio_server.config("alice"))}
    assert _stage(Instance("default"), environ, tmp_path) == "alice"


def test_the_secrets_that_the_instance_names(rucio_server: Server, example_dids: object, tmp_path: Path) -> None:
    instance = _instance(rucio_server, auth_type="userpass", username_env="MY_NAME", password_env="MY_PASSWORD")
    environ = {**BASE, "RUCIO_ACCOUNT": "bob", "MY_NAME": "bob", "MY_PASSWORD": "bobpw"}
    assert _stage(instance, environ, tmp_path) == "bob"


@pytest.mark.parametrize("how", ["X509_USER_PROXY", "RUCIO_CLIENT_PROXY", "rucio.cfg", "secret", "default"])
def test_a_proxy(jdoe: Server, how: str, tmp_path: Path) -> None:
    """`ca_cert` of the user's rucio.cfg is taken, too: no other file here has this authority."""
    proxy, client = jdoe.proxy_of("jdoe"), {}
    instance = _instance(jdoe, account="jdoe", sidecar="escape")
    environ = {**BASE, "VONAME": "escape"}  # a variable of REANA's, which means nothing here
    if how == "rucio.cfg":
        client["client_x509_proxy"] = str(proxy)
    elif how == "secret":
        (tmp_path / "x509up_vre").write_bytes(proxy.read_bytes())
        instance = instance._replace(proxy_file="x509up_vre")
        environ.update(RUCIO_STAGE_SECRETS=str(tmp_path), X509_USER_PROXY="/nowhere")
    else:
        environ["X509_USER_PROXY" if how == "default" else how] = str(proxy)
    hosts = {"rucio_host": jdoe.url, "auth_host": jdoe.url}
    config = _config(tmp_path, **hosts, account="jdoe", auth_type="x509_proxy", ca_cert=str(jdoe.ca_cert), **client)
    environ["RUCIO_CONFIG"] = str(config)
    assert _stage(Instance("default") if how == "default" else instance, environ, tmp_path) == "jdoe"


def test_a_token(rucio_server: Server, example_dids: object, tmp_path: Path) -> None:
    token = tmp_path / "token"
    answer = rucio_server.client("jdoe").call("whoami")
    assert answer["account"] == "jdoe"
    token.write_bytes(rucio_server.config("jdoe").with_name("token").read_bytes())
    config = _config(
        tmp_path, rucio_host=rucio_server.url, auth_host=rucio_server.url, account="jdoe", auth_type="oidc",
        auth_token_file_path=str(token),
    )  # fmt: skip
    assert _stage(_instance(rucio_server), {**BASE, "RUCIO_CONFIG": str(config)}, tmp_path) == "jdoe"


def test_a_password_goes_to_no_other_server(rucio_server: Server, second_rucio_server: Server) -> None:
    environ = {**BASE, "RUCIO_CONFIG": str(rucio_server.config("alice")), "X509_USER_PROXY": "/nowhere"}
    instance = _instance(second_rucio_server, account="alice")
    with pytest.raises(Missing) as raised:
        find_credentials(instance, environ)
    assert str(raised.value) == '"vre": no proxy at /nowhere; run voms-proxy-init --voms VO'
    assert find_credentials(_instance(rucio_server), environ).environment["RUCIO_STAGE_PASSWORD"] == "alicepw"


SOMEWHERE = Instance("vre", "https://rucio.example.org", "https://rucio.example.org")
USERPASS = {"auth_type": "userpass", "username_env": "N", "password_env": "P"}


@pytest.mark.parametrize(
    ("changes", "environ", "message"),
    [
        ({}, {}, '"vre": nothing says your Rucio account there; export RUCIO_ACCOUNT=...'),
        ({"account": "jdoe"}, {"X509_USER_PROXY": "/no"}, '"vre": no proxy at /no; run voms-proxy-init --voms VO'),
        ({"account": "jdoe", **USERPASS}, {"N": "x"}, '"vre": no username and password; export N=... P=...'),
        (
            {"account": "jdoe", "auth_type": "oidc", "token_file": "t"},
            {},
            '"vre": no token; put it into $RUCIO_STAGE_SECRETS/t, or run `rucio whoami` with auth_type = oidc in a '
            "rucio.cfg of this server",
        ),
        (
            {"account": "jdoe"},
            {"RUCIO_CONFIG": "/no/rucio.cfg"},
            'RUCIO_CONFIG: there is no file "/no/rucio.cfg"; name your rucio.cfg, or unset it',
        ),
        (
            {"name": "default", "rucio_host": None, "auth_host": None},
            {},
            '"default": there is no rucio.cfg on this machine, which would say the server; '
            "export RUCIO_CONFIG=/path/to/rucio.cfg",
        ),
    ],
    ids=["account", "proxy", "password", "token", "config", "default"],
)
def test_what_is_missing_is_named_with_the_command_that_makes_it(
    changes: dict[str, str], environ: dict[str, str], message: str
) -> None:
    with pytest.raises(Missing) as raised:
        find_credentials(SOMEWHERE._replace(**changes), {**BASE, **environ})
    assert str(raised.value) == message


def test_a_rucio_cfg_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "rucio.cfg"
    path.write_text("no section")
    with pytest.raises(Missing, match=r"cannot be read: .*mend it"):
        find_credentials(SOMEWHERE, {**BASE, "RUCIO_CONFIG": str(path)})
