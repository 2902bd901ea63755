"""What stands around a specification: the inputs that it lists, the files of its workflow, comments that ignore rules.

These are warnings of any engine, but for an expression in a file that is not compiled. Nothing that a compiler of ours
wrote is looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from os.path import exists, isdir, isfile  # of a name that no file system takes, pathlib's raise
from pathlib import Path
from posixpath import dirname, join, normpath

from . import rules
from .byhand import ByHand, transfers_by_hand
from .checks import normalised, parents
from .diagnostics import Report, ignored_codes
from .documents import Document, Node
from .instances import nearest
from .plan import engine_of
from .references import report_expressions
from .source import Source, Span
from .staging import is_ours
from .workspace import Workspace

_MAX_FILES, _MAX_FILE = 500, 1024 * 1024  # of the user's, that are looked into


def check_surroundings(document: Document, workspace: Workspace, report: Report) -> None:
    """Report inputs that REANA 0.95 refuses or that are missing, and what is wrong in the files of the workflow."""
    _check_paths(document, report)
    _check_inputs(document, workspace, report)
    _check_files(document, workspace, report)


_IGNORE = r"#[ \t]*rucio:[ \t]*(?:ignore|noqa|disable)\b[^\]\n]*\]?"


def check_ignores(source: Source, report: Report) -> None:
    """Comments that look like ``# rucio: ignore[RRnnn]``, and ignore nothing."""
    for found in re.finditer(_IGNORE, source.text) if "rucio:" in source.text else ():
        span = Span(source, found.start(), found.start() + len(found.group().rstrip()))
        codes = ignored_codes(source, span.line)
        hint = "name the rules: # rucio: ignore[RRnnn, RRnnn]"
        if not codes:
            report.add(rules.BAD_IGNORE, span, "this comment names no rule, and ignores nothing", hint)
        elif source.line(span.line).strip() == span.text:
            message = "this comment stands on a line of its own, and ignores nothing there"
            report.add(rules.BAD_IGNORE, span, message, "put it behind what it is about")
            continue
        known = {rule.code: rule for rule in rules.RULES}
        for code in sorted(codes):
            rule = known.get(code)
            if rule is None:
                hint = nearest(code, known) or hint
                report.add(rules.BAD_IGNORE, span, f'there is no rule "{code}"', hint)
            elif not rule.ignorable:
                message = f"{code} cannot be ignored: {rule.title}"
                report.add(rules.BAD_IGNORE, span, message, "correct the line, and remove the comment")


def _check_paths(document: Document, report: Report) -> None:
    """Plain inputs that REANA 0.95 refuses: outside of the workspace, twice, or one inside another (facts A.2)."""
    bundled = document.at(("workflow", "file")) is not None
    seen: dict[str, Node] = {}
    for key in ("directories", "files"):
        for node in _plain_inputs(document, key, report):
            path, problem = normalised(node.value), _unsafe(node.value, bundled)
            around = next((each for each in (path, *parents(path)) if each in seen), None)
            if not problem and around is not None:
                line = document.span_of(seen[around]).line
                problem = f"is an input on line {line}, too" if around == path else f"is inside that on line {line}"
            if problem:
                message = f'REANA 0.95 refuses this: the path "{node.value}" {problem}'
                hint = "list it once" if " on line " in problem else "write a path inside the workspace"
                hint = "write it so" if " in the form " in problem else hint
                report.add(rules.REANA_VERSION, document.span_of(node), message, hint)
            seen.setdefault(path, node)


def _unsafe(path: str, bundled: bool) -> str:
    """Why REANA 0.95 refuses the path of an input, or an empty string; one of a bundle has one form only."""
    if path.startswith("/"):
        return "is absolute"
    if ".." in path.split("/"):
        return 'holds ".."'
    if not normalised(path):
        return "is the whole workspace" if path else "is empty"
    if bundled and (normalised(path) != path.rstrip("/") or "\\" in path):
        return f'is not in the form "{normalised(path)}"'
    return ""


def _plain_inputs(document: Document, key: str, report: Report) -> list[Node]:
    """The entries of inputs.files or inputs.directories that are no expressions, and have no error yet."""
    node = document.at(("inputs", key))
    plain = [each for each in (node.items if node else ()) if each.kind == "scalar" and not _is_meant(each.value)]
    return [each for each in plain if not report.covers(document.span_of(each))]


def _is_meant(text: str) -> bool:
    """Whether a text is meant for an expression, well-formed or not."""
    return text.startswith("rucio(") or ("rucio" in text.lower() and bool(re.search(_MEANT, text, re.IGNORECASE)))


_MEANT = r"\brucio\s*(?:[(\[{\\\uff08]|://)"


