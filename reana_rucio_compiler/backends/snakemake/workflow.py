"""The Snakefiles of a workflow, read, and the configuration that they get."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from posixpath import dirname, join, normpath

from ... import rules
from ...checks import normalised, parents
from ...diagnostics import Report
from ...references import find_references
from ...source import Source
from ...task import Task
from ...workspace import parameter_file_at
from .related import Related
from .snakefile import Rule, Snakefile, evaluated, read
from .values import Item, Values
from .wildcards import may_overlap

PATHS = re.compile(r"(?<![\w./-])[\w./-]+")  # in commands


class Workflow:
    """The Snakefile of a workflow and those that it includes. ``complete`` says whether those are all of its rules."""

    def __init__(self, files: tuple[Snakefile, ...], values: Values, complete: bool) -> None:
        self.files, self.values, self.complete = files, values, complete

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of all files."""
        return tuple(rule for file in self.files for rule in file.rules)

    @cached_property
    def inputs(self) -> Related[tuple[int, Item]]:
        """What the rules take, each with the number of its rule."""
        return self._items("input")

    @cached_property
    def outputs(self) -> Related[tuple[int, Item]]:
        """What the rules make, each with the number of its rule."""
        return self._items("output")

    def _items(self, keyword: str) -> Related[tuple[int, Item]]:
        found = ((number, item) for number, rule in enumerate(self.rules) for item in rule.items(keyword))
        return Related((item.text, (number, item)) for number, item in found)

    @cached_property
    def named(self) -> Mapping[str, frozenset[int]]:
        """For each path that commands and parameters name, and each directory it is in: the numbers of their rules."""
        return self._named[0]

    @cached_property
    def named_whole(self) -> Mapping[str, frozenset[int]]:
        """The same without these directories: paths, and what stands before a glob or a value (``data/*.root``)."""
        return self._named[1]

    @cached_property
    def _named(self) -> tuple[dict[str, frozenset[int]], dict[str, frozenset[int]]]:
        within: defaultdict[str, set[int]] = defaultdict(set)
        whole: defaultdict[str, set[int]] = defaultdict(set)
        for number, rule in enumerate(self.rules):
            texts = [rule.directives["shell"].body.text] if "shell" in rule.directives else []
            texts += [item.text for item in (*rule.items("params"), *rule.items("log"))]
            for path in {normalised(path) for text in texts for path in PATHS.findall(text)}:
                whole[path].add(number)
                for each in (path, *parents(path)):
                    within[each].add(number)
        frozen = [{path: frozenset(found) for path, found in each.items()} for each in (within, whole)]
        return frozen[0], frozen[1]

    @cached_property
    def knows_inputs(self) -> bool:
        """Whether everything that its rules take is known."""
        return self.complete and all(rule.knows("input") for rule in self.rules)

    @cached_property
    def behind(self) -> tuple[frozenset[int], ...]:
        """For each rule, by its number, the rules that may take what it makes."""
        return tuple(
            frozenset(
                number
                for made in rule.items("output")
                for number, taken in self.inputs.to(normalised(made.text))
                if may_overlap(taken.text, made.text)
            )
            for rule in self.rules
        )

    @property
    def elsewhere(self) -> bool:
        """Whether some rule names a compute backend, which may be another than Kubernetes."""
        return any("compute_backend" in file.source.text for file in self.files)

    def spellings(self, path: str) -> set[str]:
        """How the inputs of the rules spell a path otherwise than normalised; a slash at its end says nothing."""
        texts = {item.text.rstrip("/") for _, item in self.inputs.to(path)}
        return {text for text in texts if text != path and not text.startswith("/") and normalised(text) == path}


def find_workflow(task: Task, path: str, report: Report) -> Workflow | None:
    """The Snakefile at a path of the workspace with all that it includes by name; None where it cannot be read."""
    files: dict[str, Snakefile] = {}
    wanted, complete = [(path, task.document.span(("workflow", "file")))], True
    for name, span in wanted:
        text = task.workspace.read(name, report, span)
        if text is None:
            return None
        files[name] = read(Source(task.workspace.shown(name), text), dirname(name))
        for section in files[name].section("include"):
            items, known = Values({}, ()).arguments(section.tree, section.body)
            names = [normpath(join(dirname(name), item.text)) for item in items]
            present = [each for each in names if task.workspace.exists(each) and not each.startswith(("/", ".."))]
            complete = complete and known and present == names
            wanted += [(each, section.span) for each in present if each not in dict(wanted)]
    complete = complete and not any(
        file.modules or any(rule.kind == "use" for rule in file.rules) for file in files.values()
    )
    config = {**_configfiles(task, files.values(), report), **_parameters(task)}
    values = Values(config, [file.code for file in files.values() if file.code])
    return Workflow(tuple(evaluated(file, values) for file in files.values()), values, complete)


def _configfiles(task: Task, files: Iterable[Snakefile], report: Report) -> dict[str, object]:
    """What the files say that the Snakefiles name as their configuration; they may hold no expression of ours."""
    config: dict[str, object] = {}
    where = parameter_file_at(task.document)
    parameters = task.document.at(where) if where else None
    for section in (section for file in files for section in file.section("configfile")):
        for item in Values({}, ()).arguments(section.tree, section.body)[0]:
            unseen = Report()  # a file that cannot be read, or is made later, is for Snakemake to refuse
            document = task.workspace.load(item.text, unseen, item.span)
            if document is None or unseen.failed:
                continue
            if parameters is None or normalised(parameters.value) != normalised(item.text):
                for reference in find_references(document, report, parameters=True):
                    message = f'"{item.text}" is read by the Snakefile as it is, with this expression'
                    hint = f'name it in reana.yaml as "inputs: parameters: input: {item.text}", or write the path here'
                    report.add(rules.MISPLACED, reference.span, message, hint)
            config.update(document.root.data if isinstance(document.root.data, dict) else {})
    return config


def _parameters(task: Task) -> dict[str, object]:
    """The configuration that REANA gives to Snakemake: the parameters, with paths for their expressions."""
    document, start = (task.parameters, ()) if task.parameters else (task.document, ("inputs", "parameters"))
    node = document.at(start)
    paths = {
        value.reference.where: value.text
        for value in task.plan.values
        if value.reference.span.source is document.source
    }

    def with_paths(data: object, where: tuple[str | int, ...]) -> object:
        if where in paths:
            return paths[where]
        if isinstance(data, dict):
            return {key: with_paths(value, (*where, key)) for key, value in data.items()}
        if isinstance(data, list):
            return [with_paths(value, (*where, index)) for index, value in enumerate(data)]
        return data

    config = with_paths(node.data, start) if node else {}
    return config if isinstance(config, dict) else {}
