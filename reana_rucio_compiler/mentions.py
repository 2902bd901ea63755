"""Outputs that nothing makes, and staged inputs of which something reads the like: misspelt paths of serial workflows.

A path counts as named where a command, the value of a parameter that it uses, or a file that is uploaded has it, the
directory it is in, its name or its name without extension. Of 36 outputs of public serial analyses 8 are named in no
command, and all 8 in an uploaded script: so both are looked at, and nothing is said where a file cannot be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from posixpath import basename, dirname

from . import rules
from .checks import normalised
from .diagnostics import Report
from .documents import Document, Node
from .model import Plan, Transfer
from .surroundings import beginning, uploaded
from .workspace import Workspace


def check_mentions(
    document: Document, plan: Plan, commands: Sequence[Node], workspace: Workspace, report: Report
) -> None:
    """Report the transfers whose path neither a command nor a file of the user's names, or whose like one does."""
    said = "\n".join(command.value for command in commands)
    if not (plan.inputs or plan.outputs) or not said:
        return
    parameters = document.at(("inputs", "parameters"))
    names = set(re.findall(r"\w+", said))
    text = "\n".join(
        [said, *(value.value for name, value in (parameters.pairs if parameters else ()) if name.value in names)]
    )
    words = set(_PATH.findall(text))
    unclear = [
        each
        for each in (*plan.inputs, *plan.outputs)
        if each.path not in words and not any(of.parameter in names for of in each.references)
    ]
    declared = {each.path for each in (*plan.inputs, *plan.outputs)} | _listed(document)
    found = {each.path: _misspelt(each.path, words - declared, text) for each in unclear[:_MAX]}
    missing = [each for each in unclear[:_MAX] if found[each.path] or not _named(each.path, text)]
    for transfer in _unnamed(missing, document, workspace) if missing else ():
        other = found[transfer.path] or next(
            (each for each in sorted(words - declared) if _is_another(each, transfer.path)), ""
        )
        if other or transfer.direction == "out":  # an image may read what no command names
            _report(transfer, other, report)


def _report(transfer: Transfer, other: str, report: Report) -> None:
    word = transfer.references[0].expression.path
    rule, verb = (rules.INPUT_NOT_READ, "read") if transfer.direction == "in" else (rules.OUTPUT_NOT_PRODUCED, "make")
    message = f'nothing seems to {verb} "{transfer.path}": no command and no uploaded file names it'
    hint = f'did you mean "{other}"?' if other else "is the path right?"
    hint += f" If a program {verb}s it unasked: # rucio: ignore[{rule.code}]"
    report.add(rule, word.span if word else transfer.span, message, hint)


_MAX = 100  # transfers that are looked at closely, each through all commands
_PATH = re.compile(r"[\w./-]+(?![\w./-])")


def _listed(document: Document) -> set[str]:
    """The paths of plain inputs and outputs."""
    nodes = [document.at((section, key)) for section in ("inputs", "outputs") for key in ("files", "directories")]
    return {normalised(item.value) for node in nodes if node for item in node.items if item.kind == "scalar"}


def _misspelt(path: str, others: Iterable[str], text: str) -> str:
    """One of the others that differs from a path by a letter or two, where the path's own name is not in the text."""
    if basename(path) in text:
        return ""
    from difflib import get_close_matches

    near = [other for other in others if dirname(other) == dirname(path)]
    found = get_close_matches(path, near if len(near) < _MAX else (), n=1, cutoff=0.85)
    # The next of a series is none.
    return found[0] if found and re.sub(r"\d", "", found[0]) != re.sub(r"\d", "", path) else ""


def _is_another(path: str, wanted: str) -> bool:
    """Whether a path has the name of the wanted one, and surely is in another directory, wherever the shell is."""
    path = normalised(path.replace("../", ""))
    same_name = basename(path) == basename(wanted)
    return same_name and not f"/{wanted}".endswith(f"/{path}") and not f"/{path}".endswith(f"/{wanted}")


def _named(path: str, text: str) -> bool:
    """Whether a text has a path, the directory it is in, its name, its name without extension, or a glob of it."""
    stem, extension = basename(path).partition(".")[0], basename(path).rpartition(".")[2]
    names = [path, dirname(path), basename(path), stem if len(stem) > 2 else "", f"*.{extension}"]
    if not any(name and name in text for name in names):
        return False
    rest = _PATH.sub(lambda found: "" if _is_another(found.group(), path) else found.group(), text)
    return any(name and name in rest for name in names)


def _unnamed(transfers: Iterable[Transfer], document: Document, workspace: Workspace) -> list[Transfer]:
    """Those whose name is in no file that is uploaded; none where one of the files cannot be read from here."""
    left = list(transfers)
    try:
        for path in uploaded(document, workspace):
            data = beginning(path)
            left = [transfer for transfer in left if basename(transfer.path).encode() not in data]
    except (OSError, ValueError):
        return []
    return left
