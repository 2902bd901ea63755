"""The test server is a Rucio server: real clients of several versions agree."""

from __future__ import annotations

import configparser
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlparse

import pytest

from tests.environments import needs
from tests.rucio.server import SEED, RucioError, Server, running

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("account", SEED["accounts"])
def test_every_account_logs_in_with_its_password(rucio_server: Server, account: str) -> None:
    assert rucio_server.client(account).call("whoami")["account"] == account


def test_an_upload_is_registered_stored_and_attached(rucio_server: Server, unique_name, tmp_path: Path) -> None:
    file, dataset = unique_name("events.root"), unique_name("run2022")
    (tmp_path / "local").write_bytes(b"some events")

    rucio_server.upload(tmp_path / "local", f"user.alice:{file}", "SITE2_SCRATCHDISK", dataset=f"user.alice:{dataset}")

    replica = rucio_server.replica_path(f"user.alice:{file}", "SITE2_SCRATCHDISK")
    assert replica.read_bytes() == b"some events"
    assert rucio_server.rse_path("SITE2_SCRATCHDISK") in replica.parents
    content = rucio_server.client().call("list_content", "user.alice", dataset)
    assert [(entry["name"], entry["bytes"]) for entry in content] == [(file, 11)]


@pytest.mark.parametrize(
    ("account", "rse", "class_name"),
    [
        pytest.param("bob", "SITE3_ARCHIVE", "AccessDenied", id="no permission"),
        pytest.param("carol", "SITE1_SCRATCHDISK", "InsufficientAccountLimit", id="no quota"),
        pytest.param("alice", "SITE4_READONLY", "RSEWriteBlocked", id="RSE not writable"),
        pytest.param("alice", "NO_SUCH_RSE", "InvalidRSEExpression", id="unknown RSE"),
    ],
)
def test_uploads_are_refused_as_the_seed_says(
    rucio_server: Server, unique_name, tmp_path: Path, *, account: str, rse: str, class_name: str
) -> None:
    (tmp_path / "local").write_text("x")
    with pytest.raises(RucioError) as refused:
        rucio_server.upload(tmp_path / "local", f"user.{account}:{unique_name('x')}", rse, account)
    assert refused.value.class_name == class_name


def test_bob_may_write_to_his_scratch_disk(rucio_server: Server, unique_name, tmp_path: Path) -> None:
    (tmp_path / "local").write_text("x")
    did = f"user.bob:{unique_name('x')}"
    rucio_server.upload(tmp_path / "local", did, "SITE1_SCRATCHDISK", account="bob")
    assert rucio_server.replica_path(did, "SITE1_SCRATCHDISK").exists()


def test_jdoe_may_write_to_cern_disk(rucio_server: Server, unique_name, tmp_path: Path) -> None:
    (tmp_path / "local").write_text("x")
    did = f"user.jdoe:{unique_name('x')}"
    rucio_server.upload(tmp_path / "local", did, "CERN-DISK", account="jdoe")
    assert rucio_server.replica_path(did, "CERN-DISK").exists()


def test_errors_of_the_client_keep_their_class(rucio_server: Server) -> None:
    with pytest.raises(RucioError, match="not found") as error:
        rucio_server.client().call("get_did", "user.alice", "nobody-made-this")
    assert error.value.class_name == "DataIdentifierNotFound"


def test_parallel_clients_do_not_lock_each_other_out(rucio_server: Server, unique_name, tmp_path: Path) -> None:
    (tmp_path / "local").write_text("x")
    errors: list[Exception] = []

    def upload_some(account: str) -> None:
        try:
            for _ in range(4):
                rucio_server.upload(
                    tmp_path / "local", f"user.{account}:{unique_name('p')}", "SITE1_SCRATCHDISK", account
                )
        except (RucioError, RuntimeError) as error:
            errors.append(error)

    threads = [threading.Thread(target=upload_some, args=[account]) for account in ("alice", "bob", "jdoe")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_requests_are_recorded_and_can_be_forgotten(rucio_server: Server) -> None:
    client = rucio_server.client()
    client.call("whoami")
    rucio_server.clear_requests()
    assert rucio_server.requests() == []
    client.call("list_rses")
    assert rucio_server.requests() == [("GET", "/rses/")]


def test_another_server_is_another_world(rucio_server: Server, second_rucio_server: Server) -> None:
    assert rucio_server.url != second_rucio_server.url
    assert [rse["rse"] for rse in second_rucio_server.client().call("list_rses")] == [
        "OTHER1_SCRATCHDISK",
        "OTHER2_DISK",
    ]
    assert rucio_server.accounts["alice"] != second_rucio_server.accounts["alice"]


def test_a_stopped_server_refuses_connections_and_comes_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "local").write_text("kept")
    with running(tmp_path / "server") as server:
        address = ("127.0.0.1", urlparse(server.url).port)
        server.upload(tmp_path / "local", "user.alice:kept", "SITE1_SCRATCHDISK")

        server.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=5)

        server.start()
        assert server.replica_path("user.alice:kept", "SITE1_SCRATCHDISK").read_text() == "kept"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)


