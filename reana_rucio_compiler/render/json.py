"""Diagnostics for programs: one JSON object, described by schemas/report.json."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..diagnostics import Diagnostic, Severity
from . import region, relative_path

FORMAT = 1


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """All diagnostics and how many there are of each severity."""
    count = {severity: sum(found.severity is severity for found in diagnostics) for severity in Severity}
    report = {
        "format": FORMAT,
        "errors": count[Severity.ERROR],
        "warnings": count[Severity.WARNING],
        "notes": count[Severity.NOTE],
        "diagnostics": [_entry(found) for found in diagnostics],
    }
    return json.dumps(report, indent=2) + "\n"


def _entry(found: Diagnostic) -> dict[str, object]:
    line, column, end_line, end_column = region(found)
    return {
        "code": found.rule.code,
        "name": found.rule.name,
        "severity": found.severity.value,
        "message": found.message,
        "hint": found.hint,
        "file": relative_path(found),
        "start": {"line": line, "column": column, "offset": found.span.start},
        "end": {"line": end_line, "column": end_column, "offset": found.span.end},
    }
