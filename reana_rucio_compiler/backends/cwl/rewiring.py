"""The edits of the user's CWL: inputs go, their uses are fed by staging steps, and those steps are added."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...documents import Document, Where
from ...edits import Edit, apply, edit_mapping, edit_sequence, replace_scalar
from ...specification import compiled_name
from ...staging import unique
from .jobs import RECEIPT, StagingStep
from .reading import Entry, Files, Place, Process, class_of, plain, short


class Rewriting:
    """Collects the edits of all documents of a workflow, each once."""

    def __init__(self, files: Files, workflow: Process) -> None:
        self.files, self.workflow = files, workflow
        self.current = workflow.place.document  # the one that is being edited, for messages
        self._edits: dict[Document, dict[Edit, None]] = {}
        self._fragments: dict[tuple[Document, Where], str] = {}

    def add(self, document: Document, edits: Iterable[Edit]) -> None:
        """Take edits of a document; one that comes twice, because of an alias, is one."""
        self._edits.setdefault(document, {}).update(dict.fromkeys(edits))

    def refeed(self, scalar: Place, name: str, source: str) -> None:
        """Put a source in the place of an input in a reference, which may begin with the file that it stands in."""
        file, mark, fragment = scalar.text.rpartition("#")
        fragment = fragment[: len(fragment) - len(name)] + source
        if (scalar.document, scalar.where) in self.files.links:
            self._fragments[scalar.document, scalar.where] = fragment
            self.add(scalar.document, [])
        else:
            self.add(scalar.document, [scalar_edit(scalar, file + mark + fragment)])

    def extend(
        self, container: Place, first: Mapping[str, Any], last: Mapping[str, Any], remove: Iterable[str] = ()
    ) -> None:
        """Add members to a map or list of CWL, before and behind the others, and take some out."""
        self.current = container.document
        if container.node.kind == "mapping":
            edits = edit_mapping(container.document, container.where, remove, first, last)
        else:
            gone = [
                at for at, item in enumerate(container.items) if _identifier(self.files.resolve(item)) in set(remove)
            ]
            before, behind = ([_member(key, each) for key, each in members.items()] for members in (first, last))
            edits = edit_sequence(container.document, container.where, gone, {}, before, behind)
        self.add(container.document, edits)

    def texts(self, header: str, names: Mapping[Document, str]) -> dict[str, str]:
        """The edited documents, and those that name them, by their new names: of ``names``, or made from the old."""
        changed = set(self._edits)
        more = changed
        while more:
            more = {document for (document, _), target in self.files.links.items() if target in changed} - changed
            changed |= more

        def new_name(document: Document) -> str:
            return names.get(document) or compiled_name(self.files.names[document])

        for (document, where), target in self.files.links.items():
            if target in changed:
                place = Place(document, where)
                start = posixpath.dirname(self.files.names[document])
                path = posixpath.relpath(new_name(target), start or ".")
                _, mark, fragment = place.text.partition("#")
                fragment = self._fragments.get((document, where), fragment)
                self.add(document, [scalar_edit(place, path + mark + fragment)])
        return {new_name(document): with_header(document, edits, header) for document, edits in self._edits.items()}


def _identifier(place: Place) -> str:
    """The name of a member of a list: its id, or its class."""
    node = place.get("id") or place.get("class")
    return short(node.text) if node else place.text


def _member(key: str, value: Any) -> dict[str, Any]:
    """A member of a map as one of a list."""
    if isinstance(value, dict) and "class" in value:
        return value
    return {"id": key, **(value if isinstance(value, dict) else {"source": value})}


def scalar_edit(place: Place, text: str) -> Edit:
    """The edit that puts another string in the place of a scalar."""
    parent = place.document.at(place.where[:-1])
    return replace_scalar(place.node, text, parent is not None and parent.style == "flow")


def with_header(document: Document, edits: Iterable[Edit], header: str) -> str:
    """The edited text with our first line, behind a ``#!`` if there is one."""
    text = document.source.text
    start = 1 if text.startswith("\ufeff") else 0
    if text.startswith("#!", start):
        start = document.source.line_end(0)
    return apply(document, [*edits, Edit(start, start, -2, header)])


