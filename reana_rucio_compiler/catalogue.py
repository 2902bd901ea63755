"""What Rucio says of the DIDs of a plan. All that talks to Rucio when nothing is moved is here and in inquiry.py.

Each instance is asked by a process of its own, as the client takes its hosts from one configuration file per process
(facts/rucio.md section 9); they run side by side, and each asks in bulk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from .credentials import Credentials, Missing, find_credentials, remedy_here
from .model import Instance

SETTINGS = {"attempts": 4, "backoff": 1, "timeout": 60}  # as in a manifest: seconds
EXTRA = "reana-rucio[rucio]"
NO_CLIENT, SECRET = 0, 3  # of the codes with which an inquiry fails


@dataclass(frozen=True)
class Question:
    """A DID, or a wildcard, of an instance, that is staged as one ``"file"`` or as the files of a ``"directory"``.

    ``pattern`` is a regular expression for the names of files where Snakemake fills in wildcards; ``name`` is then the
    same with ``*`` for them. ``first`` is the number of files that are taken, in order of name. ``rse`` restricts the
    copies that count. ``locked`` are the files, as in a lock, that are staged whatever the collection holds today.
    """

    instance: str
    scope: str
    name: str
    type: str
    first: int | None = None
    pattern: str | None = None
    rse: str | None = None
    locked: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Upload:
    """An output of an instance, as in the manifest of a job."""

    instance: str
    scope: str
    name: str
    type: str
    path: str
    rse: str
    dataset: str | None = None
    prefix: str | None = None
    if_exists: str = "skip"


@dataclass(frozen=True)
class Content:
    """What stands behind a question: ``type`` is ``file``, ``dataset``, ``container`` or ``wildcard``.

    ``files`` are those that a job would stage, in its order (by name), as lines ``scope:name bytes checksum``, where
    Rucio has ``adler32:…``, else ``md5:…``, else ``-``. ``open`` and ``monotonic`` are of collections.

    Where replicas are asked for, ``unavailable`` are the files of which none can be read, with what there is, ``tape``
    those of which there is none on disk, and ``bad_rse`` says why the RSE expression is none.
    """

    type: str
    files: tuple[str, ...]
    open: bool | None = None
    monotonic: bool | None = None
    unavailable: tuple[str, ...] = ()
    tape: tuple[str, ...] = ()
    bad_rse: str = ""


@dataclass(frozen=True)
class Problem:
    """Why a question has no answer: ``kind`` is ``missing``, ``kind`` (it is a ``type``) or ``content``."""

    kind: str
    type: str = ""
    text: str = ""


@dataclass(frozen=True)
class Troubles:
    """Why a job would refuse an upload: pairs of a kind and what the job would say; none where it would not.

    A kind is ``rse``, ``unwritable``, ``quota``, ``scope``, ``taken`` or ``impossible``.
    """

    found: tuple[tuple[str, str], ...]


Answer = Union[Content, Problem]
Asked = Union[Question, Upload]
Failure = tuple[int, str]  # the code of an inquiry that failed, and why
Progress = Callable[[int, int], None]  # how many of how many questions and uploads are answered


class Unanswered(Exception):
    """Rucio, or one of several, did not answer; the message has a line for each."""


class NoClient(Exception):
    """No Python here has the Rucio client."""


@dataclass(frozen=True)
class Answers:
    """What Rucio says: of each question, and of each upload."""

    questions: Mapping[Question, Answer]
    uploads: Mapping[Upload, Troubles]


def ask(
    questions: Iterable[Question],
    instances: Mapping[str, Instance],
    *,
    uploads: Iterable[Upload] = (),
    replicas: bool = False,
    progress: Progress = lambda done, total: None,
    say: Callable[[str], None] = lambda text: None,
    settings: Mapping[str, float] | None = None,
) -> Answers:
    """The answers, each asked for once. ``say`` is told of waits and further attempts.

    Raises ``Unanswered``, ``NoClient``, and ``credentials.Missing``: before anything is asked where there are none, and
    afterwards where a server does not take them.
    """
    everything: list[Asked] = [*dict.fromkeys(questions), *dict.fromkeys(uploads)]
    groups = {name: [each for each in everything if each.instance == name] for name in sorted(instances)}
    groups = {name: group for name, group in groups.items() if group}
    credentials = {name: find_credentials(instances[name]) for name in groups}
    settings = settings or SETTINGS
    inquiries = [_Inquiry(name, credentials[name], group, replicas, settings, say) for name, group in groups.items()]

    def heard() -> None:
        progress(sum(len(each.questions) + len(each.uploads) for each in inquiries), len(everything))

    with ThreadPoolExecutor(max(1, len(inquiries))) as pool:
        try:
            failures = [each for each in pool.map(lambda inquiry: inquiry.run(heard), inquiries) if each]
        except BaseException:
            for inquiry in inquiries:
                inquiry.stop()
            raise
    if failures:
        refused = any(code == SECRET for code, _ in failures)
        raise (Missing if refused else Unanswered)("\n".join(text for _, text in failures))
    return Answers(
        {question: answer for inquiry in inquiries for question, answer in inquiry.questions.items()},
        {upload: troubles for inquiry in inquiries for upload, troubles in inquiry.uploads.items()},
    )


class _Inquiry:
    """What one instance is asked, and the process that asks it."""

    def __init__(
        self,
        name: str,
        credentials: Credentials,
        asked: Sequence[Asked],
        replicas: bool,
        settings: Mapping[str, float],
        say: Callable[[str], None],
    ) -> None:
        self.name, self.credentials, self.asked, self.say = name, credentials, asked, say
        self.replicas, self.settings = replicas, settings
        self.questions: dict[Question, Answer] = {}
        self.uploads: dict[Upload, Troubles] = {}
        self.process: subprocess.Popen[str] | None = None

    def run(self, heard: Callable[[], None]) -> Failure | None:
        """Ask; what has gone wrong, if something has. ``heard`` is called after each answer."""
        request = {
            "instance": self.credentials.instance,
            "settings": self.settings,
            "questions": [_told(each) for each in self.asked if isinstance(each, Question)],
            "uploads": [_told(each) for each in self.asked if isinstance(each, Upload)],
            "replicas": self.replicas,
        }
        with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+", errors="replace") as errors:
            json.dump(request, given)
            given.seek(0)
            command = [sys.executable, str(Path(__file__).with_name("inquiry.py"))]
            with subprocess.Popen(  # noqa: S603 - a program of ours
                command,
                env=dict(self.credentials.environment),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as process:
                self.process = process
                failure = self._listen(process, heard)
            code = process.returncode
            errors.seek(0)
            trouble = errors.read().strip()
        if failure or (code == 0 and len(self.questions) + len(self.uploads) == len(self.asked)):
            return failure
        last = trouble.splitlines()[-1] if trouble else f"exit status {code}"
        return 1, f"{self.name}: the client ended without an answer: {last}"

    def _listen(self, process: subprocess.Popen[str], heard: Callable[[], None]) -> Failure | None:
        for line in process.stdout or ():
            said = json.loads(line)
            if "say" in said:
                self.say(f"{self.name}: {said['say']}")
            elif "failed" in said:
                if said["failed"] == NO_CLIENT:
                    raise NoClient(f'no Python here has the Rucio client; pip install "{EXTRA}"')
                return said["failed"], f"{self.name}: {remedy_here(said['text'])}"
            else:
                asked = self.asked[said["number"]]
                if isinstance(asked, Question):
                    self.questions[asked] = _answer(said)
                else:
                    self.uploads[asked] = Troubles(tuple((kind, text) for kind, text in said["troubles"]))
                heard()
        return None

    def stop(self) -> None:
        """End the process, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.terminate()


def _told(asked: Asked) -> dict[str, Any]:
    return {key: value for key, value in vars(asked).items() if value is not None and key != "instance"}


def _answer(said: Mapping[str, Any]) -> Answer:
    if "problem" in said:
        return Problem(said["problem"], said.get("is", ""), said.get("text", ""))
    trouble = tuple(said.get("unavailable", ())), tuple(said.get("tape", ())), said.get("bad_rse", "")
    return Content(said["is"], tuple(said["files"]), said.get("open"), said.get("monotonic"), *trouble)
