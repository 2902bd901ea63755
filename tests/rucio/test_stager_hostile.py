"""What the stager does with a server that lies, a workspace full of links, and a manifest that somebody changed.

The server is the real one behind a gate that alters some of its answers. Whatever they say, nothing is written outside of
the paths of the manifest, and no failure is called our own: exit 1 is for that.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reana_rucio_compiler import stager
from tests.environments import needs
from tests.faults.troubled import Gate, Handler
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, Job, Result, download, put, upload


def some(number: int, values: Iterable[object]) -> list[object]:
    """Parameters of a test: the first few on every run, the others if slow."""
    marks = pytest.mark.slow
    return [value if index < number else pytest.param(value, marks=marks) for index, value in enumerate(values)]


class Seen(Gate):
    """A gate, or a server on its own, that remembers the headers of each request."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.headers: list[tuple[str, dict[str, str]]] = []

    def answer(self, handler: Handler) -> None:
        self.headers.append((handler.path, {name.lower(): value for name, value in handler.headers.items()}))
        super().answer(handler)


@pytest.fixture
def gate(rucio_server: Server) -> Iterator[Seen]:
    gate = Seen(rucio_server.url.partition("://")[2])
    yield gate
    gate.shutdown()
    gate.server_close()


@pytest.fixture
def job(rucio_server: Server, gate: Seen, tmp_path: Path) -> Job:
    job = Job(tmp_path, rucio_server)
    job.instance.update(rucio_host=gate.url, auth_host=gate.url)
    job.settings.update(attempts=1, timeout=10)
    return job


@pytest.fixture
def dataset(rucio_server: Server, tmp_path: Path, unique_name: Callable[[str], str]) -> str:
    name = unique_name("hostile")
    for number in (1, 2):
        put(rucio_server, tmp_path, f"user.alice:{name}.{number}", b"%d" % number, dataset=f"user.alice:{name}")
    return f"user.alice:{name}"


def rows(change: Callable[[dict[str, Any]], None]) -> Callable[[Handler], object]:
    """Change each object of an answer."""

    def act(handler: Handler) -> object:
        gate = handler.server
        assert isinstance(gate, Gate)
        status, body, headers = gate.forward(handler)
        found = [json.loads(line) for line in body.decode().splitlines()]
        for row in found:
            change(row)
        handler.reply(status, "".join(json.dumps(row) + "\n" for row in found).encode(), headers)
        return True

    return act


def texts(old: bytes, new: bytes) -> Callable[[Handler], object]:
    """Replace a text in an answer."""

    def act(handler: Handler) -> object:
        gate = handler.server
        assert isinstance(gate, Gate)
        status, body, headers = gate.forward(handler)
        assert old in body, body
        handler.reply(status, body.replace(old, new), headers)
        return True

    return act


def outside(job: Job) -> set[str]:
    """All files around the workspace."""
    return {
        str(path.relative_to(job.directory))
        for path in job.directory.rglob("*")
        if path.is_file() and job.workspace not in path.parents and path.name not in ("manifest.json", "source")
    }


def refused(job: Job, result: Result, code: int, *words: str) -> None:
    assert result.code == code, result
    for word in words:
        assert word in result.last, result
    assert job.files() == {}, "nothing was staged"


# ---- a server that lies


@pytest.mark.parametrize(
    "name",
    some(
        3,
        [
            "../../../../escaped",
            "a\x1b[2Jb",
            "\ud800",
            "/../../escaped",
            "a/../../../../../escaped",
            "..",
            "a\nb",
            "a b",
            "\x85",
        ],
    ),
)
def test_names_of_files_that_lead_out_of_the_workspace(name: str, job: Job, gate: Seen, dataset: str) -> None:
    gate.on("GET /dids/.*/files", rows(lambda row: row.update(name=name)))
    before = outside(job)
    result = job.stage_in(download(dataset, "data/d", "directory"))
    refused(job, result, 4, "makes no sense")
    assert outside(job) == before
    assert "\x1b" not in result.out + result.err


@pytest.mark.parametrize("scope", some(2, ["/etc", "..", "../..", "a/b", "", "a:b"]))
def test_scopes_that_lead_out_of_the_workspace(scope: str, job: Job, gate: Seen, dataset: str) -> None:
    gate.on("GET /dids/.*/files", rows(lambda row: row.update(scope=scope)))
    refused(job, job.stage_in(download(dataset, "data/d", "directory")), 4, "makes no sense")


