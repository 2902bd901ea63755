"""One cell of the fault matrix: data, a server behind a gate, a storage, a workspace, and a staging job in it.

A fault arranges a `Site`: `file`, `dataset` and `output` make data, `get` and `put` ask for transfers, `gate` and
`storage` misbehave. `run` then runs the stager as REANA would (`Serial`, `Cwl`), or a plain `rucio` command (`Plain`)
on the same, and `wrong` and `right` say what that left.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from reana_rucio_compiler.staging import encode, program, script
from tests.environments import needs
from tests.faults.troubled import Gate, Storage
from tests.rucio.server import Client, RucioError, Server
from tests.rucio.stager_job import RUN, hashed

DRIVER = Path(__file__).parents[2] / "reana_rucio_compiler" / "backends" / "cwl" / "driver.py"
SETTINGS = {"attempts": 3, "backoff": 0.1, "timeout": 10, "threads": 2}
PATIENCE = 60  # seconds; a command that takes longer hangs
UNLIMITED = 10**12
STORAGES = {"DAV1_SCRATCHDISK": "one", "DAV2_SCRATCHDISK": "two"}


class World:
    """What all cells of a session share: a server behind a gate, and two RSEs on one storage."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.gate = Gate(server.url.partition("//")[2])
        self.storage = Storage(directory / "storage")
        host, port = self.storage.server_address[:2]
        allowed = {"read": 1, "write": 1, "delete": 1}
        for rse, prefix in STORAGES.items():
            (self.storage.root / prefix).mkdir(parents=True)
            self.root.call("add_rse", rse)
            protocol = {
                "scheme": "http", "hostname": host, "port": port, "prefix": f"/{prefix}/",
                "impl": "rucio.rse.protocols.webdav.Default",
                "domains": {"lan": allowed, "wan": {**allowed, "third_party_copy_read": 0, "third_party_copy_write": 0}},
            }  # fmt: skip
            self.root.call("add_protocol", rse, protocol)
            for account in ("root", "alice", "bob"):
                self.root.call("set_local_account_limit", account, rse, UNLIMITED)

    @property
    def root(self) -> Client:
        return self.server.client("root")

    def close(self) -> None:
        for server in (self.gate, self.storage):
            server.shutdown()
            server.server_close()


@dataclasses.dataclass
class Result:
    """How a run ended: its exit code, everything it said, and the last line of that which names an error."""

    code: int
    said: str
    done: bool
    hangs: bool = False

    @property
    def last(self) -> str:
        lines = [line for line in self.said.splitlines() if line.startswith("reana-rucio: error: ")]
        return lines[-1] if lines else ""


