"""A tool as the top of a workflow becomes a Workflow of one step, which is then treated as any other."""

from __future__ import annotations

import posixpath
from typing import Any

from ...diagnostics import Report
from ...documents import parse
from ...edits import block
from ...source import Source
from .reading import Entry, Files, Place, Process, builtin, plain


def wrap(files: Files, process: Process, name: str, fragment: str, report: Report) -> Process | None:
    """A Workflow, in a document of its own called ``name``, whose one step runs the process."""
    target = posixpath.basename(files.names[process.place.document]) + (f"#{fragment}" if fragment else "")
    step = process.id if process.id and process.id != "main" else _step_name(files.names[process.place.document])
    inputs = {entry.id: _parameter(entry) for entry in process.inputs}
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
    """An input as a Workflow has it: without its binding, optional where the tool has a default."""
    place = entry.field("type")
    type_ = plain(place.node) if place else "Any"
    optional = entry.field("default") is not None or _admits_null(type_)
    type_ = "File" if type_ == "stdin" else builtin(type_)
    if optional:
        type_ = (
            f"{type_}?"
            if isinstance(type_, str) and type_ != "Any"
            else ["null", *(type_ if isinstance(type_, list) else [type_])]
        )
    kept = {
        key: plain(each.node)
        for key in ("secondaryFiles", "format", "label")
        if (each := entry.field(key)) and each is not place
    }
    default = entry.field("default")
    if default is not None and default.node.kind != "scalar":
        kept["default"] = plain(default.node)  # files are sought from the same directory, and may be staged
    return {"type": type_, **kept} if kept else type_


def _admits_null(type_: Any) -> bool:
    if isinstance(type_, str):
        return type_.endswith("?") or type_ == "null"
    return isinstance(type_, list) and any(_admits_null(each) for each in type_)


def _output_type(entry: Entry) -> Any:
    place = entry.field("type")
    type_ = plain(place.node) if place else "Any"
    if type_ in ("stdout", "stderr"):
        return "File"
    bare = builtin(type_)
    if _admits_null(type_):
        return (
            f"{bare}?"
            if isinstance(bare, str) and bare != "Any"
            else ["null", *(bare if isinstance(bare, list) else [bare])]
        )
    return bare
