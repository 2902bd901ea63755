"""What REANA itself would say of a specification. All of jsonschema is here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from . import resources, rules
from .diagnostics import Report
from .documents import Document, Node, Where, walk
from .instances import nearest
from .scalars import BadNumber, Date
from .source import Span
from .validity import is_surely_valid

VERSIONS = ("0.9", "0.95")

# Of a step: REANA 0.9 does not list them, warns of them, and obeys them all the same (facts A.5).
_TAKEN = ("kubernetes_uid", "slurm_partition", "slurm_time")
_OURS = ("rucio",)  # of the keys at the top
_COUNTED = (("inputs", "files"), ("inputs", "directories"))  # without what is staged, once that is known (limits.py)

_LONGEST_SHOWN = 60  # characters of a value in a message

Finding = tuple[bool, Where, str, str]  # whether REANA refuses it, where, what, the remedy


def check_specification(document: Document, report: Report) -> None:
    """Report what REANA 0.9 and 0.95 refuse or ignore in a specification; a ``rucio:`` block is not looked at."""
    _check_yaml(document, report)
    found = {version: _by_complaint(document, version) for version in VERSIONS}
    every = {complaint: hint for version in VERSIONS for complaint, hint in found[version].items()}
    for complaint, remedy in every.items():
        refused, path, message = complaint
        if path in _COUNTED and "may have at most" in message:
            continue
        versions = [version for version in VERSIONS if complaint in found[version]]
        rule, hint = rules.REANA_REFUSES if refused else rules.REANA_IGNORES, remedy
        if len(versions) < len(VERSIONS):
            if is_taken(refused, path):
                continue
            other = next(version for version in VERSIONS if version not in versions)
            rule, hint = rules.REANA_VERSION, f"if it is for REANA {other} alone: # rucio: ignore[RR303]"
            message = f"REANA {versions[0]} {'refuses' if refused else 'ignores'} this: {message}"
        span = _span(document, path, message)
        if not (report.covers(span) or (len(path) == len(_COUNTED[0]) + 1 and report.meets(span))):
            report.add(rule, span, message, hint)


def is_taken(refused: bool, path: Where) -> bool:
    """Whether a key that a schema does not know has its effect all the same."""
    return not refused and path[-1:] != () and path[-1] in _TAKEN


def _by_complaint(document: Document, version: str) -> dict[tuple[bool, Where, str], str]:
    """The remedies by what they remedy: both versions may complain of a key, and know others in its place."""
    return {(refused, path, message): hint for refused, path, message, hint in findings(document.root.data, version)}


def _check_yaml(document: Document, report: Report) -> None:
    """Report what YAML has and JSON has not: REANA sends a specification as JSON, and 0.95 lets no alias pass."""
    for path, node in walk(document.root):
        span = Span(document.source, node.start, node.end)
        if node.alias and node.kind != "scalar" and "<<" not in path[-1:] and not report.covers(span):
            message = "REANA 0.95 refuses this: an alias of a list or a mapping"
            report.add(rules.REANA_VERSION, span, message, "write it out here")
        elif node.kind == "scalar" and not node.alias and _no_json(node):
            shown = node.value if len(node.value) <= _LONGEST_SHOWN else node.value[:_LONGEST_SHOWN] + "…"
            report.add(rules.REANA_REFUSES, span, f'"{shown}" is {_no_json(node)}', "quote it")
        for key, _ in node.pairs:
            if not isinstance(key.data, str) and not node.alias:
                message = f'REANA 0.95 refuses this: YAML does not read the key "{key.value}" as a string'
                report.add(rules.REANA_VERSION, document.span_of(key), message, "quote it")


def _no_json(node: Node) -> str:
    """What a scalar is that REANA's YAML reader or JSON does not take, or an empty string."""
    value = node.data
    if isinstance(value, Date):
        return "a date to YAML, and REANA refuses dates"
    if isinstance(value, BadNumber):
        return "a number to YAML, and none that can be read, so that REANA refuses it"
    if isinstance(value, float) and (not math.isfinite(value)):
        return "a number that JSON does not have, so that REANA refuses it"
    if node.tag and node.tag.endswith((":int", ":float", ":bool", ":null")) and isinstance(value, str):
        return "not of the type that its tag says, so that REANA refuses it"
    if node.style == "plain" and not node.tag and value in ("=", "<<"):
        return "a sign of YAML's own, so that REANA refuses it"
    return ""


def findings(data: Any, version: str) -> list[Finding]:
    """What one version of REANA refuses or ignores, in order of place."""
    data = {key: value for key, value in data.items() if key != "rucio"}
    if is_surely_valid(data, _schema(version)):
        return []
    return _findings(_validator(version), data)


