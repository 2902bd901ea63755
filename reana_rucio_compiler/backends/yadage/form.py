"""The form of a workflow, member by member: Yadage refuses one with a key, a kind or a type that it does not know.

It validates against alternatives, and says no more than that a stage is of none of them. Here each member is held
against the one that its own ``scheduler_type``, or the like, says it is.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ... import resources, rules
from ...instances import nearest
from ...schema import findings_by
from ...source import Span
from ...validity import is_surely_valid
from .tree import Cursor, Tree

RUN = ("step", "workflow", "cases")
_TAKEN = {"process": "string-interpolated-cmd", "environment": "noop-env"}  # what one without a type is taken for


def check_workflow(tree: Tree, workflow: Cursor) -> None:
    """Report the keys of a workflow that Yadage does not know."""
    for key, _ in tree.children(workflow):
        if key != "stages":
            hint = nearest(key, ["stages"]) or "remove it, or, where a $ref points to it, keep it in a file of its own"
            message = f'Yadage refuses a workflow with "{key}" beside its stages'
            tree.report.add(rules.YADAGE_FORM, tree.key_span(workflow, key), message, hint)


def has_form(tree: Tree, stage: Cursor) -> bool:
    """Whether a stage is of a form that Yadage knows, sub-workflows left aside; what is wrong is reported."""
    return _Form(tree).stage(stage)


@cache
def _schemas() -> Any:
    return json.loads(resources.read("schemas", "yadage.json"))


class _Form:
    def __init__(self, tree: Tree) -> None:
        self.tree, self.good = tree, True

    def stage(self, stage: Cursor) -> bool:
        """Check a stage, and the steps that it runs."""
        self.check(stage, "stage", _schemas()["stage"])
        dependencies, scheduler = self.tree.get(stage, "dependencies"), self.tree.get(stage, "scheduler")
        if dependencies and dependencies.node.kind == "mapping":
            self.check(dependencies, "dependencies", _schemas()["dependencies"])
        elif dependencies and dependencies.node.kind == "scalar":
            hint = f"write dependencies: [{dependencies.text}]"
            self.wrong(dependencies.span, '"dependencies" must be a list', hint)
        if scheduler and scheduler.node.kind == "mapping":
            self.scheduler(scheduler)
        return self.good and bool(self.tree.get(stage, "name") and self.tree.get(scheduler, "scheduler_type"))

    def scheduler(self, scheduler: Cursor) -> None:
        """Check what a stage runs, how often, and on what."""
        kind = self.kind(scheduler, "scheduler")
        cases, scatter = self.tree.get(scheduler, "cases"), self.tree.get(scheduler, "scatter")
        branches = [self.tree.resolved(each) for _, each in (self.tree.children(cases) if cases else ())]
        if kind in ("singlestep-stage", "multistep-stage"):
            self.parameters(scheduler)
            said = [key for key in RUN if self.tree.child(scheduler, key)]
            if not said and self.good:
                self.wrong(scheduler.span, 'this "scheduler" has nothing to run', "add step: or workflow:")
            elif len(said) > 1 and kind == "singlestep-stage":
                self.wrong(
                    scheduler.span, f'this "scheduler" has a "{said[0]}" and a "{said[1]}"', "remove one of them"
                )
        if scatter and kind == "multistep-stage":
            self.check(scatter, "scatter", _schemas()["scatter"])
        for branch in filter(None, branches):
            self.check(branch, "case", _schemas()["case"])
        for branch in (scheduler, *filter(None, branches)):
            step = self.tree.get(branch, "step")
            if step:
                self.step(step)

    def parameters(self, scheduler: Cursor) -> None:
        """Check the parameters of a stage, a mapping or a list of keys and values."""
        place = self.tree.get(scheduler, "parameters")
        if place and place.node.kind == "scalar":
            self.wrong(place.span, '"parameters" are neither a mapping nor a list', "where there are none, write {}")
        for key, each in self.tree.children(place) if place else ():
            name, value = key, self.tree.resolved(each)
            if place and place.node.kind == "sequence" and value:
                self.check(value, "parameter", _schemas()["parameter"])
                name, value = "value", self.tree.get(value, "value")
            if value and value.node.kind == "scalar" and isinstance(value.node.data, (bool, type(None))):
                what = "empty" if value.node.data is None else "true or false"
                hint = "quote it" if value.node.value else "remove it, or write ''"
                self.wrong(value.span, f'"{name}" is {what}, which Yadage takes for no parameter', hint)

    def step(self, step: Cursor) -> None:
        """Check a step: its process, its publisher and its environment; many stages may have the same one."""
        if (step.file, step.path) in self.tree.checked:
            return
        self.tree.checked.add((step.file, step.path))
        self.check(step, "step", _schemas()["step"])
        for part in ("process", "publisher", "environment"):
            place = self.tree.get(step, part)
            is_empty = place and place.node.kind == "scalar" and place.node.data is None
            if place and (part == "publisher" or not is_empty):  # the others may be empty
                self.kind(place, part)

    def kind(self, place: Cursor, part: str) -> str:
        """Check a part of a stage or step by its kind; the result is that kind, if it is known."""
        kinds, key = _schemas()[part], f"{part}_type"
        said = self.tree.get(place, key)
        kind: str = said.text if said else _TAKEN.get(part, "")
        if said and said.text and kind not in kinds:
            hint = nearest(kind, kinds) or f"there are {', '.join(kinds)}"
            self.wrong(said.span, f'Yadage knows no {part} "{kind}"', hint)
            return ""
        if kind in kinds and (said or is_surely_valid(self.data(place, part), _around(part, kinds[kind]))):
            self.check(place, part, kinds[kind])
            return kind
        self.check(place, part, {"type": "object", "required": [key], "properties": {key: {"type": "string"}}})
        return ""

    def check(self, place: Cursor, what: str, schema: Any) -> None:
        """Check the keys of a mapping, and of which type their values are."""
        data, around = self.data(place, what), _around(what, schema)
        if data is None or is_surely_valid(data, around):
            return
        for _, path, message, hint in findings_by(around, data):
            if not hint.startswith("rename "):
                self.wrong(self.span(place, path, message), message, hint)
            elif schema.get("additionalProperties") is not False:  # else the misspelt key is one that is not known
                self.wrong(self.tree.key_span(place, hint[len('rename "') : -1]), message, hint)

    def data(self, place: Cursor, what: str) -> dict[str, Any] | None:
        """A mapping with its values, without what is in these, as JSON, under what it is called.

        None where a reference in it leads to nothing that can be read.
        """
        if place.node.kind != "mapping":
            return {what: _flat(place)}
        members = {key: self.tree.resolved(each) for key, each in self.tree.children(place)}
        found = {key: _flat(value) for key, value in members.items() if value}
        return {what: found} if len(found) == len(members) else None

    def span(self, place: Cursor, path: tuple[Any, ...], message: str) -> Span:
        """Where the key of a finding stands, or its value."""
        if len(path) > 1 and "no property" in message:
            return self.tree.key_span(place, path[1])
        return (self.tree.get(place, *path[1:]) or place).span

    def wrong(self, span: Span, message: str, hint: str) -> None:
        self.tree.report.add(rules.YADAGE_FORM, span, message, hint)
        self.good = False


def _around(what: str, schema: Any) -> Any:
    return {"properties": {what: schema}}


def _flat(place: Cursor) -> Any:
    """A value as JSON has it, without what is in it, but for the items of a list."""
    if place.node.kind == "sequence":
        return [{"mapping": {}, "sequence": []}.get(each.kind, each.data) for each in place.node.items]
    return {} if place.node.kind == "mapping" else place.node.data
