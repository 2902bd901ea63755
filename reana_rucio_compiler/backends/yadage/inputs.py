"""The parameters of a workflow, which its stages read as results of the stage ``init``.

init resolves each string that names a file of the workspace to the absolute path of that file, and each glob to the
files there. But it does so at once, and again at every tick of the engine: where a file has come in between, yadage
finds two results of one stage and fails the workflow (measured on REANA 0.9 and 0.95). So no parameter may name what
is still to be staged. ``data/x.root`` becomes ``rucio_stage_in/data/x.root``, which never exists, and the staging stage
publishes the parameter again, with the absolute path in the place of this. What init resolves, and what ``-p``
gives when the workflow is started, comes through unchanged.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from os.path import exists

from ... import rules
from ...checks import normalised
from ...diagnostics import Report
from ...documents import Document, Node, Where
from ...edits import Edit, Uneditable, edit_sequence, replace_scalar
from ...model import Transfer
from ...references import find_references
from ...specification import compiled_name
from ...task import Task
from .paths import GLOB, Staged, below_dataset, concerns, named, workspace_path
from .tree import compiled

OPTIONS = ("inputs", "options")


@dataclass(frozen=True)
class Leaf:
    """A string in the parameter ``key`` that concerns staged paths; ``text`` is it, relative to the workspace."""

    key: str
    document: Document
    where: Where
    text: str
    transfers: tuple[Transfer, ...]


@dataclass(frozen=True)
class Parameters:
    """What init is given: the parameters by name with the transfers that each concerns, and where the strings stand.

    ``mentions`` are the transfers whose path stands in a longer text, such as ``a.root,b.root``, which stays as it is,
    or all where the workspace itself is meant.
    """

    transfers: Mapping[str, tuple[Transfer, ...]]
    leaves: tuple[Leaf, ...]
    mentions: Mapping[str, tuple[Transfer, ...]]
    files: tuple[tuple[Where, str, Document], ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self.transfers)

    @cached_property
    def staged(self) -> Mapping[str, None]:
        """The parameters that concern staged paths, in order."""
        return dict.fromkeys(key for key, transfers in self.transfers.items() if transfers)


def read_parameters(task: Task, report: Report) -> Parameters:
    """The parameters of a specification: those of its ``initfiles``, and its own, which win."""
    directory = _initdir(task)
    leaves: dict[str, list[Leaf]] = {}
    mentions: dict[str, list[Transfer]] = {}
    files = tuple(_initfiles(task, report))
    staged = Staged(task.plan.inputs)
    values = {(each.reference.span.source, each.reference.where): each for each in task.plan.values}

    def read(document: Document, key: str, node: Node, path: Where) -> Iterator[Leaf]:
        if node.kind != "scalar":
            for inner, child in node.children:
                yield from read(document, key, child, (*path, inner))
            return
        value = values.get((document.source, path))
        if value:
            text, means = value.text, workspace_path(value.text)
        elif isinstance(node.data, str):
            # As init joins them: a trailing slash is kept, for a command may go on behind it.
            text, means = posixpath.join(directory, node.value), workspace_path(node.value, directory)
        else:
            return
        transfers = staged.concerned_by(means) if means else ()
        if transfers:
            yield Leaf(key, document, path, text, transfers)
        else:
            mentions[key] += staged.transfers if posixpath.normpath(text) == "." else named(text, staged)

    for document, top in (*((each, ()) for _, _, each in files), (task.document, ("inputs", "parameters"))):
        node = document.at(top)
        for name, value in node.pairs if node else ():
            path = (*top, name.value)
            mentions[name.value] = []
            leaves[name.value] = list(read(document, name.value, value, path))
    for leaf in (each for found in leaves.values() for each in found):
        _check_depth(leaf, report)
    transfers = {
        key: tuple({each.path: each for leaf in found for each in leaf.transfers}.values())
        for key, found in leaves.items()
    }
    return Parameters(
        transfers,
        tuple(leaf for found in leaves.values() for leaf in found),
        {key: tuple(found) for key, found in mentions.items() if found},
        files,
    )


def _check_depth(leaf: Leaf, report: Report) -> None:
    if leaf.transfers and all(below_dataset(leaf.text, each) for each in leaf.transfers):
        place = leaf.transfers[0].path
        message = f'"{leaf.text}" is in a directory in "{place}", and all files of a dataset are directly there'
        node = leaf.document.at(leaf.where)
        span = leaf.document.span_of(node) if node else leaf.transfers[0].span
        hint = f"write {place}/{posixpath.basename(leaf.text)}, or stage that directory by itself"
        report.add(rules.BELOW_DATASET, span, message, hint)


def _initdir(task: Task) -> str:
    node = task.document.at((*OPTIONS, "initdir"))
    return normalised(node.value) if node and node.kind == "scalar" else ""


def _initfiles(task: Task, report: Report) -> Iterator[tuple[Where, str, Document]]:
    where = (*OPTIONS, "initfiles")
    listed = task.document.at(where)
    for index, item in enumerate(listed.items if listed else ()):
        span = task.document.span_of(item)
        if any(concerns(normalised(item.value), each) for each in task.plan.inputs):
            message = f'"{item.value}" is read when the workflow starts, before anything can be staged'
            report.add(rules.STAGED_TOO_LATE, span, message, "keep this file beside reana.yaml")
            continue
        document = task.workspace.load(item.value, report, span)
        if document is None:
            continue
        for reference in find_references(document, report, parameters=True):
            message = "a rucio(...) expression may not stand in a file of initfiles"
            report.add(rules.MISPLACED, reference.span, message, "write this parameter under inputs: parameters:")
        yield (*where, index), item.value, document


def withhold(task: Task, parameters: Parameters, prefix: str) -> tuple[list[Edit], dict[str, str]]:
    """What keeps init from seeing staged paths: edits of reana.yaml, and the compiled ones of the ``initfiles``.

    Raises ``Uneditable`` where an alias stands in the way.
    """
    edits = _edits(task.document, parameters.leaves, prefix)
    written: dict[str, str] = {}
    renamed: dict[int, str] = {}
    for where, name, document in parameters.files:
        inner = _edits(document, parameters.leaves, prefix)
        if inner:
            renamed[int(where[-1])] = compiled_name(name)
            written[compiled_name(name)] = compiled(task, document, name, inner)
    if renamed:
        edits += edit_sequence(task.document, (*OPTIONS, "initfiles"), replace=renamed)
    return edits, written


def _edits(document: Document, leaves: Iterable[Leaf], prefix: str) -> list[Edit]:
    edits = []
    for leaf in leaves:
        if leaf.document is not document:
            continue
        for length in range(len(leaf.where) + 1):
            node = document.at(leaf.where[:length])
            if node and node.alias:
                raise Uneditable(document.source, node)
        node, parent = document.at(leaf.where), document.at(leaf.where[:-1])
        if node and parent:
            edits.append(replace_scalar(node, prefix + leaf.text, parent.style == "flow"))
    return edits


def literal_path(task: Task, value: str) -> str | None:
    """The path, relative to the workspace, of the file or directory that a literal names, be it uploaded or staged."""
    path = workspace_path(value, _initdir(task))
    if path is None or GLOB.search(path):
        return None
    known = exists(task.workspace.path(path)) or any(concerns(path, each) for each in task.plan.inputs)
    return posixpath.join(_initdir(task), value) if known else None
