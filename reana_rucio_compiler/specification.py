"""The edits of reana.yaml that all engines share: expressions become paths or go, side files are listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from posixpath import basename, splitext
from typing import Any

from .checks import normalised
from .documents import Document, Where
from .edits import Edit, Uneditable, apply, edit_sequence, remove_key, replace_scalar, set_key
from .model import Place, Plan, Reference
from .staging import HEADER
from .task import Graft, Task
from .workspace import STDIN, parameter_file_at

FORMAT = 1  # of the output; raised when a new release would compile the same source to something else


def header(document: Document) -> str:
    """The first line of a compiled specification, which names its source."""
    if document.source.name == STDIN:
        return f"{HEADER} (output format {FORMAT}) from standard input.\n"
    name = basename(document.source.name.replace("\\", "/"))
    return f"{HEADER} (output format {FORMAT}) from {name}: edit that file and compile it again.\n"


def side_header(task: Task, name: str) -> str:
    """The first line of a generated workflow or parameter file, which names the specification and the original.

    By the first, another specification that needs the same original knows whose the file is (ownership.py).
    """
    sources = f"{task.workspace.name_of(task.document)} and {basename(name)}"
    return f"{HEADER} (output format {FORMAT}) from {sources}: edit those and compile them again.\n"


def compiled_name(path: str) -> str:
    """The name of what a workflow or parameter file compiles to, beside it: ``w/x.cwl`` -> ``w/x.rucio.cwl``."""
    root, extension = splitext(path)
    return f"{root}.rucio{extension}"


def edit_specification(document: Document, plan: Plan, graft: Graft) -> list[Edit]:
    """The edits that take every ``rucio(...)`` out of a specification and list the files that its graft needs.

    An entry of ``inputs`` that is staged goes, one of ``outputs`` becomes its path, a parameter becomes the landing
    path of its DID. Raises ``Uneditable`` where an alias stands in the way.
    """
    removed: dict[tuple[Any, ...], list[int]] = {("inputs", "files"): [], ("inputs", "directories"): []}
    replaced: dict[tuple[Any, ...], dict[int, str]] = {
        ("outputs", "files"): {},
        ("outputs", "directories"): {},
    }
    for transfer in (*plan.inputs, *plan.outputs):
        for reference in transfer.references:
            path, index = _position(reference)
            if path in removed:
                removed[path].append(index)
            elif path in replaced:
                replaced[path][index] = transfer.path
    inputs = document.at(("inputs",))
    edits = edit_parameters(document, plan, graft.removed)
    # REANA 0.95 refuses a file that is also in one of the directories (validate_inputs of reana-commons).
    needed = sorted(name for name in {*graft.files, *graft.loads} if not _listed(document, "inputs", name))
    for path, indexes in removed.items():
        added = needed if path == ("inputs", "files") else []
        if (indexes or added) and (document.at(path) or added):
            edits += _edit_list(document, path, indexes, added, graft.parameters)
    if graft.parameters and inputs is not None and inputs.pairs:
        edits += set_key(document, ("inputs", "parameters"), graft.parameters)
    for path, texts in replaced.items():
        if texts:
            edits += edit_sequence(document, path, replace=texts)
    edits += _edit_bundle(document, graft)
    if document.at(("rucio",)):
        edits += remove_key(document, ("rucio",))
    return [*edits, _header(document, header(document))]


def _edit_bundle(document: Document, graft: Graft) -> list[Edit]:
    """The edits of workflow.files: REANA 0.95 loads nothing else, where that or directories is given (facts A.2)."""
    if not (graft.files and (document.at(("workflow", "files")) or document.at(("workflow", "directories")))):
        return []
    loaded = sorted(name for name in {*graft.files, *graft.loads} if not _listed(document, "workflow", name))
    return _edit_list(document, ("workflow", "files"), [], loaded) if loaded else []


def _position(reference: Reference) -> tuple[tuple[Any, ...], int]:
    if reference.place is Place.PARAMETER:
        return (), -1
    return reference.where[:-1], int(reference.where[-1])


def _listed(document: Document, section: str, name: str) -> bool:
    """Whether a file is among the ``files`` of a section, or in one of its ``directories``."""
    files, directories = document.at((section, "files")), document.at((section, "directories"))
    if any(normalised(item.value) == name for item in (files.items if files else ())):
        return True
    folders = [normalised(item.value) for item in (directories.items if directories else ())]
    return any(not folder or name.startswith(folder + "/") for folder in folders)


def _edit_list(
    document: Document, path: tuple[str, str], removed: list[int], added: list[str], parameters: Mapping[str, Any] = {}
) -> list[Edit]:
    node = document.at(path)
    if node is not None and node.kind == "sequence":
        return edit_sequence(document, path, remove=removed, append=added)
    parent = document.at(path[:1])
    if parent is not None and parent.pairs:
        return set_key(document, path, added)
    return set_key(document, path[:1], {path[1]: added, **({"parameters": parameters} if parameters else {})})


def edit_parameters(document: Document, plan: Plan, removed: Iterable[Where] = ()) -> list[Edit]:
    """The edits that put paths in the place of the expressions of one document, which may be a parameter file.

    Those at or below the places that are ``removed`` are left out.
    """
    edits = []
    for value in plan.values:
        gone = any(value.reference.where[: len(where)] == where for where in removed)
        if value.reference.span.source is document.source and not gone:
            node, parent = document.at(value.reference.where), document.at(value.reference.where[:-1])
            if node is not None and parent is not None:
                edits.append(replace_scalar(node, value.text, parent.style == "flow"))
    return edits


def rename_parameter_file(task: Task) -> tuple[dict[str, str], list[Edit]]:
    """The parameter file with paths for its expressions, by its new name, and the edit that names it in reana.yaml.

    Nothing where there is no parameter file, or no expression in it.
    """
    where = parameter_file_at(task.document)
    if task.parameters is None or where is None:
        return {}, []
    edits = edit_parameters(task.parameters, task.plan)
    if not edits:
        return {}, []
    old = task.document.at(where).value  # type: ignore[union-attr]
    name = compiled_name(old)
    text = apply(task.parameters, [*edits, _header(task.parameters, side_header(task, old))])
    return {name: text}, [rename(task.document, where, name)]


def rename(document: Document, where: Where, name: str) -> Edit:
    """The edit that puts the name of a generated file at a path of reana.yaml."""
    node, parent = document.at(where), document.at(where[:-1])
    if node is None or parent is None:
        raise AssertionError(f"nothing at {where}")
    if node.alias:
        raise Uneditable(document.source, node)
    return replace_scalar(node, name, parent.style == "flow")


def _header(document: Document, line: str) -> Edit:
    start = 1 if document.source.text.startswith("\ufeff") else 0
    return Edit(start, start, -1, line)
