"""Stage in on this machine: the stager that the jobs run, with the credentials of this user."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname
from typing import Any

from .backends.snakemake.wildcards import wildcards
from .catalogue import EXTRA
from .credentials import Credentials, find_credentials, remedy_here
from .model import Plan, Transfer
from .staging import Job

SECRET = 3  # of the stager's exit codes: a credential, or its client, is missing
SETTINGS = {"attempts": 4, "backoff": 2, "timeout": 600, "threads": 4, "keep": 1}  # as in a manifest; times in seconds

_DONE = re.compile(r"(\d+)/(\d+) (.*)")
_NO_CLIENT = re.compile(r"no Python here has the client; .*")
_NO_LIBRARY = re.compile(r"use an image with (gfal2 and xrootd), such as .*")


@dataclass(frozen=True)
class Fetch:
    """One run of the stager: what it fetches from an instance, and with which credentials."""

    job: Job
    credentials: Credentials

    def manifest(self, settings: Mapping[str, float]) -> dict[str, Any]:
        """What the stager is told."""
        return {**self.job.manifest(), "instance": dict(self.credentials.instance), "settings": dict(settings)}


def plan_fetches(plan: Plan, values: Mapping[str, str] = {}) -> tuple[tuple[Fetch, ...], tuple[Transfer, ...]]:
    """One for each instance, and the inputs that have to be left out: ``values`` lack what only Snakemake knows.

    Raises ``credentials.Missing``.
    """
    inputs = [_known(transfer, values) for transfer in plan.inputs]
    left_out = tuple(each for each in inputs if wildcards(each.name) or wildcards(each.path))
    fetches = []
    for instance in plan.instances:
        mine = tuple(each for each in inputs if each.instance == instance.name and each not in left_out)
        if mine:
            fetches.append(Fetch(Job("stage-in", instance, mine), find_credentials(instance)))
    return tuple(fetches), left_out


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
    wanted: Fetch, into: Path, show: Callable[[str], None], settings: Mapping[str, float] = SETTINGS
) -> tuple[int, str]:
    """Run the stager in a directory; its exit code, and what it says at the end of an error.

    ``show`` gets its lines as they come. A signal to this process is the stager's, too: what it has is kept, and the
    next run goes on from there.
    """
    with tempfile.TemporaryDirectory() as private, tempfile.TemporaryFile("w+") as errors:
        manifest = Path(private, "manifest.json")
        manifest.write_text(json.dumps(wanted.manifest(settings)), encoding="utf-8")
        process = subprocess.Popen(  # noqa: S603 - a program of ours
            [sys.executable, str(Path(__file__).with_name("stager.py").absolute()), str(manifest)],
            cwd=into,
            env=dict(wanted.credentials.environment),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        with process, _signals_to(process):
            for line in process.stdout or ():
                show(line.rstrip("\n"))
        errors.seek(0)
        said = here(errors.read())
    code = process.returncode
    return (code if code >= 0 else 128 - code), said


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


def bar(line: str, width: int) -> str | None:
    """A progress bar for a line of the stager's that tells of one more file; None for another."""
    found = _DONE.fullmatch(line)
    if found is None:
        return None
    done, total = int(found.group(1)), int(found.group(2))
    filled = 20 * done // max(total, 1)
    return f"[{'#' * filled}{'-' * (20 - filled)}] {done}/{total} {found.group(3)}"[: max(width - 1, 10)]
