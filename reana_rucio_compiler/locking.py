"""Make a lock: ask Rucio what the inputs of a specification hold, and tell what has changed since the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import rules
from .catalogue import Answer, Content, Problem, Progress, Question, ask
from .compiler import plan_file
from .diagnostics import Diagnostic, Report
from .instances import nearest
from .locks import Key, Lock, can_be_locked, key_of, lock_path, locked, read_lock, render, wrong_kind_hint
from .model import Locked, Transfer

MOST_LINES = 50  # of one DID in a diff


class UnknownDid(ValueError):
    """A DID is to be updated that no input of the specification has."""


@dataclass(frozen=True)
class Locking:
    """A lock to be written to ``path``: its ``text``, None after an error.

    ``old`` is the lock that stands there, if it can be read. Nothing is written. The mistakes of the user, and what
    Rucio does not have, are in ``diagnostics``.
    """

    path: Path
    text: str | None
    diagnostics: tuple[Diagnostic, ...]
    new: Lock = field(default_factory=dict)
    old: Lock | None = None

    @property
    def differences(self) -> tuple[str, ...]:
        """What is not as it was locked, line by line; none where the lock is up to date."""
        return tuple(_differences(self.old or {}, self.new))

    @property
    def summary(self) -> str:
        """How much is locked."""
        counts = len(self.new), sum(each.length for each in self.new.values())
        dids, files = (f"{count} {word}{'s' * (count != 1)}" for count, word in zip(counts, ("DID", "file")))
        return f"{dids}, {files}, {sum(each.bytes for each in self.new.values())} bytes"


def lock_file(
    path: Path,
    *,
    parameters: Mapping[str, str] = {},
    instances: Iterable[Path] = (),
    update: Sequence[str] | None = None,
    check: bool = False,
    progress: Progress = lambda done, total: None,
    say: Callable[[str], None] = lambda text: None,
) -> Locking:
    """Lock the inputs of a specification; with ``update`` only those DIDs, and the others stay as they were locked.

    A lock that cannot be read is an error where it is needed: for ``update``, and to ``check`` it.
    Raises what ``catalogue.ask`` raises, and ``UnknownDid``.
    """
    target = lock_path(path)
    plan, diagnostics = plan_file(path, parameters=parameters, instances=instances)
    if plan is None:
        return Locking(target, None, diagnostics)
    report = Report()
    old = read_lock(target, report if check or update is not None else Report())
    if report.failed:
        return Locking(target, None, report.diagnostics)
    wanted = {key_of(transfer): transfer for transfer in reversed(plan.inputs)}
    chosen = _chosen(wanted, update)
    asked = {key: question_of(transfer) for key, transfer in chosen.items()}
    questions = {key: question for key, question in asked.items() if question}
    answers = ask(
        questions.values(), {each.name: each for each in plan.instances}, progress=progress, say=say
    ).questions
    new = {
        key: entry for key, entry in (old or {}).items() if update is not None and key in wanted and key not in asked
    }
    for key, question in questions.items():
        entry = _entry(chosen[key], answers[question], report)
        if entry:
            new[key] = entry
    text = None if report.failed else render(new)
    return Locking(target, text, report.diagnostics, new, old)


def _chosen(wanted: Mapping[Key, Transfer], update: Sequence[str] | None) -> Mapping[Key, Transfer]:
    if update is None:
        return wanted
    for did in update:
        known = [transfer.did for transfer in wanted.values()]
        if did not in known:
            raise UnknownDid(f'no input is "{did}"; {nearest(did, known) or "a DID is scope:name"}')
    return {key: transfer for key, transfer in wanted.items() if transfer.did in update}


def question_of(transfer: Transfer) -> Question | None:
    """How Rucio is asked for an input, and its replicas; None where it cannot be."""
    rse = transfer.rse
    locked = transfer.lock.files if transfer.lock and transfer.contents else None
    if "{" not in transfer.name:
        about = (transfer.instance, transfer.scope, transfer.name, transfer.type)
        return Question(*about, transfer.first, rse=rse, locked=locked)
    from .backends.snakemake.wildcards import searched

    found = searched(transfer.name) if can_be_locked(transfer) else None
    if found is None:
        return None
    return Question(transfer.instance, transfer.scope, found[0], "file", None, found[1], rse)


def _entry(transfer: Transfer, answer: Answer, report: Report) -> Locked | None:
    if isinstance(answer, Content):
        return entry_of(answer)
    report_problem(transfer, answer, report)
    return None


def entry_of(content: Content) -> Locked:
    """The entry of a lock for what Rucio says."""
    return locked(content.type, content.files, content.open, content.monotonic)


def report_problem(transfer: Transfer, problem: Problem, report: Report) -> None:
    """Say at the reference why Rucio cannot give what it asks for."""
    word = transfer.references[0].expression.name
    what, _, remedy = problem.text.rpartition("; ")
    if problem.kind == "missing":
        message, hint = f"{transfer.did} is not in Rucio ({transfer.instance})", "see `rucio list-dids`, and its scope"
        report.add(rules.MISSING_DID, word.span, message, hint)
    elif problem.kind == "kind":
        message = f"{transfer.did} is a {problem.type}, and is staged as a {transfer.type}"
        report.add(rules.WRONG_KIND, word.span, message, wrong_kind_hint(transfer))
    else:
        report.add(rules.BAD_CONTENT, word.span, (what or remedy).replace(": has", " has"), remedy if what else "")


def _differences(old: Lock, new: Lock) -> Iterator[str]:
    for key in sorted({**old, **new}, key=lambda key: (key[0], key[1], key[2] or 0)):
        name = f"{key[0]} {key[1]}" + (f" first={key[2]}" if key[2] else "")
        if key not in old:
            yield f"{name} is not locked"
        elif key not in new:
            yield f"{name} is locked, and the specification does not have it"
        elif (old[key].type, old[key].digest) != (new[key].type, new[key].digest):
            yield f"{name}: {_summary(old[key])} -> {_summary(new[key])}"
            yield from _changes(old[key], new[key])


def _summary(entry: Locked) -> str:
    files = "1 file" if entry.length == 1 else f"{entry.length} files"
    return f"{'' if entry.type in ('file', 'wildcard') else entry.type + ' of '}{files}, {entry.bytes} bytes"


def _changes(old: Locked, new: Locked) -> Iterator[str]:
    if old.files is None or new.files is None:
        return
    before, after = (dict(line.split(" ", 1) for line in entry.files or ()) for entry in (old, new))
    lines = []
    for did in sorted({**before, **after}):
        if did not in before:
            lines.append(f"  added {did} {after[did]}")
        elif did not in after:
            lines.append(f"  removed {did} {before[did]}")
        elif before[did] != after[did]:
            lines.append(f"  changed {did} {before[did]} -> {after[did]}")
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"  and {len(lines) - MOST_LINES} more"
