"""The files around a specification, sought from its directory (REANA 0.95) or from the current one (REANA 0.9)."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from os.path import isfile  # of a name that no file system takes, pathlib's raises
from pathlib import Path

from . import documents, rules
from .diagnostics import Report
from .documents import Document, Where
from .instances import nearest
from .not_yaml import check_line_breaks
from .source import Span
from .tuples import NamedTuple

STDIN = "<stdin>"  # what messages call a specification that was read from there


class Workspace(NamedTuple):
    """``base`` is the directory that every path of the specification is relative to, and side files are written to."""

    base: Path

    def path(self, name: str) -> Path:
        """Where a file of the workspace is on this machine."""
        return self.base / name

    def name_of(self, document: Document) -> str:
        """How generated files name the specification that they are made for: by its path in the workspace."""
        name = document.source.name
        return "standard input" if name == STDIN else os.path.relpath(name, self.base).replace(os.sep, "/")

    def exists(self, name: str) -> bool:
        """Whether there is a regular file of that name."""
        return isfile(self.path(name))

    def load(
        self, name: str, report: Report, at: Span, hint: str = "", base: str = "the specification"
    ) -> Document | None:
        """The YAML document in a file of the workspace; where it cannot be read, that is reported at the span.

        ``base`` is what the name is relative to.
        """
        if not self._found(name, report, at, hint, base):
            return None
        document = documents.load(self.path(name), report, name=self.shown(name))
        if document:
            check_line_breaks(document.source, report)
        return document

    def read(self, name: str, report: Report, at: Span) -> str | None:
        """The text of a file of the workspace that is not YAML; where it cannot be read, it is reported at the span."""
        if not self._found(name, report, at):
            return None
        try:
            return self.path(name).read_bytes().decode("utf-8")
        except (OSError, ValueError):
            report.add(rules.MISSING_FILE, at, f'the file "{name}" cannot be read as UTF-8 text')
            return None

    def _found(self, name: str, report: Report, at: Span, hint: str = "", base: str = "the specification") -> bool:
        if not self.exists(name):
            folder = self.path(name).parent
            others = [posixpath.join(posixpath.dirname(name), each.name) for each in _files(folder)]
            hint = hint or nearest(name, others) or f"paths are relative to the directory of {base}"
            report.add(rules.MISSING_FILE, at, f'the file "{name}" does not exist', hint)
        return self.exists(name)

    def shown(self, name: str) -> str:
        """How messages call a file of the workspace."""
        return (self.base / name).as_posix() if self.base != Path() else name


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if each.is_file())
    except (OSError, ValueError):  # a ValueError where a name holds NUL
        return []


def own_files(document: Document) -> Iterator[tuple[Where, str]]:
    """Where a specification names files that its engine reads when it loads the workflow, and their names."""
    for where in (("workflow", "file"), parameter_file_at(document)):
        node = document.at(where) if where else None
        if where and node and node.kind == "scalar" and "rucio(" not in node.value:
            yield where, node.value.partition("#")[0]


def parameter_file_at(document: Document) -> Where | None:
    """Where a specification of CWL or Snakemake names the file that replaces its parameters, if it names one.

    For the others ``inputs.parameters.input`` is a parameter like any; ``workflow.parameters.file`` is new in REANA
    0.95, which takes both (facts A.2).
    """
    kind = document.at(("workflow", "type"))
    for where in (("workflow", "parameters", "file"), ("inputs", "parameters", "input")):
        node = document.at(where)
        if kind and kind.value in ("cwl", "snakemake") and node and node.kind == "scalar":
            return where
    return None


def find_workspace(document: Document, directory: Path, report: Report) -> Workspace:
    """The workspace of a specification in a directory: there, or in the current one if only that has its files."""
    here = Path()
    for where, name in own_files(document):
        if not name or isfile(directory / name) or not isfile(here / name):
            continue
        message = f'"{name}" is relative to the current directory, which only REANA 0.9 accepts'
        hint = "REANA 0.95 seeks it in the directory of the specification; keep the two together"
        report.add(rules.OTHER_BASE, document.span(where), message, hint)
        return Workspace(here)
    return Workspace(directory)
