"""Names that nothing bears, and inputs that nothing is given for: cwltool refuses a workflow that has one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ... import rules
from ...diagnostics import Report
from ...instances import nearest
from .binding import MAX_DEPTH
from .reading import BUILTIN, Entry, Place, Process, mentions, plain, short

Outs = Mapping[str, Collection[str]]  # what each step lists as its outputs


def check_names(process: Process, job_order: Place | None, report: Report) -> None:
    """Report what a Workflow, and those that its steps run, name and do not have; and what the job order lacks."""
    _Names(report).check(process, 0)
    given = {short(key) for key in (job_order.keys if job_order else ())}
    for entry in _missing(process, given):
        message = f'the input "{entry.id}" of the {process.kind} has no value'
        near = nearest(entry.id, [name for name in given if process.input(name) is None])
        hint = (
            f"{near[:-1]} in the parameters?".replace("did you mean", "is it")
            if near
            else "give it one in the parameters, or a default:"
        )
        report.add(rules.CWL_UNKNOWN_NAME, entry.span, message, hint)
    for entry in process.inputs if job_order else ():
        value, type_ = job_order.get(entry.id) if job_order else None, entry.field("type")
        for each in value.items or (value,) if value and type_ else ():
            kind = each.get("class")
            other = {"File": "Directory", "Directory": "File"}.get(kind.text if kind else "")
            if type_ and kind and other and not mentions(plain(type_.node), kind.text, process.named_types):
                message = f'the input "{entry.id}" is not of the type {kind.text}'
                hint = f"write class: {other}" if mentions(plain(type_.node), other, process.named_types) else ""
                report.add(rules.CWL_CLASS, kind.span, message, hint or "give it a value of its type")


class _Names:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.seen: set[Place] = set()

    def check(self, workflow: Process, depth: int) -> None:
        """Check a Workflow, and those in it, each once."""
        if workflow.kind != "Workflow" or workflow.place in self.seen or depth > MAX_DEPTH:
            return
        self.seen.add(workflow.place)
        outs = {step.id: {each.id: None for each in _outs(workflow, step)} for step in workflow.steps}
        for output in workflow.outputs:
            self.sources(workflow, output.field("outputSource"), outs)
        for step in workflow.steps:
            taken = {entry.id: entry for entry in workflow.step_inputs(step)}
            for entry in taken.values():
                self.sources(workflow, entry.field("source"), outs)
            scatter = step.field("scatter")
            for place in scatter.items or (scatter,) if scatter else ():
                if place.text and short(place.text) not in taken:
                    self.unknown(place, f'the step "{step.id}" takes no "{short(place.text)}"', taken)
            run = workflow.run(step)
            if run is not None:
                self.step(workflow, step, taken, run)
                self.check(run, depth + 1)

    def step(self, workflow: Process, step: Entry, taken: dict[str, Entry], run: Process) -> None:
        """Check what a step takes and gives against what it runs."""
        extra = [name for name in taken if run.input(name) is None]
        for missing in _missing(run, taken):
            near = next((taken[name] for name in extra if nearest(name, [missing.id])), None)
            message = f'the step "{step.id}" gives no "{missing.id}" to what it runs, which needs it'
            hint = nearest(near.id, [missing.id]) if near else f"add {missing.id}: SOURCE to its in:"
            self.report.add(rules.CWL_UNKNOWN_NAME, (near or step).span, message, hint)
        for entry in _outs(workflow, step):
            if run.output(entry.id) is None:
                known = [each.id for each in run.outputs]
                self.unknown(entry.place, f'what the step "{step.id}" runs has no output "{entry.id}"', known)

    def sources(self, workflow: Process, place: Place | None, outs: Outs) -> None:
        """Check each name that a source gives."""
        for scalar, of, name in workflow.refers(place):
            step = workflow.step(of) if of else None
            if name in outs[of] if step else not of and workflow.input(name):
                continue
            if step:
                self.output(workflow, step, scalar, name, outs[of])
                continue
            known = [f"{each}/{out}" for each in outs for out in outs[each]]
            message = f'the workflow has no {"step" if of else "input"} "{of or name}"'
            self.unknown(scalar, message, known if of else [*(each.id for each in workflow.inputs), *known])

    def output(self, workflow: Process, step: Entry, place: Place, name: str, listed: Collection[str]) -> None:
        """Report the name of an output that a step does not list."""
        run = workflow.run(step)
        if run is None or run.output(name) is None:
            self.unknown(
                place, f'the step "{step.id}" has no output "{name}"', [f"{step.id}/{each}" for each in listed]
            )
        elif all(map(run.output, listed)):  # else one that is misspelt there is reported
            message = f'the step "{step.id}" does not list its output "{name}"'
            self.report.add(rules.CWL_UNKNOWN_NAME, place.span, message, f"add {name} to its out:")

    def unknown(self, place: Place, message: str, known: Iterable[str]) -> None:
        known = sorted(known)
        hint = nearest(place.text, known) or (f"there are: {', '.join(known[:20])}" if known else "there are none")
        self.report.add(rules.CWL_UNKNOWN_NAME, place.span, message, hint)


def _outs(workflow: Process, step: Entry) -> tuple[Entry, ...]:
    return workflow.files.entries(step.field("out"))


def _missing(process: Process, given: Collection[str]) -> Iterator[Entry]:
    """The inputs that must have a value, and are not among those given."""
    for entry in process.inputs:
        type_ = entry.field("type")
        if entry.id not in given and type_ and entry.field("default") is None and _is_required(plain(type_.node)):
            yield entry


def _is_required(type_: Any) -> bool:
    """Whether a type certainly admits no null; one that is defined elsewhere may."""
    if isinstance(type_, str):
        return type_.replace("[]", "") in BUILTIN
    if isinstance(type_, list):
        return bool(type_) and all(map(_is_required, type_))
    return isinstance(type_, dict) and type_.get("type") in ("array", "record", "enum")
