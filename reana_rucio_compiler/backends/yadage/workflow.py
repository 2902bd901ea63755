"""What a Yadage workflow says: its stages, what they wait for, and which results they ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ... import rules
from .form import check_workflow, has_form
from .tree import Cursor, Tree

INIT = "init"
MAX_DEPTH = 20  # of workflows in workflows; a workflow that holds itself has no end
MAX_STAGES = 1000  # with those of workflows in workflows: in one argument REANA can start a few hundred (facts A.4)

SELECTORS = ("step", "steps", "stages")
_JQ_KEY = re.compile(r"\s*\.(?P<name>[A-Za-z_]\w*)")
_JQ = re.compile(r"\s*\.(?P<name>[A-Za-z_]\w*)\s*(?P<rest>\[[^\]]*\])?\s*\Z")  # what a jq-stage may say of one stage
_FIELD = r"""(?:[A-Za-z_@][\w@-]*|"[^"]*"|'[^']*')"""
_PATH = re.compile(rf"\s*(?:\$\s*\.\s*)?(?P<name>{_FIELD})\s*(?P<rest>(?:[.\[].*)?)\Z", re.DOTALL)
_ALL = re.compile(r"\s*(?:\$\s*\.{0,2}\s*)?\*\s*(?:\.?\s*\[[^\]]*\]\s*)?\Z")
_JQ_ALL = re.compile(r"\s*\.\s*\[\s*\]")
_DEEP = re.compile(rf"\s*\$?\s*\.\.\s*(?P<name>{_FIELD})", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Selection:
    """``{step: query, output: what}``: the results that a stage asks for. ``query`` is the scalar with the JSONPath.

    With ``jq`` it is ``{$wflowref: [query, what]}`` of a jq-stage, and both are programs of jq. One that is
    ``registered`` is evaluated when a later stage asks for the value, so that it may name the stage's own results.
    """

    query: Cursor
    place: Cursor
    output: str | None
    jq: bool = False
    registered: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The stages that the query begins at; ``*`` among them where it cannot be known."""
        if not self.jq:
            return names_in(self.query.text)
        found = _JQ.match(self.query.text)
        if found:
            return frozenset({found["name"]})
        return frozenset({"*"} if re.search(rf"\b{INIT}\b|^\s*\.\s*$|\.\[\]", self.query.text) else ())

    @property
    def takes_all(self) -> bool:
        """Whether the steps of all stages are meant, whatever stages there are."""
        return bool((_JQ_ALL if self.jq else _ALL).match(self.query.text))

    def renamed(self, name: str) -> str | None:
        """The query with another stage in the place of that which it begins at; None where it is not so simple."""
        found = (_JQ if self.jq else _PATH).match(self.query.text)
        if not found or len(self.names) > 1:
            return None
        return self.query.text[: found.start("name")] + name + self.query.text[found.end("name") :]

    def key(self, known: frozenset[str]) -> str | None:
        """The output that is asked for, given those known, or None for all of them (or what cannot be known)."""
        if self.output is None or self.output in known:
            return self.output
        found = (_JQ_KEY if self.jq else _PATH).match(self.output)
        return unquoted(found["name"]) if found else None


@dataclass(frozen=True, eq=False)
class Stage:
    """A stage of a workflow. ``steps`` are what it runs, ``workflows`` the workflows that it runs instead.

    Where it is ``conditional`` these are cases, and it may run none of them.
    """

    name: str
    cursor: Cursor
    scheduler: Cursor
    kind: str
    parameters: tuple[tuple[str, Cursor], ...]
    selections: tuple[Selection, ...]
    dependencies: tuple[Cursor, ...]
    steps: tuple[Cursor, ...]
    workflows: tuple[tuple[Stage, ...], ...]
    conditional: bool = False

    @property
    def scatters(self) -> bool:
        """Whether its steps are numbered: they work in ``NAME_0``, ``NAME_1``…"""
        return self.kind != "singlestep-stage"

    @property
    def waits_for(self) -> frozenset[str]:
        """The stages that it waits for, ``*`` among them where it cannot be known."""
        return frozenset().union(*(names_in(each.text) for each in self.dependencies))


def read_stages(tree: Tree, workflow: Cursor, depth: int = 0) -> tuple[Stage, ...]:
    """The stages of a workflow, those of its sub-workflows within; what is no stage is reported and left out."""
    listed = tree.get(workflow, "stages")
    if listed is None or listed.node.kind != "sequence":
        tree.report.add(
            rules.NOT_A_WORKFLOW, workflow.span, 'a Yadage workflow is a list of "stages"', "write stages: …"
        )
        return ()
    check_workflow(tree, workflow)
    before, tree.stages = tree.stages, tree.stages + len(listed.node.items)
    if tree.stages > MAX_STAGES:
        if before <= MAX_STAGES:
            message = f"the workflows in workflows amount to more than {MAX_STAGES} stages"
            tree.report.add(rules.TOO_LARGE, listed.span, message, "REANA cannot start a workflow of that size")
        return ()
    found = []
    for _, each in tree.children(listed):
        place = tree.resolved(each)
        if place is None:
            message = "a stage that is not in a file of the workspace cannot be compiled"
            tree.report.add(rules.NOT_A_WORKFLOW, each.span, message, "copy it beside reana.yaml")
        elif has_form(tree, place):
            found.append(_read_stage(tree, place, depth))
    return tuple(found)


def _read_stage(tree: Tree, place: Cursor, depth: int) -> Stage:
    name, scheduler = tree.get(place, "name"), tree.get(place, "scheduler")
    kind = tree.get(scheduler, "scheduler_type")
    if name is None or scheduler is None or kind is None:
        raise AssertionError("a stage of that form has a name, a scheduler and a kind")
    parameters = tuple(_parameters(tree, scheduler))
    steps, workflows = [], []
    cases = _cases(tree, scheduler)
    for branch in (scheduler, *cases):
        step, workflow = tree.get(branch, "step"), tree.get(branch, "workflow")
        if step:
            steps.append(step)
        if workflow and depth < MAX_DEPTH:
            workflows.append(read_stages(tree, workflow, depth + 1))
    return Stage(
        name=name.text,
        cursor=place,
        scheduler=scheduler,
        kind=kind.text,
        parameters=parameters,
        selections=tuple(_selections(tree, place, scheduler, parameters)),
        dependencies=tuple(_dependencies(tree, place)),
        steps=tuple(steps),
        workflows=tuple(workflows),
        conditional=bool(cases) and not any(_says_true(tree.get(each, "if")) for each in cases),
    )


def _cases(tree: Tree, scheduler: Cursor) -> list[Cursor]:
    cases = tree.get(scheduler, "cases")
    found = (tree.resolved(each) for _, each in (tree.children(cases) if cases else ()))
    return [each for each in found if each]


def _says_true(condition: Cursor | None) -> bool:
    return condition is not None and condition.text.strip() == "true"


def _parameters(tree: Tree, scheduler: Cursor) -> Iterator[tuple[str, Cursor]]:
    """The parameters by name, in both forms that Yadage takes: a mapping, and a list of keys and values."""
    said, place = tree.child(scheduler, "parameters"), tree.get(scheduler, "parameters")
    if said and place and said.node is not place.node:
        message = "REANA cannot load parameters that stand elsewhere"
        tree.report.add(rules.NOT_A_WORKFLOW, said.span, message, "write them here")
    for key, each in tree.children(place) if place else ():
        if place and place.node.kind == "mapping":
            yield key, each
        else:
            name, value = tree.get(each, "key"), tree.resolved(each)
            value = tree.child(value, "value") if value else None
            if name and value:
                yield name.text, value


def _selections(
    tree: Tree, place: Cursor, scheduler: Cursor, parameters: tuple[tuple[str, Cursor], ...]
) -> Iterator[Selection]:
    given = tree.get(scheduler, "parameters")
    as_mapping = given is not None and given.node.kind == "mapping"
    for _, value in parameters:
        yield from _selection(tree, value, typed=not as_mapping or value.node.get("$ref") is not None)
    registered = tree.get(scheduler, "register_values")
    for _, each in tree.children(registered) if registered else ():
        yield from (replace(found, registered=True) for found in _selection(tree, each, typed=True))
    expressions = tree.get(place, "dependencies", "expressions")
    for _, each in tree.children(expressions) if expressions else ():
        yield from _selection(tree, each, typed=True)
    bindings = tree.get(scheduler, "bindings")
    for _, each in tree.children(bindings) if bindings else ():
        reference = tree.get(each, "$wflowref")
        query, output = (tree.get(reference, at) for at in (0, 1))
        if query and output:
            said = output.text.strip()
            yield Selection(query, each, None if said == "." else said, jq=True)


def _selection(tree: Tree, place: Cursor, typed: bool) -> Iterator[Selection]:
    """The selection at a place, if it is one: Yadage wants its type said everywhere but in a mapping of parameters."""
    mapping = tree.resolved(place)
    if mapping is None or mapping.node.kind != "mapping":
        return
    kind = tree.get(mapping, "expression_type")
    if (typed or kind) and (kind is None or kind.text != "stage-output-selector"):
        return
    queries = (tree.get(mapping, key) for key in SELECTORS)
    query = next((each for each in queries if each and each.text), None)
    if query:
        output = tree.get(mapping, "output")
        said = output.text if output and output.node.data not in (None, "", "$") else None
        yield Selection(query, place, said)


def _dependencies(tree: Tree, place: Cursor) -> Iterator[Cursor]:
    listed = tree.get(place, "dependencies")
    if listed and listed.node.kind == "mapping":
        listed = tree.get(listed, "expressions")
    for _, each in tree.children(listed) if listed else ():
        if each.text:
            yield each


def names_in(query: str) -> frozenset[str]:
    """The stages that a JSONPath over stages begins at: ``a[*].b`` at a, ``'a','b'`` at both, ``*`` anywhere."""
    found = (_PATH.match(part) or _DEEP.match(part) for part in re.split(r"[,|]", query))
    return frozenset(unquoted(each["name"]) if each else "*" for each in found)


def quoted(name: str) -> str:
    """A stage's name as JSONPath has it."""
    if re.fullmatch(r"[A-Za-z_@][\w@-]*", name):
        return name
    return f'"{name}"' if '"' not in name else f"'{name}'"


def unquoted(field: str) -> str:
    """The name that a field of a JSONPath says."""
    return field[1:-1] if field[:1] in ("'", '"') else field