def rewire(rewriting: Rewriting, before: tuple[StagingStep, ...], links: Mapping[str, Mapping[str, Any]]) -> None:
    """Feed what the inputs fed from the staging steps, and tell other steps to wait for them.

    ``links`` is what each staging step, old and new, is to be, by id; those that are not of ``before`` come last.
    """
    workflow = rewriting.workflow
    fed = {bound.replaces: f"{step.id}/{bound.id}" for step in before for bound in step.bound if bound.replaces}
    added: dict[str, dict[str, Any]] = {step.id: {} for step in workflow.steps}
    for step in workflow.steps:
        for entry in workflow.step_inputs(step):
            _refeed(rewriting, entry.field("source"), fed)
        _add_defaults(rewriting, step, before, added[step.id])
        _add_waits(workflow, step, before, added[step.id])
    for output in workflow.outputs:
        _refeed(rewriting, output.field("outputSource"), fed)
    for step in workflow.steps:
        if added[step.id]:
            container = step.field("in")
            if container is None:
                rewriting.extend(step.place, {}, {"in": added[step.id]})
            else:
                rewriting.extend(rewriting.files.resolve(container), {}, added[step.id])
    ids = {step.id for step in before}
    steps = workflow.place.get("steps")
    if steps is None:
        raise AssertionError("a Workflow without steps is not rewired")
    first = {key: each for key, each in links.items() if key in ids}
    last = {key: each for key, each in links.items() if key not in ids}
    rewriting.extend(rewriting.files.resolve(steps), first, last)


def _refeed(rewriting: Rewriting, place: Place | None, fed: Mapping[str, str]) -> None:
    for scalar, step, name in rewriting.workflow.refers(place):
        if scalar.text.partition("#")[1] and not scalar.text.startswith("#"):
            rewriting.files.linked(scalar)
        if not step and name in fed:
            rewriting.refeed(scalar, name, fed[name])


def _add_defaults(rewriting: Rewriting, step: Entry, before: Iterable[StagingStep], added: dict[str, Any]) -> None:
    """Sources for inputs that had a staged file for their default."""
    entries = {entry.id: entry for entry in rewriting.workflow.step_inputs(step)}
    for staging in before:
        for bound in staging.bound:
            if bound.of_step is None or bound.of_step[0] != step.id:
                continue
            entry, source = entries.get(bound.of_step[1]), f"{staging.id}/{bound.id}"
            if entry is None:
                added[bound.of_step[1]] = source
            else:
                place = entry.place
                edits = edit_mapping(place.document, place.where, ["default"], {}, {"source": source})
                rewriting.add(place.document, edits)


def _add_waits(workflow: Process, step: Entry, before: Iterable[StagingStep], added: dict[str, Any]) -> None:
    """An input that the step's tool does not have: CWL starts no step before all its sources are there."""
    run = workflow.run(step)
    taken = {each.id for each in (*workflow.step_inputs(step), *(run.inputs if run else ()))}
    for staging in before:
        if step.id in staging.waiting:
            name = unique(re.sub(r"\W", "_", staging.id), taken)
            taken.add(name)
            added[name] = f"{staging.id}/{RECEIPT}"


def replace_inputs(rewriting: Rewriting, gone: Iterable[str], new: Mapping[str, Any]) -> None:
    """Take inputs of the Workflow out, and add others."""
    place = rewriting.workflow.place.get("inputs")
    if place is None:
        raise AssertionError("a Workflow without inputs is not rewired")
    container = rewriting.files.resolve(place)
    if container.node.kind == "mapping":
        rewriting.extend(container, {}, new, gone)
    else:
        members = {key: value if isinstance(value, dict) else {"type": value} for key, value in new.items()}
        rewriting.extend(container, {}, members, gone)


def push_down(rewriting: Rewriting) -> None:
    """Move to the user's steps what would reach ours from the Workflow, and could not be undone there.

    A ``reana`` hint goes over those of the steps: REANA lets the outermost win (facts A.1). Under a
    ShellCommandRequirement REANA's engine drops the first two words of any command; the innermost wins, as in CWL.
    """
    _push_down(rewriting, "hints", "reana", outermost_wins=True)
    _push_down(rewriting, "requirements", "ShellCommandRequirement", outermost_wins=False)


def _push_down(rewriting: Rewriting, section: str, name: str, outermost_wins: bool) -> None:
    workflow, files = rewriting.workflow, rewriting.files
    moved = workflow.requirement(name, section)
    if moved is None:
        return
    values = {key: each for key, each in plain(moved.place.node).items() if key != "class"}
    for step in workflow.steps:
        place = step.field(section)
        own = next((each for each in files.entries(place) if class_of(each) == name), None)
        if place is None:
            rewriting.extend(step.place, {}, {section: {name: values}})
        elif own is None:
            container = files.resolve(place)
            member = {"class": name, **values} if container.node.kind == "sequence" else values
            rewriting.extend(container, {}, {name: member})
        elif outermost_wins:
            rewriting.extend(own.place, {}, values, values)
    rewriting.extend(moved.container, {}, {}, [name])