def _check_inputs(document: Document, workspace: Workspace, report: Report) -> None:
    """Inputs that are missing where others are there: REANA 0.9 goes on without them, 0.95 refuses (facts A.2).

    Where none is there but what was generated, a specification is looked at away from its analysis: nothing is said.
    """
    entries = [
        (key, node, workspace.path(node.value))
        for key in ("files", "directories")
        for node in _plain_inputs(document, key, report)
        if not _unsafe(node.value, bundled=False)
    ]
    if not any(exists(path) and not (isfile(path) and is_ours(_text(path))) for _, _, path in entries):
        return
    for key, node, path in entries:
        if isfile(path) if key == "files" else isdir(path):
            continue
        message, hint = f'there is no "{node.value}" here, and others of the inputs are there', ""
        if exists(path):
            message = f'"{node.value}" is a {"directory" if key == "files" else "file"}'
            hint = f"list it under inputs.{'directories' if key == 'files' else 'files'}"
        elif isdir(path.parent):
            folder = dirname(node.value)
            hint = nearest(node.value, [join(folder, name) for name in sorted(os.listdir(path.parent))])
        hint = hint or "is the path right? REANA 0.9 goes on without it, REANA 0.95 refuses the specification"
        report.add(rules.MISSING_INPUT, document.span_of(node), message, hint)


def _check_files(document: Document, workspace: Workspace, report: Report) -> None:
    """Transfers by hand in the files of the workflow and in the scripts that are uploaded; expressions in the first.

    Only a specification and its parameter file are compiled: an expression elsewhere would reach the engine.
    """
    names = [(name, True) for name in _workflow_files(document, workspace)]
    names += [(node.value, False) for node in _plain_inputs(document, "files", report) if node.value.endswith(_SCRIPTS)]
    for name, of_workflow in dict(reversed(names)).items():
        text = _text(workspace.path(name))
        if "rucio" not in text or is_ours(text):
            continue
        source = Source(workspace.shown(name), text)
        check_ignores(source, report)
        for found in transfers_by_hand(text, {}, in_file=True):
            report_by_hand(Span(source, found.start, found.end), found, report)
        if of_workflow:
            report_expressions(source, report)


_SCRIPTS = (".sh", ".bash", ".py")

# How a file of a workflow names another, and from where: the directory of the file, or the workspace (facts A.2).
_LOADS = {
    "cwl": (r"^[ \t-]*(?:run|\$import):[ \t]*[\"']?([^\s\"'#{\[]+)", True),
    "yadage": (r"\$ref[\"']?:[ \t]*[\"']?([^\s\"'#}]+)", False),
    "snakemake": (r"^[ \t]*include:\s*[\"']([^\"']+)[\"']", True),
}


def _workflow_files(document: Document, workspace: Workspace) -> list[str]:
    """The file of the workflow and those that it loads, as far as their names stand there."""
    node, engine = document.at(("workflow", "file")), engine_of(document)
    found = [node.value.partition("#")[0]] if node is not None and node.kind == "scalar" else []
    for name in found:  # which grows
        pattern, beside = _LOADS.get(engine, ("", False))
        for other in re.findall(pattern, _text(workspace.path(name)), re.MULTILINE) if pattern else ():
            path = normpath(join(dirname(name) if beside else "", other))
            if path not in found and not path.startswith(("..", "/")) and len(found) < _MAX_FILES:
                found.append(path)
    return found


def _text(path: Path) -> str:
    """The text of a file; nothing where it cannot be read, which is said where the file is needed."""
    try:
        return beginning(path).decode("utf-8")
    except (OSError, ValueError):
        return ""


def report_by_hand(span: Span, found: ByHand, report: Report) -> None:
    """Report a transfer that a command at a place makes by hand."""
    message = f'"{found.verb}" of clients 36 and newer exits with 0 when it fails, and the workflow goes on'
    if not found.silent:
        message = f'"{found.verb}" moves data by hand: nothing checks it before the workflow runs'
    hint = f"write under {found.section}: {found.line}"
    report.add(rules.HAND_WRITTEN_TRANSFER, span, message, hint)


def uploaded(document: Document, workspace: Workspace) -> Iterator[Path]:
    """Every file that is uploaded. Raises OSError where there are too many, or none where some should be."""
    number = 0
    for key in ("files", "directories"):
        node = document.at(("inputs", key))
        for item in node.items if node else ():
            if item.kind != "scalar" or re.search(r"\brucio\s*\(", item.value):
                continue
            path = workspace.path(item.value)
            before = number
            for each in [path] if isfile(path) else path.rglob("*"):
                if each.is_file():
                    number += 1
                    yield each
                if number > _MAX_FILES:
                    raise OSError("too many files")
            if number == before:
                raise OSError("no files")


def beginning(path: Path) -> bytes:
    """The first megabyte of a file, which may be one of data."""
    with path.open("rb") as stream:
        return stream.read(_MAX_FILE)
