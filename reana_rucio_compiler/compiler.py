"""The pipeline: read -> find references -> check -> plan -> graft -> verify. Writing is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from . import document as documents
from . import rules
from .backends import serial
from .diagnostics import Diagnostic, Report
from .document import Document
from .edits import Edit, Uneditable, apply
from .instances import known_instances
from .model import Plan
from .plan import engine_of, make_plan
from .references import find_references
from .schema import VERSIONS, check_specification, findings
from .source import Source, Span
from .specification import edit_specification

Graft = Callable[[Document, Plan, Report], tuple[list[Edit], Mapping[str, str]]]

BACKENDS: dict[str, Graft] = {"serial": serial.graft}


@dataclass(frozen=True)
class Compilation:
    """What a specification compiles to: ``text`` (None after an error) and ``files`` to write beside the source.

    ``files`` are texts by path, relative to the directory of the source. Without a ``rucio(...)`` the text is the
    source's, byte for byte.
    """

    text: Optional[str]
    files: Mapping[str, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


def compile_file(path: Path, *, parameters: Mapping[str, str] = {}, instances: Iterable[Path] = ()) -> Compilation:
    """Compile a specification; mistakes of the user are in ``diagnostics``, in order of place.

    ``parameters`` replace ``${key}`` in expressions; ``instances`` are files with a ``rucio: instances:`` block.
    """
    report = Report()
    document = documents.load(path, report)
    return _finish(document, parameters, instances, report)


def compile_bytes(
    raw: bytes, name: str, *, parameters: Mapping[str, str] = {}, instances: Iterable[Path] = ()
) -> Compilation:
    """Compile a specification that is not in a file; messages call it ``name``."""
    report = Report()
    document = documents.decode(raw, name, report)
    return _finish(document, parameters, instances, report)


def _finish(
    document: Optional[Document], parameters: Mapping[str, str], instances: Iterable[Path], report: Report
) -> Compilation:
    result = _compile(document, parameters, instances, report) if document else None
    if result is None or report.failed:
        return Compilation(None, {}, report.diagnostics)
    return Compilation(result[0], result[1], report.diagnostics)


def _compile(
    document: Document, parameters: Mapping[str, str], instance_files: Iterable[Path], report: Report
) -> Optional[tuple[str, Mapping[str, str]]]:
    others = [documents.load(path, report) for path in instance_files]
    check_specification(document, report)
    references = find_references(document, report)
    known = known_instances((document, *(each for each in others if each)), report)
    plan = make_plan(document, references, known, parameters, report)
    if report.failed:
        return None
    if not references and document.at(("rucio",)) is None:
        return document.source.text, {}
    if not references:
        span = document.key_span(("rucio",))
        report.add(rules.UNUSED_INSTANCES, span, "nothing uses the instances of this block", "remove it")
    graft = BACKENDS.get(engine_of(document))
    if graft is None:
        span = document.span(("workflow", "type"))
        message = f'rucio(...) in a workflow of type "{engine_of(document)}" cannot be compiled'
        report.add(rules.UNSUPPORTED_ENGINE, span, message, f"possible are {', '.join(BACKENDS)}")
        return None
    try:
        edits, files = graft(document, plan, report) if references else ([], {})
        edits = [*edits, *edit_specification(document, plan, files)]
    except Uneditable as error:
        span = Span(document.source, error.node.start, error.node.end)
        report.add(rules.BAD_ALIAS, span, "the compiler must write here, and an alias cannot be changed", "write it out")
        return None
    text = apply(document.source, edits)
    _verify(document, text)
    return text, files


def _verify(document: Document, text: str) -> None:
    """Raise AssertionError where the output has a fault that the source had not: it would be ours."""
    report = Report()
    output = documents.parse(Source("output", text), report)
    if output is None or report.failed:
        raise AssertionError([found.message for found in report.diagnostics])
    if find_references(output, report) or report.failed:
        raise AssertionError("an expression is left in the output")
    for version in VERSIONS:
        before, after = findings(document.root.data, version), findings(output.root.data, version)
        if len(after) > len(before):
            raise AssertionError(f"REANA {version} would complain: {after}")
