"""Staging jobs as REANA runs them: the stager as a process with a clean environment, in a workspace of its own."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.environments import needs
from tests.rucio.server import Server

STAGER = Path(__file__).parents[2] / "reana_rucio_compiler" / "stager.py"
CLIENTS = "clients-41.5.1"
QUICK = {"attempts": 2, "backoff": 0.05, "timeout": 30, "threads": 4}
RUN = "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"


class Result:
    """What a run left: exit code, output, the last line on standard error, the receipt (None: there is none)."""

    def __init__(self, code: int, out: str, err: str, receipt: Path) -> None:
        self.code, self.out, self.err = code, out, err
        self.last = err.strip().splitlines()[-1] if err.strip() else ""
        self.receipt = json.loads(receipt.read_text()) if receipt.exists() else None

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"

    def statuses(self) -> dict[str, str]:
        """Path to what happened to it: "fetched", "uploaded" or "present"."""
        return {row["path"]: row["status"] for row in self.receipt["files"]}


class Job:
    """A step of one workflow run, by password as `account`; attributes may be changed before it runs."""

    def __init__(self, directory: Path, server: Server, account: str = "alice", clients: str = CLIENTS) -> None:
        self.directory, self.server = directory, server
        self.python = str(needs(clients))
        self.stager = STAGER
        self.workspace = directory / "users" / "1" / "workflows" / RUN
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.secrets = directory / "secrets"
        self.secrets.mkdir(exist_ok=True)
        self.instance = {
            "name": "vre",
            "rucio_host": server.url,
            "auth_host": server.url,
            "account": account,
            "auth_type": "userpass",
            "username_env": "RUCIO_VRE_USERNAME",
            "password_env": "RUCIO_VRE_PASSWORD",
        }
        self.settings = dict(QUICK)
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "RUCIO_STAGE_SECRETS": str(self.secrets),
            "RUCIO_VRE_USERNAME": account,
            "RUCIO_VRE_PASSWORD": server.accounts.get(account, "no such account"),
        }

    def by_sidecar(self, **changes: object) -> Job:
        """Authenticate with the proxy and the rucio.cfg that REANA's sidecars leave."""
        self.environment.update(self.server.sidecar(self.directory / "sidecar", **changes))
        self.instance = {"name": "escape", "sidecar": "escape", "auth_type": "x509_proxy"}
        return self

    def manifest(self, action: str, **fields: object) -> dict:
        """A manifest of this job; `fields` are downloads, uploads, requires and so on."""
        return {
            "format": 1,
            "action": action,
            "instance": self.instance,
            "receipt": f"rucio-{action}.{self.instance['name']}.json",
            "settings": self.settings,
            **fields,
        }

    def start(self, manifest: object, cwd: Path | None = None, words: tuple[str, ...] = ()) -> subprocess.Popen:
        """The running stager, on a manifest that is an object or a text."""
        path = self.directory / "manifest.json"
        path.write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
        return subprocess.Popen(
            [self.python, str(self.stager), str(path), *words],
            cwd=cwd or self.workspace,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen, receipt: str, cwd: Path | None = None) -> Result:
        try:
            out, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Result(process.returncode, out, err, (cwd or self.workspace) / receipt)

    def run(self, action: str, cwd: Path | None = None, **fields: object) -> Result:
        """Run to the end, and hold what is true of every run: nothing of ours is left, no secret is shown."""
        manifest = self.manifest(action, **fields)
        result = self.finish(self.start(manifest, cwd), manifest["receipt"], cwd)
        assert (result.receipt is not None) == (result.code == 0), result
        self.assert_clean(cwd)
        for secret in (self.environment["RUCIO_VRE_PASSWORD"], "PRIVATE KEY"):
            assert secret not in result.out + result.err, result
        if result.code:
            assert result.last.startswith("reana-rucio: error: "), result
            assert ("Traceback" in result.err) == (result.code == 1), result
        else:
            assert not result.err, result
        return result

    def stage_in(self, *downloads: dict, **fields: object) -> Result:
        return self.run("stage-in", downloads=list(downloads), **fields)

    def stage_out(self, *uploads: dict, **fields: object) -> Result:
        return self.run("stage-out", uploads=list(uploads), **fields)

    def assert_clean(self, cwd: Path | None = None) -> None:
        """No work directory in the workspace, and no credentials of this server outside of it."""
        assert not list((cwd or self.workspace).glob(".rucio-stage-*"))
        assert not credentials_left(self.server)

    def forget_credentials(self) -> None:
        """Remove what a killed process could not; in a pod it is gone with the pod."""
        for folder in credentials_left(self.server):
            shutil.rmtree(folder)

    def files(self) -> dict[str, bytes]:
        """The workspace: relative path to content, without receipts."""
        return {
            str(path.relative_to(self.workspace)): path.read_bytes()
            for path in sorted(self.workspace.rglob("*"))
            if path.is_file() and not path.name.startswith("rucio-stage-")
        }

    def write(self, path: str, content: bytes | str) -> Path:
        """Make a file in the workspace, as an analysis would."""
        target = self.workspace / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target


def credentials_left(server: Server) -> list[Path]:
    """The private directories of stagers that talk to this server; those of other tests' jobs come and go meanwhile."""
    found = []
    for place in ("/dev/shm", "/var/tmp"):
        for config in Path(place).glob("rucio-stage-*/rucio.cfg"):
            with contextlib.suppress(OSError):
                if server.url in config.read_text(errors="replace"):
                    found.append(config.parent)
    return found


def download(did: str, path: str, kind: str = "file", **options: object) -> dict:
    scope, name = did.split(":")
    return {"scope": scope, "name": name, "type": kind, "path": path, **options}


def upload(did: str, path: str, rse: str = "SITE1_SCRATCHDISK", kind: str = "file", **options: object) -> dict:
    scope, name = did.split(":")
    return {"scope": scope, "name": name, "type": kind, "path": path, "rse": rse, **options}


def put(
    server: Server, directory: Path, did: str, content: bytes, rse: str = "SITE1_SCRATCHDISK", **options: str
) -> None:
    """Upload some content as a file DID; `dataset` attaches it."""
    path = directory / "source"
    path.write_bytes(content)
    server.upload(path, did, rse, **options)


def hashed(scope: str, name: str) -> str:
    """Where an RSE of the test server has a file, relative to its prefix (lfn2pfn algorithm "hash")."""
    digest = hashlib.md5(f"{scope}:{name}".encode()).hexdigest()
    return f"{scope.replace('.', '/')}/{digest[:2]}/{digest[2:4]}/{name}"


def seen(server: Server, pattern: str) -> list[str]:
    """The requests that the server got since `clear_requests` whose method and path begin with `pattern`."""
    requests = [f"{method} {os.path.normpath(path)}" for method, path in server.requests()]
    return [request for request in requests if request.startswith(pattern)]
