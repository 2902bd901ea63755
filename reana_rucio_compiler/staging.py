"""From a plan to staging jobs: which manifest each gets, and the text of the command that runs the stager on it.

The program and its manifest travel inside the command, as here-documents that anyone can read in the compiled
specification. Where the copies would pass the budget (REANA hands an engine the whole specification as one argument,
facts A.4), they move into files beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .digests import sha256
from .model import Instance, Plan, Transfer
from .tuples import NamedTuple

BUDGET = 64 * 1024  # bytes of programs and manifests in one specification
STAGER_FILE = "rucio-stager.py"
HEADER = "# Compiled by reana-rucio"  # the first words of every generated YAML file and Snakefile

_ADDRESS = (
    "rucio_host",
    "auth_host",
    "sidecar",
    "vo",
    "account",
    "auth_type",
    "proxy_file",
    "username_env",
    "password_env",
    "token_file",
)


class Job(NamedTuple):
    """One run of the stager: one pod, one instance.

    ``action`` is ``stage-in`` (``downloads``, after a check of ``uploads``), ``stage-check`` (the check alone) or
    ``stage-out`` (``uploads``, once every path in ``requires`` exists). Where ``wildcards`` are named, it is run with
    ``NAME=VALUE`` arguments, which replace ``{NAME}`` in the names and paths of the downloads and in the receipt.
    """

    action: str
    instance: Instance
    downloads: tuple[Transfer, ...] = ()
    uploads: tuple[Transfer, ...] = ()
    requires: tuple[str, ...] = ()
    label: str = ""
    wildcards: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tells this job from the others of its specification, such as ``rucio-stage-in.escape``."""
        return f"rucio-{self.action}.{self.instance.name}{'.' if self.label else ''}{self.label}"

    @property
    def receipt(self) -> str:
        """The name of the file that it writes last."""
        return self.name + "".join(f".{{{wildcard}}}" for wildcard in self.wildcards) + ".json"

    def manifest(self) -> dict[str, Any]:
        """What the stager is told: format 1, described in its own text."""
        manifest: dict[str, Any] = {
            "format": 1,
            "action": self.action,
            "instance": address(self.instance),
            "receipt": self.receipt,
        }
        if self.downloads:
            manifest["downloads"] = [_entry(transfer, ("rse", "first", "contents")) for transfer in self.downloads]
        if self.uploads:
            keys = ("rse", "dataset", "prefix", "lifetime", "if_exists")
            manifest["uploads"] = [_entry(transfer, keys) for transfer in self.uploads]
        if self.requires:
            manifest["requires"] = list(self.requires)
        return manifest


def address(instance: Instance) -> dict[str, str]:
    """The ``instance`` of a manifest: which server, and how to authenticate."""
    given = {key: getattr(instance, key) for key in _ADDRESS if getattr(instance, key)}
    return {"name": instance.name, **given}


