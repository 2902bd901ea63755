"""From paths to inputs: which inputs of the Workflow are files that are staged, and which steps wait for them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ... import rules
from ...checks import parents
from ...diagnostics import Report
from ...documents import Document, Where, walk
from ...model import Transfer
from ...staging import unique
from ...task import Task
from .reading import Entry, Files, Place, Process, builtin, plain, short
from .value import NOTHING, Declared, Handed, Value, file_path, values_of

_Visit = tuple[Document, Where, frozenset[str]]  # a process, and which of its inputs are given
MAX_DEPTH = 50  # of workflows in workflows
_WORDS = re.compile(r"""[\s'"`=,;:()<>|&]+""")


@dataclass(frozen=True)
class Bound:
    """A value with staged files, which becomes the output ``id`` of a staging tool.

    ``value`` is that of the job order, with ``rucio_staged: PATH`` for the location of a file that is staged and
    ``rucio_handed: INPUT`` for that of one that is not. ``steps`` use it. It stood for the input ``replaces`` of the
    Workflow, or for the input ``of_step`` of a step (its id, and that of the input), whose default it was.
    """

    id: str
    type: Any
    secondary: Any
    value: Any
    transfers: tuple[Transfer, ...]
    handed: tuple[Handed, ...]
    steps: frozenset[str]
    replaces: str = ""
    of_step: tuple[str, str] | None = None


@dataclass(frozen=True)
class Bindings:
    """All of it: ``waiting`` are transfers with the steps that wait for them although no File hands them over."""

    bound: tuple[Bound, ...]
    waiting: tuple[tuple[Transfer, frozenset[str]], ...]


def bind(task: Task, files: Files, workflow: Process, job_order: Place | None, report: Report) -> Bindings:
    """Find every use of a staged path; what CWL cannot express is reported."""
    finder = Finder(task, files, workflow, job_order, report)
    bound = [each for entry in workflow.inputs for each in finder.input(entry)]
    bound += [each for step in workflow.steps for each in finder.step(step)]
    finder.report_nested(workflow)
    fed: dict[Transfer, frozenset[str]] = {}
    for each in bound:
        fed.update((transfer, fed.get(transfer, frozenset()) | each.steps) for transfer in each.transfers)
    waiting = []
    for transfer in task.plan.inputs:
        told = finder.told.get(transfer.path, frozenset())
        if transfer in fed:
            waiting += [(transfer, told - fed[transfer])] if told - fed[transfer] else []
            continue
        steps = told | finder.named.get(transfer.path, frozenset())
        waiting.append((transfer, steps or finder.steps))
        if transfer not in finder.wrong and not report.failed:
            message = f'nothing in the workflow takes "{transfer.path}" as a File or a Directory'
            who = "the steps that name it" if steps else "all steps"
            hint = f"it is staged into the workspace, and {who} wait for it"
            report.add(rules.CWL_NO_FILE, transfer.span, message, hint)
    return Bindings(tuple(bound), tuple(waiting))


class Finder:
    def __init__(self, task: Task, files: Files, workflow: Process, job_order: Place | None, report: Report) -> None:
        self.task, self.files, self.workflow, self.job_order, self.report = task, files, workflow, job_order, report
        self.staged: Mapping[str, Transfer] = {each.path: each for each in task.plan.inputs}
        self.values = values_of(task.plan)
        self.below: dict[str, Transfer] = {}  # the first that is staged into a directory
        for each in task.plan.inputs:
            for directory in ("", ".", *parents(each.path)):
                self.below.setdefault(directory, each)
        self.steps = frozenset(step.id for step in workflow.steps)
        self.names = {entry.id for entry in (*workflow.inputs, *workflow.outputs, *workflow.steps)}
        self.seen: set[tuple[Any, Any]] = set()  # the defaults that are looked at where they are used
        self.wrong: set[Transfer] = set()
        spaces = [place.get("$namespaces") for place in (job_order, Place(workflow.place.document, ())) if place]
        self.named_types = workflow.named_types
        self.namespaces = {key: text for each in spaces if each for key, text in _pairs(each)}

    def input(self, entry: Entry) -> Iterator[Bound]:
        """The input of the Workflow as a bound value, if its value holds a staged path."""
        given = self.job_order.get(entry.id) if self.job_order else None
        base = ""
        if given is None or (given.node.kind == "scalar" and given.node.data is None):
            given, base = entry.field("default"), self.base(entry.place)
        if given is not None:
            steps = self.workflow.users(entry.id)
            yield from self.value(given, base, entry, entry.id, steps, replaces=entry.id)

    def step(self, step: Entry) -> Iterator[Bound]:
        """The inputs of a step that are staged by default: by its own, or by that of the tool it runs."""
        given = {entry.id: entry for entry in self.workflow.step_inputs(step)}
        run = self.workflow.run(step)
        for entry in given.values():
            default = entry.field("default")
            if default is None:
                continue
            declared = run.input(entry.id) if run else None
            found = list(
                self.value(default, self.base(default), declared or entry, f"{step.id}_{entry.id}",
                           frozenset((step.id,)), of_step=(step.id, entry.id))
            )  # fmt: skip
            if found and entry.field("source"):
                message = f'"{entry.id}" has a source and a staged file for its default'
                hint = "give the file to the input of the workflow that is the source"
                self.report.add(rules.CWL_DEFAULT, default.span, message, hint)
            yield from found
        for declared in run.inputs if run and run.kind != "Workflow" else ():
            default = declared.field("default")
            if default is not None and declared.id not in given:
                yield from self.value(
                    default, self.base(default), declared, f"{step.id}_{declared.id}",
                    frozenset((step.id,)), of_step=(step.id, declared.id),
                )  # fmt: skip

    def value(
        self,
        place: Place,
        base: str,
        entry: Entry,
        name: str,
        steps: frozenset[str],
        replaces: str = "",
        of_step: tuple[str, str] | None = None,
    ) -> Iterator[Bound]:
        type_, secondary = entry.field("type"), entry.field("secondaryFiles")
        reader = Value(
            self, base, plain(type_.node) if type_ else "Any", name, bool(replaces) and loads_contents(entry)
        )
        value = reader.read(place, (type_, secondary))
        if reader.transfers:
            kind = "File[]" if reader.is_list else builtin(reader.type)
            yield Bound(
                unique(name, {"receipt"}), kind, plain(secondary.node) if secondary else None, value,
                tuple(dict.fromkeys(reader.transfers)), tuple(reader.handed), steps, replaces, of_step,
            )  # fmt: skip

    def item(self, declared: Declared) -> Declared:
        """What is declared of the items of an array."""
        shape = self.shape(declared[0])
        return (shape.get("items") if shape else None), declared[1]

    def field(self, declared: Declared, name: str) -> Declared:
        """What is declared of a field of a record."""
        shape = self.shape(declared[0])
        fields = shape.get("fields") if shape else None
        if fields is None:
            return NOTHING
        for key, each in zip((*fields.keys, *fields.items), (*map(fields.get, fields.keys), *fields.items)):
            given = each.get("name") if each and not isinstance(key, str) else None
            if each and name == (key if isinstance(key, str) else short(given.text) if given else ""):
                return (each.get("type") or each), each.get("secondaryFiles")
        return NOTHING

    def shape(self, type_: Place | None) -> Place | None:
        """The array or record that a type is, or that is one of its choices."""
        if type_ is None:
            return None
        type_ = self.files.resolve(type_)
        inner = type_.get("type")
        if inner is not None:
            return type_ if inner.text in ("array", "record") else self.shape(inner)
        if type_.text:
            return self.named_types.get(short(type_.text))
        return next((found for each in type_.items if (found := self.shape(each))), None)

    def expanded(self, name: str) -> str:
        """A format as CWL has it once the job order is loaded: with what its prefix stands for."""
        prefix, colon, rest = name.partition(":")
        return f"{self.namespaces[prefix]}{rest}" if colon and prefix in self.namespaces else name

    def base(self, place: Place) -> str:
        """The directory of a document, which the files of its defaults are sought from."""
        return posixpath.dirname(self.files.names.get(place.document, ""))

    @cached_property
    def told(self) -> Mapping[str, frozenset[str]]:
        """The steps that get a path as a string, or in one, by path."""
        found: dict[str, frozenset[str]] = {}
        for entry in self.workflow.inputs:
            given = (self.job_order.get(entry.id) if self.job_order else None) or entry.field("default")
            if given:
                self.note(given, self.workflow.users(entry.id), found)
        for step in self.workflow.steps:
            for entry in self.workflow.step_inputs(step):
                for each in (entry.field("default"), entry.field("valueFrom")):
                    if each:
                        self.note(each, {step.id}, found)
        return found

    @cached_property
    def named(self) -> Mapping[str, frozenset[str]]:
        """The steps whose tools name a path themselves, by path."""
        found: dict[str, frozenset[str]] = {}
        for step in self.workflow.steps:
            for tool in self.tools(self.workflow.run(step), set()):
                self.note(tool.place, {step.id}, found)
        return found

    def tools(self, process: Process | None, visited: set[Place], depth: int = 0) -> Iterator[Process]:
        """The process, or those that it runs."""
        if process is None or process.place in visited or depth > MAX_DEPTH:
            return
        visited.add(process.place)
        if process.kind != "Workflow":
            yield process
            return
        for step in process.steps:
            yield from self.tools(process.run(step), visited, depth + 1)

    def note(self, place: Place, steps: Set[str], found: dict[str, frozenset[str]]) -> None:
        """Note that steps know the paths in the strings of a place."""
        for where, node in walk(place.node, place.where):
            if node.kind == "scalar":
                text = self.values.get((place.document.source, where)) or node.value
                for path in {text.strip("/"), *(re.sub(r"^(\.*/)+|/+$", "", word) for word in _WORDS.split(text))}:
                    found[path] = found.get(path, frozenset()) | steps

    def relation(self, path: str, place: Place) -> Transfer | None:
        """The transfer to a path; one to a path in it or around it is reported."""
        if path in self.staged:
            return self.staged[path]
        around = next((self.staged[each] for each in parents(path) if each in self.staged), None)
        transfer = self.below.get(path) or around
        if transfer is None:
            return None
        if transfer is around:
            message = f'"{path}" is inside of "{transfer.path}", which is staged as a whole'
            hint = f"take the Directory, or stage the file: rucio(..., NAME) -> {path}"
        else:
            message = f'"{path or "."}" holds "{transfer.path}", which is staged'
            hint = "a directory is given to jobs as it is before anything is staged; stage all of it, or name the file"
        self.wrong.add(transfer)
        span = (place.get("location") or place.get("path") or place).span
        self.report.add(rules.INSIDE_STAGED, span, message, hint)
        return None

    def visit(self, process: Process, given: frozenset[str], visited: set[_Visit], depth: int = 0) -> None:
        """Read every process below one. Defaults of inputs that are ``given`` mean nothing, and are not looked at.

        Many steps may run one process, and others in it one again: each is looked at once for what it is given.
        """
        here = (process.place.document, process.place.where, given)
        if here in visited:
            return
        visited.add(here)
        if depth > MAX_DEPTH:
            message = f"this is in more than {MAX_DEPTH} workflows, each in another"
            self.report.add(rules.TOO_LARGE, process.place.span, message, "REANA cannot load a workflow of that depth")
            return
        for entry in process.inputs:
            default = entry.field("default")
            if default is not None and entry.id in given:
                self.seen |= {(default.document, where) for where, _ in walk(default.node, default.where)}
        for step in process.steps if process.kind == "Workflow" else ():
            run = process.run(step)
            fed = (entry.id for entry in process.step_inputs(step) if entry.field("source") or entry.field("default"))
            if run:
                self.visit(run, frozenset(fed), visited, depth + 1)

    def report_nested(self, process: Process) -> None:
        """Report each staged path in a document where no step of ours can replace it."""
        self.visit(process, frozenset(self.job_order.keys if self.job_order else ()), set())
        for document, name in list(self.files.names.items()):
            for where, node in walk(document.root):
                if node.kind != "mapping" or (document, where) in self.seen:
                    continue
                place = Place(document, where)
                text = place.get("$include")
                if text and text.text:
                    self.files.too_late(self.files.beside(document, text.text), text.span)
                path = file_path(place, posixpath.dirname(name), self.values)
                transfer = self.relation(path, place) if path is not None else None
                if transfer:
                    self.wrong.add(transfer)
                    message = f'"{path}" is staged, and stands here where no step can hand it over'
                    hint = "make it an input, and give the path in the parameters"
                    self.report.add(rules.CWL_DEFAULT, place.span, message, hint)


def loads_contents(entry: Entry) -> bool:
    """Whether CWL puts the contents of the files of an input into its value: of a Workflow's, before a step has it."""
    binding = entry.field("inputBinding") if entry.field("type") is not entry.place else None
    place = entry.field("loadContents") or (binding.get("loadContents") if binding else None)
    return place is not None and place.node.data is True


def _pairs(place: Place) -> Iterator[tuple[str, str]]:
    """The strings of a mapping, with their keys."""
    for key in place.keys:
        value = place.get(key)
        if value is not None:
            yield key, value.text