def test_a_server_does_not_outlive_the_tests_that_started_it(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from tests.rucio.server import running\n"
        "with running(pathlib.Path(sys.argv[1])) as server:\n"
        "    print(server.url, flush=True)\n"
        "    time.sleep(600)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "server")],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        address = ("127.0.0.1", urlparse(owner.stdout.readline().strip()).port)
        socket.create_connection(address, timeout=5).close()
        owner.send_signal(signal.SIGKILL)
    assert _refused_within(address, seconds=10)


def _refused_within(address: tuple[str, int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(address, timeout=5).close()
        except ConnectionError:
            return True
        time.sleep(0.05)
    return False


def test_the_sidecar_leaves_what_reana_leaves(rucio_server_tls: Server, tmp_path: Path) -> None:
    env = rucio_server_tls.sidecar(tmp_path, account="jdoe", voname="cms")

    assert env["RUCIO_CONFIG"] == str(tmp_path / "rucio_cache" / "rucio.cfg")
    assert env["X509_USER_PROXY"] == str(tmp_path / "vomsproxy_cache" / "x509up_proxy")
    assert (env["VONAME"], env["RUCIO_USERNAME"]) == ("cms", "jdoe")
    config = configparser.ConfigParser()
    config.read(env["RUCIO_CONFIG"])
    assert dict(config["client"])["ca_cert"] == "/etc/pki/tls/certs/CERN-bundle.pem"
    assert config["client"]["account"] == "jdoe"
    bundle = tmp_path / "rucio_cache" / "CERN-bundle.pem"
    assert bundle.read_bytes() == rucio_server_tls.ca_cert.read_bytes()
    assert Path(env["X509_USER_PROXY"]).stat().st_mode & 0o777 == 0o600


def test_the_sidecar_sets_its_variables_also_for_files_that_are_missing(
    rucio_server_tls: Server, tmp_path: Path
) -> None:
    rucio_server_tls.sidecar(tmp_path)
    env = rucio_server_tls.sidecar(tmp_path, proxy=None, config=None, ca_bundle=None)
    assert not Path(env["RUCIO_CONFIG"]).exists()
    assert not Path(env["X509_USER_PROXY"]).exists()
    assert list((tmp_path / "rucio_cache").iterdir()) == []

    assert not Path(rucio_server_tls.sidecar(tmp_path, account="bob")["X509_USER_PROXY"]).exists()


@pytest.mark.parametrize("clients", ["clients-41.5.1", "clients-35.9.2", "clients-1.30.0-py3.6"])
def test_a_proxy_logs_its_owner_in(rucio_server_tls: Server, tmp_path: Path, clients: str) -> None:
    done = _whoami(rucio_server_tls, tmp_path, clients, account="jdoe")
    assert (done.returncode, done.stdout) == (0, "jdoe\n"), done.stderr


@pytest.mark.parametrize(
    ("proxy", "cause"), [("expired_proxy", "CERTIFICATE_EXPIRED"), ("unknown_proxy", "CannotAuthenticate")]
)
def test_a_bad_proxy_is_refused(rucio_server_tls: Server, tmp_path: Path, proxy: str, cause: str) -> None:
    done = _whoami(rucio_server_tls, tmp_path, "clients-41.5.1", proxy=getattr(rucio_server_tls, proxy))
    assert done.returncode == 1
    assert cause in done.stderr


def test_the_sidecars_configuration_alone_does_not_find_the_authority(rucio_server_tls: Server, tmp_path: Path) -> None:
    done = _whoami(rucio_server_tls, tmp_path, "clients-41.5.1", repair=False)
    assert done.returncode == 1
    assert "/etc/pki/tls/certs/CERN-bundle.pem" in done.stderr


def _whoami(server: Server, directory: Path, clients: str, repair: bool = True, **changes):
    """Ask who we are as a job with REANA's sidecars does; `repair` makes ca_cert name the file that is there."""
    python = needs(clients)
    env = server.sidecar(directory, **changes)
    config = Path(env["RUCIO_CONFIG"])
    if repair:
        config.write_text(config.read_text().replace("/etc/pki/tls/certs", str(config.parent)))
    base = {"PATH": os.environ["PATH"], "HOME": str(directory), "TMPDIR": str(directory), "USER": "tests"}
    code = "from rucio.client import Client; print(Client().whoami()['account'])"
    return subprocess.run(
        [str(python), "-c", code],
        env={**base, **env},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
