"""CWL documents as they were written: places that know where they stand, through ``$import``, ``$graph`` and ``run``.

Nothing is normalised and no expression is evaluated: what the compiler does not look at passes through.
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ... import rules
from ...checks import parents
from ...diagnostics import Report
from ...documents import Document, Key, Node, Where, walk
from ...source import Span
from ...workspace import Workspace

PROCESSES = ("Workflow", "CommandLineTool", "ExpressionTool", "Operation")


@dataclass(frozen=True)
class Place:
    """A node of a document, by the way to it."""

    document: Document
    where: Where

    @cached_property
    def node(self) -> Node:
        """The node; a place exists only where there is one."""
        node = self.document.at(self.where)
        if node is None:
            raise AssertionError(f"nothing at {self.where}")
        return node

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.document.span_of(self.node)

    @property
    def text(self) -> str:
        """What a scalar says; empty for anything else."""
        return self.node.value if self.node.kind == "scalar" else ""

    def get(self, key: Key) -> Place | None:
        """The value of a key or index."""
        if isinstance(key, str) and self.node.kind != "mapping":
            return None
        return Place(self.document, (*self.where, key)) if self.node.get(key) is not None else None

    @property
    def items(self) -> tuple[Place, ...]:
        """The items of a sequence."""
        return tuple(Place(self.document, (*self.where, at)) for at in range(len(self.node.items)))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping."""
        return tuple(key.value for key, _ in self.node.pairs)


@dataclass(frozen=True)
class Entry:
    """A member of what CWL lets one write as a map or as a list: an input, an output, a step, a hint.

    ``place`` is its value, ``container`` what it stands in, under ``key``: a string in a map, an index in a list.
    """

    id: str
    place: Place
    container: Place
    key: Key
    bare: str = ""

    def field(self, name: str) -> Place | None:
        """The value of a field. A map may give one field, ``bare``, in place of the mapping of all."""
        if self.place.node.kind == "mapping":
            return self.place.get(name)
        return self.place if name == self.bare else None

    @property
    def span(self) -> Span:
        """Where its name stands, or where it does."""
        document = self.container.document
        if isinstance(self.key, str):
            return document.key_span((*self.container.where, self.key))
        identifier = self.place.get("id")
        return identifier.span if identifier else self.place.span


