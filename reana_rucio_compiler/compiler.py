"""The pipeline: read -> find references -> check -> plan -> graft -> verify. Writing is the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

from . import documents, rules
from .diagnostics import Diagnostic, Report, merged
from .documents import Document
from .edits import Uneditable, apply
from .instances import known_instances
from .lint import check_size, lint
from .model import Plan
from .ownership import check_owners, clashes
from .plan import engine_of, make_plan
from .references import find_references
from .schema import VERSIONS, check_specification, findings
from .source import Source, Span
from .specification import edit_specification
from .task import Graft, Step, Task
from .workspace import Workspace, find_workspace


@dataclass(frozen=True)
class Compilation:
    """What a specification compiles to: ``text`` (None after an error) and ``files`` to write beside the source.

    ``files`` are texts by path, relative to ``base``. Without a ``rucio(...)`` the text is the
    source's, byte for byte. ``plan`` is what moves, ``steps`` is the workflow that results; neither is there after an
    error, nor without a ``rucio(...)``. ``document`` is the specification as it was read, where it could be.
    """

    text: str | None
    files: Mapping[str, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    base: Path = Path()
    plan: Plan | None = None
    steps: tuple[Step, ...] = ()
    document: Document | None = None


def compile_file(path: Path, *, parameters: Mapping[str, str] = {}, instances: Iterable[Path] = ()) -> Compilation:
    """Compile a specification; mistakes of the user are in ``diagnostics``, in order of place.

    ``parameters`` replace ``${key}`` in expressions; ``instances`` are files with a ``rucio: instances:`` block.
    """
    report = Report()
    document = documents.load(path, report)
    return _finish(document, path.parent, parameters, instances, report)


def compile_bytes(
    raw: bytes, name: str, *, parameters: Mapping[str, str] = {}, instances: Iterable[Path] = ()
) -> Compilation:
    """Compile a specification that is not in a file; messages call it ``name``, its paths are relative to the cwd."""
    report = Report()
    document = documents.decode(raw, name, report)
    return _finish(document, Path(), parameters, instances, report)


def all_diagnostics(results: Sequence[Compilation]) -> tuple[Diagnostic, ...]:
    """What is to be said of several specifications: file by file, in order of place, each once."""
    together = list(clashes(results))
    runs = []
    for result in results:
        more = [found for found in together if result.document and found.span.source is result.document.source]
        runs.append(sorted([*result.diagnostics, *more], key=lambda found: found.order))
    return merged(runs)


def _finish(
    document: Document | None,
    directory: Path,
    parameters: Mapping[str, str],
    instances: Iterable[Path],
    report: Report,
) -> Compilation:
    result = _compile(document, directory, parameters, instances, report) if document else None
    if result is None or report.failed:
        return Compilation(None, {}, report.diagnostics, document=document)
    return replace(result, diagnostics=report.diagnostics, document=document)


def _compile(
    document: Document,
    directory: Path,
    parameters: Mapping[str, str],
    instance_files: Iterable[Path],
    report: Report,
) -> Compilation | None:
    others = [documents.load(path, report) for path in instance_files]
    if document.root.kind != "mapping":
        message = "a REANA specification is a mapping with workflow:, inputs: and outputs:"
        report.add(rules.NOT_A_SPECIFICATION, document.span(()), message)
        return None
    workspace = find_workspace(document, directory, report)
    job_order = _parameter_file(document, workspace, report)
    references = find_references(document, report)
    if job_order:
        references += find_references(job_order, report, parameters=True)
    check_specification(document, report)
    known = known_instances((document, *(each for each in others if each)), report)
    plan = make_plan(document, references, known, parameters, report)
    lint(document, plan, workspace, report)
    if references or document.at(("rucio",)):
        documents.check_line_breaks(document.source, report)
    if report.failed:
        return None
    if not references and document.at(("rucio",)) is None:
        check_size(document, document, {}, workspace, report)
        return Compilation(document.source.text, base=workspace.base)
    if not references:
        span = document.key_span(("rucio",))
        report.add(rules.UNUSED_INSTANCES, span, "nothing uses the instances of this block", "remove it")
    task = Task(document, plan, workspace, job_order)
    try:
        graft = _graft(task, report) if references else Graft()
        edits = [*graft.edits, *edit_specification(document, plan, graft)]
    except Uneditable as error:
        span = Span(document.source, error.node.start, error.node.end)
        report.add(
            rules.BAD_ALIAS,
            span,
            "the compiler must write here, and an alias cannot be changed",
            "write it out",
        )
        return None
    if report.failed:
        return None
    text = apply(document.source, edits)
    check_size(document, _verify(document, text), graft.files, workspace, report)
    check_owners(document, graft.files, workspace, report)
    return Compilation(text, graft.files, (), workspace.base, plan if references else None, graft.steps)


def _graft(task: Task, report: Report) -> Graft:
    # Each engine that REANA's schema lets pass is a module of backends/, imported when it is needed.
    graft: Graft = import_module(f".backends.{engine_of(task.document)}", __package__).graft(task, report)
    return graft


def _parameter_file(document: Document, workspace: Workspace, report: Report) -> Document | None:
    """The file that ``inputs.parameters.input`` names: for CWL and Snakemake it replaces the parameters (facts A.2)."""
    where = ("inputs", "parameters", "input")
    node = document.at(where)
    if node is None or node.kind != "scalar" or engine_of(document) not in ("cwl", "snakemake"):
        return None
    if "rucio" not in document.source.text and not workspace.exists(node.value):
        return None  # not ours to say: nothing here is to be compiled
    return workspace.load(node.value, report, document.span(where))


def _verify(document: Document, text: str) -> Document:
    """The output, read again; raises AssertionError where it has a fault that the source had not: it would be ours."""
    report = Report()
    output = documents.parse(Source("output", text), report)
    if output is None or report.failed:
        raise AssertionError([found.message for found in report.diagnostics])
    if find_references(output, report) or report.failed:
        raise AssertionError("an expression is left in the output")
    for version in VERSIONS:
        before, after = findings(document.root.data, version), findings(output.root.data, version)
        # Beside workflow.directories, which REANA 0.9 ignores, workflow.files may be needed, which it ignores too.
        if len([found for found in after if found[1] != ("workflow", "files")]) > len(before):
            raise AssertionError(f"REANA {version} would complain: {after}")
    return output