def _entry(transfer: Transfer, keys: Iterable[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "scope": transfer.scope,
        "name": transfer.name,
        "type": transfer.type,
        "path": transfer.path,
    }
    entry.update((key, getattr(transfer, key)) for key in keys if getattr(transfer, key) is not None)
    lock = transfer.lock
    if lock and lock.files is not None:
        entry["lock"] = {"files": list(lock.files)}
    elif lock:
        entry["lock"] = {"length": lock.length, "bytes": lock.bytes, "digest": lock.digest}
    return entry


def stage_in_jobs(plan: Plan) -> tuple[Job, ...]:
    """One job for each instance, those that only check the outputs first: they are quick and tell early."""
    jobs = []
    for instance in plan.instances:
        downloads = tuple(each for each in plan.inputs if each.instance == instance.name)
        uploads = tuple(each for each in plan.outputs if each.instance == instance.name)
        jobs.append(Job("stage-in" if downloads else "stage-check", instance, downloads, uploads))
    return tuple(sorted(jobs, key=lambda job: bool(job.downloads)))


def stage_out_jobs(plan: Plan) -> tuple[Job, ...]:
    """One job for each instance that something goes to; each requires the outputs of all of them."""
    everything = tuple(each.path + "/" * (each.type == "directory") for each in plan.outputs)
    jobs = []
    for instance in plan.instances:
        uploads = tuple(each for each in plan.outputs if each.instance == instance.name)
        if uploads:
            jobs.append(Job("stage-out", instance, (), uploads, tuple(sorted(set(everything)))))
    return tuple(jobs)


class Embedding(NamedTuple):
    """How the jobs of a specification carry their program and manifests.

    ``files`` are the side files by name, to be written beside the specification and listed in ``inputs.files``;
    ``program`` is the stager, as these jobs need it; ``root`` in ``command`` is the way from the job's current
    directory to the workspace.
    """

    files: Mapping[str, str]
    program: str
    prefix: str = ""

    def command(self, job: Job, root: str = "") -> str:
        """The shell command of a job: bash, several lines, harmless in any engine once its `$` or braces are doubled.

        A job with wildcards expects their ``NAME=VALUE`` as the positional parameters of the shell.
        """
        side = {"stager.py": self.program_file(), "manifest.json": self.manifest_file(job)}
        fetched = [_fetch(name, file, self.files[file], root) for name, file in side.items() if file]
        here = {name: text for name, text in self.texts(job).items() if not side[name]}
        run = 'python3 "$stage/stager.py" "$stage/manifest.json"' + (' "$@"' if job.wildcards else "")
        return script(here, run, fetched)

    def texts(self, job: Job) -> dict[str, str]:
        """What the stager's command needs, by file name: the program and the manifest of the job."""
        return {"stager.py": self.program, "manifest.json": encode(job.manifest())}

    def program_file(self) -> str | None:
        """The name of the side file that holds the stager, where it is not in the commands."""
        name = self.prefix + STAGER_FILE
        return name if name in self.files else None

    def manifest_file(self, job: Job) -> str | None:
        """The name of the side file that holds the manifest of a job, where it is not in its command."""
        name = _manifest_file(job, self.prefix)
        return name if name in self.files else None


def script(texts: Mapping[str, str], run: str, first: Iterable[str] = ()) -> str:
    """A shell command that writes the texts to files in a private directory, ``$stage``, and runs a program on them.

    ``first`` are commands that come before. The exit status is that of ``run``.
    """
    lines = ["{", "stage=`TMPDIR=/tmp mktemp -d` || exit 3", *first]
    for name, text in texts.items():
        end = "END_OF_" + name.partition(".")[0].upper()
        lines += [f"cat > \"$stage/{name}\" <<'{end}'", text.rstrip("\n"), end]
    lines += [
        "command -v python3 >/dev/null || { echo 'reana-rucio: error: this image has no python3;"
        " choose an environment with rucio-clients' >&2; exit 3; }",
        "status=0",
        f"{run} || status=$?",
        'rm -rf "$stage"',
        "exit $status",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _fetch(name: str, file: str, text: str, root: str) -> str:
    """The command that puts a side file, if nobody changed it, at ``$stage/name``."""
    return (
        f'test -f "{root}{file}" && cp "{root}{file}" "$stage/{name}" &&'
        f' echo "{sha256(text)}  $stage/{name}" | sha256sum --check --status ||'
        f" {{ echo 'reana-rucio: error: {file} in the workspace is missing or was changed;"
        " compile again and upload it' >&2; exit 2; }"
    )


def _manifest_file(job: Job, prefix: str) -> str:
    return f"{prefix}{job.name}.manifest.json"


def embed(jobs: Iterable[Job], prefix: str = "", overhead: int = 0, program_apart: bool = False) -> Embedding:
    """Decide what of the program and the manifests stays in the commands, within the budget of a specification.

    One copy in each command while all fit; else, or with ``program_apart``, one file for the program; else files for
    the largest manifests too. ``overhead`` is what a command holds beyond the two, in bytes.
    """
    told = {_manifest_file(job, prefix): job.manifest() for job in jobs}
    manifests = {name: encode(manifest) for name, manifest in told.items()}
    text = program(told.values())
    total = sum(len(text) + overhead for text in manifests.values())
    if total + len(manifests) * len(text) <= BUDGET and not program_apart:
        return Embedding({}, text, prefix)
    files = {prefix + STAGER_FILE: text}
    for name in sorted(manifests, key=lambda name: (-len(manifests[name]), name)):
        if total <= BUDGET:
            break
        files[name] = manifests[name]
        total -= len(manifests[name])
    return Embedding(dict(sorted(files.items())), text, prefix)


def program(manifests: Iterable[Mapping[str, Any]]) -> str:
    """The text of the stager, without the sections that none of these manifests needs: an input needs no uploads."""
    needed = {"stage-in": False, "stage-out": False, "outputs": False}
    for manifest in manifests:
        needed["stage-in"] |= "downloads" in manifest
        needed["stage-out"] |= manifest["action"] == "stage-out"
        needed["outputs"] |= "uploads" in manifest
    text = Path(__file__).with_name("stager.py").read_text(encoding="ascii")
    for name, keep in needed.items():
        if not keep:
            start = text.index(f"# --- {name} only\n")
            text = text[:start] + text[text.index("# --- ", start + 1) :]
    return text


# What some engine would take for its own syntax. All of it can only stand inside the strings of a manifest.
_ESCAPED = (
    ("$", "\\u0024"),
    ("rucio(", "rucio\\u0028"),
    ("'''", "\\u0027" * 3),
    ("/tmp/", "/tmp\\u002f"),
    ("/var/lib/cwl/", "/var/lib/cwl\\u002f"),
)


def encode(manifest: Mapping[str, Any]) -> str:
    """A manifest as ASCII JSON, an entry a line, in which no engine and no shell finds anything of its own."""
    parts = []
    for key, value in manifest.items():
        lines = "[\n  " + ",\n  ".join(map(_line, value)) + "\n ]" if isinstance(value, list) else json.dumps(value)
        parts.append(f" {json.dumps(key)}: {lines}")
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    for special, escaped in _ESCAPED:
        text = text.replace(special, escaped)
    return text


def _line(entry: Any) -> str:
    """An entry of a manifest on a line; each file of a locked dataset on one of its own, so that diffs tell it."""
    files = entry.get("lock", {}).get("files", ()) if isinstance(entry, dict) else ()
    if len(files) < 2:
        return json.dumps(entry)
    head = json.dumps({key: value for key, value in entry.items() if key != "lock"})
    lines = ",\n   ".join(map(json.dumps, files))
    return f'{head[:-1]}, "lock": {{"files": [\n   {lines}]}}}}'


def unique(name: str, taken: Iterable[str], separator: str = "-") -> str:
    """The name, or the name with the first number that makes it one that is not taken."""
    others = taken if isinstance(taken, (set, frozenset, dict)) else set(taken)
    if name not in others:
        return name
    numbered = (f"{name}{separator}{number}" for number in range(2, len(others) + 3))
    return next(each for each in numbered if each not in others)


def is_ours(text: str) -> bool:
    """Whether a file was written by us, so that it may be written again: by how it begins."""
    if HEADER in text[:200] or '"""Move data between Rucio and a REANA' in text[:200]:
        return True
    return text.startswith("{") and bool(re.match(r'\{\s*"format": 1,\s*"action": "stage-', text))