class Files:
    """The CWL documents of one specification, each read once, and the links by which one names another."""

    def __init__(self, workspace: Workspace, report: Report, staged: Container[str]) -> None:
        self._workspace, self._report, self._staged = workspace, report, staged
        self._documents: dict[str, Document | None] = {}
        self.names: dict[Document, str] = {}
        self.links: dict[tuple[Document, Where], Document] = {}
        self._entries: dict[tuple[Document, Where, str], tuple[Entry, ...]] = {}

    def load(self, name: str, at: Span, base: str = "the specification") -> Document | None:
        """The document of a name in the workspace, which ``base`` names; what is wrong with it is reported, once."""
        if name not in self._documents:
            document = self._workspace.load(name, self._report, at, base=base)
            self.add(name, document)
        return self._documents[name]

    def add(self, name: str, document: Document | None) -> None:
        """Take a document for the file of a name."""
        self._documents[name] = document
        if document is not None:
            self.names[document] = name

    def linked(self, place: Place) -> Document | None:
        """The document that a scalar names, relative to its own; None for another machine's, and after an error."""
        target = place.text.partition("#")[0]
        if "://" in target:
            return None
        name = self.beside(place.document, target)
        base = posixpath.basename(self.names[place.document])
        document = None if self.too_late(name, place.span) else self.load(name, place.span, base)
        if document is not None:
            self.links[place.document, place.where] = document
        return document

    def beside(self, document: Document, target: str) -> str:
        """The name in the workspace of a file that a document names."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.names[document]), target))

    def too_late(self, name: str, at: Span) -> bool:
        """Whether a file that CWL reads to load the workflow is one that is staged, which is then reported."""
        found = any(each in self._staged for each in (name, *parents(name)))
        if found:
            message = f'"{name}" is read when the workflow is loaded, before anything can be staged'
            self._report.add(rules.STAGED_TOO_LATE, at, message, "keep this file beside reana.yaml")
        return found

    def resolve(self, place: Place) -> Place:
        """The place itself, or what its ``$import`` names."""
        for _ in range(8):
            target = place.get("$import")
            if target is None or not target.text:
                return place
            if target.text.startswith("#"):  # as cwltool packs: what has that id, here
                found = (where for where, node in walk(Place(place.document, ()).node) if is_called(node, target.text))
                where = next(found, None)
                return place if where is None else Place(place.document, where)
            document = self.linked(target)
            if document is None:
                return place
            place = Place(document, ())
        self._report.add(rules.CWL_REFERENCE, place.span, "the $import here leads to itself", "name the file it means")
        return place

    def entries(self, container: Place | None, bare: str = "") -> tuple[Entry, ...]:
        """The members of a map or list, with ``$import`` resolved; none where there is no container."""
        if container is None:
            return ()
        container = self.resolve(container)
        read = (container.document, container.where, bare)
        if read not in self._entries:
            self._entries[read] = tuple(self._read_entries(container, bare))
        return self._entries[read]

    def _read_entries(self, container: Place, bare: str) -> Iterator[Entry]:
        for key in (*container.keys, *range(len(container.node.items))):
            child = container.get(key)
            if child is None:
                continue
            place = self.resolve(child)
            identifier = place.get("id") or place.get("class")
            name = key if isinstance(key, str) else place.text or (identifier.text if identifier else "")
            yield Entry(short(name), place, container, key, bare)

    def process(self, place: Place) -> Process | None:
        """The process that ``run:`` gives or names; None where it cannot be seen."""
        place = self.resolve(place)
        if place.node.kind == "mapping":
            return Process(self, place) if place.get("class") else None
        target, _, fragment = place.text.partition("#")
        document = self.linked(place) if target else place.document
        return self.select(document, fragment, place.span) if document else None

    def select(self, document: Document, fragment: str, at: Span) -> Process | None:
        """The process of a document that a fragment names, or its only or its main one."""
        root = Place(document, ())
        graph = root.get("$graph")
        if graph is None:
            return Process(self, root) if root.get("class") else None
        found = [each for each in self.entries(graph) if each.place.get("class")]
        wanted = [each for each in found if each.id == (short(fragment) or "main")]
        if not wanted and not fragment and len(found) == 1:
            wanted = found
        if wanted:
            return Process(self, wanted[0].place)
        names = ", ".join(each.id for each in found) or "none"
        message = f'there is no process "{short(fragment) or "main"}" in the $graph of this file'
        self._report.add(rules.CWL_REFERENCE, at, message, f"there are: {names}")
        return None


@dataclass(frozen=True)
class Process:
    """A Workflow or a tool, as it was written."""

    files: Files
    place: Place

    @property
    def kind(self) -> str:
        """Its ``class``."""
        node = self.place.get("class")
        return node.text if node else ""

    @property
    def id(self) -> str:
        """Its short name; empty where it has none."""
        node = self.place.get("id")
        return short(node.text) if node else ""

    @property
    def version(self) -> str:
        """The ``cwlVersion`` of its document."""
        node = Place(self.place.document, ()).get("cwlVersion")
        return node.text if node else ""

    @property
    def inputs(self) -> tuple[Entry, ...]:
        """Its input parameters."""
        return self.files.entries(self.place.get("inputs"), "type")

    @property
    def outputs(self) -> tuple[Entry, ...]:
        """Its output parameters."""
        return self.files.entries(self.place.get("outputs"), "type")

    @property
    def steps(self) -> tuple[Entry, ...]:
        """The steps of a Workflow."""
        return self.files.entries(self.place.get("steps"))

    def requirement(self, name: str, section: str = "requirements") -> Entry | None:
        """The requirement (or hint) of a class."""
        entries = self.files.entries(self.place.get(section))
        return next((each for each in entries if class_of(each) == name), None)

    @property
    def named_types(self) -> dict[str, Place]:
        """The types that its SchemaDefRequirement defines, by their short names."""
        definitions = self.requirement("SchemaDefRequirement")
        types = definitions.place.get("types") if definitions else None
        found = [self.files.resolve(each) for each in (types.items if types else ())]
        one_by_one = [one for each in found for one in each.items or (each,)]  # an imported file may hold several
        return {short(name.text): each for each in one_by_one if (name := each.get("name"))}

    def input(self, name: str) -> Entry | None:
        """The input parameter of a name."""
        return self._inputs.get(name)

    def output(self, name: str) -> Entry | None:
        """The output parameter of a name."""
        return self._outputs.get(name)

    def step(self, name: str) -> Entry | None:
        """The step of a name."""
        return self._steps.get(name)

    @cached_property
    def _inputs(self) -> Mapping[str, Entry]:
        return _by_id(self.inputs)

    @cached_property
    def _outputs(self) -> Mapping[str, Entry]:
        return _by_id(self.outputs)

    @cached_property
    def _steps(self) -> Mapping[str, Entry]:
        return _by_id(self.steps)

    def users(self, name: str) -> frozenset[str]:
        """The steps of this Workflow that take one of its inputs."""
        return self._users.get(name, frozenset())

    @cached_property
    def _users(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for step in self.steps:
            for entry in self.step_inputs(step):
                for _, source, parameter in self.refers(entry.field("source")):
                    if not source:
                        found.setdefault(parameter, set()).add(step.id)
        return {name: frozenset(steps) for name, steps in found.items()}

    def step_inputs(self, step: Entry) -> tuple[Entry, ...]:
        """What a step of this Workflow is fed with."""
        return self.files.entries(step.field("in"), "source")

    def run(self, step: Entry) -> Process | None:
        """What a step of this Workflow runs; None where it cannot be seen."""
        place = step.field("run")
        return self.files.process(place) if place else None

    def refers(self, place: Place | None) -> Iterator[tuple[Place, str, str]]:
        """Each name in a ``source:``: where it stands, the step (empty: an input of the Workflow), the parameter."""
        for scalar in place.items or (place,) if place else ():
            if scalar.text:
                yield (scalar, *self.reference(scalar.text))

    def reference(self, text: str) -> tuple[str, str]:
        """The step (empty: an input of the Workflow) and the parameter that a source names."""
        parts = text.rpartition("#")[2].split("/")
        if "#" in text and len(parts) > 1 and parts[0] == self.id:
            parts = parts[1:]
        return (parts[-2] if len(parts) > 1 else ""), parts[-1]


def is_called(node: Node, name: str) -> bool:
    """Whether a node is a mapping with that id."""
    identifier = node.get("id") if node.kind == "mapping" else None
    return identifier is not None and identifier.kind == "scalar" and identifier.value == name


def _by_id(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries by id: of several, the first."""
    return {entry.id: entry for entry in reversed(tuple(entries))}


