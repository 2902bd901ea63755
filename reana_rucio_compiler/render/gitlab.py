"""Diagnostics as a GitLab Code Quality report, which a merge request shows beside the lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from ..diagnostics import Diagnostic, Severity
from ..digests import sha256
from . import relative_path

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """One JSON list. A fingerprint does not change when a finding moves to another line."""
    seen: Counter[tuple[str, ...]] = Counter()
    entries = []
    for found in diagnostics:
        path = relative_path(found)
        identity = (found.rule.code, path, found.message)
        seen[identity] += 1
        fingerprint = sha256("\0".join((*identity, str(seen[identity]))))
        entries.append(
            {
                "description": found.message + (f" ({found.hint})" if found.hint else ""),
                "check_name": f"{found.rule.code} {found.rule.name}",
                "fingerprint": fingerprint,
                "severity": _SEVERITIES[found.severity],
                "location": {"path": path, "lines": {"begin": found.span.line}},
            }
        )
    return json.dumps(entries, indent=2) + "\n"
