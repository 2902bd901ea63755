"""The lock beside a specification: what its DIDs held when they were locked, and what a plan becomes by it.

``reana.yaml`` has ``reana.rucio-lock.json``. Its form is described in schemas/lock.json; one file is one line, and
nothing in it depends on the day or the machine, so that a diff of two locks is what has changed in Rucio.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import rules
from .diagnostics import Report
from .digests import sha256
from .model import Locked, Plan, Transfer
from .source import Source, Span

FORMAT = 1
MOST_FILES = 10_000  # that are listed; of more there are number, bytes and digest
MOST_BYTES = 100 << 20  # of a lock: what is made of a larger one REANA 0.95 would not take

Key = tuple[str, str, "int | None"]  # instance, DID as the specification writes it, `first`
Lock = Mapping[Key, Locked]

_LINE = r"[^\s:\x00-\x1f\x7f]+:[^\s:\x00-\x1f\x7f]+ [0-9]{1,18} (?:(?:adler32|md5):[0-9a-fA-F]+|-)"
_TYPES = ("file", "dataset", "container", "wildcard")


def lock_path(spec: Path) -> Path:
    """Where the lock of a specification stands: ``reana.rucio-lock.json`` for ``reana.yaml``."""
    return spec.with_name(f"{spec.stem}.rucio-lock.json")


def key_of(transfer: Transfer) -> Key:
    """What a lock finds a transfer by."""
    return (transfer.instance, transfer.did, transfer.first)


def locked(kind: str, lines: Iterable[str], open_: bool | None = None, monotonic: bool | None = None) -> Locked:
    """A lock of the files that the lines say."""
    files = tuple(sorted(lines))
    total = sum(int(line.split(" ")[1]) for line in files)
    listed = files if len(files) <= MOST_FILES else None
    return Locked(kind, len(files), total, digest(files), listed, open_, monotonic)


def digest(lines: Iterable[str]) -> str:
    """The SHA-256 of sorted lines, each with its line break."""
    return "sha256:" + sha256("".join(line + "\n" for line in sorted(lines)))


def render(lock: Lock) -> str:
    """The text of a lock, sorted by instance and DID."""
    entries = [_entry(key, lock[key]) for key in sorted(lock, key=_order)]
    body = "[\n" + ",\n".join(entries) + "\n ]" if entries else "[]"
    return f'{{\n "format": {FORMAT},\n "dids": {body}\n}}\n'


def _order(key: Key) -> tuple[str, str, int]:
    return (key[0], key[1], key[2] or 0)


def _entry(key: Key, entry: Locked) -> str:
    instance, did, first = key
    head: dict[str, Any] = {"instance": instance, "did": did, "type": entry.type}
    if entry.type == "file" and entry.files:
        _, size, checksum = entry.files[0].split(" ")
        return "  " + json.dumps({**head, "bytes": int(size), "checksum": checksum})
    optional = {"first": first, "open": entry.open, "monotonic": entry.monotonic}
    head.update((name, value) for name, value in optional.items() if value is not None)
    text = json.dumps({**head, "length": entry.length, "bytes": entry.bytes, "digest": entry.digest})
    if entry.files is None:
        return "  " + text
    lines = ",\n".join("   " + json.dumps(line) for line in entry.files)
    return f'  {text[:-1]}, "files": [\n{lines}\n  ]}}'


def read_lock(path: Path, report: Report) -> Lock | None:
    """The lock at a path, or None where there is none, or none that can be used; the report then says why."""
    try:
        problem = _unreadable(path)
        text = "" if problem else path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror or "it is no file" if isinstance(error, OSError) else "it is not UTF-8"
    if problem:
        report.add(rules.BAD_LOCK, Span(Source(str(path), ""), 0, 0), f"this lock cannot be read: {problem}", _AGAIN)
        return None
    source = Source(str(path), text)
    try:
        return _parse(text)
    except _Bad as error:
        report.add(rules.BAD_LOCK, Span(source, error.start, error.end), error.message, error.hint)
        return None


def _unreadable(path: Path) -> str:
    """Why what stands at a path is not even read; an empty string where it is. A pipe or a device may have no end."""
    size = path.stat().st_size
    if not path.is_file():
        return "it is a directory" if path.is_dir() else "it is no file"
    return f"it has {size >> 20} MiB, and a lock has at most {MOST_BYTES >> 20}" if size > MOST_BYTES else ""


_AGAIN = "take it from version control, or make it again with reana-rucio lock"


class _Bad(Exception):
    """A text is no lock: why, and where."""

    def __init__(self, message: str, start: int = 0, end: int | None = None, hint: str = _AGAIN) -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.hint = message, start, start if end is None else end, hint


def _parse(text: str) -> Lock:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise _Bad(f"this lock is not JSON: {error.msg}", min(error.pos, len(text))) from None
    except RecursionError:
        raise _Bad("this lock is nested too deeply") from None
    except ValueError:  # of Python's int()
        raise _Bad("this lock has a number of thousands of digits") from None
    if not isinstance(data, dict) or not _is_count(data.get("format")):
        raise _Bad("this is no lock: it has no format")
    if data["format"] != FORMAT:
        message = f"this lock has format {data['format']}, and this version of reana-rucio knows {FORMAT}"
        at = text.find('"format"')
        raise _Bad(message, at, at + len('"format"'), "update reana-rucio, or make it again with reana-rucio lock")
    lock: dict[Key, Locked] = {}
    entries = data.get("dids")
    if not isinstance(entries, list):
        raise _Bad('this lock has no list of "dids"')
    for number, entry in enumerate(entries):
        try:
            key, value = _read_entry(entry, lock)
        except (KeyError, TypeError, ValueError) as error:
            problem = str(error) if type(error) is ValueError else "is not of the form of a lock"
            what, start, end = _find(text, entries, number)
            raise _Bad(f"{what} {problem}", start, end) from None
        lock[key] = value
    return lock


def _find(text: str, entries: list[Any], number: int) -> tuple[str, int, int]:
    """What to call an entry, and where it says its DID; the start of the text where it says none as we write it."""
    dids = [entry.get("did") if isinstance(entry, dict) else None for entry in entries[: number + 1]]
    if not isinstance(dids[-1], str):
        return "an entry of this lock", 0, 0
    needle, start = f'"did": {json.dumps(dids[-1])}', -1
    for _ in range(dids.count(dids[-1])):
        start = text.find(needle, start + 1)
    return f'"{dids[-1]}"', max(start, 0), start + len(needle) if start >= 0 else 0


def _read_entry(entry: dict[str, Any], others: Lock) -> tuple[Key, Locked]:
    """An entry, raising ValueError, TypeError or KeyError where it is none, or its parts do not fit together."""
    instance, did, kind, first = entry["instance"], entry["did"], entry["type"], entry.get("first")
    if not (isinstance(instance, str) and isinstance(did, str) and kind in _TYPES and _is_count(first or 0)):
        raise TypeError
    key = (instance, did, first)
    if key in others:
        raise ValueError("stands here twice")
    if kind == "file":
        lines = [f"{did} {entry['bytes']} {entry['checksum']}"]
        _check_lines(lines)
        return key, locked(kind, lines)
    flags = entry.get("open"), entry.get("monotonic")
    if not all(isinstance(flag, (bool, type(None))) for flag in flags):
        raise TypeError
    length, total, sum_ = entry["length"], entry["bytes"], entry["digest"]
    if not (_is_count(length) and _is_count(total) and re.fullmatch(r"sha256:[0-9a-f]{64}", sum_)):
        raise TypeError
    if "files" not in entry:
        return key, Locked(kind, length, total, sum_, None, *flags)
    _check_lines(entry["files"])
    found = locked(kind, entry["files"], *flags)
    if (found.length, found.bytes, found.digest) != (length, total, sum_):
        raise ValueError("was changed by hand: its digest is not that of its files")
    return key, found


def _check_lines(lines: Sequence[str]) -> None:
    if not lines or not all(re.fullmatch(_LINE, line) for line in lines):
        raise TypeError


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def with_lock(plan: Plan, spec: Path | None, required: bool, report: Report) -> Plan:
    """The plan whose inputs say what they held when they were locked.

    The lock is sought beside the file ``spec``; a specification that is in no file has none. Without a lock nothing
    is said, but of ``contents=locked`` and, with ``required``, of everything.
    """
    path = lock_path(spec) if spec else None
    lock = read_lock(path, report) if path else None
    if report.failed and lock is None:
        return plan
    inputs = []
    for transfer in plan.inputs:
        entry = lock.get(key_of(transfer)) if lock is not None else None
        if entry is None and (required or (lock is not None and not transfer.contents)):
            rule = rules.LOCK_REQUIRED if required else rules.NOT_LOCKED
            there_is_none = f'there is no "{path.name}"' if path else "there is no lock"
            message = f'{transfer.did} is not in "{path.name}"' if path and lock is not None else there_is_none
            hint = _command(spec, transfer if lock is not None else None)
            if not can_be_locked(transfer):
                message = f"{transfer.did} cannot be locked: only Snakemake knows the names of these datasets"
                hint = "list them one by one"
            report.add(rule, _place(transfer), message, hint)
        if entry and _is_collection(entry) != (transfer.type == "directory") and entry.type != "wildcard":
            message = f"{transfer.did} was a {entry.type} when it was locked, and is staged as a {transfer.type}"
            report.add(rules.WRONG_KIND, _place(transfer), message, wrong_kind_hint(transfer))
        if transfer.contents and (entry is None or entry.files is None):
            _report_unlisted(transfer, entry, _command(spec, transfer if lock is not None else None), report)
        inputs.append(transfer._replace(lock=entry) if entry else transfer)
    return plan._replace(inputs=tuple(inputs))


def can_be_locked(transfer: Transfer) -> bool:
    """Whether Rucio can be asked what an input will hold: not of datasets whose names Snakemake makes."""
    return transfer.type == "file" or "{" not in transfer.name


def _report_unlisted(transfer: Transfer, entry: Locked | None, hint: str, report: Report) -> None:
    key = next(option.key for option in transfer.references[0].expression.options if option.key.text == "contents")
    message = f"contents=locked, and no lock lists the files of {transfer.did}"
    if entry:
        message = f"contents=locked, and {transfer.did} has {entry.length} files: a lock lists at most {MOST_FILES}"
        hint = "take a part of it with first=N, or stage smaller datasets"
    report.add(rules.FILES_NOT_LOCKED, key.span, message, hint)


def _place(transfer: Transfer) -> Span:
    return transfer.references[0].expression.name.span


def wrong_kind_hint(transfer: Transfer) -> str:
    """What to do where a dataset is staged as a file, or the other way round."""
    section = "files" if transfer.type == "directory" else "directories"
    return f"list it under inputs.{section}"


def _command(spec: Path | None, transfer: Transfer | None) -> str:
    if spec is None:
        return "a lock stands beside a file, and this is standard input"
    words = ["run reana-rucio lock"]
    words += [str(spec)] if spec.name != "reana.yaml" else []
    return " ".join(words + ([f"--update {transfer.did}"] if transfer else []))


def _is_collection(entry: Locked) -> bool:
    return entry.type != "file"