def test_sources_of_files_that_nobody_asked_for(job: Job, gate: Seen, dataset: str) -> None:
    """The client puts a file where the list of sources says."""
    name = dataset.partition(":")[2]
    asked, other = f"user.alice:{name}.1", f"user.alice:../../../{name}.1"
    gate.on("POST /replicas/list", texts(f">{asked}<".encode(), f">{other}<".encode()))
    before = outside(job)
    refused(job, job.stage_in(download(dataset, "data/d", "directory")), 4, "makes no sense", "sources of")
    assert outside(job) == before


@pytest.mark.parametrize(
    "change",
    some(3, [{"bytes": -1}, {"adler32": "../../x"}, {"md5": ["x"]}, {"bytes": None}, {"bytes": "1"}, {"bytes": 10**30},
             {"bytes": 1e400}, {"bytes": True}, {"adler32": "%s"}, {"adler32": 1}, {"md5": "zz"}]),
    ids=str,
)  # fmt: skip
def test_metadata_that_cannot_be(change: dict[str, Any], job: Job, gate: Seen, dataset: str) -> None:
    gate.on("POST /dids/bulkmeta", rows(lambda row: row.update(change)))
    refused(job, job.stage_in(download(f"{dataset}.1", "f")), 4, "makes no sense")


@pytest.mark.parametrize("size", some(1, [10**17, 10**15]))
def test_a_size_that_is_huge(size: int, job: Job, gate: Seen, dataset: str) -> None:
    gate.on("POST /dids/bulkmeta", rows(lambda row: row.update(bytes=size)))
    refused(job, job.stage_in(download(f"{dataset}.1", "f")), 6, "is not what was registered")


@pytest.mark.parametrize("field", some(1, ["name", "bytes", "did_type", "scope", "adler32"]))
def test_metadata_that_lacks_something(field: str, job: Job, gate: Seen, dataset: str) -> None:
    gate.on("POST /dids/bulkmeta", rows(lambda row: row.pop(field)))
    refused(job, job.stage_in(download(f"{dataset}.1", "f")), 4, "makes no sense")


HTML = b"<html><body>Please <a href='https://login.example.org/?token=abc'>log in</a></body></html>"
JSON_STREAM = {"Content-Type": "application/x-json-stream"}


@pytest.mark.parametrize(
    "request_", ["GET /dids/.*/files", "GET /dids/[^/]+/[^/]+$", "POST /dids/bulkmeta", "POST /replicas/list"]
)
@pytest.mark.parametrize(
    "answer",
    some(1, [(HTML, {"Content-Type": "text/html"}), (HTML, JSON_STREAM), (b"[[[[", JSON_STREAM), (b"5\n", JSON_STREAM),
             (b'"x"\n', JSON_STREAM), (b"null\n", JSON_STREAM), (b"\xff\xfe\n", JSON_STREAM)]),
    ids=["html", "html-as-json", "half", "number", "string", "null", "not-utf8"],
)  # fmt: skip
def test_answers_that_are_no_answers(
    request_: str, answer: tuple[bytes, dict[str, str]], job: Job, gate: Seen, dataset: str
) -> None:
    gate.on(request_, lambda handler: handler.reply(200, *answer) or True)
    result = job.stage_in(download(dataset, "data/d", "directory"))
    assert result.code in (4, 5), result
    assert job.files() == {}


@pytest.mark.parametrize("place", ["/whoami", "/accounts/whoami", "POST /dids/bulkmeta"])
def test_no_password_and_no_token_goes_where_a_server_redirects_to(
    place: str, job: Job, gate: Seen, dataset: str
) -> None:
    other = Seen(gate.target)
    try:
        there = other.url.replace("127.0.0.1", "localhost")
        pattern = place if " " in place else f"GET .*{place}"
        gate.on(pattern, lambda handler: handler.reply(307, b"", {"Location": there + handler.path}) or True)
        gate.on(
            "GET /auth/userpass", lambda handler: handler.reply(307, b"", {"Location": there + handler.path}) or True, 1
        )
        result = job.stage_in(download(f"{dataset}.1", "f"))
        assert result.code in (3, 4), result
        assert other.headers, "it was asked"
        for path, headers in other.headers:
            assert not [name for name in headers if name.startswith("x-rucio-")], (path, headers)
    finally:
        other.shutdown()
        other.server_close()


