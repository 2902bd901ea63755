"""What REANA takes without a word and then mishandles, and what an analysis most likely does not mean.

These are warnings: about serial commands, which stand in the specification, and, of any engine, about inputs that are
missing and transfers by hand. Steps that a compiler of ours added are never looked at.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from posixpath import basename, dirname, join, normpath
from string import Template

from . import documents, rules
from .byhand import ByHand, transfers_by_hand
from .checks import normalised, parents
from .diagnostics import Report, ignored_codes
from .documents import Document, Node
from .instances import nearest
from .model import Plan, Transfer
from .plan import engine_of
from .references import locate, report_expressions
from .source import Source, Span
from .staging import is_ours
from .workspace import Workspace

STEPS = ("workflow", "specification", "steps")

# REANA passes the workflow and its parameters, in base64, in one argument, of which Linux takes 128 KiB (facts A.4).
MAX_JSON = 95 * 1024
MAX_ENTRIES = 1000  # of inputs, in REANA 0.95 (facts A.5)

_MAX_FILES, _MAX_FILE = 500, 1024 * 1024  # of the user's, that are looked into


def lint(document: Document, plan: Plan, workspace: Workspace, report: Report) -> None:
    """Report what is suspicious in a specification, whether or not it has errors."""
    engine = document.at(("workflow", "type"))
    if engine is not None and engine.value == "serial":
        steps = list(_user_steps(document))
        _check_selection(document, plan, steps, report)
        _check_backends(document, plan, steps, report)
        _check_outputs(document, plan, steps, workspace, report)
        parameters = _parameters(document)
        for command in _commands(steps):
            if not _lacks_inputs(document):
                _check_template(document, command, parameters, report)
            for found in transfers_by_hand(command.value, parameters):
                _report_by_hand(_place(document, command, found.start, found.end), found, report)
    _check_ignores(document.source, report)
    _check_options(document, report)
    _check_paths(document, report)
    _check_inputs(document, workspace, report)
    _check_files(document, workspace, report)


def _lacks_inputs(document: Document) -> bool:
    """Whether ``inputs:`` is missing, and another key is so like it that it must be meant."""
    keys = [name.value for name, _ in document.root.pairs]
    return "inputs" not in keys and any(nearest(key, ["inputs"]) for key in keys if key != "outputs")


def _user_steps(document: Document) -> Iterator[Node]:
    """The steps of a serial workflow but for those that a compiled specification has from us."""
    steps = document.at(STEPS)
    compiled = is_ours(document.source.text)
    for step in steps.items if steps else ():
        name = step.get("name")
        if not (compiled and name and name.value.startswith("rucio-stage-")):
            yield step


def _commands(steps: list[Node]) -> Iterator[Node]:
    for step in steps:
        commands = step.get("commands")
        yield from (each for each in (commands.items if commands else ()) if each.kind == "scalar")


def _parameters(document: Document) -> dict[str, str]:
    node = document.at(("inputs", "parameters"))
    return {name.value: value.value for name, value in (node.pairs if node else ())}


def _place(document: Document, node: Node, start: int, end: int) -> Span:
    """The span of the characters ``start`` to ``end`` of a scalar's value; all of an alias, which has no text here."""
    if node.alias:
        return Span(document.source, node.start, node.end)
    offsets = locate(document.source.text, node)
    return Span(document.source, offsets[start], offsets[end - 1] + 1)


_IGNORE = re.compile(r"#[ \t]*rucio:[ \t]*(?:ignore|noqa|disable)\b[^\]\n]*\]?")


def _check_ignores(source: Source, report: Report) -> None:
    """Comments that look like ``# rucio: ignore[RRnnn]``, and ignore nothing."""
    for found in _IGNORE.finditer(source.text) if "rucio:" in source.text else ():
        span = Span(source, found.start(), found.start() + len(found.group().rstrip()))
        codes = ignored_codes(source, span.line)
        hint = "name the rules: # rucio: ignore[RRnnn, RRnnn]"
        if not codes:
            report.add(rules.BAD_IGNORE, span, "this comment names no rule, and ignores nothing", hint)
        known = {rule.code: rule for rule in rules.RULES}
        for code in sorted(codes):
            rule = known.get(code)
            if rule is None:
                hint = nearest(code, known) or hint
                report.add(rules.BAD_IGNORE, span, f'there is no rule "{code}"', hint)
            elif not rule.ignorable:
                message = f"{code} cannot be ignored: {rule.title}"
                report.add(rules.BAD_IGNORE, span, message, "correct the line, and remove the comment")


