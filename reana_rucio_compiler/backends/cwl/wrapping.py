"""A tool as the top of a workflow becomes a Workflow of one step, which is then treated as any other."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from ...diagnostics import Report
from ...documents import parse
from ...edits import block
from ...source import Source
from ...staging import unique
from .reading import Entry, Files, Place, Process, builtin, mentions, plain, short


def wrap(files: Files, process: Process, name: str, fragment: str, report: Report) -> Process | None:
    """A Workflow, in a document of its own called ``name``, whose one step runs the process."""
    file = posixpath.basename(files.names[process.place.document])
    types = _Types(process, file)
    inputs = {entry.id: _parameter(entry, types) for entry in process.inputs}
    own = process.id if process.id and process.id != "main" else file.partition(".")[0] or "tool"
    step = unique(own, {entry.id for entry in (*process.inputs, *process.outputs)})
    outputs = {
        entry.id: {"type": _output_type(entry), "outputSource": f"{step}/{entry.id}"} for entry in process.outputs
    }
    root = Place(process.place.document, ())
    text: dict[str, Any] = {"cwlVersion": process.version, "class": "Workflow"}
    for key in ("$namespaces", "$schemas"):
        place = root.get(key)
        if place is not None:
            text[key] = plain(place.node)
    if types.definitions:
        text["requirements"] = {"SchemaDefRequirement": {"types": types.definitions}}
    text["inputs"] = inputs
    text["outputs"] = outputs
    run = file + (f"#{fragment}" if fragment else "")
    text["steps"] = {step: {"run": run, "in": {key: key for key in inputs}, "out": list(outputs)}}
    document = parse(Source(name, block(text, 0)), report)
    if document is None:
        return None
    files.add(name, document)
    return Process(files, Place(document, ()))


class _Types:
    """The types of a tool as the Workflow around it has them: not bound to a command line, its own by full names.

    ``definitions`` are those that the tool's SchemaDefRequirement gives. By its full name, ``tool.cwl#type``, a type is
    the same one in both, without which cwltool does not accept the tool.
    """

    def __init__(self, process: Process, file: str) -> None:
        requirement = process.requirement("SchemaDefRequirement")
        here = requirement is not None and requirement.place.document is process.place.document
        self.named = process.named_types if here else {}
        given = plain(requirement.place.node).get("types") if requirement and here else None
        given = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
        scope = f"{file}#{process.id}/" if process.id else f"{file}#"
        own = [short(each["name"]) for each in given if isinstance(each.get("name"), str)]
        self.full = {name: scope + name for name in own}
        self.definitions = [self._renamed(each) for each in given]

    def _renamed(self, type_: dict[str, Any]) -> dict[str, Any]:
        name = type_.get("name")
        return {**self.unbound(type_), "name": self.full[short(name)]} if isinstance(name, str) else type_

    def unbound(self, type_: Any) -> Any:
        if isinstance(type_, list):
            return [self.unbound(each) for each in type_]
        if isinstance(type_, str):
            name = re.split(r"[\[?]", type_)[0]
            file = name.rpartition("#")[0]  # of a type that is imported
            return (name if file else self.full.get(short(name), name)) + type_[len(name) :]
        if not isinstance(type_, dict):
            return type_
        kept = {key: each for key, each in type_.items() if key != "inputBinding"}
        kept.update((key, self.unbound(kept[key])) for key in ("type", "items") if key in kept)
        fields = kept.get("fields")
        if isinstance(fields, dict):
            kept["fields"] = {key: self.unbound(each) for key, each in fields.items()}
        elif fields:
            kept["fields"] = self.unbound(fields)
        return kept


def _parameter(entry: Entry, types: _Types) -> Any:
    """An input as a Workflow has it: without its binding."""
    place = entry.field("type")
    type_ = plain(place.node) if place else "Any"
    if type_ == "stdin":
        type_ = "File"
    elif mentions(type_, "record", types.named) and not mentions(type_, "Any", types.named):
        type_ = types.unbound(type_)  # a record may say which files stand beside its own
    else:
        type_ = _with_null(builtin(type_), _admits_null(type_))
    kept = {}
    for key in ("label", "secondaryFiles", "format", "default"):
        each = entry.field(key)
        if each is not None and each is not place:
            kept[key] = plain(each.node)
    return {"type": type_, **kept} if kept or isinstance(type_, dict) else type_


def _admits_null(type_: Any) -> bool:
    if isinstance(type_, str):
        return type_.endswith("?") or type_ == "null"
    return isinstance(type_, list) and any(_admits_null(each) for each in type_)


def _with_null(type_: Any, optional: bool) -> Any:
    if not optional:
        return type_
    if isinstance(type_, str) and type_ != "Any":
        return f"{type_}?"
    return ["null", *(type_ if isinstance(type_, list) else [type_])]


def _output_type(entry: Entry) -> Any:
    place = entry.field("type")
    type_ = plain(place.node) if place else "Any"
    return "File" if type_ in ("stdout", "stderr") else _with_null(builtin(type_), _admits_null(type_))
