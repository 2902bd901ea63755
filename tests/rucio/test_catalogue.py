"""What Rucio says of DIDs, asked of real servers, by the newest client always and by the oldest, too."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from reana_rucio_compiler.catalogue import Content, NoClient, Problem, Question, Unanswered, ask
from reana_rucio_compiler.credentials import Missing
from reana_rucio_compiler.model import Instance
from tests.environments import needs
from tests.faults.troubled import Gate
from tests.rucio.server import Server
from tests.rucio.stager_job import CLIENTS, Job, download, put, seen

QUICK = {"attempts": 2, "backoff": 0.05, "timeout": 30}


@pytest.fixture(params=[CLIENTS, pytest.param("clients-1.30.0", marks=pytest.mark.slow)])
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose only Rucio client is in PATH, and nothing else of Rucio's."""
    for name in ("RUCIO_CONFIG", "RUCIO_HOME", "VIRTUAL_ENV", "RUCIO_ACCOUNT", "X509_USER_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{needs(request.param).parent}:/usr/bin:/bin")


@pytest.fixture
def server(here: None, rucio_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The http server, which the user's rucio.cfg is for."""
    monkeypatch.setenv("RUCIO_CONFIG", str(rucio_server.config("alice")))
    return rucio_server


@pytest.fixture
def name(unique_name: Callable[[str], str]) -> str:
    return unique_name("data")


def _ask(server: Server, *questions: Question) -> list[Content | Problem]:
    answers = ask(questions, {"vre": Instance("vre", server.url, server.url)}, settings=QUICK).questions
    return [answers[question] for question in questions]


def _of(name: str, kind: str = "file", **options: object) -> Question:
    return Question("vre", "user.alice", name, kind, **options)


def _names(answer: Content | Problem) -> list[str]:
    assert isinstance(answer, Content), answer
    return [line.split(" ")[0].split(":")[1] for line in answer.files]


def test_files_and_datasets_with_their_sizes_and_checksums(server: Server, name: str, tmp_path: Path) -> None:
    put(server, tmp_path, f"user.alice:{name}.1", b"one", dataset=f"user.alice:{name}")
    put(server, tmp_path, f"user.alice:{name}.2", b"twice", dataset=f"user.alice:{name}")
    one, two = (
        f"user.alice:{name}.{number} {len(content)} adler32:{zlib.adler32(content):08x}"
        for number, content in (("1", b"one"), ("2", b"twice"))
    )
    file, dataset, first = _ask(server, _of(f"{name}.1"), _of(name, "directory"), _of(name, "directory", first=1))
    assert file == Content("file", (one,))
    assert dataset == Content("dataset", (one, two), open=True, monotonic=False)
    assert first == Content("dataset", (one,), open=True, monotonic=False)
    server.client().call("close", "user.alice", name)
    assert _ask(server, _of(name, "directory")) == [Content("dataset", (one, two), open=False, monotonic=False)]


def test_a_container_of_containers_has_each_file_once(server: Server, name: str, tmp_path: Path) -> None:
    client = server.client()
    for number, dataset in (("2", "a"), ("1", "a"), ("3", "b")):
        put(server, tmp_path, f"user.alice:{name}.{number}", b"x", dataset=f"user.alice:{name}.{dataset}")
    client.call("attach_dids", "user.alice", f"{name}.b", [{"scope": "user.alice", "name": f"{name}.1"}])
    for box, inside in (("inner", ["a", "b"]), ("outer", ["inner", "a"])):
        if box == "outer":  # a container holds datasets, or containers
            inside = ["inner"]
        client.call("add_container", "user.alice", f"{name}.{box}")
        dids = [{"scope": "user.alice", "name": f"{name}.{each}"} for each in inside]
        client.call("attach_dids", "user.alice", f"{name}.{box}", dids)
    (answer,) = _ask(server, _of(f"{name}.outer", "directory"))
    assert _names(answer) == [f"{name}.{number}" for number in "123"]
    assert answer.type == "container"


def test_wildcards(server: Server, name: str, tmp_path: Path) -> None:
    for end in ("a.1", "a.2", "b.1", "b.x"):
        put(server, tmp_path, f"user.alice:{name}.{end}", b"x")
    put(server, tmp_path, f"user.alice:other-{name}", b"x", dataset=f"user.alice:{name}.ds")
    star, none, pattern = _ask(
        server,
        _of(f"{name}*", "directory"),
        _of(f"{name}?*", "directory"),
        _of(f"{name}.*", "file", pattern=rf"{name}\.(.+)\.(\d)"),
    )
    assert star.type == "wildcard"
    assert _names(star) == [f"{name}.{end}" for end in ("a.1", "a.2", "b.1", "b.x")] + [f"other-{name}"]
    assert none.kind == "missing"
    assert _names(pattern) == [f"{name}.{end}" for end in ("a.1", "a.2", "b.1")]


def test_each_did_has_a_problem_of_its_own(server: Server, name: str, tmp_path: Path) -> None:
    client = server.client()
    put(server, tmp_path, f"user.alice:{name}", b"x", dataset=f"user.alice:{name}.ds")
    client.call("add_dataset", "user.alice", f"{name}.empty")
    for scope in ("user.alice", "test"):
        put(server, tmp_path, f"{scope}:{name}.twin", b"x", dataset=f"user.alice:{name}.twins")
    missing, kind, other, empty, twins, none, pattern, good = _ask(
        server,
        _of(f"{name}.no"),
        _of(f"{name}.ds"),
        _of(name, "directory"),
        _of(f"{name}.empty", "directory"),
        _of(f"{name}.twins", "directory"),
        _of(f"{name}.no", "directory"),
        _of(f"{name}.no*", "file", pattern=rf"{name}\.no.+"),
        _of(name),
    )
    assert missing == none == pattern == Problem("missing")
    assert kind == Problem("kind", "dataset")
    assert other == Problem("kind", "file")
    assert empty == Problem("content", text=f"user.alice:{name}.empty: has no files; is it filled, and spelt right?")
    assert twins.kind == "content"
    assert "cannot be in one directory" in twins.text
    assert _names(good) == [name]


def test_only_a_file_without_adler32_has_md5(server: Server, name: str) -> None:
    digest = hashlib.md5(b"x").hexdigest()
    rows = [
        {"scope": "user.alice", "name": f"{name}.{kind}", "bytes": 1, **checksums}
        for kind, checksums in {
            "md5": {"md5": digest},
            "none": {},
            "both": {"md5": digest, "adler32": "00790079"},
        }.items()
    ]
    server.client().call("add_replicas", "SITE1_SCRATCHDISK", rows)
    server.client().call("add_dataset", "user.alice", name, files=rows)
    answers = _ask(server, _of(name, "directory"), *(_of(row["name"]) for row in rows))
    checksums = {"md5": f"md5:{digest}", "none": "-", "both": "adler32:00790079"}
    assert [line.split(" ")[2] for line in answers[0].files] == [checksums[kind] for kind in ("both", "md5", "none")]
    assert [answer.files[0].split(" ")[2] for answer in answers[1:]] == list(checksums.values())


def test_it_is_what_a_job_stages_and_in_its_order(server: Server, name: str, tmp_path: Path) -> None:
    for end in ("b", "a", "Z", "_"):
        put(server, tmp_path, f"user.alice:{name}.{end}", b"x", dataset=f"user.alice:{name}.ds")
    put(server, tmp_path, f"test:{name}.a0", b"x", dataset=f"user.alice:{name}.ds")
    result = Job(tmp_path, server).stage_in(download(f"user.alice:{name}.ds", "d", "directory", first=4))
    (answer,) = _ask(server, _of(f"{name}.ds", "directory", first=4))
    assert [row["did"] for row in result.receipt["files"]] == [line.split(" ")[0] for line in answer.files]


def test_many_are_asked_in_few_requests(server: Server, name: str) -> None:
    client = server.client()
    rows = [{"scope": "user.alice", "name": f"{name}.{n:04}", "bytes": n, "adler32": f"{n:08x}"} for n in range(1200)]
    for start in range(0, 1200, 400):
        client.call("add_replicas", "SITE1_SCRATCHDISK", rows[start : start + 400])
    for number in range(3):
        client.call("add_dataset", "user.alice", f"{name}.ds{number}", files=rows[number * 400 : number * 400 + 400])
    questions = [*(_of(row["name"]) for row in rows), *(_of(f"{name}.ds{number}", "directory") for number in range(3))]
    progress: list[tuple[int, int]] = []
    server.clear_requests()
    instances = {"vre": Instance("vre", server.url, server.url)}
    answers = ask(questions, instances, settings=QUICK, progress=lambda *now: progress.append(now)).questions
    assert sum(len(answer.files) for answer in answers.values()) == 2400
    assert progress == [(number, 1203) for number in range(1, 1204)]
    assert len(seen(server, "POST /dids")) <= 3, "two for metadata, one for the contents"


def test_two_servers_are_asked_side_by_side(
    server: Server, second_rucio_server: Server, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(server, tmp_path, f"user.alice:{name}", b"here")
    put(second_rucio_server, tmp_path, f"group.other:{name}", b"elsewhere", "OTHER2_DISK")
    other = Instance(
        "other", second_rucio_server.url, second_rucio_server.url, account="alice", auth_type="userpass",
        username_env="OTHER_NAME", password_env="OTHER_PASSWORD",
    )  # fmt: skip
    monkeypatch.setenv("OTHER_NAME", "alice")
    monkeypatch.setenv("OTHER_PASSWORD", "alicepw2")
    there, elsewhere = _of(name), Question("other", "group.other", name, "file")
    wrong = Question("other", "user.alice", name, "file")
    answers = ask(
        [there, elsewhere, wrong], {"vre": Instance("vre", server.url, server.url), "other": other}, settings=QUICK
    ).questions
    assert [answers[each].files[0].split(" ")[1] for each in (there, elsewhere)] == ["4", "9"]
    assert answers[wrong] == Problem("missing")


def test_a_server_that_does_not_answer(server: Server, tmp_path: Path) -> None:
    said: list[str] = []
    instances = {
        name: Instance(
            name, "http://127.0.0.1:9", "http://127.0.0.1:9", account="x", auth_type="userpass",
            username_env="RUCIO_A", password_env="RUCIO_B",
        )
        for name in ("a", "b")
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUCIO_A", "a")
        patch.setenv("RUCIO_B", "very-secret")
        with pytest.raises(Unanswered) as raised:
            ask([Question(name, "s", "n", "file") for name in instances], instances, settings=QUICK, say=said.append)
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["a", "b"]
    assert all("is it up, and reachable from here?" in line for line in lines)
    assert [line.split(": ")[1] for line in said] == ["again in 0.05 s"] * 2
    assert "very-secret" not in str(raised.value) + str(said)


def test_a_wrong_password(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "rucio.cfg"
    config.write_text(server.config("alice").read_text().replace("alicepw", "guess"))
    monkeypatch.setenv("RUCIO_CONFIG", str(config))
    with pytest.raises(Missing, match="do account, credentials and vo fit together"):
        _ask(server, _of("x"))


def test_an_expired_proxy(here: None, jdoe: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X509_USER_PROXY", str(jdoe.expired_proxy))
    monkeypatch.setenv("RUCIO_ACCOUNT", "alice")
    with pytest.raises(Missing) as raised:
        ask([Question("vre", "s", "n", "file")], {"vre": Instance("vre", jdoe.url, jdoe.url)}, settings=QUICK)
    assert "has expired on" in str(raised.value)
    assert str(raised.value).endswith("; voms-proxy-init")


def test_a_certificate_of_an_authority_that_is_not_known_here(
    here: None, jdoe: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X509_USER_PROXY", str(jdoe.proxy))
    monkeypatch.setenv("RUCIO_ACCOUNT", "alice")
    monkeypatch.delenv("X509_CERT_DIR", raising=False)
    question, instances = Question("vre", "s", "n", "file"), {"vre": Instance("vre", jdoe.url, jdoe.url)}
    with pytest.raises(Missing) as raised:
        ask([question], instances, settings=QUICK)
    assert "CERTIFICATE_VERIFY_FAILED" in str(raised.value)
    assert "; export X509_CERT_DIR=..., a directory of .pem files, or one, with" in str(raised.value)
    for place in (jdoe.ca_cert, jdoe.ca_cert.parent):
        monkeypatch.setenv("X509_CERT_DIR", str(place))
        assert ask([question], instances, settings=QUICK).questions[question] == Problem("missing")


@pytest.mark.parametrize(
    ("path", "status", "body", "says"),
    [
        ("POST /dids/.*", 404, b"no such page", "http status code: 404"),
        ("POST /dids/.*", 200, b"[1, 2]\n", "TypeError: "),
        (
            "POST /dids/.*",
            400,
            b'{"ExceptionClass": "InvalidObject", "ExceptionMessage": "\\u001b[2J https://me:alicepw@a.example/b?sig=alicepw"}',
            "?[2J https://***@a.example/b?***",
        ),
        ("POST /replicas/list", 200, b'{"scope": "user.alice", "name": "x", "rses": 5}\n', "AttributeError: "),
    ],
)
def test_an_answer_that_nobody_expects_is_said(
    server: Server,
    name: str,
    tmp_path: Path,
    path: str,
    status: int,
    body: bytes,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(server, tmp_path, f"user.alice:{name}", b"x")
    gate = Gate(server.url.partition("://")[2])
    gate.on(path, lambda handler: (handler.reply(status, body, {"Content-Type": "application/x-json-stream"}), True)[1])
    config = tmp_path / "rucio.cfg"
    config.write_text(server.config("alice").read_text().replace(server.url, gate.url))
    monkeypatch.setenv("RUCIO_CONFIG", str(config))
    try:
        with pytest.raises(Unanswered) as raised:
            ask([_of(name)], {"vre": Instance("vre", gate.url, gate.url)}, settings=QUICK, replicas=True)
    finally:
        gate.shutdown()
        gate.server_close()
    assert str(raised.value).startswith("vre: ")
    assert says in str(raised.value)
    assert "alicepw" not in str(raised.value)
    assert str(raised.value).isprintable()


def test_no_client(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(NoClient, match=r'pip install "reana-rucio\[rucio\]"'):
        _ask(server, _of("x"))