# The keys of inputs.options by engine; any other is refused by reana-client and by the server (facts A.2).
_OPTIONS = {
    "serial": ("CACHE", "FROM", "TARGET"),
    "cwl": ("TARGET",),
    "yadage": ("toplevel", "initdir", "initfiles", "accept_metadir"),
    "snakemake": ("report",),
}


def _check_options(document: Document, report: Report) -> None:
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


def _check_paths(document: Document, report: Report) -> None:
    """Plain inputs that REANA 0.95 refuses: outside of the workspace, twice, or one inside another (facts A.2)."""
    bundled = document.at(("workflow", "file")) is not None
    seen: dict[str, Node] = {}
    for key in ("directories", "files"):
        for node in _plain_inputs(document, key):
            path, problem = normalised(node.value), _unsafe(node.value, bundled)
            around = next((each for each in (path, *parents(path)) if each in seen), None)
            if not problem and around is not None:
                line = document.span_of(seen[around]).line
                problem = f"is an input on line {line}, too" if around == path else f"is inside that on line {line}"
            if problem:
                message = f'REANA 0.95 refuses this: the path "{node.value}" {problem}'
                report.add(rules.REANA_VERSION, document.span_of(node), message)
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


def _plain_inputs(document: Document, key: str) -> list[Node]:
    """The entries of inputs.files or inputs.directories that are no expressions."""
    node = document.at(("inputs", key))
    return [each for each in (node.items if node else ()) if each.kind == "scalar" and "rucio" not in each.value]


def _check_inputs(document: Document, workspace: Workspace, report: Report) -> None:
    """Inputs that are missing where others are there: REANA 0.9 goes on without them, 0.95 refuses (facts A.2).

    Where none is there, a specification is looked at away from its analysis, and nothing is said.
    """
    entries = [
        (key, node, workspace.path(node.value))
        for key in ("files", "directories")
        for node in _plain_inputs(document, key)
        if not _unsafe(node.value, bundled=False)
    ]
    if not any(path.exists() for _, _, path in entries):
        return
    for key, node, path in entries:
        if path.is_file() if key == "files" else path.is_dir():
            continue
        message, hint = f'there is no "{node.value}" here, and others of the inputs are there', ""
        if path.exists():
            message = f'"{node.value}" is a {"directory" if key == "files" else "file"}'
            hint = f"list it under inputs.{'directories' if key == 'files' else 'files'}"
        elif path.parent.is_dir():
            folder = dirname(node.value)
            hint = nearest(node.value, [join(folder, name) for name in sorted(os.listdir(path.parent))])
        hint = hint or "is the path right? REANA 0.9 goes on without it, REANA 0.95 refuses the specification"
        report.add(rules.MISSING_INPUT, document.span_of(node), message, hint)


def _check_selection(document: Document, plan: Plan, steps: list[Node], report: Report) -> None:
    """FROM and TARGET choose steps by name, in any case of letters, and drop the others (facts A.2)."""
    for option, lost in (("FROM", plan.inputs), ("TARGET", plan.outputs)):
        node = document.at(("inputs", "options", option))
        if node is None or node.data is None or report.covers(document.span_of(node)):
            continue
        if not node.value.startswith("rucio-stage-"):
            _check_chosen(document, option, node, steps, report)
        if lost:
            which = "rucio-stage-in" if option == "FROM" else "rucio-stage-out"
            message = f"{option} leaves steps out, and {which} may be among them"
            hint = "remove it, or make sure that the data are there"
            report.add(rules.CUT_OFF, document.span_of(node), message, hint)


def _check_chosen(document: Document, option: str, chosen: Node, steps: list[Node], report: Report) -> None:
    """The engine looks at the names from the first step on until one is the wanted; one that is missing kills it."""
    names = []
    for step in steps:
        name = step.get("name")
        if name is None:
            message = f"this step has no name, and {option} is sought among the names"
            report.add(rules.UNADDRESSABLE_STEP, document.span_of(step), message, "add name:")
        elif name.value.lower() == chosen.value.lower():
            return
        else:
            names.append(name.value)
    message = f'{option} names no step, and is ignored: there is no "{chosen.value}"'
    hint = nearest(chosen.value, names) or f"the steps are {', '.join(names) or 'without names'}"
    report.add(rules.UNADDRESSABLE_STEP, document.span_of(chosen), message, hint)