# ---- answers without an end


def endless(block: bytes, pause: float = 0) -> Callable[[Handler], object]:
    """An answer that goes on until the client hangs up."""

    def act(handler: Handler) -> object:
        handler.read_body()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-json-stream")
        handler.end_headers()
        handler.close_connection = True
        while True:  # a reset connection ends it (Handler.handle)
            handler.wfile.write(block)
            time.sleep(pause)

    return act


ROW = b'{"scope": "user.alice", "name": "x", "bytes": 1, "adler32": "1", "type": "FILE"}\n'
# What is sent, how fast, for how many seconds the stager would wait for more, and how it puts it.
ENDLESS = {
    "rows": (ROW * 1000, 0, 60, "does not end"), "one line": (b"x" * 65536, 0, 1, ""),
    "drops": (b" ", 0.3, 1, "too slow"),
}  # fmt: skip


@pytest.mark.parametrize("clients", some(1, [CLIENTS, "clients-1.30.0"]))
@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize("request_", some(1, ["POST /dids/bulkmeta", "GET /$", "POST /replicas/list"]))
def test_answers_that_do_not_end(request_: str, what: str, clients: str, job: Job, gate: Seen, dataset: str) -> None:
    """They are given up, because of their length or because of the time that they take."""
    job.python = str(needs(clients))
    block, pause, job.settings["timeout"], why = ENDLESS[what]
    if what == "drops":
        job.settings["attempts"] = 4  # what is slow on a busy machine, and ends, is asked for again
    gate.on(request_, endless(block, pause))
    started = time.time()
    refused(job, job.stage_in(download(f"{dataset}.1", "f")), 4, why)
    assert time.time() - started < 60


# ---- links in the workspace

LINKED = {
    "target": ("data/f", 2), "parent": ("data", 2), "work directory": (".rucio-stage-vre-{mark}", 2),
    "receipt": ("rucio-stage-in.vre.json", 2),
    "part": (".rucio-stage-vre-{mark}/get", 0), "scope": (".rucio-stage-vre-{mark}/get/user.alice", 0),
    "file": (".rucio-stage-vre-{mark}/get/user.alice/{name}.1", 0), "sources": (".rucio-stage-vre-{mark}/sources", 0),
    "draft of the receipt": (".rucio-stage-vre-{mark}/receipt", 0), "new": (".rucio-stage-vre-{mark}/new", 0),
    "old": (".rucio-stage-vre-{mark}/old", 0),
}  # fmt: skip


@pytest.mark.parametrize("what", LINKED)
@pytest.mark.parametrize("to", some(1, ["directory", "file", "nothing"]))
def test_links_that_lead_out_of_the_workspace(what: str, to: str, job: Job, dataset: str, tmp_path: Path) -> None:
    """They are refused where the user may mean them, and removed from the directory that is the stager's own."""
    precious = tmp_path / "precious"
    (precious / "sub").mkdir(parents=True)
    (precious / "sub" / "keep").write_text("keep")
    (precious / "authorized_keys").write_text("mine")
    entry = download(f"{dataset}.1", "data/f")
    manifest = job.manifest("stage-in", downloads=[entry])
    mark = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()[:12]
    place, code = LINKED[what]
    link = job.workspace / place.format(mark=mark, name=dataset.partition(":")[2])
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(precious / {"directory": "sub", "file": "authorized_keys", "nothing": "new"}[to])
    before = outside(job)
    result = job.finish(job.start(manifest), "no receipt")
    assert result.code == code, result
    assert outside(job) == before, "nothing was made outside"
    assert (precious / "authorized_keys").read_text() == "mine"
    assert (precious / "sub" / "keep").read_text() == "keep"
    if code == 0:
        assert (job.workspace / "data/f").read_bytes() == b"1"


@pytest.mark.parametrize("what", ["output", "parent", "in a directory"])
def test_links_are_not_uploaded(what: str, job: Job, tmp_path: Path, unique_name: Callable[[str], str]) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private/key").write_text("private")
    (job.workspace / "results").mkdir()
    name = unique_name("link")
    if what == "output":
        (job.workspace / "results/key").symlink_to(tmp_path / "private/key")
        entry = upload(f"user.alice:{name}", "results/key")
    elif what == "parent":
        (job.workspace / "results/d").symlink_to(tmp_path / "private")
        entry = upload(f"user.alice:{name}", "results/d/key")
    else:
        (job.workspace / "results/key").symlink_to(tmp_path / "private/key")
        entry = upload(f"user.alice:{name}", "results", kind="directory", prefix=name)
    result = job.stage_out(entry)
    assert result.code == 9, result
    assert not job.server.client().call("list_dids", "user.alice", {"name": f"{name}*"}, did_type="all")


