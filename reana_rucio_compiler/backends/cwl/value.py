"""One value of the job order: the files and directories in it that are staged, and those that are not."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union
from urllib.parse import unquote

from ... import rules
from ...documents import Where
from ...model import Plan, Transfer
from ...source import Source
from ...staging import unique
from .reading import Place, builtin, mentions, plain
from .secondary import beside_of, patterns

if TYPE_CHECKING:
    from .binding import Finder

STAGED, HANDED, LISTED, LOADED = "rucio_staged", "rucio_handed", "rucio_listed", "rucio_loaded"  # words of driver.py


Declared = tuple[Union[Place, None], Union[Place, None]]  # a type, and the secondaryFiles of the files in it
NOTHING: Declared = (None, None)


@dataclass(frozen=True)
class Handed:
    """A file that is not staged, in a value with one that is: a new input of the Workflow, for the staging tool."""

    id: str
    type: str
    value: Any


class Value:
    """Reads one value of the job order, with the files that are staged in it.

    With ``loaded`` the files get their contents into the value, as they would have had at the input.
    """

    def __init__(self, finder: Finder, base: str, type_: Any, name: str, loaded: bool) -> None:
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
        whole = builtin(type_) if depth == 0 else ""
        is_array = whole == "File[]" or isinstance(whole, dict)
        if kind == "Directory" and depth == 0 and files and not directories:
            self.transfers.append(transfer)
            self.is_list = True
            return {"class": kind, STAGED: text, LISTED: True}
        if (files and not is_array) if kind == "File" else directories:
            self.transfers.append(transfer)
            return {"class": kind, STAGED: text}
        if files or directories:
            self.mismatch(
                place, transfer, "File[]" if files and is_array else "Directory" if kind == "File" else "File"
            )
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
        if wanted == "File[]":
            hint = f"write a list of files, or rucio(...) -> {transfer.path}/ for all files of a dataset"
        elif place.node.kind == "scalar":
            hint = "a path that ends with / makes it a directory" if wanted == "Directory" else "leave the / away"
        self.finder.report.add(rules.CWL_CLASS, place.span, message, hint)

    def find_secondary(
        self, place: Place, value: dict[str, Any], path: str, transfer: Transfer | None, secondary: Place
    ) -> None:
        """Add the files that the declaration wants beside this one, where one of them is staged."""
        finder = self.finder
        for pattern, required in patterns(secondary):
            beside = beside_of(path, pattern)
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