def _check_backends(document: Document, plan: Plan, steps: list[Node], report: Report) -> None:
    """Backends other than Kubernetes get a copy of the workspace (facts A.8)."""
    for step in steps:
        backend = step.get("compute_backend")
        if backend is None or backend.value == "kubernetes":
            continue
        used = [transfer for transfer in plan.inputs if uses(step, transfer)]
        if used:
            message = f'"{used[0].path}" is staged into the workspace, which {backend.value} copies to the job'
            hint = "the copy costs time and space there; read it on kubernetes if it is large"
            report.add(rules.OTHER_BACKEND, document.span_of(backend), message, hint)


def uses(step: Node, transfer: Transfer) -> bool:
    """Whether a command names the path of a transfer, itself or by a parameter that was the expression."""
    keys = [str(each.where[2]) for each in transfer.references if each.where[:2] == ("inputs", "parameters")]
    words = [transfer.path, *(f"${{{key}}}" for key in keys), *(f"${key}" for key in keys)]
    return any(word in each.value for each in _commands([step]) for word in words)


def _check_template(document: Document, command: Node, parameters: Mapping[str, str], report: Report) -> None:
    """REANA expands commands by ``string.Template``, and fails the workflow at what that does not know (facts A.3)."""
    for found in Template.pattern.finditer(command.value) if "$" in command.value else ():
        name = found["named"] or found["braced"]
        if found["escaped"] is not None or name in parameters:
            continue
        if name:
            message = f'REANA reads "{found.group()}" as a parameter, and there is none of that name'
            hint = nearest(name, parameters)
            hint = f"{hint} " if hint else ""
            hint += f"write ${found.group()} for a variable of the shell, or add {name}: to inputs.parameters"
        else:
            message = 'REANA reads "$" as the start of a parameter, and no name follows: the workflow fails'
            hint = "write $$ for a dollar sign"
        span = _place(document, command, found.start(), max(found.end(), found.start() + 1))
        report.add(rules.TEMPLATE_DOLLAR, span, message, hint)


def _check_outputs(document: Document, plan: Plan, steps: list[Node], workspace: Workspace, report: Report) -> None:
    """Outputs that neither a command nor a file of the user's names.

    Of 36 outputs of public serial analyses 8 are named in no command, and all 8 in an uploaded script: so both are
    looked at, and nothing is said where a file cannot be.
    """
    if not plan.outputs:
        return
    commands = "\n".join(command.value for command in _commands(steps))
    used = [value for name, value in _parameters(document).items() if name in commands]
    text = "\n".join([commands, *used])
    missing = [transfer for transfer in plan.outputs if not _named(transfer.path, text)]
    for transfer in _unnamed(missing, document, workspace) if missing else ():
        word = transfer.references[0].expression.path
        message = f'nothing seems to make "{transfer.path}": no command and no uploaded file names it'
        others = [path for path in _PATH.findall(text) if _is_another(path, transfer.path)]
        hint = f'did you mean "{others[0]}"?' if others else "is the path right?"
        hint += " If a program makes it unasked: # rucio: ignore[RR213]"
        report.add(rules.OUTPUT_NOT_PRODUCED, word.span if word else transfer.span, message, hint)


_PATH = re.compile(r"[\w./-]+(?![\w./-])")


def _is_another(path: str, wanted: str) -> bool:
    """Whether a path has the name of the wanted one, and surely is in another directory, wherever the shell is."""
    path = normalised(path.replace("../", ""))
    same_name = basename(path) == basename(wanted)
    return same_name and not f"/{wanted}".endswith(f"/{path}") and not f"/{path}".endswith(f"/{wanted}")


def _named(path: str, text: str) -> bool:
    """Whether a text has an output's path, the directory it is in, its name, or its name without extension."""
    stem = basename(path).partition(".")[0]
    names = [path, dirname(path), basename(path), stem if len(stem) > 2 else ""]
    if not any(name and name in text for name in names):
        return False
    rest = _PATH.sub(lambda found: "" if _is_another(found.group(), path) else found.group(), text)
    return any(name and name in rest for name in names)


