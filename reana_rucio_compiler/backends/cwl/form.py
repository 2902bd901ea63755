"""The form of the process that is rewritten, whose members the other modules take for what CWL wants them to be."""

from __future__ import annotations

from ... import rules
from ...diagnostics import Report
from .reading import Entry, Files, Place, Process


def has_form(process: Process, report: Report) -> bool:
    """Whether a Workflow or tool has the members that CWL wants, each as CWL wants it; what is wrong is reported."""
    return _Form(process, report).holds()


class _Form:
    def __init__(self, process: Process, report: Report) -> None:
        self.process, self.report, self.good = process, report, True
        self.files: Files = process.files

    def holds(self) -> bool:
        place, is_workflow = self.process.place, self.process.kind == "Workflow"
        for key in ("inputs", "outputs", "steps") if is_workflow else ("inputs", "outputs"):
            self.members(place, key, f"the {self.process.kind}")
        for key in ("requirements", "hints"):
            self.members(place, key, "", required=False)
        if self.good and is_workflow:
            for output in self.process.outputs:
                self.names(output.field("outputSource"))
            for step in self.process.steps:
                self.step(step)
        return self.good

    def step(self, step: Entry) -> None:
        if step.place.node.kind != "mapping":
            self.wrong(step.place, f'the step "{step.id}" is no mapping', "it has in:, out: and run:")
            return
        if step.field("run") is None:
            self.wrong(step.place, f'the step "{step.id}" has no "run"', "name the file of a tool or a workflow there")
        self.members(step.place, "in", f'the step "{step.id}"')
        for key in ("requirements", "hints"):
            self.members(step.place, key, "", required=False)
        for entry in self.process.step_inputs(step):
            self.names(entry.field("source"))

    def members(self, place: Place, key: str, owner: str, required: bool = True) -> None:
        """Report a member that is neither a map nor a list of mappings."""
        container = place.get(key)
        if container is None:
            if required:
                self.wrong(place, f'{owner} has no "{key}"', f"where there are none, write {key}: []")
            return
        container = self.files.resolve(container)
        if container.node.kind == "scalar":
            hint = f"where there are none, write {key}: []" if container.node.data is None else ""
            self.wrong(container, f'"{key}" is neither a map nor a list', hint)
        for name in container.keys if key in ("requirements", "hints") else ():
            value = container.get(name)
            if value and self.files.resolve(value).node.kind != "mapping":
                self.wrong(value, f'"{name}" among the {key} is no mapping', f"without any field, write {name}: {{}}")
        for item in container.items:
            if self.files.resolve(item).node.kind != "mapping":
                self.wrong(item, f'an item of the list "{key}" is no mapping', "each has an id, or a class")

    def names(self, source: Place | None) -> None:
        """Report a source that is neither a name nor a list of names."""
        if source and not all(each.node.kind == "scalar" for each in source.items or (source,)):
            self.wrong(source, "a source is the name of an input or of a step's output, or a list of such names", "")

    def wrong(self, place: Place, message: str, hint: str) -> None:
        self.report.add(rules.CWL_FORM, place.span, message, hint)
        self.good = False
