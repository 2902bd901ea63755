"""A real Rucio server on loopback, from PyPI packages alone: SQLite, Werkzeug, and directories as storage elements.

    with running(directory) as server:
        server.upload(path, "user.alice:events.root", "SITE1_SCRATCHDISK")
        server.client().call("list_content", "user.alice", "run2022")

Starts in about 3 seconds. The server itself is `_serve.py`, which runs under the "rucio-server" environment;
nothing here imports rucio. facts/rucio.md sections 1 and 2 say why each setting is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.environments import python_of

STARTUP_SECONDS = 120

_USUAL: Any = object()

# What a server holds. Rucio's generic policy lets an account without the attribute `admin` register replicas only at
# RSEs whose names end in SCRATCHDISK, USERDISK, LOCALGROUPDISK or MOCK, and never change a replica's state: `bob` and
# `carol` are such accounts. `dn` is the X.509 subject that authenticates as the account; root has all quotas.
SEED: dict = {
    "accounts": {
        "root": {"password": "secret", "admin": True, "dn": None},
        "alice": {"password": "alicepw", "admin": True, "dn": "/C=CH/O=Test/CN=alice"},
        "bob": {"password": "bobpw", "admin": False, "dn": None},
        "carol": {"password": "carolpw", "admin": False, "dn": None},
        # The physicist of the documentation's example, who may write to CERN-DISK.
        "jdoe": {"password": "jdoepw", "admin": True, "dn": "/C=CH/O=Test/CN=jdoe"},
    },
    "scopes": {
        "user.alice": "alice",
        "user.bob": "bob",
        "user.carol": "carol",
        "user.jdoe": "jdoe",
        "test": "root",
    },
    "rses": {
        "SITE1_SCRATCHDISK": {"writable": True, "quota": ["alice", "bob", "jdoe"]},
        "SITE2_SCRATCHDISK": {"writable": True, "quota": ["alice", "jdoe"]},
        "SITE3_ARCHIVE": {"writable": True, "quota": []},
        "SITE4_READONLY": {"writable": False, "quota": ["alice", "jdoe"]},
        "CERN-DISK": {"writable": True, "quota": ["alice", "jdoe"]},
        "SITE5_TAPE": {"writable": True, "quota": ["alice"], "attributes": {"istape": True}},
    },
}

# Another experiment's server: `alice` has another password there, and no name but hers is the same.
SECOND_SEED: dict = {
    "accounts": {
        "root": {"password": "secret2", "admin": True, "dn": None},
        "alice": {"password": "alicepw2", "admin": True, "dn": "/C=CH/O=Other/CN=alice"},
        "dave": {"password": "davepw", "admin": False, "dn": None},
    },
    "scopes": {"group.other": "alice", "user.dave": "dave"},
    "rses": {
        "OTHER1_SCRATCHDISK": {"writable": True, "quota": ["alice", "dave"]},
        "OTHER2_DISK": {"writable": True, "quota": ["alice"]},
    },
}


class RucioError(Exception):
    """The Rucio client raised `class_name` with `message`."""

    def __init__(self, class_name: str, message: str) -> None:
        super().__init__(f"{class_name}: {message}")
        self.class_name = class_name
        self.message = message


class Client:
    """Calls to the Rucio client API (clients 41.5.1) as one account, in one process that stays."""

    def __init__(self, config: Path, log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [str(python_of("clients-41.5.1")), str(Path(__file__).with_name("_client.py"))],
                env=_environment(config.parent, RUCIO_CONFIG=str(config)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def call(self, method: str, *args: object, **kwargs: object) -> object:
        """What the client's `method` returns, as JSON has it: dates are text, generators lists. Raises RucioError."""
        return self._ask({"method": method, "args": args, "kwargs": kwargs})

    def upload(self, items: list[dict]) -> None:
        """Upload by UploadClient; `items` are its own. Raises RucioError."""
        self._ask({"upload": items})

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=30)

    def _ask(self, request: dict) -> object:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the client process died:\n{self._log.read_text()[-4000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise RucioError(answer["error"], answer["message"])
        return answer["result"]


class Server:
    """A server in `directory`, which holds everything of it: database, storage, configurations, certificates, logs."""

    def __init__(self, directory: Path, tls: bool, seed: dict) -> None:
        self.directory = Path(directory).absolute()
        self.tls = tls
        self.accounts: dict[str, str] = {name: account["password"] for name, account in seed["accounts"].items()}
        self._seed = seed
        self._process: subprocess.Popen | None = None
        self._clients: dict[str, Client] = {}
        self.directory.mkdir(parents=True)
        listening = _listen(None)
        self._port: int = listening.getsockname()[1]
        # "localhost" is what production certificates are like: a name, not an address.
        self.url = f"https://localhost:{self._port}" if tls else f"http://127.0.0.1:{self._port}"
        self._write_files()
        self._launch(listening)

    @property
    def ca_cert(self) -> Path:
        """The certificate of the authority that signed all others here."""
        return self.directory / "pki" / "ca.pem"

    @property
    def proxy(self) -> Path:
        """A valid proxy of alice."""
        return self.proxy_of("alice")

    @property
    def expired_proxy(self) -> Path:
        """A proxy of alice that expired yesterday."""
        return self.directory / "pki" / "alice.expired"

    @property
    def unknown_proxy(self) -> Path:
        """A valid proxy of somebody without an account."""
        return self.directory / "pki" / "unknown.proxy"

    def proxy_of(self, account: str) -> Path:
        """A valid proxy of an account that has a DN in the seed."""
        return self.directory / "pki" / f"{account}.proxy"

    def rse_path(self, name: str) -> Path:
        """The directory that is the storage of an RSE."""
        return self.directory / "rse" / name

    def replica_path(self, did: str, rse: str) -> Path:
        """The file that is the replica of a file DID ("scope:name") at an RSE, as registered; it may be missing."""
        scope, name = did.split(":")
        replicas = self.client().call("list_replicas", [{"scope": scope, "name": name}], all_states=True)
        (address,) = replicas[0]["rses"][rse]
        return Path(urllib.parse.unquote(urllib.parse.urlparse(address).path))

    def config(self, account: str) -> Path:
        """A rucio.cfg for an account with its password."""
        return self.directory / "clients" / account / "rucio.cfg"

    def client(self, account: str = "alice") -> Client:
        """The client process of an account, started when it is first asked for."""
        if account not in self._clients:
            self._clients[account] = Client(self.config(account), self.directory / "clients" / account / "log")
        return self._clients[account]

    def upload(self, path: Path, did: str, rse: str, account: str = "alice", dataset: str | None = None) -> None:
        """Upload the file at `path` as "scope:name", into the dataset "scope:name" where one is given."""
        scope, name = did.split(":")
        item = {
            "path": str(path),
            "did_scope": scope,
            "did_name": name,
            "rse": rse,
            "register_after_upload": True,
        }
        if dataset:
            item["dataset_scope"], item["dataset_name"] = dataset.split(":")
        self.client(account).upload([item])

    def sidecar(
        self,
        directory: Path,
        account: str = "alice",
        *,
        proxy: Path | None = _USUAL,
        config: Path | str | None = _USUAL,
        ca_bundle: Path | None = _USUAL,
        voname: str = "escape",
        rucio_host: str | None = None,
        auth_host: str | None = None,
    ) -> dict[str, str]:
        """The environment that REANA's voms_proxy and rucio sidecars leave a job, its files made below `directory`.

        The changes: another `proxy` or `ca_bundle` (a path), `config` (a path, or a text), or host; None leaves that
        file missing, and so is the proxy of an account without a DN. The variables are set all the same: the sidecars
        do just that when a secret is missing (facts/reana.md A.6).
        """
        proxy_file = Path(directory).absolute() / "vomsproxy_cache" / "x509up_proxy"
        config_file = Path(directory).absolute() / "rucio_cache" / "rucio.cfg"
        rucio_host, auth_host = rucio_host or self.url, auth_host or self.url
        if proxy is _USUAL:
            proxy = self.proxy_of(account) if self.proxy_of(account).exists() else None
        if config is _USUAL:
            config = _SIDECAR_CONFIG % {
                "rucio_host": rucio_host,
                "auth_host": auth_host,
                "account": account,
                "proxy": proxy_file,
            }
        _put(proxy_file, proxy)
        _put(config_file, config)
        _put(config_file.with_name("CERN-bundle.pem"), self.ca_cert if ca_bundle is _USUAL else ca_bundle)
        return {
            "RUCIO_CONFIG": str(config_file),
            "X509_USER_PROXY": str(proxy_file),
            # These are secrets of the user, so that every job has them.
            "VONAME": voname,
            "RUCIO_USERNAME": account,
            "RUCIO_RUCIO_HOST": rucio_host,
            "RUCIO_AUTH_HOST": auth_host,
        }

    def crash(self) -> None:
        """Kill the server, whatever it does; connections to its port are refused until `start`."""
        if self._process:
            self._process.kill()
        self.stop()

    def stop(self) -> None:
        """End the server; connections to its port are refused until `start`."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process.stdin.close()
            self._process = None

    def start(self) -> None:
        """Serve again, at the same address and with the same content."""
        if not self._process:
            self._launch(_listen(self._port))

    def log(self) -> str:
        """What the server process has printed."""
        return (self.directory / "server.log").read_text(errors="replace")

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of each request since the start, or since `clear_requests`."""
        lines = (self.directory / "requests.log").read_text().splitlines()
        return [tuple(line.split(" ", 1)) for line in lines]

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        (self.directory / "requests.log").write_text("")

    def _write_files(self) -> None:
        settings = {"tls": self.tls, "port": self._port, "seed": self._seed}
        (self.directory / "settings.json").write_text(json.dumps(settings, indent=1))
        root = self.accounts["root"]
        server_config = _SERVER_CONFIG % {"directory": self.directory, "url": self.url, "password": root}
        (self.directory / "rucio.cfg").write_text(server_config)
        for account, password in self.accounts.items():
            path = self.config(account)
            path.parent.mkdir(parents=True)
            path.write_text(
                _CLIENT_CONFIG
                % {
                    "url": self.url,
                    "ca_cert": f"ca_cert = {self.ca_cert}" if self.tls else "",
                    "account": account,
                    "password": password,
                    "token": path.with_name("token"),
                }
            )

    def _launch(self, listening: socket.socket) -> None:
        """Start the process on a listening socket, and return when it serves."""
        ready = self.directory / "ready"
        ready.unlink(missing_ok=True)
        self.clear_requests()
        with listening, (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(python_of("rucio-server")),
                    str(Path(__file__).with_name("_serve.py")),
                    str(self.directory),
                    str(listening.fileno()),
                ],
                env=_environment(self.directory, RUCIO_CONFIG=str(self.directory / "rucio.cfg")),
                cwd=self.directory,
                stdin=subprocess.PIPE,  # it ends when we do
                stdout=log,
                stderr=log,
                pass_fds=[listening.fileno()],
                start_new_session=True,  # Ctrl-C is for the tests, which then stop it
            )
        end = time.monotonic() + STARTUP_SECONDS
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"the Rucio server did not come up:\n{self.log()[-4000:]}")
            time.sleep(0.05)


