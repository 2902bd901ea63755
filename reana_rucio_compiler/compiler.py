"""The pipeline: read -> find references -> check -> plan -> graft -> verify. Writing is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from . import documents, rules
from .diagnostics import Diagnostic, Report, merged
from .documents import Document
from .edits import Uneditable, apply
from .instances import known_instances
from .limits import check_size
from .lint import lint
from .locks import with_lock
from .model import Plan
from .not_yaml import check_line_breaks
from .ownership import check_owners, clashes, shared
from .plan import engine_of, make_plan
from .references import find_references
from .schema import VERSIONS, check_specification, findings
from .source import Source
from .specification import edit_specification
from .task import Graft, Step, Task
from .tuples import NamedTuple
from .workspace import Workspace, find_workspace, parameter_file_at


class Compilation(NamedTuple):
    """What a specification compiles to: ``text`` (None after an error) and ``files`` to write beside the source.

    ``files`` are texts by path, relative to ``base``. Without a ``rucio(...)`` the text is the
    source's, byte for byte. ``plan`` is what moves, ``steps`` is the workflow that results; neither is there after an
    error, nor without a ``rucio(...)``. ``document`` is the specification as it was read, where it could be.
    """

    text: str | None
    files: Mapping[str, str] = MappingProxyType({})
    diagnostics: tuple[Diagnostic, ...] = ()
    base: Path = Path()
    plan: Plan | None = None
    outline: Callable[[], tuple[Step, ...]] = tuple
    document: Document | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the workflow that results, made when they are asked for."""
        return self.outline()


def compile_file(
    path: Path, *, parameters: Mapping[str, str] = {}, instances: Iterable[Path] = (), locked: bool = False
) -> Compilation:
    """Compile a specification; mistakes of the user are in ``diagnostics``, in order of place.

    ``parameters`` replace ``${key}`` in expressions; ``instances`` are files with a ``rucio: instances:`` block. With
    ``locked`` it is an error if the lock beside the specification does not hold every input.
    """
    report = Report()
    document = documents.load(path, report)
    return _compile(document, _Call(path.parent, parameters, instances, path, locked), report)


def compile_bytes(
    raw: bytes, name: str, *, parameters: Mapping[str, str] = {}, instances: Iterable[Path] = (), locked: bool = False
) -> Compilation:
    """Compile a specification that is not in a file; messages call it ``name``, its paths are relative to the cwd.

    It has no lock.
    """
    report = Report()
    document = documents.decode(raw, name, report)
    return _compile(document, _Call(Path(), parameters, instances, None, locked), report)


def plan_file(
    path: Path, *, parameters: Mapping[str, str] = {}, instances: Iterable[Path] = ()
) -> tuple[Plan | None, tuple[Diagnostic, ...]]:
    """What a specification asks Rucio for, whatever its lock holds; None after an error of the diagnostics."""
    report = Report()
    document = documents.load(path, report)
    task = _read(document, _Call(path.parent, parameters, instances), report) if document else None
    return (None if task is None or report.failed else task.plan), report.diagnostics


def all_diagnostics(results: Sequence[Compilation]) -> tuple[Diagnostic, ...]:
    """What is to be said of several specifications: file by file, in order of place, each once."""
    together = list(clashes(results))
    runs = []
    for result in results:
        more = [found for found in together if result.document and found.span.source is result.document.source]
        runs.append(sorted([*result.diagnostics, *more], key=lambda found: found.order))
    return merged(runs)


class _Call(NamedTuple):
    """The arguments of a call: where the specification stands, ``path`` if it is a file, and the options."""

    directory: Path
    parameters: Mapping[str, str]
    instances: Iterable[Path]
    path: Path | None = None
    locked: bool = False


def _compile(document: Document | None, call: _Call, report: Report) -> Compilation:
    task = _read(document, call, report) if document else None
    if task:
        task = task._replace(plan=with_lock(task.plan, call.path, call.locked, report))
    result = _write(task, report) if task else None
    if result is None or report.failed:
        return Compilation(None, {}, report.diagnostics, document=document)
    return result._replace(diagnostics=report.diagnostics, document=document)


