"""The edits of reana.yaml that all engines share: expressions become paths or go, side files are listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .documents import Document
from .edits import Edit, edit_sequence, remove_key, replace_scalar, set_key
from .model import Place, Plan, Reference

FORMAT = 1  # of the output; raised when a new release would compile the same source to something else


def edit_specification(document: Document, plan: Plan, side_files: Iterable[str]) -> list[Edit]:
    """The edits that take every ``rucio(...)`` out of a specification and list the files written beside it.

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
    edits = _edit_parameters(document, plan)
    for path, indexes in removed.items():
        added = sorted(side_files) if path == ("inputs", "files") else []
        if (indexes or added) and (document.at(path) or added):
            edits += _edit_list(document, path, indexes, added)
    for path, texts in replaced.items():
        if texts:
            edits += edit_sequence(document, path, replace=texts)
    if document.at(("rucio",)):
        edits += remove_key(document, ("rucio",))
    return [*edits, _header(document)]


def _position(reference: Reference) -> tuple[tuple[Any, ...], int]:
    if reference.place is Place.PARAMETER:
        return (), -1
    return reference.where[:-1], int(reference.where[-1])


def _edit_list(document: Document, path: tuple[str, str], removed: list[int], added: list[str]) -> list[Edit]:
    node = document.at(path)
    if node is not None and node.kind == "sequence":
        return edit_sequence(document, path, remove=removed, append=added)
    parent = document.at(path[:1])
    if parent is not None and parent.kind == "mapping":
        return set_key(document, path, added)
    return set_key(document, path[:1], {path[1]: added})


def _edit_parameters(document: Document, plan: Plan) -> list[Edit]:
    edits = []
    for value in plan.values:
        if value.reference.span.source is document.source:
            node, parent = document.at(value.reference.where), document.at(value.reference.where[:-1])
            if node is not None and parent is not None:
                edits.append(replace_scalar(node, value.text, parent.style == "flow"))
    return edits


def _header(document: Document) -> Edit:
    name = document.source.name.replace("\\", "/").rpartition("/")[2]
    text = f"# Compiled by reana-rucio (output format {FORMAT}) from {name}: edit that file and compile it again.\n"
    start = 1 if document.source.text.startswith("\ufeff") else 0
    return Edit(start, start, -1, text)