@contextlib.contextmanager
def running(directory: Path, tls: bool = False, seed: dict = SEED) -> Iterator[Server]:
    """A server in the new directory `directory`, stopped at the end. Any number run side by side."""
    server = Server(directory, tls, seed)
    try:
        yield server
    finally:
        server.stop()


def _listen(port: int | None) -> socket.socket:
    """A socket that listens on `port` of loopback, or on some free one.

    The free one is below the range that systems take ports of outgoing connections from: while a server is stopped,
    nobody else is given its port.
    """
    for candidate in [port] if port else random.sample(range(20000, 32000), 50):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", candidate))
            listening.listen(128)
        except OSError:
            listening.close()
        else:
            return listening
    raise RuntimeError(f"cannot listen on port {port}" if port else "no free port from 20000 to 32000")


def _environment(home: Path, **variables: str) -> dict[str, str]:
    """The whole environment of a process of ours: nothing of the caller's reaches it but PATH."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "USER": "tests", **variables}


def _put(path: Path, source: Path | str | None) -> None:
    """Make `path` a private file with the content of a file, or a text; remove it for None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if source is not None:
        path.touch(mode=0o600)
        path.write_bytes(source.encode() if isinstance(source, str) else Path(source).read_bytes())


# No "traces" endpoint: it needs a message broker, and costs 0.8 s a trace; the clients ignore the 404. Nothing listens
# at the cache's address: a memcached of this machine must not be used.
_SERVER_CONFIG = """\
[common]
logdir = %(directory)s
loglevel = INFO
[client]
rucio_host = %(url)s
auth_host = %(url)s
auth_type = userpass
[database]
default = sqlite:///%(directory)s/rucio.db
pool_reset_on_return = rollback
[bootstrap]
userpass_identity = root
userpass_pwd = %(password)s
userpass_email = root@localhost
x509_identity = /CN=root
x509_email = root@localhost
[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = hash
[cache]
url = 127.0.0.1:1
"""

# The default file of tokens does not know the host, so that one server would be sent another's token.
_CLIENT_CONFIG = """\
[client]
rucio_host = %(url)s
auth_host = %(url)s
%(ca_cert)s
auth_type = userpass
username = %(account)s
password = %(password)s
account = %(account)s
auth_token_file_path = %(token)s
request_retries = 1
protocol_stat_retries = 1
[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = hash
"""

# What the rucio sidecar renders. Its ca_cert names a file that most images do not have, although it has put the
# right one, CERN-bundle.pem, beside this file.
_SIDECAR_CONFIG = """\
[client]
rucio_host = %(rucio_host)s
auth_host = %(auth_host)s
ca_cert = /etc/pki/tls/certs/CERN-bundle.pem
auth_type = x509_proxy
username =
password =
account = %(account)s
client_x509_proxy = %(proxy)s
request_retries = 3

[policy]
permission = escape
schema = escape
lfn2pfn_algorithm_default = hash
"""
