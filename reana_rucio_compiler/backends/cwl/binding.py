"""From paths to inputs: which inputs of the Workflow are files that are staged, and which steps wait for them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Union
from urllib.parse import unquote

from ... import rules
from ...checks import parents
from ...diagnostics import Report
from ...documents import Document, Where, walk
from ...model import Plan, Transfer
from ...source import Source
from ...staging import unique
from ...task import Task
from .reading import Entry, Files, Place, Process, builtin, mentions, plain, short

STAGED, HANDED, LISTED, LOADED = "rucio_staged", "rucio_handed", "rucio_listed", "rucio_loaded"  # words of driver.py


_Visit = tuple[Document, Where, frozenset[str]]  # a process, and which of its inputs are given
Declared = tuple[Union[Place, None], Union[Place, None]]  # a type, and the secondaryFiles of the files in it
NOTHING: Declared = (None, None)
MAX_DEPTH = 50  # of workflows in workflows
_WORDS = re.compile(r"""[\s'"`=,;:()<>|&]+""")


@dataclass(frozen=True)
class Handed:
    """A file that is not staged, in a value with one that is: a new input of the Workflow, for the staging tool."""

    id: str
    type: str
    value: Any


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
    finder = _Finder(task, files, workflow, job_order, report)
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


class _Finder:
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
        reader = _Value(
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
        self.report.add(rules.INSIDE_STAGED, place.span, message, hint)
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


class _Value:
    """Reads one value of the job order, with the files that are staged in it.

    With ``loaded`` the files get their contents into the value, as they would have had at the input.
    """

    def __init__(self, finder: _Finder, base: str, type_: Any, name: str, loaded: bool) -> None:
        self.finder, self.base, self.type, self.name, self.loaded = finder, base, type_, name, loaded
        self.transfers: list[Transfer] = []
        self.handed: list[Handed] = []
        self.is_list = False

    def read(self, place: Place, declared: Declared) -> Any:
        """The value; where nothing is staged, as it is."""
        draft = self.draft(place, declared)
        if not self.transfers:
            return draft
        value = self.complete(draft)
        for each in value if isinstance(value, list) else [value]:
            if self.loaded and isinstance(each, dict) and each.get("class") == "File":
                each[LOADED] = True
        return value

    def draft(self, place: Place, declared: Declared, depth: int = 0) -> Any:
        node = place.node
        if node.kind == "sequence":
            return [self.draft(each, self.finder.item(declared), depth + 1) for each in place.items]
        if node.kind == "mapping":
            kind = place.get("class")
            if kind and kind.text in ("File", "Directory"):
                return self.file(place, kind.text, declared[1])
            children = [(key, place.get(key)) for key in place.keys]
            return {
                key: self.draft(each, self.finder.field(declared, key), depth + 1) for key, each in children if each
            }
        text = self.finder.values.get((place.document.source, place.where))
        if text is None:
            return plain(node)
        return self.expression(place, text, declared[0], depth)

    def expression(self, place: Place, text: str, declared: Place | None, depth: int) -> Any:
        """A ``rucio(...)`` in the place of a value: the file, where the type admits one, else its path."""
        transfer = self.finder.staged[text]
        type_ = plain(declared.node) if declared else self.type
        files, directories = (mentions(type_, each, self.finder.named_types) for each in ("File", "Directory"))
        kind = "File" if transfer.type == "file" else "Directory"
        if files if kind == "File" else directories:
            self.transfers.append(transfer)
            return {"class": kind, STAGED: text}
        if kind == "Directory" and depth == 0 and files:
            self.transfers.append(transfer)
            self.is_list = True
            return {"class": kind, STAGED: text, LISTED: True}
        if files or directories:
            self.mismatch(place, transfer, "Directory" if kind == "File" else "File")
        return text

    def file(self, place: Place, kind: str, secondary: Place | None) -> Any:
        finder, path = self.finder, file_path(place, self.base, self.finder.values)
        finder.seen.add((place.document, place.where))
        value = {key: plain(child.node) for key in place.keys if (child := place.get(key))}
        for key in ("secondaryFiles", "listing"):
            inner = place.get(key)
            if inner is not None:
                value[key] = self.draft(inner, NOTHING, 1)
        if path is None:
            return value
        transfer = finder.relation(path, place)
        if transfer and kind != ("File" if transfer.type == "file" else "Directory"):
            self.mismatch(place, transfer, kind)
        elif transfer:
            self.transfers.append(transfer)
            value = {key: each for key, each in value.items() if key not in ("location", "path")}
            value[STAGED] = path
            if "format" in value:
                value["format"] = finder.expanded(str(value["format"]))
        if kind == "File" and secondary:
            self.find_secondary(place, value, path, transfer, secondary)
        return value

    def mismatch(self, place: Place, transfer: Transfer, wanted: str) -> None:
        self.finder.wrong.add(transfer)
        staged = "one file" if transfer.type == "file" else "a directory"
        message = f'"{transfer.path}" is staged as {staged}, and this is a {wanted}'
        hint = f"declare it under inputs.{'files' if wanted == 'File' else 'directories'}, or change the class"
        if place.node.kind == "scalar":
            hint = "a path that ends with / makes it a directory" if wanted == "Directory" else "leave the / away"
        self.finder.report.add(rules.CWL_CLASS, place.span, message, hint)

    def find_secondary(
        self, place: Place, value: dict[str, Any], path: str, transfer: Transfer | None, secondary: Place
    ) -> None:
        """Add the files that the declaration wants beside this one, where one of them is staged."""
        finder = self.finder
        for pattern, required in _patterns(secondary):
            beside = _beside(path, pattern)
            if beside is None:
                if transfer and "secondaryFiles" not in value:
                    message = f'the secondary file of "{path}" is an expression that is not evaluated here'
                    hint = (
                        "write a pattern such as .idx or $(self.nameroot).idx, or list secondaryFiles in the job order"
                    )
                    finder.report.add(rules.CWL_SECONDARY, secondary.span, message, hint)
                continue
            names = [str(each.get("basename") or each.get(STAGED) or each.get("location") or each.get("path"))
                     for each in value.get("secondaryFiles") or () if isinstance(each, dict)]  # fmt: skip
            if any(posixpath.basename(name) == posixpath.basename(beside) for name in names):
                continue
            also = finder.staged.get(beside)
            if also:
                self.transfers.append(also)
                kind = "File" if also.type == "file" else "Directory"
                value.setdefault("secondaryFiles", []).append({"class": kind, STAGED: beside})
            elif transfer and finder.task.workspace.exists(beside):
                value.setdefault("secondaryFiles", []).append({"class": "File", "location": beside})
            elif transfer and required:
                message = f'"{beside}" must stand beside "{path}", and nothing provides it'
                hint = f"stage it too: rucio(..., NAME) -> {beside}"
                finder.report.add(rules.CWL_SECONDARY, place.span, message, hint)

    def complete(self, draft: Any) -> Any:
        """Files that are not staged are handed to the staging tool, for CWL collects a value from one place."""
        if isinstance(draft, list):
            return [self.complete(each) for each in draft]
        if not isinstance(draft, dict):
            return draft
        value = {key: self.complete(each) for key, each in draft.items()}
        kind = value.get("class")
        where = value.get("location", value.get("path"))
        if kind not in ("File", "Directory") or STAGED in value or (where is None and "contents" not in value):
            return value
        kept = {key: each for key, each in value.items() if key not in ("location", "path", "contents")}
        alone = {key: each for key, each in value.items() if key not in ("secondaryFiles", "format")}
        if self.base and "location" in alone and "://" not in str(alone["location"]):
            alone["location"] = posixpath.normpath(posixpath.join(self.base, str(alone["location"])))
        name = unique(f"rucio_stage_{self.name}_{len(self.handed) + 1}", self.finder.names)
        self.handed.append(Handed(name, kind, alone))
        return {**kept, HANDED: name}


def _pairs(place: Place) -> Iterator[tuple[str, str]]:
    """The strings of a mapping, with their keys."""
    for key in place.keys:
        value = place.get(key)
        if value is not None:
            yield key, value.text


def values_of(plan: Plan) -> Mapping[tuple[Source, Where], str]:
    """The paths that replace expressions among the parameters, by where those stand."""
    return {(each.reference.span.source, each.reference.where): each.text for each in plan.values}


def file_path(place: Place, base: str, values: Mapping[tuple[Source, Where], str]) -> str | None:
    """The path in the workspace that a File or Directory object names; None where it names none."""
    kind = place.get("class")
    where = place.get("location") or place.get("path")
    if not kind or kind.text not in ("File", "Directory") or where is None or not where.text:
        return None
    expression = values.get((where.document.source, where.where))
    if expression is not None:
        return expression
    text = where.text[5:] if re.match("file:(?!/)", where.text) else where.text
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|/", text) or "$(" in text or "${" in text:
        return None
    path = posixpath.normpath(posixpath.join(base, unquote(text) if place.get("location") else text))
    return None if path.split("/")[0] == ".." else path


_TERM = r"""self\.(?:basename|nameroot|nameext)|'[^'\\]*'|"[^"\\]*\""""
_ADDED = re.compile(rf"\$\(\s*((?:{_TERM})(?:\s*\+\s*(?:{_TERM}))*)\s*\)")


def _added(terms: str, basename: str) -> str:
    """What an expression such as ``self.nameroot + '.idx'`` makes of the name of a file."""
    root, extension = posixpath.splitext(basename)
    values = {"basename": basename, "nameroot": root, "nameext": extension}
    return "".join(
        term[1:-1] if term[0] in "'\"" else values[term.partition(".")[2]] for term in re.findall(_TERM, terms)
    )


def _patterns(secondary: Place) -> Iterator[tuple[str, bool]]:
    """The patterns of ``secondaryFiles:``, and whether a file must match."""
    data = plain(secondary.node)
    for each in data if isinstance(data, list) else [data]:
        pattern = each.get("pattern") if isinstance(each, dict) else each
        required = each.get("required", True) is True if isinstance(each, dict) else True
        if isinstance(pattern, str):
            yield pattern.rstrip("?"), required and not pattern.endswith("?")


def _beside(path: str, pattern: str) -> str | None:
    """The file that a pattern names: each ``^`` takes an extension off, the rest is appended.

    An expression says the whole name; where more than attributes of ``self`` and strings make it, that is not known.
    """
    if "$(" in pattern or "${" in pattern:
        name = _ADDED.sub(lambda found: _added(found[1], posixpath.basename(path)), pattern)
        return None if "$(" in name or "${" in name else posixpath.join(posixpath.dirname(path), name)
    while pattern.startswith("^"):
        path, pattern = posixpath.splitext(path)[0], pattern[1:]
    return path + pattern
