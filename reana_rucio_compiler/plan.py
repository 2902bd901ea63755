"""From references to a plan: which DID goes where, once each, with no two in each other's way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from . import rules
from .checks import bad_path, check, normalised, parents
from .diagnostics import Report
from .documents import Document
from .model import Instance, Place, Plan, Reference, Transfer, Value
from .source import Span
from .workspace import own_files


def make_plan(
    document: Document,
    references: Iterable[Reference],
    instances: Mapping[str, Instance],
    parameters: Mapping[str, str],
    report: Report,
) -> Plan:
    """What the references of a specification (and of its parameter file) ask for together.

    What cannot be is reported, and left out of the plan.
    """
    engine = _meant(engine_of(document))
    checked = [check(reference, engine, instances, parameters, report) for reference in references]
    transfers = [transfer for transfer in checked if transfer]
    outputs = _sorted(transfer for transfer in transfers if transfer.direction == "out")
    declared = [each for each in transfers if each.direction == "in" and _place(each) is not Place.PARAMETER]
    inputs, values = _resolve_parameters(
        declared, [each for each in transfers if _place(each) is Place.PARAMETER], report
    )
    _report_conflicts(document, inputs, report)
    _report_same_outputs(outputs, report)
    used = sorted({transfer.instance for transfer in (*inputs, *outputs)})
    return Plan(_sorted(inputs), outputs, tuple(instances[name] for name in used), tuple(values))


def engine_of(document: Document) -> str:
    """The workflow type, or an empty string."""
    node = document.at(("workflow", "type"))
    return node.value if node else ""


def _meant(engine: str) -> str:
    """The engine whose name is misspelt, which the schema reports, or the same."""
    if engine in _ENGINES:
        return engine
    from difflib import get_close_matches

    return next(iter(get_close_matches(engine.lower(), _ENGINES, 1)), engine)


_ENGINES = ("serial", "cwl", "yadage", "snakemake")


def _place(transfer: Transfer) -> Place:
    return transfer.references[0].place


def _sorted(transfers: Iterable[Transfer]) -> tuple[Transfer, ...]:
    return tuple(sorted(transfers, key=lambda each: (each.instance, each.path, each.did)))


def _resolve_parameters(
    declared: list[Transfer], wanted: list[Transfer], report: Report
) -> tuple[list[Transfer], list[Value]]:
    """Give each parameter the path of its DID, and stage the DID where nothing else does."""
    inputs, values = list(declared), []
    # Those that name a path come first: a parameter without one may mean the same DID.
    for want in sorted(wanted, key=lambda each: not each.path):
        found = _same(want, inputs, report)
        if found is None:
            continue
        if found is want:
            path = want.path or _default_path(want, report)
            if path is None:
                continue
            found = want._replace(path=path)
            inputs.append(found)
        else:
            inputs[inputs.index(found)] = found = found._replace(references=found.references + want.references)
        values.append(Value(want.references[0], found.path))
    return inputs, sorted(values, key=lambda value: (value.reference.span.source.name, value.reference.span.start))


def _same(want: Transfer, inputs: list[Transfer], report: Report) -> Transfer | None:
    """The input that a parameter means, or the parameter itself where it is the only one; None after an error."""
    same = [each for each in inputs if (each.instance, each.did) == (want.instance, want.did)]
    if want.path:
        same = [each for each in same if each.path == want.path]
    if len({each.path for each in same}) > 1:
        paths = ", ".join(f'"{each.path}"' for each in same)
        message = f"{want.did} is staged to {paths}, and this parameter does not say which it means"
        report.add(rules.AMBIGUOUS_PATH, want.span, message, "write rucio(...) -> path")
        return None
    return same[0] if same else want


def _default_path(want: Transfer, report: Report) -> str | None:
    path = normalised(want.name)
    problem = bad_path(path)
    if "*" in want.name or problem:
        message = (
            f'"{want.name}" {problem}'
            if problem
            else f'"{want.name}" is a wildcard, so its files need a directory of their own'
        )
        report.add(rules.NO_PATH, want.span, message, "write rucio(...) -> DIRECTORY/")
        return None
    return path


def _report_conflicts(document: Document, inputs: list[Transfer], report: Report) -> None:
    """Two inputs on one path, one inside the other, or one on a path that the user's own files have."""
    taken: dict[str, tuple[str, Span]] = {}
    for path, what, span in _plain_paths(document):
        taken.setdefault(path, (what, span))
    uploaded = {path for path, (what, _) in taken.items() if what == "the plain directory"}
    by_place = sorted(inputs, key=lambda each: (each.span.source.name, each.span.start))
    for transfer in by_place:
        path, here = transfer.path, (transfer.did, transfer.span)
        if path in taken:
            _conflict(transfer, f'"{path}" is also the path of', *taken[path], report)
        taken.setdefault(path, here)
    for path, (what, span) in taken.items():
        for parent in parents(path):
            if parent not in taken or parent in uploaded:
                continue
            inner, outer = _at(by_place, path), _at(by_place, parent)
            if inner:
                _conflict(inner, f'"{path}" is inside the path of', *taken[parent], report)
            elif outer:
                _conflict(outer, f'"{parent}" holds the path of', what, span, report)


def _at(transfers: list[Transfer], path: str) -> Transfer | None:
    return next((each for each in transfers if each.path == path), None)


def _conflict(transfer: Transfer, message: str, what: str, other: Span, report: Report) -> None:
    word = transfer.references[0].expression.path
    hint = "give one of the two another path with `-> path`"
    report.add(rules.SAME_PATH, word.span if word else transfer.span, f"{message} {what} on line {other.line}", hint)


def _plain_paths(document: Document) -> Iterable[tuple[str, str, Span]]:
    """The paths that the specification itself uploads or reads, and what they are."""
    for key, what in (("files", "file"), ("directories", "directory")):
        node = document.at(("inputs", key))
        for item in node.items if node else ():
            if item.kind == "scalar" and "rucio(" not in item.value:
                yield normalised(item.value), f"the plain {what}", document.span_of(item)
    for where, name in own_files(document):
        yield normalised(name), "the workflow's own file", document.span(where)


def _report_same_outputs(outputs: tuple[Transfer, ...], report: Report) -> None:
    seen: dict[tuple[str, str], Transfer] = {}
    for transfer in sorted(outputs, key=lambda each: each.span.start):
        first = seen.setdefault((transfer.instance, transfer.did), transfer)
        if first is not transfer:
            message = f"{transfer.did} is also the output of line {first.span.line}"
            report.add(
                rules.SAME_DID,
                transfer.references[0].expression.name.span,
                message,
                "give each output a name of its own",
            )
