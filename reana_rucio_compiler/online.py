"""``check --online``: what Rucio says of a plan before any job does, at the line of each reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from . import rules
from .catalogue import Content, Progress, Troubles, Upload, ask
from .diagnostics import Report, Rule
from .locking import entry_of, question_of, report_problem
from .model import Transfer
from .source import Span

if TYPE_CHECKING:
    from .compiler import Compilation

_KINDS: dict[str, Rule] = {
    "unwritable": rules.UNWRITABLE_RSE,
    "quota": rules.NO_QUOTA,
    "scope": rules.FOREIGN_SCOPE,
    "taken": rules.TAKEN_NAME,
    "impossible": rules.IMPOSSIBLE_OUTPUT,
}


def checked(
    result: Compilation,
    progress: Progress = lambda done, total: None,
    say: Callable[[str], None] = lambda text: None,
) -> Compilation:
    """A compilation whose diagnostics tell also what its jobs would stop at, as Rucio is now.

    Rucio is not asked where the compilation has failed. Raises what ``catalogue.ask`` raises.
    """
    plan = result.plan
    if plan is None:
        return result
    report = Report(list(result.diagnostics))
    questions = {transfer: question_of(transfer) for transfer in plan.inputs}
    uploads = {transfer: _upload(transfer) for transfer in plan.outputs}
    answers = ask(
        filter(None, questions.values()),
        {each.name: each for each in plan.instances},
        uploads=uploads.values(),
        replicas=True,
        progress=progress,
        say=say,
    )
    for transfer, question in questions.items():
        answer = answers.questions[question] if question else None
        if isinstance(answer, Content):
            _check_content(transfer, answer, report)
        elif answer:
            report_problem(transfer, answer, report)
    for transfer, upload in uploads.items():
        _check_troubles(transfer, answers.uploads[upload], report)
    return result._replace(diagnostics=report.diagnostics)


def _upload(transfer: Transfer) -> Upload:
    return Upload(
        transfer.instance,
        transfer.scope,
        transfer.name,
        transfer.type,
        transfer.path,
        transfer.rse or "",
        transfer.dataset,
        transfer.prefix,
        transfer.if_exists,
    )


def _check_content(transfer: Transfer, content: Content, report: Report) -> None:
    name = transfer.references[0].expression.name.span
    total = len(content.files)
    if content.bad_rse:
        _report_rse(transfer, content.bad_rse, report)
    where = f" at rse={transfer.rse}" if transfer.rse else ""
    if content.unavailable:
        message = f"no copy{where} can be read of {_some(transfer, content.unavailable, total)}"
        report.add(rules.NO_REPLICA, name, message, "`rucio add-rule` makes one from what is elsewhere; ask the site")
    if content.tape:
        message = f"there is no copy{where} on disk, and one on tape, of {_some(transfer, content.tape, total)}"
        report.add(rules.TAPE_ONLY, name, message, "`rucio add-rule` brings it to a disk, and takes its time")
    bare = [line.split(" ")[0] for line in content.files if line.endswith(" -")]
    if bare:
        message = f"Rucio knows no checksum of {_some(transfer, bare, total)}"
        report.add(rules.NO_CHECKSUM, name, message, "only the size of what is staged can be verified")
    if transfer.lock is None and content.open and transfer.first is None:
        message = f"{transfer.did} is an open {content.type}: what is staged may be more when it runs"
        report.add(rules.OPEN_DATASET, name, message, "reana-rucio lock makes it the same in every run")
    if transfer.lock and transfer.lock.digest != entry_of(content).digest:
        message = f"{transfer.did} is not what was locked, so that a run would stop"
        report.add(rules.STALE_LOCK, name, message, "see what has changed by reana-rucio lock --check")


def _some(transfer: Transfer, dids: Sequence[str], total: int) -> str:
    if total == 1 and transfer.type == "file":
        return dids[0]
    more = f" and {len(dids) - 3} more" if len(dids) > 3 else ""
    return f"{len(dids)} of {total} files of {transfer.did}: {', '.join(dids[:3])}{more}"


def _report_rse(transfer: Transfer, why: str, report: Report) -> None:
    detail = why.rpartition("Details: ")[2].rstrip(".")
    message = f'"{transfer.rse}" matches no RSE: {detail}'
    report.add(rules.UNKNOWN_RSE, _option(transfer, "rse"), message, "see `rucio list-rses`")


def _check_troubles(transfer: Transfer, troubles: Troubles, report: Report) -> None:
    for kind, text in troubles.found:
        message, _, hint = text.rpartition("; ")
        did, _, what = message.partition(": ")
        if kind == "rse":
            _report_rse(transfer, message, report)
        elif kind in ("taken", "impossible"):
            report.add(_KINDS[kind], _word(transfer, kind), f"{did} {what}", hint)
        else:
            span = _word(transfer, kind) if kind == "scope" else _option(transfer, "rse")
            report.add(_KINDS[kind], span, what, hint)


def _word(transfer: Transfer, kind: str) -> Span:
    expression = transfer.references[0].expression
    if kind == "impossible" and transfer.dataset:
        return _option(transfer, "dataset")
    return expression.scope.span if kind == "scope" else expression.name.span


def _option(transfer: Transfer, key: str) -> Span:
    """The value of an option, or the expression where the instance has a default for it."""
    word = transfer.references[0].expression.option(key)
    return word.span if word else transfer.span