class Site:
    """`clients` is the environment whose Rucio client runs. Attributes may be changed before a run."""

    action = "stage-in"

    def __init__(self, world: World, directory: Path, clients: str) -> None:
        self.world, self.gate, self.storage, self.server = world, world.gate, world.storage, world.server
        self.directory, self.clients = directory, clients
        self.python = needs(clients)
        self.id = uuid.uuid4().hex[:8]
        self.workspace = directory / "users" / "1" / "workflows" / RUN
        self.workspace.mkdir(parents=True)
        self.account = "alice"
        self.instance = {
            "name": "vre", "rucio_host": self.gate.url, "auth_host": self.gate.url, "auth_type": "userpass",
            "username_env": "RUCIO_VRE_USERNAME", "password_env": "RUCIO_VRE_PASSWORD",
        }  # fmt: skip
        self.settings = dict(SETTINGS)
        self.environment = {"PATH": f"{self.python.parent}:/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8"}
        (directory / "x509up").touch()  # the client insists on one for WebDAV, and does not send it over http
        self.environment["X509_USER_PROXY"] = str(directory / "x509up")
        self.prefix: list[str] = []
        self.content: dict[str, dict[str, bytes]] = {}  # DID -> name -> what Rucio has, or will have
        self.downloads: list[dict] = []
        self.uploads: list[dict] = []
        self.requires: list[str] = []
        self.before: dict[str, bytes] = {}
        self.taken: set[str] = set()  # DIDs of outputs that somebody else has
        self.processes: list[subprocess.Popen] = []
        self.killed = self.ever_killed = False
        self.without_states = True  # whether plain uploads of an ordinary account avoid to change states
        self.others: list[Result] = []
        if world.server.tls:
            self.sidecar()

    @property
    def root(self) -> Client:
        return self.world.root

    def sidecar(self, **changes: object) -> None:
        """Authenticate by what REANA's sidecars leave; `changes` are of Server.sidecar."""
        self.instance = {"name": "escape", "sidecar": "escape", "auth_type": "x509_proxy"}
        self.environment.update(self.server.sidecar(self.directory / "sidecar", **changes))

    # ---- data

    def name(self, stem: str) -> str:
        return f"{stem}-{self.id}"

    def file(self, stem: str = "events.root", content: bytes = b"right" * 1000, rses: str = "DAV1_SCRATCHDISK") -> str:
        """A file DID with a replica at each of the RSEs, comma-separated."""
        name = self.name(stem)
        row = {"scope": "user.alice", "name": name, "bytes": len(content), "adler32": f"{zlib.adler32(content):08x}"}
        for rse in rses.split(","):
            self.place(f"user.alice:{name}", rse).write_bytes(content)
            self.root.call("add_replicas", rse, [row])
        did = f"user.alice:{name}"
        self.content[did] = {name: content}
        return did

    def dataset(self, stem: str = "run2022", files: int = 3, size: int = 5000) -> tuple[str, list[str]]:
        """A dataset DID, and those of its files."""
        dids = [self.file(f"{stem}.{number}", b"%d" % number * size) for number in range(files)]
        name = self.name(stem)
        self.root.call("add_dataset", "user.alice", name, files=[parts(did) for did in dids])
        dataset = f"user.alice:{name}"
        self.content[dataset] = {key: value for did in dids for key, value in self.content[did].items()}
        return dataset, dids

    def place(self, did: str, rse: str = "DAV1_SCRATCHDISK") -> Path:
        """The file of the storage that is, or will be, the replica."""
        path = self.storage.root / STORAGES[rse] / hashed(*did.split(":"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, path: str, content: bytes) -> Path:
        """A file of the workspace that is there before the run."""
        target = self.workspace / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.before[path] = content
        return target

    # ---- transfers

    def get(self, did: str, path: str = "data/f", kind: str = "file", **options: object) -> str:
        """Ask for a download; returns the path."""
        scope, name = did.split(":")
        self.downloads.append({"scope": scope, "name": name, "type": kind, "path": path, **options})
        return path

    def put(self, stem: str = "plot", content: bytes = b"result" * 1000, rse: str = "DAV1_SCRATCHDISK", scope: str = "",
            **options: object) -> str:  # fmt: skip
        """Make an output, and ask for its upload; returns the DID."""
        self.write(f"results/{stem}", content)
        did = f"{scope or 'user.' + self.account}:{self.name(stem)}"
        self.content[did] = {self.name(stem): content}
        self._upload(did, f"results/{stem}", "file", rse, options)
        return did

    def put_all(self, stem: str, files: int = 3, rse: str = "DAV1_SCRATCHDISK", **options: object) -> str:
        """Make a directory of outputs, and ask for its upload as a dataset; returns the DID."""
        content = {self.name(f"{stem}.{number}"): b"%d" % number * 5000 for number in range(files)}
        for name, each in content.items():
            self.write(f"results/{stem}/{name}", each)
        did = f"user.{self.account}:{self.name(stem)}"
        self.content[did] = content
        self._upload(did, f"results/{stem}", "directory", rse, options)
        return did

    def _upload(self, did: str, path: str, kind: str, rse: str, options: dict[str, object]) -> None:
        scope, name = did.split(":")
        self.action = "stage-out"
        self.uploads.append({"scope": scope, "name": name, "type": kind, "path": path, "rse": rse, **options})

    # ---- a run

    def credentials(self) -> dict[str, str]:
        password = self.server.accounts.get(self.account, "none")
        return {"RUCIO_VRE_USERNAME": self.account, "RUCIO_VRE_PASSWORD": password, "RUCIO_USERNAME": self.account}

    def run(self) -> Result:
        """Run to the end; also of what was started in the meantime, which is then in `others`."""
        self.others = []
        count = len(self.processes)
        result = self.finish(self.start())
        self.others = [self.finish(process) for process in self.processes[count + 1 :]]
        return result

    def start_another(self) -> None:
        """Run the same once more, at the same time."""
        self.start()

    def start(self) -> subprocess.Popen:
        command, cwd = self.command()
        process = subprocess.Popen(
            [*self.prefix, *command],
            cwd=cwd,
            env={**self.credentials(), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def command(self) -> tuple[list[str], Path]:
        raise NotImplementedError

    def finish(self, process: subprocess.Popen) -> Result:
        hangs = False
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            hangs = True
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
        return Result(process.returncode, said, self.succeeded(process) and not hangs, hangs)

    def succeeded(self, process: subprocess.Popen) -> bool:
        return process.returncode == 0

    def signal(self, number: int) -> None:
        """Send it to the program of the last run, or kill all of it, as the end of a pod does."""
        leader = self.processes[-1].pid
        if number == signal.SIGKILL:
            self.killed = self.ever_killed = True
            os.killpg(leader, number)
            return
        for each in Path("/proc").glob("[0-9]*"):
            try:
                command = (each / "cmdline").read_bytes().split(b"\0")
                if os.getpgid(int(each.name)) == leader and self.is_program(command):
                    os.kill(int(each.name), number)
            except (OSError, ValueError):
                continue

    def is_program(self, command: list[bytes]) -> bool:
        return len(command) > 1 and command[1].endswith(b"/stager.py")

    # ---- what it left

    def remember(self) -> None:
        """What the workspace is like before the run."""
        self.before = {path: content for path, content in self.files().items() if not path.startswith(".rucio-stage-")}

    def files(self) -> dict[str, bytes]:
        found = {}
        for folder, _, names in os.walk(self.workspace):
            for name in names:
                path = Path(folder, name)
                if stat.S_ISREG(path.lstat().st_mode):
                    found[str(path.relative_to(self.workspace))] = path.read_bytes()
        return found

    def targets(self) -> Iterator[tuple[str, dict[str, bytes]]]:
        """Each path that is staged, and what shall be there: {"": content} for a file."""
        for entry in self.downloads:
            content = self.content.get(f"{entry['scope']}:{entry['name']}", {})
            yield entry["path"], content if entry["type"] == "directory" else dict(zip([""], content.values()))

    def outputs(self) -> Iterator[tuple[str, bytes, str, str | None]]:
        """Each file that is to be uploaded: DID, content, RSE, DID of the dataset."""
        for entry in self.uploads:
            dataset = entry["name"] if entry["type"] == "directory" else entry.get("dataset")
            whole = f"{entry['scope']}:{entry['name']}"
            for name, content in self.content[whole].items():
                yield f"{entry['scope']}:{name}", content, entry["rse"], dataset and f"{entry['scope']}:{dataset}"

    def missing(self) -> list[str]:
        """What was asked for and is not there."""
        now, lacks = self.files(), []
        for path, wanted in self.targets():
            there = {
                name[len(path) :].lstrip("/"): now[name] for name in now if name == path or name.startswith(path + "/")
            }
            if there != wanted or not wanted:
                lacks.append(path)
        for did, content, rse, dataset in self.outputs():
            if not self._stored(did, content, rse):
                lacks.append(did)
            elif not self.root.call("list_did_rules", *(dataset or did).split(":")):
                lacks.append(f"rule of {dataset or did}")
            elif dataset and parts(did)["name"] not in self.names(dataset):
                lacks.append(f"{did} in {dataset}")
        return lacks

    def wrong(self, result: Result) -> list[str]:
        """What must never be: wrong or partial content at a path, an upload without its bytes, litter, secrets."""
        found = self._wrong_files() + self._wrong_uploads() + self.wrong_besides(result)
        for what, secret in (("password", self.credentials()["RUCIO_VRE_PASSWORD"]), ("key", "PRIVATE KEY")):
            if secret in result.said:
                found.append(f"a {what} is shown")
        return found

    def _wrong_files(self) -> list[str]:
        now, found = self.files(), []
        for path, wanted in self.targets():
            there = {name: now[name] for name in now if name == path or name.startswith(path + "/")}
            was = {name: self.before[name] for name in self.before if name == path or name.startswith(path + "/")}
            should = {f"{path}/{name}" if name else path: content for name, content in wanted.items()}
            if there and there not in (was, should):
                found.append(f"{path} is wrong: {sorted(there)}")
        for name in self.before.keys() - now.keys():
            found.append(f"{name} is gone")
        return found

    def _wrong_uploads(self) -> list[str]:
        found = []
        for did, content, rse, _ in self.outputs():
            if did in self.taken:
                continue
            try:
                self.root.call("get_metadata", *did.split(":"))
            except RucioError:
                continue
            if not self._stored(did, content, rse):
                found.append(f"{did} is registered without its bytes")
        return found

    def wrong_besides(self, result: Result) -> list[str]:
        return []

    def _stored(self, did: str, content: bytes, rse: str) -> bool:
        rows = self.root.call("list_replicas", [parts(did)], all_states=True)
        if not rows or rows[0]["bytes"] != len(content) or rows[0]["adler32"] != f"{zlib.adler32(content):08x}":
            return False
        if "AVAILABLE" not in rows[0]["states"].values():
            return False
        place = self.place(did, rse) if rse in STORAGES else self.server.rse_path(rse) / hashed(*did.split(":"))
        return place.is_file() and place.read_bytes() == content

    def names(self, dataset: str) -> list[str]:
        return [row["name"] for row in self.root.call("list_content", *dataset.split(":"))]

    def litter(self) -> list[Path]:
        """Credentials and programs of runs at this site, outside of the workspace."""
        found = []
        for pattern in (
            "/dev/shm/rucio-stage-*/rucio.cfg",
            "/var/tmp/rucio-stage-*/rucio.cfg",
            "/tmp/tmp.*/manifest.json",
        ):
            for path in Path("/").glob(pattern[1:]):
                try:
                    text = path.read_text(errors="replace")
                except OSError:
                    continue
                if self.id in text or any(url in text for url in (self.gate.url, self.server.url)):
                    found.append(path.parent)
        return found

    def close(self) -> None:
        """End what runs still, free what stalls, remove what a killed run left outside of the workspace."""
        self.gate.calm()
        self.storage.calm()
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        self.end_pod()

    def end_pod(self) -> None:
        """Remove what a killed run left outside of the workspace: in a pod it is gone with that."""
        for path in self.litter():
            shutil.rmtree(path, ignore_errors=True)
        self.killed = False


class Staging(Site):
    """The stager, as our compiled steps run it."""

    def receipt(self) -> str:
        return f"rucio-{self.action}.{self.instance['name']}.json"

    def manifest(self) -> dict:
        manifest = {
            "format": 1, "action": self.action, "instance": self.instance, "receipt": self.receipt(),
            "settings": self.settings,
        }  # fmt: skip
        for key in ("downloads", "uploads", "requires"):
            if getattr(self, key):
                manifest[key] = getattr(self, key)
        return manifest

    def texts(self) -> dict[str, str]:
        manifest = self.manifest()
        return {"stager.py": program([manifest]), "manifest.json": encode(manifest)}

    def wrong_besides(self, result: Result) -> list[str]:
        found, now = [], self.files()
        mine = [path for path, _ in self.targets()]
        strange = [
            name for name in now
            if name not in self.before and not self.expected(name)
            and not any(name == path or name.startswith(path + "/") for path in mine)
        ]  # fmt: skip
        if self.killed:  # nobody could tidy up; the next run does
            strange = [name for name in strange if not name.startswith(".rucio-stage-")]
        if strange:
            found.append(f"left in the workspace: {strange}")
        if not self.killed:
            found += [f"left behind: {path}" for path in self.litter()]
            found += [f"left in the workspace: {path.name}" for path in self.workspace.glob(".rucio-stage-*")]
        if result.hangs:
            found.append("hangs")
        if "Traceback" in result.said and result.code != 1:
            found.append("a traceback is shown")
        return found

    def expected(self, name: str) -> bool:
        """Whether a file of the workspace is what the engine or the stager leave by contract."""
        return name == self.receipt()


class Serial(Staging):
    """A command of a serial workflow: it runs in the workspace."""

    def command(self) -> tuple[list[str], Path]:
        text = script(self.texts(), 'python3 "$stage/stager.py" "$stage/manifest.json"')
        return ["/bin/bash", "-c", text], self.workspace


class Cwl(Staging):
    """A job of REANA's CWL engine, which copies what it left at the end, and takes that for its exit status."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.outdirs: dict[int, Path] = {}

    def command(self) -> tuple[list[str], Path]:
        home = self.workspace / "cwl" / "outdir" / "jobs"
        self.outdir = self.workspace / "cwl" / "tmpout" / str(len(self.processes))
        self.outdir.mkdir(parents=True)
        job: dict = {"name": "rucio-stage", "receipt": self.receipt()}
        words = []
        if self.action == "stage-out":
            job["uploads"] = {entry["path"]: [f"u{number}", False] for number, entry in enumerate(self.uploads)}
            for number, entry in enumerate(self.uploads):
                words += [f"--u{number}", str(self.workspace / entry["path"])]
        texts = {**self.texts(), "driver.py": DRIVER.read_text(), "job.json": encode(job)}
        run = shlex.join(
            [
                "/bin/bash",
                "-c",
                script(texts, 'python3 "$stage/driver.py" "$stage" "$@"', ["exec 3>&2 2>&1"]),
                "bash",
                *words,
            ]
        )
        command = f"mkdir -p {home} && cd {home} && {run} 2> {self.outdir}/log; cp -r {home}/* {self.outdir}"
        environment = f"umask 2;export TMPDIR={self.directory}/tmp;export HOME={home}"
        return ["/bin/sh", "-c", f"{environment}; {command}"], self.directory

    def start(self) -> subprocess.Popen:
        process = super().start()
        self.outdirs[process.pid] = self.outdir
        return process

    def succeeded(self, process: subprocess.Popen) -> bool:
        return process.returncode == 0 and (self.outdirs[process.pid] / self.receipt()).is_file()

    def expected(self, name: str) -> bool:
        allowed = ("log", "cwl.output.json", self.receipt())
        linked = self.ever_killed and name.startswith("cwl/outdir/jobs/.rucio-stage-")  # outputs, at no further cost
        return super().expected(name) or (name.startswith("cwl/") and os.path.basename(name) in allowed) or linked


class Plain(Site):
    """What people write by hand: `rucio download` or `rucio upload`; or with `legacy`, what these were before 36."""

    legacy = False

    def command(self) -> tuple[list[str], Path]:
        config = self.directory / "plain.cfg"
        lines = ["[client]", f"account = {self.account}", f"auth_token_file_path = {self.directory}/token"]
        lines += [f"{host} = {self.instance[host]}" for host in ("rucio_host", "auth_host") if host in self.instance]
        lines += [f"auth_type = {self.instance['auth_type']}", *self.plain_options()]
        config.write_text("\n".join(lines) + "\n")
        if not self.world.server.tls:
            self.environment.setdefault("RUCIO_CONFIG", str(config))
        elif (self.directory / "sidecar" / "rucio_cache" / "rucio.cfg").exists():
            self.mend_sidecar()
        return ["/bin/bash", "-c", " && ".join(map(shlex.join, self.words()))], self.workspace

    def mend_sidecar(self) -> None:
        """Let the sidecar's configuration name the authorities that it has: else no plain command works at all."""
        config = self.directory / "sidecar" / "rucio_cache" / "rucio.cfg"
        bundle = config.with_name("CERN-bundle.pem")
        lines = f"ca_cert = {bundle}\nauth_token_file_path = {self.directory}/token"  # not the token of another cell
        text = re.sub(r"(?m)^auth_token_file_path.*\n", "", config.read_text())
        config.write_text(re.sub(r"ca_cert = .*", lines, text))

    def times(self) -> list[str]:
        return [str(max(1, int(self.settings["timeout"])))]

    def plain_options(self) -> list[str]:
        if self.instance["auth_type"] == "x509_proxy":
            return []
        credentials = {**self.credentials(), **self.environment}
        return [
            f"username = {credentials.get('RUCIO_VRE_USERNAME', '')}",
            f"password = {credentials.get('RUCIO_VRE_PASSWORD', '')}",
        ]

    def words(self) -> Iterator[list[str]]:
        if self.uploads:
            for entry in self.uploads:
                yield self._upload_words(entry)
            return
        for entry in self.downloads:
            rses = ["--rses", entry["rse"]] if "rse" in entry else []
            yield [
                "rucio",
                "--timeout",
                *self.times(),
                "get" if self.legacy else "download",
                "--dir",
                _parent(entry),
                "--no-subdir",
                "--transfer-timeout",
                *self.times(),
                *rses,
                f"{entry['scope']}:{entry['name']}",
            ]

    def _upload_words(self, entry: dict) -> list[str]:
        words = ["rucio", *["--legacy"] * self.legacy, "--timeout", *self.times(), "upload"]
        words += ["--transfer-timeout", *self.times()]
        if self.account == "bob" and self.without_states:
            words.append("--register-after-upload")
        words += ["--rse", entry["rse"], "--scope", entry["scope"]]
        if "lifetime" in entry:
            words += ["--lifetime", str(entry["lifetime"])]
        if entry["type"] == "directory":
            here = self.workspace / entry["path"]
            files = (
                [f"{entry['path']}/{name}" for name in sorted(os.listdir(here))] if here.is_dir() else [entry["path"]]
            )
            return [*words, f"{entry['scope']}:{entry['name']}", *files]
        dataset = [f"{entry['scope']}:{entry['dataset']}"] if "dataset" in entry else []
        new = int(self.clients.split("-")[1].split(".")[0]) >= 36
        return [*words, "--lfn" if new and not self.legacy else "--name", entry["name"], *dataset, entry["path"]]

    def targets(self) -> Iterator[tuple[str, dict[str, bytes]]]:
        """The client keeps the names of files: the same in another place."""
        for entry, (_, wanted) in zip(self.downloads, super().targets()):
            if entry["type"] == "directory":
                yield _parent(entry), wanted
            else:
                yield f"{_parent(entry)}/{entry['name']}", wanted

    def is_program(self, command: list[bytes]) -> bool:
        return len(command) > 1 and command[1].endswith(b"/rucio")


def _parent(entry: dict) -> str:
    """The --dir of a download."""
    return entry["path"] if entry["type"] == "directory" else os.path.dirname(entry["path"]) or "."


def parts(did: str) -> dict[str, str]:
    scope, name = did.split(":")
    return {"scope": scope, "name": name}


def make_directory() -> Path:
    """A directory that any user may enter, which pytest's are not."""
    path = Path(tempfile.mkdtemp(prefix="reana-rucio-fault-"))
    path.chmod(0o755)
    (path / "tmp").mkdir()
    return path


def unavailable(reason: str) -> NoReturn:
    """Skip a test; in CI fail it, where a skip would hide what is missing."""
    if os.environ.get("REANA_RUCIO_TESTS_REQUIRE_ALL"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
