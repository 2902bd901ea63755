"""Diagnostics in SARIF 2.1.0, which code scanners and editors read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from .. import __version__, explanations
from ..diagnostics import Diagnostic, Rule
from . import region, relative_path


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """One log with one run; the rules that were found are described in it."""
    rules = list(dict.fromkeys(found.rule for found in diagnostics))
    driver = {"name": "reana-rucio", "semanticVersion": __version__, "rules": [_rule(rule) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(found, rules.index(found.rule)) for found in diagnostics],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"  # without which code scanners refuse a log


def _rule(rule: Rule) -> dict[str, object]:
    text = explanations.load(rule)
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": text.why},
        "help": {"text": text.plain, "markdown": text.markdown},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(found: Diagnostic, index: int) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": quote(relative_path(found))}}
    if found.span.source.text:
        line, column, end_line, end_column = region(found)
        place["region"] = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return {
        "ruleId": found.rule.code,
        "ruleIndex": index,
        "level": found.severity.value,
        "message": {"text": found.message + (f"; {found.hint}" if found.hint else "")},
        "locations": [{"physicalLocation": place}],
    }
