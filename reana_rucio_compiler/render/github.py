"""Diagnostics as GitHub workflow commands, which the runner turns into annotations of the lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from ..diagnostics import Diagnostic, Severity
from . import region, relative_path

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """One command a line."""
    return "".join(_command(found) for found in diagnostics)


def _command(found: Diagnostic) -> str:
    line, column, end_line, end_column = region(found)
    properties = {"file": relative_path(found), "line": line, "endLine": end_line}
    if line == end_line:  # GitHub takes columns only within one line, the last one included
        properties.update(col=column, endColumn=max(column, end_column - 1))
    properties["title"] = f"{found.rule.code} {found.rule.name}"
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = found.message + (f"\nhint: {found.hint}" if found.hint else "")
    return f"::{_COMMANDS[found.severity]} {listed}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
