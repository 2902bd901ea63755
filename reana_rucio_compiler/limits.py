"""What REANA takes at most, and which options it takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from . import documents, rules
from .diagnostics import Report
from .documents import Document
from .instances import nearest
from .plan import engine_of
from .source import Source
from .staging import STAGER_FILE
from .workspace import Workspace, parameter_file_at

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
    document: Document,
    output: Document,
    files: Mapping[str, str],
    workspace: Workspace,
    report: Report,
    loads: Iterable[str] = (),
) -> None:
    """Report, at its place in the source, what is too large in what REANA is given: the output and its files.

    ``files`` are those that were generated, as text, ``loads`` the names of the user's that they load.
    """
    inputs = [output.at(("inputs", key)) for key in ("files", "directories")]
    entries = sum(len(node.items) for node in inputs if node)
    if entries > MAX_ENTRIES:
        where = ("inputs", "files") if inputs[0] else ("inputs", "directories")
        message = (
            f"REANA 0.95 takes {MAX_ENTRIES} entries of inputs.files and inputs.directories, and these are {entries}"
        )
        hint = "list a directory in place of its files, or stage a dataset"
        report.add(rules.TOO_LARGE_FOR_REANA, document.key_span(where), message, hint)
    size = _workflow_size(output, files, loads, workspace)
    if size > MAX_JSON:
        sizes = f"{size // 1024} KB, and REANA can start at most {MAX_JSON // 1024} KB"
        message = f"this workflow and its parameters take {sizes}"
        hint = "move long commands and lists into files, and list them in inputs.files"
        report.add(rules.TOO_LARGE_FOR_REANA, document.key_span(("workflow",)), message, hint)


def _workflow_size(output: Document, files: Mapping[str, str], loads: Iterable[str], workspace: Workspace) -> int:
    """Bytes of JSON in which the engine gets the workflow; Snakemake reads its own from the workspace.

    It is at least this: what Yadage loads is not counted, nor are the full names that CWL's packing gives to all.
    """
    data = output.root.data
    workflow = data["workflow"] if isinstance(data.get("workflow"), dict) else {}
    inputs = data["inputs"] if isinstance(data.get("inputs"), dict) else {}
    parameters = inputs.get("parameters", {})
    kind, name = workflow.get("type"), workflow.get("file")
    if kind == "snakemake":
        return 0
    if kind not in ("cwl", "yadage") or not isinstance(name, str):
        return _json_size([workflow.get("specification", {}), parameters])
    file = output.at(parameter_file_at(output) or ())
    order = file.value if kind == "cwl" and file and file.kind == "scalar" else None
    names = {name.partition("#")[0]: None}
    if kind == "cwl":
        apart = (STAGER_FILE, ".manifest.json")
        names.update((each, None) for each in (*files, *loads, order) if each and not each.endswith(apart))
    texts = {each: files.get(each) or _text(each, workspace) for each in names}
    # Of a tool that is ours, nearly all is one string.
    ours = sum(len(texts.pop(each)) for each in list(texts) if ".rucio-stage-" in each and each in files)
    size = 0 if order else _json_size([parameters])
    # JSON has at most six characters for one; aliases have more.
    if 6 * sum(map(len, texts.values())) + ours + size < MAX_JSON and not any("*" in each for each in texts.values()):
        return ours + size
    return ours + size + _json_size(_data(*each) for each in texts.items())


def _json_size(values: Iterable[object]) -> int:
    return sum(len(json.dumps(each, default=str)) for each in values)


def _text(name: str, workspace: Workspace) -> str:
    try:
        return workspace.path(name).read_bytes()[: documents.MAX_BYTES].decode("utf-8")
    except (OSError, ValueError):
        return ""


def _data(name: str, text: str) -> object:
    document = documents.parse(Source(name, text), Report())
    return document.root.data if document else {}
