"""Whose a generated file is: two specifications that share a workflow file must not overwrite each other's.

What ``workflow/main.cwl`` compiles to is called ``workflow/main.rucio.cwl``, whichever specification names it. Its
first line says for which one it was made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from os.path import isfile  # of a name that no file system takes, pathlib's raises
from pathlib import Path
from posixpath import splitext
from typing import TYPE_CHECKING

from . import rules
from .checks import normalised
from .diagnostics import Diagnostic, Report
from .documents import Document, Where
from .specification import compiled_name
from .staging import HEADER, STAGER_FILE
from .workspace import Workspace, own_files, parameter_file_at

if TYPE_CHECKING:
    from .compiler import Compilation

_FROM = rf"^\ufeff?{re.escape(HEADER)} \(output format \d+\) from (?:(.+): edit that file|(.+?) and .+: edit those) "


_WORKFLOW: Where = ("workflow", "file")


def _from(text: str) -> re.Match[str] | None:
    return re.search(_FROM, text, re.MULTILINE) if HEADER in text else None


def compiled_from(path: Path) -> str | None:
    """The specification that a generated file says it is compiled from; None where it says none."""
    found = _from(head(path))
    return found[1] or found[2] if found else None


def specification_from(path: Path) -> str | None:
    """The source of a compiled specification; None for any other file, also for one that is generated beside it."""
    found = _from(head(path))
    return found[1] if found else None


def source_of(spec: Path) -> Path:
    """The file that a compiled specification says it is compiled from, where that stands beside it; else itself."""
    named = compiled_from(spec)
    source = spec.with_name(named) if named else spec
    return source if source.is_file() else spec


def head(path: Path) -> str:
    """How a file begins; nothing where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(1024).decode("utf-8", errors="replace")
    except OSError:
        return ""


def shared(document: Document, files: Mapping[str, str], workspace: Workspace) -> dict[str, str]:
    """The generated files; one that stands there for another specification, and says the same, stays that one's."""
    found = dict(files)
    for name, text in files.items():
        path, mine = workspace.path(name), workspace.name_of(document)
        if not isfile(path):
            continue
        there = path.read_bytes().decode("utf-8", errors="replace")
        owner = compiled_from(path)
        if owner and owner != mine and _said(there) == _said(text) and _is_source(workspace.path(owner)):
            found[name] = there
    return found


def _said(text: str) -> str:
    """A generated text without the name of the specification that it is made for."""
    found = _from(text)
    return text[: found.start(2)] + text[found.end(2) :] if found and found[2] else text


def check_owners(document: Document, files: Mapping[str, str], workspace: Workspace, report: Report) -> None:
    """Report the files that would be written over those of another specification, which still is there."""
    owners = {name: _owner(name, files[name], document, workspace) for name in sorted(files)}
    for found in _clashes(document, owners):
        report.add(found.rule, found.span, found.message, found.hint)


def clashes(results: Iterable[Compilation]) -> Iterator[Diagnostic]:
    """What is to be said of specifications that are checked together: no two may compile to one file."""
    seen: dict[Path, tuple[str, str]] = {}
    for result in results:
        if result.document is None:
            continue
        source, owners = result.document.source.name, {}
        for name, text in sorted(result.files.items()):
            first, owner = seen.setdefault((result.base / name).resolve(), (text, source))
            owners[name] = owner if _said(first) != _said(text) and owner != source else ""
        yield from _clashes(result.document, owners)


def _clashes(document: Document, owners: Mapping[str, str]) -> Iterator[Diagnostic]:
    """One finding for each file of the user's whose compiled form, or what goes with it, is another's (if any)."""
    taken = {name: owner for name, owner in owners.items() if owner}
    originals = dict(own_files(document))
    parameters = parameter_file_at(document)
    for where in (parameters, _WORKFLOW) if parameters else (_WORKFLOW,):  # what is neither goes with the workflow
        name = compiled_name(normalised(originals.get(where, "")))
        if name not in taken and where == _WORKFLOW:
            name = next(iter(taken), "")
        if name in taken:
            yield _clash(document, where, name, taken.pop(name), originals.get(where, ""))


def _clash(document: Document, where: Where, name: str, owner: str, original: str) -> Diagnostic:
    root, extension = splitext(original)
    stem = Path(document.source.name).stem.strip("<>")
    hint = f"let this one have a file of its own, such as a copy {root}-{stem}{extension}"
    if not original:
        hint = "let each have a directory of its own"
    elif name != compiled_name(normalised(original)):
        hint += ", and copies of what it loads"
    message = f'"{name}" would be written for this specification, and "{owner}" needs it with other content'
    hint += f'; if "{owner}" is out of use, remove it'
    span = document.span(where) if original else document.key_span(("workflow",))
    return Diagnostic(rules.SHARED_FILE, span, message, hint)


def _owner(name: str, text: str, document: Document, workspace: Workspace) -> str:
    """The other specification that a generated file belongs to, or an empty string."""
    path, mine = workspace.path(name), workspace.name_of(document)
    if not isfile(path) or path.read_bytes() == text.encode():
        return ""  # the stager is the same for all, and is written anew by each release
    if name.endswith(STAGER_FILE):
        return ""
    named = compiled_from(path)
    owners = [named] if named else _listing(name, workspace)
    return next((each for each in owners if each != mine and _is_source(workspace.path(each))), "")


def _is_source(path: Path) -> bool:
    return path.is_file() and source_of(path) == path


def _listing(name: str, workspace: Workspace) -> list[str]:
    """The sources of the compiled specifications in the workspace that list a file, which itself cannot say so."""
    listed = re.compile(rf"\b{re.escape(name)}\b")
    found = []
    for path in sorted(workspace.base.glob("*.y*ml")):
        source = specification_from(path)
        if source and listed.search(path.read_text(encoding="utf-8", errors="replace")):
            found.append(source)
    return found
