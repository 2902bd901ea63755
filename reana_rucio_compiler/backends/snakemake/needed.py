"""Who needs what is staged. Snakemake knows it of the rules that take it as their input, and of no others.

But what an analysis uploads is there from its first job on, and of the inputs of public Snakemake analyses every other
stands in no ``input:``: a command names it (``python code/fit.py``), or only a script does. So a rule also waits for
what its command or its parameters name, and each that runs something waits where it is not seen which of them read it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from posixpath import basename

from ...checks import normalised, parents
from ...model import Transfer
from ...source import Span
from ...surroundings import beginning, uploaded
from ...task import Task
from ...tuples import NamedTuple
from .listed import listed
from .values import Item
from .wildcards import matches, may_overlap, wildcards
from .workflow import PATHS, Workflow


class Waits(NamedTuple):
    """Who waits for a staging job without taking what it makes: rules that name one of ``paths``, or ``every`` one.

    ``unseen`` are the transfers of the job that nothing is seen to need, where nothing makes the job run for them.
    """

    paths: tuple[str, ...] = ()
    every: bool = False
    unseen: tuple[Transfer, ...] = ()

    @property
    def pattern(self) -> str:
        """A regular expression that is found in the commands and parameters of the rules that wait; empty for none."""
        return naming(self.paths) if self.paths and not self.every else ""


class Needs:
    """Works out, for the staging jobs of a task, who needs what they make."""

    def __init__(self, task: Task, workflow: Workflow) -> None:
        self.task, self.workflow = task, workflow

    def waits(self, transfers: Iterable[Transfer]) -> Waits:
        """Who waits for one job that stages these transfers, none of which has wildcards in its path."""
        paths: list[str] = []
        unseen: list[Transfer] = []
        needed = every = False
        for transfer in transfers:
            takers, namers = self.takers(transfer), self.namers(transfer)
            needed = needed or bool(takers or namers)
            if not namers <= takers:
                paths.append(transfer.path)
            elif not takers:
                unseen.append(transfer)
        for transfer in list(unseen):
            if not self.workflow.knows_inputs and self._traced(transfer):
                paths.append(transfer.path)  # or else what takes it is known to Snakemake
            elif transfer.lazy or not (needed or self._mentioned(transfer)):
                continue
            else:
                every = True
            unseen.remove(transfer)
        return Waits(tuple(paths), every, () if every else tuple(unseen))

    def takers(self, transfer: Transfer) -> set[int]:
        """The rules, by their numbers, that have what is staged, or a file of it, in their input."""
        inside = f"{transfer.path}/" if listed(transfer, self.workflow) else None
        return {
            number
            for number, item in self.workflow.inputs.to(transfer.path)
            if takes(item, transfer) or (inside and normalised(item.text).startswith(inside))
        }

    def namers(self, transfer: Transfer) -> set[int]:
        """The rules, by their numbers, whose commands or parameters name what is staged, or the directory it is in."""
        named, whole = self.workflow.named, self.workflow.named_whole
        return set(named.get(transfer.path, ())).union(*(whole.get(each, ()) for each in parents(transfer.path)))

    def named_by_wildcards(self, transfer: Transfer) -> dict[int, Span]:
        """Where commands of rules, by their numbers, name a path that wildcards stand for and their inputs have not."""
        places: dict[int, Span] = {}
        for number, rule in enumerate(self.workflow.rules):
            if "shell" in rule.directives and rule.knows("input"):
                body = rule.directives["shell"].body
                taken = {normalised(item.text) for item in rule.items("input")}
                for found in PATHS.finditer(body.text):
                    path = normalised(found.group())
                    if matches(transfer.path, path) and not any(may_overlap(each, path) for each in taken):
                        places[number] = Span(body.source, body.start + found.start(), body.start + found.end())
        return places

    def _traced(self, transfer: Transfer) -> bool:
        """Whether the Snakefiles, or the configuration that they take, name a path, or a directory to make it from."""
        config = self.workflow.values.config
        text = "\n".join(file.source.text for file in self.workflow.files)
        if any(transfer.path in str(value) and str(key) in text for key, value in config.items()):
            return True
        names = [f"{directory}/" for directory in parents(transfer.path)]
        pattern = "|".join([re.escape(basename(transfer.path)), *(rf"{re.escape(name)}(?!\w)" for name in names)])
        return re.search(pattern, text) is not None

    def _mentioned(self, transfer: Transfer) -> bool:
        """Whether Snakefiles or uploaded files name a path, or some of these cannot be read."""
        return self._traced(transfer) or self._in_uploads is None or transfer.path in self._in_uploads

    @cached_property
    def _in_uploads(self) -> frozenset[str] | None:
        """The paths of which uploaded files say the name; None where not all of these files can be read from here."""
        left = {each.path for each in self.task.plan.inputs}
        documents = (each for each in (self.task.document, self.task.parameters) if each)
        own = {self.task.workspace.path(self.task.workspace.name_of(each)) for each in documents}
        found: set[str] = set()
        try:
            for file in uploaded(self.task.document, self.task.workspace):
                said = _said(b"" if file in own else beginning(file))
                found |= {path for path in left - found if not said.isdisjoint(_names(path))}
        except (OSError, ValueError):
            return None
        return frozenset(found)


def naming(paths: Iterable[str]) -> str:
    """A regular expression for texts that name one of the paths, or a directory that one is in as a whole."""
    paths = list(paths)
    directories = dict.fromkeys(parent for path in paths for parent in parents(path))
    words = [*map(re.escape, paths), *(rf"{re.escape(each)}/?(?![\w./-])" for each in directories)]
    return rf"(?<![\w-])(?<!\w/)(?:{'|'.join(words)})(?![\w-]|\.\w)"


def _names(path: str) -> set[str]:
    """How scripts may name a file: by the last part of its path, and as a module where it is one of Python."""
    module = re.sub(r"(/__init__)?\.py$", "", path).rpartition("/")[2]
    return {basename(path), f"import {module}"} if path.endswith(".py") else {basename(path)}


def _said(data: bytes) -> set[str]:
    """The names in a file: its words, with ``import`` before those of lines that import modules."""
    text = data.decode("utf-8", "replace")
    imports = re.findall(r"^[ \t]*(?:import|from)[ \t][^\n]*", text, re.MULTILINE)
    words = {word.strip(".-") for word in re.findall(r"[\w.-]+", text)}
    return words | {f"import {word}" for line in imports for word in re.findall(r"\w+", line)}


def takes(item: Item, transfer: Transfer) -> bool:
    """Whether an input is what is staged."""
    return not item.text.startswith("/") and may_overlap(normalised(item.text), transfer.path)


def apart(transfer: Transfer) -> bool:
    """Whether a transfer has a staging job of its own."""
    return transfer.lazy or bool(wildcards(transfer.path))


def together(transfers: Iterable[Transfer]) -> list[tuple[Transfer, ...]]:
    """The transfers by the staging jobs that they are in."""
    found: defaultdict[tuple[str, str], list[Transfer]] = defaultdict(list)
    for each in transfers:
        found[each.instance, each.path if apart(each) else ""].append(each)
    return [tuple(each) for each in found.values()]