def class_of(entry: Entry) -> str:
    """The class of a requirement or hint, which a map has for a key."""
    return entry.key if isinstance(entry.key, str) else entry.id


def short(name: str) -> str:
    """A name without what CWL may put before it: ``file.cwl#main/x`` is ``x``."""
    return name.rpartition("#")[2].rpartition("/")[2]


def plain(node: Node) -> Any:
    """The value of a node as JSON has it; what JSON has not stays text."""
    if node.kind == "sequence":
        return [plain(item) for item in node.items]
    if node.kind == "mapping":
        return {key.value: plain(value) for key, value in node.pairs}
    return node.data if isinstance(node.data, (str, int, float, bool, type(None))) else node.value


def builtin(type_: Any) -> Any:
    """A type that does not admit null, for an output, where CWL itself defines all of it; else ``Any``."""
    if isinstance(type_, str):
        name = type_[:-1] if type_.endswith("?") else type_
        bare = name
        while bare.endswith("[]"):
            bare = bare[:-2]
        return name if bare in BUILTIN else "Any"
    if isinstance(type_, list):
        some = [builtin(each) for each in type_ if each != "null"]
        return "Any" if "Any" in some or not some else some if len(some) > 1 else some[0]
    if isinstance(type_, dict) and type_.get("type") == "array":
        items = builtin(type_.get("items"))
        return "Any" if items == "Any" else {"type": "array", "items": items}
    return "Any"


BUILTIN = frozenset(("File", "Directory", "string", "int", "long", "float", "double", "boolean"))


def mentions(type_: Any, name: str, named: Mapping[str, Place] = {}) -> bool:
    """Whether a type admits values of another one, perhaps inside of an array or a record. An unknown name does.

    ``named`` are the types that a SchemaDefRequirement defines.
    """
    if isinstance(type_, str):
        bare = type_.replace("[]", "").rstrip("?")
        if short(bare) in named:
            others = {key: each for key, each in named.items() if key != short(bare)}
            return mentions(plain(named[short(bare)].node), name, others)
        return bare in (name, "Any") or (bare not in BUILTIN and bare not in ("null", "array", "record", "enum"))
    if isinstance(type_, list):
        return any(mentions(each, name, named) for each in type_)
    if isinstance(type_, dict):
        if "$import" in type_:
            return True
        inner = [type_.get("type"), type_.get("items")]
        fields = type_.get("fields") or ()
        inner += [
            each.get("type") if isinstance(each, dict) else each
            for each in (fields.values() if isinstance(fields, dict) else fields)
        ]
        return any(mentions(each, name, named) for each in inner if each is not None)
    return False