def findings_by(schema: Any, data: Any) -> list[Finding]:
    """What a schema that is not ours refuses, or does not know, in order of place."""
    from jsonschema.validators import validator_for

    return _findings(validator_for(schema)(schema), data)


def _findings(validator: Any, data: Any) -> list[Finding]:
    found: list[Finding] = []
    for error in validator.iter_errors(data):
        found += _explain(error)
    return sorted(dict.fromkeys(found), key=lambda finding: (repr(finding[1]), finding[2]))


@cache
def _validator(version: str) -> Any:
    from jsonschema import Draft7Validator

    return Draft7Validator(_schema(version))


@cache
def _schema(version: str) -> Any:
    return json.loads(resources.read("schemas", f"reana-{version}.json"))


def _explain(error: Any) -> Iterator[Finding]:
    path, value, limit = tuple(error.absolute_path), error.instance, error.validator_value
    name = f'"{_name(path)}"' if path else "the specification"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for key in value:
            if key not in known:
                yield (
                    False,
                    (*path, key),
                    f'there is no property "{key}" here',
                    nearest(key, [*known, *_OURS] if not path else known) or f"known are {', '.join(known)}",
                )
    elif error.validator == "required":
        for key in limit:
            if key not in value:
                yield True, path, f'{name} has no "{key}"', _instead(key, value, error.schema.get("properties", {}))
    elif error.validator == "type":
        names = [limit] if isinstance(limit, str) else limit
        wanted = " or ".join(_TYPES[each] for each in names)
        hint = _conversion(value, names[0], error.schema.get("properties", {}))
        yield True, path, f"{name} must be {wanted}, and is {_kind(value)}", hint
    elif error.validator == "enum":
        hint = nearest(value, limit) if isinstance(value, str) else ""
        yield True, path, f"{name} must be one of {', '.join(map(str, limit))}", hint
    elif error.validator == "pattern":
        described = error.schema.get("description", f"it must match {limit}").rstrip(".")
        yield True, path, f'{name} cannot be "{value}"', described[0].lower() + described[1:]
    elif error.validator in ("maxItems", "minItems"):
        most = "may have at most" if error.validator == "maxItems" else "must have at least"
        yield True, path, f"{name} {most} {limit} entr{'y' if limit == 1 else 'ies'}, and has {len(value)}", ""
    elif error.validator in ("anyOf", "oneOf"):
        inner = [finding for each in error.context for finding in _explain(each)]
        yield inner[0] if inner else (True, path, f"{name} is of no form that is known here", "")
    else:
        yield True, path, f"{name}: {error.message}", ""


def _instead(missing: str, value: Any, known: Any) -> str:
    """What to do where a key is missing: another one, which is not known, may be meant."""
    near = next((key for key in value if key not in known and nearest(key, [missing])), None)
    return f'rename "{near}"' if near else f"add {missing}:"


def _conversion(value: Any, wanted: str, known: Any) -> str:
    if value is None:
        return "remove the key, or give it a value"
    if wanted == "string":
        return _to_string(value)
    glued = re.match(r"([\w.-]+):(\S+)", value) if isinstance(value, str) else None
    if wanted == "object" and glued:
        return f'a space follows the colon of a key: "{glued[1]}: {glued[2]}"'
    if wanted == "object" and known:
        return f"its keys are {', '.join(known)}"
    return {
        "boolean": "write true or false without quotes",
        "object": "write name: value",
        "array": 'begin each entry with "- "',
    }.get(wanted, "")


def _to_string(value: Any) -> str:
    if isinstance(value, dict):
        return 'quote the whole value: YAML reads what is before ": " as a key, and { } as a mapping'
    return "write one value, without brackets and dashes" if isinstance(value, list) else "quote it"


def _name(path: Where) -> str:
    """The last key of a path, with the indexes behind it: ``steps[0]``."""
    last = max((at for at, key in enumerate(path) if isinstance(key, str)), default=0)
    return str(path[last]) + "".join(f"[{key}]" for key in path[last + 1 :])


_TYPES = {
    "object": "a mapping", "array": "a list", "string": "a string", "boolean": "true or false",
    "integer": "a whole number", "number": "a number", "null": "empty",
}  # fmt: skip


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    names = (
        (dict, "a mapping"), (list, "a list"), (str, "a string"), (Date, "a date"),
        ((int, float, BadNumber), "a number"),
    )  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), type(value).__name__)


def _span(document: Document, path: Where, message: str) -> Span:
    return document.key_span(path) if "no property" in message or " has no " in message else document.span(path)