# ---- things in the workspace that are no files


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero: it never ends
    except PermissionError:
        pytest.skip("only root makes devices")


ODD = {  # where, exit code; 0: it is replaced, or removed
    "target": ("data/f", 0), "target, a directory": ("data/d", 2), "parent": ("data", 2),
    "in a staged directory": ("data/d/x", 6), "receipt": ("rucio-stage-in.vre.json", 0),
    "work directory": (".rucio-stage-vre-{mark}", 2),
    "sources": (".rucio-stage-vre-{mark}/sources", 0), "part": (".rucio-stage-vre-{mark}/get", 0),
    "file": (".rucio-stage-vre-{mark}/get/user.alice/{name}.1", 0),
    "draft of the receipt": (".rucio-stage-vre-{mark}/receipt", 0), "another's work": (".rucio-stage-vre-0123456789ab", 0),
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("make", some(1, [fifo, device]), ids=lambda make: make.__name__)
def test_what_is_no_file(what: str, make: Callable[[Path], None], job: Job, dataset: str) -> None:
    """A pipe that nobody fills, or a device that has no end, stops no job: it is refused, removed or replaced."""
    entries = [download(f"{dataset}.1", "data/f"), download(dataset, "data/d", "directory")]
    manifest = job.manifest("stage-in", downloads=entries)
    mark = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()[:12]
    place, code = ODD[what]
    path = job.workspace / place.format(mark=mark, name=dataset.partition(":")[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path)
    result = job.finish(job.start(manifest), "no receipt")
    assert result.code == code, result
    assert "Traceback" not in result.err
    if code == 0:
        assert (job.workspace / "data/f").read_bytes() == b"1"


@pytest.mark.parametrize("where", ["output", "in a directory", "requires"])
def test_what_is_no_file_is_not_uploaded(where: str, job: Job, unique_name: Callable[[str], str]) -> None:
    name = unique_name("pipe")
    (job.workspace / "results").mkdir()
    job.write("results/good", "x")
    os.mkfifo(job.workspace / "results/pipe")
    if where == "output":
        result = job.stage_out(upload(f"user.alice:{name}", "results/pipe"))
    elif where == "in a directory":
        result = job.stage_out(upload(f"user.alice:{name}", "results", kind="directory"))
    else:
        result = job.stage_out(upload(f"user.alice:{name}", "results/good"), requires=["results/pipe"])
    assert result.code == 9, result


def test_a_parent_that_becomes_a_file(job: Job, gate: Seen, dataset: str) -> None:
    """While the file is fetched; a job that runs beside ours may do that."""

    def act(handler: Handler) -> None:
        (job.workspace / "data").write_text("mine")

    gate.on("POST /replicas/list", act, 1)
    result = job.finish(
        job.start(job.manifest("stage-in", downloads=[download(f"{dataset}.1", "data/f")])), "no receipt"
    )
    assert result.code == 2, result
    assert job.files() == {"data": b"mine"}
    job.assert_clean()


def test_who_waits_for_another_removes_nothing_of_it(job: Job, dataset: str) -> None:
    """Stopped while it waits, a job leaves the work directory to the process that is at work in it."""
    manifest = job.manifest("stage-in", downloads=[download(f"{dataset}.1", "f")])
    mark = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()[:12]
    work = job.workspace / f".rucio-stage-vre-{mark}"
    work.mkdir()
    (work / "precious").write_text("x")
    folder = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        process = job.start(manifest)
        assert process.stdout is not None
        assert "waiting for it" in process.stdout.readline()
        process.terminate()
        result = job.finish(process, "no receipt")
    finally:
        os.close(folder)
    assert result.code == 143, result
    assert (work / "precious").exists()


# ---- names that are one


def test_names_that_are_kept_at_one_place(job: Job, dataset: str, gate: Seen) -> None:
    """With a leading slash and without they are two in Rucio, and one where the client puts them."""
    name = dataset.partition(":")[2]
    gate.on("POST /dids/bulkmeta", two_names(f"{name}.1", f"/{name}.1"))
    result = job.stage_in(download(f"{dataset}.1", "a"), download(f"user.alice:/{name}.1", "b"))
    refused(job, result, 2, "is, or is inside of")


def two_names(old: str, new: str) -> Callable[[Handler], object]:
    """Answer about a second name as about the first."""

    def act(handler: Handler) -> object:
        gate = handler.server
        assert isinstance(gate, Gate)
        handler.body = json.dumps({"dids": [{"scope": "user.alice", "name": old}]}).encode()
        status, body, headers = gate.forward(handler)
        row = json.loads(body)
        handler.reply(status, (json.dumps(row) + "\n" + json.dumps({**row, "name": new}) + "\n").encode(), headers)
        return True

    return act


@pytest.fixture
def ignoring_case(tmp_path: Path) -> Iterator[Path]:
    """A directory on a file system that ignores case, as those of macOS and Windows do: exFAT, where one can be mounted."""
    image, place = tmp_path / "image", tmp_path / "exfat"
    place.mkdir()
    tools = ["mkfs.exfat", "losetup", "mount.exfat-fuse", "umount"]
    if os.getuid() or not all(shutil.which(tool, path=SBIN) for tool in tools):
        pytest.skip("needs root, exfatprogs and exfat-fuse")
    image.touch()
    os.truncate(image, 16 << 20)
    subprocess.run(["mkfs.exfat", str(image)], check=True, stdout=subprocess.DEVNULL)
    found = subprocess.run(["losetup", "-f", "--show", str(image)], check=False, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("no loop devices here")
    device = found.stdout.strip()
    try:
        if subprocess.run(["mount.exfat-fuse", device, str(place)], check=False, capture_output=True).returncode:
            pytest.skip("FUSE cannot mount here")
        try:
            yield place
        finally:
            subprocess.run(["umount", str(place)], check=True)
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


SBIN = f"{os.defpath}:/usr/local/sbin:/usr/sbin:/sbin"


@pytest.mark.parametrize("how", ["in a dataset", "at two paths", "in two directories", "alone"])
def test_names_that_differ_in_case(
    how: str, job: Job, rucio_server: Server, tmp_path: Path, unique_name: Callable[[str], str], ignoring_case: Path
) -> None:
    """On a file system that ignores case they are refused before anything is fetched, and one of them is fine."""
    name = unique_name("case")
    for each, content in ((f"{name}.a", b"1"), (f"{name}.A", b"2")):
        put(rucio_server, tmp_path, f"user.alice:{each}", content, dataset=f"user.alice:{name}")
    job.workspace = ignoring_case / "workspace"
    job.workspace.mkdir()
    entries = {
        "in a dataset": [download(f"user.alice:{name}", "data", "directory")],
        "at two paths": [download(f"user.alice:{name}.a", "f"), download(f"user.alice:{name}.x", "F")],
        "in two directories": [download(f"user.alice:{name}.a", "x/f"), download(f"user.alice:{name}.A", "y/f")],
        "alone": [download(f"user.alice:{name}.A", "Data/F")],
    }[how]
    if how == "at two paths":
        put(rucio_server, tmp_path, f"user.alice:{name}.x", b"3")
    result = job.stage_in(*entries)
    if how == "alone":
        assert result.code == 0, result
        assert job.files() == {"Data/F": b"2"}
    else:
        refused(job, result, 2, "is, or is inside of")


# ---- a manifest that was changed

BAD = [
    "", "[", "[" * 100_000, '{"a":' * 100_000, "null", "[]", '"x"', "5", "NaN", "1" * 5000, "\ud800", '{"format": 1}',
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_manifest_that_is_none(text: str, job: Job) -> None:
    (job.directory / "manifest.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    process = subprocess.run(
        [job.python, str(job.stager), str(job.directory / "manifest.json")],
        cwd=job.workspace, env=job.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert process.returncode == 2, process
    assert process.stderr.startswith("reana-rucio: error: ")
    assert os.listdir(job.workspace) == []


WHOLE = {
    "format": 1, "action": "stage-in", "receipt": "r.json",
    "instance": {
        "name": "vre", "rucio_host": "http://127.0.0.1:9", "auth_host": "http://127.0.0.1:9", "sidecar": "escape", "vo": "def",
        "account": "alice", "auth_type": "userpass", "proxy_file": "x509up", "username_env": "A_NAME", "password_env": "A_WORD",
        "token_file": "token",
    },
    "downloads": [{
        "scope": "user.alice", "name": "n", "type": "file", "path": "p", "rse": "X", "first": 1, "contents": "locked",
        "lock": {"files": ["user.alice:n 1 -"], "length": 1, "bytes": 1, "digest": "sha256:x"},
    }],
    "uploads": [{
        "scope": "user.alice", "name": "u", "type": "file", "path": "q", "rse": "X", "dataset": "d", "prefix": "p", "lifetime": 1,
        "if_exists": "skip",
    }],
    "requires": ["q"], "settings": {"attempts": 1, "backoff": 0, "timeout": 1, "threads": 1, "keep": 1},
}  # fmt: skip
WRONG = [None, True, [], {}, "", -1, 1.5, 10**400, float("nan"), "\0", "a\nb", [None], {"a": 1}, [[]], "\ud800"]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a manifest."""
    yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(each, (*path, key))


def changed(path: tuple[Any, ...], new: object) -> Any:
    """A copy of the manifest with something else there."""
    copy = json.loads(json.dumps(WHOLE))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return copy


def allowed(path: tuple[Any, ...], wrong: object) -> bool:
    """What does no harm: nothing to do, and a number with a fraction where it may have one."""
    return (
        (wrong == [] and path[-1] in ("downloads", "uploads", "requires", "files"))
        or (wrong == 1.5 and path[-1] in ("bytes", "backoff", "timeout"))
        or (wrong == {} and path[-1] in ("lock", "settings"))
    )


@pytest.mark.parametrize("path", list(places(WHOLE))[1:], ids=lambda path: ".".join(map(str, path)))
def test_each_field_is_what_it_may_be(path: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other type, and an unknown field beside it, is refused by its name, with exit 2."""
    monkeypatch.chdir(tmp_path)
    for wrong in WRONG:
        Path("manifest").write_text(json.dumps(changed(path, wrong)))
        if allowed(path, wrong):
            stager.load("manifest")
            continue
        with pytest.raises(stager.Error) as caught:
            stager.load("manifest")
        assert caught.value.code == stager.USAGE, (path, wrong)
        named = [str(key) for key in path if isinstance(key, str)]
        assert any(key in str(caught.value) for key in named), (str(caught.value), wrong)
    if isinstance(path[-1], str):
        Path("manifest").write_text(json.dumps(changed((*path[:-1], "unknown"), 1)))
        with pytest.raises(stager.Error, match="unknown"):
            stager.load("manifest")
    assert os.listdir() == ["manifest"]


HOSTILE_FIELDS = [
    ("scope", "/etc"), ("scope", ".."), ("scope", "a/b"), ("scope", "a\x85b"), ("name", "\ud800"), ("name", "a/../b"),
    ("path", "\ud800"), ("path", "a/\x9b"), ("path", "x/../../y"), ("path", "./x"), ("path", "-"), ("rse", "a\nb"),
]  # fmt: skip


@pytest.mark.parametrize("change", some(3, HOSTILE_FIELDS))
def test_fields_that_a_compiler_would_not_write(change: tuple[str, str], job: Job, gate: Seen, dataset: str) -> None:
    field, value = change
    entry = {**download(f"{dataset}.1", "f"), field: value}
    result = job.stage_in(entry)
    if (field, value) == ("path", "-"):
        assert result.code == 0, "a dash begins no option here"
    else:
        refused(job, result, 2, f"downloads[0].{field}")
        assert gate.headers == [], "found without the server"


HOSTS = [
    "https://user:hunter2@rucio.example.org", "https://hunter2@rucio.example.org", "http://localhost:x@example.org",
    "http://127.0.0.1:80@example.org/", "https://a\\@example.org", "https:///x", "http://localhost.example.org",
    "file:///etc/passwd", "https://", "http://[::1]@example.org",
]  # fmt: skip


@pytest.mark.parametrize("host", some(3, HOSTS))
@pytest.mark.parametrize("by", ["manifest", "sidecar"])
def test_hosts_that_are_not_what_they_seem(host: str, by: str, job: Job) -> None:
    if by == "manifest":
        job.instance["rucio_host"] = host
    else:
        job.by_sidecar(rucio_host=host)
        (job.directory / "sidecar/vomsproxy_cache").mkdir(exist_ok=True, parents=True)
    result = job.run("stage-check")
    assert result.code == (2 if by == "manifest" else 3), result
    assert "hunter2" not in result.out + result.err
