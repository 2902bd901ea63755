"""Which output of the Workflow is the file at a path that is uploaded, by the name that its tool gives it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ... import rules
from ...diagnostics import Report
from ...instances import nearest
from ...model import Transfer
from ...task import Task
from .reading import Entry, Place, Process, builtin, plain
from .value import file_path, values_of

Names = Callable[[str], "str | None"]  # what an input is, as a string, where that is known when compiling


@dataclass(frozen=True)
class Upload:
    """The output ``id`` of the Workflow, of type ``File``, ``Directory`` or ``File[]``, and its source."""

    transfer: Transfer
    id: str
    type: str
    link: Mapping[str, Any]


def select(task: Task, workflow: Process, job_order: Place | None, report: Report) -> Mapping[Transfer, Upload]:
    """The output for each upload; where there is none, or more than one, the candidates are reported."""
    found = {}
    for transfer in task.plan.outputs:
        entry = _select(transfer, workflow, _top_names(task, workflow, job_order), report)
        source = entry.field("outputSource") if entry else None
        if entry is None or source is None:
            continue
        link: dict[str, Any] = {"source": [each.text for each in source.items] or source.text}
        for key in ("linkMerge", "pickValue"):
            place = entry.field(key)
            if place is not None:
                link[key] = place.text
        found[transfer] = Upload(transfer, entry.id, type_of(entry), link)
    return found


def type_of(entry: Entry) -> str:
    """``File``, ``Directory``, ``File[]``, or an empty string for an output that is none of them."""
    place = entry.field("type")
    type_ = builtin(plain(place.node)) if place else None
    if type_ == {"type": "array", "items": "File"}:
        return "File[]"
    return type_ if type_ in ("File", "Directory", "File[]") else ""


def _select(transfer: Transfer, workflow: Process, names: Names, report: Report) -> Entry | None:
    wanted = ("File",) if transfer.type == "file" else ("Directory", "File[]")
    candidates = [entry for entry in workflow.outputs if type_of(entry) in wanted and entry.field("outputSource")]
    kind = " or ".join(wanted)
    listed = ", ".join(f'"{each.id}"' for each in candidates) or "none"
    option = transfer.references[0].expression.option("output")
    if transfer.output is not None and option is not None:
        chosen = [each for each in candidates if each.id == transfer.output]
        if not chosen:
            hint = nearest(transfer.output, [each.id for each in candidates]) or f"there are: {listed}"
            message = f'the workflow has no output "{transfer.output}" of type {kind}'
            report.add(rules.CWL_NO_OUTPUT, option.span, message, hint)
        return chosen[0] if chosen else None
    span = _path_span(transfer)
    known = {each.id: output_names(workflow, each.id, names) for each in candidates}
    ranked = {
        each.id: max((_rank(name, transfer.path) for name in known[each.id] or ()), default=0) for each in candidates
    }
    best = max(ranked.values(), default=0)
    chosen = [each for each in candidates if ranked[each.id] == best]
    if len(chosen) == 1:
        if best == 0 and known[chosen[0].id]:
            name = " or ".join(f'"{each}"' for each in known[chosen[0].id] or ())
            message = f'the only {kind} of the workflow, "{chosen[0].id}", is called {name} and not "{transfer.path}"'
            report.add(rules.CWL_OTHER_NAME, span, message, f"is it meant? then add output={chosen[0].id}")
        return chosen[0]
    if not candidates:
        message = f'the workflow has no output of type {kind}, so nothing is "{transfer.path}"'
        report.add(rules.CWL_NO_OUTPUT, span, message, "a file that is uploaded must be under outputs: of the workflow")
        return None
    listed = ", ".join(f'"{each.id}"' for each in chosen)
    why = "could be each of" if best else "is not the name of any of"
    message = f'"{transfer.path}" {why} the outputs {listed}'
    report.add(rules.CWL_NO_OUTPUT, span, message, f"add output=ID, such as output={chosen[0].id}")
    return None


def _path_span(transfer: Transfer) -> Any:
    path = transfer.references[0].expression.path
    return path.span if path else transfer.span


def _rank(name: str, path: str) -> int:
    """How well a path fits the name (or pattern) of an output: 2 with its directories, 1 without, 0 not at all."""
    name = posixpath.normpath(name)
    if path == name or path.endswith("/" + name):
        return 2
    return int(fnmatchcase(posixpath.basename(path), posixpath.basename(name)) and name != ".")


def _top_names(task: Task, workflow: Process, job_order: Place | None) -> Names:
    values = values_of(task.plan)

    def name(parameter: str) -> str | None:
        place = job_order.get(parameter) if job_order else None
        entry = workflow.input(parameter)
        if (place is None or place.node.data is None) and entry:
            place = entry.field("default")
        if place is None:
            return None
        text = values.get((place.document.source, place.where))
        return text if text is not None else _string(place, values)

    return name


def _string(place: Place, values: Mapping[Any, str] = {}) -> str | None:
    """A value as a string: that of a scalar, the name of a file."""
    if place.node.kind == "scalar":
        return None if place.node.data is None else place.text
    base = place.get("basename")
    return base.text if base else file_path(place, "", values)


def output_names(process: Process, output: str, names: Names, depth: int = 0) -> list[str] | None:
    """The names (perhaps patterns) of the files of an output; None where they are known at run time only."""
    entry = process.output(output)
    if entry is None or depth > 16:
        return None
    if process.kind == "Workflow":
        found: list[str] = []
        for _, step, parameter in process.refers(entry.field("outputSource")):
            more = _source_names(process, step, parameter, names, depth)
            if more is None:
                return None
            found += more
        return found or None
    if process.kind != "CommandLineTool":
        return None
    type_ = entry.field("type")
    if type_ is not None and type_.text in ("stdout", "stderr"):
        return _evaluated([process.place.get(type_.text)], names)
    binding = entry.field("outputBinding")
    if binding is None or binding.get("outputEval"):
        return None
    glob = binding.get("glob")
    return _evaluated(list(glob.items) or [glob] if glob else [None], names)


def _source_names(process: Process, step_name: str, parameter: str, names: Names, depth: int) -> list[str] | None:
    if not step_name:
        value = names(parameter)
        return None if value is None else [value]
    step = process.step(step_name)
    run = process.run(step) if step else None
    if step is None or run is None:
        return None
    return output_names(run, parameter, _step_names(process, step, run, names), depth + 1)


def _step_names(process: Process, step: Entry, run: Process, names: Names) -> Names:
    """What the inputs of a step are, given those of its Workflow."""
    entries = {entry.id: entry for entry in process.step_inputs(step)}

    def name(parameter: str) -> str | None:
        entry, declared = entries.get(parameter), run.input(parameter)
        value: str | None = None
        if entry is not None:
            sources = list(process.refers(entry.field("source")))
            if len(sources) > 1 or (sources and sources[0][1]):
                return None
            value = names(sources[0][2]) if sources else None
            default = entry.field("default")
            value = _string(default) if value is None and default else value
            expression = entry.field("valueFrom")
            if expression is not None:
                text = re.sub(r"\$\(self\)", lambda found: found[0] if value is None else value, expression.text)
                return None if "$(" in text or "${" in text else text
        default = declared.field("default") if declared else None
        return _string(default) if value is None and default else value

    return name


_REFERENCE = re.compile(r"""\$\(inputs(?:\.(\w+)|\[["'](\w+)["']\])(?:\.(basename|nameroot|nameext))?\)""")


def _evaluated(places: list[Place | None], names: Names) -> list[str] | None:
    """Strings with their parameter references replaced; None where that cannot be done."""
    found = []
    for place in places:
        text = place.text if place else ""

        def replaced(match: re.Match[str]) -> str:
            value = names(match[1] or match[2])
            if value is None:
                return match[0]
            root, extension = posixpath.splitext(posixpath.basename(value))
            return {"basename": root + extension, "nameroot": root, "nameext": extension}.get(match[3], value)

        text = _REFERENCE.sub(replaced, text)
        if not text or "$(" in text or "${" in text:
            return None
        found.append(text)
    return found
