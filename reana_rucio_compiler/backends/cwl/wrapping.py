"""A tool as the top of a workflow becomes a Workflow of one step, which is then treated as any other."""

from __future__ import annotations

import posixpath
from typing import Any

from ...diagnostics import Report
from ...documents import parse
from ...edits import block
from ...source import Source
from ...staging import unique
from .reading import Entry, Files, Place, Process, builtin, mentions, plain


def wrap(files: Files, process: Process, name: str, fragment: str, report: Report) -> Process | None:
    """A Workflow, in a document of its own called ``name``, whose one step runs the process."""
    target = posixpath.basename(files.names[process.place.document]) + (f"#{fragment}" if fragment else "")
    inputs = {entry.id: _parameter(entry) for entry in process.inputs}
    own = process.id if process.id and process.id != "main" else _step_name(files.names[process.place.document])
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
    text["inputs"] = inputs
    text["outputs"] = outputs
    text["steps"] = {step: {"run": target, "in": {key: key for key in inputs}, "out": list(outputs)}}
    document = parse(Source(name, block(text, 0)), report)
    if document is None:
        return None
    files.add(name, document)
    return Process(files, Place(document, ()))


def _step_name(path: str) -> str:
    return posixpath.basename(path).partition(".")[0] or "tool"


def _parameter(entry: Entry) -> Any:
    """An input as a Workflow has it: without its binding."""
    place = entry.field("type")
    type_ = plain(place.node) if place else "Any"
    if type_ == "stdin":
        type_ = "File"
    elif mentions(type_, "record") and not mentions(type_, "Any"):
        type_ = _unbound(type_)  # a record may say which files stand beside its own
    else:
        type_ = _with_null(builtin(type_), _admits_null(type_))
    kept = {}
    for key in ("label", "secondaryFiles", "format", "default"):
        each = entry.field(key)
        if each is not None and each is not place:
            kept[key] = plain(each.node)
    return {"type": type_, **kept} if kept or isinstance(type_, dict) else type_


def _unbound(type_: Any) -> Any:
    """A type without what binds its values to a command line."""
    if isinstance(type_, list):
        return [_unbound(each) for each in type_]
    if isinstance(type_, dict):
        return {key: _unbound(each) for key, each in type_.items() if key != "inputBinding"}
    return type_


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
