"""What REANA takes at most, and which options it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from . import documents, rules
from .diagnostics import Report
from .documents import Document
from .instances import nearest
from .plan import engine_of
from .source import Source
from .workspace import Workspace

# REANA passes the workflow and its parameters, in base64, in one argument, of which Linux takes 128 KiB (facts A.4).
MAX_JSON = 95 * 1024
MAX_ENTRIES = 1000  # of inputs, in REANA 0.95 (facts A.5)

# The keys of inputs.options by engine; any other is refused by reana-client and by the server (facts A.2).
_OPTIONS = {
    "serial": ("CACHE", "FROM", "TARGET"),
    "cwl": ("TARGET",),
    "yadage": ("toplevel", "initdir", "initfiles", "accept_metadir"),
    "snakemake": ("report",),
}


def check_options(document: Document, report: Report) -> None:
    """Report the keys of inputs.options that the engine has not."""
    node, engine = document.at(("inputs", "options")), engine_of(document)
    if node is None or engine not in _OPTIONS:
        return
    known = _OPTIONS[engine]
    for key, _ in node.pairs:
        if key.value not in known:
            others = [name for name, keys in _OPTIONS.items() if key.value in keys]
            hint = f"it is one of {others[0]} workflows" if others else nearest(key.value, known)
            message = f'there is no option "{key.value}" of {engine} workflows'
            report.add(rules.REANA_REFUSES, document.span_of(key), message, hint or f"known are {', '.join(known)}")


def check_size(
    document: Document, output: Document, files: Mapping[str, str], workspace: Workspace, report: Report
) -> None:
    """Report, at its place in the source, what is too large in what REANA is given: the output and its files."""
    inputs = [output.at(("inputs", key)) for key in ("files", "directories")]
    entries = sum(len(node.items) for node in inputs if node)
    if entries > MAX_ENTRIES:
        where = ("inputs", "files") if inputs[0] else ("inputs", "directories")
        message = (
            f"REANA 0.95 takes {MAX_ENTRIES} entries of inputs.files and inputs.directories, and these are {entries}"
        )
        hint = "list a directory in place of its files, or stage a dataset"
        report.add(rules.TOO_LARGE_FOR_REANA, document.key_span(where), message, hint)
    size = _workflow_size(output, files, workspace)
    if size > MAX_JSON:
        sizes = f"{size // 1024} KB, and REANA can start at most {MAX_JSON // 1024} KB"
        message = f"this workflow and its parameters take {sizes}"
        hint = "move long commands and lists into files, and list them in inputs.files"
        report.add(rules.TOO_LARGE_FOR_REANA, document.key_span(("workflow",)), message, hint)


def _workflow_size(output: Document, files: Mapping[str, str], workspace: Workspace) -> int:
    """Bytes of JSON in which the engine gets the workflow; Snakemake reads its own from the workspace."""
    data = output.root.data
    workflow = data["workflow"] if isinstance(data.get("workflow"), dict) else {}
    inputs = data["inputs"] if isinstance(data.get("inputs"), dict) else {}
    specification = workflow.get("specification", {})
    name = workflow.get("file")
    if workflow.get("type") in ("cwl", "yadage") and isinstance(name, str):
        specification = _content(name.partition("#")[0], files, workspace)
    elif workflow.get("type") == "snakemake":
        return 0
    return len(json.dumps(specification, default=str)) + len(json.dumps(inputs.get("parameters", {}), default=str))


def _content(name: str, files: Mapping[str, str], workspace: Workspace) -> object:
    """The data in a workflow's file. Those that it loads are not counted: the size is at least this."""
    text = files.get(name)
    if text is None:
        try:
            text = workspace.path(name).read_bytes()[: documents.MAX_BYTES].decode("utf-8")
        except (OSError, ValueError):
            return {}
    if 6 * len(text) < MAX_JSON and "*" not in text:  # JSON has at most six characters for one; aliases have more
        return {}
    document = documents.parse(Source(name, text), Report())
    return document.root.data if document else {}
