"""Stage in on this machine: the stager that the jobs run, with the credentials of this user."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname
from typing import Any

from .backends.snakemake.wildcards import wildcards
from .catalogue import EXTRA
from .credentials import Credentials, find_credentials, remedy_here
from .model import Plan, Transfer
from .overview.facts import human
from .staging import Job

SECRET = 3  # of the stager's exit codes: a credential, or its client, is missing
SETTINGS = {"attempts": 4, "backoff": 2, "timeout": 600, "threads": 4, "keep": 1}  # as in a manifest; times in seconds

_UNITS = ("B", "kB", "MB", "GB", "TB")  # of human() in stager.py
_TOTAL = re.compile(rf"(\d+) files to fetch, ([\d.e+]+ (?:{'|'.join(_UNITS)}))")
_DONE = re.compile(r"(\d+)/(\d+) (.*)")
_NO_CLIENT = re.compile(r"rucio: no Python here has the client; .*")
_NO_LIBRARY = re.compile(r"use an image with (gfal2 and xrootd), such as .*")


@dataclass(frozen=True)
class Fetch:
    """One run of the stager: what it fetches from an instance, and with which credentials."""

    job: Job
    credentials: Credentials

    def manifest(self, settings: Mapping[str, float]) -> dict[str, Any]:
        """What the stager is told."""
        return {**self.job.manifest(), "instance": dict(self.credentials.instance), "settings": dict(settings)}


@dataclass(frozen=True)
class Fetched:
    """How a run of the stager ended: its exit code, and what it said at the end of an error.

    ``kept`` is the directory with what has arrived of it, from which the next run goes on, None where nothing has;
    ``others`` are those that fetches of something else from this instance have left.
    """

    code: int
    errors: str
    kept: Path | None
    others: tuple[Path, ...]


def plan_fetches(plan: Plan, values: Mapping[str, str] = {}) -> tuple[tuple[Fetch, ...], tuple[Transfer, ...]]:
    """One for each instance, and the inputs that have to be left out: ``values`` lack what only Snakemake knows.

    Raises ``credentials.Missing``.
    """
    inputs = [_known(transfer, values) for transfer in plan.inputs]
    left_out = tuple(each for each in inputs if unknown(each))
    fetches = []
    for instance in plan.instances:
        mine = tuple(each for each in inputs if each.instance == instance.name and each not in left_out)
        if mine:
            fetches.append(Fetch(Job("stage-in", instance, mine), find_credentials(instance)))
    return tuple(fetches), left_out


def unknown(transfer: Transfer) -> tuple[str, ...]:
    """The wildcards of a transfer that have no value yet."""
    return tuple(dict.fromkeys([*wildcards(transfer.name), *wildcards(transfer.path)]))


def _known(transfer: Transfer, values: Mapping[str, str]) -> Transfer:
    """The transfer with values for wildcards; one that stages the files of a dataset one by one stages them all."""
    own = set(wildcards(transfer.path)) - set(wildcards(transfer.name))
    if transfer.type == "directory" and own and not own & set(values):
        transfer = transfer._replace(path=dirname(transfer.path))
    for name in wildcards(transfer.path):
        if name in values:
            said = re.compile(r"\{\s*" + name + r"\b(?:[^{}]|\{[^{}]*\})*\}")
            value = values[name].replace("\\", r"\\")
            transfer = transfer._replace(path=said.sub(value, transfer.path), name=said.sub(value, transfer.name))
    if transfer.type == "directory" and own & set(values):
        return transfer._replace(type="member")
    return transfer


def fetch(
    wanted: Fetch,
    into: Path,
    show: Callable[[str], None],
    arriving: Callable[[int], None] | None = None,
    settings: Mapping[str, float] = SETTINGS,
) -> Fetched:
    """Run the stager in a directory.

    ``show`` gets its lines as they come, and ``arriving``, each second, how many bytes have arrived. A signal to this
    process is the stager's, too: what it has is kept, and the next run goes on from there.
    """
    text = json.dumps(wanted.manifest(settings))
    work = f".rucio-stage-{wanted.job.instance.name}-"
    mine = into / (work + hashlib.sha256(text.encode()).hexdigest()[:12])  # as load() in stager.py names it
    with tempfile.TemporaryDirectory() as private, tempfile.TemporaryFile("w+", errors="replace") as errors:
        manifest = Path(private, "manifest.json")
        manifest.write_text(text, encoding="utf-8")
        process = subprocess.Popen(  # noqa: S603 - a program of ours
            [sys.executable, str(Path(__file__).with_name("stager.py").absolute()), str(manifest)],
            cwd=into,
            env=dict(wanted.credentials.environment),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
        )
        with process, _signals_to(process), _watching(mine, arriving):
            for line in process.stdout or ():
                show(line.rstrip("\n"))
        errors.seek(0)
        said = here(errors.read())
    code = process.returncode
    if code < 0:
        said += f"reana-rucio: error: the stager was ended by signal {-code}; run it again\n"
    others = tuple(sorted(path for path in into.glob(work + "[0-9a-f]" * 12) if path != mine))
    return Fetched(code if code >= 0 else 128 - code, said, mine if _holds_files(mine) else None, others)


def _holds_files(directory: Path) -> bool:
    """Whether there is a file in a directory, of which what is empty goes."""
    for place, _, names in os.walk(directory, topdown=False):
        if names:
            return True
        with contextlib.suppress(OSError):
            os.rmdir(place)
    return False


def here(text: str) -> str:
    """What the stager says, with remedies for this machine in place of those for a job."""
    text = _NO_CLIENT.sub(f'no Python here has the Rucio client; pip install "{EXTRA}"', remedy_here(text))
    return _NO_LIBRARY.sub(r"\1 come from conda-forge, or from the system's packages", text)


@contextlib.contextmanager
def _signals_to(process: subprocess.Popen[str]) -> Iterator[None]:
    """While it lasts, the process gets our SIGINT and SIGTERM, and we wait for it."""
    before = {
        number: signal.signal(number, lambda number, _: process.send_signal(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _watching(directory: Path, arriving: Callable[[int], None] | None) -> Iterator[None]:
    """While it lasts, tell each second how much has come to a directory."""
    if arriving is None:
        yield
        return
    end, before = threading.Event(), _size(directory)

    def watch() -> None:
        while not end.wait(1):
            arriving(max(_size(directory) - before, 0))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _size(directory: Path) -> int:
    total = 0
    for place, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):  # it has been moved
                total += os.lstat(os.path.join(place, name)).st_size
    return total


class Bar:
    """A progress bar of at most a width: by the stager's lines, and by what is arriving between them."""

    def __init__(self, width: int) -> None:
        self.width, self.done, self.files = max(width - 1, 10), 0, 0
        self.bytes, self.size = 0.0, ""  # of all files, as the stager tells it

    def line(self, line: str) -> str | None:
        """What is drawn for a line that tells of one more file; None for another, which is shown as it is."""
        total, one = _TOTAL.fullmatch(line), _DONE.fullmatch(line)
        if total:
            self.files, self.size = int(total.group(1)), total.group(2)
            value, unit = self.size.split(" ")
            self.bytes = float(value) * 1000 ** _UNITS.index(unit)
        if one is None:
            return None
        self.done, self.files = int(one.group(1)), int(one.group(2))
        return self._drawn(self.done / max(self.files, 1), one.group(3))

    def arriving(self, count: int) -> str | None:
        """What is drawn when so many bytes have arrived; None before it is known how many there will be."""
        if not self.bytes:
            return None
        share = max(count / self.bytes, self.done / self.files)
        return self._drawn(min(share, 1.0), f"{human(count)} of {self.size}")

    def _drawn(self, share: float, text: str) -> str:
        filled = int(20 * share)
        return f"[{'#' * filled}{'-' * (20 - filled)}] {self.done}/{self.files} {text}"[: self.width]