def _unnamed(outputs: Iterable[Transfer], document: Document, workspace: Workspace) -> list[Transfer]:
    """The outputs whose name is in no file that is uploaded; none where one of the files cannot be read from here."""
    left = list(outputs)
    try:
        for path in _uploaded(document, workspace):
            data = _beginning(path)
            left = [transfer for transfer in left if basename(transfer.path).encode() not in data]
    except (OSError, ValueError):
        return []
    return left


def _uploaded(document: Document, workspace: Workspace) -> Iterator[Path]:
    """Every file that is uploaded. Raises OSError where there are too many, or none where some should be."""
    number = 0
    for key in ("files", "directories"):
        node = document.at(("inputs", key))
        for item in node.items if node else ():
            if item.kind != "scalar" or re.search(r"\brucio\s*\(", item.value):
                continue
            path = workspace.path(item.value)
            before = number
            for each in [path] if path.is_file() else path.rglob("*"):
                if each.is_file():
                    number += 1
                    yield each
                if number > _MAX_FILES:
                    raise OSError("too many files")
            if number == before:
                raise OSError("no files")


def _beginning(path: Path) -> bytes:
    """The first megabyte of a file, which may be one of data."""
    with path.open("rb") as stream:
        return stream.read(_MAX_FILE)


def _check_files(document: Document, workspace: Workspace, report: Report) -> None:
    """Transfers by hand in the files of the workflow and in the scripts that are uploaded; expressions in the first.

    Only a specification and its parameter file are compiled: an expression elsewhere would reach the engine.
    """
    names = [(name, True) for name in _workflow_files(document, workspace)]
    names += [(node.value, False) for node in _plain_inputs(document, "files") if node.value.endswith(_SCRIPTS)]
    for name, of_workflow in dict(reversed(names)).items():
        text = _text(workspace.path(name))
        if "rucio" not in text or is_ours(text):
            continue
        source = Source(workspace.shown(name), text)
        _check_ignores(source, report)
        for found in transfers_by_hand(text, {}, in_file=True):
            _report_by_hand(Span(source, found.start, found.end), found, report)
        if of_workflow:
            report_expressions(source, report)


_SCRIPTS = (".sh", ".bash", ".py")

# How a file of a workflow names another, and from where: the directory of the file, or the workspace (facts A.2).
_LOADS = {
    "cwl": (re.compile(r"^[ \t-]*(?:run|\$import):[ \t]*[\"']?([^\s\"'#{\[]+)", re.MULTILINE), True),
    "yadage": (re.compile(r"\$ref[\"']?:[ \t]*[\"']?([^\s\"'#}]+)"), False),
    "snakemake": (re.compile(r"^[ \t]*include:\s*[\"']([^\"']+)[\"']", re.MULTILINE), True),
}


def _workflow_files(document: Document, workspace: Workspace) -> list[str]:
    """The file of the workflow and those that it loads, as far as their names stand there."""
    node, engine = document.at(("workflow", "file")), engine_of(document)
    found = [node.value.partition("#")[0]] if node is not None and node.kind == "scalar" else []
    for name in found:  # which grows
        pattern, beside = _LOADS.get(engine, (None, False))
        for other in pattern.findall(_text(workspace.path(name))) if pattern else ():
            path = normpath(join(dirname(name) if beside else "", other))
            if path not in found and not path.startswith(("..", "/")) and len(found) < _MAX_FILES:
                found.append(path)
    return found


def _text(path: Path) -> str:
    """The text of a file; nothing where it cannot be read, which is said where the file is needed."""
    try:
        return _beginning(path).decode("utf-8")
    except (OSError, ValueError):
        return ""


def _report_by_hand(span: Span, found: ByHand, report: Report) -> None:
    message = f'"{found.verb}" exits with 0 when it fails, and the workflow goes on'
    if not found.silent:
        message = f'"{found.verb}" moves data by hand: nothing checks it before the workflow runs'
    hint = f"write under {found.section}: {found.line}"
    report.add(rules.HAND_WRITTEN_TRANSFER, span, message, hint)


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