def _read(document: Document, call: _Call, report: Report) -> Task | None:
    """Everything up to the plan, which lacks what is wrong."""
    others = [documents.load(path, report) for path in call.instances]
    if document.root.kind != "mapping":
        message = "a REANA specification is a mapping with workflow:, inputs: and outputs:"
        report.add(rules.NOT_A_SPECIFICATION, document.span(()), message, "is this the right file?")
        return None
    workspace = find_workspace(document, call.directory, report)
    job_order = _parameter_file(document, workspace, report)
    references = find_references(document, report)
    if job_order:
        references += find_references(job_order, report, parameters=True)
    check_specification(document, report)
    known = known_instances((document, *(each for each in others if each)), report)
    return Task(document, make_plan(document, references, known, call.parameters, report), workspace, job_order)


def _write(task: Task, report: Report) -> Compilation | None:
    """Everything from the plan on."""
    document, plan, workspace = task.document, task.plan, task.workspace
    lint(document, plan, workspace, report)
    moves = bool(plan.inputs or plan.outputs)
    if moves or document.at(("rucio",)):
        check_line_breaks(document.source, report)
    if report.failed:
        return None
    if not moves and document.at(("rucio",)) is None:
        check_size(document, document, {}, workspace, report)
        return Compilation(document.source.text, base=workspace.base)
    if not moves:
        span = document.key_span(("rucio",))
        report.add(rules.UNUSED_INSTANCES, span, "nothing uses the instances of this block", "remove it")
    try:
        graft = _graft(task, report) if moves else Graft()
        edits = [*graft.edits, *edit_specification(document, plan, graft)] if not report.failed else []
        text = apply(document, edits)
    except Uneditable as error:
        report.add(rules.BAD_ALIAS, error.span, error.message, error.hint)
        return None
    if report.failed:
        return None
    files = shared(document, graft.files, workspace)
    check_size(document, _verify(document, text), files, workspace, report, graft.loads)
    check_owners(document, files, workspace, report)
    return Compilation(text, files, (), workspace.base, plan if moves else None, graft.outline)


def _graft(task: Task, report: Report) -> Graft:
    # Each engine that REANA's schema lets pass is a module of backends/, imported when it is needed.
    graft: Graft = import_module(f".backends.{engine_of(task.document)}", __package__).graft(task, report)
    return graft


def _parameter_file(document: Document, workspace: Workspace, report: Report) -> Document | None:
    """The file with the parameters of CWL and Snakemake, where there is one."""
    where = parameter_file_at(document)
    node = document.at(where) if where else None
    if where is None or node is None:
        return None
    if "rucio" not in document.source.text and not workspace.exists(node.value):
        return None  # not ours to say: nothing here is to be compiled
    found = workspace.load(node.value, report, document.span(where))
    if found and found.root.kind != "mapping":
        message = f'"{node.value}" holds no mapping of parameters, and REANA refuses it'
        report.add(rules.REANA_REFUSES, found.span(()), message, "write name: value")
        return None
    return found


def _verify(document: Document, text: str) -> Document:
    """The output, read again; raises AssertionError where it has a fault that the source had not: it would be ours."""
    report = Report()
    output = documents.parse(Source("output", text), report)
    if output is None or report.failed:
        raise AssertionError([found.message for found in report.diagnostics])
    if find_references(output, report) or report.failed:
        raise AssertionError("an expression is left in the output")
    for version in VERSIONS:
        # Beside workflow.directories, which REANA 0.9 ignores, workflow.files may be needed, which it ignores too.
        after = [found for found in findings(output.root.data, version) if found[1] != ("workflow", "files")]
        if after and len(after) > len(findings(document.root.data, version)):
            raise AssertionError(f"REANA {version} would complain: {after}")
    return output
